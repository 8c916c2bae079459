//! What was read of a purchase, booked in one transaction.

use serde_json::json;

use super::PurchaseError;
use crate::domain::ids::PurchaseId;
use crate::domain::ledger::{Entry, Movement};
use crate::domain::payment::purchase::{PurchaseFacts, PurchaseNews, settle_purchase};
use crate::domain::payment::{PaymentMethod, Trigger};
use crate::engine::collect::{InvoiceOutcome, Request};
use crate::engine::run::Engine;
use crate::on;
use crate::store::Tx;
use crate::store::rows::{NewEntry, NewNotice, StoredPurchase};

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
        let sums = on!(&mut tx, conn, q => q::purchase_sums(conn, account, id).await)?;
        let facts = PurchaseFacts {
            state: &purchase.state,
            amount_minor: purchase.amount.minor,
            refunded_minor: sums.refunded_minor,
            taken_back_minor: sums.taken_back_minor,
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
        on!(&mut tx, conn, q => {
            q::decide_purchase(conn, &purchase, &settled.state, reference, now).await
        })?;
        let mut last_entry = None;
        let mut is_credited = false;
        for movement in &settled.movements {
            let entry = Entry::new(*movement, purchase.amount.currency)?;
            let new = NewEntry {
                purchase: Some(id),
                ..NewEntry::new(account, &entry, now)
            };
            last_entry = Some(on!(&mut tx, conn, q => q::write_entry(conn, new).await)?);
            is_credited = matches!(
                movement,
                Movement::CreditBought { .. } | Movement::ChargebackWon { .. }
            );
        }
        // A top-up is charged right away, due or not (`domain.md` section 3).
        let trigger = Trigger::Person {
            only: Some(PaymentMethod::Credit),
        };
        let (mut invoices, unfinished) = if is_credited {
            self.charge_locked(&mut tx, account, trigger).await?
        } else {
            (Vec::new(), false)
        };
        if let Some(notice) = settled.notice {
            let topic = notice.topic();
            // A dispute may be won and come again; all else happens once.
            let key = match (&settled.movements[..], last_entry) {
                (
                    [Movement::ChargebackOpened { .. } | Movement::ChargebackWon { .. }],
                    Some(no),
                ) => {
                    format!("{topic}:{id}:{no}")
                }
                _ => format!("{topic}:{id}"),
            };
            let notice = NewNotice {
                account,
                key,
                topic,
                payload: payload(&purchase, &invoices),
            };
            on!(&mut tx, conn, q => q::insert_notices(conn, &[notice], now).await)?;
        }
        let purchase = locked(&mut tx, id).await?;
        tx.commit().await?;
        if unfinished {
            // A card payment that waits for its customer has to be canceled first.
            let request = Request::of_account(account, trigger);
            match self.charge_account(account, &request).await {
                Ok(more) => invoices.extend(more),
                // The purchase is booked: collecting pays by it later.
                Err(error) => {
                    tracing::error!(%error, "credit is bought, but pays nothing yet: collect again");
                }
            }
        }
        Ok(Recorded { purchase, invoices })
    }
}

async fn locked(tx: &mut Tx, id: PurchaseId) -> Result<StoredPurchase, PurchaseError> {
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
