//! Card payments whose outcome is out, finished: asked again under the same key
//! while the provider keeps it, looked up afterwards. Nothing is ever guessed:
//! what has no answer stays as it is.

use std::collections::BTreeMap;

use futures_util::{StreamExt as _, stream};

use crate::domain::ids::AttemptId;
use crate::domain::money::Money;
use crate::domain::payment::recovery::{Question, question};
use crate::domain::payment::{AttemptEvent, AttemptState, Decline, Instrument, News};
use crate::engine::collect::{Fate, news_of};
use crate::engine::dispute::ReconciledDisputes;
use crate::engine::providers::ProviderError;
use crate::engine::purchase::{self, PurchaseError};
use crate::engine::refund::{ReconciledRefunds, RefundError};
use crate::engine::run::Engine;
use crate::engine::settle::SettleError;
use crate::on;
use crate::providers::stripe::Stripe;
use crate::providers::{CallError, Charge, Lookup, PaymentProvider};
use crate::store::StoreError;
use crate::store::rows::StoredAttempt;

/// Attempts that are read together.
const PAGE: i64 = 500;
/// Attempts that are asked for at the same time.
const AT_ONCE: usize = 32;

/// Reconciling came to a stop. What was finished stands.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Provider(#[from] ProviderError),
    #[error(transparent)]
    Call(#[from] CallError),
}

/// What became of the payments that were out.
#[derive(Debug, Default)]
pub struct Reconciled {
    /// How many are what now; those still unknown or pending among them.
    pub fates: BTreeMap<Fate, u64>,
    /// Why some are still unknown.
    pub unanswered: Vec<(AttemptId, String)>,
    /// What a person has to look at.
    pub problems: Vec<(AttemptId, String)>,
}

/// What became of whatever was out. What stops one part does not stop the others.
#[derive(Debug)]
pub struct Reconciliation {
    pub cards: Result<Reconciled, ReconcileError>,
    pub refunds: Result<ReconciledRefunds, RefundError>,
    pub purchases: Result<purchase::Reconciled, PurchaseError>,
    pub disputes: Result<ReconciledDisputes, ReconcileError>,
}

impl Engine {
    /// Finishes whatever has no known outcome.
    pub async fn reconcile(&self) -> Reconciliation {
        Reconciliation {
            cards: self.reconcile_cards().await,
            refunds: self.reconcile_refunds().await,
            purchases: match &self.config.paypal {
                Some(_) => match self.providers.paypal(&self.config) {
                    Ok(paypal) => self.reconcile_purchases(paypal).await,
                    Err(error) => Err(error.into()),
                },
                None => Ok(purchase::Reconciled::default()),
            },
            disputes: self.reconcile_disputes().await,
        }
    }

    /// Finishes every card payment whose outcome is out.
    ///
    /// # Errors
    /// When the provider refuses our credentials, or the database refuses.
    pub async fn reconcile_cards(&self) -> Result<Reconciled, ReconcileError> {
        let mut done = Reconciled::default();
        let mut after = None;
        loop {
            let mut tx = self.store.snapshot().await?;
            let page = on!(&mut tx, conn, q => {
                q::card_attempts_in_flight(conn, after, PAGE).await
            })?;
            tx.rollback().await?;
            let Some(last) = page.last() else {
                return Ok(done);
            };
            after = Some(last.id);
            let stripe = self.providers.stripe(&self.config)?;
            let mut answers = stream::iter(page)
                .map(|attempt| async move {
                    let answer = self.reconcile_card(stripe, &attempt).await;
                    (attempt, answer)
                })
                .buffer_unordered(self.store.pace().at_once(AT_ONCE));
            while let Some((attempt, answer)) = answers.next().await {
                match answer {
                    Ok((state, unanswered)) => {
                        if let Some(reason) = unanswered {
                            done.unanswered.push((attempt.id, reason));
                        }
                        let fate = Fate::of(&state, attempt.by.method());
                        *done.fates.entry(fate).or_default() += 1;
                    }
                    Err(Finish::Stop(error)) => return Err(error),
                    Err(Finish::Look(problem)) => done.problems.push((attempt.id, problem)),
                }
            }
        }
    }

