//! Issued invoices, read back as the frozen documents they are.

use std::borrow::Cow;

use chrono_tz::Tz;

use super::BillingTerms;
use crate::domain::calendar::{BillingPeriod, Instant, PeriodKey};
use crate::domain::catalog::PriceBook;
use crate::domain::ids::IssuerId;
use crate::domain::invoice::allowance::FreeTrial;
use crate::domain::invoice::document::{Document, DocumentLine, DocumentUsage};
use crate::domain::invoice::fingerprint::{
    ContentHeader, ContentLine, ContentUsage, Digest, content_digest,
};
use crate::domain::invoice::{InvoiceLine, InvoiceNumber, LineKind, LineUsage, SeriesName};
use crate::on;
use crate::store::rows::StoredInvoice;
use crate::store::{Store, StoreError, Tx};

/// Invoices read at a time.
const INVOICES_PER_PAGE: i64 = 500;

/// What the keys of a line stand for.
#[derive(Clone, Copy)]
pub struct LineFacts<'a> {
    pub book: &'a PriceBook,
    /// When the account signed up, and when its customer ended its free trial.
    pub trial: (Instant, Option<Instant>),
    pub period_end: Instant,
    pub free_trial_days: u32,
    pub zone: Tz,
}

impl LineFacts<'_> {
    /// What the line of the free trial says.
    fn trial_dates(&self) -> Option<String> {
        let (first, end) =
            FreeTrial::dates(self.trial, self.period_end, self.free_trial_days, self.zone)?;
        Some(format!("{first} -> {end}"))
    }
}

/// Digests an invoice's content: when it is made, and again to verify it.
pub fn digest_of<'a>(
    header: &ContentHeader<'_>,
    lines: impl Iterator<Item = (&'a InvoiceLine, Option<&'a str>)>,
    facts: &LineFacts<'_>,
) -> Digest {
    let content = lines.map(|(line, label)| ContentLine {
        kind: line.kind,
        period: line.period,
        usage: line.usage.as_ref().and_then(|usage| {
            let price = facts.book.prices.get(&usage.price)?;
            Some(ContentUsage {
                app: &usage.app,
                sku: facts.book.skus.get(&usage.sku)?,
                plan_name: &price.name,
                minutes: usage.minutes,
                unit_price: price.per_minute,
            })
        }),
        allowance: label.map(Cow::Borrowed).or_else(|| {
            let is_trial = line.kind == LineKind::FreeTrial;
            is_trial
                .then(|| facts.trial_dates())
                .flatten()
                .map(Cow::Owned)
        }),
        amount_minor: line.amount_minor,
    });
    content_digest(header, content)
}

/// Everything that issued invoices refer to.
pub struct IssuedBooks {
    pub book: PriceBook,
    terms: std::collections::HashMap<IssuerId, (Digest, BillingTerms)>,
}

impl IssuedBooks {
    /// # Errors
    /// When the database refuses or holds nonsense.
    pub async fn load(tx: &mut Tx) -> Result<Self, StoreError> {
        let book = on!(&mut *tx, conn, q => q::price_book(conn).await)?;
        let stored = on!(&mut *tx, conn, q => q::list_issuers(conn).await)?;
        let mut terms = std::collections::HashMap::new();
        for (id, (digest, content)) in stored {
            let parsed =
                serde_json::from_str(&content).map_err(|error| StoreError::Inconsistent {
                    table: "issuer",
                    column: "content",
                    row: id.to_string(),
                    value: error.to_string(),
                })?;
            if Digest::of_fields([content.as_str()]) != digest {
                return Err(StoreError::Inconsistent {
                    table: "issuer",
                    column: "digest",
                    row: id.to_string(),
                    value: digest.to_string(),
                });
            }
            terms.insert(id, (digest, parsed));
        }
        Ok(Self { book, terms })
    }

