//! Whom customers invited to look at their invoices. Whoever changes it holds the
//! account.

use super::{Conn, Result};
use crate::domain::calendar::Instant;
use crate::domain::ids::AccountId;
use crate::domain::invoice::fingerprint::Digest;
use crate::store::rows::StoredAccountant;

type AccountantRow = (String, String, i64, Option<i64>);

fn accountant_of(row: AccountantRow) -> StoredAccountant {
    let (id, email, invited_at, seen_at) = row;
    StoredAccountant {
        id,
        email,
        invited_at: Instant(invited_at),
        seen_at: seen_at.map(Instant),
    }
}

/// The accountants of an account, the oldest first.
///
/// # Errors
/// When the database refuses.
pub async fn accountants_of(conn: &mut Conn, account: AccountId) -> Result<Vec<StoredAccountant>> {
    let rows: Vec<AccountantRow> = sqlx::query_as(
        "SELECT id, email, invited_at, seen_at FROM accountant WHERE account_id = $1 ORDER BY invited_at, id",
    )
    .bind(account.0)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(accountant_of).collect())
}

/// Records whom an account invited.
///
/// # Errors
/// A unique violation when somebody of that address is invited already.
pub async fn insert_accountant(
    conn: &mut Conn,
    account: AccountId,
    accountant: &StoredAccountant,
    digest: Digest,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO accountant (account_id, id, email, digest, invited_at) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(account.0)
    .bind(&accountant.id)
    .bind(&accountant.email)
    .bind(&digest.0[..])
    .bind(accountant.invited_at.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes an invitation back: its address, where there was one.
///
/// # Errors
/// When the database refuses.
pub async fn delete_accountant(
    conn: &mut Conn,
    account: AccountId,
    id: &str,
) -> Result<Option<String>> {
    let email = sqlx::query_scalar(
        "DELETE FROM accountant WHERE account_id = $1 AND id = $2 RETURNING email",
    )
    .bind(account.0)
    .bind(id)
    .fetch_optional(conn)
    .await?;
    Ok(email)
}

/// Whose invoices a link shows, and to whom.
///
/// # Errors
/// When the database refuses.
pub async fn accountant_of_link(
    conn: &mut Conn,
    digest: Digest,
) -> Result<Option<(AccountId, StoredAccountant)>> {
    let row: Option<(i64, String, String, i64, Option<i64>)> = sqlx::query_as(
        "SELECT account_id, id, email, invited_at, seen_at FROM accountant WHERE digest = $1",
    )
    .bind(&digest.0[..])
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|(account, id, email, invited_at, seen_at)| {
        let accountant = accountant_of((id, email, invited_at, seen_at));
        (AccountId(account), accountant)
    }))
}

/// Notes that an accountant looks.
///
/// # Errors
/// When the database refuses.
pub async fn touch_accountant(
    conn: &mut Conn,
    account: AccountId,
    id: &str,
    now: Instant,
) -> Result<()> {
    sqlx::query("UPDATE accountant SET seen_at = $3 WHERE account_id = $1 AND id = $2")
        .bind(account.0)
        .bind(id)
        .bind(now.0)
        .execute(conn)
        .await?;
    Ok(())
}
