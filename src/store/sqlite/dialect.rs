//! What only SQLite does.

use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::query_builder::Separated;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{QueryBuilder, Sqlite, SqlitePool};

use super::queries::Conn;
use crate::domain::calendar::PeriodKey;
use crate::store::rows::{NewInvoice, NewOutcome, NumberedInvoice, UsageRow};
use crate::store::{IfMissing, StoreError};

/// One writer connection, so that nobody inside the process finds the database
/// busy, and readers beside it.
#[derive(Clone)]
pub struct Pools {
    writer: SqlitePool,
    reader: SqlitePool,
}

pub type Tx = sqlx::Transaction<'static, Sqlite>;

/// What the schema is made of.
pub static MIGRATOR: Migrator = sqlx::migrate!("migrations/sqlite");

/// Rows of one multi-row INSERT: large enough to pay, far below the limit of
/// 32,766 parameters.
const ROWS_PER_INSERT: usize = 500;
const READERS_MAX: u32 = 6;
/// Rows that a connection's own thread reads ahead; with the few that are the
/// default it waits for its reader all the time.
const ROW_BUFFER: usize = 2_000;
/// Another process may hold the write lock for as long as its import takes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(600);

/// # Errors
/// See [`crate::store::Store::open`].
pub async fn open(url: &str, if_missing: IfMissing) -> Result<Pools, StoreError> {
    let cannot_open = |source| StoreError::Open {
        database: url.to_owned(),
        source,
    };
    let options = SqliteConnectOptions::from_str(url).map_err(cannot_open)?;
    if if_missing == IfMissing::Refuse && !options.get_filename().exists() {
        return Err(StoreError::Missing(url.to_owned()));
    }
    let options = options
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // In WAL mode a crash of the machine may lose the last commits but
        // never corrupts; FULL also keeps every commit, which invoices need.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
        .foreign_keys(true)
        .row_buffer_size(ROW_BUFFER)
        .pragma("temp_store", "memory");
    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        // A file does not hang up: to ask a connection whether it is still there costs
        // as much as a query, once a transaction.
        .test_before_acquire(false)
        // As long as the one before may wait for another process.
        .acquire_timeout(BUSY_TIMEOUT)
        .connect_with(options.clone().pragma("cache_size", "-16384"))
        .await
        .map_err(cannot_open)?;
    MIGRATOR.run(&writer).await?;
    let reader = SqlitePoolOptions::new()
        .max_connections(READERS_MAX)
        .test_before_acquire(false)
        .connect_with(
            options
                .pragma("cache_size", "-4096")
                .pragma("query_only", "on"),
        )
        .await
        .map_err(cannot_open)?;
    Ok(Pools { writer, reader })
}

impl Pools {
    pub async fn close(self) {
        self.reader.close().await;
        self.writer.close().await;
    }
}

/// # Errors
/// When another process holds the write lock for too long.
pub async fn begin(pools: &Pools) -> sqlx::Result<Tx> {
    pools.writer.begin_with("BEGIN IMMEDIATE").await
}

/// # Errors
/// When the database does not answer.
pub async fn snapshot(pools: &Pools) -> sqlx::Result<Tx> {
    pools.reader.begin().await
}

/// Readers wait for nobody.
///
/// # Errors
/// Never.
#[allow(clippy::unused_async, reason = "the same shape as on PostgreSQL")]
pub async fn limit_statements(_conn: &mut Conn, _within: Duration) -> sqlx::Result<()> {
    Ok(())
}

/// The write lock is gate enough.
///
/// # Errors
/// Never.
#[allow(clippy::unused_async, reason = "the same shape as on PostgreSQL")]
pub async fn close_gate(_conn: &mut Conn) -> sqlx::Result<()> {
    Ok(())
}

/// One writer at a time: nothing to lock.
pub const CLAIM_RANGE: &str = "SELECT range_no, account_from, account_to FROM billing_run_range \
     WHERE run_id = $1 AND done = 0 ORDER BY range_no LIMIT 1";

/// To have begun is to have waited.
pub const WAIT_RANGE: &str = CLAIM_RANGE;

pub const HOLD_GATE: &str = "SELECT id FROM billing_gate WHERE id = 1";

pub const LOCK_ALLOWANCE: &str = "SELECT id FROM allowance WHERE account_id = $1 AND id = $2";

pub const LOCK_ACCOUNT: &str = "SELECT id FROM account WHERE id = $1";

