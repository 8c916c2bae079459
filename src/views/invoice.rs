//! An invoice: whole, and as a list shows it.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::invoice::document::Document;
use crate::store::rows::InvoiceHead;

/// An invoice.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvoiceView {
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
    lines: Vec<InvoiceLineView>,
    vat: Vec<InvoiceVatView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct InvoiceLineView {
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

#[derive(Debug, Serialize, ToSchema)]
pub struct InvoiceVatView {
    category: &'static str,
    rate: String,
    base_minor: i64,
    amount_minor: i64,
}

impl From<Document> for InvoiceView {
    fn from(document: Document) -> Self {
        let period = document.period;
        let lines = document.lines.into_iter().map(|line| {
            let late_period = (line.period != period).then(|| line.period.to_string());
            let trial = line.trial.map(|(first, end)| format!("{first} -> {end}"));
            let label = trial.or(line.label);
            match line.usage {
                Some(usage) => InvoiceLineView {
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
                None => InvoiceLineView {
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
                .map(|group| InvoiceVatView {
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

/// An invoice as a list shows it.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvoiceHeadView {
    number: String,
    account: String,
    /// The legal name.
    customer: String,
    period: String,
    currency: &'static str,
    issued_on: String,
    due_on: String,
    net_minor: i64,
    vat_minor: i64,
    total_minor: i64,
}

impl From<InvoiceHead> for InvoiceHeadView {
    fn from(head: InvoiceHead) -> Self {
        Self {
            number: head.number.to_string(),
            customer: head.customer.legal_name().to_owned(),
            account: head.customer.account,
            period: head.period.to_string(),
            currency: head.currency.code(),
            issued_on: head.issued_on.to_string(),
            due_on: head.due_on.to_string(),
            net_minor: head.net_minor,
            vat_minor: head.vat_minor,
            total_minor: head.total_minor,
        }
    }
}
