//! What dunning knows of accounts that owe something.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::NaiveDate;

use super::DunningError;
use crate::domain::dunning::{DunningFacts, NextStep, TakenStep, next_step};
use crate::domain::ids::AccountId;
use crate::domain::money::Money;
use crate::domain::payment::{Decision, NextStep as NextAttempt, Trigger};
use crate::engine::collect::facts::{self, Open, Round};
use crate::engine::run::Engine;
use crate::on;
use crate::store::Tx;
use crate::store::rows::{
    AccountStanding, InvoiceKey, InvoiceScope, StoredStep, Suspension, SuspensionCause,
};

/// An account that owes something, seen by dunning: its leading invoice and what
/// was done about it.
pub struct Debtor {
    pub account: AccountId,
    /// The leading invoice: the one that the account is suspended for, else the
    /// oldest that is open.
    pub leading: Open,
    /// What the account owes in the currency of the leading invoice.
    pub owed: Money,
    pub round: i32,
    /// The steps of this round.
    pub taken: Vec<TakenStep>,
    pub is_suspended: bool,
    pub payment_out: bool,
    pub charge_due: bool,
    pub deletion_approved: bool,
    pub standing: AccountStanding,
}

impl Debtor {
    pub const fn invoice(&self) -> InvoiceKey {
        self.leading.invoice.key
    }

    /// The facts that the next step is decided from.
    pub fn facts(&self) -> DunningFacts<'_> {
        DunningFacts {
            due_on: self.leading.invoice.due_on,
            open_minor: self.leading.balance.open_minor(),
            owed: self.owed,
            attempts: &self.leading.attempts,
            payment_out: self.payment_out,
            charge_due: self.charge_due,
            taken: &self.taken,
            is_suspended: self.is_suspended,
            was_restored: self.round > 0,
            warning_unsent: self.standing.warning_unsent,
            held_until: self.standing.held_until,
            has_health_data: self.standing.has_health_data,
            deletion_approved: self.deletion_approved,
        }
    }
}

impl Engine {
    /// The debtors among accounts. One that is on its way out is none any more.
    pub(super) async fn debtors(
        &self,
        tx: &mut Tx,
        accounts: &[AccountId],
    ) -> Result<Vec<Debtor>, DunningError> {
        let zone = self.config.zone();
        let today = self.clock.today(zone);
        let scope = InvoiceScope::all_open();
        let rounds = facts::load(tx, accounts, &scope, None, today, zone).await?;
        let suspensions = on!(&mut *tx, conn, q => q::suspensions(conn, accounts).await)?;
        let steps = on!(&mut *tx, conn, q => q::taken_steps(conn, accounts).await)?;
        let mut standings = on!(&mut *tx, conn, q => q::standings(conn, accounts).await)?;
        let approvals = on!(&mut *tx, conn, q => q::deletion_approvals(conn, accounts).await)?;
        let approvals: HashSet<(InvoiceKey, i32)> = approvals.into_iter().collect();
        let mut history = History::new(&suspensions, &steps);
        let mut by_account: BTreeMap<AccountId, Vec<Round>> = BTreeMap::new();
        for round in rounds {
            by_account.entry(round.account).or_default().push(round);
        }
        let mut debtors = Vec::new();
        for (account, rounds) in by_account {
            let standing = standings.remove(&account).unwrap_or_default();
            if standing.is_leaving {
                continue;
            }
            let debtor = self.debtor_of(account, rounds, standing, &mut history, &approvals);
            debtors.extend(debtor);
        }
        Ok(debtors)
    }

    fn debtor_of(
        &self,
        account: AccountId,
        rounds: Vec<Round>,
        standing: AccountStanding,
        history: &mut History,
        approvals: &HashSet<(InvoiceKey, i32)>,
    ) -> Option<Debtor> {
        let decided: Vec<(InvoiceKey, bool)> = rounds
            .iter()
            .flat_map(|round| {
                let keys = round.invoices.iter().map(|open| open.invoice.key);
                let charges = self.decide(round, Trigger::Schedule);
                keys.zip(charges)
                    .map(|(key, decision)| (key, matches!(decision, Decision::Charge { .. })))
                    .collect::<Vec<_>>()
            })
            .collect();
        let mut invoices: Vec<Open> = rounds
            .into_iter()
            .flat_map(|round| round.invoices)
            .collect();
        let payment_out = invoices.iter().any(|open| {
            open.attempts
                .iter()
                .any(|attempt| attempt.state.in_flight())
        });
        let suspended_for = history.suspended_for.get(&account).copied();
        let at = match suspended_for {
            Some(key) => invoices.iter().position(|open| open.invoice.key == key),
            None => {
                let oldest = |at: &usize| {
                    let invoice = &invoices.get(*at)?.invoice;
                    let number = &invoice.number;
                    Some((invoice.due_on, number.year, number.sequence))
                };
                (0..invoices.len()).min_by_key(oldest)
            }
        }?;
        let currency = invoices.get(at)?.invoice.currency;
        let owed_minor = invoices
            .iter()
            .filter(|open| open.invoice.currency == currency)
            .fold(0_i64, |sum, open| {
                sum.saturating_add(open.balance.open_minor())
            });
        let leading = invoices.swap_remove(at);
        let key = leading.invoice.key;
        let round = history.rounds.get(&key).copied().unwrap_or(0);
        Some(Debtor {
            account,
            owed: Money::new(owed_minor, currency),
            round,
            taken: history.taken.remove(&(key, round)).unwrap_or_default(),
            is_suspended: suspended_for.is_some(),
            payment_out,
            charge_due: decided.contains(&(key, true)),
            deletion_approved: approvals.contains(&(key, round)),
            standing,
            leading,
        })
    }

    /// What comes next for a debtor.
    pub(super) fn next_of(&self, debtor: &Debtor) -> Option<NextStep> {
        let today = self.clock.today(self.config.zone());
        next_step(&debtor.facts(), &self.config.dunning, today)
    }

    /// The day on which the leading invoice is charged next, if it is.
    pub(super) fn next_attempt_on(&self, debtor: &Debtor) -> Option<NaiveDate> {
        let today = self.clock.today(self.config.zone());
        let ladder = &self.config.collection.ladder;
        let (due_on, attempts) = (debtor.leading.invoice.due_on, &debtor.leading.attempts);
        match ladder.next(due_on, attempts, today) {
            NextAttempt::Due { .. } => debtor.charge_due.then_some(today),
            NextAttempt::Waits { on, .. } => Some(on),
            NextAttempt::InFlight | NextAttempt::Exhausted => None,
        }
    }
}

/// What was done about the invoices of some accounts.
struct History {
    /// The invoice that an account is suspended for.
    suspended_for: HashMap<AccountId, InvoiceKey>,
    /// How often an account was restored for an invoice.
    rounds: HashMap<InvoiceKey, i32>,
    taken: HashMap<(InvoiceKey, i32), Vec<TakenStep>>,
}

impl History {
    fn new(suspensions: &[Suspension], steps: &[StoredStep]) -> Self {
        let mut history = Self {
            suspended_for: HashMap::new(),
            rounds: HashMap::new(),
            taken: HashMap::new(),
        };
        for suspension in suspensions {
            let SuspensionCause::Unpaid(invoice) = suspension.cause else {
                continue;
            };
            if suspension.is_open() {
                history.suspended_for.insert(suspension.account, invoice);
            } else {
                let round = history.rounds.entry(invoice).or_insert(0);
                *round = round.saturating_add(1);
            }
        }
        for step in steps {
            let key = (step.invoice, step.round);
            history.taken.entry(key).or_default().push(step.taken);
        }
        history
    }
}