    /// The content digest of an invoice as it stands.
    ///
    /// # Errors
    /// When what it refers to is missing.
    pub fn digest(&self, invoice: &StoredInvoice) -> Result<Digest, StoreError> {
        let (issuer, terms) = self.terms(invoice)?;
        let head = &invoice.head;
        let header = ContentHeader {
            account: &head.customer.account,
            period: head.period,
            currency: head.currency,
            profile: head.identity_digest(),
            issuer: *issuer,
            vat: &invoice.vat,
            net_minor: head.net_minor,
            total_minor: head.total_minor,
        };
        let zone = zone_of(invoice, terms)?;
        let facts = LineFacts {
            book: &self.book,
            trial: (head.account_created_at, head.trial_ended_at),
            period_end: period_of(head.period, zone, &head.number)?.end,
            free_trial_days: terms.free_trial_days,
            zone,
        };
        let lines = invoice
            .lines
            .iter()
            .map(|stored| (&stored.line, stored.allowance_label.as_deref()));
        Ok(digest_of(&header, lines, &facts))
    }

    /// The document of an invoice.
    ///
    /// # Errors
    /// When what it refers to is missing.
    pub fn document(&self, invoice: StoredInvoice) -> Result<Document, StoreError> {
        let (_, terms) = self.terms(&invoice)?;
        let zone = zone_of(&invoice, terms)?;
        let head = &invoice.head;
        let period = period_of(head.period, zone, &head.number)?;
        let trial = FreeTrial::dates(
            (head.account_created_at, head.trial_ended_at),
            period.end,
            terms.free_trial_days,
            zone,
        );
        let lines = invoice
            .lines
            .iter()
            .map(|stored| {
                let line = &stored.line;
                Ok(DocumentLine {
                    kind: line.kind,
                    period: line.period,
                    usage: self.document_usage(&head.number, line)?,
                    label: stored.allowance_label.clone(),
                    trial: trial.filter(|_| line.kind == LineKind::FreeTrial),
                    amount_minor: line.amount_minor,
                })
            })
            .collect::<Result<_, StoreError>>()?;
        Ok(Document {
            number: head.number.to_string(),
            language: head.customer.language,
            currency: head.currency,
            issued_on: head.issued_on,
            due_on: head.due_on,
            period: head.period,
            first_day: period.first_day(),
            last_day: period.last_day(),
            issuer: terms.issuer.clone(),
            lines,
            vat: invoice.vat,
            net_minor: head.net_minor,
            vat_minor: head.vat_minor,
            total_minor: head.total_minor,
            customer: invoice.head.customer,
        })
    }

    fn document_usage(
        &self,
        number: &InvoiceNumber,
        line: &InvoiceLine,
    ) -> Result<Option<DocumentUsage>, StoreError> {
        let Some(usage) = &line.usage else {
            return Ok(None);
        };
        let missing = |column, value: String| StoreError::Inconsistent {
            table: "invoice_line",
            column,
            row: number.to_string(),
            value,
        };
        if !self.book.skus.contains_key(&usage.sku) {
            return Err(missing("sku_id", usage.sku.to_string()));
        }
        let found = document_usage(&self.book, usage);
        found
            .map(Some)
            .ok_or_else(|| missing("price_id", usage.price.to_string()))
    }

    fn terms(&self, invoice: &StoredInvoice) -> Result<&(Digest, BillingTerms), StoreError> {
        let missing = || StoreError::Inconsistent {
            table: "invoice",
            column: "issuer_id",
            row: invoice.head.number.to_string(),
            value: invoice.head.issuer.to_string(),
        };
        self.terms.get(&invoice.head.issuer).ok_or_else(missing)
    }
}

/// What a usage line is printed with; `None` where the prices do not have it.
pub fn document_usage(book: &PriceBook, usage: &LineUsage) -> Option<DocumentUsage> {
    let sku = book.skus.get(&usage.sku)?;
    let price = book.prices.get(&usage.price)?;
    Some(DocumentUsage {
        app: usage.app.clone(),
        kind: sku.kind,
        resource_type: sku.resource_type.clone(),
        plan: sku.plan.clone(),
        plan_name: price.name.clone(),
        minutes: usage.minutes,
        unit_price: price.per_minute,
    })
}

