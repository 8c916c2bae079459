//! What the house looks at, page by page.

use super::decode::at;
use super::{Conn, Result};
use crate::domain::calendar::{Instant, PeriodKey};
use crate::domain::ids::AccountId;
use crate::domain::invoice::InvoiceNumber;
use crate::store::rows::{AuditEntry, ListedOutcome, OutcomeKind, PageBounds};

#[derive(sqlx::FromRow)]
struct OutcomeRow {
    external_id: String,
    outcome: i16,
    reason: Option<String>,
    released_minor: Option<i64>,
    series: Option<String>,
    year: Option<i32>,
    sequence: Option<i64>,
    currency: Option<String>,
    total_minor: Option<i64>,
}

/// A page of what a run came to, or of one kind of it, by the house's own key of the
/// account.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn outcomes(
    conn: &mut Conn,
    period: PeriodKey,
    kind: Option<OutcomeKind>,
    page: PageBounds,
) -> Result<Vec<ListedOutcome>> {
    let (least, most) = kind.map_or((1, 3), |kind| (kind.number(), kind.number()));
    let rows: Vec<OutcomeRow> = sqlx::query_as(
        "SELECT a.external_id, o.outcome, o.reason, o.released_minor, i.series, i.year, i.sequence, i.currency, \
         i.total_minor FROM period_outcome o JOIN account a ON a.id = o.account_id \
         LEFT JOIN invoice i ON i.account_id = o.account_id AND i.period = o.period AND i.kind = 1 \
         WHERE o.period = $1 AND o.outcome >= $2 AND o.outcome <= $3 ORDER BY o.account_id LIMIT $4 OFFSET $5",
    )
    .bind(period.to_number())
    .bind(least)
    .bind(most)
    .bind(page.limit)
    .bind(page.offset)
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(outcome_of).collect()
}

fn outcome_of(row: OutcomeRow) -> Result<ListedOutcome> {
    let account = row.external_id;
    let kind = OutcomeKind::from_number(row.outcome)
        .ok_or_else(|| at("period_outcome", "outcome").refuse(&account, row.outcome))?;
    let invoice = match (
        row.series,
        row.year,
        row.sequence,
        row.currency,
        row.total_minor,
    ) {
        (Some(series), Some(year), Some(sequence), Some(currency), Some(total_minor)) => {
            let number = InvoiceNumber {
                series: at("invoice", "series").parse(&account, &series)?,
                year,
                sequence,
            };
            let currency = at("invoice", "currency").parse(&number, &currency)?;
            Some((number, currency, total_minor))
        }
        _ => None,
    };
    Ok(ListedOutcome {
        external_id: account,
        kind,
        reason: row.reason,
        is_released: row.released_minor.is_some(),
        invoice,
    })
}

#[derive(sqlx::FromRow)]
struct AuditRow {
    at: i64,
    external_id: Option<String>,
    actor: String,
    action: String,
    subject: Option<String>,
    reason: String,
}

/// Each half is cut before the two are put together, so that neither is sorted whole.
const ALL_ENTRIES: &str = "SELECT e.at, a.external_id, e.actor, e.action, e.subject, e.reason FROM ( \
     SELECT * FROM (SELECT at, account_id, id, actor, action, subject, reason FROM audit_entry \
     ORDER BY at DESC, account_id DESC, id DESC LIMIT $1) own UNION ALL \
     SELECT * FROM (SELECT at, CAST(NULL AS BIGINT) AS account_id, id, actor, action, subject, reason \
     FROM house_audit_entry ORDER BY id DESC LIMIT $1) house) e LEFT JOIN account a ON a.id = e.account_id \
     ORDER BY e.at DESC, COALESCE(e.account_id, 0) DESC, e.id DESC LIMIT $2 OFFSET $3";

/// A page of what people did, the latest first: to one account, or all of it.
///
/// # Errors
/// When the database refuses.
pub async fn audit_entries(
    conn: &mut Conn,
    account: Option<AccountId>,
    page: PageBounds,
) -> Result<Vec<AuditEntry>> {
    let query = match account {
        Some(account) => sqlx::query_as(
            "SELECT e.at, a.external_id, e.actor, e.action, e.subject, e.reason FROM audit_entry e \
             JOIN account a ON a.id = e.account_id WHERE e.account_id = $1 ORDER BY e.id DESC LIMIT $2 OFFSET $3",
        )
        .bind(account.0),
        None => sqlx::query_as(ALL_ENTRIES).bind(page.limit.saturating_add(page.offset)),
    };
    let rows: Vec<AuditRow> = query
        .bind(page.limit)
        .bind(page.offset)
        .fetch_all(conn)
        .await?;
    let entries = rows.into_iter().map(|row| AuditEntry {
        at: Instant(row.at),
        external_id: row.external_id,
        actor: row.actor,
        action: row.action,
        subject: row.subject,
        reason: row.reason,
    });
    Ok(entries.collect())
}

/// How many entries there are: of one account, or in all.
///
/// # Errors
/// When the database refuses.
pub async fn count_audit_entries(conn: &mut Conn, account: Option<AccountId>) -> Result<i64> {
    let query = match account {
        Some(account) => {
            sqlx::query_scalar("SELECT COUNT(*) FROM audit_entry WHERE account_id = $1")
                .bind(account.0)
        }
        None => sqlx::query_scalar(
            "SELECT (SELECT COUNT(*) FROM audit_entry) + (SELECT COUNT(*) FROM house_audit_entry)",
        ),
    };
    Ok(query.fetch_one(conn).await?)
}
