//! PayPal's events: about orders, captures, refunds, reversals and disputes.

use axum::http::HeaderMap;

use super::{Handled, WebhookError};
use crate::domain::ids::PurchaseId;
use crate::domain::payment::AttemptState;
use crate::engine::dispute::{DisputeClaim, DisputeName, lost};
use crate::engine::run::Engine;
use crate::on;
use crate::providers::paypal::{
    EventError, EventSubject, ForeignRefund, PayPal, PayPalEvent, read_event,
};
use crate::store::rows::{EventKey, EventSource, Refunded, StoredPurchase};

impl From<EventError> for WebhookError {
    fn from(error: EventError) -> Self {
        match error {
            EventError::Call(error) => Self::Call(error),
            EventError::Busy => Self::Busy,
            EventError::Unreadable(_) | EventError::NotSigned => Self::NotTheirs(error.to_string()),
        }
    }
}

impl Engine {
    /// Handles an event of PayPal, given as it came. PayPal is asked whether it sent
    /// it only when nothing here speaks against that, and not about one that is done
    /// with.
    ///
    /// # Errors
    /// When it is not PayPal's, or cannot be handled now.
    pub async fn handle_paypal_event(
        &self,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Handled, WebhookError> {
        let paypal = self.providers.paypal(&self.config)?;
        let unverified = read_event(headers, body)?;
        let key = EventKey {
            source: EventSource::PayPal,
            id: unverified.id(),
        };
        let mut tx = self.store.snapshot().await?;
        let is_handled = on!(&mut tx, conn, q => q::is_event_handled(conn, key).await)?;
        tx.rollback().await?;
        if is_handled {
            return Ok(Handled::Already);
        }
        let event = paypal.verify(unverified).await?;
        let key = EventKey {
            source: EventSource::PayPal,
            id: &event.id,
        };
        let act = Box::pin(self.act_on_paypal(paypal, &event));
        self.handle_event(key, &event.kind, act).await
    }

    async fn act_on_paypal(
        &self,
        paypal: &PayPal,
        event: &PayPalEvent,
    ) -> Result<Handled, WebhookError> {
        match &event.subject {
            EventSubject::Order(id) => {
                let mut tx = self.store.snapshot().await?;
                let found = on!(&mut tx, conn, q => q::find_purchase_by_order(conn, id).await)?;
                tx.rollback().await?;
                let Some(purchase) = found else {
                    return Ok(unknown("order", id));
                };
                self.advance_purchase(paypal, purchase.id).await?;
            }
            EventSubject::Capture(id) => {
                let Some(purchase) = self.purchase_of_capture(paypal, id).await? else {
                    return Ok(unknown("capture", id));
                };
                self.advance_purchase(paypal, purchase.id).await?;
            }
            EventSubject::Refund(id) => {
                let Some(refund) = paypal.foreign_refund(id).await? else {
                    return Ok(unknown("refund", id));
                };
                return self.note_refund(paypal, &refund).await;
            }
            EventSubject::Reversal(id) => {
                let Some(refund) = paypal.foreign_refund(id).await? else {
                    return Ok(unknown("reversal", id));
                };
                let claim = DisputeClaim {
                    source: EventSource::PayPal,
                    name: DisputeName::Reversal(id),
                    currency: refund.amount.currency,
                    news: lost(refund.amount),
                };
                return self
                    .take_back(paypal, "reversal", &refund.capture, &claim)
                    .await;
            }
            EventSubject::Dispute(id) => return self.read_paypal_dispute(paypal, id).await,
            EventSubject::Other => {}
            EventSubject::Unnamed => {
                let problem = "it does not say what it is about".to_owned();
                return Ok(Handled::ForAPerson(problem));
            }
        }
        Ok(Handled::Done)
    }

    /// Reads a dispute and records how it stands, and its payment before, where that
    /// was not told yet.
    pub(in crate::engine) async fn read_paypal_dispute(
        &self,
        paypal: &PayPal,
        id: &str,
    ) -> Result<Handled, WebhookError> {
        let Some(dispute) = paypal.dispute(id).await? else {
            return Ok(unknown("dispute", id));
        };
        let claim = DisputeClaim::of(EventSource::PayPal, &dispute);
        self.take_back(paypal, "dispute", &dispute.payment, &claim)
            .await
    }

    async fn take_back(
        &self,
        paypal: &PayPal,
        what: &'static str,
        capture: &str,
        claim: &DisputeClaim<'_>,
    ) -> Result<Handled, WebhookError> {
        let purchase = match self.paid_purchase(paypal, what, capture).await? {
            Ok(purchase) => purchase,
            Err(handled) => return Ok(handled),
        };
        let of = Refunded::Purchase(purchase.id);
        self.record_dispute(purchase.account, of, claim).await?;
        Ok(Handled::Done)
    }

    /// The purchase of a capture, by what is recorded or by what PayPal says.
    async fn purchase_of_capture(
        &self,
        paypal: &PayPal,
        capture: &str,
    ) -> Result<Option<StoredPurchase>, WebhookError> {
        let mut tx = self.store.snapshot().await?;
        let found = on!(&mut tx, conn, q => q::find_purchase_by_reference(conn, capture).await)?;
        tx.rollback().await?;
        if found.is_some() {
            return Ok(found);
        }
        let owner = paypal.capture_owner(capture).await?;
        let Some(id) = owner.and_then(|id| id.parse::<PurchaseId>().ok()) else {
            return Ok(None);
        };
        let mut tx = self.store.snapshot().await?;
        let found = on!(&mut tx, conn, q => q::find_purchase(conn, id).await)?;
        tx.rollback().await?;
        Ok(found)
    }

    /// The purchase of a capture, with its payment booked first where that was not
    /// told yet; or what becomes of the event, where no payment was taken.
    async fn paid_purchase(
        &self,
        paypal: &PayPal,
        what: &'static str,
        capture: &str,
    ) -> Result<Result<StoredPurchase, Handled>, WebhookError> {
        let Some(purchase) = self.purchase_of_capture(paypal, capture).await? else {
            return Ok(Err(unknown(what, capture)));
        };
        let progress = self.advance_purchase(paypal, purchase.id).await?;
        Ok(match &progress.purchase.state {
            AttemptState::Succeeded | AttemptState::Returned { .. } => Ok(progress.purchase),
            state => Err(Handled::ForAPerson(format!(
                "{what} of {capture}: its purchase is {state}"
            ))),
        })
    }

    /// A refund that is known is read again; one that was made at PayPal is booked as
    /// if it had been made here.
    async fn note_refund(
        &self,
        paypal: &PayPal,
        refund: &ForeignRefund,
    ) -> Result<Handled, WebhookError> {
        if let Some(known) = self.known_refund(refund).await? {
            self.advance_refund(known, Some(&refund.id)).await?;
            return Ok(Handled::Done);
        }
        let id = &refund.id;
        if !refund.is_completed {
            return Ok(Handled::ForAPerson(format!("refund {id} is not completed")));
        }
        let purchase = self.paid_purchase(paypal, "refund", &refund.capture);
        match purchase.await? {
            Ok(purchase) => self.book_foreign_refund(&purchase, refund).await?,
            Err(handled) => return Ok(handled),
        }
        Ok(Handled::Done)
    }
}

fn unknown(what: &'static str, id: &str) -> Handled {
    Handled::ForAPerson(format!("{what} {id} of PayPal's belongs to no purchase"))
}
