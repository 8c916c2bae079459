//! The house's own keys.

use super::decode::at;
use super::{Conn, Result};
use crate::domain::calendar::Instant;
use crate::domain::invoice::fingerprint::Digest;
use crate::store::rows::{NewOperator, StoredOperator};

#[derive(sqlx::FromRow)]
struct OperatorRow {
    id: String,
    name: String,
    role: String,
    created_at: i64,
    expires_at: Option<i64>,
    last_used_at: Option<i64>,
    revoked_at: Option<i64>,
}

impl OperatorRow {
    fn decode(self) -> Result<StoredOperator> {
        let role = at("operator_key", "role").parse(&self.id, &self.role)?;
        Ok(StoredOperator {
            id: self.id,
            name: self.name,
            role,
            created_at: Instant(self.created_at),
            expires_at: self.expires_at.map(Instant),
            last_used_at: self.last_used_at.map(Instant),
            revoked_at: self.revoked_at.map(Instant),
        })
    }
}

macro_rules! operator {
    ($condition:literal) => {
        concat!(
            "SELECT id, name, role, created_at, expires_at, last_used_at, revoked_at FROM operator_key ",
            $condition
        )
    };
}

/// Every key, by name, those included that are good for nothing any more.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn operators(conn: &mut Conn) -> Result<Vec<StoredOperator>> {
    let rows: Vec<OperatorRow> = sqlx::query_as(operator!("ORDER BY name"))
        .fetch_all(conn)
        .await?;
    rows.into_iter().map(OperatorRow::decode).collect()
}

/// The key with this digest, whether or not it is still good.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn operator_of_secret(conn: &mut Conn, digest: Digest) -> Result<Option<StoredOperator>> {
    let row: Option<OperatorRow> = sqlx::query_as(operator!("WHERE digest = $1"))
        .bind(&digest.0[..])
        .fetch_optional(conn)
        .await?;
    row.map(OperatorRow::decode).transpose()
}

/// The key of this name, whether or not it is still good.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn operator_named(conn: &mut Conn, name: &str) -> Result<Option<StoredOperator>> {
    let row: Option<OperatorRow> = sqlx::query_as(operator!("WHERE name = $1"))
        .bind(name)
        .fetch_optional(conn)
        .await?;
    row.map(OperatorRow::decode).transpose()
}

/// Keeps a key.
///
/// # Errors
/// When the database refuses: a unique violation where its name is taken.
pub async fn insert_operator(conn: &mut Conn, new: NewOperator<'_>, now: Instant) -> Result<()> {
    sqlx::query(
        "INSERT INTO operator_key (id, name, role, digest, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(new.id)
    .bind(new.name)
    .bind(new.role.code())
    .bind(&new.digest.0[..])
    .bind(now.0)
    .bind(new.expires_at.map(|at| at.0))
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes a key back; whether it was not taken back before.
///
/// # Errors
/// When the database refuses.
pub async fn revoke_operator(conn: &mut Conn, id: &str, now: Instant) -> Result<bool> {
    let revoked =
        sqlx::query("UPDATE operator_key SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL")
            .bind(id)
            .bind(now.0)
            .execute(conn)
            .await?;
    Ok(revoked.rows_affected() > 0)
}

/// Remembers that a key was used.
///
/// # Errors
/// When the database refuses.
pub async fn touch_operator(conn: &mut Conn, id: &str, now: Instant) -> Result<()> {
    sqlx::query(
        "UPDATE operator_key SET last_used_at = $2 \
         WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)",
    )
    .bind(id)
    .bind(now.0)
    .execute(conn)
    .await?;
    Ok(())
}
