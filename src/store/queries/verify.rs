//! What `verify` asks the database: each query finds what must not be.

use super::{Conn, Result};
use crate::domain::calendar::BillingPeriod;
use crate::domain::ids::RunId;

/// How many offenders of one kind are named.
const NAMED_MAX: i64 = 20;

/// A rule that SQL can check: what is broken, and the query that finds it. Each
/// query yields one text per offender, and takes the limit as `$1`.
const RULES: [(&str, &str); 14] = [
    (
        "an outcome says invoiced, but the invoice is missing or has another total",
        "SELECT CAST(o.account_id AS TEXT) || ' in ' || CAST(o.period AS TEXT) FROM period_outcome o \
         LEFT JOIN invoice i ON i.account_id = o.account_id AND i.period = o.period AND i.kind = 1 \
         WHERE o.outcome = 1 AND (i.account_id IS NULL OR i.total_minor <> o.total_minor) LIMIT $1",
    ),
    (
        "an invoice has no outcome that says so",
        "SELECT i.series || '-' || CAST(i.year AS TEXT) || '-' || CAST(i.sequence AS TEXT) FROM invoice i \
         LEFT JOIN period_outcome o ON o.account_id = i.account_id AND o.period = i.period AND o.outcome = 1 \
         WHERE o.account_id IS NULL LIMIT $1",
    ),
    (
        "a line belongs to no invoice",
        "SELECT CAST(l.account_id AS TEXT) || ' in ' || CAST(l.period AS TEXT) FROM invoice_line l \
         LEFT JOIN invoice i ON i.account_id = l.account_id AND i.period = l.period AND i.kind = l.kind \
         WHERE i.account_id IS NULL LIMIT $1",
    ),
    (
        "a VAT group belongs to no invoice",
        "SELECT CAST(v.account_id AS TEXT) || ' in ' || CAST(v.period AS TEXT) FROM invoice_vat v \
         LEFT JOIN invoice i ON i.account_id = v.account_id AND i.period = v.period AND i.kind = v.kind \
         WHERE i.account_id IS NULL LIMIT $1",
    ),
    (
        "usage belongs to no account",
        "SELECT u.event_id FROM usage_interval u LEFT JOIN account a ON a.id = u.account_id \
         WHERE a.id IS NULL LIMIT $1",
    ),
    (
        "usage has no SKU",
        "SELECT u.event_id FROM usage_interval u LEFT JOIN sku s ON s.id = u.sku_id WHERE s.id IS NULL LIMIT $1",
    ),
    (
        "late usage was taken in by an invoice that does not exist, and nobody gave it up",
        "SELECT t.event_id FROM usage_late t LEFT JOIN invoice i ON i.account_id = t.account_id \
         AND i.period = t.taken_period WHERE t.taken_period IS NOT NULL AND i.account_id IS NULL \
         AND NOT EXISTS (SELECT 1 FROM period_outcome o JOIN account_deletion d ON d.account_id = o.account_id \
         AND d.confirmed_at IS NOT NULL WHERE o.account_id = t.account_id AND o.period = t.taken_period \
         AND o.outcome = 2) LIMIT $1",
    ),
    (
        "a line of late usage has no late usage that it took in",
        "SELECT i.series || '-' || CAST(i.year AS TEXT) || '-' || CAST(i.sequence AS TEXT) FROM invoice_line l \
         JOIN invoice i ON i.account_id = l.account_id AND i.period = l.period AND i.kind = l.kind \
         WHERE l.line_kind = 2 AND NOT EXISTS (SELECT 1 FROM usage_late t WHERE t.account_id = l.account_id \
         AND t.taken_period = l.period AND t.period = l.usage_period AND t.app = l.app AND t.sku_id = l.sku_id) \
         LIMIT $1",
    ),
    (
        "late usage belongs to no account or has no SKU",
        "SELECT t.event_id FROM usage_late t LEFT JOIN account a ON a.id = t.account_id \
         LEFT JOIN sku s ON s.id = t.sku_id WHERE a.id IS NULL OR s.id IS NULL LIMIT $1",
    ),
    (
        "an outcome belongs to no run",
        "SELECT CAST(o.account_id AS TEXT) || ' in ' || CAST(o.period AS TEXT) FROM period_outcome o \
         LEFT JOIN billing_run r ON r.period = o.period WHERE r.id IS NULL \
         AND NOT EXISTS (SELECT 1 FROM account_deletion d WHERE d.account_id = o.account_id \
         AND d.final_period = o.period) LIMIT $1",
    ),
    (
        "an outcome belongs to no account",
        "SELECT CAST(o.account_id AS TEXT) || ' in ' || CAST(o.period AS TEXT) FROM period_outcome o \
         LEFT JOIN account a ON a.id = o.account_id WHERE a.id IS NULL LIMIT $1",
    ),
    (
        "a run overlaps another",
        "SELECT CAST(r.period AS TEXT) || ' and ' || CAST(s.period AS TEXT) FROM billing_run r \
         JOIN billing_run s ON s.period > r.period AND s.start_at < r.end_at LIMIT $1",
    ),
    (
        "a voucher took off more than it is worth",
        "SELECT CAST(w.account_id AS TEXT) || ' voucher ' || w.label FROM allowance w \
         WHERE w.amount_minor IS NOT NULL AND w.amount_minor + (SELECT COALESCE(SUM(l.amount_minor), 0) \
         FROM invoice_line l WHERE l.account_id = w.account_id AND l.allowance_id = w.id) < 0 LIMIT $1",
    ),
    (
        "an account's current billing profile is missing",
        "SELECT a.external_id FROM account a LEFT JOIN billing_profile p ON p.account_id = a.id \
         AND p.version = a.profile_version WHERE p.account_id IS NULL LIMIT $1",
    ),
];

