//! The life of a run: plan, claim, count, close.

use futures_util::{Stream, TryStreamExt as _};
use sqlx::QueryBuilder;

use super::decode::at;
use super::{Conn, Db, ROWS_PER_INSERT, Result, dialect, takes_part};
use crate::domain::calendar::{BillingPeriod, Instant, PeriodKey};
use crate::domain::ids::{AccountId, RunId};
use crate::domain::invoice::InvoiceNumber;
use crate::domain::money::Currency;
use crate::store::rows::{
    CurrencyTotal, InvoiceKey, OutcomeCounts, Parked, Run, RunRange, RunState,
};

type RunRow = (i64, i32, i64, i64, String, i16, i64);

const RUN_COLUMNS: &str =
    "SELECT id, period, start_at, end_at, state, paused, planned_at FROM billing_run";

fn run_of(row: RunRow) -> Result<Run> {
    let (id, period, start, end, state, paused, planned_at) = row;
    let place = at("billing_run", "state");
    Ok(Run {
        id: RunId(id),
        period: BillingPeriod {
            key: at("billing_run", "period").period(id, period)?,
            start: Instant(start),
            end: Instant(end),
        },
        state: RunState::ALL
            .into_iter()
            .find(|known| known.code() == state)
            .ok_or_else(|| place.refuse(id, &state))?,
        paused: paused != 0,
        planned_at: Instant(planned_at),
    })
}

/// The run of a period.
///
/// # Errors
/// When the database refuses.
pub async fn find_run(conn: &mut Conn, period: PeriodKey) -> Result<Option<Run>> {
    let row: Option<RunRow> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "{RUN_COLUMNS} WHERE period = $1"
    )))
    .bind(period.to_number())
    .fetch_optional(conn)
    .await?;
    row.map(run_of).transpose()
}

/// The runs that came to their end, and whose invoices were not all announced; the
/// oldest first.
///
/// # Errors
/// When the database refuses.
pub async fn unannounced_runs(conn: &mut Conn) -> Result<Vec<Run>> {
    let rows: Vec<RunRow> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "{RUN_COLUMNS} WHERE announced_at IS NULL AND state IN ('issued', 'closed') ORDER BY period"
    )))
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(run_of).collect()
}

/// Invoices of a period that were not announced.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn unannounced_invoices(
    conn: &mut Conn,
    period: PeriodKey,
    limit: i64,
) -> Result<Vec<(InvoiceKey, InvoiceNumber)>> {
    let rows: Vec<(i64, i16, String, i32, i64)> = sqlx::query_as(
        "SELECT i.account_id, i.kind, i.series, i.year, i.sequence FROM invoice i WHERE i.period = $1 \
         AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.account_id = i.account_id \
         AND o.key = 'invoice_issued:' || CAST(i.period AS TEXT) || ':' || CAST(i.kind AS TEXT) \
         AND o.channel = 'mail') ORDER BY i.account_id LIMIT $2",
    )
    .bind(period.to_number())
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|(account, kind, series, year, sequence)| {
            let key = InvoiceKey {
                account: AccountId(account),
                period,
                kind,
            };
            let number = InvoiceNumber {
                series: at("invoice", "series").parse(account, &series)?,
                year,
                sequence,
            };
            Ok((key, number))
        })
        .collect()
}

/// Records that every invoice of a run was announced.
///
/// # Errors
/// When the database refuses.
pub async fn mark_announced(conn: &mut Conn, run: RunId, now: Instant) -> Result<()> {
    sqlx::query("UPDATE billing_run SET announced_at = $2 WHERE id = $1 AND announced_at IS NULL")
        .bind(run.0)
        .bind(now.0)
        .execute(conn)
        .await?;
    Ok(())
}

/// Every run, oldest period first.
///
/// # Errors
/// When the database refuses.
pub async fn list_runs(conn: &mut Conn) -> Result<Vec<Run>> {
    let rows: Vec<RunRow> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "{RUN_COLUMNS} ORDER BY period"
    )))
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(run_of).collect()
}

