//! The figures of the house: few rows of each table, by an index, however many there are.

use super::{Conn, Result};
use crate::domain::calendar::Instant;
use crate::store::rows::{Figures, Unpaid, WaitingMessages};

const IN_FLIGHT: &str = "state IN ('created', 'submitted', 'pending', 'unknown')";

/// What waits for a person whenever it is there.
const FOR_PEOPLE: [(&str, &str); 2] = [
    (
        "parked_account",
        "SELECT COUNT(*) FROM period_outcome WHERE outcome = 3",
    ),
    (
        "bank_fact",
        "SELECT COUNT(*) FROM bank_fact WHERE state = 'unmatched'",
    ),
];

/// What is there for longer than it should be: since before an instant.
const FOR_LONG: [(&str, &str); 6] = [
    (
        "run",
        "SELECT COUNT(*) FROM billing_run WHERE state IN ('planned', 'running') AND paused = 0 \
         AND planned_at < $1",
    ),
    // A debit waits for its bank for days; a card that is pending, for its customer.
    (
        "payment",
        "SELECT COUNT(*) FROM payment_attempt WHERE state IN ('created', 'submitted', 'pending', 'unknown') \
         AND method = 'card' AND (problem IS NOT NULL OR (state <> 'pending' AND created_at < $1))",
    ),
    // One that the customer did not approve lapses by itself.
    (
        "purchase",
        "SELECT COUNT(*) FROM credit_purchase WHERE state IN ('created', 'submitted', 'pending', 'unknown') \
         AND (problem IS NOT NULL OR (state = 'unknown' AND created_at < $1))",
    ),
    (
        "refund",
        "SELECT COUNT(*) FROM refund WHERE state IN ('created', 'submitted', 'pending', 'unknown') \
         AND state <> 'pending' AND created_at < $1",
    ),
    (
        "provider_event",
        "SELECT COUNT(*) FROM provider_event WHERE handled_at IS NULL \
         AND (problem IS NOT NULL OR received_at < $1)",
    ),
    (
        "deletion_step",
        "SELECT COUNT(*) FROM account_deletion d JOIN account_deletion_step s \
         ON s.account_id = d.account_id AND s.no = d.no \
         WHERE d.ended_at IS NULL AND d.state = 'erasing' AND s.confirmed_at IS NULL AND s.asked_at < $1",
    ),
];

/// Counts everything. Attempts are decided lately if it was since `since`, and stuck is
/// what should have gone on before then.
///
/// # Errors
/// When the database refuses.
pub async fn figures(conn: &mut Conn, since: Instant) -> Result<Figures> {
    let refused: Vec<(String, i64)> = sqlx::query_as(
        "SELECT channel, COUNT(*) FROM outbox WHERE state = 'refused' GROUP BY channel",
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut stuck = stuck(conn, since).await?;
    stuck.push((
        "message",
        refused.iter().map(|(_, messages)| messages).sum(),
    ));
    Ok(Figures {
        runs: sqlx::query_as("SELECT state, COUNT(*) FROM billing_run GROUP BY state")
            .fetch_all(&mut *conn)
            .await?,
        attempts_in_flight: attempts_in_flight(conn).await?,
        attempts_decided: sqlx::query_as(
            "SELECT method, state, COUNT(*) FROM payment_attempt WHERE decided_at >= $1 \
             GROUP BY method, state",
        )
        .bind(since.0)
        .fetch_all(&mut *conn)
        .await?,
        waiting: waiting(conn).await?,
        unpaid: unpaid(conn).await?,
        refused,
        stuck,
    })
}

async fn attempts_in_flight(conn: &mut Conn) -> Result<Vec<(String, String, i64)>> {
    let sql = format!(
        "SELECT method, state, COUNT(*) FROM payment_attempt WHERE {IN_FLIGHT} GROUP BY method, state"
    );
    let attempts = sqlx::query_as(sqlx::AssertSqlSafe(sql));
    Ok(attempts.fetch_all(conn).await?)
}

async fn waiting(conn: &mut Conn) -> Result<Vec<WaitingMessages>> {
    let rows: Vec<(String, i64, i64, i64)> = sqlx::query_as(
        "SELECT channel, COUNT(*), CAST(SUM(CASE WHEN problem IS NULL THEN 0 ELSE 1 END) AS BIGINT), \
         MIN(created_at) FROM outbox WHERE state = 'waiting' GROUP BY channel",
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|(channel, messages, failing, oldest_at)| WaitingMessages {
            channel,
            messages,
            failing,
            oldest_at: Instant(oldest_at),
        })
        .collect())
}

async fn unpaid(conn: &mut Conn) -> Result<Vec<Unpaid>> {
    let rows: Vec<(String, i64, i64)> = sqlx::query_as(
        // Looked up one by one: to join them, both databases would read every invoice.
        "SELECT currency, COUNT(DISTINCT account_id), CAST(SUM(open_minor) AS BIGINT) \
         FROM (SELECT o.account_id, o.open_minor, (SELECT i.currency FROM invoice i \
         WHERE i.account_id = o.account_id AND i.period = o.period AND i.kind = o.kind) AS currency \
         FROM open_invoice o) unpaid GROUP BY currency",
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|(currency, accounts, open_minor)| Unpaid {
            currency,
            accounts,
            open_minor,
        })
        .collect())
}

async fn stuck(conn: &mut Conn, since: Instant) -> Result<Vec<(&'static str, i64)>> {
    let mut stuck = Vec::new();
    for (what, sql) in FOR_PEOPLE {
        let count = sqlx::query_scalar(sql).fetch_one(&mut *conn).await?;
        stuck.push((what, count));
    }
    for (what, sql) in FOR_LONG {
        let count = sqlx::query_scalar(sql).bind(since.0);
        stuck.push((what, count.fetch_one(&mut *conn).await?));
    }
    Ok(stuck)
}
