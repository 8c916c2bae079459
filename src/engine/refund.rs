//! Money given back to a card. The refund is committed, then sent under its id,
//! then recorded with its entries; one without an answer is finished by
//! [`Engine::reconcile_refunds`].

use serde_json::json;

use crate::chance;
use crate::domain::ids::{AttemptId, RefundId};
use crate::domain::ledger::{Entry, LedgerError};
use crate::domain::money::Money;
use crate::domain::notice::Topic;
use crate::domain::payment::recovery::{Question, question};
use crate::domain::payment::refund::{RefundError as NotLeft, check_refund, refund_movements};
use crate::domain::payment::{
    AttemptEvent, AttemptState, Contradiction, Decline, Instrument, PaymentMethod,
};
use crate::engine::providers::ProviderError;
use crate::engine::run::Engine;
use crate::on;
use crate::providers::stripe::Stripe;
use crate::providers::{Answer, CallError, GiveBack, PaymentProvider, Standing};
use crate::store::rows::{
    ByPerson, NewEntry, NewNotice, NewRefund, RefundPurpose, Refunded, StoredAttempt, StoredRefund,
};
use crate::store::{StoreError, Tx};

/// Nothing is given back, or it is not known to be.
#[derive(Debug, thiserror::Error)]
pub enum RefundError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("there is no payment {0}")]
    NoPayment(AttemptId),
    #[error("there is no refund {0}")]
    NoRefund(RefundId),
    #[error("a payment by {0} is not paid back through a provider: {1}")]
    NotACard(PaymentMethod, &'static str),
    #[error("the payment is {0}: only money that was taken can be given back")]
    NotPaid(AttemptState),
    #[error(transparent)]
    NotLeft(#[from] NotLeft),
    #[error(
        "{asked_minor} would be owed again, but only {allocated_minor} is allocated to the invoice"
    )]
    OverAllocated {
        asked_minor: i64,
        allocated_minor: i64,
    },
    /// It was sent, and what came of it could not be written down.
    #[error("refund {refund} was sent, and reconcile finds out what became of it: {source}")]
    Open {
        refund: RefundId,
        source: Box<RefundError>,
    },
    #[error("the provider never named the payment; reconcile first")]
    NoReference,
    #[error(transparent)]
    Provider(#[from] ProviderError),
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(transparent)]
    Contradiction(#[from] Contradiction),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error("the machine gives no randomness: {0}")]
    Chance(#[from] getrandom::Error),
}

impl RefundError {
    /// Whether every other refund would fare the same.
    const fn stops_all(&self) -> bool {
        matches!(
            self,
            Self::Store(_) | Self::Provider(_) | Self::Call(CallError::Denied { .. })
        )
    }
}

/// What became of the refunds that were out.
#[derive(Debug, Default)]
pub struct ReconciledRefunds {
    /// Each as it is now.
    pub refunds: Vec<StoredRefund>,
    /// What a person has to look at.
    pub problems: Vec<(RefundId, String)>,
}

/// What a refund gives back, and of which payment.
struct Committed {
    refund: RefundId,
    payment: StoredAttempt,
    amount: Money,
}

impl Engine {
    /// Gives a card payment back, or a part of it; `None` for all that is left.
    /// For goodwill the invoice stays paid; reopened, it is owed and charged
    /// again.
    ///
    /// # Errors
    /// When so much is not left of it, or the provider cannot be asked.
    pub async fn refund_payment(
        &self,
        payment: AttemptId,
        amount_minor: Option<i64>,
        purpose: RefundPurpose,
        by: ByPerson<'_>,
    ) -> Result<StoredRefund, RefundError> {
        let mut tx = self.store.snapshot().await?;
        let found = on!(&mut tx, conn, q => q::find_attempt(conn, payment).await)?;
        tx.rollback().await?;
        check_card(found.ok_or(RefundError::NoPayment(payment))?.by)?;
        // A provider that cannot be asked leaves nothing behind.
        let stripe = self.providers.stripe(&self.config)?;
        let committed = self
            .commit_refund(payment, amount_minor, purpose, by)
            .await?;
        let reference = committed
            .payment
            .provider_reference
            .as_deref()
            .ok_or(RefundError::NoReference)?;
        let key = committed.refund.to_string();
        let order = GiveBack {
            key: &key,
            payment: reference,
            amount: committed.amount,
        };
        let answer = stripe.give_back(&order).await;
        self.record_card_refund(committed.refund, answer.map(Some))
            .await
    }

    async fn commit_refund(
        &self,
        payment: AttemptId,
        amount_minor: Option<i64>,
        purpose: RefundPurpose,
        by: ByPerson<'_>,
    ) -> Result<Committed, RefundError> {
        let mut tx = self.store.begin().await?;
        let found = on!(&mut tx, conn, q => q::find_attempt(conn, payment).await)?
            .ok_or(RefundError::NoPayment(payment))?;
        let account = found.invoice.account;
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        let found = on!(&mut tx, conn, q => q::find_attempt(conn, payment).await)?
            .ok_or(RefundError::NoPayment(payment))?;
        if found.state != AttemptState::Succeeded {
            return Err(RefundError::NotPaid(found.state));
        }
        if found.provider_reference.is_none() {
            return Err(RefundError::NoReference);
        }
        let of = Refunded::Attempt(payment);
        let earlier = on!(&mut tx, conn, q => q::refunds_of(conn, account, of).await)?;
        let given_back = given_back_minor(&earlier);
        let amount_minor = amount_minor.unwrap_or(found.amount_minor.saturating_sub(given_back));
        check_refund(found.amount_minor, given_back, amount_minor)?;
        if purpose == RefundPurpose::Reopen {
            let debt = on!(&mut tx, conn, q => q::debt_of(conn, found.invoice).await)?;
            if amount_minor > debt.allocated_minor {
                return Err(RefundError::OverAllocated {
                    asked_minor: amount_minor,
                    allocated_minor: debt.allocated_minor,
                });
            }
        }
        let now = self.clock.now();
        let new = NewRefund {
            id: RefundId::new(now, chance::bytes()?),
            account,
            of,
            purpose,
            amount: Money::new(amount_minor, found.currency),
            state: &AttemptState::Created,
            provider_reference: None,
            by,
            created_at: now,
        };
        on!(&mut tx, conn, q => q::insert_refund(conn, &new).await)?;
        let subject = payment.to_string();
        on!(&mut tx, conn, q => {
            q::write_audit(conn, account, by, "refund", now, Some(&subject), None).await
        })?;
        tx.commit().await?;
        Ok(Committed {
            refund: new.id,
            amount: Money::new(amount_minor, found.currency),
            payment: found,
        })
    }

    /// Records what the provider said of a refund.
    ///
    /// # Errors
    /// When the credentials are refused, which takes the refund back; or when
    /// the database refuses.
    pub async fn record_card_refund(
        &self,
        id: RefundId,
        answer: Result<Option<Answer>, CallError>,
    ) -> Result<StoredRefund, RefundError> {
        let (event, reference) = match &answer {
            Ok(Some(answer)) => (event_of(answer), Some(answer.reference.as_str())),
            Ok(None) => (AttemptEvent::NotFound, None),
            // Recorded as lost where another process sent it meanwhile.
            Err(CallError::NotSent { .. } | CallError::Denied { .. }) => {
                (AttemptEvent::Withdrawn, None)
            }
            Err(CallError::Lost { .. }) => (AttemptEvent::Lost, None),
            Err(CallError::Refused { code, .. }) => {
                let decline = Decline::stripe(code);
                (AttemptEvent::Declined { decline }, None)
            }
        };
        let stored = self.settle_card_refund(id, &event, reference).await?;
        match answer {
            Err(error @ CallError::Denied { .. }) => Err(error.into()),
            _ => Ok(stored),
        }
    }

    /// Records what was read of a refund; what it became, or is already.
    ///
    /// # Errors
    /// When it contradicts what is recorded, or the database refuses.
    pub async fn settle_card_refund(
        &self,
        id: RefundId,
        event: &AttemptEvent,
        reference: Option<&str>,
    ) -> Result<StoredRefund, RefundError> {
        let mut tx = self.store.begin().await?;
        let no_refund = RefundError::NoRefund(id);
        let Some(refund) = on!(&mut tx, conn, q => q::find_refund(conn, id).await)? else {
            return Err(no_refund);
        };
        on!(&mut tx, conn, q => q::lock_account(conn, refund.account).await)?;
        let Some(refund) = on!(&mut tx, conn, q => q::find_refund(conn, id).await)? else {
            return Err(no_refund);
        };
        let not_sent = refund.state.not_sent_by_us();
        let event = match event {
            AttemptEvent::Withdrawn => &not_sent,
            event => event,
        };
        let after = refund.state.clone().apply(event)?;
        if after == refund.state {
            return Ok(refund);
        }
        let now = self.clock.now();
        on!(&mut tx, conn, q => {
            q::decide_refund(conn, &refund, &after, reference, now).await
        })?;
        if after == AttemptState::Succeeded {
            self.book_refund(&mut tx, &refund).await?;
        }
        tx.commit().await?;
        Ok(StoredRefund {
            state: after,
            provider_reference: reference
                .map(str::to_owned)
                .or(refund.provider_reference.clone()),
            ..refund
        })
    }

    /// The entries of a refund that went through, and what is told of it.
    async fn book_refund(&self, tx: &mut Tx, refund: &StoredRefund) -> Result<(), RefundError> {
        let Refunded::Attempt(attempt) = refund.of else {
            let instead = "it was bought credit";
            return Err(RefundError::NotACard(PaymentMethod::Credit, instead));
        };
        let found = on!(&mut *tx, conn, q => q::find_attempt(conn, attempt).await)?
            .ok_or(RefundError::NoPayment(attempt))?;
        let debt = on!(&mut *tx, conn, q => q::debt_of(conn, found.invoice).await)?;
        let reopens = refund.purpose == RefundPurpose::Reopen;
        let amount_minor = refund.amount.minor;
        let now = self.clock.now();
        for movement in refund_movements(amount_minor, reopens, debt.allocated_minor) {
            let invoice = (movement.allocated_minor() != 0).then_some(found.invoice);
            let entry = Entry::new(movement, refund.amount.currency)?;
            let by = ByPerson {
                actor: &refund.actor,
                reason: &refund.reason,
            };
            let new = NewEntry {
                invoice,
                attempt: Some(attempt),
                refund: Some(refund.id),
                by: Some(by),
                ..NewEntry::new(refund.account, &entry, now)
            };
            let written = on!(&mut *tx, conn, q => q::write_entry(conn, new).await)?;
            let subject = refund.id.to_string();
            on!(&mut *tx, conn, q => {
                q::write_audit(conn, refund.account, by, movement.code(), now, Some(&subject), Some(written)).await
            })?;
        }
        let notice = NewNotice {
            account: refund.account,
            key: format!("refunded:{}", refund.id),
            topic: Topic::Refunded,
            payload: json!({
                "refund": refund.id.to_string(),
                "purpose": refund.purpose.code(),
                "amount_minor": amount_minor,
                "currency": refund.amount.currency.code(),
            })
            .to_string(),
        };
        on!(&mut *tx, conn, q => q::insert_notices(conn, &[notice], now).await)?;
        Ok(())
    }

    /// Finishes the refunds of cards whose outcome is out; each as it is now.
    ///
    /// # Errors
    /// When the provider refuses our credentials, or the database refuses.
    pub async fn reconcile_refunds(&self) -> Result<ReconciledRefunds, RefundError> {
        const PAGE: i64 = 500;
        let mut done = ReconciledRefunds::default();
        let mut after = None;
        loop {
            let mut tx = self.store.snapshot().await?;
            let page = on!(&mut tx, conn, q => q::refunds_in_flight(conn, after, PAGE).await)?;
            tx.rollback().await?;
            let Some(last) = page.last() else {
                return Ok(done);
            };
            after = Some(last.id);
            for refund in &page {
                if let Refunded::Attempt(attempt) = refund.of {
                    match self.reconcile_refund(refund, attempt).await {
                        Ok(refund) => done.refunds.push(refund),
                        Err(error) if error.stops_all() => return Err(error),
                        Err(error) => done.problems.push((refund.id, error.to_string())),
                    }
                }
            }
        }
    }

    /// Reads a refund from the provider again, by what the provider calls it.
    ///
    /// # Errors
    /// When there is no such refund, or no answer.
    pub async fn read_refund_again(
        &self,
        id: RefundId,
        reference: &str,
    ) -> Result<StoredRefund, RefundError> {
        let mut tx = self.store.snapshot().await?;
        let found = on!(&mut tx, conn, q => q::find_refund(conn, id).await)?;
        tx.rollback().await?;
        let Some(StoredRefund {
            of: Refunded::Attempt(attempt),
            ..
        }) = &found
        else {
            return Err(RefundError::NoRefund(id));
        };
        let refund = found.as_ref().ok_or(RefundError::NoRefund(id))?;
        let payment = self.payment_reference(*attempt).await?;
        let key = id.to_string();
        let order = give_back(&key, &payment, refund);
        let stripe = self.providers.stripe(&self.config)?;
        let answer = stripe.find_refund(&order, Some(reference)).await?;
        self.record_card_refund(id, Ok(answer)).await
    }

    /// What the provider calls a payment that was taken.
    async fn payment_reference(&self, attempt: AttemptId) -> Result<String, RefundError> {
        let mut tx = self.store.snapshot().await?;
        let payment = on!(&mut tx, conn, q => q::find_attempt(conn, attempt).await)?
            .ok_or(RefundError::NoPayment(attempt))?;
        tx.rollback().await?;
        payment.provider_reference.ok_or(RefundError::NoReference)
    }

    async fn reconcile_refund(
        &self,
        refund: &StoredRefund,
        attempt: AttemptId,
    ) -> Result<StoredRefund, RefundError> {
        let stripe = self.providers.stripe(&self.config)?;
        let payment = self.payment_reference(attempt).await?;
        let key = refund.id.to_string();
        let order = give_back(&key, &payment, refund);
        let reference = refund.provider_reference.as_deref();
        let now = self.clock.now();
        let hours = Stripe::KEY_HOURS;
        let answer = match question(refund.created_at, reference.is_some(), hours, now) {
            Question::Repeat => {
                // Whoever made it must not take it back from here on.
                self.settle_card_refund(refund.id, &AttemptEvent::Sent, None)
                    .await?;
                stripe.give_back(&order).await.map(Some)
            }
            Question::LookUp => match stripe.find_refund(&order, reference).await {
                // A question that is refused tells nothing of the refund.
                Err(error @ CallError::Refused { .. }) => return Err(error.into()),
                answer => answer,
            },
        };
        match answer {
            // It may have been sent before: only an answer ends it.
            Err(CallError::NotSent { .. }) => {
                self.settle_card_refund(refund.id, &AttemptEvent::Lost, None)
                    .await
            }
            Err(error @ CallError::Denied { .. }) => Err(error.into()),
            answer => self.record_card_refund(refund.id, answer).await,
        }
    }
}

/// Only a card is paid back through its provider.
const fn check_card(by: Instrument) -> Result<(), RefundError> {
    match by {
        Instrument::Card(_) => Ok(()),
        Instrument::Credit => {
            let instead = "grant the account credit";
            Err(RefundError::NotACard(PaymentMethod::Credit, instead))
        }
        Instrument::Sepa(_) => {
            let instead = "grant the account credit, or make a bank transfer";
            Err(RefundError::NotACard(PaymentMethod::Sepa, instead))
        }
    }
}

fn give_back<'a>(key: &'a str, payment: &'a str, refund: &StoredRefund) -> GiveBack<'a> {
    GiveBack {
        key,
        payment,
        amount: refund.amount,
    }
}

/// What was given back, or is on its way, in minor units.
fn given_back_minor(refunds: &[StoredRefund]) -> i64 {
    refunds
        .iter()
        .filter(|refund| refund.state.refusal().is_none())
        .fold(0, |sum: i64, refund| {
            sum.saturating_add(refund.amount.minor)
        })
}

fn event_of(answer: &Answer) -> AttemptEvent {
    match &answer.standing {
        Standing::Succeeded { .. } => AttemptEvent::Succeeded,
        Standing::Pending => AttemptEvent::Accepted,
        Standing::Declined(decline) => AttemptEvent::Declined {
            decline: decline.clone(),
        },
    }
}
