//! `quittance account delete` and what belongs to it.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;

use super::Global;
use super::dunning::account_id;
use super::person::PersonArgs;
use super::print::table;
use crate::domain::deletion::{DeletionState, Way};
use crate::engine::deletion::{Consent, DeletionError, Outlook};
use crate::{complain, say};

#[derive(Debug, Args)]
pub struct DeleteArgs {
    /// The account's id
    account: String,
    /// The customer gives up the credit that it bought and did not use
    #[arg(long)]
    give_up_credit: bool,
    #[command(flatten)]
    person: PersonArgs,
}

#[derive(Debug, Args)]
pub struct ConfirmArgs {
    /// What stands behind the last = or / of the link that was mailed
    token: String,
}

#[derive(Debug, Args)]
pub struct WithdrawArgs {
    /// The account's id
    account: String,
    #[command(flatten)]
    person: PersonArgs,
}

#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The account's id
    account: String,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

pub async fn delete(global: &Global, args: DeleteArgs) -> Result<ExitCode> {
    let by = args.person.check()?;
    let engine = global.open().await?;
    let account = &args.account;
    let id = account_id(&engine, account).await?;
    let asked = engine.ask_deletion(id, args.give_up_credit, by).await;
    engine.store.close().await;
    let asked = match asked {
        Ok(asked) => asked,
        Err(DeletionError::Refused(reasons)) => {
            complain!("account {account:?} cannot be deleted now:");
            for reason in reasons {
                complain!("- {reason}");
            }
            return Ok(ExitCode::FAILURE);
        }
        Err(error) => {
            return Err(error).with_context(|| format!("account {account:?} is not deleted"));
        }
    };
    say!(
        "{account}: a link is mailed that confirms it, and works once until {}.",
        asked.link_until
    );
    say!("Once it is confirmed:");
    match asked.way {
        Way::NeedsFinalInvoice => {
            say!("- its apps and addons stop, what it used this month is billed and charged");
            say!(
                "- when that is paid, the platform removes everything, and the personal data is erased"
            );
        }
        Way::Ready => {
            say!("- the platform removes everything, and the personal data is erased");
        }
    }
    if args.give_up_credit {
        say!("- the credit that is left is the house's");
    }
    say!("Invoices and the ledger are kept, as the law asks.");
    Ok(ExitCode::SUCCESS)
}

pub async fn confirm(global: &Global, args: ConfirmArgs) -> Result<ExitCode> {
    let engine = global.open_to_bill().await?;
    let confirmed = engine
        .confirm_deletion(Consent::by(args.token.trim()))
        .await?;
    engine.store.close().await;
    let account = &confirmed.external_id;
    if let Some(number) = &confirmed.final_invoice {
        say!("{account}: the final invoice is {number}");
    }
    match confirmed.state {
        DeletionState::Settling => {
            say!("{account}: it is deleted once nothing is owed (`account deletion {account}`)");
        }
        _ => say!("{account}: nothing is owed, the platform is asked to remove everything"),
    }
    Ok(ExitCode::SUCCESS)
}

pub async fn withdraw(global: &Global, args: WithdrawArgs) -> Result<ExitCode> {
    let by = args.person.check()?;
    let engine = global.open().await?;
    let account = &args.account;
    let id = account_id(&engine, account).await?;
    let stood = engine
        .withdraw_deletion(id, by)
        .await
        .with_context(|| format!("account {account:?}: nothing is withdrawn"))?;
    engine.store.close().await;
    say!("{account}: its deletion is withdrawn: {}", by.reason);
    if stood == DeletionState::Settling {
        say!("What was billed stays billed; the platform is asked to start its apps again.");
    }
    Ok(ExitCode::SUCCESS)
}

#[derive(Serialize)]
struct DeletionJson {
    account: String,
    deletion: i64,
    cause: &'static str,
    state: &'static str,
    asked_at: String,
    confirmed_at: Option<String>,
    ended_at: Option<String>,
    link_until: Option<String>,
    gives_up_credit: bool,
    final_period: Option<String>,
    steps: Vec<StepJson>,
    waits_for: Vec<String>,
    late_pieces: u64,
}

#[derive(Serialize)]
struct StepJson {
    step: &'static str,
    asked_at: Option<String>,
    confirmed_at: Option<String>,
}

impl DeletionJson {
    fn of(outlook: &Outlook) -> Self {
        let deletion = &outlook.known.deletion;
        let steps = outlook.known.steps.iter().map(|step| StepJson {
            step: step.step.code(),
            asked_at: step.asked_at.map(|at| at.to_string()),
            confirmed_at: step.confirmed_at.map(|at| at.to_string()),
        });
        Self {
            account: deletion.external_id.clone(),
            deletion: deletion.no,
            cause: deletion.cause.code(),
            state: deletion.state.code(),
            asked_at: deletion.asked_at.to_string(),
            confirmed_at: deletion.confirmed_at.map(|at| at.to_string()),
            ended_at: deletion.ended_at.map(|at| at.to_string()),
            link_until: deletion.link_until.map(|at| at.to_string()),
            gives_up_credit: deletion.gives_up_credit,
            final_period: deletion.final_period.map(|period| period.to_string()),
            steps: steps.collect(),
            waits_for: outlook.waits_for.clone(),
            late_pieces: outlook.late_pieces,
        }
    }
}

pub async fn show(global: &Global, args: ShowArgs) -> Result<ExitCode> {
    let engine = global.open().await?;
    let account = &args.account;
    let id = account_id(&engine, account).await?;
    let found = engine.deletion_of(id).await?;
    engine.store.close().await;
    let Some(outlook) = found else {
        if args.json {
            super::json::print(&None::<DeletionJson>)?;
        } else {
            say!("Nobody asked for {account} to be deleted.");
        }
        return Ok(ExitCode::SUCCESS);
    };
    if args.json {
        super::json::print(&DeletionJson::of(&outlook))?;
        return Ok(ExitCode::SUCCESS);
    }
    let deletion = &outlook.known.deletion;
    let told = |label: &str, at: Option<crate::domain::calendar::Instant>| {
        if let Some(at) = at {
            say!("{label}: {at}");
        }
    };
    say!("{account}: {} ({})", deletion.state, deletion.cause.code());
    told("asked", Some(deletion.asked_at));
    told("confirmed", deletion.confirmed_at);
    told("ended", deletion.ended_at);
    if let Some(period) = deletion.final_period {
        say!("billed before its end: {period}");
    }
    if !outlook.known.steps.is_empty() {
        let mut rows = table(["step", "asked", "confirmed"], 3);
        for step in &outlook.known.steps {
            let at = |at: Option<crate::domain::calendar::Instant>| {
                at.map_or_else(String::new, |at| at.to_string())
            };
            rows.add_row([
                step.step.code().to_owned(),
                at(step.asked_at),
                at(step.confirmed_at),
            ]);
        }
        say!("{rows}");
    }
    for waits_for in &outlook.waits_for {
        say!("waits for: {waits_for}");
    }
    if outlook.late_pieces > 0 && deletion.state != DeletionState::Withdrawn {
        say!(
            "usage told too late: {} (the next month's run holds it back for a person)",
            outlook.late_pieces
        );
    }
    Ok(ExitCode::SUCCESS)
}
