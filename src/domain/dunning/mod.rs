//! From unpaid to suspended to deleted: which step comes next for an account,
//! and when (`domain.md` section 4).
//!
//! - [`policy`]: the steps and their days, as they are set
//! - this file: facts, policy and date to the next step
//!
//! One invoice of an account leads: the one it is suspended for, else the oldest
//! that is open. Its steps are taken one at a time and each in its order. A step
//! comes on its own day, counted from the debt's date, and never closer to the
//! step before it than the policy sets them apart: after a week of standstill one
//! warning goes out, not five, and the days that it promises are kept. The clock
//! stands still while a payment is out, as the retry ladder's does.
//!
//! A round is what happens up to a restoration. A debt that comes back after its
//! account was restored (a late return) goes on where the ladder left it: it is
//! suspended at once. But its deletion is warned of anew, for what the customer
//! was told of an earlier suspension says nothing of this one.

mod policy;

use std::fmt;

use chrono::NaiveDate;

use super::money::Money;
use super::payment::PastAttempt;
use super::payment::ladder::date_of_day;

pub use policy::{ApprovalPolicy, DunningPolicy, PolicyError};

/// What happens to an account that does not pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The customer is told that the account is suspended in so many days.
    SuspensionWarning { days_before: u32 },
    /// Apps and addons stop; data is kept.
    Suspension,
    /// The customer is told that the data is deleted in so many days.
    DeletionWarning { days_before: u32 },
    /// The data is deleted.
    Deletion,
}

impl Step {
    /// Whether nothing but a mail comes of it.
    #[must_use]
    pub const fn is_warning(self) -> bool {
        match self {
            Self::SuspensionWarning { .. } | Self::DeletionWarning { .. } => true,
            Self::Suspension | Self::Deletion => false,
        }
    }

    /// The code that the database holds, such as `suspension_warning_7`; it never
    /// changes.
    #[must_use]
    pub fn code(self) -> String {
        match self {
            Self::SuspensionWarning { days_before } => format!("suspension_warning_{days_before}"),
            Self::Suspension => "suspension".to_owned(),
            Self::DeletionWarning { days_before } => format!("deletion_warning_{days_before}"),
            Self::Deletion => "deletion".to_owned(),
        }
    }

    /// The step of a code; `None` where no version writes it.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        let days_before = |name: &str| {
            let days: u32 = code.strip_prefix(name)?.parse().ok()?;
            // One code a step: no leading zero, no sign.
            (code == format!("{name}{days}")).then_some(days)
        };
        match code {
            "suspension" => Some(Self::Suspension),
            "deletion" => Some(Self::Deletion),
            _ => days_before("suspension_warning_")
                .map(|days_before| Self::SuspensionWarning { days_before })
                .or_else(|| {
                    days_before("deletion_warning_")
                        .map(|days_before| Self::DeletionWarning { days_before })
                }),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = |days: u32| if days == 1 { "day" } else { "days" };
        match *self {
            Self::SuspensionWarning { days_before: n } => {
                write!(f, "warning: suspension in {n} {}", days(n))
            }
            Self::Suspension => f.write_str("suspension"),
            Self::DeletionWarning { days_before: n } => {
                write!(f, "warning: deletion in {n} {}", days(n))
            }
            Self::Deletion => f.write_str("deletion"),
        }
    }
}

/// A step that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TakenStep {
    pub step: Step,
    /// The day, in the issuer's zone.
    pub on: NaiveDate,
}

/// What the next step depends on: the leading invoice, its account, and what was
/// done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DunningFacts<'a> {
    pub due_on: NaiveDate,
    /// What of the leading invoice is not paid, in minor units.
    pub open_minor: i64,
    /// What the account owes in all, the leading invoice included.
    pub owed: Money,
    /// What was tried for the leading invoice.
    pub attempts: &'a [PastAttempt],
    /// Whether a payment of any invoice of the account is out: a debit in flight,
    /// or one of which nobody knows what became of it.
    pub payment_out: bool,
    /// Whether the leading invoice would be charged today, and was not yet.
    pub charge_due: bool,
    /// The steps that were taken in this round, in any order.
    pub taken: &'a [TakenStep],
    /// Whether the account is suspended for the leading invoice.
    pub is_suspended: bool,
    /// Whether it was suspended for it before, and restored.
    pub was_restored: bool,
    /// Whether a warning of this round waits to be sent.
    pub warning_unsent: bool,
    /// Until which day, itself not included, a person holds the steps.
    pub held_until: Option<NaiveDate>,
    pub has_health_data: bool,
    /// Whether a person approved the deletion, in this round.
    pub deletion_approved: bool,
}

/// Why a step whose day has come is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Block {
    /// A person holds the steps until this day.
    Held { until: NaiveDate },
    /// A payment is out: the money may be on its way.
    PaymentOut,
    /// The last attempt to be paid comes first.
    ChargeDue,
    /// The customer was not told yet what this step was announced by.
    WarningUnsent,
    /// A person in finance has to approve the deletion.
    NeedsApproval,
}

