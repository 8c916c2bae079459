//! `quittance invoice`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};

use super::Global;
use super::person::PersonArgs;
use super::print::{amount, count, counted, short, table};
use crate::documents::{PdfRenderer, factur_x};
use crate::domain::calendar::PeriodKey;
use crate::domain::invoice::InvoiceNumber;
use crate::domain::invoice::document::{Document, DocumentLine};
use crate::engine::issued::load_document;
use crate::on;
use crate::say;
use crate::views::invoice::InvoiceView;

#[derive(Debug, Args)]
pub struct InvoiceArgs {
    #[command(subcommand)]
    command: InvoiceCommand,
}

#[derive(Debug, Subcommand)]
enum InvoiceCommand {
    /// List the invoices of a month
    List {
        /// Such as 2026-10
        period: PeriodKey,
        /// Whole invoices, each as `invoice show --json` prints it, in one array
        #[arg(long)]
        json: bool,
    },
    /// Show one invoice
    Show {
        /// Such as Q-2026-000001
        number: InvoiceNumber,
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    /// Write the PDF of an invoice (PDF/A-3, its Factur-X XML inside)
    Pdf {
        /// Such as Q-2026-000001
        number: InvoiceNumber,
        /// Where to write it; - for standard output
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
    /// Write the Factur-X XML of an invoice (EN 16931)
    Xml {
        /// Such as Q-2026-000001
        number: InvoiceNumber,
        /// Where to write it [default: standard output]
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Give up what is open of an invoice
    WriteOff {
        /// Such as Q-2026-000001
        number: InvoiceNumber,
        #[command(flatten)]
        person: PersonArgs,
    },
}

pub async fn invoice(global: &Global, args: InvoiceArgs) -> Result<ExitCode> {
    match args.command {
        InvoiceCommand::List { period, json } => list(global, period, json).await?,
        InvoiceCommand::Show { number, json } => {
            let document = find(global, &number).await?;
            if json {
                super::json::print(&InvoiceView::from(document))?;
            } else {
                print_document(&document);
            }
        }
        InvoiceCommand::Pdf { number, output } => {
            let pdf = PdfRenderer::new()?.render(&find(global, &number).await?)?;
            write_out(Some(&output), &pdf)?;
        }
        InvoiceCommand::WriteOff { number, person } => write_off(global, &number, &person).await?,
        InvoiceCommand::Xml { number, output } => {
            let xml = factur_x(&find(global, &number).await?)?;
            write_out(output.as_deref(), &xml)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn find(global: &Global, number: &InvoiceNumber) -> Result<Document> {
    let engine = global.open().await?;
    load_document(&engine.store, number)
        .await?
        .with_context(|| format!("there is no invoice {number}"))
}

fn write_out(path: Option<&Path>, bytes: &[u8]) -> Result<()> {
    match path {
        Some(path) if path != Path::new("-") => std::fs::write(path, bytes)
            .with_context(|| format!("{} cannot be written", path.display())),
        _ => Ok(std::io::stdout().lock().write_all(bytes)?),
    }
}

async fn list(global: &Global, period: PeriodKey, json: bool) -> Result<()> {
    let engine = global.open().await?;
    if json {
        return super::json::print_invoices(&engine.store, period).await;
    }
    let mut tx = engine.store.snapshot().await?;
    let heads = on!(&mut tx, conn, q => q::invoices_of_period(conn, period).await)?;
    if heads.is_empty() {
        say!("{period} has no invoices.");
        return Ok(());
    }
    let mut rows = table(
        [
            "number",
            "account",
            "customer",
            "issued on",
            "net",
            "VAT",
            "total",
        ],
        4,
    );
    for head in &heads {
        let money = |minor| amount(minor, head.currency);
        rows.add_row([
            head.number.to_string(),
            head.customer.account.clone(),
            short(head.customer.legal_name()),
            head.issued_on.to_string(),
            money(head.net_minor),
            money(head.vat_minor),
            money(head.total_minor),
        ]);
    }
    say!("{rows}\n{}", counted(heads.len(), "invoice"));
    Ok(())
}

fn print_document(document: &Document) {
    let customer = &document.customer;
    say!("Invoice {}", document.number);
    say!(
        "customer   {} ({})",
        customer.legal_name(),
        customer.account
    );
    say!(
        "period     {} ({} to {})",
        document.period,
        document.first_day,
        document.last_day
    );
    say!(
        "issued on  {}, due on {}",
        document.issued_on,
        document.due_on
    );
    let money = |minor| amount(minor, document.currency);
    let mut lines = table(["line", "app", "minutes", "per minute", "amount"], 2);
    for line in &document.lines {
        let usage = line.usage.as_ref();
        lines.add_row([
            describe(line, document.period),
            usage.map(|usage| usage.app.clone()).unwrap_or_default(),
            usage.map(|usage| count(usage.minutes)).unwrap_or_default(),
            usage
                .map(|usage| usage.unit_price.to_string())
                .unwrap_or_default(),
            money(line.amount_minor),
        ]);
    }
    say!("\n{lines}\n");
    let mut sums = table(["", "base", "amount"], 1);
    sums.add_row(["net".to_owned(), String::new(), money(document.net_minor)]);
    for group in &document.vat {
        let name = format!("VAT {} {} %", group.category, group.rate.normalize());
        sums.add_row([name, money(group.base_minor), money(group.amount_minor)]);
    }
    sums.add_row([
        "total".to_owned(),
        String::new(),
        money(document.total_minor),
    ]);
    say!("{sums}");
}

fn describe(line: &DocumentLine, period: PeriodKey) -> String {
    let late = if line.period == period {
        String::new()
    } else {
        format!(" (late, {})", line.period)
    };
    match (&line.usage, line.trial, &line.label) {
        (Some(usage), _, _) => {
            format!(
                "{} {} {}{late}",
                usage.kind, usage.resource_type, usage.plan_name
            )
        }
        (None, Some((first, end)), _) => format!("Free trial {first} -> {end}"),
        (None, None, Some(label)) => label.clone(),
        (None, None, None) => line.kind.code().to_owned(),
    }
}

async fn write_off(global: &Global, number: &InvoiceNumber, person: &PersonArgs) -> Result<()> {
    let by = person.check()?;
    let engine = global.open().await?;
    let given_up = engine
        .write_off(number, by)
        .await
        .with_context(|| format!("nothing of {number} is written off"))?;
    say!("written off {given_up} of {number}: {}", by.reason);
    engine.store.close().await;
    Ok(())
}
