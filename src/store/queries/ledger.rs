//! The ledger: entries are added, balances derived.

use sqlx::QueryBuilder;

use super::decode::at;
use super::open_invoice::move_open;
use super::{Conn, Db, ROWS_PER_INSERT, Result, bulk, dialect};
use crate::domain::calendar::Instant;
use crate::domain::ids::{AccountId, AttemptId};
use crate::domain::invoice::InvoiceNumber;
use crate::domain::money::Currency;
use crate::store::StoreError;
use crate::store::rows::{
    BookedPosting, ByPerson, CreditBalance, CreditMovement, KeyedEntry, NewEntry,
};

/// Holds an account's money until the end of the transaction: whoever moves it
/// takes this lock first, and then reads what to move.
///
/// # Errors
/// When the database refuses.
pub async fn lock_account(conn: &mut Conn, account: AccountId) -> Result<()> {
    sqlx::query(dialect::LOCK_ACCOUNT)
        .bind(account.0)
        .execute(conn)
        .await?;
    Ok(())
}

/// The key of an account's next entry. The caller holds the account.
///
/// # Errors
/// When the database refuses.
pub async fn next_entry(conn: &mut Conn, account: AccountId) -> Result<i64> {
    let sql = "SELECT COALESCE(MAX(id), 0) + 1 FROM ledger_entry WHERE account_id = $1";
    Ok(sqlx::query_scalar(sql)
        .bind(account.0)
        .fetch_one(conn)
        .await?)
}

/// Writes an entry with its postings; its key. The caller holds the account.
///
/// # Errors
/// As [`write_entries`].
pub async fn write_entry(conn: &mut Conn, new: NewEntry<'_>) -> Result<i64> {
    let id = next_entry(conn, new.account).await?;
    write_entries(conn, &[KeyedEntry::new(id, &new)], new.at).await?;
    Ok(id)
}

/// Writes entries that the caller counted, one or thousands, with their postings,
/// and what they leave open of their invoices. The caller holds the accounts.
///
/// # Errors
/// A unique violation when an attempt is settled already, or a dispute booked;
/// [`StoreError::Inconsistent`] when more is allocated than is open.
pub async fn write_entries(conn: &mut Conn, entries: &[KeyedEntry<'_>], at: Instant) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    bulk::insert_entries(conn, entries, at).await?;
    move_open(conn, entries).await
}

/// Inserts entries and their postings, a few at a time.
pub(in crate::store) async fn insert_few_entries(
    conn: &mut Conn,
    entries: &[KeyedEntry<'_>],
    booked_at: Instant,
) -> sqlx::Result<()> {
    for chunk in entries.chunks(ROWS_PER_INSERT) {
        let mut query = QueryBuilder::<Db>::new(bulk::INSERT);
        query.push(
            "ledger_entry (account_id, id, movement, currency, at, period, kind, attempt_id, purchase_id, \
             refund_id, dispute_id, actor, reason) ",
        );
        query.push_values(chunk, |mut values, new| {
            values
                .push_bind(new.account.0)
                .push_bind(new.id)
                .push_bind(new.entry.movement().code())
                .push_bind(new.entry.currency().code())
                .push_bind(booked_at.0)
                .push_bind(new.invoice.map(|invoice| invoice.period.to_number()))
                .push_bind(new.invoice.map(|invoice| invoice.kind))
                .push_bind(new.attempt.map(|attempt| attempt.to_string()))
                .push_bind(new.purchase.map(|purchase| purchase.to_string()))
                .push_bind(new.refund.map(|refund| refund.to_string()))
                .push_bind(new.dispute)
                .push_bind(new.by.map(|by| by.actor))
                .push_bind(new.by.map(|by| by.reason));
        });
        query.build().execute(&mut *conn).await?;
        let mut query = QueryBuilder::<Db>::new(bulk::INSERT);
        query.push("ledger_posting (account_id, entry_id, ledger_account, amount_minor) ");
        let postings = chunk.iter().flat_map(|new| {
            new.entry
                .postings()
                .iter()
                .map(move |posting| (new, posting))
        });
        query.push_values(postings, |mut values, (new, posting)| {
            values
                .push_bind(new.account.0)
                .push_bind(new.id)
                .push_bind(posting.account.code())
                .push_bind(posting.amount_minor);
        });
        query.build().execute(&mut *conn).await?;
    }
    Ok(())
}

/// Records what a person did to an account. The caller holds the account.
///
/// # Errors
/// When the database refuses.
pub async fn write_audit(
    conn: &mut Conn,
    account: AccountId,
    by: ByPerson<'_>,
    action: &str,
    at: Instant,
    subject: Option<&str>,
    entry: Option<i64>,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO audit_entry (account_id, id, at, actor, action, reason, subject, entry_id) VALUES ($1, \
         (SELECT COALESCE(MAX(id), 0) + 1 FROM audit_entry WHERE account_id = $1), $2, $3, $4, $5, $6, $7)",
    )
    .bind(account.0)
    .bind(at.0)
    .bind(by.actor)
    .bind(action)
    .bind(by.reason)
    .bind(subject)
    .bind(entry)
    .execute(conn)
    .await?;
    Ok(())
}

/// Records what a person did that is about no single account. `subject` is what
/// it was done to: a file, a key, an event.
///
/// # Errors
/// When the database refuses; a unique violation where two did at once.
pub async fn write_house_audit(
    conn: &mut Conn,
    by: ByPerson<'_>,
    action: &str,
    subject: &str,
    at: Instant,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO house_audit_entry (id, at, actor, action, subject, reason) \
         VALUES ((SELECT COALESCE(MAX(id), 0) + 1 FROM house_audit_entry), $1, $2, $3, $4, $5)",
    )
    .bind(at.0)
    .bind(by.actor)
    .bind(action)
    .bind(subject)
    .bind(by.reason)
    .execute(conn)
    .await?;
    Ok(())
}

