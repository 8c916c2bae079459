//! Facts about single debits: their accounts locked, their attempts and invoices
//! read in bulk, each fact decided in its order, everything written in bulk.

use rustc_hash::{FxHashMap, FxHashSet};

use super::BankError;
use super::fact::{Fact, Lead};
use super::report::{ImportReport, Outcome};
use crate::domain::calendar::Instant;
use crate::domain::ids::{AccountId, AttemptId, PaymentMethodId};
use crate::domain::ledger::{Entry, Movement};
use crate::domain::money::Money;
use crate::domain::payment::{
    AttemptState, InvoiceBalance, Notice, PaymentMethod, Settlement, SettlementFacts,
};
use crate::domain::sepa::matching::{DebitFacts, Problem, Told, Verdict, judge_debit};
use crate::engine::settle::told_of;
use crate::on;
use crate::store::Tx;
use crate::store::rows::{
    AttemptChange, BankAttempt, FactState, FileDigest, HardDecline, InvoiceKey, KeyedEntry,
    NewBankFact, NewNotice,
};

/// Books facts of one file.
pub struct Desk {
    file: FileDigest,
    pub now: Instant,
}

/// What was read of the debits of one chunk, kept up to date while it is
/// decided: two facts of one debit, or two debits of one invoice, see each other.
#[derive(Default)]
pub struct Held {
    attempts: FxHashMap<AttemptId, HeldAttempt>,
    invoices: FxHashMap<InvoiceKey, HeldInvoice>,
    last_entry: FxHashMap<AccountId, i64>,
    /// Those that were credited one by one.
    credited: FxHashSet<AttemptId>,
}

struct HeldAttempt {
    stored: BankAttempt,
    before: &'static str,
    state: AttemptState,
}

struct HeldInvoice {
    balance: InvoiceBalance,
    written_off_minor: i64,
}

/// What is to be written.
#[derive(Default)]
pub struct Writes {
    pub facts: Vec<NewBankFact>,
    entries: Vec<KeyedEntry>,
    notices: Vec<NewNotice>,
    ruled_out: Vec<HardDecline>,
    /// Mandates with a collection that never took place.
    rejected: FxHashSet<(AccountId, PaymentMethodId)>,
    changed: Vec<AttemptId>,
}

impl Desk {
    pub const fn new(file: FileDigest, now: Instant) -> Self {
        Self { file, now }
    }

    /// Books facts about single debits, in their order.
    pub async fn book(
        &self,
        tx: &mut Tx,
        facts: Vec<Fact>,
        report: &mut ImportReport,
    ) -> Result<(), BankError> {
        if facts.is_empty() {
            return Ok(());
        }
        let ids = facts.iter().filter_map(|fact| match fact.lead {
            Lead::Debit(id) => Some(id),
            Lead::Block(_) | Lead::Nowhere(_) => None,
        });
        let mut held = Held::load(tx, ids.collect()).await?;
        let mut writes = Writes::default();
        for fact in &facts {
            self.decide(fact, &mut held, &mut writes, report)?;
        }
        self.write(tx, &held, writes).await
    }

    fn decide(
        &self,
        fact: &Fact,
        held: &mut Held,
        writes: &mut Writes,
        report: &mut ImportReport,
    ) -> Result<(), BankError> {
        let told = fact.told();
        let (attempt, verdict) = match &fact.lead {
            Lead::Debit(id) => match held.judge(*id, &told)? {
                Some((account, verdict)) => (Some((account, *id)), verdict),
                None => {
                    let names = &fact.entry.references;
                    let name = names
                        .end_to_end_id
                        .as_ref()
                        .or(names.instruction_id.as_ref());
                    let unknown = Problem::UnknownDebit(name.cloned().unwrap_or_default());
                    (None, Verdict::Unmatched(of_nothing(&told, unknown)))
                }
            },
            Lead::Nowhere(problem) => {
                let problem = of_nothing(&told, problem.clone());
                (None, Verdict::Unmatched(problem))
            }
            Lead::Block(_) => (None, Verdict::Unmatched(Problem::Blind)),
        };
        let (state, problem) = match verdict {
            Verdict::Book(settlement) => {
                if let Some((_, id)) = attempt {
                    self.apply(id, &settlement, fact.kind(), held, writes, report)?;
                }
                (FactState::Booked, None)
            }
            Verdict::Known => {
                report.known = report.known.saturating_add(1);
                (FactState::Known, None)
            }
            Verdict::Unmatched(problem) => {
                report.tell_unmatched(fact, &problem);
                (FactState::Unmatched, Some(problem))
            }
        };
        if let (Some((_, id)), Told::Settled { .. }, None) = (attempt, &told, &problem) {
            held.credited.insert(id);
        }
        writes.facts.push(NewBankFact {
            attempt,
            ..fact.row(state, problem.as_ref())
        });
        Ok(())
    }