/// Runs every rule that SQL can check.
///
/// # Errors
/// When the database refuses.
pub async fn broken_rules(conn: &mut Conn) -> Result<Vec<(&'static str, Vec<String>)>> {
    broken_of(conn, &RULES).await
}

/// Which of the rules are broken, and where.
pub(super) async fn broken_of(
    conn: &mut Conn,
    rules: &[(&'static str, &'static str)],
) -> Result<Vec<(&'static str, Vec<String>)>> {
    let mut broken = Vec::new();
    for &(rule, sql) in rules {
        let offenders: Vec<String> = sqlx::query_scalar(sql)
            .bind(NAMED_MAX)
            .fetch_all(&mut *conn)
            .await?;
        if !offenders.is_empty() {
            broken.push((rule, offenders));
        }
    }
    Ok(broken)
}

/// Accounts with usage in a billed period that have no outcome for it.
///
/// # Errors
/// When the database refuses.
pub async fn unbilled_accounts(conn: &mut Conn, period: &BillingPeriod) -> Result<Vec<String>> {
    let sql = "SELECT a.external_id FROM account a WHERE NOT EXISTS (SELECT 1 FROM period_outcome o \
         WHERE o.account_id = a.id AND o.period = $1) AND EXISTS (SELECT 1 FROM usage_interval u \
         WHERE u.account_id = a.id AND u.started_at < $3 AND (u.ended_at IS NULL OR u.ended_at > $2)) LIMIT $4";
    Ok(sqlx::query_scalar(sql)
        .bind(period.key.to_number())
        .bind(period.start.0)
        .bind(period.end.0)
        .bind(NAMED_MAX)
        .fetch_all(conn)
        .await?)
}

/// Ranges of a run that nobody finished.
///
/// # Errors
/// When the database refuses.
pub async fn unfinished_ranges(conn: &mut Conn, run: RunId) -> Result<Vec<String>> {
    let sql = "SELECT CAST(range_no AS TEXT) FROM billing_run_range WHERE run_id = $1 AND done = 0 LIMIT $2";
    Ok(sqlx::query_scalar(sql)
        .bind(run.0)
        .bind(NAMED_MAX)
        .fetch_all(conn)
        .await?)
}

/// The years a series has numbers in, with how many and the highest.
///
/// # Errors
/// When the database refuses.
pub async fn series_years(conn: &mut Conn) -> Result<Vec<(String, i32, i64, i64)>> {
    let sql = "SELECT series, year, COUNT(*), MAX(sequence) FROM invoice GROUP BY series, year ORDER BY series, year";
    Ok(sqlx::query_as(sql).fetch_all(conn).await?)
}
