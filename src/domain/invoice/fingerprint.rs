//! Fingerprints that show a later edit (SHA-256).
//!
//! The *content digest* covers everything an invoice says apart from its
//! number and dates; profiles and issuers enter by their own digests. The
//! *chain* then binds number, dates and content to the previous invoice of
//! the series, so that neither an invoice nor its place can change unseen.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use sha2::{Digest as _, Sha256};
use std::borrow::Cow;
use std::fmt::{self, Write as _};

use super::{InvoiceNumber, LineKind};
use crate::domain::calendar::PeriodKey;
use crate::domain::catalog::Sku;
use crate::domain::money::Currency;
use crate::domain::tax::VatGroup;

/// A SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// What the first invoice of a series is chained to.
    pub const NONE: Self = Self([0; 32]);

    /// The digest of a record: its fields, each closed by a unit separator, so
    /// that no two records read the same.
    pub fn of_fields<'a>(fields: impl IntoIterator<Item = &'a str>) -> Self {
        let mut hash = Sha256::new();
        for field in fields {
            hash.update(field.as_bytes());
            hash.update([0x1f]);
        }
        Self(hash.finalize().into())
    }

    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// What an invoice is digested from, besides its lines.
#[derive(Debug, Clone, Copy)]
pub struct ContentHeader<'a> {
    /// The platform's id of the account.
    pub account: &'a str,
    pub period: PeriodKey,
    pub currency: Currency,
    pub profile: Digest,
    pub issuer: Digest,
    pub vat: &'a [VatGroup],
    pub net_minor: i64,
    pub total_minor: i64,
}

/// One line as it is digested: what is printed, not the keys behind it.
#[derive(Debug, Clone)]
pub struct ContentLine<'a> {
    pub kind: LineKind,
    pub period: PeriodKey,
    pub usage: Option<ContentUsage<'a>>,
    /// What the allowance is called, or the dates of the free trial.
    pub allowance: Option<Cow<'a, str>>,
    pub amount_minor: i64,
}

/// The resource, time and price of a usage line, as they are printed.
#[derive(Debug, Clone, Copy)]
pub struct ContentUsage<'a> {
    pub app: &'a str,
    pub sku: &'a Sku,
    pub plan_name: &'a str,
    pub minutes: i64,
    /// Per minute, in major units.
    pub unit_price: Decimal,
}

/// Digests an invoice's content.
#[must_use]
pub fn content_digest<'a>(
    header: &ContentHeader<'_>,
    lines: impl IntoIterator<Item = ContentLine<'a>>,
) -> Digest {
    let mut text = String::with_capacity(1024);
    // Writing into a string cannot fail.
    let _ = write!(
        text,
        "{}\x1f{}\x1f{}\x1f{}\x1f{}\x1f{}\x1f{}\x1e",
        header.account,
        header.period,
        header.currency,
        header.profile,
        header.issuer,
        header.net_minor,
        header.total_minor,
    );
    for vat in header.vat {
        let rate = vat.rate.normalize();
        let (category, base, amount) = (vat.category, vat.base_minor, vat.amount_minor);
        let _ = write!(text, "{category}\x1f{rate}\x1f{base}\x1f{amount}\x1e");
    }
    for line in lines {
        let _ = write!(
            text,
            "{}\x1f{}\x1f{}\x1f",
            line.kind.code(),
            line.period,
            line.amount_minor
        );
        if let Some(usage) = line.usage {
            let ContentUsage {
                app,
                sku,
                plan_name,
                minutes,
                ..
            } = usage;
            let (kind, resource_type, plan) = (sku.kind, &sku.resource_type, &sku.plan);
            let unit_price = usage.unit_price.normalize();
            let _ = write!(
                text,
                "{app}\x1f{kind}\x1f{resource_type}\x1f{plan}\x1f{plan_name}\x1f{minutes}\x1f{unit_price}\x1f"
            );
        }
        if let Some(label) = line.allowance {
            text.push_str(&label);
        }
        text.push('\x1e');
    }
    Digest(Sha256::digest(text.as_bytes()).into())
}

/// Chains an invoice to the previous one of its series.
#[must_use]
pub fn chain(
    previous: Digest,
    number: &InvoiceNumber,
    issued_on: NaiveDate,
    due_on: NaiveDate,
    content: Digest,
) -> Digest {
    let mut hash = Sha256::new();
    hash.update(previous.0);
    hash.update(format!("{number}\x1f{issued_on}\x1f{due_on}\x1f").as_bytes());
    hash.update(content.0);
    Digest(hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::catalog::ResourceKind;
    use crate::domain::tax::VatCategory;

    fn digest(app: &str, minutes: i64, amount_minor: i64, account: &str) -> Digest {
        digest_with_plan(app, minutes, amount_minor, account, "Medium")
    }

    fn digest_with_plan(
        app: &str,
        minutes: i64,
        amount_minor: i64,
        account: &str,
        plan_name: &str,
    ) -> Digest {
        let sku = Sku {
            kind: ResourceKind::Container,
            resource_type: "web".to_owned(),
            plan: "M".to_owned(),
        };
        let header = ContentHeader {
            account,
            period: "2026-10".parse().unwrap(),
            currency: Currency::Eur,
            profile: Digest::NONE,
            issuer: Digest::NONE,
            vat: &[VatGroup {
                category: VatCategory::Standard,
                rate: Decimal::from(20),
                base_minor: 100,
                amount_minor: 20,
            }],
            net_minor: 100,
            total_minor: 120,
        };
        let line = ContentLine {
            kind: LineKind::Usage,
            period: header.period,
            usage: Some(ContentUsage {
                app,
                sku: &sku,
                plan_name,
                minutes,
                unit_price: Decimal::ONE,
            }),
            allowance: None,
            amount_minor,
        };
        content_digest(&header, [line])
    }

    #[test]
    fn every_printed_fact_changes_the_digest() {
        let base = digest("api", 10, 100, "acme");
        assert_eq!(base, digest("api", 10, 100, "acme"));
        for other in [
            digest("apj", 10, 100, "acme"),
            digest("api", 11, 100, "acme"),
            digest("api", 10, 101, "acme"),
            digest("api", 10, 100, "acmf"),
            digest_with_plan("api", 10, 100, "acme", "Large"),
        ] {
            assert_ne!(base, other);
        }
        assert_ne!(
            Digest::of_fields(["ab", "c"]),
            Digest::of_fields(["a", "bc"])
        );
    }

    #[test]
    fn the_chain_binds_number_dates_and_predecessor() {
        let day = |day| NaiveDate::from_ymd_opt(2026, 11, day).unwrap();
        let number = |text: &str| text.parse::<InvoiceNumber>().unwrap();
        let first = chain(
            Digest::NONE,
            &number("Q-2026-1"),
            day(1),
            day(1),
            Digest::NONE,
        );
        for other in [
            chain(first, &number("Q-2026-1"), day(1), day(1), Digest::NONE),
            chain(
                Digest::NONE,
                &number("Q-2026-2"),
                day(1),
                day(1),
                Digest::NONE,
            ),
            chain(
                Digest::NONE,
                &number("Q-2026-1"),
                day(2),
                day(1),
                Digest::NONE,
            ),
            chain(
                Digest::NONE,
                &number("Q-2026-1"),
                day(1),
                day(2),
                Digest::NONE,
            ),
            chain(Digest::NONE, &number("Q-2026-1"), day(1), day(1), first),
        ] {
            assert_ne!(first, other);
        }
    }
}
