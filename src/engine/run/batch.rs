//! One range of accounts, read and decided. Nothing is written here.

use std::collections::HashMap;

use super::facts::{Prices, RunFacts};
use super::{BatchTally, Engine};
use crate::domain::ids::{AccountId, AllowanceId};
use crate::domain::invoice::fingerprint::ContentHeader;
use crate::domain::invoice::{AccountMonth, Allowance, Decision, InvoiceDraft, LineKind, decide};
use crate::domain::usage::LateUsage;
use crate::engine::issued::{LineFacts, digest_of};
use crate::engine::usage_source;
use crate::on;
use crate::store::rows::{
    DueAccount, GrantedAllowance, NewInvoice, NewOutcome, Outcome, RunRange, WaitingLate,
};
use crate::store::{StoreError, Tx};

/// A range whose accounts are decided.
#[derive(Debug, Default)]
pub struct Batch {
    /// The import generation the facts were read at.
    pub generation: i64,
    pub invoices: Vec<NewInvoice>,
    pub outcomes: Vec<NewOutcome>,
    /// The pieces of late usage that the invoices take in.
    pub late_taken: Vec<(AccountId, i64)>,
    /// The vouchers that they use.
    pub vouchers_taken: Vec<(AccountId, AllowanceId)>,
}

impl Batch {
    pub fn tally(&self) -> BatchTally {
        let count = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
        let with = |outcome: Outcome| {
            count(
                self.outcomes
                    .iter()
                    .filter(|row| row.outcome == outcome)
                    .count(),
            )
        };
        BatchTally {
            accounts: count(self.outcomes.len()),
            invoices: count(self.invoices.len()),
            lines: count(
                self.invoices
                    .iter()
                    .map(|invoice| invoice.lines.len())
                    .sum(),
            ),
            nothing_due: with(Outcome::NothingDue),
            parked: with(Outcome::Parked),
        }
    }
}

/// An account with its decision.
pub struct Decided {
    pub due: DueAccount,
    pub decision: Decision,
    late: Vec<WaitingLate>,
    granted: Vec<GrantedAllowance>,
}

/// Reads the facts of a range and decides each account: those still due, or
/// all of them for a shadow run.
pub async fn decide_range(
    tx: &mut Tx,
    engine: &Engine,
    facts: &RunFacts,
    prices: &Prices,
    range: RunRange,
    include_settled: bool,
) -> Result<Vec<Decided>, StoreError> {
    let period = &facts.run.period;
    let accounts =
        on!(&mut *tx, conn, q => q::due_accounts(conn, range, period, include_settled).await)?;
    if accounts.is_empty() {
        return Ok(Vec::new());
    }
    let policy = &engine.config.policy;
    let mut usage = usage_source::totals(
        tx,
        range,
        period,
        &prices.book.catalog,
        &accounts,
        policy.free_trial_days,
    )
    .await?;
    let late = on!(&mut *tx, conn, q => q::waiting_late(conn, range, period.key).await)?;
    let mut late = group(late, |piece| piece.account);
    let granted = on!(&mut *tx, conn, q => q::allowances(conn, range, period.key).await)?;
    let mut granted = group(granted, |granted| granted.account);

    let decided = accounts.into_iter().map(|due| {
        let id = due.account.id;
        let late = late.remove(&id).unwrap_or_default();
        let granted = granted.remove(&id).unwrap_or_default();
        let pieces: Vec<LateUsage> = late.iter().map(|piece| piece.usage.clone()).collect();
        let allowances: Vec<Allowance> = granted
            .iter()
            .map(|granted| granted.allowance.clone())
            .collect();
        let month = AccountMonth {
            account: &due.account,
            period,
            usage: usage.remove(&id).unwrap_or_default(),
            late: &pieces,
            allowances: &allowances,
            last_total_minor: due.last_total_minor,
            released_minor: due.released_minor,
            has_left: due.has_left,
        };
        let decision = decide(month, policy, &prices.book);
        Decided {
            due,
            decision,
            late,
            granted,
        }
    });
    Ok(decided.collect())
}

