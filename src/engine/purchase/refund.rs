//! Unused credit is paid back through PayPal.

use super::{PurchaseError, key_is_old};
use crate::chance;
use crate::domain::ids::{PurchaseId, RefundId};
use crate::domain::ledger::Entry;
use crate::domain::money::Money;
use crate::domain::payment::purchase::{RefundBounds, check_refund, settle_refund};
use crate::domain::payment::{AttemptEvent, AttemptState, Decline};
use crate::engine::run::Engine;
use crate::on;
use crate::providers::paypal::PayPal;
use crate::providers::{CallError, GiveBack, PaymentProvider as _, Standing};
use crate::store::rows::{ByPerson, NewEntry, NewRefund, RefundPurpose, Refunded, StoredRefund};

impl Engine {
    /// Pays unused credit back to whom it was bought by. From the moment it is
    /// recorded, the credit pays nothing else.
    ///
    /// # Errors
    /// When more would be paid back than was bought or is unused, or PayPal does
    /// not answer: then the refund stands, and reconciling goes on with it.
    pub async fn refund_purchase(
        &self,
        paypal: &PayPal,
        purchase: PurchaseId,
        amount: Money,
        by: ByPerson<'_>,
    ) -> Result<StoredRefund, PurchaseError> {
        let account = self.purchase(purchase).await?.account;
        let now = self.clock.now();
        let id = RefundId::new(now, chance::bytes()?);
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        let bought = on!(&mut tx, conn, q => q::find_purchase(conn, purchase).await)?
            .ok_or_else(|| PurchaseError::NoPurchase(purchase.to_string()))?;
        let currency = bought.amount.currency;
        if currency != amount.currency {
            return Err(PurchaseError::OtherCurrency {
                account: currency,
                asked: amount.currency,
            });
        }
        let sums = on!(&mut tx, conn, q => q::purchase_sums(conn, account, purchase).await)?;
        let bounds = RefundBounds {
            credit_minor: on!(&mut tx, conn, q => {
                q::credit_balance(conn, account, currency).await
            })?,
            amount_minor: bought.amount.minor,
            refunded_minor: sums.refunded_minor.saturating_add(sums.refunding_minor),
        };
        check_refund(&bought.state, bounds, amount)
            .map_err(|source| PurchaseError::NotRefundable { purchase, source })?;
        let new = NewRefund {
            account,
            id,
            of: Refunded::Purchase(purchase),
            purpose: RefundPurpose::UnusedCredit,
            amount,
            state: &AttemptState::Created,
            provider_reference: None,
            by,
            created_at: now,
        };
        on!(&mut tx, conn, q => q::insert_refund(conn, &new).await)?;
        let subject = id.to_string();
        on!(&mut tx, conn, q => {
            q::write_audit(conn, account, by, "credit_refund", now, Some(&subject), None).await
        })?;
        tx.commit().await?;
        match self.advance_refund(paypal, id).await {
            Err(PurchaseError::Call(source)) => Err(PurchaseError::Open {
                what: format!("refund {id}"),
                source,
            }),
            done => done,
        }
    }

