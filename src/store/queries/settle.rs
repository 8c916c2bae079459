//! A batch of the run: the facts it reads and what it writes.

use std::collections::HashMap;

use futures_util::TryStreamExt as _;

use super::decode::at;
use super::{BatchHead, Conn, Result, dialect};
use crate::domain::account::Account;
use crate::domain::calendar::{BillingPeriod, Instant, PeriodKey};
use crate::domain::ids::{AccountId, ProfileId, SkuId};
use crate::domain::usage::UsageTotal;
use crate::store::rows::{
    AccountUsage, DueAccount, NewInvoice, NewOutcome, NumberedInvoice, Outcome, RunRange,
};

#[derive(sqlx::FromRow)]
struct DueRow {
    id: i64,
    external_id: String,
    currency: String,
    created_at: i64,
    trial_ended_at: Option<i64>,
    profile_version: i32,
    country: Option<String>,
    postal_code: Option<String>,
    vat_number: Option<String>,
    digest: Option<Vec<u8>>,
    outcome: Option<i16>,
    released_minor: Option<i64>,
    last_total_minor: Option<i64>,
    has_left: i64,
}

/// The accounts of a range that the period still has to settle, or all of them
/// for a shadow run.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn due_accounts(
    conn: &mut Conn,
    range: RunRange,
    period: &BillingPeriod,
    include_settled: bool,
) -> Result<Vec<DueAccount>> {
    let sql = format!(
        "SELECT a.id, a.external_id, a.currency, a.created_at, a.trial_ended_at, a.profile_version, p.country, p.postal_code, \
         p.vat_number, p.digest, o.outcome, o.released_minor, (SELECT l.total_minor FROM period_outcome l \
         WHERE l.account_id = a.id AND l.period < $3 AND l.outcome <> 3 ORDER BY l.period DESC LIMIT 1) \
         AS last_total_minor, (SELECT COUNT(*) FROM account_deletion d WHERE d.account_id = a.id \
         AND d.state IN ('settling', 'erasing', 'done') AND d.confirmed_at < $4) AS has_left FROM account a \
         LEFT JOIN billing_profile p ON p.account_id = a.id AND p.version = a.profile_version \
         LEFT JOIN period_outcome o ON o.account_id = a.id AND o.period = $3 \
         WHERE a.id >= $1 AND a.id <= $2 AND {} \
         AND ($6 = 1 OR o.outcome IS NULL OR o.outcome = 3) ORDER BY a.id",
        takes_part("$4", "$5")
    );
    let rows: Vec<DueRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(range.from.0)
        .bind(range.to.0)
        .bind(period.key.to_number())
        .bind(period.start.0)
        .bind(period.end.0)
        .bind(i32::from(include_settled))
        .fetch_all(conn)
        .await?;
    rows.into_iter().map(|row| due_of(row, period)).collect()
}

/// The condition that an account `a` is part of a period whose bounds are bound
/// as `start` and `end`: it had signed up, or has usage from before its sign-up.
pub(super) fn takes_part(start: &str, end: &str) -> String {
    format!(
        "(a.created_at < {end} OR EXISTS (SELECT 1 FROM usage_interval u WHERE u.account_id = a.id \
         AND u.started_at < {end} AND (u.ended_at IS NULL OR u.ended_at > {start})))"
    )
}

fn due_of(row: DueRow, period: &BillingPeriod) -> Result<DueAccount> {
    let id = row.id;
    let (Some(country), Some(postal_code), Some(vat_number), Some(digest)) =
        (row.country, row.postal_code, row.vat_number, row.digest)
    else {
        let place = at("account", "profile_version");
        return Err(place.refuse(row.external_id, row.profile_version));
    };
    let created_at = Instant(row.created_at);
    Ok(DueAccount {
        account: Account {
            id: AccountId(id),
            currency: at("account", "currency").parse(id, &row.currency)?,
            created_at,
            trial_ended_at: row.trial_ended_at.map(Instant),
            profile: ProfileId(row.profile_version),
            country: at("billing_profile", "country").parse(id, &country)?,
            postal_code,
            vat_number,
        },
        external_id: row.external_id,
        profile_digest: at("billing_profile", "digest").digest(id, &digest)?,
        // Months before the sign-up had nothing due, and say nothing.
        last_total_minor: row.last_total_minor.filter(|_| created_at < period.start),
        released_minor: row.released_minor,
        parked: row.outcome == Some(Outcome::Parked.code()),
        has_left: row.has_left > 0,
    })
}

/// Usage summed by the database: clipped to `[from, until)`, in whole seconds
/// (see [`crate::domain::usage`]), per account, app and SKU, in that order.
///
/// # Errors
/// When the database refuses.
pub async fn usage_totals(
    conn: &mut Conn,
    range: RunRange,
    from: Instant,
    until: Instant,
) -> Result<Vec<AccountUsage>> {
    const SQL: &str = "SELECT account_id, app, sku_id, CAST(SUM(quantity * \
         ((CASE WHEN ended_at < $4 THEN ended_at ELSE $4 END) / 1000000 \
         - (CASE WHEN started_at > $3 THEN started_at ELSE $3 END) / 1000000)) AS BIGINT) AS seconds \
         FROM usage_interval WHERE account_id >= $1 AND account_id <= $2 AND started_at < $4 \
         AND (ended_at IS NULL OR ended_at > $3) \
         GROUP BY account_id, app, sku_id ORDER BY account_id, app, sku_id";
    let mut rows = sqlx::query_as::<_, (i64, String, i64, i64)>(SQL)
        .bind(range.from.0)
        .bind(range.to.0)
        .bind(from.0)
        .bind(until.0)
        .fetch(conn);
    let mut totals = Vec::new();
    while let Some((account, app, sku, seconds)) = rows.try_next().await? {
        totals.push(AccountUsage {
            account: AccountId(account),
            total: UsageTotal {
                app,
                sku: SkuId(sku),
                window: from,
                seconds,
                trial_seconds: 0,
            },
        });
    }
    Ok(totals)
}

