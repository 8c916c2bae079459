//! `quittance payment`.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};

use super::Global;
use super::dispute::print_dispute;
use super::print::{amount, count, counted, table};
use super::scope::ScopeArgs;
use crate::domain::ids::AttemptId;
use crate::engine::desk::payment::PaymentStory;
use crate::store::rows::{PageBounds, StoredAttempt};
use crate::views::payment::{PaymentStoryView, PaymentView};
use crate::{complain, say};

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

pub async fn payment(global: &Global, args: PaymentArgs) -> Result<ExitCode> {
    match args.command {
        PaymentCommand::List { scope, json } => list(global, scope, json).await?,
        PaymentCommand::Show { payment, json } => show(global, payment, json).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(global: &Global, scope: ScopeArgs, json: bool) -> Result<()> {
    let engine = global.open().await?;
    let page = PageBounds::first(LISTED_MAX);
    let (mut attempts, of_all) = engine.payments(&scope.asked(None), page).await?;
    attempts.reverse();
    if of_all > LISTED_MAX {
        complain!(
            "only the newest {} are listed: name an --account or an --invoice",
            count(LISTED_MAX)
        );
    }
    if json {
        let all: Vec<PaymentView> = attempts.iter().map(PaymentView::from).collect();
        super::json::print(&all)?;
    } else {
        print_attempts(&attempts);
    }
    Ok(())
}

async fn show(global: &Global, id: AttemptId, json: bool) -> Result<()> {
    let engine = global.open().await?;
    let story = engine.payment_story(id).await?;
    engine.store.close().await;
    let story = story.with_context(|| format!("there is no payment {id}"))?;
    if json {
        return super::json::print(&PaymentStoryView::from(story));
    }
    let PaymentStory {
        attempt,
        postings,
        refunds,
        disputes,
    } = story;
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
