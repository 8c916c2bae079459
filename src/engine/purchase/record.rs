//! What was read of a purchase, booked in one transaction.

use serde_json::json;

use super::PurchaseError;
use crate::domain::calendar::Instant;
use crate::domain::ids::{AccountId, PurchaseId};
use crate::domain::ledger::{Entry, Movement};
use crate::domain::payment::purchase::{
    PurchaseFacts, PurchaseNews, PurchaseSettlement, settle_purchase,
};
use crate::domain::payment::{PaymentMethod, Trigger};
use crate::engine::collect::{InvoiceOutcome, Request};
use crate::engine::run::Engine;
use crate::on;
use crate::store::Tx;
use crate::store::rows::{NewEntry, NewNotice, StoredPurchase};

/// A top-up is charged right away, due or not (`domain.md` section 3).
const AT_ONCE: Trigger = Trigger::Person {
    only: Some(PaymentMethod::Credit),
};

/// What new credit paid in the transaction that booked it.
pub struct Paid {
    invoices: Vec<InvoiceOutcome>,
    /// Whether there is more that it could pay.
    is_unfinished: bool,
}

/// A purchase after its news.
pub struct Recorded {
    pub purchase: StoredPurchase,
    pub invoices: Vec<InvoiceOutcome>,
}

impl Engine {
    /// Books news of a purchase: its state, the ledger, what the credit pays at
    /// once and the notice stand together or not at all. News that was told
    /// before changes nothing.
    pub(super) async fn record_purchase(
        &self,
        id: PurchaseId,
        news: &PurchaseNews,
        reference: Option<&str>,
    ) -> Result<Recorded, PurchaseError> {
        let account = self.purchase(id).await?.account;
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        // Read again, under the lock.
        let purchase = locked(&mut tx, id).await?;
        let facts = PurchaseFacts {
            state: &purchase.state,
            amount_minor: purchase.amount.minor,
        };
        let settled =
            settle_purchase(&facts, news).map_err(|source| PurchaseError::Unbookable {
                purchase: id,
                source,
            })?;
        let Some(settled) = settled else {
            tx.rollback().await?;
            return Ok(Recorded {
                purchase,
                invoices: Vec::new(),
            });
        };
        let paid = self
            .write_purchase(&mut tx, &purchase, &settled, reference, None, now)
            .await?;
        let purchase = locked(&mut tx, id).await?;
        tx.commit().await?;
        let invoices = self.finish_paying(account, paid).await;
        Ok(Recorded { purchase, invoices })
    }

    /// Writes what was decided of a purchase, or of a dispute of it: the state, the
    /// entries, what its credit pays at once and what is told. The caller holds the
    /// account, commits, and lets [`Self::finish_paying`] do the rest.
    pub(in crate::engine) async fn write_purchase(
        &self,
        tx: &mut Tx,
        purchase: &StoredPurchase,
        settled: &PurchaseSettlement,
        reference: Option<&str>,
        dispute: Option<i64>,
        now: Instant,
    ) -> Result<Paid, PurchaseError> {
        let (account, id) = (purchase.account, purchase.id);
        // Another dispute of one that is taken back already changes nothing of it.
        if settled.state != purchase.state {
            on!(&mut *tx, conn, q => {
                q::decide_purchase(conn, purchase, &settled.state, reference, now).await
            })?;
        }
        let mut last_entry = None;
        let mut is_credited = false;
        for movement in &settled.movements {
            let entry = Entry::new(*movement, purchase.amount.currency)?;
            let new = NewEntry {
                purchase: Some(id),
                dispute,
                ..NewEntry::new(account, &entry, now)
            };
            last_entry = Some(on!(&mut *tx, conn, q => q::write_entry(conn, new).await)?);
            is_credited = matches!(
                movement,
                Movement::CreditBought { .. } | Movement::ChargebackWon { .. }
            );
        }
        let (invoices, is_unfinished) = if is_credited {
            self.charge_locked(tx, account, AT_ONCE).await?
        } else {
            (Vec::new(), false)
        };
        if let Some(notice) = settled.notice {
            let topic = notice.topic();
            // Disputes may come again; all else happens once.
            let key = match (dispute, last_entry) {
                (Some(_), Some(no)) => format!("{topic}:{id}:{no}"),
                _ => format!("{topic}:{id}"),
            };
            let notice = NewNotice {
                account,
                key,
                topic,
                payload: payload(purchase, &invoices),
            };
            on!(&mut *tx, conn, q => q::insert_notices(conn, &[notice], now).await)?;
        }
        Ok(Paid {
            invoices,
            is_unfinished,
        })
    }

    /// Pays with new credit what could not be paid in the transaction that booked it.
    pub(in crate::engine) async fn finish_paying(
        &self,
        account: AccountId,
        paid: Paid,
    ) -> Vec<InvoiceOutcome> {
        let mut invoices = paid.invoices;
        if paid.is_unfinished {
            // A card payment that waits for its customer has to be canceled first.
            let request = Request::of_account(account, AT_ONCE);
            match self.charge_account(account, &request).await {
                Ok(more) => invoices.extend(more),
                // The purchase is booked: collecting pays by it later.
                Err(error) => {
                    tracing::error!(%error, "credit is bought, but pays nothing yet: collect again");
                }
            }
        }
        invoices
    }
}

/// The purchase, read again under its account's lock.
pub(in crate::engine) async fn locked(
    tx: &mut Tx,
    id: PurchaseId,
) -> Result<StoredPurchase, PurchaseError> {
    let found = on!(&mut *tx, conn, q => q::find_purchase(conn, id).await)?;
    found.ok_or_else(|| PurchaseError::NoPurchase(id.to_string()))
}

fn payload(purchase: &StoredPurchase, invoices: &[InvoiceOutcome]) -> String {
    let paid: Vec<String> = invoices
        .iter()
        .filter(|outcome| !outcome.parts.is_empty())
        .map(|outcome| outcome.number.to_string())
        .collect();
    json!({
        "purchase": purchase.id.to_string(),
        "amount_minor": purchase.amount.minor,
        "currency": purchase.amount.currency.code(),
        "invoices_paid": paid,
    })
    .to_string()
}
