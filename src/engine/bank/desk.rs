//! Facts about single debits, decided in their order, and what they write.

use rustc_hash::FxHashSet;

use super::BankError;
use super::fact::{Fact, Lead};
use super::held::Held;
use super::report::{ImportReport, Outcome};
use crate::domain::calendar::Instant;
use crate::domain::ids::{AccountId, AttemptId};
use crate::domain::money::Money;
use crate::domain::payment::Settlement;
use crate::domain::sepa::matching::{Problem, Told, Verdict};
use crate::engine::settle::writes::{Settling, Writes};
use crate::on;
use crate::store::Tx;
use crate::store::rows::{BankFile, FactKey, FactState, FileDigest, NewBankFact};

/// Books facts of one file.
#[derive(Debug, Clone, Copy)]
pub struct Desk {
    file: FileDigest,
    now: Instant,
}

/// What goes from chunk to chunk.
pub struct Progress {
    pub report: ImportReport,
    /// Accounts of the debits that were booked or looked at, whose rows may be
    /// written by this import and are seen in its own transaction only. Eight
    /// bytes each are all that grows with the file.
    pub touched: FxHashSet<AccountId>,
}

/// What was decided of a chunk, and is to be written.
#[derive(Default)]
pub struct Booking {
    facts: Vec<NewBankFact>,
    writes: Writes<'static>,
}

impl Desk {
    pub const fn new(file: FileDigest, now: Instant) -> Self {
        Self { file, now }
    }

    /// Decides facts about single debits, in their order.
    pub fn decide(
        &self,
        facts: &[Fact],
        held: &mut Held,
        progress: &mut Progress,
    ) -> Result<Booking, BankError> {
        let mut booking = Booking::default();
        for fact in facts {
            self.decide_one(fact, held, &mut booking, &mut progress.report)?;
        }
        progress.touched.extend(held.accounts());
        Ok(booking)
    }

    fn decide_one(
        &self,
        fact: &Fact,
        held: &mut Held,
        booking: &mut Booking,
        report: &mut ImportReport,
    ) -> Result<(), BankError> {
        let told = fact.told();
        let (attempt, verdict) = match &fact.lead {
            Lead::Debit(id) => match held.judge(*id, &told) {
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
                    self.apply(id, &settlement, fact.kind(), held, booking, report)?;
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
            held.credit(id);
        }
        booking.facts.push(NewBankFact {
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
        booking: &mut Booking,
        report: &mut ImportReport,
    ) -> Result<(), BankError> {
        let Some(stored) = held.stored(id) else {
            return Ok(());
        };
        booking
            .writes
            .add(&Settling::from(stored), settlement, None, None)?;
        let amount = Money::new(stored.amount_minor, stored.currency);
        report.count(Outcome::of(&settlement.state, kind), amount)?;
        held.take(id, settlement)
    }
}

impl Progress {
    pub fn new(file: BankFile) -> Self {
        Self {
            report: ImportReport::new(file),
            touched: FxHashSet::default(),
        }
    }
}

impl Booking {
    pub fn of_fact(fact: NewBankFact) -> Self {
        Self {
            facts: vec![fact],
            ..Self::default()
        }
    }

    /// The keys of what is not written yet.
    pub fn keys(&self) -> impl Iterator<Item = FactKey> {
        self.facts.iter().map(|fact| fact.key)
    }

    /// Writes everything that was decided.
    pub async fn write(self, tx: &mut Tx, desk: &Desk) -> Result<(), BankError> {
        self.writes.write(tx, desk.now).await?;
        on!(&mut *tx, conn, q => q::write_facts(conn, &desk.file, &self.facts).await)?;
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
