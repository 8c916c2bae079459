//! Credit that a person gives, and what it pays at once.

use super::{CollectError, InvoiceOutcome, Request};
use crate::domain::ids::AccountId;
use crate::domain::ledger::{Entry, Movement};
use crate::domain::money::{Money, MoneyError};
use crate::domain::payment::{PaymentMethod, Trigger};
use crate::engine::run::Engine;
use crate::on;
use crate::store::rows::{ByPerson, NewEntry};

/// What became of a grant.
#[derive(Debug, Clone)]
pub struct Granted {
    /// What is left of the account's credit, in minor units.
    pub balance_minor: i64,
    /// What became of each invoice that was open, the oldest first.
    pub invoices: Vec<InvoiceOutcome>,
}

impl Engine {
    /// Gives an account credit, and pays its unpaid invoices by it, due or not,
    /// the oldest first: in one transaction with the record of who did it, unless
    /// a card payment of one has to be canceled before.
    ///
    /// # Errors
    /// When the amount is not positive, in another currency than the account's,
    /// or takes its credit out of range; or when the database refuses.
    pub async fn grant_credit(
        &self,
        account: AccountId,
        money: Money,
        by: ByPerson<'_>,
    ) -> Result<Granted, CollectError> {
        let movement = Movement::CreditGranted {
            amount_minor: money.minor,
        };
        let entry = Entry::new(movement, money.currency)?;
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        let currency = on!(&mut tx, conn, q => q::account_currency(conn, account).await)?;
        if currency != money.currency {
            return Err(CollectError::OtherCurrency {
                account: currency,
                granted: money.currency,
            });
        }
        let before = on!(&mut tx, conn, q => q::credit_balance(conn, account, currency).await)?;
        before
            .checked_add(money.minor)
            .ok_or(MoneyError::Overflow)?;
        let new = NewEntry {
            by: Some(by),
            ..NewEntry::new(account, &entry, now)
        };
        let written = on!(&mut tx, conn, q => q::write_entry(conn, new).await)?;
        on!(&mut tx, conn, q => {
            q::write_audit(conn, account, by, movement.code(), now, None, Some(written)).await
        })?;
        // Credit alone: a gift is no reason to charge a card.
        let trigger = Trigger::Person {
            only: Some(PaymentMethod::Credit),
        };
        let (mut invoices, unfinished) = self.charge_locked(&mut tx, account, trigger).await?;
        tx.commit().await?;
        if unfinished {
            // A payment that waits for its customer has to be canceled first.
            let request = Request::of_account(account, trigger);
            match self.charge_account(account, &request).await {
                Ok(more) => invoices.extend(more),
                // The credit is given: to say otherwise would have it given twice.
                Err(error) => {
                    tracing::error!(%error, "credit is given, but pays nothing yet: collect again");
                }
            }
        }
        let mut tx = self.store.snapshot().await?;
        let balance_minor =
            on!(&mut tx, conn, q => q::credit_balance(conn, account, currency).await)?;
        tx.rollback().await?;
        Ok(Granted {
            balance_minor,
            invoices,
        })
    }
}
