//! What a customer sees of its own billing: its invoices as they stand, and whatever
//! moved its money, page by page.

use std::collections::HashMap;

use super::decode::at;
use super::{Conn, Result};
use crate::domain::calendar::{Instant, PeriodKey};
use crate::domain::ids::AccountId;
use crate::domain::invoice::{InvoiceNumber, InvoiceStanding};
use crate::store::rows::{AccountInvoice, AccountMovement};

#[derive(sqlx::FromRow)]
struct InvoiceRow {
    period: i32,
    kind: i16,
    series: String,
    year: i32,
    sequence: i64,
    due_on: String,
    open_minor: i64,
}

/// An invoice of nothing, or one that is paid, is on no list of open ones.
macro_rules! invoices {
    () => {
        "SELECT i.period, i.kind, i.series, i.year, i.sequence, i.due_on, \
         COALESCE(o.open_minor, 0) AS open_minor \
         FROM invoice i LEFT JOIN open_invoice o ON o.account_id = i.account_id AND o.period = i.period \
         AND o.kind = i.kind WHERE i.account_id = $1 "
    };
}

/// What is open of an account's invoices, and what became of the attempts to take it.
/// Mostly nothing is, and nobody asks: to have asked with each invoice made the list
/// twice as slow.
async fn standings_of(
    conn: &mut Conn,
    account: AccountId,
) -> Result<HashMap<(i32, i16), OpenStanding>> {
    let rows: Vec<(i32, i16, OpenStanding)> = sqlx::query_as::<_, (i32, i16, i64, i64, i64)>(
        "SELECT o.period, o.kind, o.open_minor, \
         CAST(SUM(CASE WHEN t.state IN ('created', 'submitted', 'pending', 'unknown') THEN 1 ELSE 0 END) AS BIGINT), \
         CAST(SUM(CASE WHEN t.state IN ('declined', 'returned') THEN 1 ELSE 0 END) AS BIGINT) \
         FROM open_invoice o LEFT JOIN payment_attempt t ON t.account_id = o.account_id \
         AND t.period = o.period AND t.kind = o.kind WHERE o.account_id = $1 \
         GROUP BY o.period, o.kind, o.open_minor",
    )
    .bind(account.0)
    .fetch_all(conn)
    .await?
    .into_iter()
    .map(|(period, kind, open_minor, in_flight, failed)| {
        let standing = OpenStanding {
            open_minor,
            is_in_flight: in_flight > 0,
            has_failed: failed > 0,
        };
        (period, kind, standing)
    })
    .collect();
    let each = rows.into_iter();
    Ok(each
        .map(|(period, kind, standing)| ((period, kind), standing))
        .collect())
}

/// How an invoice of which something is open stands.
#[derive(Clone, Copy, Default)]
struct OpenStanding {
    open_minor: i64,
    is_in_flight: bool,
    has_failed: bool,
}

/// The invoices of rows. Whether one is open, and why, is told by one statement for
/// them all: between two of them it may have been paid.
async fn decode(
    conn: &mut Conn,
    account: AccountId,
    rows: Vec<InvoiceRow>,
) -> Result<Vec<AccountInvoice>> {
    let standings = if rows.iter().any(|row| row.open_minor != 0) {
        standings_of(conn, account).await?
    } else {
        HashMap::new()
    };
    let invoices = rows.into_iter().map(|row| {
        let number = number_of(&row.series, row.year, row.sequence)?;
        let standing = standings.get(&(row.period, row.kind));
        let standing = standing.copied().unwrap_or_default();
        Ok(AccountInvoice {
            period: at("invoice", "period").period(&number, row.period)?,
            standing: InvoiceStanding {
                open_minor: standing.open_minor,
                due_on: at("invoice", "due_on").parse(&number, &row.due_on)?,
                is_in_flight: standing.is_in_flight,
                has_failed: standing.has_failed,
            },
            number,
        })
    });
    invoices.collect()
}

fn number_of(series: &str, year: i32, sequence: i64) -> Result<InvoiceNumber> {
    Ok(InvoiceNumber {
        series: at("invoice", "series").parse(sequence, series)?,
        year,
        sequence,
    })
}

/// A page of an account's invoices, the latest month first, and how many there are.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn invoices_of_account(
    conn: &mut Conn,
    account: AccountId,
    limit: i64,
    offset: i64,
) -> Result<(Vec<AccountInvoice>, i64)> {
    let rows: Vec<InvoiceRow> = sqlx::query_as(concat!(
        invoices!(),
        "ORDER BY i.period DESC, i.kind DESC LIMIT $2 OFFSET $3"
    ))
    .bind(account.0)
    .bind(limit)
    .bind(offset)
    .fetch_all(&mut *conn)
    .await?;
    let found = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    let of_all = match found {
        // The last page.
        1.. if found < limit => offset.saturating_add(found),
        _ => {
            sqlx::query_scalar("SELECT COUNT(*) FROM invoice WHERE account_id = $1")
                .bind(account.0)
                .fetch_one(&mut *conn)
                .await?
        }
    };
    Ok((decode(conn, account, rows).await?, of_all))
}