    async fn reconcile_card(
        &self,
        stripe: &Stripe,
        attempt: &StoredAttempt,
    ) -> Result<(AttemptState, Option<String>), Finish> {
        let Instrument::Card(method) = attempt.by else {
            return Err(Finish::Look("it is no card payment".to_owned()));
        };
        let account = attempt.invoice.account;
        let mut tx = self.store.snapshot().await?;
        let card = on!(&mut tx, conn, q => q::card_on_file(conn, account, method).await)?;
        tx.rollback().await?;
        let Some(card) = card else {
            return Err(Finish::Look(format!("the card {method} is not on file")));
        };
        let key = attempt.id.to_string();
        let number = attempt.number.to_string();
        let charge = Charge {
            key: &key,
            amount: Money::new(attempt.amount_minor, attempt.currency),
            customer: Some(&card.customer),
            instrument: &card.card,
            description: &number,
            made_at: attempt.created_at,
        };
        let reference = attempt.provider_reference.as_deref();
        let now = self.clock.now();
        let question = question(
            attempt.created_at,
            reference.is_some(),
            Stripe::KEY_HOURS,
            now,
        );
        let answer = match question {
            Question::Repeat => {
                // Whoever made it may still be trying: from here on it must not
                // be taken back, whatever comes of that.
                let sent = News::free(AttemptEvent::Sent);
                let state = self
                    .settle_attempt(account, attempt.id, &sent, None)
                    .await?;
                // It was taken back, or came to its outcome, before that: asking now
                // would charge what nobody waits for.
                if !state.in_flight() {
                    return Ok((state, None));
                }
                stripe.take(&charge).await.map(Some)
            }
            Question::LookUp => {
                let lookup = Lookup {
                    key: &key,
                    amount: charge.amount,
                    made_at: charge.made_at,
                    reference,
                    within: Some(&card.customer),
                };
                stripe.find(&lookup).await
            }
        };
        let mut unanswered = None;
        let (news, reference) = match answer {
            Ok(Some(answer)) => (news_of(&answer), Some(answer.reference)),
            Ok(None) => (News::free(AttemptEvent::NotFound), None),
            Err(error @ (CallError::NotSent { .. } | CallError::Lost { .. })) => {
                unanswered = Some(error.to_string());
                (News::free(AttemptEvent::Lost), None)
            }
            Err(error @ CallError::Unbookable { .. }) => {
                // The money may have moved: it is not known, and no guess is made.
                let lost = News::free(AttemptEvent::Lost);
                self.settle_attempt(account, attempt.id, &lost, None)
                    .await?;
                self.note_unbookable(account, attempt.id, &error).await?;
                return Err(Finish::Look(error.to_string()));
            }
            Err(CallError::Refused { code, .. }) if question == Question::Repeat => {
                let decline = Decline::stripe(&code);
                (News::free(AttemptEvent::Declined { decline }), None)
            }
            Err(error @ CallError::Refused { .. }) => return Err(Finish::Look(error.to_string())),
            Err(error @ CallError::Denied { .. }) => return Err(Finish::Stop(error.into())),
        };
        let state = self
            .settle_attempt(account, attempt.id, &news, reference.as_deref())
            .await?;
        Ok((state, unanswered))
    }
}

/// Why an attempt was not finished.
enum Finish {
    /// Every other one would fare the same.
    Stop(ReconcileError),
    /// This one alone.
    Look(String),
}

impl From<StoreError> for Finish {
    fn from(error: StoreError) -> Self {
        Self::Stop(error.into())
    }
}

impl From<SettleError> for Finish {
    fn from(error: SettleError) -> Self {
        match error {
            SettleError::Store(error) => error.into(),
            other => Self::Look(other.to_string()),
        }
    }
}
