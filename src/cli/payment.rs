//! `quittance payment`.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use serde::Serialize;

use super::Global;
use super::dispute::{DisputeJson, print_dispute};
use super::print::{amount, count, counted, table};
use super::refund::RefundJson;
use super::scope::ScopeArgs;
use crate::domain::ids::AttemptId;
use crate::store::rows::{BookedPosting, Refunded, StoredAttempt};
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
    /// Show one attempt: what became of it, what it moved, what was given or taken back
    Show {
        /// Its id, as `payment list` shows it
        payment: AttemptId,
        /// Print it as JSON
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
    /// What its provider said of it that cannot be booked.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
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
            problem: attempt.problem.clone(),
            created_at: attempt.created_at.to_string(),
            decided_at: attempt.decided_at.map(|at| at.to_string()),
        }
    }
}

pub async fn payment(global: &Global, args: PaymentArgs) -> Result<ExitCode> {
    match args.command {
        PaymentCommand::List { scope, json } => list(global, &scope, json).await?,
        PaymentCommand::Show { payment, json } => show(global, payment, json).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(global: &Global, scope: &ScopeArgs, json: bool) -> Result<()> {
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
    Ok(())
}

#[derive(Serialize)]
struct ShownJson {
    #[serde(flatten)]
    attempt: AttemptJson,
    postings: Vec<PostingJson>,
    refunds: Vec<RefundJson>,
    disputes: Vec<DisputeJson>,
}

#[derive(Serialize)]
struct PostingJson {
    at: String,
    movement: String,
    ledger_account: String,
    /// Debit positive, credit negative.
    amount_minor: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

async fn show(global: &Global, id: AttemptId, json: bool) -> Result<()> {
    let engine = global.open().await?;
    let mut tx = engine.store.snapshot().await?;
    let attempt = on!(&mut tx, conn, q => q::find_attempt(conn, id).await)?
        .with_context(|| format!("there is no payment {id}"))?;
    let account = attempt.invoice.account;
    let postings = on!(&mut tx, conn, q => q::attempt_postings(conn, account, id).await)?;
    let of = Refunded::Attempt(id);
    let refunds = on!(&mut tx, conn, q => q::refunds_of(conn, account, of).await)?;
    let disputes = on!(&mut tx, conn, q => q::disputes_of(conn, account, of).await)?;
    tx.rollback().await?;
    engine.store.close().await;
    if json {
        return super::json::print(&ShownJson {
            attempt: AttemptJson::from(&attempt),
            postings: postings.into_iter().map(PostingJson::from).collect(),
            refunds: refunds.iter().map(RefundJson::from).collect(),
            disputes: disputes.iter().map(DisputeJson::from).collect(),
        });
    }
    say!("payment   {id}");
    say!("account   {}", attempt.external_id);
    say!("invoice   {}", attempt.number);
    say!("by        {}", attempt.by.method());
    say!(
        "amount    {}",
        amount(attempt.amount_minor, attempt.currency)
    );
    say!("made at   {}", attempt.created_at);
    say!("state     {}", attempt.state);
    if let Some(at) = attempt.decided_at {
        say!("since     {at}");
    }
    if let Some(reference) = &attempt.provider_reference {
        say!("provider  {reference}");
    }
    if let Some(problem) = &attempt.problem {
        say!("problem   {problem}");
    }
    if !postings.is_empty() {
        let head = ["booked at", "movement", "ledger account", "amount"];
        let mut rows = table(head, 3);
        for posting in &postings {
            rows.add_row([
                posting.at.to_string(),
                posting.movement.clone(),
                posting.ledger_account.clone(),
                amount(posting.amount_minor, attempt.currency),
            ]);
        }
        say!("\n{rows}");
    }
    for refund in &refunds {
        let mut purpose = refund.purpose.code().to_owned();
        if refund.credit_minor > 0 {
            let credit = amount(refund.credit_minor, refund.amount.currency);
            purpose.push_str(&format!(", {credit} of it out of the credit"));
        }
        say!(
            "refund {}: {} ({purpose}), {}, by {}: {}",
            refund.id,
            refund.amount,
            refund.state,
            refund.actor,
            refund.reason
        );
    }
    disputes.iter().for_each(print_dispute);
    Ok(())
}

impl From<BookedPosting> for PostingJson {
    fn from(posting: BookedPosting) -> Self {
        Self {
            at: posting.at.to_string(),
            movement: posting.movement,
            ledger_account: posting.ledger_account,
            amount_minor: posting.amount_minor,
            by: posting.actor,
            reason: posting.reason,
        }
    }
}

fn print_attempts(attempts: &[StoredAttempt]) {
    if attempts.is_empty() {
        say!("There are no payments.");
        return;
    }
    let head = [
        "payment", "at", "account", "invoice", "method", "state", "amount",
    ];
    let mut rows = table(head, 6);
    for attempt in attempts {
        rows.add_row([
            attempt.id.to_string(),
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
