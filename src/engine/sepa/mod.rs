//! Direct debits on their way to the bank, in three steps that a person can stop
//! between: attempts that wait become a file, the file is released, the bank
//! answers.
//!
//! - [`due`]: what waits, opened and ready to be collected
//! - [`batch`]: a file of it, archived and recorded
//! - [`release`]: the file goes to the bank, or never will

mod batch;
mod due;
mod release;

use std::path::{Path, PathBuf};

use chrono::NaiveDate;

use crate::config::SepaSettings;
use crate::domain::ids::AttemptId;
use crate::domain::invoice::InvoiceNumber;
use crate::domain::money::MoneyError;
use crate::domain::payment::Contradiction;
use crate::domain::sepa::check::Problem;
use crate::domain::sepa::standing::Obstacle;
use crate::engine::run::Engine;
use crate::store::StoreError;
use crate::store::rows::BatchState;
use crate::vault::VaultError;
use crate::vault::archive::{self, ArchiveError};

pub use batch::{BatchMade, BlockMade, LeftOutDebit, LeftOutFate, LeftOutReason};
pub use release::BatchShown;

/// Why there is no file, or it is not released. Nothing is changed then, unless
/// the error says so.
#[derive(Debug, thiserror::Error)]
pub enum SepaError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error(transparent)]
    Attempt(#[from] Contradiction),
    #[error(transparent)]
    Sum(#[from] MoneyError),
    #[error("the machine gives no randomness: {0}")]
    Chance(#[from] getrandom::Error),
    #[error(transparent)]
    NoSepa(#[from] NoSepa),
    #[error("nothing is collected on {0}: it has passed")]
    CollectInPast(NaiveDate),
    #[error("the file has a debit {0} that nothing waits for")]
    UnknownDebit(String),
    #[error("the bank would refuse the file, so there is none:\n{}", list(.0))]
    Refused(Vec<Problem>),
    #[error(
        "these debits were changed at the same time, or another file was made of them: there is none of this one"
    )]
    Raced,
    #[error("{0} is there already: a file for the bank is never overwritten")]
    OutExists(String),
    #[error("a file for the bank is full of account numbers: it is written to a file, not printed")]
    OutPrinted,
    #[error("{path}: {source}")]
    Out {
        path: String,
        source: std::io::Error,
    },
    #[error(
        "the batch {id} is made, and its file could not be put there: {source}. `quittance sepa file {id}` \
         gets it"
    )]
    OutAfter { id: String, source: Box<SepaError> },
    #[error("there is no batch {0:?}")]
    UnknownBatch(String),
    #[error("the batch {id} is {}", not_made(*.state, wanted))]
    NotMade {
        id: String,
        state: BatchState,
        wanted: &'static str,
    },
    #[error(
        "the batch {id} collects on {collect_on}, and what goes to the bank today is collected on {earliest} at \
         the earliest: cancel it and make a new one"
    )]
    TooLate {
        id: String,
        collect_on: NaiveDate,
        earliest: NaiveDate,
    },
    #[error(
        "the batch {id} is not what it was made of any more, so nothing is sent: cancel it (`sepa cancel`) and \
         make a new one (`sepa batch`)\n{}",
        list_stale(.stale)
    )]
    Stale { id: String, stale: Vec<StaleDebit> },
    #[error("the batch {0} has other debits than it was made of: `quittance verify` tells more")]
    OtherDebits(String),
    #[error(
        "the archived file of the batch {0} is not the one that was made: its digest is another"
    )]
    OtherDigest(String),
    #[error("the number of debits is out of range")]
    Count,
}

fn list(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems
        .iter()
        .map(|problem| format!("  {problem}"))
        .collect();
    lines.join("\n")
}

fn not_made(state: BatchState, wanted: &str) -> String {
    if state.code() == wanted {
        format!("{wanted} already")
    } else {
        format!("{}: it cannot be {wanted}", state.code())
    }
}

/// A debit that keeps its file from going to the bank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaleDebit {
    /// The platform's id of the account.
    pub external_id: String,
    pub number: InvoiceNumber,
    pub attempt: AttemptId,
    pub obstacle: Obstacle,
}

/// The new batch names all of them; a screen has to hold these.
const STALE_SHOWN_MAX: usize = 50;

fn list_stale(stale: &[StaleDebit]) -> String {
    let mut lines: Vec<String> = stale
        .iter()
        .take(STALE_SHOWN_MAX)
        .map(|debit| {
            format!(
                "  {} of {:?}: {}",
                debit.number, debit.external_id, debit.obstacle
            )
        })
        .collect();
    let more = stale.len().saturating_sub(STALE_SHOWN_MAX);
    if more > 0 {
        lines.push(format!("  and {more} more"));
    }
    lines.join("\n")
}

/// What the archive calls a file for the bank.
fn archive_context(id: &str) -> String {
    format!("pain.008 {id}")
}

/// Nobody collects by direct debit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no [sepa] in the settings: nobody collects")]
pub struct NoSepa;

impl Engine {
    pub(crate) fn sepa_settings(&self) -> Result<&SepaSettings, NoSepa> {
        self.config.sepa.as_ref().ok_or(NoSepa)
    }

    /// Where the sealed file of a batch is.
    fn archived_batch(&self, id: &str) -> Result<PathBuf, SepaError> {
        let sepa = self.sepa_settings()?;
        Ok(archive::path_of(&sepa.archive, id))
    }
}

/// Refuses what could be an accident before anything is done.
fn refuse_existing(path: &Path) -> Result<(), SepaError> {
    if path == Path::new("-") {
        return Err(SepaError::OutPrinted);
    }
    if path.symlink_metadata().is_ok() {
        return Err(SepaError::OutExists(path.display().to_string()));
    }
    Ok(())
}
