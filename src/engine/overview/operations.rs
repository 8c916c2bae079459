//! What moved an account's debt and its credit, in the customer's own view: what it
//! paid is positive, what it got back is negative.

use crate::domain::calendar::Instant;
use crate::domain::ids::AccountId;
use crate::domain::invoice::InvoiceNumber;
use crate::domain::money::Currency;
use crate::engine::run::Engine;
use crate::on;
use crate::store::StoreError;
use crate::store::rows::AccountMovement;

/// By which way money came or went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationSource {
    Card,
    Sepa,
    PayPal,
    /// The account's own prepaid credit.
    Credit,
    /// The house: credit given, a debt given up.
    House,
}

impl OperationSource {
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::Sepa => "sepa",
            Self::PayPal => "paypal",
            Self::Credit => "credit",
            Self::House => "house",
        }
    }
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Counted from 1 per account.
    pub id: i64,
    pub at: Instant,
    pub currency: Currency,
    pub amount_minor: i64,
    pub source: OperationSource,
    /// A code of the ledger's movements.
    pub movement: String,
    pub invoice: Option<InvoiceNumber>,
}

impl From<AccountMovement> for Operation {
    fn from(moved: AccountMovement) -> Self {
        let source = match (moved.provider.as_deref(), moved.movement.as_str()) {
            (Some("clearing_stripe"), _) => OperationSource::Card,
            (Some("clearing_paypal"), _) => OperationSource::PayPal,
            (Some(_), _) => OperationSource::Sepa,
            (None, "credit_used" | "refunded_to_credit") => OperationSource::Credit,
            (None, _) => OperationSource::House,
        };
        // What pays an invoice is told by the debt it takes away, and what moves
        // credit beside that by the credit.
        let minor = if moved.receivable_minor == 0 {
            moved.credit_minor
        } else {
            moved.receivable_minor
        };
        Self {
            id: moved.entry,
            at: moved.at,
            currency: moved.currency,
            amount_minor: minor.saturating_neg(),
            source,
            movement: moved.movement,
            invoice: moved.invoice,
        }
    }
}

impl Engine {
    /// A page of what moved an account's debt or credit, the latest first, and how
    /// many there are.
    ///
    /// # Errors
    /// When the database refuses or holds nonsense.
    pub async fn account_operations(
        &self,
        account: AccountId,
        limit: i64,
        offset: i64,
    ) -> Result<(Vec<Operation>, i64), StoreError> {
        let mut tx = self.store.snapshot().await?;
        let (moved, of_all) = on!(&mut tx, conn, q => {
            q::movements_of_account(conn, account, limit, offset).await
        })?;
        tx.rollback().await?;
        Ok((moved.into_iter().map(Operation::from).collect(), of_all))
    }
}
