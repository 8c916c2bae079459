//! A month's charges as a table that cost tools read: the columns of `FinOps` FOCUS 1.0
//! that are mandatory or have something to say, and `InvoiceId` of 1.2.

use chrono_tz::Tz;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::Serialize;

use super::wording::line_title;
use crate::domain::account::Language;
use crate::domain::calendar::{BillingPeriod, PeriodKeyError};
use crate::domain::catalog::ResourceKind;
use crate::domain::invoice::LineKind;
use crate::domain::invoice::document::{DocumentLine, DocumentUsage};
use crate::domain::money::{Currency, Money};
use crate::domain::tax::VatGroup;

/// The charges of an account for a month.
#[derive(Debug, Clone, Copy)]
pub struct Charges<'a> {
    /// The platform's id of the account.
    pub account: &'a str,
    /// Whom its invoices are made out to.
    pub account_name: &'a str,
    /// Who issues them.
    pub issuer: &'a str,
    /// `None` while the month is not billed.
    pub invoice: Option<&'a str>,
    pub currency: Currency,
    pub period: BillingPeriod,
    pub lines: &'a [DocumentLine],
    pub vat: &'a [VatGroup],
    /// The issuer's, by which months begin and end.
    pub zone: Tz,
}

/// The table cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum FocusError {
    #[error(transparent)]
    Period(#[from] PeriodKeyError),
    #[error("the table cannot be written: {0}")]
    Write(String),
}

/// One charge, in the order that the columns are written.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Row {
    availability_zone: Option<String>,
    billed_cost: Decimal,
    billing_account_id: String,
    billing_account_name: String,
    billing_currency: &'static str,
    billing_period_end: String,
    billing_period_start: String,
    charge_category: &'static str,
    charge_class: Option<&'static str>,
    charge_description: String,
    charge_frequency: &'static str,
    charge_period_end: String,
    charge_period_start: String,
    commitment_discount_category: Option<String>,
    commitment_discount_id: Option<String>,
    commitment_discount_name: Option<String>,
    commitment_discount_status: Option<String>,
    commitment_discount_type: Option<String>,
    consumed_quantity: Option<Decimal>,
    consumed_unit: Option<&'static str>,
    contracted_cost: Decimal,
    contracted_unit_price: Option<Decimal>,
    effective_cost: Decimal,
    invoice_id: Option<String>,
    invoice_issuer_name: String,
    list_cost: Decimal,
    list_unit_price: Option<Decimal>,
    pricing_category: Option<&'static str>,
    pricing_quantity: Option<Decimal>,
    pricing_unit: Option<&'static str>,
    provider_name: String,
    publisher_name: String,
    region_id: Option<String>,
    region_name: Option<String>,
    resource_id: Option<String>,
    resource_name: Option<String>,
    resource_type: Option<String>,
    service_category: &'static str,
    service_name: &'static str,
    sku_id: Option<String>,
    sku_price_id: Option<String>,
    sub_account_id: Option<String>,
    sub_account_name: Option<String>,
    tags: Option<String>,
}

/// The table as CSV, a header first: a row a line of the invoice, and one a VAT rate. The
/// billed costs add up to the invoice's total.
///
/// # Errors
/// When a line is of a month that no calendar has.
pub fn focus_csv(charges: &Charges<'_>) -> Result<Vec<u8>, FocusError> {
    let lines = charges.lines.iter().map(|line| charges.line(line));
    let mut rows: Vec<Row> = lines.collect::<Result<_, _>>()?;
    let listed = rows.iter().map(|row| row.list_cost).sum();
    let taxed = charges.vat.iter().filter(|group| group.amount_minor != 0);
    rows.extend(taxed.map(|group| charges.tax(group, listed)));
    if rows.is_empty() {
        // What is read of a month without a charge has its columns all the same: the
        // header is written with a first row.
        let mut table = written(&[Row::default()])?;
        let header = table.split_inclusive(|byte| *byte == b'\n').next();
        let length = header.map_or(0, <[u8]>::len);
        table.truncate(length);
        return Ok(table);
    }
    written(&rows)
}

fn written(rows: &[Row]) -> Result<Vec<u8>, FocusError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        let written = writer.serialize(row);
        written.map_err(|error| FocusError::Write(error.to_string()))?;
    }
    let table = writer.into_inner();
    table.map_err(|error| FocusError::Write(error.to_string()))
}

