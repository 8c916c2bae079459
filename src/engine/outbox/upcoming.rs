//! What comes next for an unpaid invoice, as customers are told.

use chrono::NaiveDate;

use super::OutboxError;
use crate::domain::payment::{
    CollectionFacts, CollectionPolicy, Decision, NextStep, Trigger, decide,
};
use crate::engine::collect::facts;
use crate::engine::run::Engine;
use crate::mail::occasion::Upcoming;
use crate::store::Tx;
use crate::store::rows::{InvoiceKey, InvoiceScope};

/// What comes next for an invoice.
pub async fn upcoming(
    tx: &mut Tx,
    engine: &Engine,
    invoice: InvoiceKey,
) -> Result<Upcoming, OutboxError> {
    let (zone, policy) = (engine.config.zone(), &engine.config.collection);
    let today = engine.clock.today(zone);
    let attempt_on = with_facts(tx, engine, invoice, |facts| {
        next_attempt(facts, policy, today)
    });
    Ok(Upcoming {
        attempt_on: attempt_on.await?.flatten(),
        step: engine.upcoming_step(tx, invoice).await?,
    })
}

/// Looks at an invoice as collecting sees it; nothing where it is not open.
pub async fn with_facts<T>(
    tx: &mut Tx,
    engine: &Engine,
    invoice: InvoiceKey,
    look: impl FnOnce(&CollectionFacts<'_>) -> T,
) -> Result<Option<T>, OutboxError> {
    let zone = engine.config.zone();
    let scope = InvoiceScope {
        accounts: (invoice.account, invoice.account),
        period: Some(invoice.period),
        open_only: true,
    };
    let today = engine.clock.today(zone);
    let accounts = [invoice.account];
    let rounds = facts::load(tx, &accounts, &scope, None, today, zone).await?;
    let mut look = Some(look);
    for round in &rounds {
        for (open, facts) in round.invoices.iter().zip(round.facts()) {
            if open.invoice.key == invoice
                && let Some(look) = look.take()
            {
                return Ok(Some(look(&facts)));
            }
        }
    }
    Ok(None)
}

/// The day something will be charged by itself; nothing where no method would be.
fn next_attempt(
    facts: &CollectionFacts<'_>,
    policy: &CollectionPolicy,
    today: NaiveDate,
) -> Option<NaiveDate> {
    let on = match policy.ladder.next(facts.due_on, facts.attempts, today) {
        NextStep::Due { on, .. } | NextStep::Waits { on, .. } => on.max(today),
        NextStep::InFlight | NextStep::Exhausted => return None,
    };
    let decision = decide(facts, policy, Trigger::Schedule, on);
    matches!(decision, Decision::Charge { .. }).then_some(on)
}
