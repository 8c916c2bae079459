//! Disputes of card payments and of purchases, recorded: what was read of one is
//! decided by [`crate::domain::payment::dispute`] and booked under the account's
//! lock, in one transaction. Whoever asks, an event or the schedule, reads the
//! dispute from its provider first.

use crate::domain::calendar::Instant;
use crate::domain::ids::{AccountId, AttemptId, PurchaseId};
use crate::domain::money::{Currency, Money};
use crate::domain::payment::dispute::{
    DisputeDecision, DisputeError as Undecided, DisputeFacts, DisputeNews, DisputeStanding,
    RecordedDispute, decide_dispute,
};
use crate::domain::payment::{AttemptState, purchase, settlement};
use crate::engine::purchase::{PurchaseError, locked};
use crate::engine::reconcile::ReconcileError;
use crate::engine::run::Engine;
use crate::engine::settle::{SettleError, owed_of, unsettled, write_disputed};
use crate::engine::webhook::{Handled, WebhookError};
use crate::on;
use crate::providers::{CallError, Dispute};
use crate::store::rows::{EventSource, Refunded, StoredDispute};
use crate::store::{StoreError, Tx};

/// Disputes that are read together.
const PAGE: i64 = 200;

/// What was read of a dispute is not recorded. Nothing of it is written.
#[derive(Debug, thiserror::Error)]
pub enum DisputeError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("dispute {name}: {source}")]
    Undecided { name: String, source: Undecided },
    #[error("dispute {name} is in {disputed}, the payment in {paid}")]
    OtherCurrency {
        name: String,
        disputed: Currency,
        paid: Currency,
    },
    #[error(transparent)]
    Settle(#[from] SettleError),
    #[error(transparent)]
    Purchase(Box<PurchaseError>),
}

impl From<PurchaseError> for DisputeError {
    fn from(error: PurchaseError) -> Self {
        Self::Purchase(Box::new(error))
    }
}

impl DisputeError {
    /// Whether the same may go well later without a person.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        match self {
            Self::Store(_) | Self::Settle(SettleError::Store(_)) => true,
            Self::Purchase(error) => error.is_passing(),
            Self::Undecided { .. } | Self::OtherCurrency { .. } | Self::Settle(_) => false,
        }
    }
}

/// By what the provider names what took the money back.
#[derive(Debug, Clone, Copy)]
pub enum DisputeName<'a> {
    Dispute(&'a str),
    /// PayPal's reversal of a capture: of a dispute, known or not.
    Reversal(&'a str),
}

impl DisputeName<'_> {
    const fn text(&self) -> &str {
        match self {
            Self::Dispute(id) | Self::Reversal(id) => id,
        }
    }
}

/// What was read, and where.
#[derive(Debug, Clone, Copy)]
pub struct DisputeClaim<'a> {
    pub source: EventSource,
    pub name: DisputeName<'a>,
    pub currency: Currency,
    pub news: DisputeNews,
}

impl<'a> DisputeClaim<'a> {
    #[must_use]
    pub fn of(source: EventSource, dispute: &'a Dispute) -> Self {
        Self {
            source,
            name: DisputeName::Dispute(&dispute.id),
            currency: dispute.currency,
            news: dispute.news,
        }
    }
}

/// The payment that is disputed, read under its account's lock.
struct Payment<'a> {
    account: AccountId,
    of: Refunded,
    state: &'a AttemptState,
    amount: Money,
}

/// What became of the disputes that were not decided.
#[derive(Debug, Default)]
pub struct ReconciledDisputes {
    /// How many were read again.
    pub asked: u64,
    /// What a person has to look at: the provider's name of each, and why.
    pub problems: Vec<(String, String)>,
}

