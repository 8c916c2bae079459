//! `quittance dunning`.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use chrono::NaiveDate;
use clap::{Args, Subcommand};
use serde::Serialize;

use super::Global;
use super::person::PersonArgs;
use super::print::{amount, counted, short, table};
use crate::domain::dunning::Readiness;
use crate::domain::ids::AccountId;
use crate::engine::dunning::DunningTally;
use crate::engine::run::Engine;
use crate::views::debtor::DebtorView;
use crate::{complain, say};

/// Accounts that are read together.
const PAGE: i64 = 500;

#[derive(Debug, Args)]
pub struct DunningArgs {
    #[command(subcommand)]
    command: DunningCommand,
}

#[derive(Debug, Subcommand)]
enum DunningCommand {
    /// List who owes what since when, and which step comes next and when
    List {
        /// Only this account
        #[arg(long, value_name = "ID")]
        account: Option<String>,
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    /// Take the steps whose day has come
    Round {
        /// Print what was done as JSON
        #[arg(long)]
        json: bool,
    },
    /// Hold the steps of an account until a day; it is charged all the same
    Hold {
        /// The account's id
        account: String,
        /// The first day without the hold, such as 2026-12-24
        #[arg(long, value_name = "DATE")]
        until: NaiveDate,
        #[command(flatten)]
        person: PersonArgs,
    },
    /// Let the steps of an account go on before its hold ends
    Lift {
        /// The account's id
        account: String,
        #[command(flatten)]
        person: PersonArgs,
    },
    /// Approve that the data of a suspended account is deleted when its day comes
    ApproveDeletion {
        /// The account's id
        account: String,
        #[command(flatten)]
        person: PersonArgs,
    },
}

pub async fn dunning(global: &Global, args: DunningArgs) -> Result<ExitCode> {
    let engine = global.open().await?;
    let code = match args.command {
        DunningCommand::List { account, json } => list(&engine, account.as_deref(), json).await?,
        DunningCommand::Round { json } => {
            let tally = engine.dunning_round().await?;
            print_round(&tally, json)?
        }
        DunningCommand::Hold {
            account,
            until,
            person,
        } => {
            let by = person.check()?;
            let id = account_id(&engine, &account).await?;
            engine
                .hold_dunning(id, until, by)
                .await
                .with_context(|| format!("account {account:?} is not held"))?;
            say!("{account}: no step before {until}: {}", by.reason);
            ExitCode::SUCCESS
        }
        DunningCommand::Lift { account, person } => {
            let by = person.check()?;
            let id = account_id(&engine, &account).await?;
            engine
                .lift_dunning_hold(id, by)
                .await
                .with_context(|| format!("account {account:?}: nothing is lifted"))?;
            say!("{account}: the steps go on: {}", by.reason);
            ExitCode::SUCCESS
        }
        DunningCommand::ApproveDeletion { account, person } => {
            let by = person.check()?;
            let id = account_id(&engine, &account).await?;
            let owed = engine
                .approve_deletion(id, by)
                .await
                .with_context(|| format!("account {account:?}: no deletion is approved"))?;
            say!(
                "{account}: its data may be deleted for {owed}: {}",
                by.reason
            );
            ExitCode::SUCCESS
        }
    };
    engine.store.close().await;
    Ok(code)
}

pub async fn account_id(engine: &Engine, external_id: &str) -> Result<AccountId> {
    Ok(engine.account_named(external_id).await?)
}

async fn list(engine: &Engine, account: Option<&str>, json: bool) -> Result<ExitCode> {
    let mut debtors = Vec::new();
    if let Some(account) = account {
        let id = account_id(engine, account).await?;
        debtors.extend(engine.debtor(id).await?);
    } else {
        let mut after = None;
        loop {
            let (page, last) = engine.debtors_after(after, PAGE).await?;
            debtors.extend(page);
            match last {
                Some(_) => after = last,
                None => break,
            }
        }
    }
    if json {
        let all: Vec<DebtorView> = debtors.iter().map(DebtorView::of).collect();
        super::json::print(&all)?;
        return Ok(ExitCode::SUCCESS);
    }
    if debtors.is_empty() {
        say!("Nothing is overdue.");
        return Ok(ExitCode::SUCCESS);
    }
    let head = [
        "account",
        "invoice",
        "due",
        "state",
        "next step",
        "on",
        "next attempt",
        "owed",
    ];
    let mut rows = table(head, 7);
    for debtor in &debtors {
        let (step, on) = match debtor.next {
            None => ("nothing".to_owned(), String::new()),
            Some(next) => {
                let on = match next.readiness {
                    Readiness::Blocked(block) => block.to_string(),
                    Readiness::Later if debtor.held_until == Some(next.on) => {
                        format!("held until {}", next.on)
                    }
                    Readiness::Now | Readiness::Later => next.on.to_string(),
                };
                (next.step.to_string(), on)
            }
        };
        let attempt = debtor.next_attempt_on.map(|day| day.to_string());
        rows.add_row([
            short(&debtor.external_id),
            debtor.invoice.to_string(),
            debtor.due_on.to_string(),
            if debtor.is_suspended {
                "suspended".to_owned()
            } else {
                "unpaid".to_owned()
            },
            step,
            on,
            attempt.unwrap_or_default(),
            amount(debtor.owed.minor, debtor.owed.currency),
        ]);
    }
    say!("{rows}\n{}", counted(debtors.len(), "account"));
    Ok(ExitCode::SUCCESS)
}

#[derive(Serialize)]
struct RoundJson {
    steps: Vec<StepJson>,
    problems: Vec<String>,
}

#[derive(Serialize)]
struct StepJson {
    step: String,
    accounts: u64,
}

/// What a round did, and whether a person has to look.
pub fn print_round(tally: &DunningTally, json: bool) -> Result<ExitCode> {
    let problems: Vec<String> = tally
        .problems
        .iter()
        .map(|(account, problem)| format!("account {account}: {problem}"))
        .collect();
    if json {
        let steps = tally.taken.iter().map(|(step, accounts)| StepJson {
            step: step.code(),
            accounts: *accounts,
        });
        super::json::print(&RoundJson {
            steps: steps.collect(),
            problems,
        })?;
    } else {
        if tally.taken.is_empty() {
            say!("No step is due.");
        }
        for (step, accounts) in &tally.taken {
            say!("{step}: {}", counted(accounts, "account"));
        }
        for problem in &problems {
            complain!("{problem}");
        }
    }
    Ok(if tally.problems.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
