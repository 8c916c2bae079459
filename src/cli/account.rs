//! `quittance account`.

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use chrono::NaiveDate;
use clap::{Args, Subcommand};

use super::Global;
use super::deletion;
use super::dunning::account_id;
use super::person::PersonArgs;
use super::token;
use crate::engine::access::AccessError;
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
    /// Take the second factor off an account whose customer lost it, recovery codes too:
    /// make sure who asks. The customer is told by mail
    DisableTfa {
        /// The account's id
        account: String,
        #[command(flatten)]
        person: PersonArgs,
    },
    /// Make an API token for an account, and print its secret: this once
    Token(token::TokenArgs),
    /// Ask for an account to be deleted, as its customer wants: a link that confirms
    /// it is mailed
    Delete(deletion::DeleteArgs),
    /// Confirm a deletion by the token of its link
    ConfirmDeletion(deletion::ConfirmArgs),
    /// Take a request back, as long as nothing is being deleted
    WithdrawDeletion(deletion::WithdrawArgs),
    /// Show where the deletion of an account stands, and what it waits for
    Deletion(deletion::ShowArgs),
}

pub async fn account(global: &Global, args: AccountArgs) -> Result<ExitCode> {
    match args.command {
        AccountCommand::Token(args) => return token::token(global, args).await,
        AccountCommand::Delete(args) => return deletion::delete(global, args).await,
        AccountCommand::ConfirmDeletion(args) => return deletion::confirm(global, args).await,
        AccountCommand::WithdrawDeletion(args) => return deletion::withdraw(global, args).await,
        AccountCommand::Deletion(args) => return deletion::show(global, args).await,
        AccountCommand::DisableTfa { account, person } => {
            let by = person.check()?;
            let engine = global.open().await?;
            let id = account_id(&engine, &account).await?;
            let taken_off = engine.take_off_second_factor(id, by).await;
            engine.store.close().await;
            match taken_off {
                Err(AccessError::Unknown) => bail!("account {account:?} has no second factor"),
                taken_off => {
                    taken_off.with_context(|| format!("account {account:?} keeps it"))?;
                }
            }
            say!("took the second factor off {account}: {}", by.reason);
        }
        AccountCommand::Suspend { account, person } => {
            let by = person.check()?;
            let engine = global.open().await?;
            let id = account_id(&engine, &account).await?;
            engine
                .suspend_account(id, by)
                .await
                .with_context(|| format!("account {account:?} is not suspended"))?;
            engine.store.close().await;
            say!("suspended {account}: {}", by.reason);
        }
        AccountCommand::Resume {
            account,
            until,
            person,
        } => {
            let by = person.check()?;
            let engine = global.open().await?;
            let id = account_id(&engine, &account).await?;
            engine
                .resume_account(id, until, by)
                .await
                .with_context(|| format!("account {account:?} is not resumed"))?;
            engine.store.close().await;
            say!("resumed {account}: {}", by.reason);
        }
    }
    Ok(ExitCode::SUCCESS)
}