impl Engine {
    /// Records what was read of a dispute of a payment. Where it takes more than is
    /// left, a refund may have failed since, or another dispute been won, and the news
    /// of that be on its way: then both are read again before it is left to a person.
    ///
    /// # Errors
    /// When it contradicts what is recorded, or a provider does not answer, or the
    /// database refuses.
    pub(in crate::engine) async fn record_dispute(
        &self,
        account: AccountId,
        of: Refunded,
        claim: &DisputeClaim<'_>,
    ) -> Result<(), WebhookError> {
        match self.record_dispute_of(account, of, claim).await {
            Err(DisputeError::Undecided {
                source: Undecided::MoreThanLeft { .. },
                ..
            }) => {
                self.read_refunds_again(account, of).await?;
                self.read_disputes_again(account, of).await?;
                Ok(self.record_dispute_of(account, of, claim).await?)
            }
            recorded => Ok(recorded?),
        }
    }

    /// Reads the disputes of a payment again that are not decided, and records how
    /// they stand. What only a person can decide of one of them is told with that one.
    async fn read_disputes_again(
        &self,
        account: AccountId,
        of: Refunded,
    ) -> Result<(), WebhookError> {
        let mut tx = self.store.snapshot().await?;
        let all = on!(&mut tx, conn, q => q::disputes_of(conn, account, of).await)?;
        tx.rollback().await?;
        for dispute in all.iter().filter(|dispute| !dispute.state.is_decided()) {
            let Some(name) = &dispute.reference else {
                continue;
            };
            match self.read_as_named(account, of, dispute.source, name).await {
                Err(error) if !error.is_passing() => {
                    tracing::warn!(%account, name, %error, "a dispute waits for a person");
                }
                read => read?,
            }
        }
        Ok(())
    }

    async fn read_as_named(
        &self,
        account: AccountId,
        of: Refunded,
        source: EventSource,
        name: &str,
    ) -> Result<(), WebhookError> {
        let read = match source {
            EventSource::Stripe => {
                let stripe = self.providers.stripe(&self.config)?;
                Some(stripe.dispute(name).await?)
            }
            EventSource::PayPal => {
                let paypal = self.providers.paypal(&self.config)?;
                paypal.dispute(name).await?
            }
        };
        if let Some(dispute) = read {
            let claim = DisputeClaim::of(source, &dispute);
            self.record_dispute_of(account, of, &claim).await?;
        }
        Ok(())
    }

    async fn record_dispute_of(
        &self,
        account: AccountId,
        of: Refunded,
        claim: &DisputeClaim<'_>,
    ) -> Result<(), DisputeError> {
        match of {
            Refunded::Attempt(id) => self.record_card_dispute(account, id, claim).await,
            Refunded::Purchase(id) => self.record_purchase_dispute(account, id, claim).await,
        }
    }

