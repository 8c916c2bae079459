//! `quittance tick`.

use std::process::ExitCode;

use anyhow::Result;
use chrono::{DateTime, Utc};
use clap::Args;
use serde::Serialize;

use super::Global;
use crate::clock::Clock;
use crate::engine::schedule::{Job, JobReport};
use crate::{complain, say};

#[derive(Debug, Args)]
pub struct TickArgs {
    /// Only this job, and whichever others are named: month_run, reconcile, collect, dunning, cards, deletion, deliver
    #[arg(long, value_name = "NAME", value_parser = job)]
    job: Vec<Job>,
    /// As if it were this time, such as 2026-11-17T09:00:00Z: for rehearsals on a copy
    #[arg(long, value_name = "TIME")]
    at: Option<DateTime<Utc>>,
    /// Print what was done as JSON
    #[arg(long)]
    json: bool,
}

fn job(name: &str) -> Result<Job, String> {
    Job::from_code(name).ok_or_else(|| {
        let known: Vec<&str> = Job::ALL.iter().map(|job| job.code()).collect();
        format!("{name:?} is none of {}", known.join(", "))
    })
}

#[derive(Serialize)]
struct JobJson {
    job: &'static str,
    did: Vec<String>,
    problems: Vec<String>,
}

pub async fn tick(global: &Global, args: TickArgs) -> Result<ExitCode> {
    let mut engine = global.open_to_bill().await?;
    if let Some(at) = args.at {
        engine.clock = Clock::Fixed(at);
    }
    let mut reports: Vec<(Job, JobReport)> = Vec::new();
    // In their own order, whichever way they are named.
    for job in Job::ALL {
        if args.job.is_empty() || args.job.contains(&job) {
            let report = engine.do_job(job).await;
            if !args.json {
                print(job, &report);
            }
            reports.push((job, report));
        }
    }
    engine.store.close().await;
    let is_sound = reports.iter().all(|(_, report)| report.problems.is_empty());
    if args.json {
        let all: Vec<JobJson> = reports
            .into_iter()
            .map(|(job, report)| JobJson {
                job: job.code(),
                did: report.did,
                problems: report.problems,
            })
            .collect();
        super::json::print(&all)?;
    }
    Ok(if is_sound {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn print(job: Job, report: &JobReport) {
    if report.did.is_empty() && report.problems.is_empty() {
        say!("{job}: nothing to do");
    }
    for did in &report.did {
        say!("{job}: {did}");
    }
    for problem in &report.problems {
        complain!("{job}: {problem}");
    }
}
