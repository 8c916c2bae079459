//! From the trace's file to the three that Quittance imports.
//!
//! - [`trace`]: reads the containers, with the place of every error
//! - [`mapping`]: a container's account, size and times (pure)
//!
//! The suite includes this module: it runs its tests and bills what it writes.

mod mapping;
mod trace;

use std::num::NonZeroU32;
use std::path::Path;

use anyhow::{Context as _, Result};
use quittance::domain::calendar::{BillingPeriod, PeriodKey};

use mapping::{Mapping, Usage};
use trace::Pod;

/// What became of the trace's containers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    pub pods: u64,
    pub usages: u64,
    /// Usage without an end.
    pub running: u64,
    /// Containers that found no place in the cluster.
    pub never_ran: u64,
}

/// Writes `catalog.csv`, `accounts.csv` and `usage.csv` into `out_dir`.
///
/// # Errors
/// When the trace has a bad row, every one of which is named, or a file cannot
/// be read or written. A bad trace writes nothing.
pub fn convert(
    trace: &Path,
    out_dir: &Path,
    accounts: NonZeroU32,
    month: PeriodKey,
) -> Result<Summary> {
    let pods = trace::read(trace)?;
    // The sample issuer's months are those of Paris.
    let period = BillingPeriod::new(month, chrono_tz::Europe::Paris)?;
    let mapping = Mapping::new(&pods, accounts, period.end);
    std::fs::create_dir_all(out_dir)
        .with_context(|| format!("{} cannot be made", out_dir.display()))?;
    let catalog = out_dir.join("catalog.csv");
    std::fs::write(&catalog, include_str!("../../../fixtures/catalog.csv"))
        .with_context(|| format!("{} cannot be written", catalog.display()))?;
    write_accounts(&out_dir.join("accounts.csv"), accounts)?;
    write_usage(&out_dir.join("usage.csv"), &pods, &mapping)
}

/// Accounts long past their trial: a French company or consumer, mostly; some
/// German companies with a VAT number, Polish consumers and a few Swiss.
fn write_accounts(path: &Path, accounts: NonZeroU32) -> Result<()> {
    let mut out = writer(path)?;
    out.write_record([
        "id",
        "username",
        "email",
        "full_name",
        "company",
        "country",
        "address_line1",
        "postal_code",
        "city",
        "vat_number",
        "currency",
        "created_at",
    ])?;
    for number in 0..accounts.get() {
        let (company, country, postal_code, city, vat_number) = match number % 10 {
            0 | 1 => (
                "Hafenlogistik GmbH",
                "DE",
                "22767",
                "Hamburg",
                "DE136695909",
            ),
            2 => ("", "PL", "00-002", "Warszawa", ""),
            3 => ("Alpenblick AG", "CH", "8001", "Zürich", ""),
            4 => ("", "FR", "69002", "Lyon", ""),
            _ => ("Atelier Meunier SARL", "FR", "67000", "Strasbourg", ""),
        };
        let username = format!("tenant{number}");
        let email = format!("{username}@customer.example");
        let full_name = format!("Tenant {number}");
        out.write_record([
            &mapping::account_id(number),
            &username,
            &email,
            &full_name,
            company,
            country,
            "12 rue des Forgerons",
            postal_code,
            city,
            vat_number,
            "EUR",
            "2025-03-04T09:12:00Z",
        ])?;
    }
    out.flush()
        .with_context(|| format!("{} cannot be written", path.display()))
}

fn write_usage(path: &Path, pods: &[Pod], mapping: &Mapping) -> Result<Summary> {
    let mut summary = Summary::default();
    let mut out = writer(path)?;
    out.write_record([
        "id",
        "account",
        "app",
        "kind",
        "type",
        "plan",
        "quantity",
        "started_at",
        "ended_at",
    ])?;
    for pod in pods {
        summary.pods += 1;
        let Some(usage) = mapping.usage(pod) else {
            summary.never_ran += 1;
            continue;
        };
        summary.usages += 1;
        summary.running += u64::from(usage.ended_at.is_none());
        write_usage_row(&mut out, &usage)?;
    }
    out.flush()
        .with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(summary)
}

fn write_usage_row(out: &mut csv::Writer<std::fs::File>, usage: &Usage) -> Result<()> {
    let ended_at = usage
        .ended_at
        .map_or_else(String::new, |end| end.to_string());
    Ok(out.write_record([
        usage.id,
        &usage.account,
        &usage.app,
        "container",
        usage.resource_type,
        usage.plan,
        &usage.quantity.to_string(),
        &usage.started_at.to_string(),
        &ended_at,
    ])?)
}

fn writer(path: &Path) -> Result<csv::Writer<std::fs::File>> {
    csv::Writer::from_path(path).with_context(|| format!("{} cannot be written", path.display()))
}
