//! The events that providers sent, each handled once.

use super::decode::at;
use super::{Conn, Result};
use crate::domain::calendar::Instant;
use crate::store::rows::{EventKey, EventSource, OpenEvent};

/// Records that an event came; whether it was handled before.
///
/// # Errors
/// When the database refuses.
pub async fn receive_event(
    conn: &mut Conn,
    key: EventKey<'_>,
    kind: &str,
    now: Instant,
) -> Result<bool> {
    sqlx::query(
        "INSERT INTO provider_event (provider, id, kind, received_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (provider, id) DO NOTHING",
    )
    .bind(key.source.code())
    .bind(key.id)
    .bind(kind)
    .bind(now.0)
    .execute(&mut *conn)
    .await?;
    is_event_handled(conn, key).await
}

/// Whether an event was handled.
///
/// # Errors
/// When the database refuses.
pub async fn is_event_handled(conn: &mut Conn, key: EventKey<'_>) -> Result<bool> {
    let handled: i64 = sqlx::query_scalar(
        "SELECT COUNT(handled_at) FROM provider_event WHERE provider = $1 AND id = $2",
    )
    .bind(key.source.code())
    .bind(key.id)
    .fetch_one(conn)
    .await?;
    Ok(handled > 0)
}

/// Records that an event was handled. The first time stays.
///
/// # Errors
/// When the database refuses.
pub async fn mark_event_handled(conn: &mut Conn, key: EventKey<'_>, now: Instant) -> Result<()> {
    sqlx::query(
        "UPDATE provider_event SET handled_at = $3, problem = NULL \
         WHERE provider = $1 AND id = $2 AND handled_at IS NULL",
    )
    .bind(key.source.code())
    .bind(key.id)
    .bind(now.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// Records why an event is not handled; one that was handled meanwhile stays so.
///
/// # Errors
/// When the database refuses.
pub async fn mark_event_problem(conn: &mut Conn, key: EventKey<'_>, problem: &str) -> Result<()> {
    sqlx::query(
        "UPDATE provider_event SET problem = $3 WHERE provider = $1 AND id = $2 AND handled_at IS NULL",
    )
    .bind(key.source.code())
    .bind(key.id)
    .bind(problem)
    .execute(conn)
    .await?;
    Ok(())
}

/// Records that a person dealt with an event; whether it was still open.
///
/// # Errors
/// When the database refuses.
pub async fn close_event(conn: &mut Conn, id: &str, now: Instant) -> Result<bool> {
    let sql = "UPDATE provider_event SET handled_at = $2 WHERE id = $1 AND handled_at IS NULL";
    let changed = sqlx::query(sql)
        .bind(id)
        .bind(now.0)
        .execute(conn)
        .await?
        .rows_affected();
    Ok(changed > 0)
}

/// The events that are not handled, the oldest first, at most `limit`.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn open_events(conn: &mut Conn, limit: i64) -> Result<Vec<OpenEvent>> {
    let rows: Vec<(String, String, String, i64, Option<String>)> = sqlx::query_as(
        "SELECT provider, id, kind, received_at, problem FROM provider_event \
         WHERE handled_at IS NULL ORDER BY received_at, provider, id LIMIT $1",
    )
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|(provider, id, kind, received_at, problem)| {
            let source = EventSource::from_code(&provider)
                .ok_or_else(|| at("provider_event", "provider").refuse(&id, &provider))?;
            Ok(OpenEvent {
                source,
                id,
                kind,
                received_at: Instant(received_at),
                problem,
            })
        })
        .collect()
}
