//! Bills a real cluster: turns a trace of its containers into files to import.
//!
//! The trace is a CSV file such as those of Alibaba's cluster-trace-gpu-v2023.

mod convert;

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::Parser;
use quittance::domain::calendar::PeriodKey;

/// Turn a cluster's container lifetimes into catalog.csv, accounts.csv and usage.csv
#[derive(Debug, Parser)]
struct Args {
    /// The trace, with the columns name, memory_mib, qos, deletion_time and scheduled_time at least
    trace: PathBuf,
    /// The folder for the three files; it is made where it is missing
    out_dir: PathBuf,
    /// How many accounts share the containers
    #[arg(long, value_name = "N", default_value = "200")]
    accounts: NonZeroU32,
    /// The month at whose end the trace ends
    #[arg(long, default_value = "2026-10")]
    month: PeriodKey,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let summary = convert::convert(&args.trace, &args.out_dir, args.accounts, args.month)?;
    println!(
        "{} containers of {} accounts: {} ran ({} of them still do), {} never did.",
        summary.pods, args.accounts, summary.usages, summary.running, summary.never_ran
    );
    println!(
        "Import catalog.csv, accounts.csv and usage.csv of {}, then run {}.",
        args.out_dir.display(),
        args.month
    );
    Ok(())
}
