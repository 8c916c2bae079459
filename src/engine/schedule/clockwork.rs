//! Each job at its time, until the service stops.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use croner::Cron;
use tokio::sync::{Mutex, watch};

use super::Job;
use crate::domain::calendar::Instant;
use crate::engine::run::Engine;

/// The longest sleep: after it the clock is read again, which may have been set, or
/// stood still while the machine slept.
const SLEEP_MAX: Duration = Duration::from_secs(30);

/// The jobs of a service, each at its time.
pub struct Clockwork {
    engine: Arc<Engine>,
    /// One job at a time within a process: they work on the same accounts.
    turn: Mutex<()>,
}

impl Clockwork {
    #[must_use]
    pub fn new(engine: Arc<Engine>) -> Self {
        Self {
            engine,
            turn: Mutex::new(()),
        }
    }

    /// Does every job once, to catch up, then each at its time, until it is told to
    /// stop. A job that was begun is ended.
    pub async fn run(&self, stop: watch::Receiver<bool>) {
        for job in Job::ALL {
            if *stop.borrow() {
                return;
            }
            self.do_job(job).await;
        }
        let jobs = Job::ALL.map(|job| self.keep(job, stop.clone()));
        futures_util::future::join_all(jobs).await;
    }

    async fn keep(&self, job: Job, mut stop: watch::Receiver<bool>) {
        let schedule = &self.engine.config.schedule;
        let Some(cron) = schedule.of(job) else { return };
        let mut after = self.engine.clock.now();
        while let Some(due) = next_after(cron, after, schedule.zone) {
            while let Some(left) = until(due, self.engine.clock.now()) {
                tokio::select! {
                    () = tokio::time::sleep(left.min(SLEEP_MAX)) => {}
                    _ = stop.changed() => return,
                }
            }
            if *stop.borrow() {
                return;
            }
            self.do_job(job).await;
            // What came due while it was at it was done with it.
            after = self.engine.clock.now().max(due);
        }
    }

    async fn do_job(&self, job: Job) {
        let _turn = self.turn.lock().await;
        let report = self.engine.do_job(job).await;
        let now = self.engine.clock.now();
        self.engine.rounds.note(job, &report, now);
        for did in &report.did {
            tracing::info!(job = job.code(), "{did}");
        }
        for problem in &report.problems {
            tracing::error!(job = job.code(), "{problem}");
        }
    }
}

/// When a job is due next, in a zone: at its hour on the day of a change of clocks
/// too.
fn next_after(cron: &Cron, after: Instant, zone: Tz) -> Option<Instant> {
    let after = DateTime::<Utc>::from_timestamp_micros(after.0)?.with_timezone(&zone);
    let next = cron.find_next_occurrence(&after, false).ok()?;
    Some(next.with_timezone(&Utc).into())
}

/// How long it is until an instant; `None` once it has come.
fn until(due: Instant, now: Instant) -> Option<Duration> {
    let microseconds = u64::try_from(due.0.saturating_sub(now.0)).ok()?;
    (microseconds > 0).then(|| Duration::from_micros(microseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        text.parse::<DateTime<Utc>>().unwrap().into()
    }

    #[test]
    fn a_job_keeps_its_hour_across_a_change_of_clocks() {
        let cron: Cron = "0 0 6 * * *".parse().unwrap();
        let zone = chrono_tz::Europe::Paris;
        let first = next_after(&cron, at("2026-10-23T20:00:00Z"), zone).unwrap();
        assert_eq!(first, at("2026-10-24T04:00:00Z"));
        // Summer time ends on 25 October.
        let second = next_after(&cron, first, zone).unwrap();
        assert_eq!(second, at("2026-10-25T05:00:00Z"));
    }

    #[test]
    fn a_time_that_has_come_is_not_waited_for() {
        assert_eq!(until(Instant(5), Instant(5)), None);
        assert_eq!(until(Instant(5), Instant(9)), None);
        assert_eq!(
            until(Instant(9), Instant(5)),
            Some(Duration::from_micros(4))
        );
    }
}
