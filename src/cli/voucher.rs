//! `quittance voucher`.

use std::process::ExitCode;
use std::str::FromStr as _;

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use rust_decimal::Decimal;

use super::Global;
use crate::domain::calendar::PeriodKey;
use crate::domain::invoice::AllowanceValue;
use crate::domain::money::round_to_minor;
use crate::on;

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
    #[arg(long, conflicts_with = "percent", required_unless_present = "percent")]
    amount: Option<Decimal>,
    /// Percent of each month's usage, such as 20
    #[arg(long)]
    percent: Option<Decimal>,
    /// The first month it applies to
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
        (Some(amount), None) => {
            let remaining_minor = round_to_minor(amount, currency)?;
            let exact = Decimal::new(remaining_minor, currency.minor_digits());
            if remaining_minor <= 0 || exact != amount {
                bail!(
                    "--amount {amount}: must be above zero and in whole minor units of {currency}"
                );
            }
            AllowanceValue::Amount { remaining_minor }
        }
        (None, Some(percent)) => {
            let most = Decimal::from_str("100")?;
            if percent <= Decimal::ZERO || percent > most || percent.scale() > 4 {
                bail!("--percent {percent}: must be above 0 and at most 100");
            }
            AllowanceValue::Percent(percent)
        }
        _ => bail!("give either --amount or --percent"),
    };
    let label = grant.label.trim();
    if label.is_empty() || label.len() > 200 || label.chars().any(char::is_control) {
        bail!("the label must be 1 to 200 bytes of plain text");
    }
    if grant.until.is_some_and(|until| until < grant.from) {
        bail!("--until is before --from");
    }
    on!(&mut tx, conn, q => q::grant_allowance(conn, account, label, value, grant.from, grant.until).await)?;
    tx.commit().await?;
    println!("granted to {}: {label}", grant.account);
    Ok(ExitCode::SUCCESS)
}