/// The invoice of an account for a month; `None` where it has none.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn invoice_of_month(
    conn: &mut Conn,
    account: AccountId,
    period: PeriodKey,
) -> Result<Option<AccountInvoice>> {
    let row: Option<InvoiceRow> = sqlx::query_as(concat!(
        invoices!(),
        "AND i.period = $2 ORDER BY i.kind LIMIT 1"
    ))
    .bind(account.0)
    .bind(period.to_number())
    .fetch_optional(&mut *conn)
    .await?;
    let found = decode(conn, account, Vec::from_iter(row)).await?;
    Ok(found.into_iter().next())
}

/// One invoice of an account; `None` where it has none of this number.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn invoice_of_account(
    conn: &mut Conn,
    account: AccountId,
    number: &InvoiceNumber,
) -> Result<Option<AccountInvoice>> {
    let row: Option<InvoiceRow> = sqlx::query_as(concat!(
        invoices!(),
        "AND i.series = $2 AND i.year = $3 AND i.sequence = $4"
    ))
    .bind(account.0)
    .bind(number.series.as_str())
    .bind(number.year)
    .bind(number.sequence)
    .fetch_optional(&mut *conn)
    .await?;
    let found = decode(conn, account, Vec::from_iter(row)).await?;
    Ok(found.into_iter().next())
}

#[derive(sqlx::FromRow)]
struct MovementRow {
    id: i64,
    at: i64,
    movement: String,
    currency: String,
    receivable: i64,
    credit: i64,
    provider: Option<String>,
    series: Option<String>,
    year: Option<i32>,
    sequence: Option<i64>,
}

/// A page of what moved an account's debt or credit, the latest first, and how many
/// there are. What only the house pays, such as a bank's fee, is not among them.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn movements_of_account(
    conn: &mut Conn,
    account: AccountId,
    limit: i64,
    offset: i64,
) -> Result<(Vec<AccountMovement>, i64)> {
    let rows: Vec<MovementRow> = sqlx::query_as(
        "SELECT e.id, e.at, e.movement, e.currency, m.receivable, m.credit, m.provider, i.series, i.year, i.sequence \
         FROM (SELECT account_id, entry_id, \
         CAST(SUM(CASE WHEN ledger_account = 'receivable' THEN amount_minor ELSE 0 END) AS BIGINT) AS receivable, \
         CAST(SUM(CASE WHEN ledger_account = 'customer_credit' THEN amount_minor ELSE 0 END) AS BIGINT) AS credit, \
         MAX(CASE WHEN ledger_account IN ('clearing_stripe', 'clearing_paypal', 'clearing_bank') \
         THEN ledger_account END) AS provider FROM ledger_posting WHERE account_id = $1 \
         AND entry_id IN (SELECT entry_id FROM ledger_posting WHERE account_id = $1 \
         AND ledger_account IN ('receivable', 'customer_credit') \
         GROUP BY entry_id ORDER BY entry_id DESC LIMIT $2 OFFSET $3) \
         GROUP BY account_id, entry_id) m \
         JOIN ledger_entry e ON e.account_id = m.account_id AND e.id = m.entry_id \
         LEFT JOIN invoice i ON i.account_id = e.account_id AND i.period = e.period AND i.kind = e.kind \
         ORDER BY e.id DESC",
    )
    .bind(account.0)
    .bind(limit)
    .bind(offset)
    .fetch_all(&mut *conn)
    .await?;
    let of_all = sqlx::query_scalar(
        "SELECT COUNT(DISTINCT entry_id) FROM ledger_posting WHERE account_id = $1 \
         AND ledger_account IN ('receivable', 'customer_credit')",
    )
    .bind(account.0)
    .fetch_one(conn)
    .await?;
    let movements = rows.into_iter().map(|row| {
        let invoice = match (&row.series, row.year, row.sequence) {
            (Some(series), Some(year), Some(sequence)) => Some(number_of(series, year, sequence)?),
            _ => None,
        };
        Ok(AccountMovement {
            entry: row.id,
            at: Instant(row.at),
            movement: row.movement,
            currency: at("ledger_entry", "currency").parse(row.id, &row.currency)?,
            receivable_minor: row.receivable,
            credit_minor: row.credit,
            provider: row.provider,
            invoice,
        })
    });
    Ok((movements.collect::<Result<_>>()?, of_all))
}
