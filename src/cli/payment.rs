//! `quittance payment`.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde::Serialize;

use super::Global;
use super::print::{amount, count, counted, table};
use super::scope::ScopeArgs;
use crate::store::rows::StoredAttempt;
use crate::{complain, on, say};

/// How many attempts are listed.
const LISTED_MAX: i64 = 1_000;

#[derive(Debug, Args)]
pub struct PaymentArgs {
    #[command(subcommand)]
    command: PaymentCommand,
}

#[derive(Debug, Subcommand)]
enum PaymentCommand {
    /// List the attempts to take money, the newest 1,000, the oldest of them first
    List {
        #[command(flatten)]
        scope: ScopeArgs,
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Serialize)]
struct AttemptJson {
    id: String,
    account: String,
    invoice: String,
    method: &'static str,
    currency: String,
    amount_minor: i64,
    state: &'static str,
    /// Why there is no money.
    #[serde(skip_serializing_if = "Option::is_none")]
    decline: Option<DeclineJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_reference: Option<String>,
    created_at: String,
    decided_at: Option<String>,
}

#[derive(Serialize)]
struct DeclineJson {
    code: String,
    class: &'static str,
    known: bool,
}

impl From<&StoredAttempt> for AttemptJson {
    fn from(attempt: &StoredAttempt) -> Self {
        Self {
            id: attempt.id.to_string(),
            account: attempt.external_id.clone(),
            invoice: attempt.number.to_string(),
            method: attempt.by.method().code(),
            currency: attempt.currency.to_string(),
            amount_minor: attempt.amount_minor,
            state: attempt.state.code(),
            decline: attempt.state.refusal().map(|refusal| DeclineJson {
                code: refusal.code.clone(),
                class: refusal.class.code(),
                known: refusal.known,
            }),
            provider_reference: attempt.provider_reference.clone(),
            created_at: attempt.created_at.to_string(),
            decided_at: attempt.decided_at.map(|at| at.to_string()),
        }
    }
}

pub async fn payment(global: &Global, args: PaymentArgs) -> Result<ExitCode> {
    let PaymentCommand::List { scope, json } = args.command;
    let engine = global.open().await?;
    let scope = scope.find(&engine, None, false).await?;
    let mut tx = engine.store.snapshot().await?;
    let mut attempts = on!(&mut tx, conn, q => q::attempts(conn, &scope, LISTED_MAX + 1).await)?;
    let most = usize::try_from(LISTED_MAX)?;
    if attempts.len() > most {
        attempts.remove(0);
        complain!(
            "only the newest {} are listed: name an --account or an --invoice",
            count(LISTED_MAX)
        );
    }
    if json {
        let all: Vec<AttemptJson> = attempts.iter().map(AttemptJson::from).collect();
        super::json::print(&all)?;
    } else {
        print_attempts(&attempts);
    }
    Ok(ExitCode::SUCCESS)
}

fn print_attempts(attempts: &[StoredAttempt]) {
    if attempts.is_empty() {
        say!("There are no payments.");
        return;
    }
    let head = ["at", "account", "invoice", "method", "state", "amount"];
    let mut rows = table(head, 5);
    for attempt in attempts {
        rows.add_row([
            attempt.created_at.to_string(),
            attempt.external_id.clone(),
            attempt.number.to_string(),
            attempt.by.method().to_string(),
            attempt.state.to_string(),
            amount(attempt.amount_minor, attempt.currency),
        ]);
    }
    say!("{rows}\n{}", counted(attempts.len(), "payment"));
}