/// Creates the run of a period, unless another process did.
///
/// Whichever key two processes collide on: `PostgreSQL` keeps only the named one quiet,
/// and a run created meanwhile may meet the key of its period first.
///
/// # Errors
/// When the database refuses.
pub async fn create_run(conn: &mut Conn, period: &BillingPeriod, now: Instant) -> Result<()> {
    sqlx::query(
        "INSERT INTO billing_run (id, period, start_at, end_at, state, paused, planned_at) \
         VALUES ($1, $2, $3, $4, 'planned', 0, $5) ON CONFLICT DO NOTHING",
    )
    .bind(i64::from(period.key.to_number()))
    .bind(period.key.to_number())
    .bind(period.start.0)
    .bind(period.end.0)
    .bind(now.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// Locks a run until the end of the transaction, so that one process plans or
/// ends it at a time.
///
/// # Errors
/// When the database refuses.
pub async fn lock_run(conn: &mut Conn, run: RunId) -> Result<()> {
    sqlx::query(dialect::LOCK_RUN)
        .bind(run.0)
        .execute(conn)
        .await?;
    Ok(())
}

/// How many ranges of a run wait for a worker.
///
/// # Errors
/// When the database refuses.
pub async fn pending_ranges(conn: &mut Conn, run: RunId) -> Result<i64> {
    let sql = "SELECT COUNT(*) FROM billing_run_range WHERE run_id = $1 AND done = 0";
    Ok(sqlx::query_scalar(sql).bind(run.0).fetch_one(conn).await?)
}

/// Cuts the accounts that have no settled outcome into ranges of `size`.
///
/// # Errors
/// When the database refuses.
pub async fn plan_ranges(
    conn: &mut Conn,
    run: RunId,
    period: &BillingPeriod,
    size: i64,
) -> Result<()> {
    let sql = format!(
        "SELECT a.id FROM account a LEFT JOIN period_outcome o ON o.account_id = a.id AND o.period = $1 \
         WHERE {} AND (o.outcome IS NULL OR o.outcome = 3) ORDER BY a.id",
        takes_part("$2", "$3")
    );
    let due = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .bind(period.key.to_number())
        .bind(period.start.0)
        .bind(period.end.0)
        .fetch(&mut *conn);
    let ranges = cut(due, size).await?;
    let next: i64 = sqlx::query_scalar(
        "SELECT COALESCE(MAX(range_no), -1) + 1 FROM billing_run_range WHERE run_id = $1",
    )
    .bind(run.0)
    .fetch_one(&mut *conn)
    .await?;
    for (at, chunk) in (0_i64..).zip(ranges.chunks(ROWS_PER_INSERT)) {
        let first = next + at * i64::try_from(ROWS_PER_INSERT).unwrap_or(i64::MAX);
        let mut query = QueryBuilder::<Db>::new(
            "INSERT INTO billing_run_range (run_id, range_no, account_from, account_to, accounts, done) ",
        );
        query.push_values((first..).zip(chunk), |mut values, (no, range)| {
            values
                .push_bind(run.0)
                .push_bind(no)
                .push_bind(range.from.0)
                .push_bind(range.to.0)
                .push_bind(range.accounts)
                .push("0");
        });
        query.build().execute(&mut *conn).await?;
    }
    Ok(())
}

/// Neighboring accounts, from the first to the last.
struct Cut {
    from: AccountId,
    to: AccountId,
    accounts: i64,
}

/// Cuts a stream of keys in order into ranges of `size`. In SQL a window
/// function would hold every account in memory.
async fn cut(
    mut keys: impl Stream<Item = sqlx::Result<i64>> + Unpin,
    size: i64,
) -> Result<Vec<Cut>> {
    let mut ranges: Vec<Cut> = Vec::new();
    while let Some(key) = keys.try_next().await? {
        let key = AccountId(key);
        match ranges.last_mut().filter(|range| range.accounts < size) {
            Some(range) => {
                range.to = key;
                range.accounts += 1;
            }
            None => ranges.push(Cut {
                from: key,
                to: key,
                accounts: 1,
            }),
        }
    }
    Ok(ranges)
}

/// Removes a run's ranges when there is nothing left to do in them.
///
/// # Errors
/// When the database refuses.
pub async fn forget_ranges(conn: &mut Conn, run: RunId) -> Result<()> {
    sqlx::query("DELETE FROM billing_run_range WHERE run_id = $1")
        .bind(run.0)
        .execute(conn)
        .await?;
    Ok(())
}

/// Claims the next range for the rest of the transaction.
///
/// # Errors
/// When the database refuses.
pub async fn claim_range(conn: &mut Conn, run: RunId) -> Result<Option<RunRange>> {
    let row: Option<(i64, i64, i64)> = sqlx::query_as(dialect::CLAIM_RANGE)
        .bind(run.0)
        .fetch_optional(conn)
        .await?;
    Ok(row.map(range_of))
}

fn range_of((no, from, to): (i64, i64, i64)) -> RunRange {
    RunRange {
        no,
        from: AccountId(from),
        to: AccountId(to),
    }
}

/// The ranges that wait, in order.
///
/// # Errors
/// When the database refuses.
pub async fn list_pending_ranges(conn: &mut Conn, run: RunId) -> Result<Vec<RunRange>> {
    let rows: Vec<(i64, i64, i64)> = sqlx::query_as(
        "SELECT range_no, account_from, account_to FROM billing_run_range \
         WHERE run_id = $1 AND done = 0 ORDER BY range_no",
    )
    .bind(run.0)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(range_of).collect())
}

/// Marks a range done; `false` when another process did it before.
///
/// # Errors
/// When the database refuses.
pub async fn finish_range(conn: &mut Conn, run: RunId, range_no: i64) -> Result<bool> {
    let sql =
        "UPDATE billing_run_range SET done = 1 WHERE run_id = $1 AND range_no = $2 AND done = 0";
    let updated = sqlx::query(sql)
        .bind(run.0)
        .bind(range_no)
        .execute(conn)
        .await?;
    Ok(updated.rows_affected() == 1)
}

/// Whether a person paused the run.
///
/// # Errors
/// When the database refuses.
pub async fn is_paused(conn: &mut Conn, run: RunId) -> Result<bool> {
    let paused: i16 = sqlx::query_scalar("SELECT paused FROM billing_run WHERE id = $1")
        .bind(run.0)
        .fetch_one(conn)
        .await?;
    Ok(paused != 0)
}

/// Pauses or resumes a run.
///
/// # Errors
/// When the database refuses.
pub async fn set_paused(conn: &mut Conn, run: RunId, paused: bool) -> Result<()> {
    sqlx::query("UPDATE billing_run SET paused = $2 WHERE id = $1")
        .bind(run.0)
        .bind(i16::from(paused))
        .execute(conn)
        .await?;
    Ok(())
}

/// Moves a run on in its life.
///
/// # Errors
/// When the database refuses.
pub async fn set_run_state(conn: &mut Conn, run: RunId, state: RunState) -> Result<()> {
    sqlx::query("UPDATE billing_run SET state = $2 WHERE id = $1")
        .bind(run.0)
        .bind(state.code())
        .execute(conn)
        .await?;
    Ok(())
}

/// How many accounts of a period have no outcome at all.
///
/// # Errors
/// When the database refuses.
pub async fn missing_outcomes(conn: &mut Conn, period: &BillingPeriod) -> Result<i64> {
    let sql = format!(
        "SELECT COUNT(*) FROM account a WHERE {} AND NOT EXISTS \
         (SELECT 1 FROM period_outcome o WHERE o.account_id = a.id AND o.period = $1)",
        takes_part("$2", "$3")
    );
    Ok(sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .bind(period.key.to_number())
        .bind(period.start.0)
        .bind(period.end.0)
        .fetch_one(conn)
        .await?)
}

/// The accounts of the waiting ranges.
///
/// # Errors
/// When the database refuses.
pub async fn pending_accounts(conn: &mut Conn, run: RunId) -> Result<i64> {
    let sql = "SELECT CAST(COALESCE(SUM(accounts), 0) AS BIGINT) FROM billing_run_range \
         WHERE run_id = $1 AND done = 0";
    Ok(sqlx::query_scalar(sql).bind(run.0).fetch_one(conn).await?)
}

/// Counts the outcomes of a period. Not by GROUP BY, for which SQLite sorts every
/// row in memory.
///
/// # Errors
/// When the database refuses.
pub async fn count_outcomes(conn: &mut Conn, period: PeriodKey) -> Result<OutcomeCounts> {
    let (invoiced, nothing_due, parked, all): (i64, i64, i64, i64) = sqlx::query_as(
        "SELECT COUNT(*) FILTER (WHERE outcome = 1), COUNT(*) FILTER (WHERE outcome = 2), \
         COUNT(*) FILTER (WHERE outcome = 3), COUNT(*) FROM period_outcome WHERE period = $1",
    )
    .bind(period.to_number())
    .fetch_one(conn)
    .await?;
    if invoiced + nothing_due + parked != all {
        return Err(at("period_outcome", "outcome").refuse(period, "another outcome"));
    }
    Ok(OutcomeCounts {
        invoiced,
        nothing_due,
        parked,
    })
}

/// The sums of a period, per currency; see [`count_outcomes`].
///
/// # Errors
/// When the database refuses.
pub async fn currency_totals(conn: &mut Conn, period: PeriodKey) -> Result<Vec<CurrencyTotal>> {
    let mut currencies: Vec<String> =
        sqlx::query_scalar("SELECT DISTINCT currency FROM invoice WHERE period = $1")
            .bind(period.to_number())
            .fetch_all(&mut *conn)
            .await?;
    currencies.sort_unstable();
    let mut totals = Vec::with_capacity(currencies.len());
    for currency in currencies {
        let (invoices, net_minor, vat_minor, total_minor): (i64, i64, i64, i64) = sqlx::query_as(
            "SELECT COUNT(*), CAST(COALESCE(SUM(net_minor), 0) AS BIGINT), \
             CAST(COALESCE(SUM(vat_minor), 0) AS BIGINT), CAST(COALESCE(SUM(total_minor), 0) AS BIGINT) \
             FROM invoice WHERE period = $1 AND currency = $2",
        )
        .bind(period.to_number())
        .bind(&currency)
        .fetch_one(&mut *conn)
        .await?;
        totals.push(CurrencyTotal {
            currency: at("invoice", "currency").parse::<Currency>(period, &currency)?,
            invoices,
            net_minor,
            vat_minor,
            total_minor,
        });
    }
    Ok(totals)
}

/// The parked accounts of a period.
///
/// # Errors
/// When the database refuses.
pub async fn list_parked(conn: &mut Conn, period: PeriodKey) -> Result<Vec<Parked>> {
    let rows: Vec<(String, Option<String>, Option<i64>)> = sqlx::query_as(
        "SELECT a.external_id, o.reason, o.released_minor FROM period_outcome o \
         JOIN account a ON a.id = o.account_id WHERE o.period = $1 AND o.outcome = 3 ORDER BY a.external_id",
    )
    .bind(period.to_number())
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|(external_id, reason, released)| {
            let place = at("period_outcome", "reason");
            Ok(Parked {
                reason: reason.ok_or_else(|| place.refuse(&external_id, "NULL"))?,
                external_id,
                released: released.is_some(),
            })
        })
        .collect()
}

