//! A purchase is taken as far as it goes.

use super::{Progress, PurchaseError, age_hours, key_is_old};
use crate::domain::ids::PurchaseId;
use crate::domain::payment::purchase::{APPROVAL_HOURS_MAX, PurchaseNews};
use crate::domain::payment::{AttemptEvent, AttemptState, Decline};
use crate::engine::run::Engine;
use crate::providers::paypal::{OrderState, PayPal};
use crate::providers::{Answer, Charge, PaymentProvider as _, Standing};
use crate::store::rows::StoredPurchase;

impl Engine {
    /// Reads how a purchase stands with PayPal, captures it if its customer has
    /// approved it, and books what came of that. Asking again, or in two
    /// processes at once, credits nothing twice.
    ///
    /// # Errors
    /// When PayPal does not answer, or answers what cannot have happened after
    /// what is recorded. The purchase stays as it is recorded.
    pub async fn advance_purchase(
        &self,
        paypal: &PayPal,
        id: PurchaseId,
    ) -> Result<Progress, PurchaseError> {
        let purchase = self.purchase(id).await?;
        match (&purchase.state, purchase.order_reference.clone()) {
            (AttemptState::Succeeded | AttemptState::Returned { .. }, _)
            | (AttemptState::Declined { .. }, None) => Ok(as_it_is(purchase)),
            (_, Some(order)) => {
                let done = self.follow_order(paypal, purchase.clone(), &order).await;
                if let Err(PurchaseError::Call(error)) = &done {
                    self.note_unbookable_purchase(&purchase, error).await?;
                }
                done
            }
            (_, None) if !key_is_old(purchase.created_at, self.clock.now()) => {
                self.create_order(paypal, &purchase).await
            }
            // Whoever was to approve the order never saw where.
            (_, None) => self.close(&purchase, AttemptEvent::NotFound).await,
        }
    }

    async fn follow_order(
        &self,
        paypal: &PayPal,
        purchase: StoredPurchase,
        order: &str,
    ) -> Result<Progress, PurchaseError> {
        let id = purchase.id.to_string();
        let read = paypal.order(order, &id, purchase.amount).await?;
        let approve_url = read.as_ref().and_then(|read| read.approve_url.clone());
        let state = read.map(|read| read.state);
        if !purchase.state.in_flight() {
            // Closed here; PayPal must not have taken money for it since.
            return match state {
                Some(OrderState::Captured(Answer {
                    reference,
                    standing: Standing::Succeeded { .. } | Standing::Pending,
                })) => Err(PurchaseError::TakenAfterAll {
                    purchase: purchase.id,
                    reference,
                }),
                _ => Ok(as_it_is(purchase)),
            };
        }
        let age = age_hours(purchase.created_at, self.clock.now());
        match state {
            Some(OrderState::Captured(answer)) => self.book(&purchase, order, &answer).await,
            // An order is captured once, whatever became of the key: so the age of
            // the key does not matter here, as long as the order says "approved".
            Some(OrderState::Approved) => {
                let charge = Charge {
                    key: &id,
                    amount: purchase.amount,
                    customer: None,
                    instrument: order,
                    description: "Prepaid credit",
                    made_at: purchase.created_at,
                };
                let answer = paypal.take(&charge).await?;
                self.book(&purchase, order, &answer).await
            }
            Some(OrderState::WaitsForPayer) if age < APPROVAL_HOURS_MAX => {
                let waits = PurchaseNews::plain(AttemptEvent::Accepted);
                let recorded = self.record_purchase(purchase.id, &waits, None).await?;
                Ok(Progress {
                    purchase: recorded.purchase,
                    approve_url,
                    invoices: Vec::new(),
                })
            }
            // It lapses: from here on nobody captures it.
            Some(OrderState::WaitsForPayer | OrderState::Voided) => {
                let decline = Decline::canceled();
                self.close(&purchase, AttemptEvent::Declined { decline })
                    .await
            }
            None => {
                let decline = Decline::not_found();
                self.close(&purchase, AttemptEvent::Declined { decline })
                    .await
            }
        }
    }

    /// Books what PayPal says of a capture.
    async fn book(
        &self,
        purchase: &StoredPurchase,
        order: &str,
        answer: &Answer,
    ) -> Result<Progress, PurchaseError> {
        let mut news = PurchaseNews::plain(answer.standing.clone().into());
        if let Standing::Succeeded { fee_minor } = answer.standing {
            news.fee_minor = fee_minor;
        }
        // Without a capture, PayPal's answer is called by the order.
        let capture = Some(answer.reference.as_str()).filter(|reference| *reference != order);
        let recorded = self.record_purchase(purchase.id, &news, capture).await?;
        Ok(Progress {
            purchase: recorded.purchase,
            approve_url: None,
            invoices: recorded.invoices,
        })
    }

    async fn close(
        &self,
        purchase: &StoredPurchase,
        event: AttemptEvent,
    ) -> Result<Progress, PurchaseError> {
        let news = PurchaseNews::plain(event);
        let recorded = self.record_purchase(purchase.id, &news, None).await?;
        Ok(as_it_is(recorded.purchase))
    }
}

const fn as_it_is(purchase: StoredPurchase) -> Progress {
    Progress {
        purchase,
        approve_url: None,
        invoices: Vec::new(),
    }
}
