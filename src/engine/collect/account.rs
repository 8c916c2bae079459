//! One account's invoices, charged one after the other: decide and commit, send,
//! record, decide again. What was tried in this round is not tried again in it,
//! whoever asks.

use std::collections::{BTreeMap, HashSet};

use super::card::{Sending, Waiting};
use super::facts::Open;
use super::tally::{ChargedPart, Fate, InvoiceOutcome};
use super::{CollectError, Request, commit};
use crate::domain::ids::AccountId;
use crate::domain::money::Money;
use crate::domain::payment::{AttemptState, Decision, Instrument, LeftOut, PastAttempt};
use crate::engine::run::Engine;
use crate::on;
use crate::store::Tx;
use crate::store::rows::InvoiceKey;

/// What happened to an account's invoices so far.
#[derive(Default)]
pub(super) struct Charging {
    outcomes: BTreeMap<InvoiceKey, InvoiceOutcome>,
    tried: HashSet<(InvoiceKey, Instrument)>,
}

/// What is to be done outside of a transaction next.
pub(super) enum Step {
    /// Nothing: everything is decided.
    Done,
    Send {
        invoice: InvoiceKey,
        sending: Box<Sending>,
        /// Whether another invoice is to be charged after it.
        more: bool,
    },
    Cancel(Vec<Waiting>),
}

impl Engine {
    /// Charges an account until nothing is left to be charged.
    pub(crate) async fn charge_account(
        &self,
        account: AccountId,
        request: &Request,
    ) -> Result<Vec<InvoiceOutcome>, CollectError> {
        let mut charging = Charging::default();
        loop {
            let mut tx = self.store.begin().await?;
            on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
            let step = self
                .commit_step(&mut tx, account, request, &mut charging)
                .await?;
            tx.commit().await?;
            match step {
                Step::Done => return Ok(charging.into_outcomes()),
                Step::Cancel(waiting) => self.cancel_waiting(account, &waiting).await?,
                Step::Send {
                    invoice,
                    sending,
                    more,
                } => {
                    let state = self.send(&sending).await?;
                    let method = sending.attempt.by.method();
                    charging.ended(invoice, Fate::of(&state, method));
                    // Mostly there is one invoice, and it is paid now.
                    if !more && state == AttemptState::Succeeded {
                        return Ok(charging.into_outcomes());
                    }
                }
            }
        }
    }

    /// Decides an account that the caller holds, and commits what can be: every
    /// part by credit, every debit, and the first card.
    pub(super) async fn commit_step(
        &self,
        tx: &mut Tx,
        account: AccountId,
        request: &Request,
        charging: &mut Charging,
    ) -> Result<Step, CollectError> {
        let now = self.clock.now();
        let rounds = self.load(tx, &[account], request).await?;
        let decided: Vec<Vec<Decision>> = rounds
            .iter()
            .map(|round| self.decide(round, request.trigger))
            .collect();
        for (round, decided) in rounds.iter().zip(&decided) {
            for (open, decision) in round.invoices.iter().zip(decided) {
                charging.decided(open, decision);
            }
        }
        let mut to_charge = decided
            .iter()
            .flatten()
            .filter(|decision| matches!(decision, Decision::Charge { .. }))
            .count();
        for (round, decided) in rounds.iter().zip(decided) {
            for (open, decision) in round.invoices.iter().zip(decided) {
                let Decision::Charge {
                    parts,
                    cancel_waiting,
                    ..
                } = decision
                else {
                    continue;
                };
                to_charge = to_charge.saturating_sub(1);
                let key = open.invoice.key;
                if parts.iter().all(|part| charging.was_tried(key, part.by)) {
                    continue;
                }
                if cancel_waiting {
                    return Ok(Step::Cancel(waiting(open)));
                }
                for part in parts {
                    if charging.was_tried(key, part.by) {
                        continue;
                    }
                    charging.begun(key, part.by, part.amount_minor);
                    match part.by {
                        Instrument::Credit => {
                            commit::pay_by_credit(tx, open, part.amount_minor, &self.chance, now)
                                .await?;
                            charging.ended(key, Fate::Paid);
                        }
                        Instrument::Sepa(_) => {
                            commit::begin(tx, open, &part, &self.chance, now).await?;
                            charging.ended(key, Fate::WaitsForFile);
                        }
                        Instrument::Card(method) => {
                            let card = on!(&mut *tx, conn, q => {
                                q::card_on_file(conn, account, method).await
                            })?;
                            let sending = Sending {
                                card: card.ok_or(CollectError::NoCard(method))?,
                                attempt: commit::begin(tx, open, &part, &self.chance, now).await?,
                                number: open.invoice.number.clone(),
                            };
                            return Ok(Step::Send {
                                invoice: key,
                                sending: Box::new(sending),
                                more: to_charge > 0,
                            });
                        }
                    }
                }
            }
        }
        Ok(Step::Done)
    }
}

/// The attempts of an invoice that could still succeed.
fn waiting(open: &Open) -> Vec<Waiting> {
    let attempts = open.attempts.iter().zip(&open.stored);
    attempts
        .filter(|(attempt, _)| PastAttempt::waits_for_customer(attempt))
        .map(|(_, stored)| Waiting {
            id: stored.id,
            amount: Money::new(stored.amount_minor, stored.currency),
            made_at: stored.created_at,
            reference: stored.provider_reference.clone(),
        })
        .collect()
}

impl Charging {
    pub(super) fn into_outcomes(self) -> Vec<InvoiceOutcome> {
        self.outcomes.into_values().collect()
    }

    fn was_tried(&self, invoice: InvoiceKey, by: Instrument) -> bool {
        self.tried.contains(&(invoice, by))
    }

    /// Notes why an invoice, or a rest of it, stays open. That it is paid, or on
    /// its way, its parts say.
    fn decided(&mut self, open: &Open, decision: &Decision) {
        let outcome = self
            .outcomes
            .entry(open.invoice.key)
            .or_insert_with(|| InvoiceOutcome {
                number: open.invoice.number.clone(),
                currency: open.invoice.currency,
                parts: Vec::new(),
                left_out: None,
            });
        let told_by_parts = |reason: &LeftOut| {
            !outcome.parts.is_empty()
                && matches!(reason, LeftOut::AlreadyPaid | LeftOut::InFlight(_))
        };
        outcome.left_out = decision.left_out().filter(|reason| !told_by_parts(reason));
    }

    fn begun(&mut self, invoice: InvoiceKey, by: Instrument, amount_minor: i64) {
        self.tried.insert((invoice, by));
        if let Some(outcome) = self.outcomes.get_mut(&invoice) {
            outcome.parts.push(ChargedPart {
                method: by.method(),
                amount_minor,
                fate: Fate::Unknown,
            });
        }
    }

    fn ended(&mut self, invoice: InvoiceKey, fate: Fate) {
        let outcome = self.outcomes.get_mut(&invoice);
        if let Some(part) = outcome.and_then(|outcome| outcome.parts.last_mut()) {
            part.fate = fate;
        }
    }
}
