//! Every invariant, recomputed from what is stored. Each finding names what is
//! broken and where.

use super::issued::IssuedBooks;
use crate::domain::invoice::fingerprint::{Digest, chain};
use crate::domain::invoice::{InvoiceNumber, LineKind, SeriesName};
use crate::domain::ledger::LedgerAccount;
use crate::domain::rating::line_amount;
use crate::domain::tax::vat_on;
use crate::on;
use crate::store::rows::{RunState, StoredInvoice};
use crate::store::{Store, StoreError, Tx};

/// Invoices read at a time.
const INVOICES_PER_PAGE: i64 = 1_000;

/// What `verify` found.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    pub invoices_checked: u64,
    /// Where each number series stands: kept elsewhere, its hash shows later
    /// whether invoices were cut off the end.
    pub series: Vec<SeriesEnd>,
    pub broken: Vec<String>,
}

/// The last invoice of a series and its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesEnd {
    pub last: InvoiceNumber,
    pub hash: Digest,
}

impl Findings {
    fn add(&mut self, rule: impl std::fmt::Display, place: impl std::fmt::Display) {
        self.broken.push(format!("{place}: {rule}"));
    }
}

/// Recomputes everything.
///
/// # Errors
/// When the database refuses, or holds what no version ever writes.
pub async fn verify(store: &Store) -> Result<Findings, StoreError> {
    let mut tx = store.snapshot().await?;
    let mut findings = Findings::default();
    let books = IssuedBooks::load(&mut tx).await?;
    check_chains(&mut tx, &books, &mut findings).await?;
    check_runs(&mut tx, &mut findings).await?;
    let mut broken = on!(&mut tx, conn, q => q::broken_rules(conn).await)?;
    broken.extend(on!(&mut tx, conn, q => q::broken_ledger_rules(conn).await)?);
    broken.extend(on!(&mut tx, conn, q => q::broken_dispute_rules(conn).await)?);
    broken.extend(on!(&mut tx, conn, q => q::broken_sepa_rules(conn).await)?);
    broken.extend(on!(&mut tx, conn, q => q::broken_bank_rules(conn).await)?);
    broken.extend(on!(&mut tx, conn, q => q::broken_open_rules(conn).await)?);
    broken.extend(on!(&mut tx, conn, q => q::broken_deletion_rules(conn).await)?);
    for (rule, places) in broken {
        for place in places {
            findings.add(rule, place);
        }
    }
    for code in on!(&mut tx, conn, q => q::posted_accounts(conn).await)? {
        if LedgerAccount::from_code(&code).is_none() {
            findings.add(
                "no such account is in the ledger",
                format_args!("posting to {code:?}"),
            );
        }
    }
    Ok(findings)
}

/// Numbers without a gap, dates in order, hashes in a chain, and each invoice
/// right in itself.
async fn check_chains(
    tx: &mut Tx,
    books: &IssuedBooks,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    let heads = on!(&mut *tx, conn, q => q::list_series(conn).await)?;
    let years = on!(&mut *tx, conn, q => q::series_years(conn).await)?;
    for (head, last_hash) in &heads {
        let mut link = Link {
            hash: Digest::NONE,
            issued_on: None,
        };
        let own = years
            .iter()
            .filter(|(series, ..)| series == head.series.as_str());
        let mut last_year = None;
        for &(_, year, count, highest) in own {
            if count != highest {
                let series = &head.series;
                findings.add(
                    format_args!("{highest} numbers were given, {count} invoices are there"),
                    format_args!("series {series} {year}"),
                );
            }
            walk_year(tx, books, &head.series, year, highest, &mut link, findings).await?;
            last_year = Some((year, highest));
        }
        let stands = (head.year, head.last_sequence);
        if head.last_sequence > 0 {
            findings.series.push(SeriesEnd {
                last: InvoiceNumber {
                    series: head.series.clone(),
                    year: head.year,
                    sequence: head.last_sequence,
                },
                hash: *last_hash,
            });
        }
        if head.last_sequence > 0 && last_year != Some(stands) {
            let rule = format!(
                "the series stands at {} of {}, its invoices end elsewhere",
                stands.1, stands.0
            );
            findings.add(rule, format_args!("series {}", head.series));
        }
        if link.hash != *last_hash {
            findings.add(
                "the hash chain does not end where the series stands",
                format_args!("series {}", head.series),
            );
        }
    }
    for (series, ..) in &years {
        if !heads.iter().any(|(head, _)| head.series.as_str() == series) {
            findings.add(
                "invoices without a number series",
                format_args!("series {series}"),
            );
        }
    }
    Ok(())
}

/// Where a chain stands while it is walked.
struct Link {
    hash: Digest,
    issued_on: Option<chrono::NaiveDate>,
}

