//! An account on its way out, because its customer asked for it or did not pay.
//!
//! - [`facts`]: what keeps it from leaving
//! - [`ask`]: its customer asks, and is mailed a link; or takes it back
//! - [`confirm`]: the link is used: the final invoice is made, and charged
//! - [`steps`]: the platform removes one thing after the other, and says of each
//!   that it is done
//! - [`erase`]: what is left of the person goes
//! - [`advance`]: whatever waits goes on, by the schedule
//! - [`show`]: where it stands, and what it waits for
//!
//! A customer's request is *asked*, *settling* once the link was used, *erasing*
//! once nothing is owed, and *done*. An account that did not pay begins at erasing;
//! from there on both take the same road. Each move is decided again under the
//! account's lock, so two that make it at once make it once.

mod advance;
mod ask;
mod confirm;
mod erase;
mod facts;
mod show;
mod steps;

use crate::domain::deletion::Refusal;
use crate::domain::invoice::ParkReason;
use crate::engine::collect::CollectError;
use crate::engine::run::RunError;
use crate::store::StoreError;

pub use advance::DeletionTally;
pub use ask::Asked;
pub use confirm::{Confirmed, Consent};
pub use show::Outlook;
pub(in crate::engine) use steps::begin_for_debt;
pub use steps::{StepError, StepOutcome};

/// A deletion does not go on.
#[derive(Debug, thiserror::Error)]
pub enum DeletionError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Run(#[from] RunError),
    #[error(transparent)]
    Collect(#[from] CollectError),
    #[error(transparent)]
    Ledger(#[from] crate::domain::ledger::LedgerError),
    #[error(transparent)]
    Provider(#[from] crate::engine::providers::ProviderError),
    #[error(transparent)]
    Attempt(#[from] crate::domain::payment::Contradiction),
    #[error("its card cannot be taken off at its provider: {0}")]
    Detach(#[from] crate::providers::CallError),
    #[error("the machine gives no randomness: {0}")]
    Chance(#[from] getrandom::Error),
    #[error("what the final invoice needs cannot be stored: {0}")]
    Terms(#[from] serde_json::Error),
    #[error("it cannot be deleted now:\n{}", list(.0))]
    Refused(Vec<Refusal>),
    #[error("its final invoice cannot be made: {0}")]
    FinalInvoice(ParkReason),
    /// Whoever has a link learns nothing from it but that it does not work.
    #[error("the link does not work: it was used, replaced, or has run out")]
    Link,
    /// What its customer says of it: which field, and what is wrong.
    #[error("{0} {1}")]
    Said(&'static str, String),
    #[error("there is no [mail] in the settings: nobody could be sent the link that confirms it")]
    NoMail,
    #[error("it is on its way out already: {0}")]
    Already(crate::domain::deletion::DeletionState),
    #[error("nobody asked for its deletion")]
    NotAsked,
    #[error("its data is being deleted: that is not taken back")]
    TooLate,
    #[error("the date is out of range")]
    Date,
}

fn list(refusals: &[Refusal]) -> String {
    let lines: Vec<String> = refusals
        .iter()
        .map(|refusal| format!("- {refusal}"))
        .collect();
    lines.join("\n")
}
