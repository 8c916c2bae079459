//! The least a month run can be: one transaction of `INSERT ... SELECT ...
//! GROUP BY` written by hand for each database, invoices and lines only.

use std::str::FromStr as _;

use anyhow::Result;
use quittance::domain::calendar::BillingPeriod;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _};

use crate::support::sample::MONTH;

/// What a run writes, emptied before each measurement; first what refers to it.
const OUTPUT: [&str; 18] = [
    "dunning_step",
    "account_suspension",
    "deletion_approval",
    "sepa_debit",
    "payment_dispute",
    "refund",
    "audit_entry",
    "ledger_posting",
    "ledger_entry",
    "payment_attempt",
    "open_invoice",
    "invoice",
    "invoice_line",
    "invoice_vat",
    "period_outcome",
    "number_series",
    "billing_run_range",
    "billing_run",
];

pub enum Floor {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

impl Floor {
    pub async fn open(url: &str) -> Result<Self> {
        if url.starts_with("sqlite:") {
            // As the store opens its writer.
            let options = SqliteConnectOptions::from_str(url)?
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .pragma("temp_store", "memory")
                .pragma("cache_size", "-16384");
            Ok(Self::Sqlite(options.connect().await?))
        } else {
            Ok(Self::Postgres(PgConnection::connect(url).await?))
        }
    }

    /// Bills the month.
    pub async fn run(&mut self) -> Result<()> {
        let period = BillingPeriod::new(MONTH.parse()?, chrono_tz::Europe::Paris)?;
        let (start, end) = (period.start.0, period.end.0);
        match self {
            Self::Postgres(conn) => {
                let statements = statements(&PG, start, end);
                conn.execute(AssertSqlSafe(statements)).await?;
            }
            Self::Sqlite(conn) => {
                let statements = statements(&SQLITE, start, end);
                conn.execute(AssertSqlSafe(statements)).await?;
            }
        }
        Ok(())
    }
}

/// What the two databases say differently.
struct Dialect {
    /// The price of a minute, and minutes times it in cents, half up: exact.
    per_minute: &'static str,
    amount: &'static str,
    least: &'static str,
    greatest: &'static str,
    no_digest: &'static str,
}

const PG: Dialect = Dialect {
    per_minute: "ROUND(CAST(p.per_30_days AS NUMERIC) / 43200, 10)",
    amount: "CAST(ROUND(minutes * per_minute * 100) AS BIGINT)",
    least: "LEAST",
    greatest: "GREATEST",
    no_digest: "''::bytea",
};

/// SQLite has no decimals: ten-billionths of a unit, as integers.
const SQLITE: Dialect = Dialect {
    per_minute: "CAST(ROUND(CAST(p.per_30_days AS REAL) * 10000000000 / 43200) AS INTEGER)",
    amount: "(minutes * per_minute + 50000000) / 100000000",
    least: "MIN",
    greatest: "MAX",
    no_digest: "x''",
};

fn statements(dialect: &Dialect, start: i64, end: i64) -> String {
    let Dialect {
        per_minute,
        amount,
        least,
        greatest,
        no_digest,
    } = dialect;
    format!(
        "BEGIN;
         CREATE TEMP TABLE floor_price AS SELECT s.id AS sku_id, p.id AS price_id, {per_minute} AS per_minute
             FROM sku s JOIN price p ON p.kind = s.kind AND p.plan = s.plan AND p.currency = 'EUR';
         CREATE TEMP TABLE floor_line AS
             SELECT account_id, app, sku_id, price_id, minutes, {amount} AS amount_minor
             FROM (SELECT account_id, app, sku_id, (SUM(quantity *
                 ({least}(COALESCE(ended_at, {end}), {end}) / 1000000
                 - {greatest}(started_at, {start}) / 1000000)) + 59) / 60 AS minutes
                 FROM usage_interval WHERE started_at < {end} AND (ended_at IS NULL OR ended_at > {start})
                 GROUP BY account_id, app, sku_id) AS used JOIN floor_price USING (sku_id);
         INSERT INTO invoice_line (account_id, period, kind, line_no, line_kind, usage_period, sku_id, price_id,
             minutes, amount_minor, app)
             SELECT account_id, 202610, 1, ROW_NUMBER() OVER (PARTITION BY account_id ORDER BY app, sku_id), 1,
             202610, sku_id, price_id, minutes, amount_minor, app FROM floor_line;
         INSERT INTO invoice (account_id, period, kind, series, year, sequence, issued_on, due_on, currency,
             profile_version, issuer_id, net_minor, vat_minor, total_minor, content_digest, hash)
             SELECT account_id, 202610, 1, 'Q', 2026, ROW_NUMBER() OVER (ORDER BY account_id), '2026-11-01',
             '2026-11-01', 'EUR', 1, 1, SUM(amount_minor), 0, SUM(amount_minor), {no_digest}, {no_digest}
             FROM floor_line GROUP BY account_id;
         DROP TABLE floor_line;
         DROP TABLE floor_price;
         COMMIT;"
    )
}

/// Empties what a run writes, and lets the database come to rest.
pub async fn reset(url: &str) -> Result<()> {
    match Floor::open(url).await? {
        Floor::Postgres(mut conn) => {
            let truncate = format!("TRUNCATE {}", OUTPUT.join(", "));
            conn.execute(AssertSqlSafe(truncate)).await?;
            conn.execute("CHECKPOINT").await?;
        }
        Floor::Sqlite(mut conn) => {
            for table in OUTPUT {
                conn.execute(AssertSqlSafe(format!("DELETE FROM {table}")))
                    .await?;
            }
            conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").await?;
            conn.close().await?;
        }
    }
    Ok(())
}

pub async fn count_lines(url: &str) -> Result<i64> {
    const SQL: &str = "SELECT COUNT(*) FROM invoice_line";
    Ok(match Floor::open(url).await? {
        Floor::Postgres(mut conn) => sqlx::query_scalar(SQL).fetch_one(&mut conn).await?,
        Floor::Sqlite(mut conn) => sqlx::query_scalar(SQL).fetch_one(&mut conn).await?,
    })
}
