//! The month run: plan the ranges, work them off, close.
//!
//! - [`plan`]: a run, from its first planning to its end
//! - [`facts`]: what every batch of a run shares
//! - [`batch`]: one range of accounts, read and decided
//! - [`commit`]: a decided batch, written and numbered
//! - [`early`]: one account's month, billed before it ends
//! - [`estimate`]: what a time would be billed, not written
//! - [`workers`]: many batches at once, on either database
//! - [`shadow`]: the same month computed again, compared, not written
//! - [`status`]: where a run stands

mod batch;
mod commit;
mod early;
mod estimate;
mod facts;
mod plan;
pub mod shadow;
pub mod status;
mod workers;

use std::num::NonZeroUsize;
use std::sync::Arc;

use chrono::NaiveDate;

use crate::chance::Chance;
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::calendar::{Instant, PeriodKey, PeriodKeyError};
use crate::domain::invoice::{InvoiceNumber, SeriesName};
use crate::engine::import::Reception;
use crate::engine::providers::Providers;
use crate::engine::schedule::Rounds;
use crate::engine::settle::queue::Queue;
use crate::on;
use crate::store::rows::{ByPerson, RunRange, RunState};
use crate::store::{Store, StoreError};

pub use estimate::{Estimate, EstimateError, Span};
pub use facts::RunFacts;

/// Accounts of one batch: large enough to pay, small enough to hold the series
/// row for milliseconds.
pub const ACCOUNTS_PER_BATCH: i64 = 1_000;

/// Why a run did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Period(#[from] PeriodKeyError),
    #[error("{period} ends at {end}: it cannot be billed before")]
    NotEnded { period: PeriodKey, end: String },
    #[error("{0} was never run: start it with `quittance run {0}`")]
    NoRun(PeriodKey),
    #[error("the run of {0} is paused: `quittance run resume {0}` lets it go on")]
    Paused(PeriodKey),
    #[error("the run of {0} is closed: there is nothing to pause")]
    Closed(PeriodKey),
    #[error("there is no account {0:?}")]
    UnknownAccount(String),
    #[error("account {account:?} signed up after {period} ended")]
    NotYetCustomer { account: String, period: PeriodKey },
    #[error("account {account:?} is not parked in {period}")]
    NotParked { account: String, period: PeriodKey },
    #[error("account {account:?} cannot be released: {reason}. Mend that, then run {period} again")]
    NotReleasable {
        account: String,
        period: PeriodKey,
        reason: String,
    },
    #[error(
        "{period} would be billed from {start} to {end}, but {neighbor}, which was run, is from \
         {neighbor_start} to {neighbor_end}: time between them would be lost or billed twice. Was \
         billing.zone changed?"
    )]
    NotAdjacent {
        period: PeriodKey,
        start: Instant,
        end: Instant,
        neighbor: PeriodKey,
        neighbor_start: Instant,
        neighbor_end: Instant,
    },
    #[error(
        "the last invoice of series {series} is of {last}, and today is {today}: is the clock right?"
    )]
    ClockBehind {
        series: SeriesName,
        last: NaiveDate,
        today: NaiveDate,
    },
    #[error(
        "this database has invoices of another issuer, and no quittance.toml was found: name it with --config"
    )]
    SampleIssuer,
    #[error("a batch collided with another process {tries} times: run it again")]
    Collided { tries: u32, source: StoreError },
    #[error("the terms cannot be stored: {0}")]
    Terms(#[from] serde_json::Error),
    #[error("the date is out of range")]
    Date,
    #[error("a worker stopped without a word")]
    Worker,
}

/// What a batch did, for progress.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BatchTally {
    pub accounts: u64,
    pub invoices: u64,
    pub lines: u64,
    pub nothing_due: u64,
    pub parked: u64,
}

impl BatchTally {
    pub const fn add(&mut self, other: Self) {
        self.accounts += other.accounts;
        self.invoices += other.invoices;
        self.lines += other.lines;
        self.nothing_due += other.nothing_due;
        self.parked += other.parked;
    }
}

/// Is told of the accounts to come and of each batch done.
pub trait Progress: Send + Sync {
    fn planned(&self, accounts: u64);
    fn done(&self, batch: BatchTally);
}

/// Tells nobody.
pub struct Silent;

impl Progress for Silent {
    fn planned(&self, _accounts: u64) {}
    fn done(&self, _batch: BatchTally) {}
}

