//! A debt given up by a person.

use crate::domain::invoice::InvoiceNumber;
use crate::domain::ledger::{Entry, LedgerError, Movement};
use crate::domain::money::Money;
use crate::domain::payment::InvoiceBalance;
use crate::domain::payment::allocation::AllocationError;
use crate::engine::dunning::restore_paid;
use crate::engine::run::Engine;
use crate::on;
use crate::store::StoreError;
use crate::store::rows::{ByPerson, InvoiceScope, NewEntry, PageBounds};

/// A debt is not given up.
#[derive(Debug, thiserror::Error)]
pub enum WriteOffError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("there is no invoice {0}")]
    NoInvoice(InvoiceNumber),
    #[error("nothing of {0} is open")]
    NothingOpen(InvoiceNumber),
    #[error("a payment of {0} by {1} is in flight: wait for its outcome, or reconcile")]
    InFlight(InvoiceNumber, String),
    #[error("{number}: {source}")]
    Allocation {
        number: InvoiceNumber,
        source: AllocationError,
    },
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl Engine {
    /// Gives up what is open of an invoice: it is not charged any more. A payment
    /// that comes after all takes that back by itself.
    ///
    /// # Errors
    /// When nothing is open, or a payment is in flight.
    pub async fn write_off(
        &self,
        number: &InvoiceNumber,
        by: ByPerson<'_>,
    ) -> Result<Money, WriteOffError> {
        let no_invoice = || WriteOffError::NoInvoice(number.clone());
        let mut tx = self.store.begin().await?;
        let key =
            on!(&mut tx, conn, q => q::find_invoice(conn, number).await)?.ok_or_else(no_invoice)?;
        let account = key.account;
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        let scope = InvoiceScope {
            accounts: (account, account),
            period: Some(key.period),
            open_only: false,
        };
        let attempts =
            on!(&mut tx, conn, q => q::attempts(conn, &scope, PageBounds::first(i64::MAX)).await)?;
        let mut own = attempts.iter().filter(|attempt| attempt.invoice == key);
        if let Some(out) = own.find(|attempt| attempt.state.in_flight()) {
            let method = out.by.method().to_string();
            return Err(WriteOffError::InFlight(number.clone(), method));
        }
        let debt = on!(&mut tx, conn, q => q::debt_of(conn, key).await)?;
        let balance =
            InvoiceBalance::new(debt.total_minor, debt.allocated_minor).map_err(|source| {
                WriteOffError::Allocation {
                    number: number.clone(),
                    source,
                }
            })?;
        if balance.is_paid() {
            return Err(WriteOffError::NothingOpen(number.clone()));
        }
        let amount_minor = balance.open_minor();
        let movement = Movement::WrittenOff { amount_minor };
        let entry = Entry::new(movement, debt.currency)?;
        let now = self.clock.now();
        let new = NewEntry {
            invoice: Some(key),
            by: Some(by),
            ..NewEntry::new(account, &entry, now)
        };
        let written = on!(&mut tx, conn, q => q::write_entry(conn, new).await)?;
        restore_paid(&mut tx, &[account], now).await?;
        let subject = number.to_string();
        on!(&mut tx, conn, q => {
            q::write_audit(conn, account, by, movement.code(), now, Some(&subject), Some(written)).await
        })?;
        tx.commit().await?;
        Ok(Money::new(amount_minor, debt.currency))
    }
}
