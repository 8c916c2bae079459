//! Disputes of payments. Whoever writes one holds its account.

use super::decode::at;
use super::{Conn, Result};
use crate::domain::calendar::Instant;
use crate::domain::ids::AccountId;
use crate::domain::money::Money;
use crate::domain::payment::dispute::DisputeState;
use crate::store::StoreError;
use crate::store::rows::{EventSource, Refunded, StoredDispute};

/// The next id of a dispute of an account.
///
/// # Errors
/// When the database refuses.
pub async fn next_dispute(conn: &mut Conn, account: AccountId) -> Result<i64> {
    let sql = "SELECT COALESCE(MAX(id), 0) + 1 FROM payment_dispute WHERE account_id = $1";
    let id = sqlx::query_scalar(sql)
        .bind(account.0)
        .fetch_one(conn)
        .await?;
    Ok(id)
}

/// Records a dispute, or what became of it.
///
/// # Errors
/// A unique violation when the provider's name is another dispute's;
/// [`StoreError::Raced`] when it is of another payment.
pub async fn write_dispute(conn: &mut Conn, dispute: &StoredDispute) -> Result<()> {
    let (attempt, purchase) = dispute.of.columns();
    let changed = sqlx::query(
        "INSERT INTO payment_dispute (account_id, id, provider, reference, reversal_reference, attempt_id, \
         purchase_id, amount_minor, currency, fee_minor, state, announced_at, opened_at, closed_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) \
         ON CONFLICT (account_id, id) DO UPDATE SET reference = excluded.reference, \
         reversal_reference = excluded.reversal_reference, amount_minor = excluded.amount_minor, \
         fee_minor = excluded.fee_minor, state = excluded.state, opened_at = excluded.opened_at, \
         closed_at = excluded.closed_at WHERE payment_dispute.provider = excluded.provider \
         AND COALESCE(payment_dispute.attempt_id, payment_dispute.purchase_id) \
         = COALESCE(excluded.attempt_id, excluded.purchase_id)",
    )
    .bind(dispute.account.0)
    .bind(dispute.id)
    .bind(dispute.source.code())
    .bind(dispute.reference.as_deref())
    .bind(dispute.reversal.as_deref())
    .bind(attempt)
    .bind(purchase)
    .bind(dispute.amount.minor)
    .bind(dispute.amount.currency.code())
    .bind(dispute.fee_minor)
    .bind(dispute.state.code())
    .bind(dispute.announced_at.0)
    .bind(dispute.opened_at.map(|at| at.0))
    .bind(dispute.closed_at.map(|at| at.0))
    .execute(conn)
    .await?
    .rows_affected();
    if changed == 1 {
        Ok(())
    } else {
        Err(StoreError::Raced("a dispute"))
    }
}

#[derive(sqlx::FromRow)]
struct DisputeRow {
    account_id: i64,
    id: i64,
    provider: String,
    reference: Option<String>,
    reversal_reference: Option<String>,
    attempt_id: Option<String>,
    purchase_id: Option<String>,
    amount_minor: i64,
    currency: String,
    fee_minor: i64,
    state: String,
    announced_at: i64,
    opened_at: Option<i64>,
    closed_at: Option<i64>,
}

/// What every query of disputes reads.
macro_rules! dispute_columns {
    () => {
        "SELECT account_id, id, provider, reference, reversal_reference, attempt_id, purchase_id, amount_minor, \
         currency, fee_minor, state, announced_at, opened_at, closed_at FROM payment_dispute"
    };
}

/// The disputes of a payment, the oldest first.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn disputes_of(
    conn: &mut Conn,
    account: AccountId,
    of: Refunded,
) -> Result<Vec<StoredDispute>> {
    let (attempt, purchase) = of.columns();
    let rows: Vec<DisputeRow> = sqlx::query_as(concat!(
        dispute_columns!(),
        " WHERE account_id = $1 AND (attempt_id = $2 OR purchase_id = $3) ORDER BY id"
    ))
    .bind(account.0)
    .bind(attempt)
    .bind(purchase)
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(dispute_of).collect()
}

/// The named disputes that are not decided, from after the account and id given.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn undecided_disputes(
    conn: &mut Conn,
    after: (AccountId, i64),
    limit: i64,
) -> Result<Vec<StoredDispute>> {
    let rows: Vec<DisputeRow> = sqlx::query_as(concat!(
        dispute_columns!(),
        " WHERE state IN ('announced', 'open') AND reference IS NOT NULL \
         AND (account_id > $1 OR (account_id = $1 AND id > $2)) ORDER BY account_id, id LIMIT $3"
    ))
    .bind(after.0.0)
    .bind(after.1)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(dispute_of).collect()
}

fn dispute_of(row: DisputeRow) -> Result<StoredDispute> {
    const TABLE: &str = "payment_dispute";
    let place = format!("{} {}", row.account_id, row.id);
    let of = match (&row.attempt_id, &row.purchase_id) {
        (Some(attempt), None) => Refunded::Attempt(at(TABLE, "attempt_id").parse(&place, attempt)?),
        (None, Some(purchase)) => {
            Refunded::Purchase(at(TABLE, "purchase_id").parse(&place, purchase)?)
        }
        _ => return Err(at(TABLE, "attempt_id").refuse(place, "not one payment")),
    };
    Ok(StoredDispute {
        account: AccountId(row.account_id),
        id: row.id,
        source: EventSource::from_code(&row.provider)
            .ok_or_else(|| at(TABLE, "provider").refuse(&place, &row.provider))?,
        reference: row.reference,
        reversal: row.reversal_reference,
        of,
        amount: Money::new(
            row.amount_minor,
            at(TABLE, "currency").parse(&place, &row.currency)?,
        ),
        fee_minor: row.fee_minor,
        state: DisputeState::from_code(&row.state)
            .ok_or_else(|| at(TABLE, "state").refuse(&place, &row.state))?,
        announced_at: Instant(row.announced_at),
        opened_at: row.opened_at.map(Instant),
        closed_at: row.closed_at.map(Instant),
    })
}
