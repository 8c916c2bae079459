//! What providers tell by themselves. An event is only a hint: it is verified,
//! written down, and leads to reading the object it names again; what was read is
//! recorded. So events may come twice, late or in another order.

use axum::http::HeaderMap;

use crate::domain::ids::{AttemptId, RefundId};
use crate::domain::money::Money;
use crate::domain::payment::{AttemptEvent, Decline, News};
use crate::engine::collect::{CollectError, news_of};
use crate::engine::methods::{CardAdded, CardError};
use crate::engine::providers::ProviderError;
use crate::engine::purchase::{EventOutcome, HandleError, PurchaseError};
use crate::engine::refund::RefundError;
use crate::engine::run::Engine;
use crate::engine::settle::SettleError;
use crate::on;
use crate::providers::paypal::EventError;
use crate::providers::stripe::webhook::{StripeEvent, verify};
use crate::providers::stripe::{DisputeStanding, SetupError, Stripe};
use crate::providers::{CallError, Charge, PaymentProvider as _};
use crate::store::StoreError;
use crate::store::rows::{EventKey, EventSource, StoredAttempt};

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handled {
    Done,
    /// It was handled before.
    Already,
    /// It is about nothing that is kept here.
    Ignored,
    /// It is written down with its problem.
    ForAPerson(String),
}