    /// Records what was read of a dispute of a card payment.
    ///
    /// # Errors
    /// When it contradicts what is recorded, or the database refuses.
    pub async fn record_card_dispute(
        &self,
        account: AccountId,
        id: AttemptId,
        claim: &DisputeClaim<'_>,
    ) -> Result<(), DisputeError> {
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        let attempt = on!(&mut tx, conn, q => q::find_attempt(conn, id).await)?
            .ok_or(SettleError::NoAttempt(id))?;
        let payment = Payment {
            account,
            of: Refunded::Attempt(id),
            state: &attempt.state,
            amount: Money::new(attempt.amount_minor, attempt.currency),
        };
        if let Some((dispute, decision)) = take_up(&mut tx, &payment, claim, now).await? {
            let owed = owed_of(&mut tx, &attempt).await?;
            let settled = settlement::book_dispute(&decision, owed.balance, owed.written_off_minor)
                .map_err(|source| unsettled(&attempt, source))?;
            let keys = (dispute, owed.last_entry);
            write_disputed(&mut tx, &attempt, &settled, keys, now).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Records what was read of a dispute or reversal of bought credit. Credit that
    /// was won back pays what is open at once.
    ///
    /// # Errors
    /// When it contradicts what is recorded, or the database refuses.
    pub async fn record_purchase_dispute(
        &self,
        account: AccountId,
        id: PurchaseId,
        claim: &DisputeClaim<'_>,
    ) -> Result<(), DisputeError> {
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        let bought = locked(&mut tx, id).await?;
        let payment = Payment {
            account,
            of: Refunded::Purchase(id),
            state: &bought.state,
            amount: bought.amount,
        };
        let mut booked = None;
        if let Some((dispute, decision)) = take_up(&mut tx, &payment, claim, now).await? {
            let settled = purchase::book_dispute(&decision);
            booked = Some(
                self.write_purchase(&mut tx, &bought, &settled, None, Some(dispute), now)
                    .await?,
            );
        }
        tx.commit().await?;
        if let Some(paid) = booked {
            self.finish_paying(account, paid).await;
        }
        Ok(())
    }

    /// Reads every dispute again that is not decided. What one of them meets does
    /// not stop the others.
    ///
    /// # Errors
    /// When a provider refuses our credentials, or the database refuses.
    pub async fn reconcile_disputes(&self) -> Result<ReconciledDisputes, ReconcileError> {
        let mut done = ReconciledDisputes::default();
        let mut after = (AccountId(i64::MIN), 0);
        loop {
            let mut tx = self.store.snapshot().await?;
            let page = on!(&mut tx, conn, q => q::undecided_disputes(conn, after, PAGE).await)?;
            tx.rollback().await?;
            let Some(last) = page.last() else {
                return Ok(done);
            };
            after = (last.account, last.id);
            for dispute in &page {
                let Some(name) = &dispute.reference else {
                    continue;
                };
                done.asked += 1;
                let read = match dispute.source {
                    EventSource::Stripe => {
                        let stripe = self.providers.stripe(&self.config)?;
                        self.read_stripe_dispute(stripe, name).await
                    }
                    EventSource::PayPal => {
                        let paypal = self.providers.paypal(&self.config)?;
                        self.read_paypal_dispute(paypal, name).await
                    }
                };
                let problem = match read {
                    Ok(Handled::ForAPerson(problem)) => problem,
                    Ok(Handled::Done | Handled::Already | Handled::Ignored) => continue,
                    Err(WebhookError::Store(error)) => return Err(error.into()),
                    Err(WebhookError::Call(error @ CallError::Denied { .. })) => {
                        return Err(error.into());
                    }
                    Err(error) => error.to_string(),
                };
                done.problems.push((name.clone(), problem));
            }
        }
    }
}

/// Decides what was read, and records the dispute. The caller holds the account,
/// books the decision and commits, even where nothing is decided: a name may have
/// been learned.
async fn take_up(
    tx: &mut Tx,
    payment: &Payment<'_>,
    claim: &DisputeClaim<'_>,
    now: Instant,
) -> Result<Option<(i64, DisputeDecision)>, DisputeError> {
    let (account, of) = (payment.account, payment.of);
    let name = || claim.name.text().to_owned();
    if claim.currency != payment.amount.currency {
        return Err(DisputeError::OtherCurrency {
            name: name(),
            disputed: claim.currency,
            paid: payment.amount.currency,
        });
    }
    let all = on!(&mut *tx, conn, q => q::disputes_of(conn, account, of).await)?;
    let own = own_of(&all, claim.name, &claim.news);
    let named = own.map(|own| name_it(own, claim.name));
    if let (DisputeName::Reversal(_), Some(named)) = (claim.name, &named) {
        // It is that dispute's money, which is booked.
        on!(&mut *tx, conn, q => q::write_dispute(conn, named).await)?;
        return Ok(None);
    }
    let refunds = on!(&mut *tx, conn, q => q::refunds_of(conn, account, of).await)?;
    let refunded = refunds
        .iter()
        .filter(|refund| refund.state == AttemptState::Succeeded);
    let others = all
        .iter()
        .filter(|other| own.is_none_or(|own| own.id != other.id) && other.state.is_taken());
    let facts = DisputeFacts {
        recorded: own.map(StoredDispute::recorded),
        payment: payment.state,
        paid_minor: payment.amount.minor,
        refunded_minor: sum(refunded.map(|refund| refund.amount)),
        others_minor: sum(others.map(|other| other.amount)),
    };
    let decided =
        decide_dispute(&facts, &claim.news).map_err(|source| DisputeError::Undecided {
            name: name(),
            source,
        })?;
    let Some(decision) = decided else {
        if let Some(named) = &named {
            on!(&mut *tx, conn, q => q::write_dispute(conn, named).await)?;
        }
        return Ok(None);
    };
    let before = match named {
        Some(named) => named,
        None => {
            let id = on!(&mut *tx, conn, q => q::next_dispute(conn, account).await)?;
            name_it(&unnamed(payment, claim, id, now), claim.name)
        }
    };
    let after = become_of(before, decision.dispute, now);
    on!(&mut *tx, conn, q => q::write_dispute(conn, &after).await)?;
    Ok(Some((after.id, decision)))
}

/// Whether so much of a payment was given back by a dispute that is booked, and not
/// by a refund of its own: then the dispute learns the name. The caller holds the
/// account.
pub(super) async fn is_of_dispute(
    tx: &mut Tx,
    account: AccountId,
    of: Refunded,
    amount: Money,
    reversal: &str,
) -> Result<bool, StoreError> {
    let all = on!(&mut *tx, conn, q => q::disputes_of(conn, account, of).await)?;
    let name = DisputeName::Reversal(reversal);
    let Some(own) = own_of(&all, name, &lost(amount)) else {
        return Ok(false);
    };
    let named = name_it(own, name);
    on!(&mut *tx, conn, q => q::write_dispute(conn, &named).await)?;
    Ok(true)
}

/// What a reversal tells: the money is gone.
pub(super) const fn lost(amount: Money) -> DisputeNews {
    DisputeNews {
        standing: DisputeStanding::Lost,
        amount_minor: amount.minor,
        fee_minor: 0,
        fee_returned_minor: 0,
    }
}

/// The dispute that a name is of: the one that has it, or one of the same amount
/// that has none of the kind yet. Money that is back is only told of by what won it.
fn own_of<'a>(
    all: &'a [StoredDispute],
    name: DisputeName<'_>,
    news: &DisputeNews,
) -> Option<&'a StoredDispute> {
    let name_of = |dispute: &'a StoredDispute| match name {
        DisputeName::Dispute(_) => dispute.reference.as_deref(),
        DisputeName::Reversal(_) => dispute.reversal.as_deref(),
    };
    let is_won = matches!(
        (name, news.standing),
        (DisputeName::Dispute(_), DisputeStanding::Won)
    );
    let nameless = |dispute: &&StoredDispute| {
        dispute.amount.minor == news.amount_minor
            && all
                .iter()
                .any(|one| one.id == dispute.id && name_of(one).is_none())
    };
    let by_name = all.iter().find(|one| name_of(one) == Some(name.text()));
    by_name
        .or_else(|| all.iter().filter(nameless).find(|one| one.state.is_taken()))
        .or_else(|| all.iter().filter(nameless).find(|_| is_won))
}

