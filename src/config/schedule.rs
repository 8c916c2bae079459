//! `[schedule]`: when `serve` does what.

use std::sync::Arc;

use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds};
use serde::Deserialize;

use super::raw::Check;
use crate::engine::schedule::Job;

/// When each job is done. A job without a time is left to `quittance tick`.
#[derive(Debug, Clone)]
pub struct ScheduleSettings {
    /// The zone of its hours.
    pub zone: Tz,
    /// Each of them holds every second, minute, hour and day that it names: many, to be
    /// copied with the settings.
    jobs: Arc<[(Job, Cron)]>,
}

impl ScheduleSettings {
    /// When a job is done, if it is.
    #[must_use]
    pub fn of(&self, job: Job) -> Option<&Cron> {
        let found = self.jobs.iter().find(|(known, _)| *known == job);
        found.map(|(_, cron)| cron)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawSchedule {
    zone: Option<String>,
    month_run: String,
    reconcile: String,
    collect: String,
    dunning: String,
    cards: String,
    deletion: String,
    deliver: String,
}

impl Default for RawSchedule {
    fn default() -> Self {
        Self {
            zone: None,
            month_run: "0 0 6 * * *".to_owned(),
            reconcile: "0 */10 * * * *".to_owned(),
            collect: "0 0 8 * * *".to_owned(),
            dunning: "0 0 9 * * *".to_owned(),
            cards: "0 30 9 * * *".to_owned(),
            deletion: "30 */10 * * * *".to_owned(),
            deliver: "*/20 * * * * *".to_owned(),
        }
    }
}

impl RawSchedule {
    /// Without a zone of its own it has that of the billing periods.
    pub fn check(&self, check: &mut Check, billing_zone: Option<Tz>) -> Option<ScheduleSettings> {
        let zone = match &self.zone {
            None => billing_zone,
            Some(name) => check.zone("schedule.zone", name),
        };
        let mut jobs = Vec::new();
        for job in Job::ALL {
            let text = match job {
                Job::MonthRun => &self.month_run,
                Job::Reconcile => &self.reconcile,
                Job::Collect => &self.collect,
                Job::Dunning => &self.dunning,
                Job::Cards => &self.cards,
                Job::Deletion => &self.deletion,
                Job::Deliver => &self.deliver,
            };
            if text == "off" {
                continue;
            }
            let parser = CronParser::builder().seconds(Seconds::Required).build();
            let cron = parser.parse(text).map_err(|error| {
                format!("{text:?} is no cron expression of six fields, such as \"0 0 6 * * *\", nor off: {error}")
            });
            jobs.extend(
                check
                    .take(&format!("schedule.{job}"), cron)
                    .map(|cron| (job, cron)),
            );
        }
        Some(ScheduleSettings {
            zone: zone?,
            jobs: jobs.into(),
        })
    }
}
