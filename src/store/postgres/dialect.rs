//! What only PostgreSQL does.

use std::ops::{Deref, DerefMut};
use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgPool, Postgres};

use super::copy::CopyRows;
use super::lookup::{Lookup, Lookups};
use super::queries::Conn;
use crate::domain::calendar::PeriodKey;
use crate::store::StoreError;
use crate::store::rows::{NewInvoice, NewOutcome, NumberedInvoice, UsageRow};

/// Connections for anything, and those that only look up what one account has.
#[derive(Clone)]
pub struct Pools {
    any: PgPool,
    lookups: Lookups,
}

/// A transaction, or a connection that is in none.
pub enum Tx {
    Whole(sqlx::Transaction<'static, Postgres>),
    Lookup(Lookup),
}

impl Deref for Tx {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        match self {
            Self::Whole(tx) => tx,
            Self::Lookup(conn) => conn,
        }
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Conn {
        match self {
            Self::Whole(tx) => tx,
            Self::Lookup(conn) => conn,
        }
    }
}

impl Tx {
    /// # Errors
    /// When the database refuses the commit.
    pub async fn commit(self) -> sqlx::Result<()> {
        match self {
            Self::Whole(tx) => tx.commit().await,
            Self::Lookup(conn) => {
                conn.done();
                Ok(())
            }
        }
    }

