//! `quittance verify`.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use super::Global;
use super::print::counted;

use crate::say;

#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct FindingsJson {
    invoices_checked: u64,
    series: Vec<SeriesJson>,
    broken: Vec<String>,
}

#[derive(Serialize)]
struct SeriesJson {
    last: String,
    hash: String,
}

pub async fn verify(global: &Global, args: VerifyArgs) -> Result<ExitCode> {
    let engine = global.open().await?;
    let findings = crate::engine::verify::verify(&engine.store).await?;
    let sound = findings.broken.is_empty();
    if args.json {
        super::json::print(&FindingsJson {
            invoices_checked: findings.invoices_checked,
            series: findings
                .series
                .iter()
                .map(|series| SeriesJson {
                    last: series.last.to_string(),
                    hash: series.hash.to_string(),
                })
                .collect(),
            broken: findings.broken,
        })?;
    } else {
        for broken in &findings.broken {
            say!("broken: {broken}");
        }
        let checked = counted(findings.invoices_checked, "invoice");
        if sound {
            say!("All is sound: {checked} checked.");
        } else {
            say!(
                "{}; {checked} checked.",
                counted(findings.broken.len(), "finding")
            );
        }
        for series in &findings.series {
            say!("series up to {}: {}", series.last, series.hash);
        }
    }
    Ok(if sound {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
