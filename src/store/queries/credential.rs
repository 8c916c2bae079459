//! What customers sign in with, and the links they are mailed. Whoever changes any of
//! it holds the account.

use super::decode::at;
use super::{Conn, Result};
use crate::domain::access::Standing;
use crate::domain::access::password::Failures;
use crate::domain::calendar::Instant;
use crate::domain::ids::AccountId;
use crate::domain::invoice::fingerprint::Digest;
use crate::store::rows::{Credential, LinkPurpose, NewLink, StoredLink};

/// What an account is signed in to with.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn credential_of(conn: &mut Conn, account: AccountId) -> Result<Credential> {
    let row: Option<(Option<String>, i64, i64, Option<i64>)> = sqlx::query_as(
        "SELECT password_hash, version, failures, locked_at FROM account_credential WHERE account_id = $1",
    )
    .bind(account.0)
    .fetch_optional(conn)
    .await?;
    let Some((password_hash, version, failures, locked_at)) = row else {
        return Ok(Credential::NONE);
    };
    let in_a_row = u32::try_from(failures)
        .map_err(|_| at("account_credential", "failures").refuse(account, failures))?;
    Ok(Credential {
        password_hash,
        version,
        failures: Failures {
            in_a_row,
            locked_at: locked_at.map(Instant),
        },
    })
}

/// Keeps what an account is signed in to with.
///
/// # Errors
/// When the database refuses.
pub async fn write_credential(
    conn: &mut Conn,
    account: AccountId,
    credential: &Credential,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO account_credential (account_id, password_hash, version, failures, locked_at) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (account_id) DO UPDATE SET password_hash = $2, \
         version = $3, failures = $4, locked_at = $5",
    )
    .bind(account.0)
    .bind(credential.password_hash.as_deref())
    .bind(credential.version)
    .bind(i64::from(credential.failures.in_a_row))
    .bind(credential.failures.locked_at.map(|at| at.0))
    .execute(conn)
    .await?;
    Ok(())
}

/// The accounts whose address this is now, however it is capitalized.
///
/// # Errors
/// When the database refuses.
pub async fn accounts_of_email(conn: &mut Conn, email: &str) -> Result<Vec<AccountId>> {
    let ids: Vec<i64> = sqlx::query_scalar(
        "SELECT a.id FROM billing_profile p JOIN account a ON a.id = p.account_id \
         AND a.profile_version = p.version WHERE lower(p.email) = lower($1) ORDER BY a.id",
    )
    .bind(email)
    .fetch_all(conn)
    .await?;
    Ok(ids.into_iter().map(AccountId).collect())
}

/// The accounts that go by a username now, however it is capitalized.
///
/// # Errors
/// When the database refuses.
pub async fn accounts_of_username(conn: &mut Conn, username: &str) -> Result<Vec<AccountId>> {
    let ids: Vec<i64> = sqlx::query_scalar(
        "SELECT a.id FROM billing_profile p JOIN account a ON a.id = p.account_id \
         AND a.profile_version = p.version WHERE lower(p.username) = lower($1) ORDER BY a.id",
    )
    .bind(username)
    .fetch_all(conn)
    .await?;
    Ok(ids.into_iter().map(AccountId).collect())
}

/// How an account stands.
///
/// # Errors
/// When the database refuses, or there is no such account.
pub async fn standing_of(conn: &mut Conn, account: AccountId) -> Result<Standing> {
    let (unpaid, staff, leaving, deleted): (i64, i64, i64, i64) = sqlx::query_as(concat!(
        "SELECT ",
        super::access::standing!(),
        " FROM account a WHERE a.id = $1"
    ))
    .bind(account.0)
    .fetch_one(conn)
    .await?;
    Ok(Standing {
        is_suspended_for_debt: unpaid > 0,
        is_suspended_by_staff: staff > 0,
        is_leaving: leaving > 0,
        is_deleted: deleted > 0,
    })
}

/// Keeps a link of an account; one for the same purpose works no more.
///
/// # Errors
/// When the database refuses.
pub async fn replace_account_link(
    conn: &mut Conn,
    account: AccountId,
    purpose: LinkPurpose,
    link: NewLink,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO account_link (account_id, purpose, digest, until) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (account_id, purpose) DO UPDATE SET digest = $3, until = $4",
    )
    .bind(account.0)
    .bind(purpose.code())
    .bind(&link.digest.0[..])
    .bind(link.until.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// Whose link it is, whether or not it has run out.
///
/// # Errors
/// When the database refuses.
pub async fn account_link(
    conn: &mut Conn,
    purpose: LinkPurpose,
    digest: Digest,
) -> Result<Option<StoredLink>> {
    let row: Option<(i64, i64)> = sqlx::query_as(
        "SELECT account_id, until FROM account_link WHERE purpose = $1 AND digest = $2",
    )
    .bind(purpose.code())
    .bind(&digest.0[..])
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|(account, until)| StoredLink {
        account: AccountId(account),
        until: Instant(until),
    }))
}

/// Until when the last link of an account for a purpose works, where there is one.
///
/// # Errors
/// When the database refuses.
pub async fn account_link_until(
    conn: &mut Conn,
    account: AccountId,
    purpose: LinkPurpose,
) -> Result<Option<Instant>> {
    let until: Option<i64> =
        sqlx::query_scalar("SELECT until FROM account_link WHERE account_id = $1 AND purpose = $2")
            .bind(account.0)
            .bind(purpose.code())
            .fetch_optional(conn)
            .await?;
    Ok(until.map(Instant))
}

/// Uses up the link of an account for a purpose.
///
/// # Errors
/// When the database refuses.
pub async fn delete_account_link(
    conn: &mut Conn,
    account: AccountId,
    purpose: LinkPurpose,
) -> Result<()> {
    sqlx::query("DELETE FROM account_link WHERE account_id = $1 AND purpose = $2")
        .bind(account.0)
        .bind(purpose.code())
        .execute(conn)
        .await?;
    Ok(())
}
