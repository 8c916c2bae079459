//! What providers tell by themselves, each event handled once.

use super::decode::at;
use super::{Conn, Result};
use crate::domain::calendar::Instant;
use crate::domain::ledger::ProviderName;
use crate::store::rows::StoredEvent;

const fn code(provider: ProviderName) -> &'static str {
    match provider {
        ProviderName::Stripe => "stripe",
        ProviderName::PayPal => "paypal",
        ProviderName::Bank => "bank",
    }
}

/// Records that an event came; whether it was handled before.
///
/// # Errors
/// When the database refuses.
pub async fn receive_event(
    conn: &mut Conn,
    provider: ProviderName,
    id: &str,
    kind: &str,
    now: Instant,
) -> Result<bool> {
    sqlx::query(
        "INSERT INTO provider_event (provider, id, kind, received_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (provider, id) DO NOTHING",
    )
    .bind(code(provider))
    .bind(id)
    .bind(kind)
    .bind(now.0)
    .execute(&mut *conn)
    .await?;
    let sql = "SELECT handled_at FROM provider_event WHERE provider = $1 AND id = $2";
    let handled: Option<i64> = sqlx::query_scalar(sql)
        .bind(code(provider))
        .bind(id)
        .fetch_one(conn)
        .await?;
    Ok(handled.is_some())
}

/// Records what became of an event: it is done with, or waits for a person
/// because of a problem.
///
/// # Errors
/// When the database refuses.
pub async fn end_event(
    conn: &mut Conn,
    provider: ProviderName,
    id: &str,
    problem: Option<&str>,
    now: Instant,
) -> Result<()> {
    sqlx::query(
        "UPDATE provider_event SET handled_at = CASE WHEN $3 IS NULL THEN $4 END, problem = $3 \
         WHERE provider = $1 AND id = $2 AND handled_at IS NULL",
    )
    .bind(code(provider))
    .bind(id)
    .bind(problem)
    .bind(now.0)
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

/// The events that are not done with, the oldest first.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn open_events(conn: &mut Conn, limit: i64) -> Result<Vec<StoredEvent>> {
    type Row = (String, String, String, i64, Option<i64>, Option<String>);
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT provider, id, kind, received_at, handled_at, problem FROM provider_event \
         WHERE handled_at IS NULL ORDER BY received_at, provider, id LIMIT $1",
    )
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|(provider, id, kind, received_at, handled_at, problem)| {
            Ok(StoredEvent {
                provider: match provider.as_str() {
                    "stripe" => ProviderName::Stripe,
                    "paypal" => ProviderName::PayPal,
                    _ => return Err(at("provider_event", "provider").refuse(&id, &provider)),
                },
                id,
                kind,
                received_at: Instant(received_at),
                handled_at: handled_at.map(Instant),
                problem,
            })
        })
        .collect()
}
