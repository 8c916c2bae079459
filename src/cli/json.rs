//! The JSON that commands print.

use std::io::Write as _;

use serde::Serialize;
use serde::ser::{SerializeSeq as _, Serializer as _};

use crate::domain::calendar::PeriodKey;
use crate::domain::invoice::document::Document;
use crate::engine::issued::each_document;
use crate::store::Store;

/// An invoice.
#[derive(Debug, Serialize)]
pub struct InvoiceJson {
    number: String,
    account: String,
    /// The legal name.
    customer: String,
    period: String,
    currency: String,
    issued_on: String,
    due_on: String,
    net_minor: i64,
    vat_minor: i64,
    total_minor: i64,
    lines: Vec<LineJson>,
    vat: Vec<VatJson>,
}

#[derive(Debug, Serialize)]
struct LineJson {
    /// `container` or `addon` for usage; `free_trial`, `discount` or `voucher`
    /// for an allowance.
    kind: &'static str,
    app: Option<String>,
    #[serde(rename = "type")]
    resource_type: Option<String>,
    plan: Option<String>,
    minutes: Option<i64>,
    unit_price: Option<String>,
    amount_minor: i64,
    /// What an allowance is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    /// The settled period that late usage belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    late_period: Option<String>,
}

#[derive(Debug, Serialize)]
struct VatJson {
    category: &'static str,
    rate: String,
    base_minor: i64,
    amount_minor: i64,
}

impl From<Document> for InvoiceJson {
    fn from(document: Document) -> Self {
        let period = document.period;
        let lines = document.lines.into_iter().map(|line| {
            let late_period = (line.period != period).then(|| line.period.to_string());
            let trial = line.trial.map(|(first, end)| format!("{first} -> {end}"));
            let label = trial.or(line.label);
            match line.usage {
                Some(usage) => LineJson {
                    kind: usage.kind.code(),
                    app: Some(usage.app),
                    resource_type: Some(usage.resource_type),
                    plan: Some(usage.plan),
                    minutes: Some(usage.minutes),
                    unit_price: Some(usage.unit_price.to_string()),
                    amount_minor: line.amount_minor,
                    label,
                    late_period,
                },
                None => LineJson {
                    kind: line.kind.code(),
                    app: None,
                    resource_type: None,
                    plan: None,
                    minutes: None,
                    unit_price: None,
                    amount_minor: line.amount_minor,
                    label,
                    late_period,
                },
            }
        });
        Self {
            lines: lines.collect(),
            vat: document
                .vat
                .iter()
                .map(|group| VatJson {
                    category: group.category.code(),
                    rate: group.rate.normalize().to_string(),
                    base_minor: group.base_minor,
                    amount_minor: group.amount_minor,
                })
                .collect(),
            number: document.number,
            customer: document.customer.legal_name().to_owned(),
            account: document.customer.account,
            period: period.to_string(),
            currency: document.currency.to_string(),
            issued_on: document.issued_on.to_string(),
            due_on: document.due_on.to_string(),
            net_minor: document.net_minor,
            vat_minor: document.vat_minor,
            total_minor: document.total_minor,
        }
    }
}

/// Prints a value as JSON, indented for people.
pub fn print(value: &impl Serialize) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, value).map_err(std::io::Error::from)?;
    writeln!(out)?;
    Ok(())
}

/// Prints the invoices of a month as one array, each as soon as it is read: a
/// month of them may not fit in memory.
pub async fn print_invoices(store: &Store, period: PeriodKey) -> anyhow::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut serializer = serde_json::Serializer::pretty(&mut out);
    let mut array = serializer
        .serialize_seq(None)
        .map_err(std::io::Error::from)?;
    each_document(store, period, |document| {
        let written = array.serialize_element(&InvoiceJson::from(document));
        written.map_err(|error| anyhow::Error::from(std::io::Error::from(error)))
    })
    .await?;
    array.end().map_err(std::io::Error::from)?;
    writeln!(out)?;
    out.flush()?;
    Ok(())
}
