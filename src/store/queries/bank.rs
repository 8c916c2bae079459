//! The debits that the bank's answers lead to, and what the news does to them.

use super::attempt::instrument_of;
use super::decode::at;
use super::outcome::StateColumns;
use super::{Conn, Result, bulk};
use crate::domain::calendar::Instant;
use crate::domain::ids::{AccountId, AttemptId};
use crate::domain::invoice::InvoiceNumber;
use crate::domain::money::Currency;
use crate::store::rows::{BankAttempt, BlockCount, BlockName, HardDecline, InvoiceKey, NewNotice};

/// The debits of a block or file: `$1` its message's id or nothing, `$2` its
/// block's id or nothing.
const OF_BLOCK: &str = "FROM sepa_batch b JOIN sepa_debit d ON d.batch_id = b.id \
     JOIN payment_attempt t ON t.account_id = d.account_id AND t.id = d.attempt_id \
     WHERE (CAST($1 AS TEXT) IS NULL OR b.id = $1) AND (CAST($2 AS TEXT) IS NULL OR d.block_id = $2)";
const IN_FLIGHT: &str = "t.state IN ('created', 'submitted', 'pending', 'unknown')";

/// Lets one import of the bank's answers work at a time.
///
/// # Errors
/// When the database refuses.
pub async fn hold_bank_files(conn: &mut Conn) -> Result<()> {
    sqlx::query(bulk::HOLD_BANK_FILES)
        .execute(&mut *conn)
        .await?;
    look_up_by_key(conn).await
}

/// Has the planner look keys up by their index until the end of the transaction.
///
/// # Errors
/// When the database refuses.
pub async fn look_up_by_key(conn: &mut Conn) -> Result<()> {
    sqlx::query(bulk::LOOK_UP_BY_KEY).execute(conn).await?;
    Ok(())
}

/// Holds the money of the accounts of these attempts until the end of the
/// transaction, in the order of their keys. One that does not exist is left away.
///
/// # Errors
/// When the database refuses.
pub async fn lock_accounts_of(conn: &mut Conn, attempts: &[AttemptId]) -> Result<()> {
    sqlx::query(bulk::LOCK_ACCOUNTS)
        .bind(bulk::ids(attempts))
        .execute(conn)
        .await?;
    Ok(())
}

/// Holds the money of every account with a debit in a block or file.
///
/// # Errors
/// When the database refuses.
pub async fn lock_block_accounts(conn: &mut Conn, block: &BlockName) -> Result<()> {
    sqlx::query(bulk::LOCK_BLOCK_ACCOUNTS)
        .bind(block.message())
        .bind(block.block())
        .execute(conn)
        .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct Row {
    account_id: i64,
    id: String,
    period: i32,
    kind: i16,
    method: String,
    method_id: Option<i64>,
    amount_minor: i64,
    currency: String,
    state: String,
    decline_code: Option<String>,
    decline_class: Option<String>,
    decline_known: Option<i16>,
    series: String,
    year: i32,
    sequence: i64,
    total_minor: i64,
    allocated_minor: i64,
    written_off_minor: i64,
    last_entry: i64,
}

/// Attempts with their invoices, as they stand under the accounts' locks.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn bank_attempts(conn: &mut Conn, attempts: &[AttemptId]) -> Result<Vec<BankAttempt>> {
    let posted = "FROM ledger_entry e JOIN ledger_posting p ON p.account_id = e.account_id \
         AND p.entry_id = e.id WHERE e.account_id = t.account_id AND e.period = t.period AND e.kind = t.kind";
    let sql = format!(
        "SELECT t.account_id, t.id, t.period, t.kind, t.method, t.method_id, t.amount_minor, t.currency, \
         t.state, t.decline_code, t.decline_class, t.decline_known, i.series, i.year, i.sequence, i.total_minor, \
         (SELECT CAST(COALESCE(-SUM(p.amount_minor), 0) AS BIGINT) {posted} \
         AND p.ledger_account = 'receivable') AS allocated_minor, \
         (SELECT CAST(COALESCE(SUM(p.amount_minor), 0) AS BIGINT) {posted} \
         AND p.ledger_account = 'write_off') AS written_off_minor, \
         (SELECT COALESCE(MAX(e.id), 0) FROM ledger_entry e WHERE e.account_id = t.account_id) AS last_entry \
         FROM {} JOIN payment_attempt t ON t.id = k.id \
         JOIN invoice i ON i.account_id = t.account_id AND i.period = t.period AND i.kind = t.kind",
        bulk::EACH_ID
    );
    let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(bulk::ids(attempts))
        .fetch_all(conn)
        .await?;
    rows.into_iter().map(attempt_of).collect()
}