impl Charges<'_> {
    fn line(&self, line: &DocumentLine) -> Result<Row, FocusError> {
        let period = if line.period == self.period.key {
            self.period
        } else {
            BillingPeriod::new(line.period, self.zone)?
        };
        let billed = self.cost(line.amount_minor);
        let common = Row {
            charge_description: line_title(line, Language::English),
            charge_period_start: period.start.to_string(),
            charge_period_end: period.end.to_string(),
            charge_class: (line.kind == LineKind::LateUsage).then_some("Correction"),
            ..self.row(billed)
        };
        Ok(match &line.usage {
            Some(usage) => with_usage(common, usage),
            None => Row {
                charge_category: "Credit",
                charge_frequency: "One-Time",
                service_category: "Other",
                service_name: "Allowance",
                ..common
            },
        })
    }

    fn tax(&self, group: &VatGroup, listed: Decimal) -> Row {
        let digits = self.currency.minor_digits();
        let tax = (listed * group.rate / Decimal::ONE_HUNDRED)
            .round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero);
        Row {
            charge_category: "Tax",
            charge_description: format!("VAT {} %", group.rate.normalize()),
            charge_frequency: "Usage-Based",
            list_cost: tax,
            contracted_cost: tax,
            service_category: "Other",
            service_name: "VAT",
            ..self.row(self.cost(group.amount_minor))
        }
    }

    fn cost(&self, minor: i64) -> Decimal {
        Money::new(minor, self.currency).to_decimal()
    }

    /// What is the same of every charge.
    fn row(&self, billed: Decimal) -> Row {
        Row {
            billed_cost: billed,
            effective_cost: billed,
            list_cost: billed,
            contracted_cost: billed,
            billing_account_id: self.account.to_owned(),
            billing_account_name: self.account_name.to_owned(),
            billing_currency: self.currency.code(),
            billing_period_start: self.period.start.to_string(),
            billing_period_end: self.period.end.to_string(),
            charge_period_start: self.period.start.to_string(),
            charge_period_end: self.period.end.to_string(),
            invoice_id: self.invoice.map(str::to_owned),
            invoice_issuer_name: self.issuer.to_owned(),
            provider_name: self.issuer.to_owned(),
            publisher_name: self.issuer.to_owned(),
            ..Row::default()
        }
    }
}