    /// # Errors
    /// When the connection is lost.
    pub async fn rollback(self) -> sqlx::Result<()> {
        match self {
            Self::Whole(tx) => tx.rollback().await,
            Self::Lookup(conn) => {
                conn.done();
                Ok(())
            }
        }
    }
}

/// What the schema is made of.
pub static MIGRATOR: Migrator = sqlx::migrate!("migrations/postgres");

/// Workers, progress and a command's own connection.
const CONNECTIONS_MAX: u32 = 20;
/// While an import holds the gate, more workers than connections wait.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(600);

/// # Errors
/// See [`crate::store::Store::open`].
pub async fn open(url: &str) -> Result<Pools, StoreError> {
    // A password stands before the last @ or among the parameters.
    let place = url.rsplit('@').next().unwrap_or_default();
    let place = place.split_once('?').map_or(place, |(place, _)| place);
    let cannot_open = |source| StoreError::Open {
        database: place.trim_start_matches("postgres://").to_owned(),
        source,
    };
    let options = PgConnectOptions::from_str(url)
        .map_err(cannot_open)?
        .application_name("quittance");
    // A pool tries a server that refuses for half a minute, and then only says
    // that it waited: ask once by hand first.
    let probe = options.connect().await.map_err(cannot_open)?;
    probe.close().await.map_err(cannot_open)?;
    let any = PgPoolOptions::new()
        .max_connections(CONNECTIONS_MAX)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .connect_with(options.clone())
        .await
        .map_err(cannot_open)?;
    MIGRATOR.run(&any).await?;
    Ok(Pools {
        any,
        lookups: Lookups::new(options)?,
    })
}

impl Pools {
    pub async fn close(self) {
        self.lookups.close();
        self.any.close().await;
    }
}

/// # Errors
/// When the database does not answer.
pub async fn begin(pools: &Pools) -> sqlx::Result<Tx> {
    pools.any.begin().await.map(Tx::Whole)
}

/// # Errors
/// When the database does not answer.
pub async fn snapshot(pools: &Pools) -> sqlx::Result<Tx> {
    let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    pools.any.begin_with(begin).await.map(Tx::Whole)
}

/// # Errors
/// When the database does not answer.
pub async fn lookup(pools: &Pools) -> sqlx::Result<Tx> {
    pools.lookups.get().await.map(Tx::Lookup)
}

/// Ends every statement of the transaction that takes longer, also in waiting for a
/// lock: whoever stopped to wait for it would leave its connection there.
///
/// # Errors
/// When the database refuses.
pub async fn limit_statements(conn: &mut Conn, within: Duration) -> sqlx::Result<()> {
    let limit = format!("SET LOCAL statement_timeout = {}", within.as_millis());
    sqlx::query(AssertSqlSafe(limit))
        .execute(conn)
        .await
        .map(drop)
}

/// Holds imports off until the end of the batch's transaction, and waits for
/// one under way.
///
/// # Errors
/// When the database refuses.
pub async fn close_gate(conn: &mut Conn) -> sqlx::Result<()> {
    sqlx::query("LOCK TABLE billing_gate IN SHARE MODE")
        .execute(conn)
        .await
        .map(drop)
}

/// Workers, processes and hosts each take another range; a crash frees it.
pub const CLAIM_RANGE: &str = "SELECT range_no, account_from, account_to FROM billing_run_range \
     WHERE run_id = $1 AND done = 0 ORDER BY range_no LIMIT 1 FOR UPDATE SKIP LOCKED";

/// Waits for the process that holds the range.
pub const WAIT_RANGE: &str = "SELECT range_no FROM billing_run_range \
     WHERE run_id = $1 AND done = 0 ORDER BY range_no LIMIT 1 FOR UPDATE";

/// Excludes imports, but not the batches of a run.
pub const HOLD_GATE: &str = "SELECT id FROM billing_gate WHERE id = 1 FOR UPDATE";

/// Holds an allowance until the end of the transaction.
pub const LOCK_ALLOWANCE: &str =
    "SELECT id FROM allowance WHERE account_id = $1 AND id = $2 FOR UPDATE";

/// Holds an account's money until the end of the transaction. Rows that refer to
/// the account may still be written: its key does not change.
///
/// What follows in the transaction is about one account: its plans are the same
/// each time, so they are kept, and they never read a whole table. Left to choose,
/// PostgreSQL plans a list of keys anew for each call, which is half the work of
/// charging a card; and a plan kept from when a table was empty would read it whole.
pub const LOCK_ACCOUNT: &str = "SELECT id, \
     SET_CONFIG('plan_cache_mode', 'force_generic_plan', TRUE), \
     SET_CONFIG('enable_seqscan', 'off', TRUE) \
     FROM account WHERE id = $1 FOR NO KEY UPDATE";

/// Holds a run's row until the end of the transaction.
pub const LOCK_RUN: &str = "SELECT id FROM billing_run WHERE id = $1 FOR UPDATE";

/// Another worker may be about to take some of them.
pub const SKIP_LOCKED_MESSAGES: &str = " FOR UPDATE OF o SKIP LOCKED";

/// # Errors
/// When the database refuses.
pub async fn insert_lines(
    conn: &mut Conn,
    period: PeriodKey,
    invoices: &[NewInvoice],
) -> sqlx::Result<()> {
    let count = invoices.iter().map(|invoice| invoice.lines.len()).sum();
    let mut account: Vec<i64> = Vec::with_capacity(count);
    let mut line_no: Vec<i32> = Vec::with_capacity(count);
    let mut line_kind: Vec<i16> = Vec::with_capacity(count);
    let mut usage_period: Vec<i32> = Vec::with_capacity(count);
    let mut sku: Vec<Option<i64>> = Vec::with_capacity(count);
    let mut price: Vec<Option<i64>> = Vec::with_capacity(count);
    let mut minutes: Vec<Option<i64>> = Vec::with_capacity(count);
    let mut allowance: Vec<Option<i64>> = Vec::with_capacity(count);
    let mut amount: Vec<i64> = Vec::with_capacity(count);
    let mut app: Vec<Option<&str>> = Vec::with_capacity(count);
    for invoice in invoices {
        for (no, line) in (1_i32..).zip(&invoice.lines) {
            let usage = line.usage.as_ref();
            account.push(invoice.account.0);
            line_no.push(no);
            line_kind.push(super::queries::line_kind_code(line.kind));
            usage_period.push(line.period.to_number());
            sku.push(usage.map(|usage| usage.sku.0));
            price.push(usage.map(|usage| usage.price.0));
            minutes.push(usage.map(|usage| usage.minutes));
            allowance.push(line.allowance.map(|id| id.0));
            amount.push(line.amount_minor);
            app.push(usage.map(|usage| usage.app.as_str()));
        }
    }
    sqlx::query(
        "INSERT INTO invoice_line (account_id, period, kind, line_no, line_kind, usage_period, \
         sku_id, price_id, minutes, allowance_id, amount_minor, app) \
         SELECT a, $1, 1, n, k, u, s, p, m, w, t, x FROM UNNEST($2::bigint[], $3::int[], \
         $4::smallint[], $5::int[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], \
         $10::bigint[], $11::text[]) AS line(a, n, k, u, s, p, m, w, t, x)",
    )
    .bind(period.to_number())
    .bind(&account)
    .bind(&line_no)
    .bind(&line_kind)
    .bind(&usage_period)
    .bind(&sku)
    .bind(&price)
    .bind(&minutes)
    .bind(&allowance)
    .bind(&amount)
    .bind(&app)
    .execute(conn)
    .await
    .map(drop)
}

/// # Errors
/// When the database refuses.
pub async fn insert_vat(
    conn: &mut Conn,
    period: PeriodKey,
    invoices: &[NewInvoice],
) -> sqlx::Result<()> {
    let account: Vec<i64> = invoices.iter().map(|invoice| invoice.account.0).collect();
    let vat = || invoices.iter().map(|invoice| &invoice.vat);
    let category: Vec<&str> = vat().map(|vat| vat.category.code()).collect();
    let rate: Vec<String> = vat().map(|vat| vat.rate.normalize().to_string()).collect();
    let base: Vec<i64> = vat().map(|vat| vat.base_minor).collect();
    let amount: Vec<i64> = vat().map(|vat| vat.amount_minor).collect();
    sqlx::query(
        "INSERT INTO invoice_vat (account_id, period, kind, category, rate, base_minor, amount_minor) \
         SELECT a, $1, 1, c, r, b, t FROM UNNEST($2::bigint[], $3::text[], $4::text[], \
         $5::bigint[], $6::bigint[]) AS vat(a, c, r, b, t)",
    )
    .bind(period.to_number())
    .bind(&account)
    .bind(&category)
    .bind(&rate)
    .bind(&base)
    .bind(&amount)
    .execute(conn)
    .await
    .map(drop)
}

/// # Errors
/// A unique violation when another transaction settled one of the accounts.
pub async fn insert_outcomes(
    conn: &mut Conn,
    period: PeriodKey,
    outcomes: &[&NewOutcome],
) -> sqlx::Result<()> {
    let account: Vec<i64> = outcomes.iter().map(|outcome| outcome.account.0).collect();
    let code: Vec<i16> = outcomes
        .iter()
        .map(|outcome| outcome.outcome.code())
        .collect();
    let total: Vec<i64> = outcomes.iter().map(|outcome| outcome.total_minor).collect();
    let parked: Vec<Option<i64>> = outcomes.iter().map(|o| o.parked_minor).collect();
    let reason: Vec<Option<&str>> = outcomes
        .iter()
        .map(|outcome| outcome.reason.as_deref())
        .collect();
    sqlx::query(
        "INSERT INTO period_outcome (account_id, period, outcome, total_minor, reason, parked_minor) \
         SELECT a, $1, o, t, r, p FROM UNNEST($2::bigint[], $3::smallint[], $4::bigint[], $5::text[], \
         $6::bigint[]) AS outcome(a, o, t, r, p)",
    )
    .bind(period.to_number())
    .bind(&account)
    .bind(&code)
    .bind(&total)
    .bind(&reason)
    .bind(&parked)
    .execute(conn)
    .await
    .map(drop)
}

/// # Errors
/// When the database refuses.
pub async fn insert_invoices(
    conn: &mut Conn,
    head: &super::queries::BatchHead<'_>,
    invoices: &[NewInvoice],
    numbered: &[NumberedInvoice],
) -> sqlx::Result<()> {
    let account: Vec<i64> = invoices.iter().map(|invoice| invoice.account.0).collect();
    let sequence: Vec<i64> = numbered.iter().map(|entry| entry.number.sequence).collect();
    let currency: Vec<&str> = invoices
        .iter()
        .map(|invoice| invoice.currency.code())
        .collect();
    let profile: Vec<i32> = invoices.iter().map(|invoice| invoice.profile.0).collect();
    let net: Vec<i64> = invoices.iter().map(|invoice| invoice.net_minor).collect();
    let vat: Vec<i64> = invoices.iter().map(|invoice| invoice.vat_minor).collect();
    let total: Vec<i64> = invoices.iter().map(|invoice| invoice.total_minor).collect();
    let digest: Vec<&[u8]> = invoices
        .iter()
        .map(|invoice| &invoice.content_digest.0[..])
        .collect();
    let hash: Vec<&[u8]> = numbered.iter().map(|entry| &entry.hash.0[..]).collect();
    sqlx::query(
        "INSERT INTO invoice (account_id, period, kind, series, year, sequence, issued_on, due_on, \
         currency, profile_version, issuer_id, net_minor, vat_minor, total_minor, content_digest, hash) \
         SELECT a, $1, 1, $2, $3, q, $4, $5, c, p, $6, n, v, t, d, h FROM UNNEST($7::bigint[], \
         $8::bigint[], $9::text[], $10::int[], $11::bigint[], $12::bigint[], $13::bigint[], \
         $14::bytea[], $15::bytea[]) AS invoice(a, q, c, p, n, v, t, d, h)",
    )
    .bind(head.period.to_number())
    .bind(head.series)
    .bind(head.year)
    .bind(head.issued_on.to_string())
    .bind(head.due_on.to_string())
    .bind(head.issuer.0)
    .bind(&account)
    .bind(&sequence)
    .bind(&currency)
    .bind(&profile)
    .bind(&net)
    .bind(&vat)
    .bind(&total)
    .bind(&digest)
    .bind(&hash)
    .execute(conn)
    .await
    .map(drop)
}

/// The statement that makes the import's staging table, empty at each use.
pub const CREATE_STAGING: &str = "CREATE TEMP TABLE IF NOT EXISTS usage_staging (\
     line BIGINT NOT NULL, account_id BIGINT NOT NULL, sku_id BIGINT NOT NULL, \
     started_at BIGINT NOT NULL, ended_at BIGINT, quantity INTEGER NOT NULL, \
     app TEXT COLLATE \"C\" NOT NULL, event_id TEXT COLLATE \"C\" NOT NULL)";

/// Copies rows into `usage_interval`.
///
/// # Errors
/// A unique violation when an event is known already.
pub async fn insert_usage(conn: &mut Conn, rows: &[UsageRow]) -> sqlx::Result<()> {
    let mut copy = CopyRows::new(rows.len() * 96);
    for row in rows {
        copy.row(7);
        copy_usage(&mut copy, row);
    }
    copy.send(
        conn,
        "COPY usage_interval (account_id, sku_id, started_at, ended_at, quantity, app, event_id) \
         FROM STDIN (FORMAT binary)",
    )
    .await
}

/// Copies rows into `usage_interval`, all of them or, when an event is known,
/// none; how many were added.
///
/// # Errors
/// When the database refuses.
pub async fn insert_usage_while_new(
    conn: &mut Conn,
    rows: &[UsageRow],
) -> Result<usize, StoreError> {
    let mut chunk = conn.begin().await?;
    match insert_usage(&mut chunk, rows)
        .await
        .map_err(StoreError::from)
    {
        Ok(()) => {
            chunk.commit().await?;
            Ok(rows.len())
        }
        Err(error) if error.is_unique_violation() => {
            chunk.rollback().await?;
            Ok(0)
        }
        Err(error) => Err(error),
    }
}

/// More memory does not make COPY faster.
///
/// # Errors
/// Never.
#[allow(clippy::unused_async, reason = "the same shape as on SQLite")]
pub async fn begin_bulk_import(_conn: &mut Conn) -> sqlx::Result<()> {
    Ok(())
}

fn copy_usage(copy: &mut CopyRows, row: &UsageRow) {
    copy.i64(row.account.0);
    copy.i64(row.sku.0);
    copy.i64(row.started_at.0);
    copy.i64_or_null(row.ended_at.map(|at| at.0));
    copy.i32(row.quantity);
    copy.text(&row.app);
    copy.text(&row.event_id);
}

/// Copies rows into the staging table.
///
/// # Errors
/// When the database refuses.
pub async fn stage_usage(conn: &mut Conn, rows: &[UsageRow]) -> sqlx::Result<()> {
    let mut copy = CopyRows::new(rows.len() * 108);
    for row in rows {
        copy.row(8);
        copy.i64(row.line);
        copy_usage(&mut copy, row);
    }
    copy.send(
        conn,
        "COPY usage_staging (line, account_id, sku_id, started_at, ended_at, quantity, app, event_id) \
         FROM STDIN (FORMAT binary)",
    )
    .await
}

/// Tells the planner what a large import changed, and lets the run read the
/// index alone.
///
/// # Errors
/// When the database refuses.
pub async fn settle_after_import(pools: &Pools) -> sqlx::Result<()> {
    sqlx::query("VACUUM (ANALYZE) usage_interval")
        .execute(&pools.any)
        .await
        .map(drop)
}
