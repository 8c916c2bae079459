//! The lifecycle of an account that does not pay: warned, suspended, deleted, and
//! restored at once when it pays.
//!
//! - [`facts`]: accounts that owe something
//! - [`round`]: the steps whose day has come, taken
//! - [`restore`]: who paid is restored, in the transaction that books it
//! - [`person`]: what people decide: holds, approvals, suspensions
//! - [`list`]: who owes what, and what comes next
//!
//! A step is decided twice: from a snapshot, to find out whom a round is about,
//! and again under the account's lock, in the transaction that takes it. So two
//! rounds at once take a step once, and nobody is suspended who paid meanwhile.

mod facts;
mod list;
mod person;
mod restore;
mod round;

use crate::domain::dunning::Step;
use crate::engine::collect::CollectError;
use crate::store::StoreError;

pub use list::DebtorOutlook;
pub use person::PersonError;
pub(in crate::engine) use restore::restore_paid;
pub use round::DunningTally;

/// Why a round of dunning came to a stop. What was taken stands; the next round
/// goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum DunningError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Facts(#[from] CollectError),
    #[error("{0} cannot be told: the day is out of range")]
    Date(Step),
}
