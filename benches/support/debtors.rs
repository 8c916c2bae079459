//! Accounts that owe an invoice each, put straight into the tables.

use anyhow::Result;
use sqlx::{AssertSqlSafe, Connection as _};

/// Of every invoice, in minor units.
pub const TOTAL_MINOR: i64 = 1_500;

/// How a blob of 32 bytes is written.
pub fn blob(url: &str) -> &'static str {
    if url.starts_with("sqlite:") {
        "zeroblob(32)"
    } else {
        "CAST('x' AS BYTEA)"
    }
}

/// The numbers from 0 on, as `each (n)`.
pub fn each(accounts: u64) -> String {
    format!(
        "WITH RECURSIVE each (n) AS (SELECT CAST(0 AS BIGINT) UNION ALL SELECT n + 1 FROM each \
         WHERE n + 1 < {accounts})"
    )
}

/// So many accounts with an open invoice each.
pub async fn insert(url: &str, accounts: u64) -> Result<()> {
    super::engine(url).await?.store.close().await;
    let (each, blob) = (each(accounts), blob(url));
    execute(
        url,
        format!(
            "INSERT INTO account (id, external_id, currency, created_at, profile_version) {each} \
             SELECT n, 'acc-' || CAST(n AS TEXT), 'EUR', 1, 1 FROM each"
        ),
    )
    .await?;
    execute(
        url,
        format!(
            "INSERT INTO invoice (account_id, period, kind, series, year, sequence, issued_on, due_on, currency, \
             profile_version, issuer_id, net_minor, vat_minor, total_minor, content_digest, hash) {each} \
             SELECT n, 202610, 1, 'Q', 2026, n + 1, '2026-11-02', '2026-11-02', 'EUR', 1, 1, 1250, 250, \
             {TOTAL_MINOR}, {blob}, {blob} FROM each"
        ),
    )
    .await?;
    execute(
        url,
        "INSERT INTO open_invoice (account_id, period, kind, open_minor) \
         SELECT account_id, period, kind, total_minor FROM invoice"
            .to_owned(),
    )
    .await
}

pub async fn execute(url: &str, statement: String) -> Result<()> {
    let statement = AssertSqlSafe(statement);
    if url.starts_with("sqlite:") {
        let mut conn = sqlx::SqliteConnection::connect(url).await?;
        sqlx::raw_sql(statement).execute(&mut conn).await?;
    } else {
        let mut conn = sqlx::PgConnection::connect(url).await?;
        sqlx::raw_sql(statement).execute(&mut conn).await?;
    }
    Ok(())
}
