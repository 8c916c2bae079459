//! What is read and written by the thousand: lists as JSON, rows
//! by multi-row statements. OR FAIL, because the caller takes the whole
//! transaction back on an error.

use std::fmt::Write as _;

use sqlx::{QueryBuilder, Sqlite};

use super::queries::{Conn, insert_few_entries};
use crate::domain::calendar::Instant;
use crate::domain::ids::{AccountId, AttemptId};
use crate::store::rows::{
    AttemptChange, FactKey, FileDigest, HardDecline, KeyedEntry, NewBankFact, NewNotice, OpenShare,
};

/// Far below the limit of 32,766 parameters.
const ROWS_PER_INSERT: usize = 500;

/// A JSON array of what needs no escaping.
fn list<T>(items: &[T], mut item: impl FnMut(&mut String, &T)) -> String {
    let mut json = String::with_capacity(items.len().saturating_mul(36));
    json.push('[');
    for (at, one) in items.iter().enumerate() {
        if at > 0 {
            json.push(',');
        }
        item(&mut json, one);
    }
    json.push(']');
    json
}

/// The ids of attempts, as one parameter.
#[must_use]
pub fn ids(ids: &[AttemptId]) -> String {
    list(ids, |json, id| {
        // Writing into a String never fails.
        let _ = write!(json, "\"{id}\"");
    })
}

/// The keys of facts, as one parameter.
#[must_use]
pub fn keys(keys: &[FactKey]) -> String {
    list(keys, |json, key| {
        json.push('"');
        for byte in key {
            let _ = write!(json, "{byte:02x}");
        }
        json.push('"');
    })
}

/// Accounts, as one parameter.
#[must_use]
pub fn accounts(accounts: &[AccountId]) -> String {
    list(accounts, |json, account| {
        let _ = write!(json, "{}", account.0);
    })
}

/// How a bulk insert begins.
pub const INSERT: &str = "INSERT OR FAIL INTO ";

/// The rows of the parameter `$1` made by [`accounts`]: `k.id`.
pub const EACH_ACCOUNT: &str = "(SELECT value AS id FROM json_each($1)) k";
/// Ends a subquery that PostgreSQL plans by itself; SQLite plans once.
pub const FENCE: &str = "";
/// The rows of the parameter `$1` made by [`ids`]: `k.id`.
pub const EACH_ID: &str = "(SELECT value AS id FROM json_each($1)) k";
/// The rows of the parameter `$1` made by [`keys`]: `k.key`.
pub const EACH_KEY: &str = "(SELECT unhex(value) AS key FROM json_each($1)) k";

/// The writer's transaction excludes every other.
pub const HOLD_BANK_FILES: &str = "SELECT 1";

/// SQLite looks keys up by their index.
pub const LOOK_UP_BY_KEY: &str = "SELECT 1";

/// The writer holds every account.
pub const LOCK_ACCOUNTS: &str = "SELECT $1 IS NULL";

/// See [`LOCK_ACCOUNTS`].
pub const LOCK_BLOCK_ACCOUNTS: &str =
    "SELECT CASE WHEN $1 IS NULL AND $2 IS NULL THEN 0 ELSE 1 END";

/// Changes attempts that are still what they were; how many.
///
/// # Errors
/// When the database refuses.
pub async fn change_attempts(
    conn: &mut Conn,
    changes: &[AttemptChange],
    now: Instant,
) -> sqlx::Result<u64> {
    let mut changed = 0;
    for change in changes {
        let refusal = change.after.refusal();
        let decided_at = (!change.after.in_flight()).then_some(now.0);
        changed += sqlx::query(
            "UPDATE OR FAIL payment_attempt SET state = $4, decline_code = $5, decline_class = $6, \
             decline_known = $7, decided_at = CASE WHEN $8 < created_at THEN created_at ELSE $8 END, \
             provider_reference = COALESCE(provider_reference, $9), problem = NULL \
             WHERE account_id = $1 AND id = $2 AND state = $3 \
             AND (provider_reference IS NULL OR provider_reference = COALESCE($9, provider_reference))",
        )
        .bind(change.account.0)
        .bind(change.id.to_string())
        .bind(change.before)
        .bind(change.after.code())
        .bind(refusal.map(|refusal| refusal.code.as_str()))
        .bind(refusal.map(|refusal| refusal.class.code()))
        .bind(refusal.map(|refusal| i16::from(refusal.known)))
        .bind(decided_at)
        .bind(change.reference.as_deref())
        .execute(&mut *conn)
        .await?
        .rows_affected();
    }
    Ok(changed)
}

