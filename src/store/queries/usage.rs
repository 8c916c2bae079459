//! Usage coming in.

use std::collections::HashSet;

use futures_util::TryStreamExt as _;

use super::{Conn, Result, dialect};
use crate::domain::calendar::{Instant, PeriodKey};
use crate::domain::ids::{AccountId, SkuId};
use crate::store::rows::{Outcome, UsageRow};

/// Adds rows from the first on, as long as none of their events is known; how
/// many were added.
///
/// # Errors
/// When the database refuses.
pub async fn insert_usage_while_new(conn: &mut Conn, rows: &[UsageRow]) -> Result<usize> {
    dialect::insert_usage_while_new(conn, rows).await
}

/// Adds rows of which none is known.
///
/// # Errors
/// When the database refuses.
pub async fn insert_new_usage(conn: &mut Conn, rows: &[UsageRow]) -> Result<()> {
    Ok(dialect::insert_usage(conn, rows).await?)
}

/// Stages rows and tells which of their events are known, as they are stored;
/// `line` is the staged row's.
///
/// # Errors
/// When the database refuses.
pub async fn stage_usage(conn: &mut Conn, rows: &[UsageRow]) -> Result<Vec<UsageRow>> {
    sqlx::query(dialect::CREATE_STAGING)
        .execute(&mut *conn)
        .await?;
    sqlx::query("DELETE FROM usage_staging")
        .execute(&mut *conn)
        .await?;
    dialect::stage_usage(&mut *conn, rows).await?;
    type Row = (i64, String, i64, String, i64, i32, i64, Option<i64>);
    let mut stored = sqlx::query_as::<_, Row>(
        "SELECT s.line, u.event_id, u.account_id, u.app, u.sku_id, u.quantity, u.started_at, u.ended_at \
         FROM usage_staging s JOIN usage_interval u ON u.event_id = s.event_id",
    )
    .fetch(conn);
    let mut known = Vec::new();
    while let Some((line, event_id, account, app, sku, quantity, started_at, ended_at)) =
        stored.try_next().await?
    {
        known.push(UsageRow {
            line,
            event_id,
            account: AccountId(account),
            app,
            sku: SkuId(sku),
            quantity,
            started_at: Instant(started_at),
            ended_at: ended_at.map(Instant),
        });
    }
    Ok(known)
}

/// Ends the known intervals that were still running and whose staged version,
/// otherwise the same, has an end.
///
/// # Errors
/// When the database refuses.
pub async fn end_staged_usage(conn: &mut Conn) -> Result<u64> {
    let ended = sqlx::query(
        "UPDATE usage_interval SET ended_at = s.ended_at FROM usage_staging s \
         WHERE usage_interval.event_id = s.event_id AND usage_interval.ended_at IS NULL AND s.ended_at IS NOT NULL \
         AND usage_interval.account_id = s.account_id AND usage_interval.app = s.app \
         AND usage_interval.sku_id = s.sku_id AND usage_interval.started_at = s.started_at \
         AND usage_interval.quantity = s.quantity",
    )
    .execute(conn)
    .await?;
    Ok(ended.rows_affected())
}

/// Which accounts of a key range are settled for which of the periods between
/// `first` and `last`; `true` in the second place of those that are parked.
///
/// # Errors
/// When the database refuses.
pub async fn outcomes_between(
    conn: &mut Conn,
    accounts: (AccountId, AccountId),
    first: PeriodKey,
    last: PeriodKey,
) -> Result<(HashSet<(AccountId, i32)>, HashSet<(AccountId, i32)>)> {
    let rows: Vec<(i64, i32, i16)> = sqlx::query_as(
        "SELECT account_id, period, outcome FROM period_outcome \
         WHERE account_id >= $1 AND account_id <= $2 AND period >= $3 AND period <= $4",
    )
    .bind(accounts.0.0)
    .bind(accounts.1.0)
    .bind(first.to_number())
    .bind(last.to_number())
    .fetch_all(conn)
    .await?;
    let (parked, settled): (Vec<_>, Vec<_>) = rows
        .into_iter()
        .partition(|(_, _, outcome)| *outcome == Outcome::Parked.code());
    let keys = |rows: Vec<(i64, i32, i16)>| {
        rows.into_iter()
            .map(|(account, period, _)| (AccountId(account), period))
            .collect()
    };
    Ok((keys(settled), keys(parked)))
}

/// Settles accounts that came after their period was billed as having had
/// nothing due then; their usage of it goes to the next invoice.
///
/// # Errors
/// When the database refuses.
pub async fn settle_latecomers(
    conn: &mut Conn,
    latecomers: &[(AccountId, PeriodKey)],
) -> Result<()> {
    for (account, period) in latecomers {
        sqlx::query(
            "INSERT INTO period_outcome (account_id, period, outcome, total_minor) VALUES ($1, $2, $3, 0) \
             ON CONFLICT (account_id, period) DO NOTHING",
        )
        .bind(account.0)
        .bind(period.to_number())
        .bind(Outcome::NothingDue.code())
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// How many usage events are stored.
///
/// # Errors
/// When the database refuses.
pub async fn count_usage(conn: &mut Conn) -> Result<i64> {
    Ok(sqlx::query_scalar("SELECT COUNT(*) FROM usage_interval")
        .fetch_one(conn)
        .await?)
}