fn attempt_of(row: Row) -> Result<BankAttempt> {
    let id: AttemptId = at("payment_attempt", "id").parse(row.account_id, &row.id)?;
    let state = StateColumns {
        state: row.state,
        decline_code: row.decline_code,
        decline_class: row.decline_class,
        decline_known: row.decline_known,
    };
    Ok(BankAttempt {
        id,
        invoice: InvoiceKey {
            account: AccountId(row.account_id),
            period: at("payment_attempt", "period").period(id, row.period)?,
            kind: row.kind,
        },
        number: InvoiceNumber {
            series: at("invoice", "series").parse(id, &row.series)?,
            year: row.year,
            sequence: row.sequence,
        },
        by: instrument_of(id, &row.method, row.method_id)?,
        amount_minor: row.amount_minor,
        currency: at("payment_attempt", "currency").parse(id, &row.currency)?,
        state: state.read("payment_attempt", id)?,
        total_minor: row.total_minor,
        allocated_minor: row.allocated_minor,
        written_off_minor: row.written_off_minor,
        last_entry: row.last_entry,
    })
}

/// Counts the debits of a block or file.
///
/// # Errors
/// When the database refuses.
pub async fn count_block(
    conn: &mut Conn,
    block: &BlockName,
    currency: Currency,
) -> Result<BlockCount> {
    let sql = format!(
        "SELECT COUNT(*) AS total, \
         CAST(COALESCE(SUM(CASE WHEN t.state <> 'declined' THEN 1 ELSE 0 END), 0) AS BIGINT) AS debits, \
         CAST(COALESCE(SUM(CASE WHEN t.state <> 'declined' AND t.currency = $3 THEN t.amount_minor ELSE 0 END), 0) \
         AS BIGINT) AS sum_minor, \
         CAST(COALESCE(SUM(CASE WHEN {IN_FLIGHT} THEN 1 ELSE 0 END), 0) AS BIGINT) AS in_flight, \
         CAST(COALESCE(SUM(CASE WHEN t.state IN ('succeeded', 'returned') THEN 1 ELSE 0 END), 0) AS BIGINT) \
         AS collected {OF_BLOCK}"
    );
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(block.message())
        .bind(block.block())
        .bind(currency.code())
        .fetch_one(conn)
        .await?)
}

/// The next debits of a block or file whose outcome is out, by account and id,
/// after one of them.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn debits_in_flight(
    conn: &mut Conn,
    block: &BlockName,
    after: Option<(AccountId, AttemptId)>,
    limit: i64,
) -> Result<Vec<(AccountId, AttemptId)>> {
    let sql = format!(
        "SELECT t.account_id, t.id {OF_BLOCK} AND {IN_FLIGHT} \
         AND (t.account_id > $3 OR (t.account_id = $3 AND t.id > $4)) ORDER BY t.account_id, t.id LIMIT $5"
    );
    let rows: Vec<(i64, String)> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(block.message())
        .bind(block.block())
        .bind(after.map_or(i64::MIN, |(account, _)| account.0))
        .bind(after.map_or_else(String::new, |(_, attempt)| attempt.to_string()))
        .bind(limit)
        .fetch_all(conn)
        .await?;
    let place = at("payment_attempt", "id");
    rows.into_iter()
        .map(|(account, id)| Ok((AccountId(account), place.parse(account, &id)?)))
        .collect()
}

/// As [`insert_notices`](super::insert_notices), for thousands.
///
/// # Errors
/// When the database refuses.
pub async fn write_notices(conn: &mut Conn, notices: &[NewNotice], now: Instant) -> Result<()> {
    if !notices.is_empty() {
        bulk::insert_notices(conn, notices, now).await?;
    }
    Ok(())
}

/// Rules methods out, for any invoice.
///
/// # Errors
/// When the database refuses.
pub async fn rule_out_methods(
    conn: &mut Conn,
    methods: &[HardDecline],
    now: Instant,
) -> Result<()> {
    if !methods.is_empty() {
        bulk::rule_out(conn, methods, now).await?;
    }
    Ok(())
}