/// An event is not handled; its provider will send it again.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// Its signature is missing or wrong, or it is no event at all. Nothing of
    /// it is kept.
    #[error("the event is not the provider's: {0}")]
    NotTheirs(String),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Provider(#[from] ProviderError),
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(transparent)]
    Settle(#[from] SettleError),
    #[error(transparent)]
    Refund(#[from] RefundError),
    #[error(transparent)]
    Method(#[from] CardError),
    #[error(transparent)]
    Collect(#[from] CollectError),
    #[error(transparent)]
    Purchase(#[from] PurchaseError),
}

impl WebhookError {
    /// Whether the same event may fare better later, without a person.
    const fn is_passing(&self) -> bool {
        match self {
            Self::Store(_) | Self::Provider(_) => true,
            Self::Call(call) | Self::Method(CardError::Call(call)) => {
                !matches!(call, CallError::Refused { .. })
            }
            Self::Settle(error) => matches!(error, SettleError::Store(_)),
            Self::Refund(error) => error.is_passing(),
            Self::Method(error) => matches!(
                error,
                CardError::Store(_) | CardError::Provider(_) | CardError::Collect(_)
            ),
            Self::Collect(_) => true,
            Self::Purchase(error) => error.is_passing(),
            Self::NotTheirs(_) => false,
        }
    }
}

impl Engine {
    /// Handles an event of Stripe, given as it came.
    ///
    /// # Errors
    /// When it is not Stripe's, or cannot be handled now.
    pub async fn handle_stripe_event(
        &self,
        signature: &str,
        body: &[u8],
    ) -> Result<Handled, WebhookError> {
        let stripe = self.providers.stripe(&self.config)?;
        let settings = self.config.stripe.as_ref();
        let settings = settings.ok_or(ProviderError::NotSet("stripe"))?;
        let secret = settings.webhook_secret.read().map_err(SetupError::from);
        let secret = secret.map_err(ProviderError::from)?;
        let event = verify(body, signature, &secret, self.clock.now())
            .map_err(|error| WebhookError::NotTheirs(error.to_string()))?;
        let key = EventKey {
            source: EventSource::Stripe,
            id: &event.id,
        };
        if self.receive_event(key, &event.kind).await? {
            return Ok(Handled::Already);
        }
        let handled = match self.act_on_stripe(stripe, &event).await {
            Ok(handled) => handled,
            Err(error) => {
                let handled = Handled::ForAPerson(error.to_string());
                if error.is_passing() {
                    self.end_event(key, &handled).await?;
                    return Err(error);
                }
                // Trying again would find the same.
                handled
            }
        };
        self.end_event(key, &handled).await?;
        Ok(handled)
    }

    /// Handles an event of PayPal, given as it came.
    ///
    /// # Errors
    /// When it is not PayPal's, or cannot be handled now.
    pub async fn handle_paypal_webhook(
        &self,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Handled, WebhookError> {
        let paypal = self.providers.paypal(&self.config)?;
        match self.handle_paypal_event(paypal, headers, body).await {
            Ok(EventOutcome::Handled) => Ok(Handled::Done),
            Ok(EventOutcome::HandledBefore) => Ok(Handled::Already),
            Ok(EventOutcome::Kept { problem }) => Ok(Handled::ForAPerson(problem)),
            Err(HandleError::Event(EventError::Call(error))) => Err(error.into()),
            Err(HandleError::Event(error)) => Err(WebhookError::NotTheirs(error.to_string())),
            Err(HandleError::Purchase(error)) => Err(error.into()),
        }
    }

    /// Writes an event down; whether it was handled before.
    pub(super) async fn receive_event(
        &self,
        key: EventKey<'_>,
        kind: &str,
    ) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        let handled = on!(&mut tx, conn, q => q::receive_event(conn, key, kind, now).await)?;
        tx.commit().await?;
        Ok(handled)
    }

    /// Writes down what became of an event.
    async fn end_event(&self, key: EventKey<'_>, handled: &Handled) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        match handled {
            Handled::ForAPerson(problem) => {
                on!(&mut tx, conn, q => q::mark_event_problem(conn, key, problem).await)?;
            }
            Handled::Done | Handled::Already | Handled::Ignored => {
                on!(&mut tx, conn, q => q::mark_event_handled(conn, key, now).await)?;
            }
        }
        tx.commit().await
    }

    async fn act_on_stripe(
        &self,
        stripe: &Stripe,
        event: &StripeEvent,
    ) -> Result<Handled, WebhookError> {
        let id = event.object.id.as_str();
        match event.kind.as_str() {
            "payment_intent.succeeded"
            | "payment_intent.payment_failed"
            | "payment_intent.processing"
            | "payment_intent.requires_action"
            | "payment_intent.canceled" => self.read_payment(stripe, id).await,
            "setup_intent.succeeded" => match self.finish_card(id).await {
                Ok(CardAdded::Added { .. } | CardAdded::Already(_)) => Ok(Handled::Done),
                Ok(CardAdded::NotYet(reason)) => Ok(Handled::ForAPerson(reason.to_owned())),
                // Somebody else uses the same Stripe account.
                Err(CardError::NoCustomer(_)) => Ok(Handled::Ignored),
                Err(error) => Err(error.into()),
            },
            "charge.dispute.created"
            | "charge.dispute.updated"
            | "charge.dispute.funds_withdrawn"
            | "charge.dispute.funds_reinstated"
            | "charge.dispute.closed" => self.read_dispute(stripe, id).await,
            "refund.created" | "refund.updated" | "refund.failed" | "charge.refund.updated" => {
                self.read_refund(stripe, id).await
            }
            _ => Ok(Handled::Ignored),
        }
    }

    /// Reads a payment again and records how it stands.
    async fn read_payment(&self, stripe: &Stripe, id: &str) -> Result<Handled, WebhookError> {
        let attempt = match self.attempt_of(stripe, id).await? {
            Whose::Ours(attempt) => attempt,
            Whose::Others => return Ok(Handled::Ignored),
            Whose::Unknown => {
                return Ok(Handled::ForAPerson(format!("no payment of ours is {id}")));
            }
        };
        let key = attempt.id.to_string();
        let charge = Charge {
            key: &key,
            amount: Money::new(attempt.amount_minor, attempt.currency),
            customer: None,
            instrument: "",
            description: "",
            made_at: attempt.created_at,
        };
        let Some(answer) = stripe.find(&charge, Some(id)).await? else {
            return Ok(Handled::ForAPerson(format!("{id} is not there any more")));
        };
        let account = attempt.invoice.account;
        let news = news_of(&answer);
        self.settle_attempt(account, attempt.id, &news, Some(id))
            .await?;
        Ok(Handled::Done)
    }

    async fn read_dispute(&self, stripe: &Stripe, id: &str) -> Result<Handled, WebhookError> {
        let dispute = stripe.dispute(id).await?;
        let payment = dispute.payment.as_str();
        let attempt = match self.attempt_of(stripe, payment).await? {
            Whose::Ours(attempt) => attempt,
            Whose::Others => return Ok(Handled::Ignored),
            Whose::Unknown => {
                let problem = format!("no payment of ours is {payment}");
                return Ok(Handled::ForAPerson(problem));
            }
        };
        let (event, fee_minor) = match dispute.standing {
            // No money moved: the bank asks.
            DisputeStanding::Inquiry => return Ok(Handled::Ignored),
            DisputeStanding::Open | DisputeStanding::Lost => {
                let reason = Decline::chargeback();
                (AttemptEvent::Returned { reason }, dispute.fee_minor)
            }
            DisputeStanding::Won => (AttemptEvent::WonBack, dispute.fee_returned_minor),
        };
        let news = News {
            event,
            fee_minor,
            taken_back_minor: Some(dispute.amount.minor),
        };
        self.settle_attempt(attempt.invoice.account, attempt.id, &news, None)
            .await?;
        Ok(Handled::Done)
    }

    async fn read_refund(&self, stripe: &Stripe, id: &str) -> Result<Handled, WebhookError> {
        let key = stripe.key_of_refund(id).await?;
        let ours: Option<RefundId> = key.and_then(|key| key.parse().ok());
        let Some(refund) = ours else {
            let problem =
                format!("the refund {id} was not made here: its payment still stands in the books");
            return Ok(Handled::ForAPerson(problem));
        };
        self.advance_refund(refund, Some(id)).await?;
        Ok(Handled::Done)
    }

    /// The attempt that a payment is of, by its name, or by the key that it
    /// carries where its name never came back.
    async fn attempt_of(&self, stripe: &Stripe, reference: &str) -> Result<Whose, WebhookError> {
        let mut tx = self.store.snapshot().await?;
        let found = on!(&mut tx, conn, q => {
            q::find_attempt_by_reference(conn, reference).await
        })?;
        tx.rollback().await?;
        if let Some(found) = found {
            return Ok(Whose::Ours(Box::new(found)));
        }
        let Some(key) = stripe.key_of_payment(reference).await? else {
            return Ok(Whose::Others);
        };
        let Ok(key) = key.parse::<AttemptId>() else {
            return Ok(Whose::Unknown);
        };
        let mut tx = self.store.snapshot().await?;
        let found = on!(&mut tx, conn, q => q::find_attempt(conn, key).await)?;
        tx.rollback().await?;
        Ok(found.map_or(Whose::Unknown, |found| Whose::Ours(Box::new(found))))
    }
}

/// Whose a payment is.
enum Whose {
    Ours(Box<StoredAttempt>),
    /// It names no attempt: somebody else uses the same Stripe account.
    Others,
    /// It names one that is not here.
    Unknown,
}