fn with_usage(row: Row, usage: &DocumentUsage) -> Row {
    let minutes = Decimal::from(usage.minutes);
    let unit_price = usage.unit_price.normalize();
    let listed = (minutes * unit_price).normalize();
    let sku = format!("{}:{}", usage.kind.code(), usage.plan);
    Row {
        charge_category: "Usage",
        charge_frequency: "Usage-Based",
        consumed_quantity: Some(minutes),
        consumed_unit: Some("Minutes"),
        pricing_category: Some("Standard"),
        pricing_quantity: Some(minutes),
        pricing_unit: Some("Minutes"),
        list_unit_price: Some(unit_price),
        contracted_unit_price: Some(unit_price),
        list_cost: listed,
        contracted_cost: listed,
        resource_id: Some(format!("{}/{}", usage.app, usage.resource_type)),
        resource_name: Some(usage.app.clone()),
        resource_type: Some(usage.resource_type.clone()),
        service_category: match usage.kind {
            ResourceKind::Container => "Compute",
            ResourceKind::Addon => "Databases",
        },
        service_name: match usage.kind {
            ResourceKind::Container => "Containers Runtime",
            ResourceKind::Addon => "Addons",
        },
        sku_price_id: Some(format!("{sku}@{unit_price}")),
        sku_id: Some(sku),
        ..row
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::tax::VatCategory;

    const ZONE: Tz = Tz::Europe__Paris;

    fn usage_line(
        period: &str,
        kind: LineKind,
        minutes: i64,
        price: &str,
        minor: i64,
    ) -> DocumentLine {
        DocumentLine {
            kind,
            period: period.parse().unwrap(),
            usage: Some(DocumentUsage {
                app: "blog".to_owned(),
                kind: ResourceKind::Container,
                resource_type: "web".to_owned(),
                plan: "M".to_owned(),
                plan_name: "M".to_owned(),
                minutes,
                unit_price: price.parse().unwrap(),
            }),
            label: None,
            trial: None,
            amount_minor: minor,
        }
    }

    fn voucher(minor: i64) -> DocumentLine {
        DocumentLine {
            kind: LineKind::Voucher,
            period: "2026-10".parse().unwrap(),
            usage: None,
            label: Some("Welcome".to_owned()),
            trial: None,
            amount_minor: minor,
        }
    }

    fn table(
        lines: &[DocumentLine],
        vat: &[VatGroup],
    ) -> Vec<std::collections::BTreeMap<String, String>> {
        let charges = Charges {
            account: "acc-1",
            account_name: "ACME, \"the\" one",
            issuer: "Nuage SAS",
            invoice: Some("Q-2026-000001"),
            currency: Currency::Eur,
            period: BillingPeriod::new("2026-10".parse().unwrap(), ZONE).unwrap(),
            lines,
            vat,
            zone: ZONE,
        };
        let table = focus_csv(&charges).unwrap();
        let mut reader = csv::Reader::from_reader(table.as_slice());
        assert_eq!(reader.headers().unwrap().len(), 44);
        reader.deserialize().map(Result::unwrap).collect()
    }

    fn vat(rate: i64, base_minor: i64, amount_minor: i64) -> VatGroup {
        VatGroup {
            category: VatCategory::Standard,
            rate: Decimal::from(rate),
            base_minor,
            amount_minor,
        }
    }

    #[test]
    fn each_kind_of_charge_has_its_row() {
        let lines = [
            usage_line("2026-10", LineKind::Usage, 44_700, "0.0003333333", 1_490),
            usage_line("2026-09", LineKind::LateUsage, -60, "0.0003333333", -2),
            voucher(-500),
        ];
        let rows = table(&lines, &[vat(20, 988, 198)]);
        let told =
            |column: &str| -> Vec<&str> { rows.iter().map(|row| row[column].as_str()).collect() };
        assert_eq!(told("ChargeCategory"), ["Usage", "Usage", "Credit", "Tax"]);
        assert_eq!(told("ChargeClass"), ["", "Correction", "", ""]);
        assert_eq!(told("BilledCost"), ["14.90", "-0.02", "-5.00", "1.98"]);
        assert_eq!(told("EffectiveCost"), told("BilledCost"));
        assert_eq!(
            told("ListCost"),
            ["14.89999851", "-0.019999998", "-5.00", "1.98"]
        );
        assert_eq!(
            told("ListUnitPrice"),
            ["0.0003333333", "0.0003333333", "", ""]
        );
        assert_eq!(told("PricingQuantity"), ["44700", "-60", "", ""]);
        // October ends with the hour of the change to winter time.
        let start = "2026-09-30T22:00:00Z";
        assert_eq!(
            told("ChargePeriodStart"),
            [start, "2026-08-31T22:00:00Z", start, start]
        );
        assert_eq!(told("BillingPeriodEnd"), ["2026-10-31T23:00:00Z"; 4]);
        assert_eq!(told("ChargeDescription")[2], "Welcome");
        assert_eq!(told("BillingAccountName")[0], "ACME, \"the\" one");
        assert_eq!(told("SkuPriceId")[0], "container:M@0.0003333333");
    }

    #[test]
    fn a_month_of_nothing_has_its_columns() {
        assert_eq!(table(&[], &[]).len(), 0);
    }

    proptest! {
        /// What is exported is what is billed, to the cent.
        #[test]
        fn the_billed_costs_are_the_total(
            usage in prop::collection::vec((1_i64..100_000, 0_i64..1_000_000), 1..20),
            voucher_minor in 0_i64..1_000,
            tax_minor in 0_i64..1_000_000,
        ) {
            let mut lines: Vec<DocumentLine> = usage
                .iter()
                .map(|(minutes, minor)| {
                    usage_line("2026-10", LineKind::Usage, *minutes, "0.0003333333", *minor)
                })
                .collect();
            lines.push(voucher(-voucher_minor));
            let net: i64 = lines.iter().map(|line| line.amount_minor).sum();
            let rows = table(&lines, &[vat(20, net, tax_minor)]);
            let sum: Decimal = rows.iter().map(|row| row["BilledCost"].parse::<Decimal>().unwrap()).sum();
            prop_assert_eq!(sum, Decimal::new(net + tax_minor, 2));
        }
    }
}
