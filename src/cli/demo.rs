//! `quittance demo`: a small sample platform, billed for last month.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use super::Global;
use super::import::{Table, import_file};
use super::print::{amount, count, counted, short, table};
use super::run::{default_workers, run_with_meter};
use crate::config::Config;
use crate::documents::PdfRenderer;
use crate::domain::calendar::PeriodKey;
use crate::engine::import::{BadRow, BadRows, ImportReport, OnBadRows};
use crate::engine::issued::load_document;
use crate::engine::run::Engine;
use crate::engine::run::status::RunStatus;
use crate::on;
use crate::say;
use crate::store::rows::InvoiceHead;
use crate::store::{IfMissing, Store};

/// The sample platform. `{month}` stands for the month billed, `{before}` for
/// the one before it, `{year}` for the year before that.
const CATALOG: &str = include_str!("../../fixtures/catalog.csv");
const ACCOUNTS: &str = include_str!("../../fixtures/accounts.csv");
const USAGE: &str = include_str!("../../fixtures/usage.csv");

/// What marks a folder as a demo's: no real database is called so.
const DATABASE: &str = "demo.sqlite";
const INVOICES: &str = "invoices";

#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Where to build the sample platform; what an earlier demo left there is replaced
    #[arg(long, value_name = "DIR", default_value = "quittance-demo")]
    into: PathBuf,
}

pub async fn demo(global: &Global, args: DemoArgs) -> Result<ExitCode> {
    let folder = args.into.as_path();
    start_afresh(folder)?;
    let config = Config::load(None)?;
    let today = global.clock().today(config.zone());
    let period = PeriodKey::of(today)?
        .previous()
        .context("there is no month before this one")?;
    let url = format!("sqlite:{}", folder.join(DATABASE).display());
    let store = Store::open(&url, IfMissing::Create).await?;
    let engine = Engine::new(store, config, global.clock());
    let imported = import_sample(&engine, folder, period).await?;
    let (_, took) = run_with_meter(&engine, period, default_workers(), false).await?;
    let status = engine.run_status(period).await?;
    let heads = invoices(&engine, period).await?;
    write_pdfs(&engine, &heads, &folder.join(INVOICES)).await?;
    engine.store.close().await;
    print_summary(&Summary {
        folder,
        url: &url,
        imported,
        took,
        status: &status,
        heads: &heads,
    });
    Ok(ExitCode::SUCCESS)
}

/// Makes the folder, without what an earlier demo left in it. Nothing else is
/// touched.
fn start_afresh(folder: &Path) -> Result<()> {
    let cannot = || format!("{} cannot be prepared", folder.display());
    let invoices = folder.join(INVOICES);
    if folder.exists() && !folder.join(DATABASE).exists() {
        let mut entries = std::fs::read_dir(folder).with_context(cannot)?;
        if entries.next().is_some() {
            bail!(
                "{} exists and no demo made it: name another folder with --into",
                folder.display()
            );
        }
    }
    std::fs::create_dir_all(&invoices).with_context(cannot)?;
    for suffix in ["", "-wal", "-shm"] {
        let file = folder.join(format!("{DATABASE}{suffix}"));
        if file.exists() {
            std::fs::remove_file(file).with_context(cannot)?;
        }
    }
    for entry in std::fs::read_dir(&invoices).with_context(cannot)? {
        let path = entry.with_context(cannot)?.path();
        if path.extension().is_some_and(|extension| extension == "pdf") {
            std::fs::remove_file(path).with_context(cannot)?;
        }
    }
    Ok(())
}

/// Writes the sample files with the dates of the month, and imports them.
async fn import_sample(
    engine: &Engine,
    folder: &Path,
    period: PeriodKey,
) -> Result<[ImportReport; 3]> {
    let before = period
        .previous()
        .context("there is no month before the one billed")?;
    let dated = |text: &str| {
        text.replace("{month}", &period.to_string())
            .replace("{before}", &before.to_string())
            .replace("{year}", &(before.year() - 1).to_string())
    };
    let mut reports = [ImportReport::default(); 3];
    let files = [
        (Table::Catalog, "catalog.csv", CATALOG),
        (Table::Accounts, "accounts.csv", ACCOUNTS),
        (Table::Usage, "usage.csv", USAGE),
    ];
    for (report, (kind, name, text)) in reports.iter_mut().zip(files) {
        let path = folder.join(name);
        std::fs::write(&path, dated(text))
            .with_context(|| format!("{} cannot be written", path.display()))?;
        let mut bad = Printed(path.clone());
        let refuse = OnBadRows::RefuseFile;
        *report = import_file(engine, kind, &path, refuse, &mut bad, true).await?;
        if report.refused {
            bail!("{} has bad rows", path.display());
        }
    }
    Ok(reports)
}

