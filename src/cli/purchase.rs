//! `quittance credit buy`, `capture`, `purchases` and `refund`.

use anyhow::{Context as _, Result, anyhow};
use clap::Args;
use rust_decimal::Decimal;
use serde::Serialize;

use super::Global;
use super::check::{number, positive_minor};
use super::credit::{find, print_outcome};
use super::dispute::name_of;
use super::person::PersonArgs;
use super::print::{amount, count, counted, table};
use super::refund::report;
use crate::domain::ids::PurchaseId;
use crate::domain::money::Money;
use crate::domain::payment::AttemptState;
use crate::engine::collect::InvoiceOutcome;
use crate::engine::purchase::Progress;
use crate::engine::run::Engine;
use crate::providers::paypal::PayPal;
use crate::store::rows::{Refunded, StoredPurchase};
use crate::views::dispute::DisputeView;
use crate::views::refund::RefundView;
use crate::{complain, on, say};

/// How many purchases are listed.
const LISTED_MAX: i64 = 1_000;

#[derive(Debug, Args)]
pub struct BuyArgs {
    /// The account's id
    account: String,
    /// How much, in the account's currency, such as 50.00; at least 5
    #[arg(value_parser = number, allow_negative_numbers = true)]
    amount: Decimal,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct CaptureArgs {
    /// The purchase's id
    purchase: PurchaseId,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct PurchasesArgs {
    /// The account's id
    account: String,
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct RefundArgs {
    /// The purchase's id
    purchase: PurchaseId,
    /// How much, in the purchase's currency, such as 50.00
    #[arg(value_parser = number, allow_negative_numbers = true)]
    amount: Decimal,
    #[command(flatten)]
    person: PersonArgs,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct PurchaseJson {
    id: String,
    account: String,
    currency: &'static str,
    amount_minor: i64,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    decline: Option<String>,
    /// PayPal's order.
    order: Option<String>,
    /// PayPal's payment.
    capture: Option<String>,
    created_at: String,
    decided_at: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    refunds: Vec<RefundView>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    disputes: Vec<DisputeView>,
    /// What PayPal said of it that cannot be booked.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

#[derive(Serialize)]
struct ProgressJson {
    #[serde(flatten)]
    purchase: PurchaseJson,
    /// Where the customer approves it.
    approve_url: Option<String>,
    /// The invoices that the credit paid at once.
    invoices_paid: Vec<PaidJson>,
}

#[derive(Serialize)]
struct PaidJson {
    number: String,
    amount_minor: i64,
}

impl From<&StoredPurchase> for PurchaseJson {
    fn from(purchase: &StoredPurchase) -> Self {
        Self {
            id: purchase.id.to_string(),
            account: purchase.external_id.clone(),
            currency: purchase.amount.currency.code(),
            amount_minor: purchase.amount.minor,
            state: purchase.state.code(),
            decline: decline(&purchase.state),
            order: purchase.order_reference.clone(),
            capture: purchase.provider_reference.clone(),
            created_at: purchase.created_at.to_string(),
            decided_at: purchase.decided_at.map(|at| at.to_string()),
            refunds: Vec::new(),
            disputes: Vec::new(),
            problem: purchase.problem.clone(),
        }
    }
}

impl From<&Progress> for ProgressJson {
    fn from(progress: &Progress) -> Self {
        let sum = |outcome: &InvoiceOutcome| PaidJson {
            number: outcome.number.to_string(),
            amount_minor: outcome.parts.iter().map(|part| part.amount_minor).sum(),
        };
        let paid = progress.invoices.iter();
        Self {
            purchase: PurchaseJson::from(&progress.purchase),
            approve_url: progress.approve_url.clone(),
            invoices_paid: paid
                .filter(|outcome| !outcome.parts.is_empty())
                .map(sum)
                .collect(),
        }
    }
}

fn decline(state: &AttemptState) -> Option<String> {
    state.refusal().map(|refusal| refusal.code.clone())
}

/// PayPal, as the settings say.
fn paypal(engine: &Engine) -> Result<&PayPal> {
    let paypal = engine.providers.paypal(&engine.config);
    paypal.context("credit is not sold here; deploy/quittance.toml shows how")
}

pub async fn buy(global: &Global, args: BuyArgs) -> Result<()> {
    let engine = global.open().await?;
    let paypal = paypal(&engine)?;
    let mut tx = engine.store.snapshot().await?;
    let (account, currency) = find(&mut tx, &args.account).await?;
    tx.rollback().await?;
    let minor = positive_minor(args.amount, currency)
        .map_err(|reason| anyhow!("the amount {}: {reason}", args.amount))?;
    let bought = engine
        .buy_credit(paypal, account, Money::new(minor, currency))
        .await?;
    print_progress(&bought, args.json)
}

pub async fn capture(global: &Global, args: CaptureArgs) -> Result<()> {
    let engine = global.open().await?;
    let paypal = paypal(&engine)?;
    let progress = engine.advance_purchase(paypal, args.purchase).await?;
    print_progress(&progress, args.json)
}

fn print_progress(progress: &Progress, json: bool) -> Result<()> {
    if json {
        return super::json::print(&ProgressJson::from(progress));
    }
    let StoredPurchase {
        id, amount, state, ..
    } = &progress.purchase;
    say!("purchase {id} of {amount}: {state}");
    if let Some(url) = &progress.approve_url {
        say!("to be approved by the customer at {url}");
    }
    progress.invoices.iter().for_each(print_outcome);
    Ok(())
}

pub async fn purchases(global: &Global, args: PurchasesArgs) -> Result<()> {
    let engine = global.open().await?;
    let mut tx = engine.store.snapshot().await?;
    let (account, _) = find(&mut tx, &args.account).await?;
    let mut all = on!(&mut tx, conn, q => q::purchases(conn, account, LISTED_MAX + 1).await)?;
    let most = usize::try_from(LISTED_MAX)?;
    if all.len() > most {
        all.remove(0);
        complain!("only the newest {} are listed", count(LISTED_MAX));
    }
    let mut listed = Vec::with_capacity(all.len());
    for purchase in all {
        let of = Refunded::Purchase(purchase.id);
        let refunds = on!(&mut tx, conn, q => q::refunds_of(conn, account, of).await)?;
        let disputes = on!(&mut tx, conn, q => q::disputes_of(conn, account, of).await)?;
        listed.push((purchase, refunds, disputes));
    }
    tx.rollback().await?;
    if args.json {
        let json: Vec<PurchaseJson> = listed
            .iter()
            .map(|(purchase, refunds, disputes)| PurchaseJson {
                refunds: refunds.iter().map(RefundView::from).collect(),
                disputes: disputes.iter().map(DisputeView::from).collect(),
                ..PurchaseJson::from(purchase)
            })
            .collect();
        return super::json::print(&json);
    }
    if listed.is_empty() {
        say!("{} never bought credit.", args.account);
        return Ok(());
    }
    let mut rows = table(["at", "what", "state", "amount"], 3);
    for (purchase, refunds, disputes) in &listed {
        rows.add_row([
            purchase.created_at.to_string(),
            purchase.id.to_string(),
            purchase.state.to_string(),
            purchase.amount.to_string(),
        ]);
        for refund in refunds {
            rows.add_row([
                refund.created_at.to_string(),
                format!("  refund {}", refund.id),
                refund.state.to_string(),
                amount(refund.amount.minor.saturating_neg(), refund.amount.currency),
            ]);
        }
        for dispute in disputes {
            rows.add_row([
                dispute.announced_at.to_string(),
                format!("  dispute {}", name_of(dispute)),
                dispute.state.to_string(),
                amount(
                    dispute.amount.minor.saturating_neg(),
                    dispute.amount.currency,
                ),
            ]);
        }
    }
    say!("{rows}\n{}", counted(listed.len(), "purchase"));
    for (purchase, ..) in &listed {
        if let Some(problem) = &purchase.problem {
            say!("purchase {}: {problem}", purchase.id);
        }
    }
    Ok(())
}

pub async fn refund(global: &Global, args: RefundArgs) -> Result<()> {
    let by = args.person.check()?;
    let engine = global.open().await?;
    let id = args.purchase;
    let mut tx = engine.store.snapshot().await?;
    let purchase = on!(&mut tx, conn, q => q::find_purchase(conn, id).await)?
        .with_context(|| format!("there is no purchase {id}"))?;
    tx.rollback().await?;
    let currency = purchase.amount.currency;
    let minor = positive_minor(args.amount, currency)
        .map_err(|reason| anyhow!("the amount {}: {reason}", args.amount))?;
    let refund = engine
        .refund_purchase(id, Some(minor), by)
        .await
        .with_context(|| format!("purchase {id}"))?;
    engine.store.close().await;
    report(&refund, "the purchase", args.json)
}
