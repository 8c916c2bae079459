//! Issued invoices, read back whole.

use std::collections::HashMap;

use rust_decimal::Decimal;

use super::decode::at;
use super::payment::periods;
use super::profile::{COLUMNS, ProfileRow};
use super::{Conn, Result};
use crate::domain::calendar::{Instant, PeriodKey};
use crate::domain::ids::{AccountId, AllowanceId, IssuerId, PriceId, ProfileId, SkuId};
use crate::domain::invoice::{InvoiceLine, InvoiceNumber, LineUsage, SeriesName};
use crate::domain::tax::{VatCategory, VatGroup};
use crate::store::rows::{InvoiceHead, InvoiceScope, PageBounds, StoredInvoice, StoredLine};

#[derive(sqlx::FromRow)]
struct HeadRow {
    account_id: i64,
    external_id: String,
    created_at: i64,
    trial_ended_at: Option<i64>,
    period: i32,
    series: String,
    year: i32,
    sequence: i64,
    issued_on: String,
    due_on: String,
    currency: String,
    profile_version: i32,
    issuer_id: i64,
    net_minor: i64,
    vat_minor: i64,
    total_minor: i64,
    content_digest: Vec<u8>,
    hash: Vec<u8>,
    profile_digest: Vec<u8>,
    erased_at: Option<i64>,
    #[sqlx(flatten)]
    profile: ProfileRow,
}

const HEAD: &str = "SELECT i.account_id, a.external_id, a.created_at, a.trial_ended_at, i.period, i.series, i.year, \
     i.sequence, i.issued_on, i.due_on, i.currency, i.profile_version, i.issuer_id, i.net_minor, i.vat_minor, \
     i.total_minor, i.content_digest, i.hash, p.digest AS profile_digest, p.erased_at, ";
const HEAD_FROM: &str = " FROM invoice i JOIN account a ON a.id = i.account_id \
     JOIN billing_profile p ON p.account_id = i.account_id AND p.version = i.profile_version";

fn head_of(row: HeadRow) -> Result<InvoiceHead> {
    let number = InvoiceNumber {
        series: at("invoice", "series").parse(row.account_id, &row.series)?,
        year: row.year,
        sequence: row.sequence,
    };
    let customer = row.profile.profile(row.external_id, &number)?;
    Ok(InvoiceHead {
        account: AccountId(row.account_id),
        account_created_at: Instant(row.created_at),
        trial_ended_at: row.trial_ended_at.map(Instant),
        period: at("invoice", "period").period(&number, row.period)?,
        issued_on: at("invoice", "issued_on").parse(&number, &row.issued_on)?,
        due_on: at("invoice", "due_on").parse(&number, &row.due_on)?,
        currency: at("invoice", "currency").parse(&number, &row.currency)?,
        profile: ProfileId(row.profile_version),
        profile_digest: at("billing_profile", "digest").digest(&number, &row.profile_digest)?,
        is_erased: row.erased_at.is_some(),
        customer,
        issuer: IssuerId(row.issuer_id),
        net_minor: row.net_minor,
        vat_minor: row.vat_minor,
        total_minor: row.total_minor,
        content_digest: at("invoice", "content_digest").digest(&number, &row.content_digest)?,
        hash: at("invoice", "hash").digest(&number, &row.hash)?,
        number,
    })
}

/// The invoices of a period, by number.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn invoices_of_period(conn: &mut Conn, period: PeriodKey) -> Result<Vec<InvoiceHead>> {
    let sql = format!(
        "{HEAD}{COLUMNS}{HEAD_FROM} WHERE i.period = $1 ORDER BY i.series, i.year, i.sequence"
    );
    let rows: Vec<HeadRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(period.to_number())
        .fetch_all(conn)
        .await?;
    rows.into_iter().map(head_of).collect()
}

/// A page of the invoices in a scope, by number.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn invoice_heads(
    conn: &mut Conn,
    scope: &InvoiceScope,
    page: PageBounds,
) -> Result<Vec<InvoiceHead>> {
    let (from, until) = periods(scope);
    let sql = format!(
        "{HEAD}{COLUMNS}{HEAD_FROM} WHERE i.account_id >= $1 AND i.account_id <= $2 AND i.period >= $3 \
         AND i.period <= $4 ORDER BY i.series, i.year, i.sequence LIMIT $5 OFFSET $6"
    );
    let rows: Vec<HeadRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(scope.accounts.0.0)
        .bind(scope.accounts.1.0)
        .bind(from)
        .bind(until)
        .bind(page.limit)
        .bind(page.offset)
        .fetch_all(conn)
        .await?;
    rows.into_iter().map(head_of).collect()
}

/// How many invoices a scope has.
///
/// # Errors
/// When the database refuses.
pub async fn count_invoices(conn: &mut Conn, scope: &InvoiceScope) -> Result<i64> {
    let (from, until) = periods(scope);
    let invoices = sqlx::query_scalar(
        "SELECT COUNT(*) FROM invoice WHERE account_id >= $1 AND account_id <= $2 AND period >= $3 AND period <= $4",
    )
    .bind(scope.accounts.0.0)
    .bind(scope.accounts.1.0)
    .bind(from)
    .bind(until)
    .fetch_one(conn)
    .await?;
    Ok(invoices)
}