async fn walk_year(
    tx: &mut Tx,
    books: &IssuedBooks,
    series: &SeriesName,
    year: i32,
    highest: i64,
    link: &mut Link,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    let mut first = 1;
    while first <= highest {
        let last = first.saturating_add(INVOICES_PER_PAGE - 1);
        let page =
            on!(&mut *tx, conn, q => q::load_invoices(conn, series, year, first, last).await)?;
        let mut expected = first;
        for invoice in &page {
            let number = &invoice.head.number;
            while expected < number.sequence {
                let gap = InvoiceNumber {
                    sequence: expected,
                    ..number.clone()
                };
                findings.add("the number was given, the invoice is missing", gap);
                expected += 1;
            }
            expected += 1;
            check_link(invoice, link, findings);
            check_invoice(invoice, books, findings)?;
            findings.invoices_checked += 1;
        }
        first = last.saturating_add(1);
    }
    Ok(())
}

fn check_link(invoice: &StoredInvoice, link: &mut Link, findings: &mut Findings) {
    let head = &invoice.head;
    let expected = chain(
        link.hash,
        &head.number,
        head.issued_on,
        head.due_on,
        head.content_digest,
    );
    if expected != head.hash {
        findings.add(
            "the hash does not follow from the invoice before",
            &head.number,
        );
    }
    if link.issued_on.is_some_and(|before| before > head.issued_on) {
        findings.add("issued before its predecessor", &head.number);
    }
    link.hash = head.hash;
    link.issued_on = Some(head.issued_on);
}

/// Invoice = lines + VAT, each line and each VAT group right, and the content
/// what it was when it was issued.
fn check_invoice(
    invoice: &StoredInvoice,
    books: &IssuedBooks,
    findings: &mut Findings,
) -> Result<(), StoreError> {
    let head = &invoice.head;
    let total = |amounts: &mut dyn Iterator<Item = i64>| amounts.map(i128::from).sum::<i128>();
    let net = total(&mut invoice.lines.iter().map(|stored| stored.line.amount_minor));
    if net != i128::from(head.net_minor) {
        findings.add(
            format_args!("its lines sum to {net}, its net is {}", head.net_minor),
            &head.number,
        );
    }
    let base = total(&mut invoice.vat.iter().map(|group| group.base_minor));
    let vat = total(&mut invoice.vat.iter().map(|group| group.amount_minor));
    if base != i128::from(head.net_minor) || vat != i128::from(head.vat_minor) {
        findings.add("its VAT groups do not sum to its net and VAT", &head.number);
    }
    if i128::from(head.net_minor) + i128::from(head.vat_minor) != i128::from(head.total_minor) {
        findings.add("net and VAT do not sum to its total", &head.number);
    }
    for group in &invoice.vat {
        if vat_on(group.base_minor, group.rate, head.currency) != Ok(group.amount_minor) {
            findings.add(
                format_args!("VAT of {} % is wrong", group.rate),
                &head.number,
            );
        }
    }
    check_lines(invoice, books, findings);
    if head.profile_digest != head.identity_digest() {
        findings.add("the customer's billing profile was edited", &head.number);
    }
    if books.digest(invoice)? != head.content_digest {
        findings.add("its content is not what was issued", &head.number);
    }
    Ok(())
}

fn check_lines(invoice: &StoredInvoice, books: &IssuedBooks, findings: &mut Findings) {
    let head = &invoice.head;
    for (no, stored) in (1..).zip(&invoice.lines) {
        let line = &stored.line;
        let Some(usage) = &line.usage else {
            if line.kind.is_usage() || line.amount_minor > 0 {
                findings.add(format_args!("line {no} is no allowance"), &head.number);
            }
            continue;
        };
        let price = books.book.prices.get(&usage.price);
        let right = price
            .and_then(|price| line_amount(usage.minutes, price.per_minute, head.currency).ok());
        if right != Some(line.amount_minor) || matches!(line.kind, LineKind::FreeTrial) {
            findings.add(
                format_args!("line {no} is not minutes times unit price"),
                &head.number,
            );
        }
    }
}

/// Accounts expected against accounts settled.
async fn check_runs(tx: &mut Tx, findings: &mut Findings) -> Result<(), StoreError> {
    let runs = on!(&mut *tx, conn, q => q::list_runs(conn).await)?;
    for run in &runs {
        if !matches!(run.state, RunState::Issued | RunState::Closed) {
            continue;
        }
        let place = format!("run {}", run.period.key);
        for account in on!(&mut *tx, conn, q => q::unbilled_accounts(conn, &run.period).await)? {
            findings.add(
                format_args!("account {account} has usage and no outcome"),
                &place,
            );
        }
        for range in on!(&mut *tx, conn, q => q::unfinished_ranges(conn, run.id).await)? {
            findings.add(format_args!("range {range} is unfinished"), &place);
        }
        let counts = on!(&mut *tx, conn, q => q::count_outcomes(conn, run.period.key).await)?;
        if run.state == RunState::Closed && counts.parked > 0 {
            findings.add("closed with parked accounts", &place);
        }
        if let Some((next, end)) = runs
            .iter()
            .find(|next| Some(next.period.key) == run.period.key.next())
            .map(|next| (next.period, run.period.end))
            && next.start != end
        {
            findings.add(
                format_args!("ends at {end}, {} starts at {}", next.key, next.start),
                &place,
            );
        }
    }
    Ok(())
}
