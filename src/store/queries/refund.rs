//! Money given back. Whoever gives it holds the account.

use super::decode::at;
use super::outcome::StateColumns;
use super::{Conn, Result};
use crate::domain::calendar::Instant;
use crate::domain::ids::{AccountId, RefundId};
use crate::domain::money::Money;
use crate::domain::payment::AttemptState;
use crate::store::StoreError;
use crate::store::rows::{NewRefund, RefundPurpose, Refunded, StoredRefund};

/// Records a refund.
///
/// # Errors
/// When the database refuses.
pub async fn insert_refund(conn: &mut Conn, new: &NewRefund<'_>) -> Result<()> {
    let (attempt, purchase) = new.of.columns();
    let decided_at = (!new.state.in_flight()).then_some(new.created_at.0);
    sqlx::query(
        "INSERT INTO refund (account_id, id, attempt_id, purchase_id, purpose, amount_minor, currency, state, \
         provider_reference, actor, reason, created_at, decided_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    )
    .bind(new.account.0)
    .bind(new.id.to_string())
    .bind(attempt)
    .bind(purchase)
    .bind(new.purpose.code())
    .bind(new.amount.minor)
    .bind(new.amount.currency.code())
    .bind(new.state.code())
    .bind(new.provider_reference)
    .bind(new.by.actor)
    .bind(new.by.reason)
    .bind(new.created_at.0)
    .bind(decided_at)
    .execute(conn)
    .await?;
    Ok(())
}

/// Records what became of a refund that was the first state and is the second
/// now, and what the provider calls it, where that is news.
///
/// # Errors
/// [`StoreError::Raced`] when it is in another state by now, or is called
/// otherwise.
pub async fn decide_refund(
    conn: &mut Conn,
    refund: &StoredRefund,
    after: &AttemptState,
    provider_reference: Option<&str>,
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
    .bind(provider_reference)
    .execute(conn)
    .await?
    .rows_affected();
    if changed == 1 {
        Ok(())
    } else {
        Err(StoreError::Raced("a refund"))
    }
}

#[derive(sqlx::FromRow)]
struct RefundRow {
    account_id: i64,
    id: String,
    attempt_id: Option<String>,
    purchase_id: Option<String>,
    purpose: String,
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

/// What every query of refunds reads.
macro_rules! refund_columns {
    () => {
        "SELECT account_id, id, attempt_id, purchase_id, purpose, amount_minor, currency, state, decline_code, \
         decline_class, decline_known, provider_reference, actor, reason, created_at, decided_at FROM refund"
    };
}

fn refund_of(row: RefundRow) -> Result<StoredRefund> {
    let id: RefundId = at("refund", "id").parse(row.account_id, &row.id)?;
    let of = match (&row.attempt_id, &row.purchase_id) {
        (Some(attempt), None) => Refunded::Attempt(at("refund", "attempt_id").parse(id, attempt)?),
        (None, Some(purchase)) => {
            Refunded::Purchase(at("refund", "purchase_id").parse(id, purchase)?)
        }
        _ => return Err(at("refund", "attempt_id").refuse(id, "not one payment")),
    };
    let state = StateColumns {
        state: row.state,
        decline_code: row.decline_code,
        decline_class: row.decline_class,
        decline_known: row.decline_known,
    };
    Ok(StoredRefund {
        account: AccountId(row.account_id),
        of,
        purpose: RefundPurpose::from_code(&row.purpose)
            .ok_or_else(|| at("refund", "purpose").refuse(id, &row.purpose))?,
        amount: Money::new(
            row.amount_minor,
            at("refund", "currency").parse(id, &row.currency)?,
        ),
        state: state.read("refund", id)?,
        provider_reference: row.provider_reference,
        actor: row.actor,
        reason: row.reason,
        created_at: Instant(row.created_at),
        decided_at: row.decided_at.map(Instant),
        id,
    })
}

/// A refund by its id.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn find_refund(conn: &mut Conn, id: RefundId) -> Result<Option<StoredRefund>> {
    let row: Option<RefundRow> = sqlx::query_as(concat!(refund_columns!(), " WHERE id = $1"))
        .bind(id.to_string())
        .fetch_optional(conn)
        .await?;
    row.map(refund_of).transpose()
}

/// The refunds of a payment, the oldest first.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn refunds_of(
    conn: &mut Conn,
    account: AccountId,
    of: Refunded,
) -> Result<Vec<StoredRefund>> {
    let (attempt, purchase) = of.columns();
    let rows: Vec<RefundRow> = sqlx::query_as(concat!(
        refund_columns!(),
        " WHERE account_id = $1 AND (attempt_id = $2 OR purchase_id = $3) ORDER BY id"
    ))
    .bind(account.0)
    .bind(attempt)
    .bind(purchase)
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(refund_of).collect()
}

/// The refunds whose outcome is out, the oldest first, from after the id given.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn refunds_in_flight(
    conn: &mut Conn,
    after: Option<RefundId>,
    limit: i64,
) -> Result<Vec<StoredRefund>> {
    let after = after.map(|after| after.to_string()).unwrap_or_default();
    let rows: Vec<RefundRow> = sqlx::query_as(concat!(
        refund_columns!(),
        " WHERE state IN ('created', 'submitted', 'pending', 'unknown') AND id > $1 ORDER BY id LIMIT $2"
    ))
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(refund_of).collect()
}
