//! A refund is sent under its id, or looked up, and what is read is recorded.

use super::{Payment, RefundError, load, provider_of};
use crate::domain::ids::{AccountId, RefundId};
use crate::domain::payment::recovery::{Question, question};
use crate::domain::payment::{AttemptEvent, AttemptState, Decline};
use crate::engine::run::Engine;
use crate::on;
use crate::providers::{Answer, CallError, GiveBack, PaymentProvider};
use crate::store::StoreError;
use crate::store::rows::{Refunded, StoredRefund};

/// How often a refund is looked at again that other processes change meanwhile.
const TRIES: usize = 5;

/// What one look at a refund came to.
enum Step {
    Done(StoredRefund),
    /// Another process recorded something meanwhile: what was read may be older
    /// than that, so it is read again, by what the provider calls it.
    Again(Option<String>),
}

impl Engine {
    /// Takes a refund as far as it goes: sends it, or looks it up where it may
    /// have been sent, and books what came of it. An event `told` what the
    /// provider calls it: then it is read by that name, even if its outcome is
    /// recorded, for that can turn out otherwise. Asking again, or in two
    /// processes at once, gives nothing back twice.
    ///
    /// # Errors
    /// When there is no such refund, the provider does not answer, or its answer
    /// contradicts what is recorded. The refund stays as it is recorded.
    pub async fn advance_refund(
        &self,
        id: RefundId,
        told: Option<&str>,
    ) -> Result<StoredRefund, RefundError> {
        let (refund, _) = self.refund_as_it_stands(id).await?;
        let providers = &self.providers;
        match refund.of {
            Refunded::Attempt(_) => {
                let stripe = providers.stripe(&self.config)?;
                self.advance_at(stripe, id, told).await
            }
            Refunded::Purchase(_) => {
                let paypal = providers.paypal(&self.config)?;
                self.advance_at(paypal, id, told).await
            }
        }
    }

    /// Reads the refunds of a payment that arrived again, and records what turned out
    /// otherwise since.
    ///
    /// # Errors
    /// As [`Self::advance_refund`].
    pub(in crate::engine) async fn read_refunds_again(
        &self,
        account: AccountId,
        of: Refunded,
    ) -> Result<(), RefundError> {
        let mut tx = self.store.snapshot().await?;
        let refunds = on!(&mut tx, conn, q => q::refunds_of(conn, account, of).await)?;
        tx.rollback().await?;
        for refund in refunds {
            if refund.state != AttemptState::Succeeded {
                continue;
            }
            if let Some(reference) = &refund.provider_reference {
                self.advance_refund(refund.id, Some(reference)).await?;
            }
        }
        Ok(())
    }

    async fn advance_at<P: PaymentProvider>(
        &self,
        provider: &P,
        id: RefundId,
        told: Option<&str>,
    ) -> Result<StoredRefund, RefundError> {
        let mut told = told.map(str::to_owned);
        for _ in 0..TRIES {
            let (refund, payment) = self.refund_as_it_stands(id).await?;
            match self
                .look_once(provider, refund, &payment, told.as_deref())
                .await?
            {
                Step::Done(refund) => return Ok(refund),
                Step::Again(reference) => told = told.or(reference),
            }
        }
        Err(StoreError::Raced("a refund").into())
    }