fn name_it(dispute: &StoredDispute, name: DisputeName<'_>) -> StoredDispute {
    let mut named = dispute.clone();
    match name {
        DisputeName::Dispute(id) => named.reference = Some(id.to_owned()),
        DisputeName::Reversal(id) => named.reversal = Some(id.to_owned()),
    }
    named
}

/// A dispute that was never heard of.
fn unnamed(
    payment: &Payment<'_>,
    claim: &DisputeClaim<'_>,
    id: i64,
    now: Instant,
) -> StoredDispute {
    StoredDispute {
        account: payment.account,
        id,
        source: claim.source,
        reference: None,
        reversal: None,
        of: payment.of,
        amount: Money::new(claim.news.amount_minor, claim.currency),
        fee_minor: 0,
        state: crate::domain::payment::dispute::DisputeState::Announced,
        announced_at: now,
        opened_at: None,
        closed_at: None,
    }
}

fn become_of(before: StoredDispute, after: RecordedDispute, now: Instant) -> StoredDispute {
    StoredDispute {
        amount: Money::new(after.amount_minor, before.amount.currency),
        fee_minor: after.fee_minor,
        opened_at: after.is_booked.then(|| before.opened_at.unwrap_or(now)),
        closed_at: after.state.is_decided().then_some(now),
        state: after.state,
        ..before
    }
}

fn sum(amounts: impl Iterator<Item = Money>) -> i64 {
    amounts.fold(0, |sum: i64, amount| sum.saturating_add(amount.minor))
}
