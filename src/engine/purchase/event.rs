//! What PayPal tells of by itself: verified, recorded, read anew, acted upon.

use reqwest::header::HeaderMap;

use super::PurchaseError;
use crate::domain::ids::PurchaseId;
use crate::domain::payment::purchase::PurchaseNews;
use crate::domain::payment::{AttemptEvent, AttemptState, Decline};
use crate::engine::run::Engine;
use crate::on;
use crate::providers::paypal::{
    DisputeStanding, EventError, EventSubject, ForeignRefund, PayPal, PayPalEvent,
};
use crate::store::rows::{EventKey, EventSource, StoredPurchase};

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventOutcome {
    Handled,
    /// It came before.
    HandledBefore,
    /// It is kept, and a person has to look.
    Kept {
        problem: String,
    },
}

/// An event was not taken: PayPal should send it again, or nobody should.
#[derive(Debug, thiserror::Error)]
pub enum HandleError {
    #[error(transparent)]
    Event(#[from] EventError),
    #[error(transparent)]
    Purchase(#[from] PurchaseError),
}

impl Engine {
    /// Takes an event that came with these headers. It is handled once, however
    /// often it comes; what it tells is read from PayPal again.
    ///
    /// # Errors
    /// When PayPal did not send it, or cannot be asked now. An event that can
    /// never be handled is no error: it is kept with its problem.
    pub async fn handle_paypal_event(
        &self,
        paypal: &PayPal,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<EventOutcome, HandleError> {
        let event = paypal.receive(headers, body).await?;
        let key = EventKey {
            source: EventSource::PayPal,
            id: &event.id,
        };
        let now = self.clock.now();
        let received = self.receive_event(key, &event.kind).await;
        if received.map_err(PurchaseError::from)? {
            return Ok(EventOutcome::HandledBefore);
        }
        let done = self.act(paypal, &event).await;
        let mut tx = self.store.begin().await.map_err(PurchaseError::from)?;
        let marked = match &done {
            Ok(()) => on!(&mut tx, conn, q => q::mark_event_handled(conn, key, now).await),
            Err(error) => {
                let problem = error.to_string();
                on!(&mut tx, conn, q => q::mark_event_problem(conn, key, &problem).await)
            }
        };
        marked.map_err(PurchaseError::from)?;
        tx.commit().await.map_err(PurchaseError::from)?;
        match done {
            Ok(()) => Ok(EventOutcome::Handled),
            Err(error) if error.is_passing() => Err(error.into()),
            Err(error) => Ok(EventOutcome::Kept {
                problem: error.to_string(),
            }),
        }
    }

    async fn act(&self, paypal: &PayPal, event: &PayPalEvent) -> Result<(), PurchaseError> {
        match &event.subject {
            EventSubject::Order(id) => {
                let mut tx = self.store.snapshot().await?;
                let found = on!(&mut tx, conn, q => q::find_purchase_by_order(conn, id).await)?;
                tx.rollback().await?;
                let purchase = found.ok_or_else(|| unknown("order", id))?;
                self.advance_purchase(paypal, purchase.id).await?;
                Ok(())
            }
            EventSubject::Capture(id) => {
                let purchase = self.purchase_of_capture(paypal, "capture", id).await?;
                self.advance_purchase(paypal, purchase.id).await?;
                Ok(())
            }
            EventSubject::Refund(id) => {
                let refund = read_refund(paypal, id).await?;
                self.note_refund(paypal, &refund).await
            }
            EventSubject::Reversal(id) => {
                let refund = read_refund(paypal, id).await?;
                let purchase = self
                    .paid_purchase(paypal, "reversal", &refund.capture)
                    .await?;
                self.take_back(&purchase, refund.amount, "reversal", id)
                    .await
            }
            EventSubject::Dispute(id) => {
                let dispute = paypal.dispute(id).await?;
                let dispute = dispute.ok_or_else(|| unknown("dispute", id))?;
                let purchase = self
                    .paid_purchase(paypal, "dispute", &dispute.capture)
                    .await?;
                match dispute.standing {
                    DisputeStanding::TakenBack => {
                        self.take_back(&purchase, dispute.amount, "dispute", id)
                            .await
                    }
                    DisputeStanding::Won => {
                        let news = PurchaseNews::plain(AttemptEvent::WonBack);
                        self.record_purchase(purchase.id, &news, None).await?;
                        Ok(())
                    }
                    DisputeStanding::Unclear { outcome } => Err(PurchaseError::Event {
                        what: "dispute",
                        id: id.clone(),
                        problem: format!("was resolved as {outcome}: who has the money?"),
                    }),
                }
            }
            EventSubject::Other => Ok(()),
            EventSubject::Unnamed => Err(PurchaseError::Event {
                what: "event",
                id: event.id.clone(),
                problem: "does not say what it is about".to_owned(),
            }),
        }
    }

    async fn take_back(
        &self,
        purchase: &StoredPurchase,
        amount: crate::domain::money::Money,
        what: &'static str,
        id: &str,
    ) -> Result<(), PurchaseError> {
        let currency = purchase.amount.currency;
        if amount.currency != currency || amount.minor <= 0 {
            return Err(PurchaseError::Event {
                what,
                id: id.to_owned(),
                problem: format!("is of {amount}, the purchase of {}", purchase.amount),
            });
        }
        let news = PurchaseNews {
            taken_back_minor: amount.minor,
            ..PurchaseNews::plain(AttemptEvent::Returned {
                reason: Decline::chargeback(),
            })
        };
        self.record_purchase(purchase.id, &news, None).await?;
        Ok(())
    }

    /// The purchase of a capture, by what is recorded or by what PayPal says.
    async fn purchase_of_capture(
        &self,
        paypal: &PayPal,
        what: &'static str,
        capture: &str,
    ) -> Result<StoredPurchase, PurchaseError> {
        let mut tx = self.store.snapshot().await?;
        let found = on!(&mut tx, conn, q => q::find_purchase_by_reference(conn, capture).await)?;
        tx.rollback().await?;
        if let Some(purchase) = found {
            return Ok(purchase);
        }
        let owner = paypal.capture_owner(capture).await?;
        let id = owner
            .as_deref()
            .and_then(|id| id.parse::<PurchaseId>().ok());
        let id = id.ok_or_else(|| unknown(what, capture))?;
        match self.purchase(id).await {
            Err(PurchaseError::NoPurchase(_)) => Err(unknown(what, capture)),
            found => found,
        }
    }

    /// As [`Self::purchase_of_capture`], with its payment booked first where that
    /// was not told yet.
    async fn paid_purchase(
        &self,
        paypal: &PayPal,
        what: &'static str,
        capture: &str,
    ) -> Result<StoredPurchase, PurchaseError> {
        let purchase = self.purchase_of_capture(paypal, what, capture).await?;
        let progress = self.advance_purchase(paypal, purchase.id).await?;
        let state = &progress.purchase.state;
        if matches!(
            state,
            AttemptState::Succeeded | AttemptState::Returned { .. }
        ) {
            return Ok(progress.purchase);
        }
        Err(PurchaseError::Event {
            what,
            id: capture.to_owned(),
            problem: format!("its purchase is {state}"),
        })
    }

    /// A refund that is known is read again; one that was made at PayPal is
    /// booked as if it had been made here.
    async fn note_refund(
        &self,
        paypal: &PayPal,
        refund: &ForeignRefund,
    ) -> Result<(), PurchaseError> {
        if let Some(known) = self.known_refund(refund).await? {
            self.advance_refund(known, Some(&refund.id)).await?;
            return Ok(());
        }
        if !refund.is_completed {
            return Err(PurchaseError::Event {
                what: "refund",
                id: refund.id.clone(),
                problem: "is not completed".to_owned(),
            });
        }
        let purchase = self
            .paid_purchase(paypal, "refund", &refund.capture)
            .await?;
        Ok(self.book_foreign_refund(&purchase, refund).await?)
    }
}

async fn read_refund(paypal: &PayPal, id: &str) -> Result<ForeignRefund, PurchaseError> {
    let refund = paypal.foreign_refund(id).await?;
    refund.ok_or_else(|| unknown("refund", id))
}

fn unknown(what: &'static str, id: &str) -> PurchaseError {
    PurchaseError::Event {
        what,
        id: id.to_owned(),
        problem: "belongs to no purchase".to_owned(),
    }
}
