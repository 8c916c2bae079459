//! Invoices on paper, on one core: the XML alone, and the whole PDF/A-3 with
//! tags and the XML inside.
//!
//! `cargo bench --bench documents -- [--documents N]`
// Ratios are floats; a bench whose PostgreSQL does not start has nothing to say.
#![allow(clippy::float_arithmetic, clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::time::Instant;

use anyhow::{Result, ensure};
use chrono::NaiveDate;
use clap::Parser;
use quittance::config::Config;
use quittance::documents::{PdfRenderer, factur_x};
use quittance::domain::account::{BillingProfile, Language};
use quittance::domain::catalog::{ResourceKind, unit_price};
use quittance::domain::invoice::LineKind;
use quittance::domain::invoice::document::{Document, DocumentLine, DocumentUsage, Issuer};
use quittance::domain::money::Currency;
use quittance::domain::rating::line_amount;
use quittance::domain::tax::{VatCategory, VatGroup, vat_on};
use rust_decimal::Decimal;

use support::measure::{in_own_process, per_second, ratio, report};

const LINES: u32 = 6;

#[derive(Parser)]
struct Options {
    #[arg(long, default_value_t = 20_000)]
    documents: u32,
    /// Cargo passes this
    #[arg(long, hide = true)]
    bench: bool,
    /// Measure one part, in this process
    #[arg(long, hide = true, value_name = "PART")]
    part: Option<Part>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Part {
    Xml,
    Pdf,
}

fn main() -> Result<()> {
    let options = Options::parse();
    match options.part {
        Some(part) => make(part, options.documents),
        None => compare(options.documents),
    }
}

fn compare(documents: u32) -> Result<()> {
    let measure =
        |part, count: u32| in_own_process(&["--part", part, "--documents", &count.to_string()]);
    let few = documents / 20;
    println!("{LINES}-line invoices, one core");
    println!(
        "{:<8}{:>12}{:>10}{:>12}{:>22}",
        "", "documents/s", "ratio", "peak MiB", "peak MiB of a 20th"
    );
    let xml = measure("xml", documents)?;
    let pdf = measure("pdf", documents)?;
    for (name, part, all) in [("XML", "xml", xml), ("PDF", "pdf", pdf)] {
        println!(
            "{name:<8}{:>12.0}{:>9.1}x{:>12.0}{:>22.0}",
            per_second(documents.into(), all.wall),
            ratio(all.wall, xml.wall),
            all.peak_mib,
            measure(part, few)?.peak_mib,
        );
    }
    Ok(())
}

fn make(part: Part, documents: u32) -> Result<()> {
    let mut renderer = PdfRenderer::new()?;
    let issuer = Config::sample()?.issuer;
    let started = Instant::now();
    for n in 0..documents {
        let document = sample(n, issuer.clone())?;
        let bytes = match part {
            Part::Xml => factur_x(&document)?,
            Part::Pdf => renderer.render(&document)?,
        };
        ensure!(
            bytes.len() > 1_000,
            "document {n} has {} bytes",
            bytes.len()
        );
    }
    report(started)
}

/// An invoice of six lines that is like no other.
fn sample(n: u32, issuer: Issuer) -> Result<Document> {
    let day = |month, day| NaiveDate::from_ymd_opt(2026, month, day).unwrap_or_default();
    let price = unit_price(Decimal::new(1440, 2));
    let lines = (0..LINES)
        .map(|line| {
            let minutes = i64::from(1_000 + (n * 37 + line * 911) % 43_000);
            Ok(DocumentLine {
                kind: LineKind::Usage,
                period: "2026-10".parse()?,
                usage: Some(DocumentUsage {
                    app: format!("shop-{n}-{line}"),
                    kind: ResourceKind::Container,
                    resource_type: "web".to_owned(),
                    plan: "M".to_owned(),
                    plan_name: "M".to_owned(),
                    minutes,
                    unit_price: price,
                }),
                label: None,
                trial: None,
                amount_minor: line_amount(minutes, price, Currency::Eur)?,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let net_minor = lines.iter().map(|line| line.amount_minor).sum();
    let rate = Decimal::from(20);
    let vat_minor = vat_on(net_minor, rate, Currency::Eur)?;
    Ok(Document {
        number: format!("Q-2026-{n:06}"),
        language: if n.is_multiple_of(2) {
            Language::French
        } else {
            Language::English
        },
        currency: Currency::Eur,
        issued_on: day(11, 1),
        due_on: day(11, 1),
        period: "2026-10".parse()?,
        first_day: day(10, 1),
        last_day: day(10, 31),
        issuer,
        customer: BillingProfile {
            account: format!("acc-{n:07}"),
            username: format!("user{n}"),
            email: format!("user{n}@customer.example"),
            full_name: format!("Claire Meunier {n}"),
            company: format!("Atelier Meunier {n} SARL"),
            country: "FR".parse()?,
            address_line1: "8 quai des Bateliers".to_owned(),
            address_line2: String::new(),
            postal_code: "67000".to_owned(),
            city: "Strasbourg".to_owned(),
            state: String::new(),
            vat_number: "FR75512345679".to_owned(),
            invoice_note: String::new(),
            language: Language::French,
        },
        lines,
        vat: vec![VatGroup {
            category: VatCategory::Standard,
            rate,
            base_minor: net_minor,
            amount_minor: vat_minor,
        }],
        net_minor,
        vat_minor,
        total_minor: net_minor + vat_minor,
    })
}
