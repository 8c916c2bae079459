//! Accounts and the versions of their billing profiles.

use std::collections::HashMap;

use futures_util::TryStreamExt as _;
use sqlx::QueryBuilder;

use super::decode::at;
use super::profile::{COLUMNS, ProfileRow};
use super::{Conn, Db, ROWS_PER_INSERT, Result};
use crate::domain::account::{BillingProfile, Language};
use crate::domain::calendar::Instant;
use crate::domain::ids::{AccountId, ProfileId};
use crate::domain::money::Currency;
use crate::store::rows::{AccountVersion, KnownAccount};

/// Every account, for checking a file against.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn known_accounts(conn: &mut Conn) -> Result<Vec<KnownAccount>> {
    type Row = (i64, String, String, i64, i32, i32, Vec<u8>, Option<String>);
    let mut rows = sqlx::query_as::<_, Row>(
        "SELECT a.id, a.external_id, a.currency, a.created_at, a.profile_version, a.imported_version, \
         p.digest, d.state \
         FROM account a JOIN billing_profile p ON p.account_id = a.id AND p.version = a.imported_version \
         LEFT JOIN account_deletion d ON d.account_id = a.id AND d.state = 'done'",
    )
    .fetch(conn);
    let mut accounts = Vec::new();
    while let Some((id, external_id, currency, created_at, profile, imported, digest, deleted)) =
        rows.try_next().await?
    {
        accounts.push(KnownAccount {
            id: AccountId(id),
            currency: at("account", "currency").parse(id, &currency)?,
            created_at: Instant(created_at),
            profile: ProfileId(profile),
            imported: ProfileId(imported),
            imported_digest: at("billing_profile", "digest").digest(id, &digest)?,
            is_deleted: deleted.is_some(),
            external_id,
        });
    }
    Ok(accounts)
}

/// The key of an account by the platform's id.
///
/// # Errors
/// When the database refuses.
pub async fn find_account(conn: &mut Conn, external_id: &str) -> Result<Option<AccountId>> {
    let id: Option<i64> = sqlx::query_scalar("SELECT id FROM account WHERE external_id = $1")
        .bind(external_id)
        .fetch_optional(conn)
        .await?;
    Ok(id.map(AccountId))
}

/// The platform's id of an account.
///
/// # Errors
/// When the database refuses, or there is no such account.
pub async fn external_id(conn: &mut Conn, account: AccountId) -> Result<String> {
    Ok(
        sqlx::query_scalar("SELECT external_id FROM account WHERE id = $1")
            .bind(account.0)
            .fetch_one(conn)
            .await?,
    )
}

/// How many accounts there are.
///
/// # Errors
/// When the database refuses.
pub async fn count_accounts(conn: &mut Conn) -> Result<i64> {
    Ok(sqlx::query_scalar("SELECT COUNT(*) FROM account")
        .fetch_one(conn)
        .await?)
}

/// Inserts new accounts and new versions of known ones.
///
/// # Errors
/// When the database refuses.
pub async fn write_accounts(conn: &mut Conn, versions: &[AccountVersion]) -> Result<()> {
    let new: Vec<&AccountVersion> = versions
        .iter()
        .filter(|version| version.profile.0 == 1)
        .collect();
    for chunk in new.chunks(ROWS_PER_INSERT) {
        let mut query = QueryBuilder::<Db>::new(
            "INSERT INTO account (id, external_id, currency, created_at, profile_version) ",
        );
        query.push_values(chunk, |mut values, version| {
            values
                .push_bind(version.id.0)
                .push_bind(version.content.account.as_str())
                .push_bind(version.currency.code())
                .push_bind(version.created_at.0)
                .push_bind(version.profile.0);
        });
        query.build().execute(&mut *conn).await?;
    }
    for version in versions.iter().filter(|version| version.profile.0 > 1) {
        sqlx::query("UPDATE account SET profile_version = $2 WHERE id = $1")
            .bind(version.id.0)
            .bind(version.profile.0)
            .execute(&mut *conn)
            .await?;
    }
    super::profile::insert_profiles(conn, versions).await
}

/// Notes which version of an account's profile says what the platform's last file said.
///
/// # Errors
/// When the database refuses.
pub async fn note_imported(conn: &mut Conn, account: AccountId, version: ProfileId) -> Result<()> {
    sqlx::query("UPDATE account SET imported_version = $2 WHERE id = $1")
        .bind(account.0)
        .bind(version.0)
        .execute(conn)
        .await?;
    Ok(())
}

