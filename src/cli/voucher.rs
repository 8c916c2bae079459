//! `quittance voucher`.

use std::process::ExitCode;

use anyhow::{Context as _, Result, anyhow, bail};
use clap::{Args, Subcommand};
use rust_decimal::Decimal;

use super::Global;
use super::check::{number, positive_minor};
use crate::domain::access::AccountEvent;
use crate::domain::calendar::PeriodKey;
use crate::domain::invoice::AllowanceValue;
use crate::domain::text::plain_text;
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
            remaining_minor: positive_minor(amount, currency)
                .map_err(|reason| anyhow!("--amount {amount}: {reason}"))?,
        },
        (None, Some(percent)) => AllowanceValue::Percent(
            check_percent(percent).map_err(|reason| anyhow!("--percent {percent}: {reason}"))?,
        ),
        _ => bail!("give either --amount or --percent"),
    };
    let label = plain_text(&grant.label).map_err(|reason| anyhow!("the label {reason}"))?;
    if let Some(until) = grant.until.filter(|until| *until < grant.from) {
        bail!("--until {until} is before --from {}", grant.from);
    }
    on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
    on!(&mut tx, conn, q => q::grant_allowance(conn, account, label, value, grant.from, grant.until).await)?;
    let (event, now) = (AccountEvent::AddVoucher { label }, engine.clock.now());
    on!(&mut tx, conn, q => q::record_event(conn, account, event, now).await)?;
    tx.commit().await?;
    say!("granted to {}: {label}", grant.account);
    Ok(ExitCode::SUCCESS)
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
