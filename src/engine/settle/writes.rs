//! What settlements write, of one attempt as of thousands: put together here,
//! whoever brings the news, and written in one go.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;
use serde_json::json;

use crate::domain::calendar::Instant;
use crate::domain::ids::{AccountId, AttemptId, PaymentMethodId};
use crate::domain::invoice::InvoiceNumber;
use crate::domain::ledger::{Entry, LedgerError, Movement};
use crate::domain::money::Money;
use crate::domain::payment::{AttemptState, Instrument, Notice, PaymentMethod, Settlement};
use crate::engine::dunning::restore_paid;
use crate::on;
use crate::store::rows::{
    AttemptChange, BankAttempt, ByPerson, HardDecline, InvoiceKey, KeyedEntry, NewNotice,
    StoredAttempt,
};
use crate::store::{StoreError, Tx};

/// An attempt as its settlement writes about it.
#[derive(Debug, Clone, Copy)]
pub struct Settling<'a> {
    pub id: AttemptId,
    pub invoice: InvoiceKey,
    pub number: &'a InvoiceNumber,
    pub by: Instrument,
    pub amount: Money,
    /// As it was read under the account's lock.
    pub before: &'a AttemptState,
    /// The key of the account's last entry as it was read with it; 0 where there
    /// is none.
    pub last_entry: i64,
    /// The dispute that a chargeback among its movements is of.
    pub dispute: Option<i64>,
}

impl<'a> Settling<'a> {
    pub const fn stored(attempt: &'a StoredAttempt, last_entry: i64) -> Self {
        Self {
            id: attempt.id,
            invoice: attempt.invoice,
            number: &attempt.number,
            by: attempt.by,
            amount: Money::new(attempt.amount_minor, attempt.currency),
            before: &attempt.state,
            last_entry,
            dispute: None,
        }
    }
}

impl<'a> From<&'a BankAttempt> for Settling<'a> {
    fn from(attempt: &'a BankAttempt) -> Self {
        Self {
            id: attempt.id,
            invoice: attempt.invoice,
            number: &attempt.number,
            by: attempt.by,
            amount: Money::new(attempt.amount_minor, attempt.currency),
            before: &attempt.state,
            last_entry: attempt.last_entry,
            dispute: None,
        }
    }
}

/// The rows of any number of settlements. Of one account, all of them are of one
/// transaction that holds it.
#[derive(Debug, Default)]
pub struct Writes<'a> {
    /// One for each attempt, from what it was to what it became in the end.
    changes: BTreeMap<AttemptId, AttemptChange>,
    entries: Vec<KeyedEntry<'a>>,
    last_entry: FxHashMap<AccountId, i64>,
    notices: Vec<NewNotice>,
    ruled_out: Vec<HardDecline>,
    /// Mandates with a collection that never took place.
    rejected: BTreeSet<(AccountId, PaymentMethodId)>,
}

impl<'a> Writes<'a> {
    /// Adds a settlement. `by` is who decided it, where a person did, and
    /// `reference` what its provider calls the payment.
    ///
    /// # Errors
    /// When a movement is none.
    pub fn add(
        &mut self,
        attempt: &Settling<'_>,
        settlement: &Settlement,
        reference: Option<&str>,
        by: Option<ByPerson<'a>>,
    ) -> Result<(), LedgerError> {
        let account = attempt.invoice.account;
        let last = self.last_entry.entry(account).or_insert(attempt.last_entry);
        for movement in &settlement.movements {
            let entry = Entry::new(*movement, attempt.amount.currency)?;
            let is_of_dispute = matches!(
                movement,
                Movement::ChargebackOpened { .. } | Movement::ChargebackWon { .. }
            );
            *last = last.saturating_add(1);
            self.entries.push(KeyedEntry {
                account,
                id: *last,
                entry,
                invoice: Some(attempt.invoice),
                attempt: Some(attempt.id),
                purchase: None,
                refund: None,
                dispute: attempt.dispute.filter(|_| is_of_dispute),
                by,
            });
        }
        if let Some(notice) = settlement.notice {
            self.notices
                .push(notice_of(notice, attempt, &settlement.state, *last));
        }
        let refusal = settlement.state.refusal();
        if settlement.disables_method
            && let (Instrument::Card(method) | Instrument::Sepa(method), Some(refusal)) =
                (attempt.by, refusal)
        {
            self.ruled_out.push(HardDecline {
                account,
                method,
                code: refusal.code.clone(),
            });
        }
        if let (Instrument::Sepa(method), AttemptState::Declined { .. }) =
            (attempt.by, &settlement.state)
        {
            self.rejected.insert((account, method));
        }
        // Another dispute of a payment that is taken back already changes nothing of it.
        if settlement.state == *attempt.before {
            return Ok(());
        }
        // Settled and returned at once: written as it ended.
        let change = self
            .changes
            .entry(attempt.id)
            .or_insert_with(|| AttemptChange {
                account,
                id: attempt.id,
                before: attempt.before.code(),
                after: settlement.state.clone(),
                reference: None,
            });
        change.after.clone_from(&settlement.state);
        if let Some(reference) = reference {
            change.reference = Some(reference.to_owned());
        }
        Ok(())
    }

    /// Writes all of it. The caller holds the accounts and commits.
    ///
    /// # Errors
    /// When an attempt is in another state by now, is settled already, or the
    /// database refuses.
    pub async fn write(self, tx: &mut Tx, now: Instant) -> Result<(), StoreError> {
        let changes: Vec<AttemptChange> = self.changes.into_values().collect();
        let rejected: Vec<_> = self.rejected.into_iter().collect();
        on!(&mut *tx, conn, q => q::change_attempts(conn, &changes, now).await)?;
        on!(&mut *tx, conn, q => q::write_entries(conn, &self.entries, now).await)?;
        let moved: BTreeSet<AccountId> = self.entries.iter().map(|entry| entry.account).collect();
        let moved: Vec<AccountId> = moved.into_iter().collect();
        restore_paid(tx, &moved, now).await?;
        on!(&mut *tx, conn, q => q::write_notices(conn, &self.notices, now).await)?;
        on!(&mut *tx, conn, q => q::rule_out_methods(conn, &self.ruled_out, now).await)?;
        on!(&mut *tx, conn, q => q::forget_rejected_collections(conn, &rejected).await)?;
        Ok(())
    }
}

/// What is told of it. A dispute can come again, so its entry tells it apart.
fn notice_of(
    notice: Notice,
    attempt: &Settling<'_>,
    state: &AttemptState,
    entry: i64,
) -> NewNotice {
    let topic = notice.topic();
    let id = attempt.id;
    NewNotice {
        account: attempt.invoice.account,
        key: match notice {
            Notice::ChargebackOpened | Notice::ChargebackWon => format!("{topic}:{id}:{entry}"),
            _ => format!("{topic}:{id}"),
        },
        topic,
        payload: told_of(
            id,
            attempt.number,
            attempt.by.method(),
            attempt.amount,
            state,
        ),
    }
}

fn told_of(
    payment: AttemptId,
    number: &InvoiceNumber,
    method: PaymentMethod,
    amount: Money,
    state: &AttemptState,
) -> String {
    let refusal = state.refusal();
    json!({
        "payment": payment.to_string(),
        "invoice": number.to_string(),
        "method": method.code(),
        "amount_minor": amount.minor,
        "currency": amount.currency.code(),
        "decline_code": refusal.map(|refusal| refusal.code.as_str()),
        "decline_class": refusal.map(|refusal| refusal.class.code()),
    })
    .to_string()
}