/// What the platform's last file said of an account.
///
/// # Errors
/// When the database refuses or holds nonsense, or there is no such account.
pub async fn imported_profile(conn: &mut Conn, account: AccountId) -> Result<BillingProfile> {
    #[derive(sqlx::FromRow)]
    struct Row {
        external_id: String,
        #[sqlx(flatten)]
        profile: ProfileRow,
    }
    let sql = format!(
        "SELECT a.external_id, {COLUMNS} FROM account a JOIN billing_profile p ON p.account_id = a.id \
         AND p.version = a.imported_version WHERE a.id = $1"
    );
    let row: Row = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(account.0)
        .fetch_one(conn)
        .await?;
    row.profile.profile(row.external_id, account)
}

/// The profile that an account's next invoice prints, and when the account was made.
///
/// # Errors
/// When the database refuses or holds nonsense, or there is no such account.
pub async fn current_profile(
    conn: &mut Conn,
    account: AccountId,
) -> Result<(BillingProfile, Instant)> {
    let version = current_version(conn, account).await?;
    Ok((version.content, version.created_at))
}

/// The version of its profile that an account's next invoice refers to.
///
/// # Errors
/// When the database refuses or holds nonsense, or there is no such account.
pub async fn current_version(conn: &mut Conn, account: AccountId) -> Result<AccountVersion> {
    #[derive(sqlx::FromRow)]
    struct Row {
        external_id: String,
        currency: String,
        created_at: i64,
        version: i32,
        digest: Vec<u8>,
        #[sqlx(flatten)]
        profile: ProfileRow,
    }
    let sql = format!(
        "SELECT a.external_id, a.currency, a.created_at, p.version, p.digest, {COLUMNS} \
         FROM account a JOIN billing_profile p ON p.account_id = a.id AND p.version = a.profile_version \
         WHERE a.id = $1"
    );
    let row: Row = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(account.0)
        .fetch_one(conn)
        .await?;
    Ok(AccountVersion {
        id: account,
        profile: ProfileId(row.version),
        currency: at("account", "currency").parse(account, &row.currency)?,
        created_at: Instant(row.created_at),
        digest: at("billing_profile", "digest").digest(account, &row.digest)?,
        content: row.profile.profile(row.external_id, account)?,
    })
}

/// The currency an account is billed in.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn account_currency(conn: &mut Conn, account: AccountId) -> Result<Currency> {
    let code: String = sqlx::query_scalar("SELECT currency FROM account WHERE id = $1")
        .bind(account.0)
        .fetch_one(conn)
        .await?;
    at("account", "currency").parse(account, &code)
}

/// When the customer of an account ended its free trial, if it did.
///
/// # Errors
/// When the database refuses, or there is no such account.
pub async fn trial_ended_at(conn: &mut Conn, account: AccountId) -> Result<Option<Instant>> {
    let at: Option<i64> = sqlx::query_scalar("SELECT trial_ended_at FROM account WHERE id = $1")
        .bind(account.0)
        .fetch_one(conn)
        .await?;
    Ok(at.map(Instant))
}

/// Ends the free trial of an account. The caller holds its profile.
///
/// # Errors
/// When the database refuses.
pub async fn end_trial(conn: &mut Conn, account: AccountId, now: Instant) -> Result<()> {
    sqlx::query("UPDATE account SET trial_ended_at = $2 WHERE id = $1")
        .bind(account.0)
        .bind(now.0)
        .execute(conn)
        .await?;
    Ok(())
}

/// The language that a customer's documents are in.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn account_language(conn: &mut Conn, account: AccountId) -> Result<Language> {
    let code: String = sqlx::query_scalar(
        "SELECT p.language FROM account a JOIN billing_profile p ON p.account_id = a.id \
         AND p.version = a.profile_version WHERE a.id = $1",
    )
    .bind(account.0)
    .fetch_one(conn)
    .await?;
    at("billing_profile", "language").parse(account, &code)
}

/// The platform's ids of accounts.
///
/// # Errors
/// When the database refuses.
pub async fn external_ids(
    conn: &mut Conn,
    accounts: &[AccountId],
) -> Result<HashMap<AccountId, String>> {
    let mut found = HashMap::with_capacity(accounts.len());
    for chunk in accounts.chunks(ROWS_PER_INSERT) {
        let mut query =
            QueryBuilder::<Db>::new("SELECT id, external_id FROM account WHERE id IN (");
        let mut ids = query.separated(", ");
        for account in chunk {
            ids.push_bind(account.0);
        }
        query.push(")");
        let rows: Vec<(i64, String)> = query.build_query_as().fetch_all(&mut *conn).await?;
        found.extend(rows.into_iter().map(|(id, name)| (AccountId(id), name)));
    }
    Ok(found)
}
