//! The invoices with something open: a list of where to look, written in the
//! transaction of whatever issues an invoice or moves its debt. What is paid
//! itself is derived from the postings.

use std::collections::BTreeMap;

use super::decode::at;
use super::{BatchHead, Conn, Result, bulk};
use crate::domain::ids::AccountId;
use crate::domain::invoice::InvoiceNumber;
use crate::store::StoreError;
use crate::store::rows::{InvoiceKey, KeyedEntry, NumberedInvoice, OpenInvoice, OpenShare};

/// Lists the invoices of a batch, which were written just now, as open. One of
/// nothing is paid from the start.
///
/// # Errors
/// A unique violation when one is listed already.
pub async fn list_as_open(
    conn: &mut Conn,
    head: &BatchHead<'_>,
    numbered: &[NumberedInvoice],
) -> Result<()> {
    let sequences = || numbered.iter().map(|invoice| invoice.number.sequence);
    let (Some(first), Some(last)) = (sequences().min(), sequences().max()) else {
        return Ok(());
    };
    sqlx::query(
        "INSERT INTO open_invoice (account_id, period, kind, open_minor) \
         SELECT account_id, period, kind, total_minor FROM invoice \
         WHERE series = $1 AND year = $2 AND sequence >= $3 AND sequence <= $4 AND total_minor > 0",
    )
    .bind(head.series)
    .bind(head.year)
    .bind(first)
    .bind(last)
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes what entries allocate off what is open, and lists an invoice again where
/// its debt is open again. The caller holds the accounts.
///
/// # Errors
/// [`StoreError::Inconsistent`] when more is allocated than is open: whatever was
/// decided, nothing is paid twice.
pub(super) async fn move_open(conn: &mut Conn, entries: &[KeyedEntry<'_>]) -> Result<()> {
    let (paid, reopened) = shares(entries)?;
    if !paid.is_empty() && bulk::take_off_open(conn, &paid).await? != count(&paid) {
        let named: Vec<String> = paid.iter().take(NAMED_MAX).map(name).collect();
        return Err(at("open_invoice", "open_minor")
            .refuse(named.join(", "), "less than what is allocated now"));
    }
    if !reopened.is_empty() {
        bulk::add_to_open(conn, &reopened).await?;
    }
    Ok(())
}

/// Invoices that an error names.
const NAMED_MAX: usize = 5;

fn name(share: &OpenShare) -> String {
    let InvoiceKey {
        account, period, ..
    } = share.invoice;
    format!("account {account} in {period}")
}

fn count(shares: &[OpenShare]) -> u64 {
    u64::try_from(shares.len()).unwrap_or(u64::MAX)
}

/// What is paid of each invoice, and what is owed of each again; both positive.
fn shares(entries: &[KeyedEntry<'_>]) -> Result<(Vec<OpenShare>, Vec<OpenShare>)> {
    let mut sums: BTreeMap<InvoiceKey, i64> = BTreeMap::new();
    for entry in entries {
        if let Some(invoice) = entry.invoice {
            let sum = sums.entry(invoice).or_default();
            let allocated_minor = entry.entry.movement().allocated_minor();
            *sum = sum
                .checked_add(allocated_minor)
                .ok_or_else(|| -> StoreError {
                    at("ledger_posting", "amount_minor").refuse(invoice.account, allocated_minor)
                })?;
        }
    }
    let share = |(invoice, amount_minor): (&InvoiceKey, &i64)| OpenShare {
        invoice: *invoice,
        amount_minor: amount_minor.saturating_abs(),
    };
    let paid = sums.iter().filter(|(_, sum)| **sum > 0).map(share);
    let reopened = sums.iter().filter(|(_, sum)| **sum < 0).map(share);
    Ok((paid.collect(), reopened.collect()))
}

#[derive(sqlx::FromRow)]
struct Row {
    account_id: i64,
    period: i32,
    kind: i16,
    external_id: String,
    series: String,
    year: i32,
    sequence: i64,
    issued_on: String,
    due_on: String,
    currency: String,
    total_minor: i64,
    open_minor: i64,
}

/// The query of [`open_invoices`]. The page is cut before anything is looked up;
/// for the account, see [`due_invoices_sql`](super::due_invoices_sql).
#[must_use]
pub const fn open_invoices_sql() -> &'static str {
    "SELECT o.account_id, o.period, o.kind, \
     (SELECT a.external_id FROM account a WHERE a.id = o.account_id) AS external_id, i.series, i.year, i.sequence, i.issued_on, i.due_on, \
     i.currency, i.total_minor, o.open_minor FROM (SELECT account_id, period, kind, open_minor FROM open_invoice \
     WHERE (account_id, period, kind) > ($1, $2, $3) ORDER BY account_id, period, kind LIMIT $4) o \
     JOIN invoice i ON i.account_id = o.account_id AND i.period = o.period AND i.kind = o.kind \
     ORDER BY o.account_id, o.period, o.kind"
}

/// The next invoices with something open, by account and period, after one of
/// them. It reads these alone, however many were ever issued. Who moves money
/// for one locks its account and reads it again.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn open_invoices(
    conn: &mut Conn,
    after: Option<InvoiceKey>,
    limit: i64,
) -> Result<Vec<OpenInvoice>> {
    let (account, period, kind) = match after {
        Some(after) => (after.account.0, after.period.to_number(), after.kind),
        None => (i64::MIN, 0, 0),
    };
    let rows: Vec<Row> = sqlx::query_as(open_invoices_sql())
        .bind(account)
        .bind(period)
        .bind(kind)
        .bind(limit)
        .fetch_all(conn)
        .await?;
    rows.into_iter().map(open_of).collect()
}

fn open_of(row: Row) -> Result<OpenInvoice> {
    let number = InvoiceNumber {
        series: at("invoice", "series").parse(row.account_id, &row.series)?,
        year: row.year,
        sequence: row.sequence,
    };
    let allocated_minor = row.total_minor.checked_sub(row.open_minor);
    let allocated_minor = allocated_minor
        .filter(|allocated_minor| *allocated_minor >= 0)
        .ok_or_else(|| at("open_invoice", "open_minor").refuse(&number, row.open_minor))?;
    Ok(OpenInvoice {
        key: InvoiceKey {
            account: AccountId(row.account_id),
            period: at("invoice", "period").period(&number, row.period)?,
            kind: row.kind,
        },
        external_id: row.external_id,
        issued_on: at("invoice", "issued_on").parse(&number, &row.issued_on)?,
        due_on: at("invoice", "due_on").parse(&number, &row.due_on)?,
        currency: at("invoice", "currency").parse(&number, &row.currency)?,
        total_minor: row.total_minor,
        allocated_minor,
        number,
    })
}
