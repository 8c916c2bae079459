//! `quittance vault`.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};

use super::Global;
use super::person::PersonArgs;
use super::print::counted;
use crate::{complain, say};

#[derive(Debug, Args)]
pub struct VaultArgs {
    #[command(subcommand)]
    command: VaultCommand,
}

#[derive(Debug, Subcommand)]
enum VaultCommand {
    /// Seal everything that is under an older key with the newest; then the older ones can go
    Rotate(PersonArgs),
}

pub async fn vault(global: &Global, args: VaultArgs) -> Result<ExitCode> {
    let VaultCommand::Rotate(by) = args.command;
    let by = by.check()?;
    let engine = global.open().await?;
    let told = |ibans: u64| {
        complain!("{} sealed anew", counted(ibans, "account number"));
    };
    let rotated = engine.rotate_vault(by, &told).await?;
    if rotated.factors > 0 {
        say!(
            "sealed anew: {}.",
            counted(rotated.factors, "second factor")
        );
    }
    if rotated.ibans == 0 && rotated.files == 0 {
        say!("Everything is under the newest key.");
    } else {
        say!(
            "sealed anew: {} and {}. The older keys are needed no more.",
            counted(rotated.ibans, "account number"),
            counted(rotated.files, "file")
        );
    }
    Ok(ExitCode::SUCCESS)
}
