//! `quittance refund`, and how a refund is printed.

use std::process::ExitCode;

use anyhow::{Context as _, Result, anyhow};
use clap::Args;
use rust_decimal::Decimal;

use super::Global;
use super::check::{number, positive_minor};
use super::person::PersonArgs;
use crate::domain::ids::AttemptId;
use crate::domain::money::Money;
use crate::domain::payment::AttemptState;
use crate::on;
use crate::say;
use crate::store::rows::StoredRefund;
use crate::views::refund::RefundView;

#[derive(Debug, Args)]
pub struct RefundArgs {
    /// The payment's id, as `payment list` shows it
    payment: AttemptId,
    /// How much, such as 5.00 [default: all that is left of it]
    #[arg(value_parser = number, allow_negative_numbers = true)]
    amount: Option<Decimal>,
    /// The invoice is owed and charged again; without, it stays paid
    #[arg(long)]
    reopen: bool,
    #[command(flatten)]
    person: PersonArgs,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

pub async fn refund(global: &Global, args: RefundArgs) -> Result<ExitCode> {
    let by = args.person.check()?;
    let engine = global.open().await?;
    let id = args.payment;
    let mut tx = engine.store.snapshot().await?;
    let payment = on!(&mut tx, conn, q => q::find_attempt(conn, id).await)?
        .with_context(|| format!("there is no payment {id}"))?;
    tx.rollback().await?;
    let minor = args
        .amount
        .map(|amount| {
            positive_minor(amount, payment.currency)
                .map_err(|reason| anyhow!("the amount {amount}: {reason}"))
        })
        .transpose()?;
    let refund = engine
        .refund_payment(id, minor, args.reopen, by)
        .await
        .with_context(|| format!("payment {id}"))?;
    engine.store.close().await;
    report(&refund, &payment.number.to_string(), args.json)?;
    Ok(ExitCode::SUCCESS)
}

/// Says what became of a refund of `what`.
///
/// # Errors
/// When nothing was given back.
pub fn report(refund: &StoredRefund, what: &str, json: bool) -> Result<()> {
    if json {
        super::json::print(&RefundView::from(refund))?;
    } else {
        let said = match &refund.state {
            AttemptState::Succeeded => "given back",
            AttemptState::Pending => "on its way back",
            state if state.in_flight() => "sent back, without an answer yet: reconcile finishes it",
            _ => "not given back",
        };
        say!("{} of {what} {said} (refund {})", refund.amount, refund.id);
        if refund.credit_minor > 0 && refund.state.refusal().is_none() {
            let credit = Money::new(refund.credit_minor, refund.amount.currency);
            say!("out of the credit: {credit}");
        }
    }
    match refund.state.refusal() {
        Some(refusal) => Err(anyhow!("nothing was given back: {refusal}")),
        None => Ok(()),
    }
}