    /// Takes a settlement into what is held and what is written.
    pub fn apply(
        &self,
        id: AttemptId,
        settlement: &Settlement,
        kind: &str,
        held: &mut Held,
        writes: &mut Writes,
        report: &mut ImportReport,
    ) -> Result<(), BankError> {
        let Some(attempt) = held.attempts.get_mut(&id) else {
            return Ok(());
        };
        let stored = &attempt.stored;
        let account = stored.invoice.account;
        for &movement in &settlement.movements {
            let entry = Entry::new(movement, stored.currency)?;
            let last = held.last_entry.entry(account).or_insert(stored.last_entry);
            *last = last.saturating_add(1);
            writes.entries.push(KeyedEntry {
                account,
                id: *last,
                invoice: (movement.allocated_minor() != 0).then_some(stored.invoice),
                attempt: id,
                entry,
            });
            if let Some(invoice) = held.invoices.get_mut(&stored.invoice) {
                invoice.take(movement, stored)?;
            }
        }
        if attempt.state == settlement.state {
            return Ok(());
        }
        report.count(
            Outcome::of(&settlement.state, kind),
            Money::new(stored.amount_minor, stored.currency),
        )?;
        let method = match stored.by {
            crate::domain::payment::Instrument::Sepa(method) => Some(method),
            _ => None,
        };
        if let (Some(method), AttemptState::Declined { .. }) = (method, &settlement.state) {
            writes.rejected.insert((account, method));
        }
        if let (true, Some(method), Some(refusal)) = (
            settlement.disables_method,
            method,
            settlement.state.refusal(),
        ) {
            writes.ruled_out.push(HardDecline {
                account,
                method,
                code: refusal.code.clone(),
            });
        }
        if let Some(notice) = settlement.notice {
            writes
                .notices
                .push(notice_of(stored, notice, &settlement.state));
        }
        attempt.state = settlement.state.clone();
        writes.changed.push(id);
        Ok(())
    }

    /// Writes everything that was decided.
    pub async fn write(&self, tx: &mut Tx, held: &Held, writes: Writes) -> Result<(), BankError> {
        let Writes {
            facts,
            entries,
            notices,
            ruled_out,
            rejected,
            changed,
        } = writes;
        let now = self.now;
        let mut told = FxHashSet::default();
        let mut changes = Vec::with_capacity(changed.len());
        for id in changed {
            let Some(attempt) = held.attempts.get(&id) else {
                continue;
            };
            // Settled and returned in one chunk: written as it ended.
            if told.insert(id) {
                changes.push(AttemptChange {
                    account: attempt.stored.invoice.account,
                    id,
                    before: attempt.before,
                    after: attempt.state.clone(),
                });
            }
        }
        on!(&mut *tx, conn, q => q::change_attempts(conn, &changes, now).await)?;
        on!(&mut *tx, conn, q => q::write_entries(conn, &entries, now).await)?;
        on!(&mut *tx, conn, q => q::write_notices(conn, &notices, now).await)?;
        on!(&mut *tx, conn, q => q::rule_out_methods(conn, &ruled_out, now).await)?;
        let mut mandates: Vec<_> = rejected.into_iter().collect();
        mandates.sort_unstable();
        on!(&mut *tx, conn, q => q::forget_rejected_collections(conn, &mandates).await)?;
        on!(&mut *tx, conn, q => q::write_facts(conn, &self.file, &facts).await)?;
        Ok(())
    }
}