/// Why an account is parked in a period, and the total that a sanity bound holds
/// back, if one does; `None` when it is not parked.
///
/// # Errors
/// When the database refuses.
pub async fn find_parked(
    conn: &mut Conn,
    period: PeriodKey,
    account: AccountId,
) -> Result<Option<(String, Option<i64>)>> {
    let row: Option<(Option<String>, Option<i64>)> = sqlx::query_as(
        "SELECT reason, parked_minor FROM period_outcome WHERE account_id = $1 AND period = $2 AND outcome = 3",
    )
    .bind(account.0)
    .bind(period.to_number())
    .fetch_optional(conn)
    .await?;
    row.map(|(reason, parked_minor)| {
        let place = at("period_outcome", "reason");
        let reason = reason.ok_or_else(|| place.refuse(account, "NULL"))?;
        Ok((reason, parked_minor))
    })
    .transpose()
}

/// Records that a person accepts the total that a sanity bound holds back.
///
/// # Errors
/// When the database refuses.
pub async fn release(
    conn: &mut Conn,
    period: PeriodKey,
    account: AccountId,
    accepted_minor: i64,
) -> Result<()> {
    sqlx::query(
        "UPDATE period_outcome SET released_minor = $3 WHERE account_id = $1 AND period = $2 AND outcome = 3",
    )
    .bind(account.0)
    .bind(period.to_number())
    .bind(accepted_minor)
    .execute(conn)
    .await?;
    Ok(())
}

/// Waits for a range that another process holds; `true` when there was one.
///
/// # Errors
/// When the database refuses.
pub async fn wait_for_range(conn: &mut Conn, run: RunId) -> Result<bool> {
    let range: Option<i64> = sqlx::query_scalar(dialect::WAIT_RANGE)
        .bind(run.0)
        .fetch_optional(conn)
        .await?;
    Ok(range.is_some())
}

/// All accounts, cut into key ranges of `size`.
///
/// # Errors
/// When the database refuses.
pub async fn account_ranges(conn: &mut Conn, size: i64) -> Result<Vec<RunRange>> {
    let all = sqlx::query_scalar("SELECT id FROM account ORDER BY id").fetch(conn);
    let ranges = cut(all, size).await?;
    let numbered = (0..).zip(ranges).map(|(no, range)| RunRange {
        no,
        from: range.from,
        to: range.to,
    });
    Ok(numbered.collect())
}
