//! Usage that came after its period was settled.

use super::decode::at;
use super::{Conn, KeyedTable, Result, next_id};
use crate::domain::calendar::{Instant, PeriodKey};
use crate::domain::ids::{AccountId, SkuId};
use crate::domain::usage::LateUsage;
use crate::store::StoreError;
use crate::store::rows::{NewLate, RunRange, WaitingLate};

/// The pieces of a range of accounts, in the order they came, of periods before
/// `period`, that still wait or that the invoice of `period` took in.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn waiting_late(
    conn: &mut Conn,
    range: RunRange,
    period: PeriodKey,
) -> Result<Vec<WaitingLate>> {
    let rows: Vec<(i64, i64, i32, String, i64, i32, i64, i64)> = sqlx::query_as(
        "SELECT account_id, id, period, app, sku_id, quantity, from_at, until_at FROM usage_late \
         WHERE account_id >= $1 AND account_id <= $2 AND period < $3 \
         AND (taken_period IS NULL OR taken_period = $3) \
         ORDER BY account_id, id",
    )
    .bind(range.from.0)
    .bind(range.to.0)
    .bind(period.to_number())
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|(account, id, period, app, sku, quantity, from, until)| {
            Ok(WaitingLate {
                account: AccountId(account),
                id,
                usage: LateUsage {
                    period: at("usage_late", "period").period(id, period)?,
                    app,
                    sku: SkuId(sku),
                    quantity: i64::from(quantity),
                    from: Instant(from),
                    until: Instant(until),
                },
            })
        })
        .collect()
}

/// Marks a piece as taken in by the invoice of `period`.
///
/// # Errors
/// [`StoreError::Raced`] when another period's invoice took it first.
pub async fn take_late(
    conn: &mut Conn,
    account: AccountId,
    id: i64,
    period: PeriodKey,
) -> Result<()> {
    let taken = sqlx::query(
        "UPDATE usage_late SET taken_period = $3 \
         WHERE account_id = $1 AND id = $2 AND taken_period IS NULL",
    )
    .bind(account.0)
    .bind(id)
    .bind(period.to_number())
    .execute(conn)
    .await?;
    if taken.rows_affected() == 1 {
        Ok(())
    } else {
        Err(StoreError::Raced("late usage"))
    }
}

/// Keeps pieces for the next invoice. The caller holds the gate.
///
/// # Errors
/// When the database refuses, or a quantity does not fit.
pub async fn insert_late(conn: &mut Conn, pieces: &[NewLate]) -> Result<()> {
    if pieces.is_empty() {
        return Ok(());
    }
    let first = next_id(&mut *conn, KeyedTable::Late).await?;
    for (id, piece) in (first..).zip(pieces) {
        sqlx::query(
            "INSERT INTO usage_late (account_id, id, event_id, period, app, sku_id, quantity, from_at, until_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(piece.account.0)
        .bind(id)
        .bind(&piece.event_id)
        .bind(piece.usage.period.to_number())
        .bind(&piece.usage.app)
        .bind(piece.usage.sku.0)
        .bind(
            i32::try_from(piece.usage.quantity)
                .map_err(|_| at("usage_late", "quantity").refuse(id, piece.usage.quantity))?,
        )
        .bind(piece.usage.from.0)
        .bind(piece.usage.until.0)
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// How many pieces wait, and of how many accounts.
///
/// # Errors
/// When the database refuses.
pub async fn count_waiting_late(conn: &mut Conn) -> Result<(i64, i64)> {
    let sql =
        "SELECT COUNT(*), COUNT(DISTINCT account_id) FROM usage_late WHERE taken_period IS NULL";
    Ok(sqlx::query_as(sql).fetch_one(conn).await?)
}
