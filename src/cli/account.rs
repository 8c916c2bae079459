//! `quittance account`.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use chrono::NaiveDate;
use clap::{Args, Subcommand};

use super::Global;
use super::dunning::account_id;
use super::person::PersonArgs;
use crate::say;

#[derive(Debug, Args)]
pub struct AccountArgs {
    #[command(subcommand)]
    command: AccountCommand,
}

#[derive(Debug, Subcommand)]
enum AccountCommand {
    /// Suspend an account for a reason of the house's own; no payment lifts it
    Suspend {
        /// The account's id
        account: String,
        #[command(flatten)]
        person: PersonArgs,
    },
    /// End every suspension of an account
    Resume {
        /// The account's id
        account: String,
        /// Hold the steps of its debt until this day: without it the account would be
        /// suspended again
        #[arg(long, value_name = "DATE")]
        until: Option<NaiveDate>,
        #[command(flatten)]
        person: PersonArgs,
    },
}

pub async fn account(global: &Global, args: AccountArgs) -> Result<ExitCode> {
    let engine = global.open().await?;
    match args.command {
        AccountCommand::Suspend { account, person } => {
            let by = person.check()?;
            let id = account_id(&engine, &account).await?;
            engine
                .suspend_account(id, by)
                .await
                .with_context(|| format!("account {account:?} is not suspended"))?;
            say!("suspended {account}: {}", by.reason);
        }
        AccountCommand::Resume {
            account,
            until,
            person,
        } => {
            let by = person.check()?;
            let id = account_id(&engine, &account).await?;
            engine
                .resume_account(id, until, by)
                .await
                .with_context(|| format!("account {account:?} is not resumed"))?;
            say!("resumed {account}: {}", by.reason);
        }
    }
    engine.store.close().await;
    Ok(ExitCode::SUCCESS)
}
