//! What was read of a refund, booked in one transaction.

use serde_json::json;

use super::{Payment, RefundError, load, provider_of};
use crate::domain::calendar::Instant;
use crate::domain::ids::RefundId;
use crate::domain::ledger::Entry;
use crate::domain::payment::refund::{
    RefundFacts, RefundNotice, RefundSettlement, RefundedDebt, Split, settle_refund,
};
use crate::domain::payment::{AttemptEvent, AttemptState, InvoiceBalance};
use crate::engine::dunning::restore_paid;
use crate::engine::run::Engine;
use crate::on;
use crate::store::Tx;
use crate::store::rows::{ByPerson, KeyedEntry, NewEntry, NewNotice, Refunded, StoredRefund};

/// Who caused what is booked.
#[derive(Clone, Copy)]
pub(super) enum Cause<'a> {
    /// Somebody of the house: it is kept in the record of what people did.
    Person(ByPerson<'a>),
    Provider(ByPerson<'a>),
}

impl Engine {
    /// Records news of a refund that was `seen` in a state before it was asked
    /// for; what it became, or is already. `None` where another process changed
    /// it meanwhile, so that the news may be older than what is recorded.
    ///
    /// # Errors
    /// When it contradicts what is recorded, or the database refuses.
    pub(super) async fn record_refund(
        &self,
        id: RefundId,
        seen: &AttemptState,
        event: &AttemptEvent,
        reference: Option<&str>,
    ) -> Result<Option<StoredRefund>, RefundError> {
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        let account = find(&mut tx, id).await?.account;
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        // Read again, under the lock.
        let refund = find(&mut tx, id).await?;
        let payment = load(&mut tx, refund.of).await?;
        let has_changed = refund.state != *seen;
        let settled = match settle(&mut tx, &refund, &payment, event).await {
            Err(RefundError::Contradiction { .. }) if has_changed => return Ok(None),
            settled => settled?,
        };
        let Some(settled) = settled else {
            return Ok(Some(refund));
        };
        if settled.overturns && has_changed {
            return Ok(None);
        }
        on!(&mut tx, conn, q => {
            q::decide_refund(conn, &refund, &settled.state, reference, now).await
        })?;
        let failed = settled.state.refusal();
        let failed = failed.map(|refusal| format!("the refund failed: {}", refusal.code));
        let cause = match &failed {
            Some(reason) => Cause::Provider(ByPerson {
                actor: provider_of(refund.of).name(),
                reason,
            }),
            None => Cause::Person(ByPerson {
                actor: &refund.actor,
                reason: &refund.reason,
            }),
        };
        book(&mut tx, &refund, &payment, &settled, cause, now).await?;
        let refund = find(&mut tx, id).await?;
        tx.commit().await?;
        Ok(Some(refund))
    }
}

async fn find(tx: &mut Tx, id: RefundId) -> Result<StoredRefund, RefundError> {
    let found = on!(&mut *tx, conn, q => q::find_refund(conn, id).await)?;
    found.ok_or(RefundError::NoRefund(id))
}

/// Decides what news of a refund does. The caller holds the account.
pub(super) async fn settle(
    tx: &mut Tx,
    refund: &StoredRefund,
    payment: &Payment,
    event: &AttemptEvent,
) -> Result<Option<RefundSettlement>, RefundError> {
    let mut debt = None;
    if let Some(invoice) = payment.invoice {
        let owed = on!(&mut *tx, conn, q => q::debt_of(conn, invoice).await)?;
        debt = Some(RefundedDebt {
            balance: InvoiceBalance::new(owed.total_minor, owed.allocated_minor)?,
            written_off_minor: owed.written_off_minor,
        });
    }
    let facts = RefundFacts {
        state: &refund.state,
        purpose: refund.purpose,
        provider: provider_of(refund.of),
        split: Split {
            amount_minor: refund.amount.minor,
            credit_minor: refund.credit_minor,
        },
        debt,
        booked: on!(&mut *tx, conn, q => {
            q::booked_of_refund(conn, refund.account, refund.id).await
        })?,
    };
    settle_refund(&facts, event).map_err(|source| RefundError::Contradiction {
        refund: refund.id,
        source,
    })
}

/// Writes the entries of a refund, and what is told of it. The caller holds the
/// account.
pub(super) async fn book(
    tx: &mut Tx,
    refund: &StoredRefund,
    payment: &Payment,
    settled: &RefundSettlement,
    cause: Cause<'_>,
    now: Instant,
) -> Result<(), RefundError> {
    let account = refund.account;
    let (Cause::Person(by) | Cause::Provider(by)) = cause;
    let (attempt, purchase) = match refund.of {
        Refunded::Attempt(attempt) => (Some(attempt), None),
        Refunded::Purchase(purchase) => (None, Some(purchase)),
    };
    let subject = refund.id.to_string();
    let first = on!(&mut *tx, conn, q => q::next_entry(conn, account).await)?;
    let currency = refund.amount.currency;
    let moved: Result<Vec<Entry>, _> = settled
        .movements
        .iter()
        .map(|movement| Entry::new(*movement, currency))
        .collect();
    let moved = moved?;
    let entries: Vec<KeyedEntry<'_>> = (first..)
        .zip(&moved)
        .map(|(id, entry)| {
            let moves_debt = entry.movement().allocated_minor() != 0;
            let new = NewEntry {
                invoice: payment.invoice.filter(|_| moves_debt),
                attempt,
                purchase,
                refund: Some(refund.id),
                by: Some(by),
                ..NewEntry::new(account, entry, now)
            };
            KeyedEntry::new(id, &new)
        })
        .collect();
    // In one go: what pays an invoice beyond its debt is taken off it again by the
    // next of them.
    on!(&mut *tx, conn, q => q::write_entries(conn, &entries, now).await)?;
    if let Cause::Person(by) = cause {
        for written in &entries {
            let action = written.entry.movement().code();
            on!(&mut *tx, conn, q => {
                q::write_audit(conn, account, by, action, now, Some(&subject), Some(written.id)).await
            })?;
        }
    }
    if !settled.movements.is_empty() {
        // What failed pays the invoice again.
        restore_paid(&mut *tx, &[account], now).await?;
    }
    if let Some(notice) = settled.notice {
        let notice = notice_of(notice, refund, &settled.state);
        on!(&mut *tx, conn, q => q::insert_notices(conn, &[notice], now).await)?;
    }
    Ok(())
}

fn notice_of(notice: RefundNotice, refund: &StoredRefund, state: &AttemptState) -> NewNotice {
    let topic = notice.topic();
    let (payment, purchase) = match refund.of {
        Refunded::Attempt(attempt) => (Some(attempt.to_string()), None),
        Refunded::Purchase(purchase) => (None, Some(purchase.to_string())),
    };
    NewNotice {
        account: refund.account,
        // Each is told once: what failed stays so.
        key: format!("{topic}:{}", refund.id),
        topic,
        payload: json!({
            "refund": refund.id.to_string(),
            "payment": payment,
            "purchase": purchase,
            "purpose": refund.purpose.code(),
            "amount_minor": refund.amount.minor,
            "currency": refund.amount.currency.code(),
            "decline_code": state.refusal().map(|refusal| refusal.code.as_str()),
        })
        .to_string(),
    }
}