pub const LOCK_RUN: &str = "SELECT id FROM billing_run WHERE id = $1";

/// One writer at a time: nobody else has rows in hand.
pub const SKIP_LOCKED_MESSAGES: &str = "";

/// # Errors
/// When the database refuses.
pub async fn insert_lines(
    conn: &mut Conn,
    period: PeriodKey,
    invoices: &[NewInvoice],
) -> sqlx::Result<()> {
    // The same in every row: a number in the statement saves a bind a row.
    let month = period.to_number();
    let lines: Vec<_> = invoices
        .iter()
        .flat_map(|invoice| {
            (1_i32..)
                .zip(&invoice.lines)
                .map(move |(no, line)| (invoice.account.0, no, line))
        })
        .collect();
    for chunk in lines.chunks(ROWS_PER_INSERT) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "INSERT OR FAIL INTO invoice_line (account_id, period, kind, line_no, line_kind, usage_period, \
             sku_id, price_id, minutes, allowance_id, amount_minor, app) ",
        );
        query.push_values(chunk, |mut values, (account, no, line)| {
            let usage = line.usage.as_ref();
            values
                .push_bind(*account)
                .push(month)
                .push("1")
                .push_bind(*no)
                .push_bind(super::queries::line_kind_code(line.kind))
                .push_bind(line.period.to_number())
                .push_bind(usage.map(|usage| usage.sku.0))
                .push_bind(usage.map(|usage| usage.price.0))
                .push_bind(usage.map(|usage| usage.minutes))
                .push_bind(line.allowance.map(|id| id.0))
                .push_bind(line.amount_minor)
                .push_bind(usage.map(|usage| usage.app.as_str()));
        });
        query.build().execute(&mut *conn).await?;
    }
    Ok(())
}

/// # Errors
/// When the database refuses.
pub async fn insert_vat(
    conn: &mut Conn,
    period: PeriodKey,
    invoices: &[NewInvoice],
) -> sqlx::Result<()> {
    let month = period.to_number();
    for chunk in invoices.chunks(ROWS_PER_INSERT) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "INSERT OR FAIL INTO invoice_vat (account_id, period, kind, category, rate, base_minor, amount_minor) ",
        );
        query.push_values(chunk, |mut values, invoice| {
            values
                .push_bind(invoice.account.0)
                .push(month)
                .push("1")
                .push_bind(invoice.vat.category.code())
                .push_bind(invoice.vat.rate.normalize().to_string())
                .push_bind(invoice.vat.base_minor)
                .push_bind(invoice.vat.amount_minor);
        });
        query.build().execute(&mut *conn).await?;
    }
    Ok(())
}

/// # Errors
/// A unique violation when another transaction settled one of the accounts.
pub async fn insert_outcomes(
    conn: &mut Conn,
    period: PeriodKey,
    outcomes: &[&NewOutcome],
) -> sqlx::Result<()> {
    let month = period.to_number();
    for chunk in outcomes.chunks(ROWS_PER_INSERT) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "INSERT OR FAIL INTO period_outcome (account_id, period, outcome, total_minor, reason, parked_minor) ",
        );
        query.push_values(chunk, |mut values, outcome| {
            values
                .push_bind(outcome.account.0)
                .push(month)
                .push_bind(outcome.outcome.code())
                .push_bind(outcome.total_minor)
                .push_bind(outcome.reason.as_deref())
                .push_bind(outcome.parked_minor);
        });
        query.build().execute(&mut *conn).await?;
    }
    Ok(())
}

/// # Errors
/// When the database refuses.
pub async fn insert_invoices(
    conn: &mut Conn,
    head: &super::queries::BatchHead<'_>,
    invoices: &[NewInvoice],
    numbered: &[NumberedInvoice],
) -> sqlx::Result<()> {
    let rows: Vec<_> = invoices.iter().zip(numbered).collect();
    let (issued_on, due_on) = (head.issued_on.to_string(), head.due_on.to_string());
    let month = head.period.to_number();
    for chunk in rows.chunks(ROWS_PER_INSERT) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "INSERT OR FAIL INTO invoice (account_id, period, kind, series, year, sequence, issued_on, due_on, \
             currency, profile_version, issuer_id, net_minor, vat_minor, total_minor, content_digest, hash) ",
        );
        query.push_values(chunk, |mut values, (invoice, numbered)| {
            values
                .push_bind(invoice.account.0)
                .push(month)
                .push("1")
                .push_bind(head.series)
                .push_bind(head.year)
                .push_bind(numbered.number.sequence)
                .push_bind(issued_on.as_str())
                .push_bind(due_on.as_str())
                .push_bind(invoice.currency.code())
                .push_bind(invoice.profile.0)
                .push_bind(head.issuer.0)
                .push_bind(invoice.net_minor)
                .push_bind(invoice.vat_minor)
                .push_bind(invoice.total_minor)
                .push_bind(&invoice.content_digest.0[..])
                .push_bind(&numbered.hash.0[..]);
        });
        query.build().execute(&mut *conn).await?;
    }
    Ok(())
}