/// Writes entries with their postings.
///
/// # Errors
/// A unique violation when an attempt is settled already.
pub async fn insert_entries(
    conn: &mut Conn,
    entries: &[KeyedEntry<'_>],
    at: Instant,
) -> sqlx::Result<()> {
    insert_few_entries(conn, entries, at).await
}

/// Takes what is paid off what is open; of how many invoices. One with less open
/// is left as it is.
///
/// # Errors
/// When the database refuses.
pub async fn take_off_open(conn: &mut Conn, paid: &[OpenShare]) -> sqlx::Result<u64> {
    let mut changed = 0;
    for share in paid {
        // Mostly all of it is paid.
        for sql in [
            "DELETE FROM open_invoice WHERE account_id = $1 AND period = $2 AND kind = $3 AND open_minor = $4",
            "UPDATE OR FAIL open_invoice SET open_minor = open_minor - $4 \
             WHERE account_id = $1 AND period = $2 AND kind = $3 AND open_minor > $4",
        ] {
            let done = bind_share(sqlx::query(sql), share)
                .execute(&mut *conn)
                .await?;
            changed += done.rows_affected();
            if done.rows_affected() > 0 {
                break;
            }
        }
    }
    Ok(changed)
}

/// Adds what is owed again to what is open.
///
/// # Errors
/// When the database refuses.
pub async fn add_to_open(conn: &mut Conn, reopened: &[OpenShare]) -> sqlx::Result<()> {
    for share in reopened {
        let sql = "INSERT INTO open_invoice AS o (account_id, period, kind, open_minor) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (account_id, period, kind) DO UPDATE SET open_minor = o.open_minor + excluded.open_minor";
        bind_share(sqlx::query(sql), share)
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

type Query<'q> = sqlx::query::Query<'q, Sqlite, sqlx::sqlite::SqliteArguments>;

fn bind_share<'q>(query: Query<'q>, share: &OpenShare) -> Query<'q> {
    query
        .bind(share.invoice.account.0)
        .bind(share.invoice.period.to_number())
        .bind(share.invoice.kind)
        .bind(share.amount_minor)
}

/// Writes facts.
///
/// # Errors
/// A unique violation when one is known.
pub async fn insert_facts(
    conn: &mut Conn,
    file: &FileDigest,
    facts: &[NewBankFact],
) -> sqlx::Result<()> {
    for chunk in facts.chunks(ROWS_PER_INSERT) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "INSERT OR FAIL INTO bank_fact (key, file, place, kind, amount_minor, currency, reason_code, \
             booked_on, account_id, attempt_id, message_id, block_id, debits, charges_minor, state, problem) ",
        );
        query.push_values(chunk, |mut values, fact| {
            let block = fact.block.as_ref();
            values
                .push_bind(&fact.key[..])
                .push_bind(&file[..])
                .push_bind(fact.place.as_str())
                .push_bind(fact.kind)
                .push_bind(fact.amount.map(|amount| amount.minor))
                .push_bind(fact.amount.map(|amount| amount.currency.code()))
                .push_bind(fact.reason_code.as_deref())
                .push_bind(fact.booked_on.map(|day| day.to_string()))
                .push_bind(fact.attempt.map(|(account, _)| account.0))
                .push_bind(fact.attempt.map(|(_, attempt)| attempt.to_string()))
                .push_bind(block.and_then(|block| block.message()))
                .push_bind(block.and_then(|block| block.block()))
                .push_bind(fact.debits)
                .push_bind(fact.charges_minor)
                .push_bind(fact.state.code())
                .push_bind(fact.problem.as_deref());
        });
        query.build().execute(&mut *conn).await?;
    }
    Ok(())
}

/// Writes notices; one that is there already is told once.
///
/// # Errors
/// When the database refuses.
pub async fn insert_notices(
    conn: &mut Conn,
    notices: &[NewNotice],
    at: Instant,
) -> Result<(), crate::store::StoreError> {
    super::queries::insert_notices(conn, notices, at).await
}

/// Rules methods out; one that is removed or ruled out already stays as it is.
///
/// # Errors
/// When the database refuses.
pub async fn rule_out(conn: &mut Conn, methods: &[HardDecline], now: Instant) -> sqlx::Result<()> {
    for method in methods {
        sqlx::query(
            "UPDATE payment_method SET state = 'hard_declined', decline_code = $3, changed_at = $4 \
             WHERE account_id = $1 AND id = $2 AND state IN ('usable', 'action_required')",
        )
        .bind(method.account.0)
        .bind(method.method.0)
        .bind(method.code.as_str())
        .bind(now.0)
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}