struct Printed(PathBuf);

impl BadRows for Printed {
    fn bad(&mut self, row: &BadRow) -> std::io::Result<()> {
        let mut out = std::io::stderr().lock();
        for problem in &row.problems {
            let (column, value, reason) = (&problem.column, &problem.value, &problem.reason);
            let file = self.0.display();
            writeln!(out, "{file}:{}: {column} {value:?}: {reason}", row.line)?;
        }
        Ok(())
    }
}

async fn invoices(engine: &Engine, period: PeriodKey) -> Result<Vec<InvoiceHead>> {
    let mut tx = engine.store.snapshot().await?;
    Ok(on!(&mut tx, conn, q => q::invoices_of_period(conn, period).await)?)
}

async fn write_pdfs(engine: &Engine, heads: &[InvoiceHead], folder: &Path) -> Result<()> {
    let mut renderer = PdfRenderer::new()?;
    for head in heads {
        let document = load_document(&engine.store, &head.number)
            .await?
            .with_context(|| format!("there is no invoice {}", head.number))?;
        let path = folder.join(format!("{}.pdf", head.number));
        std::fs::write(&path, renderer.render(&document)?)
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(())
}

struct Summary<'a> {
    folder: &'a Path,
    url: &'a str,
    imported: [ImportReport; 3],
    took: Duration,
    status: &'a RunStatus,
    heads: &'a [InvoiceHead],
}

fn print_summary(summary: &Summary<'_>) {
    let [catalog, accounts, usage] = summary.imported;
    let period = summary.status.run.period.key;
    let counts = summary.status.counts;
    say!("A sample platform, billed for {period}.\n");
    say!(
        "imported  {}, {}, {}",
        counted(catalog.added, "price"),
        counted(accounts.added, "account"),
        counted(usage.added, "usage interval")
    );
    say!(
        "billed    {} in {} ms; {} with nothing due, {} parked\n",
        counted(counts.invoiced, "invoice"),
        count(summary.took.as_millis()),
        counted(counts.nothing_due, "account"),
        count(counts.parked)
    );
    let mut invoices = table(["number", "customer", "in", "net", "VAT", "total"], 3);
    for head in summary.heads {
        let money = |minor| amount(minor, head.currency);
        invoices.add_row([
            head.number.to_string(),
            short(head.customer.legal_name()),
            head.customer.country.to_string(),
            money(head.net_minor),
            money(head.vat_minor),
            money(head.total_minor),
        ]);
    }
    say!("{invoices}\n");
    for total in &summary.status.totals {
        let money = |minor| amount(minor, total.currency);
        say!(
            "total     {} ({} net, {} VAT) in {}",
            money(total.total_minor),
            money(total.net_minor),
            money(total.vat_minor),
            counted(total.invoices, "invoice")
        );
    }
    for parked in &summary.status.parked {
        say!("parked    {}: {}", parked.external_id, parked.reason);
    }
    let pdfs = summary.folder.join(INVOICES);
    say!("PDFs      {}", pdfs.display());
    print_next(summary, period);
}

fn print_next(summary: &Summary<'_>, period: PeriodKey) {
    say!("\nTry next:\n  export DATABASE_URL={}", summary.url);
    // As it was called: under cargo it is not on the PATH.
    let program = std::env::args().next();
    let program = program.as_deref().unwrap_or("quittance");
    let parked = summary.status.parked.first();
    let first = summary.heads.first();
    let steps = [
        Some((
            format!("{program} run {period}"),
            "bill it again: nothing is billed twice",
        )),
        first.map(|head| {
            let command = format!("{program} invoice show {}", head.number);
            (command, "one invoice, line by line; --json for machines")
        }),
        parked.map(|parked| {
            let command = format!(
                "{program} run release {period} {} --by you --reason \"looked at\"",
                parked.external_id
            );
            (command, "bill the parked account after all")
        }),
        Some((
            format!("{program} verify"),
            "recompute every total, number and hash",
        )),
    ];
    let steps: Vec<_> = steps.into_iter().flatten().collect();
    let width = steps.iter().map(|(command, _)| command.len()).max();
    let width = width.unwrap_or_default();
    for (command, what) in steps {
        say!("  {command:<width$}  # {what}");
    }
}