/// A fact that leads to no debit: what it is itself says more than that.
fn of_nothing(told: &Told, otherwise: Problem) -> Problem {
    match told {
        Told::Fee { .. } => Problem::Fee,
        Told::Unclear { why } => Problem::Unclear(why),
        _ => otherwise,
    }
}

fn notice_of(attempt: &BankAttempt, notice: Notice, state: &AttemptState) -> NewNotice {
    let topic = notice.topic();
    let amount = Money::new(attempt.amount_minor, attempt.currency);
    NewNotice {
        account: attempt.invoice.account,
        key: format!("{topic}:{}", attempt.id),
        topic,
        payload: told_of(
            attempt.id,
            &attempt.number,
            PaymentMethod::Sepa,
            amount,
            state,
        ),
    }
}

impl HeldInvoice {
    fn take(&mut self, movement: Movement, attempt: &BankAttempt) -> Result<(), BankError> {
        if let Movement::WriteOffRecovered { amount_minor } = movement {
            self.written_off_minor = self.written_off_minor.saturating_sub(amount_minor);
        }
        let allocated = self
            .balance
            .allocated_minor()
            .saturating_add(movement.allocated_minor());
        self.balance = balance(self.balance.total_minor(), allocated, attempt)?;
        Ok(())
    }
}

fn balance(
    total_minor: i64,
    allocated_minor: i64,
    attempt: &BankAttempt,
) -> Result<InvoiceBalance, BankError> {
    InvoiceBalance::new(total_minor, allocated_minor).map_err(|source| BankError::Balance {
        number: attempt.number.clone(),
        source,
    })
}

impl Held {
    /// Locks the accounts of these attempts, then reads how all of it stands.
    pub async fn load(tx: &mut Tx, mut ids: Vec<AttemptId>) -> Result<Self, BankError> {
        let mut held = Self::default();
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() {
            return Ok(held);
        }
        on!(&mut *tx, conn, q => q::lock_accounts_of(conn, &ids).await)?;
        let attempts = on!(&mut *tx, conn, q => q::bank_attempts(conn, &ids).await)?;
        let mut decided = Vec::new();
        for stored in attempts {
            if !stored.state.in_flight() {
                decided.push(stored.id);
            }
            held.invoices.insert(
                stored.invoice,
                HeldInvoice {
                    balance: balance(stored.total_minor, stored.allocated_minor, &stored)?,
                    written_off_minor: stored.written_off_minor,
                },
            );
            held.attempts.insert(
                stored.id,
                HeldAttempt {
                    before: stored.state.code(),
                    state: stored.state.clone(),
                    stored,
                },
            );
        }
        // Nobody was credited while the outcome was out.
        if !decided.is_empty() {
            let credited = on!(&mut *tx, conn, q => q::credited_attempts(conn, &decided).await)?;
            held.credited.extend(credited);
        }
        Ok(held)
    }

    /// The verdict on what is told of a debit; `None` where there is no such.
    pub fn judge(
        &self,
        id: AttemptId,
        told: &Told,
    ) -> Result<Option<(AccountId, Verdict)>, BankError> {
        let Some(attempt) = self.attempts.get(&id) else {
            return Ok(None);
        };
        let stored = &attempt.stored;
        let Some(invoice) = self.invoices.get(&stored.invoice) else {
            return Ok(None);
        };
        let facts = DebitFacts {
            attempt: SettlementFacts {
                state: &attempt.state,
                by: stored.by,
                amount_minor: stored.amount_minor,
                balance: invoice.balance,
                written_off_minor: invoice.written_off_minor,
            },
            currency: stored.currency,
            was_credited: self.credited.contains(&id),
        };
        Ok(Some((stored.invoice.account, judge_debit(told, &facts))))
    }

    /// What an attempt takes.
    pub fn amount(&self, id: AttemptId) -> Option<Money> {
        self.attempts
            .get(&id)
            .map(|attempt| Money::new(attempt.stored.amount_minor, attempt.stored.currency))
    }
}
