//! `quittance voucher`.

use std::process::ExitCode;

use anyhow::{Context as _, Result, anyhow, bail};
use clap::{Args, Subcommand};
use rust_decimal::Decimal;

use super::Global;
use crate::domain::calendar::PeriodKey;
use crate::domain::invoice::AllowanceValue;
use crate::domain::money::{Currency, round_to_minor};
use crate::on;
use crate::say;

const PERCENT_DECIMALS_MAX: u32 = 4;

#[derive(Debug, Args)]
pub struct VoucherArgs {
    #[command(subcommand)]
    command: VoucherCommand,
}

#[derive(Debug, Subcommand)]
enum VoucherCommand {
    /// Grant a voucher (--amount) or a discount (--percent)
    Grant(GrantArgs),
}

#[derive(Debug, Args)]
struct GrantArgs {
    /// The account's id
    account: String,
    /// What the invoice calls it, such as "Welcome voucher"
    label: String,
    /// A fixed amount in the account's currency, such as 50.00, used up invoice by invoice
    #[arg(
        long,
        conflicts_with = "percent",
        required_unless_present = "percent",
        value_parser = number,
        allow_negative_numbers = true
    )]
    amount: Option<Decimal>,
    /// Percent of each month's usage, such as 20
    #[arg(long, value_parser = number, allow_negative_numbers = true)]
    percent: Option<Decimal>,
    /// The first month it applies to, such as 2026-10
    #[arg(long)]
    from: PeriodKey,
    /// The last month it applies to [default: no end]
    #[arg(long)]
    until: Option<PeriodKey>,
}

pub async fn voucher(global: &Global, args: VoucherArgs) -> Result<ExitCode> {
    let VoucherCommand::Grant(grant) = args.command;
    let engine = global.open().await?;
    let mut tx = engine.store.begin().await?;
    on!(&mut tx, conn, q => q::raise_generation(conn).await)?;
    let account = on!(&mut tx, conn, q => q::find_account(conn, &grant.account).await)?
        .with_context(|| format!("there is no account {:?}", grant.account))?;
    let currency = on!(&mut tx, conn, q => q::account_currency(conn, account).await)?;
    let value = match (grant.amount, grant.percent) {
        (Some(amount), None) => AllowanceValue::Amount {
            remaining_minor: check_amount(amount, currency)
                .map_err(|reason| anyhow!("--amount {amount}: {reason}"))?,
        },
        (None, Some(percent)) => AllowanceValue::Percent(
            check_percent(percent).map_err(|reason| anyhow!("--percent {percent}: {reason}"))?,
        ),
        _ => bail!("give either --amount or --percent"),
    };
    let label = grant.label.trim();
    if label.is_empty() || label.len() > 200 || label.chars().any(char::is_control) {
        bail!("the label must be 1 to 200 bytes of plain text");
    }
    if let Some(until) = grant.until.filter(|until| *until < grant.from) {
        bail!("--until {until} is before --from {}", grant.from);
    }
    on!(&mut tx, conn, q => q::grant_allowance(conn, account, label, value, grant.from, grant.until).await)?;
    tx.commit().await?;
    say!("granted to {}: {label}", grant.account);
    Ok(ExitCode::SUCCESS)
}

/// Exact: a number with more decimals than fit is refused, not rounded.
fn number(text: &str) -> Result<Decimal, &'static str> {
    Decimal::from_str_exact(text).map_err(|_| "is not a number such as 20 or 12.50")
}

/// The amount in minor units.
fn check_amount(amount: Decimal, currency: Currency) -> Result<i64, String> {
    let amount = amount.normalize();
    if amount <= Decimal::ZERO {
        return Err("must be above 0".to_owned());
    }
    let digits = currency.minor_digits();
    if amount.scale() > digits {
        return Err(format!("{currency} has {digits} decimals"));
    }
    round_to_minor(amount, currency).map_err(|error| error.to_string())
}

fn check_percent(percent: Decimal) -> Result<Decimal, String> {
    let percent = percent.normalize();
    if percent <= Decimal::ZERO || percent > Decimal::ONE_HUNDRED {
        return Err("must be above 0 and at most 100".to_owned());
    }
    if percent.scale() > PERCENT_DECIMALS_MAX {
        return Err(format!("has more than {PERCENT_DECIMALS_MAX} decimals"));
    }
    Ok(percent)
}
