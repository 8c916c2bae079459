//! Accounts on their way out.

use super::{Conn, Result};
use crate::domain::account::DeletionStep;
use crate::domain::calendar::Instant;
use crate::domain::ids::AccountId;
use crate::domain::notice::DeletionCause;

/// Whether the data of an account is being deleted.
///
/// # Errors
/// When the database refuses.
pub async fn is_leaving(conn: &mut Conn, account: AccountId) -> Result<bool> {
    let erasing: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM account_deletion WHERE account_id = $1 AND state IN ('erasing', 'done')",
    )
    .bind(account.0)
    .fetch_one(conn)
    .await?;
    Ok(erasing > 0)
}

/// Withdraws what an account's customer asked for and did not confirm.
///
/// # Errors
/// When the database refuses.
pub async fn withdraw_deletion(conn: &mut Conn, account: AccountId, now: Instant) -> Result<()> {
    sqlx::query(
        "UPDATE account_deletion SET state = 'withdrawn', ended_at = $2, token_digest = NULL, token_until = NULL \
         WHERE account_id = $1 AND state IN ('asked', 'settling')",
    )
    .bind(account.0)
    .bind(now.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// Begins a deletion that nobody has to confirm any more; its number.
///
/// # Errors
/// A unique violation when one is under way.
pub async fn begin_deletion(
    conn: &mut Conn,
    account: AccountId,
    cause: DeletionCause,
    now: Instant,
) -> Result<i64> {
    Ok(sqlx::query_scalar(
        "INSERT INTO account_deletion (account_id, no, cause, state, asked_at, confirmed_at) VALUES ($1, \
         (SELECT COALESCE(MAX(no), 0) + 1 FROM account_deletion WHERE account_id = $1), $2, 'erasing', $3, $3) \
         RETURNING no",
    )
    .bind(account.0)
    .bind(cause.code())
    .bind(now.0)
    .fetch_one(conn)
    .await?)
}

/// Writes the steps of a deletion down, in their order.
///
/// # Errors
/// When the database refuses.
pub async fn insert_deletion_steps(conn: &mut Conn, account: AccountId, no: i64) -> Result<()> {
    for (position, step) in (1_i32..).zip(DeletionStep::ALL) {
        sqlx::query(
            "INSERT INTO account_deletion_step (account_id, no, position, step) VALUES ($1, $2, $3, $4)",
        )
        .bind(account.0)
        .bind(no)
        .bind(position)
        .bind(step.code())
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// Records that the platform is asked for a step.
///
/// # Errors
/// When the database refuses.
pub async fn mark_step_asked(
    conn: &mut Conn,
    account: AccountId,
    no: i64,
    step: DeletionStep,
    now: Instant,
) -> Result<()> {
    sqlx::query(
        "UPDATE account_deletion_step SET asked_at = $4 \
         WHERE account_id = $1 AND no = $2 AND step = $3 AND asked_at IS NULL",
    )
    .bind(account.0)
    .bind(no)
    .bind(step.code())
    .bind(now.0)
    .execute(conn)
    .await?;
    Ok(())
}