impl Block {
    /// The code that exports hold; it never changes.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Held { .. } => "held",
            Self::PaymentOut => "payment_out",
            Self::ChargeDue => "charge_due",
            Self::WarningUnsent => "warning_unsent",
            Self::NeedsApproval => "needs_approval",
        }
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held { until } => write!(f, "held until {until}"),
            Self::PaymentOut => f.write_str("a payment is out"),
            Self::ChargeDue => f.write_str("an attempt to be paid comes first"),
            Self::WarningUnsent => f.write_str("a warning is not sent yet"),
            Self::NeedsApproval => f.write_str("waits for approval"),
        }
    }
}

/// Whether the next step is taken now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    Now,
    /// Its day has not come.
    Later,
    Blocked(Block),
}

/// The next step of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NextStep {
    pub step: Step,
    /// When it comes, as things stand: today or earlier where its day has come, and
    /// not while it is held.
    pub on: NaiveDate,
    pub readiness: Readiness,
}

/// The next step; `None` where nothing is owed, or nothing is left to be done.
#[must_use]
pub fn next_step(
    facts: &DunningFacts<'_>,
    policy: &DunningPolicy,
    today: NaiveDate,
) -> Option<NextStep> {
    if facts.open_minor <= 0 {
        return None;
    }
    let step = following(facts, policy)?;
    let own = day_of(step, facts, policy, today);
    let on = facts.held_until.map_or(own, |until| own.max(until));
    let readiness = if own > today {
        Readiness::Later
    } else {
        block(step, facts, policy, today).map_or(Readiness::Now, Readiness::Blocked)
    };
    Some(NextStep {
        step,
        on,
        readiness,
    })
}

/// The first step after the last that was taken.
fn following(facts: &DunningFacts<'_>, policy: &DunningPolicy) -> Option<Step> {
    if facts.was_restored && !facts.is_suspended {
        return Some(Step::Suspension);
    }
    let steps = policy.steps();
    let is_taken = |step: &Step| facts.taken.iter().any(|taken| taken.step == *step);
    let mut from = steps
        .iter()
        .rposition(is_taken)
        .map_or(0, |last| last.saturating_add(1));
    // A person who suspends or resumes an account moves it along the steps.
    if let Some(suspension) = steps.iter().position(|step| *step == Step::Suspension) {
        from = if facts.is_suspended {
            from.max(suspension.saturating_add(1))
        } else {
            from.min(suspension)
        };
    }
    steps.get(from).copied()
}

/// The day of a step: its own, counted from the debt's date or from the
/// suspension, but no closer to the step before than the policy sets them apart.
fn day_of(
    step: Step,
    facts: &DunningFacts<'_>,
    policy: &DunningPolicy,
    today: NaiveDate,
) -> NaiveDate {
    let of = |wanted: Step| facts.taken.iter().find(|taken| taken.step == wanted);
    let after = |from: NaiveDate, days: u32| date_of_day(from, days, facts.attempts, today);
    let own = match step {
        Step::Suspension if facts.was_restored => return today,
        Step::SuspensionWarning { .. } | Step::Suspension => {
            after(facts.due_on, policy.day_of(step))
        }
        // The day of the suspension is on record where the account is suspended.
        Step::DeletionWarning { .. } | Step::Deletion => {
            let suspended_on = of(Step::Suspension).map_or(today, |taken| taken.on);
            after(suspended_on, policy.day_of(step))
        }
    };
    let same_part = |taken: &&TakenStep| {
        let after_suspension =
            |step: Step| matches!(step, Step::DeletionWarning { .. } | Step::Deletion);
        after_suspension(taken.step) == after_suspension(step)
    };
    let apart = facts.taken.iter().filter(same_part).map(|taken| {
        let days = policy
            .day_of(step)
            .saturating_sub(policy.day_of(taken.step));
        after(taken.on, days)
    });
    apart.fold(own, NaiveDate::max)
}

/// What keeps a step whose day has come from being taken.
fn block(
    step: Step,
    facts: &DunningFacts<'_>,
    policy: &DunningPolicy,
    today: NaiveDate,
) -> Option<Block> {
    if let Some(until) = facts.held_until.filter(|until| today < *until) {
        return Some(Block::Held { until });
    }
    if facts.payment_out {
        return Some(Block::PaymentOut);
    }
    if step.is_warning() {
        return None;
    }
    if facts.charge_due {
        return Some(Block::ChargeDue);
    }
    if facts.warning_unsent {
        return Some(Block::WarningUnsent);
    }
    let needs_approval = step == Step::Deletion
        && !facts.deletion_approved
        && policy.approval.is_needed(facts.owed, facts.has_health_data);
    needs_approval.then_some(Block::NeedsApproval)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
