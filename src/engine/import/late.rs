//! Usage of periods that were settled before it came: kept for the next
//! invoice, so that no event is lost and no issued invoice changes.

use std::collections::{HashMap, HashSet};

use chrono_tz::Tz;

use crate::domain::calendar::{BillingPeriod, PeriodKey};
use crate::domain::ids::AccountId;
use crate::domain::usage::{LateUsage, UsageInterval, late_piece};
use crate::on;
use crate::store::rows::{NewLate, RunState, UsageRow};
use crate::store::{StoreError, Tx};

/// The periods that were run, with their bounds, and those that were billed for one
/// account before their end.
pub struct LateKeeper {
    runs: Vec<(BillingPeriod, RunState)>,
    early: HashMap<AccountId, Vec<BillingPeriod>>,
}

/// What a chunk's overlap with one period means for an account.
enum Standing {
    /// Its invoice is out, or nothing was due.
    Settled,
    /// The run goes on, or the account is parked: the run will see the usage.
    Open,
    /// The run is through and never knew the account.
    Latecomer,
}

impl LateKeeper {
    pub async fn load(tx: &mut Tx, zone: Tz) -> Result<Self, StoreError> {
        let mut early: HashMap<AccountId, Vec<BillingPeriod>> = HashMap::new();
        for (account, key) in on!(&mut *tx, conn, q => q::final_periods_without_run(conn).await)? {
            let period =
                BillingPeriod::new(key, zone).map_err(|error| StoreError::Inconsistent {
                    table: "account_deletion",
                    column: "final_period",
                    row: account.to_string(),
                    value: error.to_string(),
                })?;
            early.entry(account).or_default().push(period);
        }
        let runs = on!(&mut *tx, conn, q => q::list_runs(conn).await)?;
        Ok(Self {
            runs: runs
                .into_iter()
                .map(|run| (run.period, run.state))
                .collect(),
            early,
        })
    }

    /// Keeps the pieces of new or ended intervals that lie in settled periods;
    /// each row comes with its stored version, if any.
    pub async fn keep<'a>(
        &self,
        tx: &mut Tx,
        rows: impl Iterator<Item = (Option<&'a UsageRow>, &'a UsageRow)>,
    ) -> Result<u64, StoreError> {
        let ends = self.runs.iter().map(|(period, _)| period.end);
        let early = self.early.values().flatten().map(|period| period.end);
        let Some(last_end) = ends.chain(early).max() else {
            return Ok(0);
        };
        let mut pieces = Vec::new();
        for (before, row) in rows.filter(|(_, row)| row.started_at < last_end) {
            let before = before.map(interval_of);
            let now = interval_of(row);
            let early = self.early.get(&row.account).into_iter().flatten();
            // Whoever was billed before the end is settled, whatever a run will find.
            let early = early.map(|period| (period, RunState::Closed));
            let runs = self.runs.iter().map(|(period, state)| (period, *state));
            for (period, state) in runs.chain(early) {
                if let Some((quantity, from, until)) = late_piece(before.as_ref(), &now, period) {
                    let piece = NewLate {
                        account: row.account,
                        event_id: row.event_id.clone(),
                        usage: LateUsage {
                            period: period.key,
                            app: row.app.clone(),
                            sku: row.sku,
                            quantity,
                            from,
                            until,
                        },
                    };
                    pieces.push((piece, state));
                }
            }
        }
        if pieces.is_empty() {
            return Ok(0);
        }
        let outcomes = Outcomes::load(tx, &pieces).await?;
        let mut latecomers = HashSet::new();
        let mut late = Vec::new();
        for (piece, state) in pieces {
            let key = (piece.account, piece.usage.period);
            match outcomes.standing(key, state) {
                Standing::Open => {}
                Standing::Settled => late.push(piece),
                Standing::Latecomer => {
                    latecomers.insert(key);
                    late.push(piece);
                }
            }
        }
        let latecomers: Vec<_> = latecomers.into_iter().collect();
        on!(&mut *tx, conn, q => q::settle_latecomers(conn, &latecomers).await)?;
        on!(&mut *tx, conn, q => q::insert_late(conn, &late).await)?;
        Ok(u64::try_from(late.len()).unwrap_or(u64::MAX))
    }
}

/// The outcomes that the pieces may touch.
struct Outcomes {
    settled: HashSet<(AccountId, i32)>,
    parked: HashSet<(AccountId, i32)>,
}

impl Outcomes {
    async fn load(tx: &mut Tx, pieces: &[(NewLate, RunState)]) -> Result<Self, StoreError> {
        let accounts = || pieces.iter().map(|(piece, _)| piece.account);
        let periods = || pieces.iter().map(|(piece, _)| piece.usage.period);
        let bounds = (
            accounts().min(),
            accounts().max(),
            periods().min(),
            periods().max(),
        );
        let (Some(from), Some(to), Some(first), Some(last)) = bounds else {
            return Ok(Self {
                settled: HashSet::new(),
                parked: HashSet::new(),
            });
        };
        let (settled, parked) =
            on!(&mut *tx, conn, q => q::outcomes_between(conn, (from, to), first, last).await)?;
        Ok(Self { settled, parked })
    }

    fn standing(&self, (account, period): (AccountId, PeriodKey), run: RunState) -> Standing {
        let key = (account, period.to_number());
        if self.settled.contains(&key) {
            Standing::Settled
        } else if self.parked.contains(&key) || matches!(run, RunState::Planned | RunState::Running)
        {
            Standing::Open
        } else {
            Standing::Latecomer
        }
    }
}

fn interval_of(row: &UsageRow) -> UsageInterval {
    UsageInterval {
        quantity: i64::from(row.quantity),
        started_at: row.started_at,
        ended_at: row.ended_at,
    }
}