    async fn look_once<P: PaymentProvider>(
        &self,
        provider: &P,
        refund: StoredRefund,
        payment: &Payment,
        told: Option<&str>,
    ) -> Result<Step, RefundError> {
        let in_flight = refund.state.in_flight();
        if !in_flight && told.is_none() {
            return Ok(Step::Done(refund));
        }
        let known = known_as(&refund, told)?;
        let payment_reference = payment.reference.as_deref();
        let payment_reference = payment_reference.ok_or(RefundError::NoReference)?;
        let key = refund.id.to_string();
        let order = GiveBack {
            key: &key,
            payment: payment_reference,
            amount: refund.amount,
        };
        // A key that may be forgotten is not sent again, nor is money given back
        // that the customer disputes meanwhile.
        let now = self.clock.now();
        let is_old = question(refund.created_at, false, P::KEY_HOURS, now) == Question::LookUp;
        let is_disputed = payment.state != AttemptState::Succeeded;
        let may_send = in_flight && known.is_none() && !is_old && !is_disputed;
        let was_sent = refund.state != AttemptState::Created;
        let mut found = None;
        if was_sent || !may_send {
            // A question without an answer tells nothing of the refund.
            found = provider.find_refund(&order, known).await?;
        }
        let (event, reference) = match found {
            Some(answer) => read(answer, payment_reference),
            None if may_send => return self.send_refund(provider, refund, &order).await,
            None if in_flight && is_old => (AttemptEvent::NotFound, None),
            // It may still turn up.
            None => return Ok(Step::Done(refund)),
        };
        self.refund_step(&refund, &refund.state, &event, reference)
            .await
    }

    /// Sends a refund that was not found, after it is recorded as sent: whoever
    /// else goes on with it looks for it first.
    async fn send_refund<P: PaymentProvider>(
        &self,
        provider: &P,
        refund: StoredRefund,
        order: &GiveBack<'_>,
    ) -> Result<Step, RefundError> {
        let mut state = refund.state.clone();
        if state == AttemptState::Created {
            let sent = &AttemptEvent::Sent;
            let sent = self.record_refund(refund.id, &state, sent, None).await?;
            match sent {
                Some(sent) if sent.state == AttemptState::Submitted => state = sent.state,
                _ => return Ok(Step::Again(None)),
            }
        }
        let (event, reference) = match provider.give_back(order).await {
            Ok(answer) => read(answer, order.payment),
            Err(CallError::Refused { code, .. }) => {
                let decline = Decline::of(provider_of(refund.of), &code);
                (AttemptEvent::Declined { decline }, None)
            }
            Err(error) => {
                if matches!(error, CallError::Lost { .. } | CallError::Unbookable { .. }) {
                    self.record_refund(refund.id, &state, &AttemptEvent::Lost, None)
                        .await?;
                }
                // What was not sent is sent by whoever reconciles next.
                return Err(error.into());
            }
        };
        self.refund_step(&refund, &state, &event, reference).await
    }

    async fn refund_step(
        &self,
        refund: &StoredRefund,
        seen: &AttemptState,
        event: &AttemptEvent,
        reference: Option<String>,
    ) -> Result<Step, RefundError> {
        let recorded = self
            .record_refund(refund.id, seen, event, reference.as_deref())
            .await?;
        Ok(recorded.map_or(Step::Again(reference), Step::Done))
    }

    async fn refund_as_it_stands(
        &self,
        id: RefundId,
    ) -> Result<(StoredRefund, Payment), RefundError> {
        let mut tx = self.store.snapshot().await?;
        let found = on!(&mut tx, conn, q => q::find_refund(conn, id).await)?;
        let refund = found.ok_or(RefundError::NoRefund(id))?;
        let payment = load(&mut tx, refund.of).await?;
        tx.rollback().await?;
        Ok((refund, payment))
    }
}

/// What the provider calls a refund: as it is recorded, or as an event told.
fn known_as<'a>(
    refund: &'a StoredRefund,
    told: Option<&'a str>,
) -> Result<Option<&'a str>, RefundError> {
    match (refund.provider_reference.as_deref(), told) {
        (Some(known), Some(told)) if known != told => Err(RefundError::MadeTwice {
            refund: refund.id,
            known: known.to_owned(),
            told: told.to_owned(),
        }),
        (known, told) => Ok(known.or(told)),
    }
}

/// What an answer says of a refund, and what the provider calls it. Where no
/// refund was made, PayPal's answer is called by the payment.
fn read(answer: Answer, payment: &str) -> (AttemptEvent, Option<String>) {
    let event = AttemptEvent::from(answer.standing);
    let reference = Some(answer.reference).filter(|reference| reference != payment);
    (event, reference)
}
