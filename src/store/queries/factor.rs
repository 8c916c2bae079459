//! Second factors, and the recovery codes that stand in for them. Whoever changes any
//! of it holds the account.

use super::{Conn, Result};
use crate::domain::calendar::Instant;
use crate::domain::ids::AccountId;
use crate::domain::invoice::fingerprint::Digest;
use crate::store::rows::StoredFactor;
use crate::vault::Sealed;

#[derive(sqlx::FromRow)]
struct FactorRow {
    account_id: i64,
    id: String,
    secret_key: String,
    secret_sealed: Vec<u8>,
    enabled_at: Option<i64>,
    last_step: Option<i64>,
}

impl From<FactorRow> for StoredFactor {
    fn from(row: FactorRow) -> Self {
        Self {
            account: AccountId(row.account_id),
            id: row.id,
            secret: Sealed {
                key_id: row.secret_key,
                bytes: row.secret_sealed,
            },
            enabled_at: row.enabled_at.map(Instant),
            last_step: row.last_step,
        }
    }
}

macro_rules! factor {
    () => {
        "SELECT account_id, id, secret_key, secret_sealed, enabled_at, last_step FROM second_factor "
    };
}

/// The second factor of an account, where it has one or asked for one.
///
/// # Errors
/// When the database refuses.
pub async fn factor_of(conn: &mut Conn, account: AccountId) -> Result<Option<StoredFactor>> {
    let row: Option<FactorRow> = sqlx::query_as(concat!(factor!(), "WHERE account_id = $1"))
        .bind(account.0)
        .fetch_optional(conn)
        .await?;
    Ok(row.map(StoredFactor::from))
}

/// Keeps the second factor of an account in place of the one before.
///
/// # Errors
/// When the database refuses.
pub async fn write_factor(conn: &mut Conn, factor: &StoredFactor) -> Result<()> {
    sqlx::query(
        "INSERT INTO second_factor (account_id, id, secret_key, secret_sealed, enabled_at, last_step) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (account_id) DO UPDATE SET id = $2, secret_key = $3, \
         secret_sealed = $4, enabled_at = $5, last_step = $6",
    )
    .bind(factor.account.0)
    .bind(&factor.id)
    .bind(&factor.secret.key_id)
    .bind(&factor.secret.bytes)
    .bind(factor.enabled_at.map(|at| at.0))
    .bind(factor.last_step)
    .execute(conn)
    .await?;
    Ok(())
}

/// No code of a step up to this one is taken any more; a second factor that was only
/// asked for is on from now on. Its secret may be sealed anew meanwhile, so nothing
/// else is written.
///
/// # Errors
/// When the database refuses.
pub async fn take_step(conn: &mut Conn, account: AccountId, step: i64, now: Instant) -> Result<()> {
    sqlx::query(
        "UPDATE second_factor SET last_step = $2, enabled_at = COALESCE(enabled_at, $3) WHERE account_id = $1",
    )
    .bind(account.0)
    .bind(step)
    .bind(now.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes the second factor of an account out, with its recovery codes.
///
/// # Errors
/// When the database refuses.
pub async fn delete_factor(conn: &mut Conn, account: AccountId) -> Result<()> {
    for statement in [
        "DELETE FROM recovery_code WHERE account_id = $1",
        "DELETE FROM second_factor WHERE account_id = $1",
    ] {
        sqlx::query(statement)
            .bind(account.0)
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

/// Keeps recovery codes in place of those before.
///
/// # Errors
/// When the database refuses.
pub async fn replace_recovery_codes(
    conn: &mut Conn,
    account: AccountId,
    digests: &[Digest],
) -> Result<()> {
    sqlx::query("DELETE FROM recovery_code WHERE account_id = $1")
        .bind(account.0)
        .execute(&mut *conn)
        .await?;
    for digest in digests {
        sqlx::query("INSERT INTO recovery_code (account_id, digest) VALUES ($1, $2)")
            .bind(account.0)
            .bind(&digest.0[..])
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

/// Uses a recovery code up. Whether there was one.
///
/// # Errors
/// When the database refuses.
pub async fn use_recovery_code(
    conn: &mut Conn,
    account: AccountId,
    digest: Digest,
) -> Result<bool> {
    let used = sqlx::query("DELETE FROM recovery_code WHERE account_id = $1 AND digest = $2")
        .bind(account.0)
        .bind(&digest.0[..])
        .execute(conn)
        .await?
        .rows_affected();
    Ok(used > 0)
}

/// Some of the second factors whose secrets are under an older key than `newest`.
///
/// # Errors
/// When the database refuses.
pub async fn factors_to_reseal(
    conn: &mut Conn,
    newest: &str,
    limit: i64,
) -> Result<Vec<StoredFactor>> {
    let rows: Vec<FactorRow> = sqlx::query_as(concat!(
        factor!(),
        "WHERE secret_key <> $1 ORDER BY account_id LIMIT $2"
    ))
    .bind(newest)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(StoredFactor::from).collect())
}

/// Replaces the sealed secret of a second factor by the same one sealed anew, unless
/// it is another by now.
///
/// # Errors
/// When the database refuses.
pub async fn reseal_factor(conn: &mut Conn, before: &StoredFactor, after: &Sealed) -> Result<()> {
    sqlx::query(
        "UPDATE second_factor SET secret_key = $2, secret_sealed = $3 \
         WHERE account_id = $1 AND secret_sealed = $4",
    )
    .bind(before.account.0)
    .bind(&after.key_id)
    .bind(&after.bytes)
    .bind(&before.secret.bytes)
    .execute(conn)
    .await?;
    Ok(())
}
