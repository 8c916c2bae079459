//! Bought credit that is paid back: the refunds of purchases.

use super::decode::at;
use super::purchase::{one, state_of};
use super::{Conn, Result};
use crate::domain::calendar::Instant;
use crate::domain::ids::{AccountId, PurchaseId, RefundId};
use crate::domain::money::Money;
use crate::domain::payment::AttemptState;
use crate::store::rows::{NewRefund, StoredRefund};

/// Records a refund of a purchase. The caller holds the account.
///
/// # Errors
/// When the database refuses.
pub async fn insert_purchase_refund(conn: &mut Conn, new: &NewRefund<'_>) -> Result<()> {
    let decided_at = (!new.state.in_flight()).then_some(new.created_at.0);
    sqlx::query(
        "INSERT INTO refund (account_id, id, purchase_id, purpose, amount_minor, currency, state, \
         provider_reference, actor, reason, created_at, decided_at) \
         VALUES ($1, $2, $3, 'unused_credit', $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(new.account.0)
    .bind(new.id.to_string())
    .bind(new.purchase.to_string())
    .bind(new.amount.minor)
    .bind(new.amount.currency.code())
    .bind(new.state.code())
    .bind(new.provider_reference)
    .bind(new.actor)
    .bind(new.reason)
    .bind(new.created_at.0)
    .bind(decided_at)
    .execute(conn)
    .await?;
    Ok(())
}

/// Records what became of a refund, as [`super::decide_purchase`].
///
/// # Errors
/// [`crate::store::StoreError::Raced`] when it is in another state by now.
pub async fn decide_purchase_refund(
    conn: &mut Conn,
    refund: &StoredRefund,
    after: &AttemptState,
    reference: Option<&str>,
    now: Instant,
) -> Result<()> {
    let refusal = after.refusal();
    let decided_at = (!after.in_flight()).then_some(now.0);
    let changed = sqlx::query(
        "UPDATE refund SET state = $4, decline_code = $5, decline_class = $6, decline_known = $7, \
         decided_at = $8, provider_reference = COALESCE(provider_reference, $9) \
         WHERE account_id = $1 AND id = $2 AND state = $3 \
         AND (provider_reference IS NULL OR provider_reference = COALESCE($9, provider_reference))",
    )
    .bind(refund.account.0)
    .bind(refund.id.to_string())
    .bind(refund.state.code())
    .bind(after.code())
    .bind(refusal.map(|refusal| refusal.code.as_str()))
    .bind(refusal.map(|refusal| refusal.class.code()))
    .bind(refusal.map(|refusal| i16::from(refusal.known)))
    .bind(decided_at)
    .bind(reference)
    .execute(conn)
    .await?
    .rows_affected();
    one(changed, "a refund")
}

#[derive(sqlx::FromRow)]
struct RefundRow {
    account_id: i64,
    id: String,
    purchase_id: String,
    amount_minor: i64,
    currency: String,
    state: String,
    decline_code: Option<String>,
    decline_class: Option<String>,
    decline_known: Option<i16>,
    provider_reference: Option<String>,
    actor: String,
    reason: String,
    created_at: i64,
    decided_at: Option<i64>,
}

const SELECT: &str = "SELECT account_id, id, purchase_id, amount_minor, currency, state, decline_code, \
     decline_class, decline_known, provider_reference, actor, reason, created_at, decided_at FROM refund \
     WHERE purchase_id IS NOT NULL";

/// A refund of a purchase by its id.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn find_purchase_refund(conn: &mut Conn, id: RefundId) -> Result<Option<StoredRefund>> {
    let sql = format!("{SELECT} AND id = $1");
    let row: Option<RefundRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(id.to_string())
        .fetch_optional(conn)
        .await?;
    row.map(refund_of).transpose()
}

/// The refunds of a purchase, the oldest first.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn refunds_of_purchase(
    conn: &mut Conn,
    account: AccountId,
    purchase: PurchaseId,
) -> Result<Vec<StoredRefund>> {
    let sql = format!("{SELECT} AND account_id = $1 AND purchase_id = $2 ORDER BY id");
    let rows: Vec<RefundRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(account.0)
        .bind(purchase.to_string())
        .fetch_all(conn)
        .await?;
    rows.into_iter().map(refund_of).collect()
}

/// The next refunds of purchases whose outcome is out, after one of them.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn open_purchase_refunds(
    conn: &mut Conn,
    after: Option<RefundId>,
    limit: i64,
) -> Result<Vec<StoredRefund>> {
    let sql = format!(
        "{SELECT} AND state IN ('created', 'submitted', 'pending', 'unknown') AND id > $1 ORDER BY id LIMIT $2"
    );
    let rows: Vec<RefundRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(after.map_or_else(String::new, |after| after.to_string()))
        .bind(limit)
        .fetch_all(conn)
        .await?;
    rows.into_iter().map(refund_of).collect()
}

fn refund_of(row: RefundRow) -> Result<StoredRefund> {
    const TABLE: &str = "refund";
    let id: RefundId = at(TABLE, "id").parse(row.account_id, &row.id)?;
    let currency = at(TABLE, "currency").parse(id, &row.currency)?;
    let decline = (row.decline_code, row.decline_class, row.decline_known);
    Ok(StoredRefund {
        account: AccountId(row.account_id),
        id,
        purchase: at(TABLE, "purchase_id").parse(id, &row.purchase_id)?,
        amount: Money::new(row.amount_minor, currency),
        state: state_of(TABLE, &row.id, &row.state, decline)?,
        provider_reference: row.provider_reference,
        actor: row.actor,
        reason: row.reason,
        created_at: Instant(row.created_at),
        decided_at: row.decided_at.map(Instant),
    })
}
