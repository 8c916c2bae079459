//! `quittance sepa`: direct debits, to the bank and back.

mod answers;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};

use super::Global;

#[derive(Debug, Args)]
pub struct SepaArgs {
    #[command(subcommand)]
    command: SepaCommand,
}

#[derive(Debug, Subcommand)]
enum SepaCommand {
    /// Book what the bank answered: a pain.002, camt.054 or camt.053, the whole file or nothing of it
    Import(answers::ImportArgs),
    /// List what the bank told and a person has to look at
    Unmatched(answers::UnmatchedArgs),
    /// Record that a person has dealt with such a fact
    Close(answers::CloseArgs),
}

pub async fn sepa(global: &Global, args: SepaArgs) -> Result<ExitCode> {
    match args.command {
        SepaCommand::Import(args) => answers::import(global, args).await,
        SepaCommand::Unmatched(args) => answers::unmatched(global, args).await,
        SepaCommand::Close(args) => answers::close(global, args).await,
    }
}
