//! Money given back. Whoever gives it holds the account.

use super::decode::at;
use super::outcome::{Decided, StateColumns, decide};
use super::{Conn, Result};
use crate::domain::calendar::Instant;
use crate::domain::ids::{AccountId, AttemptId, RefundId};
use crate::domain::money::Money;
use crate::domain::payment::AttemptState;
use crate::domain::payment::refund::{BookedRefund, RefundPurpose};
use crate::store::rows::{NewRefund, Refunded, StoredRefund};

/// Records a refund.
///
/// # Errors
/// When the database refuses.
pub async fn insert_refund(conn: &mut Conn, new: &NewRefund<'_>) -> Result<()> {
    let (attempt, purchase) = new.of.columns();
    let decided_at = (!new.state.in_flight()).then_some(new.created_at.0);
    sqlx::query(
        "INSERT INTO refund (account_id, id, attempt_id, purchase_id, purpose, amount_minor, currency, \
         credit_minor, state, provider_reference, actor, reason, created_at, decided_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    )
    .bind(new.account.0)
    .bind(new.id.to_string())
    .bind(attempt)
    .bind(purchase)
    .bind(new.purpose.code())
    .bind(new.amount.minor)
    .bind(new.amount.currency.code())
    .bind(new.credit_minor)
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
    let decided = Decided {
        table: "refund",
        what: "a refund",
        account: refund.account,
        id: &refund.id.to_string(),
        has_problem: false,
        states: (&refund.state, after),
        provider_reference,
        now,
    };
    decide(conn, decided).await?;
    if matches!(refund.state, AttemptState::Declined { .. }) {
        sqlx::query("UPDATE refund SET was_declined = 1 WHERE account_id = $1 AND id = $2")
            .bind(refund.account.0)
            .bind(refund.id.to_string())
            .execute(conn)
            .await?;
    }
    Ok(())
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
    credit_minor: i64,
    state: String,
    was_declined: i16,
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
        "SELECT account_id, id, attempt_id, purchase_id, purpose, amount_minor, currency, credit_minor, \
         state, was_declined, decline_code, decline_class, decline_known, provider_reference, actor, reason, created_at, decided_at FROM refund"
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
        credit_minor: row.credit_minor,
        state: state.read("refund", id)?,
        was_declined: row.was_declined != 0,
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

/// The refund of a purchase that its provider calls so.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn find_purchase_refund(
    conn: &mut Conn,
    reference: &str,
) -> Result<Option<StoredRefund>> {
    let row: Option<RefundRow> = sqlx::query_as(concat!(
        refund_columns!(),
        " WHERE provider_reference = $1 AND purchase_id IS NOT NULL"
    ))
    .bind(reference)
    .fetch_optional(conn)
    .await?;
    row.map(refund_of).transpose()
}

/// What a refund has moved so far.
///
/// # Errors
/// When the database refuses.
pub async fn booked_of_refund(
    conn: &mut Conn,
    account: AccountId,
    refund: RefundId,
) -> Result<BookedRefund> {
    // Of each movement, an entry's debits are its amount.
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "SELECT e.movement, CAST(SUM(p.amount_minor) AS BIGINT) FROM ledger_entry e \
         JOIN ledger_posting p ON p.account_id = e.account_id AND p.entry_id = e.id AND p.amount_minor > 0 \
         WHERE e.account_id = $1 AND e.refund_id = $2 GROUP BY e.movement",
    )
    .bind(account.0)
    .bind(refund.to_string())
    .fetch_all(conn)
    .await?;
    let of = |movement: &str| {
        let row = rows.iter().find(|(code, _)| code == movement);
        row.map_or(0, |(_, amount_minor)| *amount_minor)
    };
    Ok(BookedRefund {
        reopened_minor: of("refunded_to_card"),
        granted_minor: of("credit_granted"),
        paid_back_minor: of("credit_paid_back"),
    })
}

/// What of a payment is credit, in minor units: what came beyond the debt, less
/// what was given back out of it.
///
/// # Errors
/// When the database refuses.
pub async fn credit_of_attempt(
    conn: &mut Conn,
    account: AccountId,
    attempt: AttemptId,
) -> Result<i64> {
    Ok(sqlx::query_scalar(
        "SELECT CAST(COALESCE(-SUM(p.amount_minor), 0) AS BIGINT) FROM ledger_entry e \
         JOIN ledger_posting p ON p.account_id = e.account_id AND p.entry_id = e.id \
         AND p.ledger_account = 'customer_credit' WHERE e.account_id = $1 AND e.attempt_id = $2",
    )
    .bind(account.0)
    .bind(attempt.to_string())
    .fetch_one(conn)
    .await?)
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