/// The statement that makes the import's staging table, empty at each use.
pub const CREATE_STAGING: &str = "CREATE TEMP TABLE IF NOT EXISTS usage_staging (\
     line INTEGER NOT NULL, account_id INTEGER NOT NULL, sku_id INTEGER NOT NULL, \
     started_at INTEGER NOT NULL, ended_at INTEGER, quantity INTEGER NOT NULL, \
     app TEXT NOT NULL, event_id TEXT NOT NULL)";

/// Inserts rows into `usage_interval`. OR FAIL, because the caller takes the
/// whole transaction back on an error: SQLite then keeps no copy of every page
/// it touches in order to take back one statement.
///
/// # Errors
/// A unique violation when an event is known already.
pub async fn insert_usage(conn: &mut Conn, rows: &[UsageRow]) -> sqlx::Result<()> {
    for chunk in rows.chunks(ROWS_PER_INSERT) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "INSERT OR FAIL INTO usage_interval (account_id, sku_id, started_at, ended_at, quantity, app, event_id) ",
        );
        query.push_values(chunk, |mut values, row| {
            bind_usage(&mut values, row);
        });
        query.build().execute(&mut *conn).await?;
    }
    Ok(())
}

/// Inserts blocks of rows until one holds an event that is known; how many were
/// added. Asking first costs less than a savepoint, which copies every page that
/// the chunk touches.
///
/// # Errors
/// When the database refuses.
pub async fn insert_usage_while_new(
    conn: &mut Conn,
    rows: &[UsageRow],
) -> Result<usize, StoreError> {
    let mut added = 0;
    for chunk in rows.chunks(ROWS_PER_INSERT) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT EXISTS (SELECT 1 FROM usage_interval WHERE event_id IN (",
        );
        let mut ids = query.separated(", ");
        for row in chunk {
            ids.push_bind(row.event_id.as_str());
        }
        query.push("))");
        let known: i64 = query.build_query_scalar().fetch_one(&mut *conn).await?;
        if known != 0 {
            break;
        }
        insert_usage(&mut *conn, chunk).await?;
        added += chunk.len();
    }
    Ok(added)
}

/// Gives the writer the memory that an import of millions of rows wants: its
/// rows fall all over two trees.
///
/// # Errors
/// When the database refuses.
pub async fn begin_bulk_import(conn: &mut Conn) -> sqlx::Result<()> {
    sqlx::query("PRAGMA cache_size = -131072")
        .execute(conn)
        .await
        .map(drop)
}

fn bind_usage(values: &mut Separated<'_, Sqlite, &'static str>, row: &UsageRow) {
    values
        .push_bind(row.account.0)
        .push_bind(row.sku.0)
        .push_bind(row.started_at.0)
        .push_bind(row.ended_at.map(|at| at.0))
        .push_bind(row.quantity)
        .push_bind(row.app.as_str())
        .push_bind(row.event_id.as_str());
}

/// Inserts rows into the staging table.
///
/// # Errors
/// When the database refuses.
pub async fn stage_usage(conn: &mut Conn, rows: &[UsageRow]) -> sqlx::Result<()> {
    for chunk in rows.chunks(ROWS_PER_INSERT) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "INSERT INTO usage_staging (line, account_id, sku_id, started_at, ended_at, quantity, app, event_id) ",
        );
        query.push_values(chunk, |mut values, row| {
            values.push_bind(row.line);
            bind_usage(&mut values, row);
        });
        query.build().execute(&mut *conn).await?;
    }
    Ok(())
}

/// Folds the write-ahead log back into the file, so that it does not stay as
/// large as the import was.
///
/// # Errors
/// When the database refuses.
pub async fn settle_after_import(pools: &Pools) -> sqlx::Result<()> {
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
        .execute(&pools.writer)
        .await
        .map(drop)
}