fn zone_of(invoice: &StoredInvoice, terms: &BillingTerms) -> Result<Tz, StoreError> {
    terms.zone.parse().map_err(|_| StoreError::Inconsistent {
        table: "issuer",
        column: "content",
        row: invoice.head.number.to_string(),
        value: terms.zone.clone(),
    })
}

fn period_of(
    key: PeriodKey,
    zone: Tz,
    number: &InvoiceNumber,
) -> Result<BillingPeriod, StoreError> {
    BillingPeriod::new(key, zone).map_err(|_| StoreError::Inconsistent {
        table: "invoice",
        column: "period",
        row: number.to_string(),
        value: key.to_string(),
    })
}

/// The document of a number; `None` when there is no such invoice.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn load_document(
    store: &Store,
    number: &InvoiceNumber,
) -> Result<Option<Document>, StoreError> {
    let mut tx = store.snapshot().await?;
    let stored = on!(&mut tx, conn, q => q::load_invoice(conn, number).await)?;
    let Some(stored) = stored else {
        return Ok(None);
    };
    let books = IssuedBooks::load(&mut tx).await?;
    Ok(Some(books.document(stored)?))
}

/// Hands over the documents of a month one by one, in the order of their
/// numbers, from one snapshot; a page of them is in memory at a time.
///
/// # Errors
/// When the database refuses or holds nonsense, or `take` does.
pub async fn each_document<E: From<StoreError>>(
    store: &Store,
    period: PeriodKey,
    mut take: impl FnMut(Document) -> Result<(), E>,
) -> Result<(), E> {
    let mut tx = store.snapshot().await?;
    let books = IssuedBooks::load(&mut tx).await?;
    let heads = on!(&mut tx, conn, q => q::invoices_of_period(conn, period).await)?;
    for page in pages(heads.into_iter().map(|head| head.number)) {
        let (series, year) = (&page.series, page.year);
        let stored = on!(&mut tx, conn, q => q::load_invoices(conn, series, year, page.first, page.last).await)?;
        // The numbers of another month's run may stand between.
        for invoice in stored {
            if invoice.head.period == period {
                take(books.document(invoice)?)?;
            }
        }
    }
    Ok(())
}

/// Numbers of one series and year, read together.
#[derive(Debug, PartialEq, Eq)]
struct Page {
    series: SeriesName,
    year: i32,
    first: i64,
    last: i64,
}

/// The pages that cover these numbers, which are in order.
fn pages(numbers: impl Iterator<Item = InvoiceNumber>) -> Vec<Page> {
    let mut pages: Vec<Page> = Vec::new();
    for number in numbers {
        match pages.last_mut() {
            Some(page)
                if page.series == number.series
                    && page.year == number.year
                    && number.sequence.saturating_sub(page.first) < INVOICES_PER_PAGE =>
            {
                page.last = number.sequence;
            }
            _ => pages.push(Page {
                series: number.series,
                year: number.year,
                first: number.sequence,
                last: number.sequence,
            }),
        }
    }
    pages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_cover_every_number_and_stay_small() {
        let numbers = [
            "A-2026-000001",
            "A-2026-000003",
            "A-2026-000501",
            "A-2026-000900",
        ];
        let numbers =
            numbers
                .into_iter()
                .chain(["A-2026-001001", "A-2027-000001", "B-2027-000002"]);
        let found = pages(numbers.map(|number| number.parse().unwrap()));
        let found: Vec<String> = found
            .iter()
            .map(|page| format!("{} {} {}-{}", page.series, page.year, page.first, page.last))
            .collect();
        assert_eq!(
            found,
            [
                "A 2026 1-3",
                "A 2026 501-900",
                "A 2026 1001-1001",
                "A 2027 1-1",
                "B 2027 2-2"
            ]
        );
    }
}
