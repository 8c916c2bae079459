//! What a customer sees of its own billing: its invoices as they stand, and whatever
//! moved its money, page by page.

use super::decode::at;
use super::{Conn, Result};
use crate::domain::calendar::Instant;
use crate::domain::ids::AccountId;
use crate::domain::invoice::{InvoiceNumber, InvoiceStanding};
use crate::store::rows::{AccountInvoice, AccountMovement};

#[derive(sqlx::FromRow)]
struct InvoiceRow {
    period: i32,
    series: String,
    year: i32,
    sequence: i64,
    due_on: String,
    open_minor: i64,
    in_flight: i64,
    failed: i64,
    of_all: i64,
}

/// An invoice of nothing, or one that is paid, is on no list of open ones.
macro_rules! invoices {
    () => {
        "SELECT i.period, i.series, i.year, i.sequence, i.due_on, COALESCE(o.open_minor, 0) AS open_minor, \
         CASE WHEN o.open_minor IS NULL THEN 0 ELSE (SELECT COUNT(*) FROM payment_attempt t \
         WHERE t.account_id = i.account_id AND t.period = i.period AND t.kind = i.kind \
         AND t.state IN ('created', 'submitted', 'pending', 'unknown')) END AS in_flight, \
         CASE WHEN o.open_minor IS NULL THEN 0 ELSE (SELECT COUNT(*) FROM payment_attempt t \
         WHERE t.account_id = i.account_id AND t.period = i.period AND t.kind = i.kind \
         AND t.state IN ('declined', 'returned')) END AS failed, \
         (SELECT COUNT(*) FROM invoice c WHERE c.account_id = $1) AS of_all \
         FROM invoice i LEFT JOIN open_invoice o ON o.account_id = i.account_id AND o.period = i.period \
         AND o.kind = i.kind WHERE i.account_id = $1 "
    };
}

impl InvoiceRow {
    fn decode(self) -> Result<AccountInvoice> {
        let number = number_of(&self.series, self.year, self.sequence)?;
        Ok(AccountInvoice {
            period: at("invoice", "period").period(&number, self.period)?,
            standing: InvoiceStanding {
                open_minor: self.open_minor,
                due_on: at("invoice", "due_on").parse(&number, &self.due_on)?,
                is_in_flight: self.in_flight > 0,
                has_failed: self.failed > 0,
            },
            number,
        })
    }
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
    let of_all = match rows.first() {
        Some(row) => row.of_all,
        // Beyond the last page, or there are none.
        None => {
            sqlx::query_scalar("SELECT COUNT(*) FROM invoice WHERE account_id = $1")
                .bind(account.0)
                .fetch_one(conn)
                .await?
        }
    };
    let invoices = rows.into_iter().map(InvoiceRow::decode);
    Ok((invoices.collect::<Result<_>>()?, of_all))
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
    .fetch_optional(conn)
    .await?;
    row.map(InvoiceRow::decode).transpose()
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