/// The house as a run needs it.
#[derive(Clone)]
pub struct Engine {
    pub store: Store,
    pub config: Config,
    pub clock: Clock,
    pub chance: Chance,
    pub providers: Providers,
    /// What waits to be recorded, where there is one writer.
    pub(super) settling: Arc<Queue>,
    /// Whose turn it is to report usage.
    pub(super) reception: Arc<Reception>,
    /// What the schedule did last.
    pub rounds: Arc<Rounds>,
}

impl Engine {
    /// The engine over an open database.
    #[must_use]
    pub fn new(store: Store, config: Config, clock: Clock) -> Self {
        Self {
            store,
            config,
            clock,
            chance: Chance::System,
            providers: Providers::default(),
            settling: Arc::default(),
            reception: Arc::default(),
            rounds: Arc::default(),
        }
    }

    /// Runs a month to its end: every account gets its outcome. Running it
    /// again, or in several processes at once, adds nothing.
    ///
    /// # Errors
    /// When the month has not ended, is paused, or the database refuses; what
    /// was committed stands, and running it again goes on from there.
    pub async fn run_month(
        &self,
        key: PeriodKey,
        workers: NonZeroUsize,
        progress: &Arc<dyn Progress>,
    ) -> Result<BatchTally, RunError> {
        let run = self.plan(key, progress).await?;
        let mut tally = BatchTally::default();
        loop {
            let facts = RunFacts::load(self, run.clone()).await?;
            tally.add(workers::work_off(self, &facts, workers, progress).await?);
            self.refuse_if_paused(&run).await?;
            if workers::wait_for_others(self, &run).await? {
                continue;
            }
            if self.finish(&run).await? {
                return Ok(tally);
            }
        }
    }

    /// Settles one account of a month, without the others.
    ///
    /// # Errors
    /// As [`Self::run_month`], or when the account is unknown.
    pub async fn run_account(
        &self,
        key: PeriodKey,
        external_id: &str,
    ) -> Result<BatchTally, RunError> {
        let (run, account) = self.run_and_account(key, external_id).await?;
        let facts = RunFacts::load(self, run.clone()).await?;
        let range = RunRange::only(account);
        let tally = workers::settle_range(self, &facts, range).await?;
        let mut tx = self.store.snapshot().await?;
        let missing = on!(&mut tx, conn, q => q::missing_outcomes(conn, &run.period).await)?;
        tx.rollback().await?;
        if missing == 0 {
            self.finish(&run).await?;
        }
        Ok(tally)
    }

    /// Accepts the total that a sanity bound held back and settles the account
    /// at once. A total that grew meanwhile is held back again.
    ///
    /// # Errors
    /// When the account is not parked by a bound, or as [`Self::run_account`].
    pub async fn release(
        &self,
        key: PeriodKey,
        external_id: &str,
        by: ByPerson<'_>,
    ) -> Result<Option<InvoiceNumber>, RunError> {
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        let account = on!(&mut tx, conn, q => q::find_account(conn, external_id).await)?
            .ok_or_else(|| RunError::UnknownAccount(external_id.to_owned()))?;
        on!(&mut tx, conn, q => q::find_run(conn, key).await)?.ok_or(RunError::NoRun(key))?;
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        let parked = on!(&mut tx, conn, q => q::find_parked(conn, key, account).await)?;
        let Some((reason, held_minor)) = parked else {
            return Err(RunError::NotParked {
                account: external_id.to_owned(),
                period: key,
            });
        };
        let Some(accepted_minor) = held_minor else {
            return Err(RunError::NotReleasable {
                account: external_id.to_owned(),
                period: key,
                reason,
            });
        };
        on!(&mut tx, conn, q => q::release(conn, key, account, accepted_minor).await)?;
        let subject = key.to_string();
        on!(&mut tx, conn, q => {
            q::write_audit(conn, account, by, "release_parked", now, Some(&subject), None).await
        })?;
        tx.commit().await?;
        self.run_account(key, external_id).await?;
        let mut tx = self.store.snapshot().await?;
        let number = on!(&mut tx, conn, q => q::find_invoice_number(conn, account, key).await)?;
        Ok(number)
    }

    /// Pauses or resumes a run; workers stop after the batch at hand.
    ///
    /// # Errors
    /// When there is no such run.
    pub async fn set_paused(&self, key: PeriodKey, paused: bool) -> Result<(), RunError> {
        let mut tx = self.store.begin().await?;
        let run =
            on!(&mut tx, conn, q => q::find_run(conn, key).await)?.ok_or(RunError::NoRun(key))?;
        if paused && run.state == RunState::Closed {
            return Err(RunError::Closed(key));
        }
        on!(&mut tx, conn, q => q::set_paused(conn, run.id, paused).await)?;
        tx.commit().await?;
        Ok(())
    }
}