/// The part of [`usage_totals`] that lies within the free trials of a range's
/// accounts, `trial_us` long from their sign-up, or until their customers ended them.
///
/// # Errors
/// When the database refuses.
pub async fn trial_seconds(
    conn: &mut Conn,
    range: RunRange,
    from: Instant,
    until: Instant,
    trial_us: i64,
) -> Result<HashMap<(AccountId, String, SkuId), i64>> {
    let rows: Vec<(i64, String, i64, i64)> = sqlx::query_as(
        "SELECT u.account_id, u.app, u.sku_id, CAST(SUM(u.quantity * \
         ((CASE WHEN u.ended_at < t.trial_until THEN u.ended_at ELSE t.trial_until END) / 1000000 \
         - (CASE WHEN u.started_at > t.trial_from THEN u.started_at ELSE t.trial_from END) / 1000000)) AS BIGINT) \
         FROM (SELECT id, CASE WHEN created_at > $3 THEN created_at ELSE $3 END AS trial_from, \
         CASE WHEN trial_end < $4 THEN trial_end ELSE $4 END AS trial_until FROM (SELECT id, created_at, \
         CASE WHEN trial_ended_at < created_at + $5 THEN trial_ended_at ELSE created_at + $5 END AS trial_end \
         FROM account WHERE id >= $1 AND id <= $2) AS e WHERE created_at < $4 AND trial_end > $3) AS t \
         JOIN usage_interval u ON u.account_id = t.id AND u.started_at < t.trial_until \
         AND (u.ended_at IS NULL OR u.ended_at > t.trial_from) GROUP BY u.account_id, u.app, u.sku_id",
    )
    .bind(range.from.0)
    .bind(range.to.0)
    .bind(from.0)
    .bind(until.0)
    .bind(trial_us)
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|(account, app, sku, seconds)| ((AccountId(account), app, SkuId(sku)), seconds))
        .collect())
}

/// Writes everything of a batch that needs no number: lines, VAT groups and
/// outcomes.
///
/// # Errors
/// A unique violation when another transaction settled one of the accounts.
pub async fn write_settled(
    conn: &mut Conn,
    period: PeriodKey,
    invoices: &[NewInvoice],
    outcomes: &[NewOutcome],
) -> Result<()> {
    let (replacing, new): (Vec<&NewOutcome>, Vec<&NewOutcome>) =
        outcomes.iter().partition(|outcome| outcome.replaces);
    dialect::insert_outcomes(conn, period, &new).await?;
    for outcome in replacing {
        replace_parked(conn, period, outcome).await?;
    }
    dialect::insert_lines(conn, period, invoices).await?;
    dialect::insert_vat(conn, period, invoices).await?;
    Ok(())
}

/// A parked outcome gives way to a new one, and only a parked one: if another
/// transaction settled the account meanwhile, the insert collides. What a person
/// accepted stays on record.
async fn replace_parked(conn: &mut Conn, period: PeriodKey, outcome: &NewOutcome) -> Result<()> {
    let released: Option<Option<i64>> = sqlx::query_scalar(
        "DELETE FROM period_outcome WHERE account_id = $1 AND period = $2 AND outcome = 3 \
         RETURNING released_minor",
    )
    .bind(outcome.account.0)
    .bind(period.to_number())
    .fetch_optional(&mut *conn)
    .await?;
    sqlx::query(
        "INSERT INTO period_outcome (account_id, period, outcome, total_minor, reason, parked_minor, \
         released_minor) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(outcome.account.0)
    .bind(period.to_number())
    .bind(outcome.outcome.code())
    .bind(outcome.total_minor)
    .bind(outcome.reason.as_deref())
    .bind(outcome.parked_minor)
    .bind(released.flatten())
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes the numbered heads of a batch, open from then on.
///
/// # Errors
/// When the database refuses.
pub async fn write_invoices(
    conn: &mut Conn,
    head: &BatchHead<'_>,
    invoices: &[NewInvoice],
    numbered: &[NumberedInvoice],
) -> Result<()> {
    dialect::insert_invoices(conn, head, invoices, numbered).await?;
    super::list_as_open(conn, head, numbered).await
}

/// Of the accounts given, the totals of the period as they stand: for a shadow
/// run.
///
/// # Errors
/// When the database refuses.
pub async fn standing_totals(
    conn: &mut Conn,
    range: RunRange,
    period: PeriodKey,
) -> Result<HashMap<AccountId, (i16, i64)>> {
    let rows: Vec<(i64, i16, i64)> = sqlx::query_as(
        "SELECT account_id, outcome, total_minor FROM period_outcome \
         WHERE account_id >= $1 AND account_id <= $2 AND period = $3",
    )
    .bind(range.from.0)
    .bind(range.to.0)
    .bind(period.to_number())
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|(account, outcome, total)| (AccountId(account), (outcome, total)))
        .collect())
}
