//! What keeps an account from leaving: what runs, what is owed, and what is out.

use super::decode::at;
use super::{Conn, Result};
use crate::domain::calendar::{BillingPeriod, Instant, PeriodKey};
use crate::domain::ids::AccountId;
use crate::domain::invoice::InvoiceNumber;
use crate::domain::money::Money;
use crate::domain::payment::PaymentMethod;

/// What of an account runs at a moment, or is to run later: each app with the kind
/// and type of its resources.
///
/// # Errors
/// When the database refuses.
pub async fn running_apps(
    conn: &mut Conn,
    account: AccountId,
    now: Instant,
) -> Result<Vec<(String, String)>> {
    Ok(sqlx::query_as(
        "SELECT DISTINCT u.app, s.kind || ' ' || s.resource_type AS what FROM usage_interval u \
         JOIN sku s ON s.id = u.sku_id \
         WHERE u.account_id = $1 AND (u.ended_at IS NULL OR u.ended_at > $2) ORDER BY u.app, what",
    )
    .bind(account.0)
    .bind(now.0)
    .fetch_all(conn)
    .await?)
}

/// Whether an account used anything in a period.
///
/// # Errors
/// When the database refuses.
pub async fn has_usage_in(
    conn: &mut Conn,
    account: AccountId,
    period: &BillingPeriod,
) -> Result<bool> {
    let used: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM usage_interval WHERE account_id = $1 AND started_at < $3 \
         AND (ended_at IS NULL OR ended_at > $2)",
    )
    .bind(account.0)
    .bind(period.start.0)
    .bind(period.end.0)
    .fetch_one(conn)
    .await?;
    Ok(used > 0)
}

/// What became of a period of an account: whether it has an outcome, and why it is
/// parked if it is.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn outcomes_of_account(
    conn: &mut Conn,
    account: AccountId,
) -> Result<Vec<(PeriodKey, Option<String>)>> {
    let rows: Vec<(i32, Option<String>)> = sqlx::query_as(
        "SELECT period, CASE WHEN outcome = 3 THEN reason ELSE NULL END FROM period_outcome \
         WHERE account_id = $1 ORDER BY period",
    )
    .bind(account.0)
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|(period, reason)| {
            let period = at("period_outcome", "period").period(account, period)?;
            Ok((period, reason))
        })
        .collect()
}

/// How many pieces of an account's late usage wait.
///
/// # Errors
/// When the database refuses.
pub async fn count_late_of(conn: &mut Conn, account: AccountId) -> Result<i64> {
    let sql = "SELECT COUNT(*) FROM usage_late WHERE account_id = $1 AND taken_period IS NULL";
    Ok(sqlx::query_scalar(sql)
        .bind(account.0)
        .fetch_one(conn)
        .await?)
}

/// The sums that are still out for an account, by the table they stand in: disputes
/// that are not decided, purchases and refunds without an outcome.
///
/// # Errors
/// When the database refuses.
pub async fn sums_out(conn: &mut Conn, account: AccountId) -> Result<Vec<(String, i64, String)>> {
    Ok(sqlx::query_as(
        "SELECT kind, amount_minor, currency FROM (\
         SELECT 'dispute' AS kind, amount_minor, currency FROM payment_dispute \
         WHERE account_id = $1 AND state IN ('announced', 'open') \
         UNION ALL SELECT 'purchase', amount_minor, currency FROM credit_purchase \
         WHERE account_id = $1 AND state IN ('created', 'submitted', 'pending', 'unknown') \
         UNION ALL SELECT 'refund', amount_minor, currency FROM refund \
         WHERE account_id = $1 AND state IN ('created', 'submitted', 'pending', 'unknown')) o \
         ORDER BY kind, amount_minor",
    )
    .bind(account.0)
    .fetch_all(conn)
    .await?)
}

/// What of an account's credit came of its customer's own money and did not go back
/// to it, in minor units: purchases and payments beyond a debt, without what was
/// paid back or taken back of them.
///
/// # Errors
/// When the database refuses.
pub async fn own_credit(conn: &mut Conn, account: AccountId) -> Result<i64> {
    Ok(sqlx::query_scalar(
        "SELECT CAST(COALESCE(SUM(-p.amount_minor), 0) AS BIGINT) FROM ledger_entry e \
         JOIN ledger_posting p ON p.account_id = e.account_id AND p.entry_id = e.id \
         AND p.ledger_account = 'customer_credit' WHERE e.account_id = $1 \
         AND (e.movement IN ('credit_bought', 'refunded_to_credit', 'chargeback_opened', 'chargeback_won', \
         'credit_given_up') OR (e.movement IN ('credit_paid_back', 'credit_pay_back_failed') \
         AND e.purchase_id IS NOT NULL))",
    )
    .bind(account.0)
    .fetch_one(conn)
    .await?)
}

/// The facts of the bank about an account that a person has to look at.
///
/// # Errors
/// When the database refuses.
pub async fn count_unmatched_of(conn: &mut Conn, account: AccountId) -> Result<i64> {
    let sql = "SELECT COUNT(*) FROM bank_fact WHERE account_id = $1 AND state = 'unmatched'";
    Ok(sqlx::query_scalar(sql)
        .bind(account.0)
        .fetch_one(conn)
        .await?)
}

type OwedRow = (String, i32, i64, String, i64);

fn owed_of(account: AccountId, row: &OwedRow) -> Result<(InvoiceNumber, Money)> {
    let (series, year, sequence, currency, minor) = row;
    let number = InvoiceNumber {
        series: at("invoice", "series").parse(account, series)?,
        year: *year,
        sequence: *sequence,
    };
    let currency = at("invoice", "currency").parse(&number, currency)?;
    Ok((number, Money::new(*minor, currency)))
}

/// The invoices of an account with something open, the oldest first, and how much.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn owed_by(conn: &mut Conn, account: AccountId) -> Result<Vec<(InvoiceNumber, Money)>> {
    let rows: Vec<OwedRow> = sqlx::query_as(
        "SELECT i.series, i.year, i.sequence, i.currency, o.open_minor FROM open_invoice o \
         JOIN invoice i ON i.account_id = o.account_id AND i.period = o.period AND i.kind = o.kind \
         WHERE o.account_id = $1 ORDER BY o.period, o.kind",
    )
    .bind(account.0)
    .fetch_all(conn)
    .await?;
    rows.iter().map(|row| owed_of(account, row)).collect()
}

/// The payments of an account whose outcome is out, the oldest first.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn payments_out_of(
    conn: &mut Conn,
    account: AccountId,
) -> Result<Vec<(PaymentMethod, InvoiceNumber, Money)>> {
    type Row = (String, String, i32, i64, String, i64);
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT t.method, i.series, i.year, i.sequence, t.currency, t.amount_minor FROM payment_attempt t \
         JOIN invoice i ON i.account_id = t.account_id AND i.period = t.period AND i.kind = t.kind \
         WHERE t.account_id = $1 AND t.state IN ('created', 'submitted', 'pending', 'unknown') ORDER BY t.id",
    )
    .bind(account.0)
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|(method, series, year, sequence, currency, minor)| {
            let (number, amount) = owed_of(account, &(series, year, sequence, currency, minor))?;
            let known = PaymentMethod::from_code(&method);
            let method =
                known.ok_or_else(|| at("payment_attempt", "method").refuse(&number, &method))?;
            Ok((method, number, amount))
        })
        .collect()
}
