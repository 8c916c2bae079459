//! The steps of dunning and their days, as they are set.

use rust_decimal::Decimal;

use super::Step;
use crate::domain::money::{Currency, Money};
use crate::domain::payment::Ladder;

/// Days that do not follow each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    #[error(
        "suspension on day {suspension} would come before the last attempt to be paid on day {last_attempt}"
    )]
    SuspensionBeforeLastAttempt { suspension: u32, last_attempt: u32 },
    #[error("{0:?} are no warnings: write days before, each fewer than the one before it")]
    Warnings(Vec<u32>),
    #[error("a warning {warning} days before would come before the {days} days begin")]
    WarningTooEarly { warning: u32, days: u32 },
    #[error("data is deleted at least a day after the suspension")]
    DeletionAtOnce,
    #[error("data is not deleted without a warning")]
    NoDeletionWarning,
}

/// When a person in finance has to approve a deletion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalPolicy {
    /// Above this much owed, in major units of any currency that is not named in
    /// `by_currency`.
    pub above: Decimal,
    pub by_currency: Vec<(Currency, Decimal)>,
    /// For every account with health data.
    pub for_health_data: bool,
}

impl ApprovalPolicy {
    /// Whether it is needed for an account that owes so much.
    #[must_use]
    pub fn is_needed(&self, owed: Money, has_health_data: bool) -> bool {
        let own = self
            .by_currency
            .iter()
            .find(|(currency, _)| *currency == owed.currency);
        let above = own.map_or(self.above, |(_, above)| *above);
        (has_health_data && self.for_health_data) || owed.to_decimal() > above
    }
}

impl Default for ApprovalPolicy {
    fn default() -> Self {
        Self {
            above: Decimal::from(500),
            by_currency: Vec::new(),
            for_health_data: true,
        }
    }
}

/// When an account that does not pay is warned, suspended and deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DunningPolicy {
    /// Days after the due date.
    suspension_day: u32,
    /// Days before it, the longest first.
    suspension_warnings: Vec<u32>,
    /// Days after the suspension.
    deletion_day: u32,
    /// Days before it, the longest first.
    deletion_warnings: Vec<u32>,
    pub approval: ApprovalPolicy,
}

/// The defaults of `domain.md` section 4.
impl Default for DunningPolicy {
    fn default() -> Self {
        Self {
            suspension_day: 15,
            suspension_warnings: vec![7, 1],
            deletion_day: 30,
            deletion_warnings: vec![14, 7, 1],
            approval: ApprovalPolicy::default(),
        }
    }
}

impl DunningPolicy {
    /// # Errors
    /// When a day comes before one that it has to follow.
    pub fn new(
        (suspension_day, suspension_warnings): (u32, Vec<u32>),
        (deletion_day, deletion_warnings): (u32, Vec<u32>),
        approval: ApprovalPolicy,
        ladder: &Ladder,
    ) -> Result<Self, PolicyError> {
        let last_attempt = ladder.days().last().copied().unwrap_or(0);
        if suspension_day <= last_attempt {
            return Err(PolicyError::SuspensionBeforeLastAttempt {
                suspension: suspension_day,
                last_attempt,
            });
        }
        if deletion_day == 0 {
            return Err(PolicyError::DeletionAtOnce);
        }
        if deletion_warnings.is_empty() {
            return Err(PolicyError::NoDeletionWarning);
        }
        check_warnings(&suspension_warnings, suspension_day)?;
        check_warnings(&deletion_warnings, deletion_day)?;
        Ok(Self {
            suspension_day,
            suspension_warnings,
            deletion_day,
            deletion_warnings,
            approval,
        })
    }

    /// Every step, in its order.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        let before_suspension = self.suspension_warnings.iter();
        let before_deletion = self.deletion_warnings.iter();
        before_suspension
            .map(|&days_before| Step::SuspensionWarning { days_before })
            .chain([Step::Suspension])
            .chain(before_deletion.map(|&days_before| Step::DeletionWarning { days_before }))
            .chain([Step::Deletion])
            .collect()
    }

    /// The day of a step: after the due date up to the suspension, and after the
    /// suspension from then on.
    #[must_use]
    pub const fn day_of(&self, step: Step) -> u32 {
        match step {
            Step::SuspensionWarning { days_before } => {
                self.suspension_day.saturating_sub(days_before)
            }
            Step::Suspension => self.suspension_day,
            Step::DeletionWarning { days_before } => self.deletion_day.saturating_sub(days_before),
            Step::Deletion => self.deletion_day,
        }
    }

    /// Days after the due date before which no step comes.
    #[must_use]
    pub fn first_day(&self) -> u32 {
        let first = self.suspension_warnings.first().copied().unwrap_or(0);
        self.suspension_day.saturating_sub(first)
    }
}

fn check_warnings(warnings: &[u32], days: u32) -> Result<(), PolicyError> {
    let descend = warnings.is_sorted_by(|left, right| left > right);
    if !descend || warnings.contains(&0) {
        return Err(PolicyError::Warnings(warnings.to_vec()));
    }
    match warnings.first() {
        Some(&warning) if warning >= days => Err(PolicyError::WarningTooEarly { warning, days }),
        _ => Ok(()),
    }
}
