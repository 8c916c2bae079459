//! What happened to accounts, as their customers are shown it. Whoever records it
//! holds the account.

use super::decode::at;
use super::{Conn, Result};
use crate::domain::access::AccountEvent;
use crate::domain::calendar::Instant;
use crate::domain::ids::AccountId;
use crate::store::rows::StoredEvent;

/// Records what happens to an account, in the transaction it happens in.
///
/// # Errors
/// When the database refuses.
pub async fn record_event(
    conn: &mut Conn,
    account: AccountId,
    event: AccountEvent<'_>,
    now: Instant,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO account_event (account_id, id, kind, at, data) \
         SELECT $1, COALESCE(MAX(e.id), 0) + 1, $2, $3, $4 FROM account_event e WHERE e.account_id = $1",
    )
    .bind(account.0)
    .bind(event.code())
    .bind(now.0)
    .bind(event.data().to_string())
    .execute(conn)
    .await?;
    Ok(())
}

/// How much happened to an account.
///
/// # Errors
/// When the database refuses.
pub async fn count_events(conn: &mut Conn, account: AccountId) -> Result<i64> {
    let sql = "SELECT COUNT(*) FROM account_event WHERE account_id = $1";
    Ok(sqlx::query_scalar(sql)
        .bind(account.0)
        .fetch_one(conn)
        .await?)
}

/// What happened to an account, the newest first: `limit` of it, after the first
/// `offset`.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn events_of(
    conn: &mut Conn,
    account: AccountId,
    offset: i64,
    limit: i64,
) -> Result<Vec<StoredEvent>> {
    let rows: Vec<(i64, String, i64, String)> = sqlx::query_as(
        "SELECT id, kind, at, data FROM account_event WHERE account_id = $1 \
         ORDER BY id DESC LIMIT $3 OFFSET $2",
    )
    .bind(account.0)
    .bind(offset)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|(id, kind, happened_at, data)| {
            let name = format!("{account}/{id}");
            let data = serde_json::from_str(&data)
                .map_err(|error| at("account_event", "data").refuse(&name, error))?;
            Ok(StoredEvent {
                id,
                at: Instant(happened_at),
                kind,
                data,
            })
        })
        .collect()
}
