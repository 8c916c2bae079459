//! `quittance verify`.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use super::Global;
use super::print::count;

#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct FindingsJson {
    invoices_checked: u64,
    broken: Vec<String>,
}

pub async fn verify(global: &Global, args: VerifyArgs) -> Result<ExitCode> {
    let engine = global.open().await?;
    let findings = crate::engine::verify::verify(&engine.store).await?;
    let sound = findings.broken.is_empty();
    if args.json {
        super::json::print(&FindingsJson {
            invoices_checked: findings.invoices_checked,
            broken: findings.broken,
        })?;
    } else {
        for broken in &findings.broken {
            println!("broken: {broken}");
        }
        let checked = count(findings.invoices_checked);
        if sound {
            println!("All is sound: {checked} invoices checked.");
        } else {
            println!(
                "{} findings; {checked} invoices checked.",
                count(findings.broken.len())
            );
        }
    }
    Ok(if sound {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
