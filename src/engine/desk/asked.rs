//! Which invoices somebody asks for, by the names that people know.

use chrono::NaiveDate;

use crate::domain::calendar::PeriodKey;
use crate::domain::ids::AccountId;
use crate::domain::invoice::InvoiceNumber;
use crate::domain::payment::{PaymentMethod, Trigger};
use crate::engine::collect::Request;
use crate::engine::run::Engine;
use crate::on;
use crate::store::StoreError;
use crate::store::rows::InvoiceScope;

/// What is asked for is not there.
#[derive(Debug, thiserror::Error)]
pub enum ScopeError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("there is no account {0:?}")]
    NoAccount(String),
    #[error("there is no invoice {0}")]
    NoInvoice(InvoiceNumber),
}

/// Invoices, by name; all of them where nothing is named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScopeAsked {
    /// The platform's id of the account.
    pub account: Option<String>,
    pub invoice: Option<InvoiceNumber>,
    pub period: Option<PeriodKey>,
}

impl ScopeAsked {
    /// In words, for the audit trail.
    #[must_use]
    pub fn words(&self) -> String {
        let mut words = Vec::new();
        words.extend(
            self.invoice
                .as_ref()
                .map(|number| format!("invoice {number}")),
        );
        words.extend(
            self.account
                .as_ref()
                .map(|account| format!("account {account}")),
        );
        words.extend(self.period.map(|period| format!("month {period}")));
        if words.is_empty() {
            words.push("whatever is due".to_owned());
        }
        words.join(", ")
    }
}

/// What is to be charged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CollectionAsked {
    pub scope: ScopeAsked,
    /// Only invoices for which a payment failed on this day or later.
    pub failed_since: Option<NaiveDate>,
    /// Only by this method.
    pub only: Option<PaymentMethod>,
}

impl Engine {
    /// The account of a name.
    ///
    /// # Errors
    /// When there is none, or the database refuses.
    pub async fn account_named(&self, external_id: &str) -> Result<AccountId, ScopeError> {
        let mut tx = self.store.snapshot().await?;
        let account = on!(&mut tx, conn, q => q::find_account(conn, external_id).await)?;
        tx.rollback().await?;
        account.ok_or_else(|| ScopeError::NoAccount(external_id.to_owned()))
    }

    /// The invoices that are asked for, or only what is open of them.
    ///
    /// # Errors
    /// When the account or the invoice is not there, or the database refuses.
    pub async fn scope(
        &self,
        asked: &ScopeAsked,
        open_only: bool,
    ) -> Result<InvoiceScope, ScopeError> {
        let mut scope = InvoiceScope {
            period: asked.period,
            open_only,
            ..InvoiceScope::all_open()
        };
        if let Some(external_id) = &asked.account {
            let account = self.account_named(external_id).await?;
            scope.accounts = (account, account);
        }
        if let Some(number) = &asked.invoice {
            let mut tx = self.store.snapshot().await?;
            let key = on!(&mut tx, conn, q => q::find_invoice(conn, number).await)?;
            tx.rollback().await?;
            let key = key.ok_or_else(|| ScopeError::NoInvoice(number.clone()))?;
            scope.accounts = (key.account, key.account);
            scope.period = Some(key.period);
        }
        Ok(scope)
    }

    /// What is to be collected. Who names anything does not wait for its day; and who
    /// names a month, an account or an invoice wants to know of the paid ones too,
    /// while without that every invoice there ever was would be told.
    ///
    /// # Errors
    /// As [`Self::scope`].
    pub async fn collection(&self, asked: &CollectionAsked) -> Result<Request, ScopeError> {
        let named = asked.scope.account.is_some() || asked.scope.invoice.is_some();
        let open_only = !named && asked.scope.period.is_none();
        let by_person = named || asked.failed_since.is_some() || asked.only.is_some();
        Ok(Request {
            scope: self.scope(&asked.scope, open_only).await?,
            trigger: if by_person {
                Trigger::Person { only: asked.only }
            } else {
                Trigger::Schedule
            },
            failed_since: asked.failed_since,
        })
    }
}
