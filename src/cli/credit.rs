//! `quittance credit`.

use std::process::ExitCode;

use anyhow::{Context as _, Result, anyhow};
use clap::{Args, Subcommand};
use rust_decimal::Decimal;
use serde::Serialize;

use super::check::{number, positive_minor};
use super::person::PersonArgs;
use super::print::{amount, counted, short, table};
use super::{Global, purchase};
use crate::domain::ids::AccountId;
use crate::domain::money::{Currency, Money};
use crate::engine::collect::{Fate, InvoiceOutcome};
use crate::on;
use crate::say;
use crate::store::Tx;
use crate::store::rows::CreditMovement;

#[derive(Debug, Args)]
pub struct CreditArgs {
    #[command(subcommand)]
    command: CreditCommand,
}

#[derive(Debug, Subcommand)]
enum CreditCommand {
    /// Give an account credit, and pay its unpaid invoices by it, the oldest first
    Grant(GrantArgs),
    /// Show an account's credit and what moved it
    Show {
        /// The account's id
        account: String,
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    /// Begin a purchase of credit, and say where the customer approves it
    Buy(purchase::BuyArgs),
    /// Capture a purchase that its customer approved, and credit it
    Capture(purchase::CaptureArgs),
    /// List an account's purchases, the newest 1,000, the oldest of them first
    Purchases(purchase::PurchasesArgs),
    /// Pay unused credit of a purchase back
    Refund(purchase::RefundArgs),
}

#[derive(Debug, Args)]
struct GrantArgs {
    /// The account's id
    account: String,
    /// How much, in the account's currency, such as 50.00
    #[arg(value_parser = number, allow_negative_numbers = true)]
    amount: Decimal,
    #[command(flatten)]
    person: PersonArgs,
    /// Refuse an account that is billed in another currency
    #[arg(long, value_name = "CODE")]
    currency: Option<Currency>,
}

pub async fn credit(global: &Global, args: CreditArgs) -> Result<ExitCode> {
    match args.command {
        CreditCommand::Grant(args) => grant(global, args).await?,
        CreditCommand::Show { account, json } => show(global, &account, json).await?,
        CreditCommand::Buy(args) => purchase::buy(global, args).await?,
        CreditCommand::Capture(args) => purchase::capture(global, args).await?,
        CreditCommand::Purchases(args) => purchase::purchases(global, args).await?,
        CreditCommand::Refund(args) => purchase::refund(global, args).await?,
    }
    Ok(ExitCode::SUCCESS)
}

pub async fn find(tx: &mut Tx, external_id: &str) -> Result<(AccountId, Currency)> {
    let account = on!(&mut *tx, conn, q => q::find_account(conn, external_id).await)?
        .with_context(|| format!("there is no account {external_id:?}"))?;
    let currency = on!(&mut *tx, conn, q => q::account_currency(conn, account).await)?;
    Ok((account, currency))
}

async fn grant(global: &Global, args: GrantArgs) -> Result<()> {
    let by = args.person.check()?;
    let engine = global.open().await?;
    let mut tx = engine.store.snapshot().await?;
    let (account, currency) = find(&mut tx, &args.account).await?;
    tx.rollback().await?;
    let currency = args.currency.unwrap_or(currency);
    let minor = positive_minor(args.amount, currency)
        .map_err(|reason| anyhow!("the amount {}: {reason}", args.amount))?;
    let money = Money::new(minor, currency);
    let granted = engine
        .grant_credit(account, money, by)
        .await
        .with_context(|| format!("account {:?} is granted nothing", args.account))?;
    say!("granted {money} to {}: {}", args.account, by.reason);
    granted.invoices.iter().for_each(print_outcome);
    say!("credit left: {}", amount(granted.balance_minor, currency));
    Ok(())
}

/// What became of an invoice, in a line.
pub fn print_outcome(outcome: &InvoiceOutcome) {
    let number = &outcome.number;
    let mut told: Vec<String> = Vec::new();
    for part in &outcome.parts {
        let sum = amount(part.amount_minor, outcome.currency);
        told.push(match part.fate {
            Fate::Paid => format!("paid {sum}"),
            fate => format!("{sum} by {}: {fate}", part.method),
        });
    }
    match outcome.left_out {
        Some(reason) if told.is_empty() => told.push(format!("not paid: {reason}")),
        Some(reason) => told.push(format!("the rest is open: {reason}")),
        None => {}
    }
    if !told.is_empty() {
        say!("{number}: {}", told.join(", "));
    }
}

#[derive(Serialize)]
struct CreditJson {
    account: String,
    currency: String,
    balance_minor: i64,
    movements: Vec<MovementJson>,
}

#[derive(Serialize)]
struct MovementJson {
    at: String,
    movement: String,
    amount_minor: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    invoice: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl From<CreditMovement> for MovementJson {
    fn from(movement: CreditMovement) -> Self {
        Self {
            at: movement.at.to_string(),
            movement: movement.movement,
            amount_minor: movement.amount_minor,
            invoice: movement.number.map(|number| number.to_string()),
            by: movement.actor,
            reason: movement.reason,
        }
    }
}

async fn show(global: &Global, external_id: &str, json: bool) -> Result<()> {
    let engine = global.open().await?;
    let mut tx = engine.store.snapshot().await?;
    let (account, currency) = find(&mut tx, external_id).await?;
    let balance_minor = on!(&mut tx, conn, q => q::credit_balance(conn, account, currency).await)?;
    let movements = on!(&mut tx, conn, q => q::credit_movements(conn, account).await)?;
    if json {
        return super::json::print(&CreditJson {
            account: external_id.to_owned(),
            currency: currency.to_string(),
            balance_minor,
            movements: movements.into_iter().map(MovementJson::from).collect(),
        });
    }
    let mut rows = table(["at", "movement", "for", "amount"], 3);
    for movement in &movements {
        let number = movement.number.as_ref().map(ToString::to_string);
        let by = movement.actor.as_ref().zip(movement.reason.as_ref());
        let by = by.map(|(actor, reason)| short(&format!("{actor}: {reason}")));
        rows.add_row([
            movement.at.to_string(),
            movement.movement.replace('_', " "),
            number.or(by).unwrap_or_default(),
            amount(movement.amount_minor, movement.currency),
        ]);
    }
    if movements.is_empty() {
        say!("The credit of {external_id} never moved.");
    } else {
        say!("{rows}\n{}", counted(movements.len(), "movement"));
    }
    say!("credit: {}", amount(balance_minor, currency));
    Ok(())
}