/// Turns the decisions of a range into what is written.
pub fn assemble(
    decided: Vec<Decided>,
    engine: &Engine,
    facts: &RunFacts,
    prices: &Prices,
) -> Batch {
    let mut batch = Batch {
        generation: prices.generation,
        ..Batch::default()
    };
    for account in decided {
        let id = account.due.account.id;
        let outcome = NewOutcome {
            account: id,
            outcome: Outcome::NothingDue,
            total_minor: 0,
            reason: None,
            parked_minor: None,
            replaces: account.due.parked,
        };
        batch.outcomes.push(match &account.decision {
            Decision::NothingDue | Decision::GivenUp => outcome,
            Decision::Invoice(draft) => NewOutcome {
                outcome: Outcome::Invoiced,
                total_minor: draft.total_minor,
                ..outcome
            },
            Decision::Parked(reason) => NewOutcome {
                outcome: Outcome::Parked,
                reason: Some(reason.to_string()),
                parked_minor: reason.held_minor(),
                ..outcome
            },
        });
        if account.decision == Decision::GivenUp {
            let given_up = account.late.iter().map(|piece| (id, piece.id));
            batch.late_taken.extend(given_up);
        }
        if let Decision::Invoice(draft) = account.decision {
            let taken = draft
                .late_taken
                .iter()
                .filter_map(|&at| account.late.get(at));
            batch.late_taken.extend(taken.map(|piece| (id, piece.id)));
            let vouchers = draft
                .lines
                .iter()
                .filter(|line| line.kind == LineKind::Voucher);
            let vouchers = vouchers.filter_map(|line| line.allowance);
            batch
                .vouchers_taken
                .extend(vouchers.map(|voucher| (id, voucher)));
            let invoice = new_invoice(draft, &account.due, &account.granted, engine, facts, prices);
            batch.invoices.push(invoice);
        }
    }
    batch
}

fn new_invoice(
    draft: InvoiceDraft,
    due: &DueAccount,
    granted: &[GrantedAllowance],
    engine: &Engine,
    facts: &RunFacts,
    prices: &Prices,
) -> NewInvoice {
    let header = ContentHeader {
        account: &due.external_id,
        period: facts.run.period.key,
        currency: due.account.currency,
        profile: due.profile_digest,
        issuer: facts.issuer_digest,
        vat: std::slice::from_ref(&draft.vat),
        net_minor: draft.net_minor,
        total_minor: draft.total_minor,
    };
    let label_of = |line: &crate::domain::invoice::InvoiceLine| {
        let granted = granted
            .iter()
            .find(|granted| Some(granted.allowance.id) == line.allowance);
        granted.map(|granted| granted.label.as_str())
    };
    let trial = LineFacts {
        book: &prices.book,
        trial: (due.account.created_at, due.account.trial_ended_at),
        period_end: facts.run.period.end,
        free_trial_days: engine.config.policy.free_trial_days,
        zone: engine.config.policy.zone,
    };
    let lines = draft.lines.iter().map(|line| (line, label_of(line)));
    NewInvoice {
        account: due.account.id,
        profile: due.account.profile,
        currency: due.account.currency,
        content_digest: digest_of(&header, lines, &trial),
        lines: draft.lines,
        vat: draft.vat,
        net_minor: draft.net_minor,
        vat_minor: draft.vat_minor,
        total_minor: draft.total_minor,
    }
}

fn group<T>(rows: Vec<T>, key: impl Fn(&T) -> AccountId) -> HashMap<AccountId, Vec<T>> {
    let mut groups: HashMap<AccountId, Vec<T>> = HashMap::new();
    for row in rows {
        groups.entry(key(&row)).or_default().push(row);
    }
    groups
}
