//! The month run: plan the ranges, work them off, close.
//!
//! - [`facts`]: what every batch of a run shares
//! - [`batch`]: one range of accounts, read and decided
//! - [`commit`]: a decided batch, written and numbered
//! - [`workers`]: many batches at once, on either database
//! - [`shadow`]: the same month computed again, compared, not written
//! - [`status`]: where a run stands

mod batch;
mod commit;
mod facts;
pub mod shadow;
pub mod status;
mod workers;

use std::num::NonZeroUsize;
use std::sync::Arc;

use crate::clock::Clock;
use crate::config::Config;
use crate::domain::calendar::{BillingPeriod, PeriodKey, PeriodKeyError};
use crate::domain::ids::AccountId;
use crate::domain::invoice::InvoiceNumber;
use crate::on;
use crate::store::rows::{Run, RunRange, RunState};
use crate::store::{Store, StoreError};

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
    #[error("there is no account {0:?}")]
    UnknownAccount(String),
    #[error("account {account:?} signed up after {period} ended")]
    NotYetCustomer { account: String, period: PeriodKey },
    #[error("account {account:?} is not parked in {period}")]
    NotParked { account: String, period: PeriodKey },
    #[error(
        "this database has invoices of another issuer, and no quittance.toml was found: name it with --config"
    )]
    SampleIssuer,
    #[error("range {range_no} collided with another process {tries} times: run it again")]
    Collided { range_no: i64, tries: u32 },
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
}

impl Engine {
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
        let (run, period) = self.plan(key, progress).await?;
        let mut tally = BatchTally::default();
        loop {
            let facts = RunFacts::load(self, run.clone(), period).await?;
            tally.add(workers::work_off(self, &facts, workers, progress).await?);
            self.refuse_if_paused(&run).await?;
            if workers::wait_for_others(self, &run).await? {
                continue;
            }
            if self.finish(&run, &period).await? {
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
        let period = self.ended_period(key)?;
        let (run, account) = self.run_and_account(&period, external_id).await?;
        let facts = RunFacts::load(self, run.clone(), period).await?;
        let range = RunRange {
            no: -1,
            from: account,
            to: account,
        };
        let tally = workers::settle_range(self, &facts, range).await?;
        let mut tx = self.store.begin().await?;
        let missing = on!(&mut tx, conn, q => q::missing_outcomes(conn, &period).await)?;
        tx.rollback().await?;
        if missing == 0 {
            self.finish(&run, &period).await?;
        }
        Ok(tally)
    }

    /// Releases a parked account from the sanity bounds and settles it at once.
    ///
    /// # Errors
    /// When the account is not parked, or as [`Self::run_account`].
    pub async fn release(
        &self,
        key: PeriodKey,
        external_id: &str,
    ) -> Result<Option<InvoiceNumber>, RunError> {
        let mut tx = self.store.begin().await?;
        let account = on!(&mut tx, conn, q => q::find_account(conn, external_id).await)?
            .ok_or_else(|| RunError::UnknownAccount(external_id.to_owned()))?;
        let released = on!(&mut tx, conn, q => q::release(conn, key, account).await)?;
        if !released {
            return Err(RunError::NotParked {
                account: external_id.to_owned(),
                period: key,
            });
        }
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
        on!(&mut tx, conn, q => q::set_paused(conn, run.id, paused).await)?;
        tx.commit().await?;
        Ok(())
    }

    /// The period of a key, refused before its end.
    fn ended_period(&self, key: PeriodKey) -> Result<BillingPeriod, RunError> {
        let period = BillingPeriod::new(key, self.config.zone())?;
        if self.clock.now() < period.end {
            return Err(RunError::NotEnded {
                period: key,
                end: period.end.to_string(),
            });
        }
        Ok(period)
    }

    /// Creates the run unless it is there, and cuts what is due into ranges
    /// unless some wait already: then this process joins in.
    async fn plan(
        &self,
        key: PeriodKey,
        progress: &Arc<dyn Progress>,
    ) -> Result<(Run, BillingPeriod), RunError> {
        let period = self.ended_period(key)?;
        let mut tx = self.store.begin().await?;
        let id = on!(&mut tx, conn, q => q::create_run(conn, &period, self.clock.now()).await)?;
        let run =
            on!(&mut tx, conn, q => q::find_run(conn, key).await)?.ok_or(RunError::NoRun(key))?;
        if run.paused {
            return Err(RunError::Paused(key));
        }
        // The bounds the run was created with hold, should the zone change.
        let period = run.period;
        if on!(&mut tx, conn, q => q::pending_ranges(conn, id).await)? == 0 {
            on!(&mut tx, conn, q => q::forget_done_ranges(conn, id).await)?;
            on!(&mut tx, conn, q => q::plan_ranges(conn, id, &period, ACCOUNTS_PER_BATCH).await)?;
        }
        let due = on!(&mut tx, conn, q => q::pending_accounts(conn, id).await)?;
        if due > 0 {
            on!(&mut tx, conn, q => q::set_run_state(conn, id, RunState::Running).await)?;
        }
        tx.commit().await?;
        progress.planned(u64::try_from(due).unwrap_or(0));
        Ok((run, period))
    }

    async fn run_and_account(
        &self,
        period: &BillingPeriod,
        external_id: &str,
    ) -> Result<(Run, AccountId), RunError> {
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::create_run(conn, period, self.clock.now()).await)?;
        let run = on!(&mut tx, conn, q => q::find_run(conn, period.key).await)?
            .ok_or(RunError::NoRun(period.key))?;
        let account = on!(&mut tx, conn, q => q::find_account(conn, external_id).await)?
            .ok_or_else(|| RunError::UnknownAccount(external_id.to_owned()))?;
        let range = RunRange {
            no: -1,
            from: account,
            to: account,
        };
        let all = on!(&mut tx, conn, q => q::due_accounts(conn, range, period, true).await)?;
        if all.is_empty() {
            return Err(RunError::NotYetCustomer {
                account: external_id.to_owned(),
                period: period.key,
            });
        }
        tx.commit().await?;
        Ok((run, account))
    }

    async fn refuse_if_paused(&self, run: &Run) -> Result<(), RunError> {
        let mut tx = self.store.snapshot().await?;
        if on!(&mut tx, conn, q => q::is_paused(conn, run.id).await)? {
            return Err(RunError::Paused(run.period.key));
        }
        Ok(())
    }

    /// Ends the run when every account has its outcome; else plans those that
    /// came meanwhile and returns `false`.
    async fn finish(&self, run: &Run, period: &BillingPeriod) -> Result<bool, RunError> {
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::create_run(conn, period, self.clock.now()).await)?;
        let missing = on!(&mut tx, conn, q => q::missing_outcomes(conn, period).await)?;
        if missing > 0 {
            if on!(&mut tx, conn, q => q::pending_ranges(conn, run.id).await)? > 0 {
                return Ok(false);
            }
            on!(&mut tx, conn, q => q::plan_ranges(conn, run.id, period, ACCOUNTS_PER_BATCH).await)?;
        } else {
            let counts = on!(&mut tx, conn, q => q::count_outcomes(conn, period.key).await)?;
            let state = if counts.parked == 0 {
                RunState::Closed
            } else {
                RunState::Issued
            };
            on!(&mut tx, conn, q => q::set_run_state(conn, run.id, state).await)?;
        }
        tx.commit().await?;
        Ok(missing == 0)
    }
}