    /// Sends a refund whose outcome is out, or asks for it, and books what came
    /// of it.
    ///
    /// # Errors
    /// When PayPal does not answer, or answers what cannot be.
    pub async fn advance_refund(
        &self,
        paypal: &PayPal,
        id: RefundId,
    ) -> Result<StoredRefund, PurchaseError> {
        let refund = self.refund(id).await?;
        if !refund.state.in_flight() {
            return Ok(refund);
        }
        let purchase = self.purchase(purchase_of(&refund)?).await?;
        let payment = purchase
            .provider_reference
            .ok_or_else(|| PurchaseError::Event {
                what: "refund",
                id: id.to_string(),
                problem: "its purchase has no payment".to_owned(),
            })?;
        let key = id.to_string();
        let give_back = GiveBack {
            key: &key,
            payment: &payment,
            amount: refund.amount,
        };
        let known = refund.provider_reference.as_deref();
        // A key that may be forgotten is not sent again, nor is money given back
        // that the customer disputes meanwhile.
        let is_old = key_is_old(refund.created_at, self.clock.now());
        let is_disputed = purchase.state != AttemptState::Succeeded;
        let only_look = known.is_some() || is_old || is_disputed;
        let was_sent = refund.state != AttemptState::Created;
        let mut asked = Ok(None);
        if only_look || was_sent {
            asked = paypal.find_refund(&give_back, known).await;
            if let Err(error @ CallError::Refused { .. }) = asked {
                // A question that is refused tells nothing of the refund.
                return Err(error.into());
            }
        }
        if !only_look && matches!(asked, Ok(None)) {
            if !was_sent {
                // Whoever else goes on with it looks for it first.
                self.record_refund(id, &AttemptEvent::Sent, None).await?;
            }
            asked = paypal.give_back(&give_back).await.map(Some);
        }
        let (event, reference) = match asked {
            Ok(Some(answer)) => {
                let event = match answer.standing {
                    Standing::Succeeded { .. } => AttemptEvent::Succeeded,
                    Standing::Pending => AttemptEvent::Accepted,
                    Standing::Declined(decline) => AttemptEvent::Declined { decline },
                };
                // Without a refund, PayPal's answer is called by the payment.
                let reference = Some(answer.reference).filter(|reference| *reference != payment);
                (event, reference)
            }
            Ok(None) if is_old => (AttemptEvent::NotFound, None),
            // It may still turn up.
            Ok(None) => return Ok(refund),
            Err(error) => {
                let event = match &error {
                    CallError::Lost { .. } | CallError::Unbookable { .. } => AttemptEvent::Lost,
                    CallError::Refused { code, .. } => AttemptEvent::Declined {
                        decline: Decline::paypal(code),
                    },
                    // It is sent by whoever reconciles next.
                    CallError::NotSent { .. } | CallError::Denied { .. } => {
                        return Err(error.into());
                    }
                };
                let recorded = self.record_refund(id, &event, None).await?;
                return match error {
                    CallError::Lost { .. } | CallError::Unbookable { .. } => Err(error.into()),
                    _ => Ok(recorded),
                };
            }
        };
        self.record_refund(id, &event, reference.as_deref()).await
    }

    /// Books news of a refund, once.
    async fn record_refund(
        &self,
        id: RefundId,
        event: &AttemptEvent,
        reference: Option<&str>,
    ) -> Result<StoredRefund, PurchaseError> {
        let account = self.refund(id).await?.account;
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        let refund = on!(&mut tx, conn, q => q::find_refund(conn, id).await)?
            .ok_or_else(|| PurchaseError::NoRefund(id.to_string()))?;
        let settled = settle_refund(&refund.state, refund.amount.minor, event)
            .map_err(|source| PurchaseError::RefundContradiction { refund: id, source })?;
        let Some((next, movement)) = settled else {
            tx.rollback().await?;
            return Ok(refund);
        };
        on!(&mut tx, conn, q => {
            q::decide_refund(conn, &refund, &next, reference, now).await
        })?;
        if let Some(movement) = movement {
            let entry = Entry::new(movement, refund.amount.currency)?;
            let new = NewEntry {
                purchase: Some(purchase_of(&refund)?),
                refund: Some(id),
                by: Some(ByPerson {
                    actor: &refund.actor,
                    reason: &refund.reason,
                }),
                ..NewEntry::new(account, &entry, now)
            };
            on!(&mut tx, conn, q => q::write_entry(conn, new).await)?;
        }
        tx.commit().await?;
        self.refund(id).await
    }

    pub(super) async fn refund(&self, id: RefundId) -> Result<StoredRefund, PurchaseError> {
        let mut tx = self.store.snapshot().await?;
        let found = on!(&mut tx, conn, q => q::find_refund(conn, id).await)?;
        tx.rollback().await?;
        let refund = found.ok_or_else(|| PurchaseError::NoRefund(id.to_string()))?;
        purchase_of(&refund)?;
        Ok(refund)
    }
}

/// The purchase that a refund gives back.
fn purchase_of(refund: &StoredRefund) -> Result<PurchaseId, PurchaseError> {
    match refund.of {
        Refunded::Purchase(purchase) => Ok(purchase),
        Refunded::Attempt(_) => Err(PurchaseError::NoRefund(refund.id.to_string())),
    }
}
