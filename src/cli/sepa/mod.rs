//! `quittance sepa`: direct debits, to the bank and back.

mod answers;
mod batch;

use std::path::PathBuf;
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
    /// Make a file for the bank of every direct debit that waits; nothing is sent before it is released
    ///
    /// A debit that cannot be collected is left out with its reason, and the exit code is 1: either it is withdrawn,
    /// and collecting decides anew, or it waits for the next file because somebody can mend what keeps it out.
    Batch(batch::BatchArgs),
    /// Let a file go to the bank: from now on its debits are on their way
    ///
    /// Refused, with the reason of each debit, where an invoice owes less by now or a mandate cannot be used any
    /// more: cancel the file then and make a new one.
    Release(batch::ChosenArgs),
    /// Take a file back that never went to the bank: its debits are withdrawn
    Cancel(batch::ChosenArgs),
    /// Get a file out of the archive
    File {
        /// The message's id
        id: String,
        /// Where to put it; never over another file
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// List the files, the newest first
    List {
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
    /// Show the blocks of a file and where its debits stand
    Show {
        /// The message's id
        id: String,
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    /// Book what the bank answered: a pain.002, camt.054 or camt.053, the whole file or nothing of it
    Import(answers::ImportArgs),
    /// List what the bank told and a person has to look at
    Unmatched(answers::UnmatchedArgs),
    /// Record that a person has dealt with such a fact
    Close(answers::CloseArgs),
}

pub async fn sepa(global: &Global, args: SepaArgs) -> Result<ExitCode> {
    match args.command {
        SepaCommand::Batch(args) => return batch::batch(global, args).await,
        SepaCommand::Release(args) => batch::release(global, &args).await?,
        SepaCommand::Cancel(args) => batch::cancel(global, &args).await?,
        SepaCommand::File { id, out } => batch::file(global, &id, &out).await?,
        SepaCommand::List { json } => batch::list(global, json).await?,
        SepaCommand::Show { id, json } => batch::show(global, &id, json).await?,
        SepaCommand::Import(args) => return answers::import(global, args).await,
        SepaCommand::Unmatched(args) => return answers::unmatched(global, args).await,
        SepaCommand::Close(args) => return answers::close(global, args).await,
    }
    Ok(ExitCode::SUCCESS)
}
