//! Who is let in by the account API: API tokens and SSH keys. Whoever changes them
//! holds the account.

use super::decode::at;
use super::{Conn, Result};
use crate::domain::access::{Scopes, Standing};
use crate::domain::calendar::Instant;
use crate::domain::ids::AccountId;
use crate::domain::invoice::fingerprint::Digest;
use crate::store::rows::{NewKey, NewToken, StoredKey, StoredToken, TokenHolder};

#[derive(sqlx::FromRow)]
struct TokenRow {
    id: String,
    name: String,
    scopes: Option<String>,
    created_at: i64,
    expires_at: Option<i64>,
    last_used_at: Option<i64>,
}

impl TokenRow {
    fn decode(self) -> Result<StoredToken> {
        let scopes = Scopes::from_stored(self.scopes.as_deref())
            .map_err(|error| at("api_token", "scopes").refuse(&self.id, error))?;
        Ok(StoredToken {
            id: self.id,
            name: self.name,
            scopes,
            created_at: Instant(self.created_at),
            expires_at: self.expires_at.map(Instant),
            last_used_at: self.last_used_at.map(Instant),
        })
    }
}

/// The API tokens of an account, the newest first.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn tokens_of(conn: &mut Conn, account: AccountId) -> Result<Vec<StoredToken>> {
    let rows: Vec<TokenRow> = sqlx::query_as(
        "SELECT id, name, scopes, created_at, expires_at, last_used_at FROM api_token \
         WHERE account_id = $1 ORDER BY created_at DESC, id",
    )
    .bind(account.0)
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(TokenRow::decode).collect()
}

/// # Errors
/// When the database refuses.
pub async fn insert_token(
    conn: &mut Conn,
    account: AccountId,
    new: NewToken<'_>,
    now: Instant,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO api_token (account_id, id, name, digest, scopes, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(account.0)
    .bind(new.id)
    .bind(new.name)
    .bind(&new.digest.0[..])
    .bind(new.scopes.stored())
    .bind(now.0)
    .bind(new.expires_at.map(|at| at.0))
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes an API token, and says what it was; `None` where there is none.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn delete_token(
    conn: &mut Conn,
    account: AccountId,
    id: &str,
) -> Result<Option<StoredToken>> {
    let row: Option<TokenRow> = sqlx::query_as(
        "DELETE FROM api_token WHERE account_id = $1 AND id = $2 \
         RETURNING id, name, scopes, created_at, expires_at, last_used_at",
    )
    .bind(account.0)
    .bind(id)
    .fetch_optional(conn)
    .await?;
    row.map(TokenRow::decode).transpose()
}

/// # Errors
/// When the database refuses.
pub async fn touch_token(
    conn: &mut Conn,
    account: AccountId,
    id: &str,
    now: Instant,
) -> Result<()> {
    sqlx::query("UPDATE api_token SET last_used_at = $3 WHERE account_id = $1 AND id = $2")
        .bind(account.0)
        .bind(id)
        .bind(now.0)
        .execute(conn)
        .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct HolderRow {
    account_id: i64,
    external_id: String,
    #[sqlx(flatten)]
    token: TokenRow,
    credential_version: i64,
    unpaid: i64,
    staff: i64,
    leaving: i64,
    deleted: i64,
}

impl HolderRow {
    fn decode(self) -> Result<TokenHolder> {
        Ok(TokenHolder {
            account: AccountId(self.account_id),
            external_id: self.external_id,
            token: self.token.decode()?,
            credential_version: self.credential_version,
            standing: Standing {
                is_suspended_for_debt: self.unpaid > 0,
                is_suspended_by_staff: self.staff > 0,
                is_leaving: self.leaving > 0,
                is_deleted: self.deleted > 0,
            },
        })
    }
}

/// How an account `a` stands, as four columns.
macro_rules! standing {
    () => {
        "(SELECT COUNT(*) FROM account_suspension s WHERE s.account_id = a.id AND s.cause = 'unpaid' \
         AND s.restored_at IS NULL) AS unpaid, \
         (SELECT COUNT(*) FROM account_suspension s WHERE s.account_id = a.id AND s.cause = 'staff' \
         AND s.restored_at IS NULL) AS staff, \
         (SELECT COUNT(*) FROM account_deletion d WHERE d.account_id = a.id \
         AND d.state IN ('settling', 'erasing')) AS leaving, \
         (SELECT COUNT(*) FROM account_deletion d WHERE d.account_id = a.id AND d.state = 'done') AS deleted"
    };
}

pub(super) use standing;

macro_rules! holder {
    () => {
        concat!(
            "SELECT t.account_id, a.external_id, t.id, t.name, t.scopes, t.created_at, \
             t.expires_at, t.last_used_at, \
             COALESCE((SELECT c.version FROM account_credential c WHERE c.account_id = a.id), 0) \
             AS credential_version, ",
            standing!(),
            " FROM api_token t JOIN account a ON a.id = t.account_id "
        )
    };
}

/// Whose API token has this digest.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn holder_of_secret(conn: &mut Conn, digest: Digest) -> Result<Option<TokenHolder>> {
    let row: Option<HolderRow> = sqlx::query_as(concat!(holder!(), "WHERE t.digest = $1"))
        .bind(&digest.0[..])
        .fetch_optional(conn)
        .await?;
    row.map(HolderRow::decode).transpose()
}

/// An API token of the account that the platform calls so, and how it stands.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn holder_of_token(
    conn: &mut Conn,
    account: &str,
    id: &str,
) -> Result<Option<TokenHolder>> {
    let row: Option<HolderRow> =
        sqlx::query_as(concat!(holder!(), "WHERE a.external_id = $1 AND t.id = $2"))
            .bind(account)
            .bind(id)
            .fetch_optional(conn)
            .await?;
    row.map(HolderRow::decode).transpose()
}

#[derive(sqlx::FromRow)]
struct KeyRow {
    id: String,
    name: String,
    content: String,
    fingerprint: String,
    created_at: i64,
}

impl From<KeyRow> for StoredKey {
    fn from(row: KeyRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            content: row.content,
            fingerprint: row.fingerprint,
            created_at: Instant(row.created_at),
        }
    }
}

