//! What is owed: the invoices of a scope, with what was allocated to each.

use super::decode::at;
use super::{Conn, Result, bulk};
use crate::domain::ids::AccountId;
use crate::domain::invoice::InvoiceNumber;
use crate::store::rows::{DueInvoice, InvoiceKey, InvoiceScope};

/// Every period, and one alone.
pub(super) fn periods(scope: &InvoiceScope) -> (i32, i32) {
    match scope.period {
        Some(period) => {
            let number = period.to_number();
            (number, number)
        }
        None => (0, i32::MAX),
    }
}

/// What [`accounts_with_invoices`] asks.
#[must_use]
pub const fn accounts_sql(open_only: bool) -> &'static str {
    if open_only {
        "SELECT DISTINCT account_id FROM open_invoice WHERE account_id >= $1 AND account_id <= $2 \
         AND period >= $3 AND period <= $4 ORDER BY account_id LIMIT $5"
    } else {
        "SELECT DISTINCT account_id FROM invoice WHERE account_id >= $1 AND account_id <= $2 \
         AND period >= $3 AND period <= $4 ORDER BY account_id LIMIT $5"
    }
}

/// The next accounts of a scope that have invoices, after one of them.
///
/// # Errors
/// When the database refuses.
pub async fn accounts_with_invoices(
    conn: &mut Conn,
    scope: &InvoiceScope,
    after: Option<AccountId>,
    limit: i64,
) -> Result<Vec<AccountId>> {
    let (first, last) = scope.accounts;
    let first = after.map_or(first.0, |after| after.0.saturating_add(1).max(first.0));
    let (from, until) = periods(scope);
    let ids: Vec<i64> = sqlx::query_scalar(accounts_sql(scope.open_only))
        .bind(first)
        .bind(last.0)
        .bind(from)
        .bind(until)
        .bind(limit)
        .fetch_all(conn)
        .await?;
    Ok(ids.into_iter().map(AccountId).collect())
}

/// What [`due_invoices`] asks. Open invoices are found in their list, and what is
/// open of each is derived from the ledger. The account is looked up by itself: as
/// one more table to be joined, it has PostgreSQL read all invoices of the account.
#[must_use]
pub fn due_invoices_sql(open_only: bool) -> String {
    let (each, fence) = (bulk::EACH_ACCOUNT, bulk::FENCE);
    let invoices = if open_only {
        format!(
            "(SELECT o.account_id, o.period, o.kind FROM {each} JOIN open_invoice o ON o.account_id = k.id \
             WHERE o.period >= $2 AND o.period <= $3 {fence}) o \
             JOIN invoice i ON i.account_id = o.account_id AND i.period = o.period AND i.kind = o.kind"
        )
    } else {
        format!(
            "{each} JOIN invoice i ON i.account_id = k.id WHERE i.period >= $2 AND i.period <= $3"
        )
    };
    format!(
        "SELECT i.account_id, (SELECT a.external_id FROM account a WHERE a.id = i.account_id) AS external_id, \
         i.period, i.kind, i.series, i.year, i.sequence, i.due_on, i.currency, i.total_minor, \
         (SELECT CAST(COALESCE(-SUM(p.amount_minor), 0) AS BIGINT) \
         FROM ledger_entry e JOIN ledger_posting p ON p.account_id = e.account_id AND p.entry_id = e.id \
         AND p.ledger_account = 'receivable' WHERE e.account_id = i.account_id AND e.period = i.period \
         AND e.kind = i.kind) AS allocated_minor FROM {invoices} \
         ORDER BY i.account_id, i.due_on, i.year, i.sequence"
    )
}

/// The invoices of these accounts that are in a scope, the oldest debt of each
/// account first.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn due_invoices(
    conn: &mut Conn,
    accounts: &[AccountId],
    scope: &InvoiceScope,
) -> Result<Vec<DueInvoice>> {
    type Row = (
        i64,
        String,
        i32,
        i16,
        String,
        i32,
        i64,
        String,
        String,
        i64,
        i64,
    );
    let (from, until) = periods(scope);
    let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(due_invoices_sql(scope.open_only)))
        .bind(bulk::accounts(accounts))
        .bind(from)
        .bind(until)
        .fetch_all(conn)
        .await?;
    let mut due = Vec::with_capacity(rows.len());
    for row in rows {
        let invoice = due_of(row)?;
        // The list says where to look, the ledger what is open.
        if !scope.open_only || invoice.total_minor > invoice.allocated_minor {
            due.push(invoice);
        }
    }
    Ok(due)
}

fn due_of(
    (
        account,
        external_id,
        period,
        kind,
        series,
        year,
        sequence,
        due_on,
        currency,
        total_minor,
        allocated_minor,
    ): (
        i64,
        String,
        i32,
        i16,
        String,
        i32,
        i64,
        String,
        String,
        i64,
        i64,
    ),
) -> Result<DueInvoice> {
    let number = InvoiceNumber {
        series: at("invoice", "series").parse(account, &series)?,
        year,
        sequence,
    };
    Ok(DueInvoice {
        key: InvoiceKey {
            account: AccountId(account),
            period: at("invoice", "period").period(&number, period)?,
            kind,
        },
        external_id,
        due_on: at("invoice", "due_on").parse(&number, &due_on)?,
        currency: at("invoice", "currency").parse(&number, &currency)?,
        total_minor,
        allocated_minor,
        number,
    })
}

/// The key of an invoice by its number.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn find_invoice(conn: &mut Conn, number: &InvoiceNumber) -> Result<Option<InvoiceKey>> {
    let row: Option<(i64, i32, i16)> = sqlx::query_as(
        "SELECT account_id, period, kind FROM invoice WHERE series = $1 AND year = $2 AND sequence = $3",
    )
    .bind(number.series.as_str())
    .bind(number.year)
    .bind(number.sequence)
    .fetch_optional(conn)
    .await?;
    row.map(|(account, period, kind)| {
        Ok(InvoiceKey {
            account: AccountId(account),
            period: at("invoice", "period").period(number, period)?,
            kind,
        })
    })
    .transpose()
}
