//! Months that ended are billed, and their invoices announced.

use std::sync::Arc;

use super::job::{JobReport, counted, workers};
use crate::domain::calendar::PeriodKey;
use crate::engine::run::{Engine, Progress, RunError, Silent};
use crate::on;
use crate::store::StoreError;
use crate::store::rows::{NewNotice, Run, RunState};

/// Invoices that are announced in one transaction.
const INVOICES_PER_COMMIT: i64 = 5_000;

impl Engine {
    /// Bills every month that ended since the last run, that run included while
    /// accounts of it are parked or it did not come to its end; the last month
    /// alone where none was ever run. Paused runs are left to whoever paused them.
    pub(super) async fn bill_ended_months(&self, report: &mut JobReport) {
        let runs = match self.list_runs().await {
            Ok(runs) => runs,
            Err(error) => return report.problem(error),
        };
        let today = self.clock.today(self.config.zone());
        let last_ended = PeriodKey::of(today).ok().and_then(|month| month.previous());
        let silent: Arc<dyn Progress> = Arc::new(Silent);
        for month in months_to_bill(&runs, last_ended) {
            match self.run_month(month, workers(), &silent).await {
                Ok(tally) if tally.invoices > 0 => {
                    let invoices = counted(tally.invoices, "invoice");
                    report.did(format!("billed {month}: {invoices}"));
                }
                Ok(_) => {}
                // Somebody's decision, not a problem.
                Err(RunError::Paused(_)) => {}
                Err(error) => report.problem(format!("the run of {month}: {error}")),
            }
        }
        match self.announce_invoices().await {
            Ok(0) => {}
            Ok(announced) => report.did(format!("announced {}", counted(announced, "invoice"))),
            Err(error) => report.problem(error),
        }
    }

    /// Tells customers of the invoices of every run that has come to its end. How
    /// many were told of.
    ///
    /// # Errors
    /// When the database refuses; what was told stands, and the rest is told by
    /// announcing again.
    pub async fn announce_invoices(&self) -> Result<u64, StoreError> {
        let mut tx = self.store.snapshot().await?;
        let runs = on!(&mut tx, conn, q => q::unannounced_runs(conn).await)?;
        tx.rollback().await?;
        let mut announced = 0;
        for run in runs {
            announced += self.announce_run(&run).await?;
        }
        Ok(announced)
    }

    async fn announce_run(&self, run: &Run) -> Result<u64, StoreError> {
        let (period, now) = (run.period.key, self.clock.now());
        let mut announced = 0;
        loop {
            let mut tx = self.store.begin().await?;
            let page = on!(&mut tx, conn, q => {
                q::unannounced_invoices(conn, period, INVOICES_PER_COMMIT).await
            })?;
            if page.is_empty() {
                // What is parked is billed later, and announced then.
                if run.state == RunState::Closed {
                    on!(&mut tx, conn, q => q::mark_announced(conn, run.id, now).await)?;
                }
                tx.commit().await?;
                return Ok(announced);
            }
            let notices: Vec<NewNotice> = page
                .into_iter()
                .map(|(invoice, number)| NewNotice::invoice_issued(invoice, &number))
                .collect();
            on!(&mut tx, conn, q => q::insert_notices(conn, &notices, now).await)?;
            tx.commit().await?;
            announced += u64::try_from(notices.len()).unwrap_or(u64::MAX);
        }
    }
}

/// The months to be billed, the oldest first.
pub(in crate::engine) fn months_to_bill(
    runs: &[Run],
    last_ended: Option<PeriodKey>,
) -> Vec<PeriodKey> {
    let Some(last_ended) = last_ended else {
        return Vec::new();
    };
    let newest = runs.iter().max_by_key(|run| run.period.key);
    let first = match newest {
        None => Some(last_ended),
        Some(run) if run.state == RunState::Closed => run.period.key.next(),
        Some(run) => Some(run.period.key),
    };
    std::iter::successors(first, |month| month.next())
        .take_while(|month| *month <= last_ended)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::calendar::{BillingPeriod, Instant};
    use crate::domain::ids::RunId;

    fn month(text: &str) -> PeriodKey {
        text.parse().unwrap()
    }

    fn run(text: &str, state: RunState) -> Run {
        let key = month(text);
        Run {
            id: RunId(key.to_number().into()),
            period: BillingPeriod::new(key, chrono_tz::Europe::Paris).unwrap(),
            state,
            paused: false,
            planned_at: Instant(0),
        }
    }

    #[test]
    fn every_month_since_the_last_run_is_billed() {
        use RunState::{Closed, Issued, Running};
        // (runs, the last month that ended, what is billed)
        let table: [(&[Run], &str, &[&str]); 6] = [
            (&[], "2026-10", &["2026-10"]),
            (&[run("2026-10", Closed)], "2026-10", &[]),
            (&[run("2026-10", Issued)], "2026-10", &["2026-10"]),
            (
                &[run("2026-10", Running)],
                "2026-11",
                &["2026-10", "2026-11"],
            ),
            (
                &[run("2026-09", Closed), run("2026-10", Closed)],
                "2027-01",
                &["2026-11", "2026-12", "2027-01"],
            ),
            // One month by hand, an older one missing: that is a person's to say.
            (
                &[run("2026-08", Closed), run("2026-10", Closed)],
                "2026-10",
                &[],
            ),
        ];
        for (runs, last_ended, billed) in table {
            let billed: Vec<PeriodKey> = billed.iter().map(|text| month(text)).collect();
            let got = months_to_bill(runs, Some(month(last_ended)));
            assert_eq!(got, billed, "{last_ended}");
        }
    }
}