/// The SSH keys of an account, by name.
///
/// # Errors
/// When the database refuses.
pub async fn keys_of(conn: &mut Conn, account: AccountId) -> Result<Vec<StoredKey>> {
    let rows: Vec<KeyRow> = sqlx::query_as(
        "SELECT id, name, content, fingerprint, created_at FROM ssh_key WHERE account_id = $1 ORDER BY name",
    )
    .bind(account.0)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(StoredKey::from).collect())
}

/// Keeps an SSH key.
///
/// # Errors
/// When the database refuses: a unique violation where its name is taken, or somebody
/// has the key.
pub async fn insert_key(
    conn: &mut Conn,
    account: AccountId,
    new: NewKey<'_>,
    now: Instant,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO ssh_key (account_id, id, name, content, fingerprint, digest, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(account.0)
    .bind(new.id)
    .bind(new.name)
    .bind(new.key.content.as_str())
    .bind(new.key.fingerprint.as_str())
    .bind(&new.key.digest.0[..])
    .bind(now.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether an account has a key of this name, and whether anybody has this key.
///
/// # Errors
/// When the database refuses.
pub async fn key_taken(
    conn: &mut Conn,
    account: AccountId,
    name: &str,
    digest: Digest,
) -> Result<(bool, bool)> {
    let (names, keys): (i64, i64) = sqlx::query_as(
        "SELECT (SELECT COUNT(*) FROM ssh_key WHERE account_id = $1 AND name = $2), \
         (SELECT COUNT(*) FROM ssh_key WHERE digest = $3)",
    )
    .bind(account.0)
    .bind(name)
    .bind(&digest.0[..])
    .fetch_one(conn)
    .await?;
    Ok((names > 0, keys > 0))
}

/// Removes an SSH key, and says what it was; `None` where there is none.
///
/// # Errors
/// When the database refuses.
pub async fn delete_key(
    conn: &mut Conn,
    account: AccountId,
    id: &str,
) -> Result<Option<StoredKey>> {
    let row: Option<KeyRow> = sqlx::query_as(
        "DELETE FROM ssh_key WHERE account_id = $1 AND id = $2 \
         RETURNING id, name, content, fingerprint, created_at",
    )
    .bind(account.0)
    .bind(id)
    .fetch_optional(conn)
    .await?;
    Ok(row.map(StoredKey::from))
}

/// Takes everything out that lets an account in, what happened to it, and what its
/// customer said of itself.
///
/// # Errors
/// When the database refuses.
pub async fn erase_access(conn: &mut Conn, account: AccountId) -> Result<()> {
    for statement in [
        "DELETE FROM api_token WHERE account_id = $1",
        "DELETE FROM ssh_key WHERE account_id = $1",
        "DELETE FROM account_event WHERE account_id = $1",
        "DELETE FROM account_settings WHERE account_id = $1",
        "DELETE FROM account_budget WHERE account_id = $1",
        "DELETE FROM accountant WHERE account_id = $1",
        "DELETE FROM account_credential WHERE account_id = $1",
        "DELETE FROM account_link WHERE account_id = $1",
        "DELETE FROM recovery_code WHERE account_id = $1",
        "DELETE FROM second_factor WHERE account_id = $1",
        "DELETE FROM contract_acceptance WHERE account_id = $1",
        "DELETE FROM hds_contact WHERE account_id = $1",
    ] {
        sqlx::query(statement)
            .bind(account.0)
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}