/// The prepaid credit of accounts, where it ever moved, without what may be on its
/// way back to its customer.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn credit_balances(
    conn: &mut Conn,
    accounts: &[AccountId],
) -> Result<Vec<CreditBalance>> {
    let each = bulk::EACH_ACCOUNT;
    let sql = format!(
        "SELECT account_id, currency, CAST(SUM(amount_minor) AS BIGINT) FROM (\
         SELECT e.account_id, e.currency, -p.amount_minor AS amount_minor FROM {each} \
         JOIN ledger_entry e ON e.account_id = k.id \
         JOIN ledger_posting p ON p.account_id = e.account_id AND p.entry_id = e.id \
         AND p.ledger_account = 'customer_credit' \
         UNION ALL SELECT r.account_id, r.currency, -r.credit_minor FROM {each} \
         JOIN refund r ON r.account_id = k.id WHERE r.credit_minor > 0 \
         AND r.state IN ('created', 'submitted', 'pending', 'unknown')) credit \
         GROUP BY account_id, currency"
    );
    let rows: Vec<(i64, String, i64)> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(bulk::accounts(accounts))
        .fetch_all(conn)
        .await?;
    rows.into_iter()
        .map(|(account, currency, balance_minor)| {
            Ok(CreditBalance {
                account: AccountId(account),
                currency: at("ledger_entry", "currency").parse(account, &currency)?,
                balance_minor,
            })
        })
        .collect()
}

/// The prepaid credit of an account, in minor units.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn credit_balance(
    conn: &mut Conn,
    account: AccountId,
    currency: Currency,
) -> Result<i64> {
    let balances = credit_balances(conn, &[account]).await?;
    let own = balances.iter().find(|balance| balance.currency == currency);
    Ok(own.map_or(0, |balance| balance.balance_minor))
}

#[derive(sqlx::FromRow)]
struct MovementRow {
    id: i64,
    at: i64,
    movement: String,
    currency: String,
    amount_minor: i64,
    series: Option<String>,
    year: Option<i32>,
    sequence: Option<i64>,
    actor: Option<String>,
    reason: Option<String>,
}

/// What moved an account's prepaid credit, in the order it was booked.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn credit_movements(conn: &mut Conn, account: AccountId) -> Result<Vec<CreditMovement>> {
    let rows: Vec<MovementRow> = sqlx::query_as(
        "SELECT e.id, e.at, e.movement, e.currency, p.amount_minor, i.series, i.year, i.sequence, e.actor, \
         e.reason FROM ledger_entry e JOIN ledger_posting p ON p.account_id = e.account_id \
         AND p.entry_id = e.id AND p.ledger_account = 'customer_credit' \
         LEFT JOIN invoice i ON i.account_id = e.account_id AND i.period = e.period AND i.kind = e.kind \
         WHERE e.account_id = $1 ORDER BY e.id",
    )
    .bind(account.0)
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(movement_of).collect()
}

fn movement_of(row: MovementRow) -> Result<CreditMovement> {
    let number = match (row.series, row.year, row.sequence) {
        (Some(series), Some(year), Some(sequence)) => Some(InvoiceNumber {
            series: at("invoice", "series").parse(row.id, &series)?,
            year,
            sequence,
        }),
        _ => None,
    };
    // The house owes credit: its balance is kept with the other sign.
    let amount_minor = row.amount_minor.checked_neg();
    let place = at("ledger_posting", "amount_minor");
    Ok(CreditMovement {
        at: Instant(row.at),
        movement: row.movement,
        currency: at("ledger_entry", "currency").parse(row.id, &row.currency)?,
        amount_minor: amount_minor
            .ok_or_else(|| -> StoreError { place.refuse(row.id, row.amount_minor) })?,
        number,
        actor: row.actor,
        reason: row.reason,
    })
}

/// The postings of what an attempt, or a refund of it, moved, in the order they
/// were booked.
///
/// # Errors
/// When the database refuses.
pub async fn attempt_postings(
    conn: &mut Conn,
    account: AccountId,
    attempt: AttemptId,
) -> Result<Vec<BookedPosting>> {
    type Row = (
        i64,
        i64,
        String,
        String,
        i64,
        Option<String>,
        Option<String>,
    );
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT e.id, e.at, e.movement, p.ledger_account, p.amount_minor, e.actor, e.reason \
         FROM ledger_entry e JOIN ledger_posting p ON p.account_id = e.account_id AND p.entry_id = e.id \
         WHERE e.account_id = $1 AND e.attempt_id = $2 ORDER BY e.id, p.amount_minor DESC, p.ledger_account",
    )
    .bind(account.0)
    .bind(attempt.to_string())
    .fetch_all(conn)
    .await?;
    let posting =
        |(entry, at, movement, ledger_account, amount_minor, actor, reason): Row| BookedPosting {
            entry,
            at: Instant(at),
            movement,
            ledger_account,
            amount_minor,
            actor,
            reason,
        };
    Ok(rows.into_iter().map(posting).collect())
}
