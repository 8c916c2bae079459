//! The frozen content of an issued invoice: everything that is printed, and
//! nothing else. PDF, XML and JSON are made from this alone.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::LineKind;
use crate::domain::account::{BillingProfile, Language};
use crate::domain::calendar::PeriodKey;
use crate::domain::catalog::ResourceKind;
use crate::domain::money::Currency;
use crate::domain::tax::VatGroup;

/// One immutable version of the issuer's identity and legal texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    pub name: String,
    /// Such as `SAS au capital de 120 000 EUR`.
    pub legal_form: String,
    pub address_line1: String,
    pub postal_code: String,
    pub city: String,
    /// ISO 3166-1.
    pub country: String,
    /// The 9 digits of a French company, or the register number elsewhere.
    pub siren: String,
    /// The 14 digits of its establishment; empty outside France.
    #[serde(default)]
    pub siret: String,
    /// The register it is entered in, such as `RCS Strasbourg`.
    #[serde(default)]
    pub register: String,
    pub vat_number: String,
    pub email: String,
    #[serde(default)]
    pub website: String,
    pub texts_en: LegalTexts,
    pub texts_fr: LegalTexts,
}

impl Issuer {
    #[must_use]
    pub const fn texts(&self, language: Language) -> &LegalTexts {
        match language {
            Language::English => &self.texts_en,
            Language::French => &self.texts_fr,
        }
    }
}

/// The legal mentions of one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LegalTexts {
    /// How the invoice is paid.
    pub payment_terms: String,
    /// The penalty for late payment (Code de commerce art. L441-10; BR-FR note PMD).
    pub late_penalty: String,
    /// The 40 EUR recovery fee (Code de commerce art. D441-5; BR-FR note PMT).
    pub recovery_fee: String,
    /// The discount for early payment, or that there is none (BR-FR note AAB).
    pub early_payment: String,
}

/// The resource of a usage line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentUsage {
    pub app: String,
    pub kind: ResourceKind,
    /// Such as `web` or `postgresql`.
    pub resource_type: String,
    pub plan: String,
    /// What the plan is called.
    pub plan_name: String,
    /// Negative in a correction.
    pub minutes: i64,
    /// Per minute, in major units, up to 10 decimals.
    pub unit_price: Decimal,
}

/// One printed line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentLine {
    pub kind: LineKind,
    /// The period of the usage; an earlier month than the invoice's when late.
    pub period: PeriodKey,
    /// Of usage and late usage lines.
    pub usage: Option<DocumentUsage>,
    /// What a discount or voucher is called.
    pub label: Option<String>,
    /// First day and end of the free trial.
    pub trial: Option<(NaiveDate, NaiveDate)>,
    pub amount_minor: i64,
}

/// An issued invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    pub number: String,
    pub language: Language,
    pub currency: Currency,
    pub issued_on: NaiveDate,
    pub due_on: NaiveDate,
    pub period: PeriodKey,
    pub first_day: NaiveDate,
    pub last_day: NaiveDate,
    pub issuer: Issuer,
    pub customer: BillingProfile,
    /// Usage before allowances; containers before addons; by app, type, plan.
    pub lines: Vec<DocumentLine>,
    pub vat: Vec<VatGroup>,
    pub net_minor: i64,
    pub vat_minor: i64,
    pub total_minor: i64,
}
