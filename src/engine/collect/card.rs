//! A card charged, and what waits for its customer canceled: the calls, outside
//! of every transaction, and what they answered, recorded.

use super::CollectError;
use crate::domain::calendar::Instant;
use crate::domain::ids::{AccountId, AttemptId};
use crate::domain::invoice::InvoiceNumber;
use crate::domain::money::Money;
use crate::domain::payment::{AttemptEvent, AttemptState, Decline, News};
use crate::engine::run::Engine;
use crate::providers::{Answer, CallError, Charge, Lookup, PaymentProvider as _, Standing};
use crate::store::rows::{CardOnFile, NewAttempt};

/// An attempt that is committed and not sent yet.
#[derive(Debug, Clone)]
pub struct Sending {
    pub attempt: NewAttempt,
    pub number: InvoiceNumber,
    pub card: CardOnFile,
}

/// An attempt that waits for its customer, as its provider calls it.
#[derive(Debug, Clone)]
pub struct Waiting {
    pub id: AttemptId,
    pub amount: Money,
    pub made_at: Instant,
    /// Nothing where it never came to be there.
    pub reference: Option<String>,
}

/// What an answer is to the attempt.
#[must_use]
pub fn news_of(answer: &Answer) -> News {
    match &answer.standing {
        Standing::Succeeded { fee_minor } => News {
            event: AttemptEvent::Succeeded,
            fee_minor: *fee_minor,
        },
        Standing::Pending => News::free(AttemptEvent::Accepted),
        Standing::Declined(decline) => News::free(AttemptEvent::Declined {
            decline: decline.clone(),
        }),
    }
}

impl Engine {
    /// Charges a card and records the answer, or that there was none.
    pub(super) async fn send(&self, sending: &Sending) -> Result<AttemptState, CollectError> {
        let attempt = &sending.attempt;
        let key = attempt.id.to_string();
        let number = sending.number.to_string();
        let charge = Charge {
            key: &key,
            amount: Money::new(attempt.amount_minor, attempt.currency),
            customer: Some(&sending.card.customer),
            instrument: &sending.card.card,
            description: &number,
            made_at: attempt.created_at,
        };
        let stripe = self.providers.stripe(&self.config)?;
        let answer = stripe.take(&charge).await;
        let account = attempt.invoice.account;
        let settled = match &answer {
            // This process got nothing done.
            Err(CallError::NotSent { .. } | CallError::Denied { .. }) => {
                self.withdraw_attempt(account, attempt.id).await
            }
            Ok(answer) => {
                let reference = Some(answer.reference.as_str());
                let news = news_of(answer);
                self.settle_attempt(account, attempt.id, &news, reference)
                    .await
            }
            Err(CallError::Lost { .. } | CallError::Unbookable { .. }) => {
                let news = News::free(AttemptEvent::Lost);
                self.settle_attempt(account, attempt.id, &news, None).await
            }
            Err(CallError::Refused { code, .. }) => {
                let decline = Decline::stripe(code);
                let news = News::free(AttemptEvent::Declined { decline });
                self.settle_attempt(account, attempt.id, &news, None).await
            }
        };
        let state = settled?;
        if let Err(error) = &answer {
            self.note_unbookable(account, attempt.id, error).await?;
        }
        match answer {
            // Every other charge would fare the same.
            Err(error @ CallError::Denied { .. }) => Err(error.into()),
            Err(error) => {
                tracing::warn!(payment = key, invoice = number, %error, "charge without an answer");
                Ok(state)
            }
            Ok(_) => Ok(state),
        }
    }

    /// Cancels what waits for its customer, so that it cannot succeed beside
    /// what is charged next. One that succeeded meanwhile is recorded so.
    pub(super) async fn cancel_waiting(
        &self,
        account: AccountId,
        waiting: &[Waiting],
    ) -> Result<(), CollectError> {
        let stripe = self.providers.stripe(&self.config)?;
        for attempt in waiting {
            let news = match &attempt.reference {
                Some(reference) => {
                    let key = attempt.id.to_string();
                    let lookup = Lookup {
                        key: &key,
                        amount: attempt.amount,
                        made_at: attempt.made_at,
                        reference: Some(reference),
                        within: None,
                    };
                    let canceled = stripe.cancel(&lookup, reference).await;
                    if let Err(error) = &canceled {
                        self.note_unbookable(account, attempt.id, error).await?;
                    }
                    news_of(&canceled?)
                }
                // It never came to be at the provider.
                None => News::free(AttemptEvent::Declined {
                    decline: Decline::canceled(),
                }),
            };
            self.settle_attempt(account, attempt.id, &news, None)
                .await?;
        }
        Ok(())
    }
}
