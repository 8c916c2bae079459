//! Accounts on their way out.

use crate::domain::calendar::{Instant, PeriodKey};
use crate::domain::deletion::{DeletionState, StepStanding};
use crate::domain::ids::AccountId;
use crate::domain::invoice::fingerprint::Digest;
use crate::domain::notice::DeletionCause;

/// The deletion of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDeletion {
    pub account: AccountId,
    pub external_id: String,
    /// Counted from 1 per account.
    pub no: i64,
    pub cause: DeletionCause,
    pub state: DeletionState,
    /// Until when its link works; none once it was used or ran out.
    pub link_until: Option<Instant>,
    pub gives_up_credit: bool,
    /// The month that was billed before its end.
    pub final_period: Option<PeriodKey>,
    pub asked_at: Instant,
    pub confirmed_at: Option<Instant>,
    pub ended_at: Option<Instant>,
}

/// A link that confirms a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewLink {
    /// Of its token, which is not kept.
    pub digest: Digest,
    pub until: Instant,
}

/// A deletion with its steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletionWithSteps {
    pub deletion: StoredDeletion,
    /// In their order; none before the erasing begins.
    pub steps: Vec<StepStanding>,
}