/// The whole invoices of a series with sequences from `first` to `last`.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn load_invoices(
    conn: &mut Conn,
    series: &SeriesName,
    year: i32,
    first: i64,
    last: i64,
) -> Result<Vec<StoredInvoice>> {
    let sql = format!(
        "{HEAD}{COLUMNS}{HEAD_FROM} WHERE i.series = $1 AND i.year = $2 AND i.sequence >= $3 AND i.sequence <= $4 \
         ORDER BY i.sequence"
    );
    let heads: Vec<HeadRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(series.as_str())
        .bind(year)
        .bind(first)
        .bind(last)
        .fetch_all(&mut *conn)
        .await?;
    let mut lines = lines_of(&mut *conn, series, year, first, last).await?;
    let mut vat = vat_of(&mut *conn, series, year, first, last).await?;
    heads
        .into_iter()
        .map(|row| {
            let sequence = row.sequence;
            Ok(StoredInvoice {
                head: head_of(row)?,
                lines: lines.remove(&sequence).unwrap_or_default(),
                vat: vat.remove(&sequence).unwrap_or_default(),
            })
        })
        .collect()
}

/// The whole invoice of a number.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn load_invoice(
    conn: &mut Conn,
    number: &InvoiceNumber,
) -> Result<Option<StoredInvoice>> {
    let found = load_invoices(
        conn,
        &number.series,
        number.year,
        number.sequence,
        number.sequence,
    )
    .await?;
    Ok(found.into_iter().next())
}

/// The number of an account's monthly invoice.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn find_invoice_number(
    conn: &mut Conn,
    account: AccountId,
    period: PeriodKey,
) -> Result<Option<InvoiceNumber>> {
    let row: Option<(String, i32, i64)> = sqlx::query_as(
        "SELECT series, year, sequence FROM invoice WHERE account_id = $1 AND period = $2 AND kind = 1",
    )
    .bind(account.0)
    .bind(period.to_number())
    .fetch_optional(conn)
    .await?;
    row.map(|(series, year, sequence)| {
        Ok(InvoiceNumber {
            series: at("invoice", "series").parse(account, &series)?,
            year,
            sequence,
        })
    })
    .transpose()
}

#[derive(sqlx::FromRow)]
struct LineRow {
    sequence: i64,
    line_kind: i16,
    usage_period: i32,
    sku_id: Option<i64>,
    price_id: Option<i64>,
    minutes: Option<i64>,
    allowance_id: Option<i64>,
    amount_minor: i64,
    app: Option<String>,
    label: Option<String>,
}

async fn lines_of(
    conn: &mut Conn,
    series: &SeriesName,
    year: i32,
    first: i64,
    last: i64,
) -> Result<HashMap<i64, Vec<StoredLine>>> {
    let rows: Vec<LineRow> = sqlx::query_as(
        "SELECT i.sequence, l.line_kind, l.usage_period, l.sku_id, l.price_id, l.minutes, l.allowance_id, \
         l.amount_minor, l.app, w.label FROM invoice i JOIN invoice_line l ON l.account_id = i.account_id \
         AND l.period = i.period AND l.kind = i.kind \
         LEFT JOIN allowance w ON w.account_id = l.account_id AND w.id = l.allowance_id \
         WHERE i.series = $1 AND i.year = $2 AND i.sequence >= $3 AND i.sequence <= $4 \
         ORDER BY i.sequence, l.line_no",
    )
    .bind(series.as_str())
    .bind(year)
    .bind(first)
    .bind(last)
    .fetch_all(conn)
    .await?;
    let mut lines: HashMap<i64, Vec<StoredLine>> = HashMap::new();
    for row in rows {
        let usage = match (row.app, row.sku_id, row.price_id, row.minutes) {
            (Some(app), Some(sku), Some(price), Some(minutes)) => Some(LineUsage {
                app,
                sku: SkuId(sku),
                price: PriceId(price),
                minutes,
            }),
            (None, None, None, None) => None,
            _ => {
                return Err(
                    at("invoice_line", "sku_id").refuse(row.sequence, "a part of its usage")
                );
            }
        };
        let line = InvoiceLine {
            kind: at("invoice_line", "line_kind").line_kind(row.sequence, row.line_kind)?,
            period: at("invoice_line", "usage_period").period(row.sequence, row.usage_period)?,
            usage,
            allowance: row.allowance_id.map(AllowanceId),
            amount_minor: row.amount_minor,
        };
        let stored = StoredLine {
            line,
            allowance_label: row.label,
        };
        lines.entry(row.sequence).or_default().push(stored);
    }
    Ok(lines)
}

async fn vat_of(
    conn: &mut Conn,
    series: &SeriesName,
    year: i32,
    first: i64,
    last: i64,
) -> Result<HashMap<i64, Vec<VatGroup>>> {
    let rows: Vec<(i64, String, String, i64, i64)> = sqlx::query_as(
        "SELECT i.sequence, v.category, v.rate, v.base_minor, v.amount_minor FROM invoice i \
         JOIN invoice_vat v ON v.account_id = i.account_id AND v.period = i.period AND v.kind = i.kind \
         WHERE i.series = $1 AND i.year = $2 AND i.sequence >= $3 AND i.sequence <= $4 \
         ORDER BY i.sequence, v.category, v.rate",
    )
    .bind(series.as_str())
    .bind(year)
    .bind(first)
    .bind(last)
    .fetch_all(conn)
    .await?;
    let mut groups: HashMap<i64, Vec<VatGroup>> = HashMap::new();
    for (sequence, category, rate, base_minor, amount_minor) in rows {
        let place = at("invoice_vat", "category");
        let group = VatGroup {
            category: VatCategory::from_code(&category)
                .ok_or_else(|| place.refuse(sequence, &category))?,
            rate: at("invoice_vat", "rate").parse::<Decimal>(sequence, &rate)?,
            base_minor,
            amount_minor,
        };
        groups.entry(sequence).or_default().push(group);
    }
    Ok(groups)
}
