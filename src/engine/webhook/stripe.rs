//! Stripe's events: about payments, cards, disputes and refunds.

use super::{Handled, WebhookError};
use crate::domain::ids::{AttemptId, RefundId};
use crate::domain::money::Money;
use crate::domain::payment::AttemptState;
use crate::engine::collect::news_of;
use crate::engine::dispute::DisputeClaim;
use crate::engine::methods::{CardAdded, CardError};
use crate::engine::providers::ProviderError;
use crate::engine::run::Engine;
use crate::on;
use crate::providers::stripe::webhook::{StripeEvent, verify};
use crate::providers::stripe::{SetupError, Stripe};
use crate::providers::{Lookup, PaymentProvider as _};
use crate::store::rows::{EventKey, EventSource, Refunded, StoredAttempt};

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
        let act = Box::pin(self.act_on_stripe(stripe, &event));
        self.handle_event(key, &event.kind, act).await
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
                Ok(CardAdded::Added { .. } | CardAdded::Already(_) | CardAdded::TakenOff) => {
                    Ok(Handled::Done)
                }
                Ok(CardAdded::NotYet(reason)) => Ok(Handled::ForAPerson(reason.to_owned())),
                // Somebody else uses the same Stripe account.
                Err(CardError::NoCustomer(_)) => Ok(Handled::Ignored),
                Err(error) => Err(error.into()),
            },
            "payment_method.updated" | "payment_method.automatically_updated" => {
                let is_ours = self.refresh_card(stripe, id).await?;
                Ok(if is_ours {
                    Handled::Done
                } else {
                    Handled::Ignored
                })
            }
            "charge.dispute.created"
            | "charge.dispute.updated"
            | "charge.dispute.funds_withdrawn"
            | "charge.dispute.funds_reinstated"
            | "charge.dispute.closed" => self.read_stripe_dispute(stripe, id).await,
            "refund.created" | "refund.updated" | "refund.failed" | "charge.refund.updated" => {
                self.read_refund(stripe, id).await
            }
            _ => Ok(Handled::Ignored),
        }
    }

    /// Reads a payment again and records how it stands.
    async fn read_payment(&self, stripe: &Stripe, id: &str) -> Result<Handled, WebhookError> {
        match self.attempt_of(stripe, id).await? {
            Whose::Ours(attempt) => {
                let found = self.settle_by_reading(stripe, &attempt, id).await?;
                Ok(found.map_or_else(|| gone(id), |_| Handled::Done))
            }
            Whose::Others => Ok(Handled::Ignored),
            Whose::Unknown => Ok(unknown(id)),
        }
    }

    /// How an attempt stands, read and recorded; `None` where Stripe has it no more.
    async fn settle_by_reading(
        &self,
        stripe: &Stripe,
        attempt: &StoredAttempt,
        reference: &str,
    ) -> Result<Option<AttemptState>, WebhookError> {
        let account = attempt.invoice.account;
        let key = attempt.id.to_string();
        let found = stripe
            .find(&Lookup {
                key: &key,
                amount: Money::new(attempt.amount_minor, attempt.currency),
                made_at: attempt.created_at,
                reference: Some(reference),
                within: None,
            })
            .await;
        let answer = match found {
            Ok(Some(answer)) => answer,
            Ok(None) => return Ok(None),
            Err(error) => {
                self.note_unbookable(account, attempt.id, &error).await?;
                return Err(error.into());
            }
        };
        let state = self
            .settle_attempt(account, attempt.id, &news_of(&answer), Some(reference))
            .await?;
        Ok(Some(state))
    }

    /// Reads a dispute and records how it stands, and its payment before, where that
    /// was not told yet.
    pub(in crate::engine) async fn read_stripe_dispute(
        &self,
        stripe: &Stripe,
        id: &str,
    ) -> Result<Handled, WebhookError> {
        let dispute = stripe.dispute(id).await?;
        let payment = dispute.payment.as_str();
        let attempt = match self.attempt_of(stripe, payment).await? {
            Whose::Ours(attempt) => attempt,
            Whose::Others => return Ok(Handled::Ignored),
            Whose::Unknown => return Ok(unknown(payment)),
        };
        let is_paid = |state: &AttemptState| {
            matches!(
                state,
                AttemptState::Succeeded | AttemptState::Returned { .. }
            )
        };
        if !is_paid(&attempt.state)
            && self
                .settle_by_reading(stripe, &attempt, payment)
                .await?
                .is_none()
        {
            return Ok(gone(payment));
        }
        let claim = DisputeClaim::of(EventSource::Stripe, &dispute);
        let (account, of) = (attempt.invoice.account, Refunded::Attempt(attempt.id));
        self.record_dispute(account, of, &claim).await?;
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

    /// The attempt that a payment is of, by its name, or by the key that it carries
    /// where its name never came back.
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

fn unknown(payment: &str) -> Handled {
    Handled::ForAPerson(format!("no payment of ours is {payment}"))
}

fn gone(payment: &str) -> Handled {
    Handled::ForAPerson(format!("{payment} is not there any more"))
}
