//! What the schedule of this process did last, for whoever watches: the log has the rest.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::job::{Job, JobReport};
use crate::domain::calendar::Instant;

/// The last round of each job that had one.
#[derive(Debug, Default)]
pub struct Rounds(Mutex<BTreeMap<&'static str, Round>>);

/// One time that a job did whatever was due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Round {
    pub ended_at: Instant,
    /// What a person has to look at.
    pub problems: usize,
}

impl Rounds {
    pub(crate) fn note(&self, job: Job, report: &JobReport, ended_at: Instant) {
        let round = Round {
            ended_at,
            problems: report.problems.len(),
        };
        let mut rounds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rounds.insert(job.code(), round);
    }

    /// By the job's code.
    #[must_use]
    pub fn last(&self) -> Vec<(&'static str, Round)> {
        let rounds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rounds.iter().map(|(job, round)| (*job, *round)).collect()
    }
}
