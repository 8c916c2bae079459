//! `quittance refund`.

use std::process::ExitCode;

use anyhow::{Context as _, Result, anyhow};
use clap::Args;
use rust_decimal::Decimal;

use super::Global;
use super::check::{number, positive_minor};
use super::person::PersonArgs;
use crate::domain::ids::AttemptId;
use crate::domain::payment::AttemptState;
use crate::on;
use crate::say;
use crate::store::rows::RefundPurpose;

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
    let purpose = if args.reopen {
        RefundPurpose::Reopen
    } else {
        RefundPurpose::Goodwill
    };
    let refund = engine
        .refund_payment(id, minor, purpose, by)
        .await
        .with_context(|| format!("payment {id}"))?;
    let sum = refund.amount;
    let number = &payment.number;
    let (said, code) = match &refund.state {
        AttemptState::Succeeded => ("given back", ExitCode::SUCCESS),
        AttemptState::Pending => ("on its way back", ExitCode::SUCCESS),
        state if state.in_flight() => (
            "sent back, without an answer yet: reconcile finishes it",
            ExitCode::SUCCESS,
        ),
        _ => ("not given back", ExitCode::FAILURE),
    };
    say!("{sum} of {number} {said} (refund {})", refund.id);
    if let Some(refusal) = refund.state.refusal() {
        say!("the provider says: {refusal}");
    }
    engine.store.close().await;
    Ok(code)
}
