//! Purchases of prepaid credit.

use super::decode::at;
use super::outcome::{Decided, StateColumns, decide};
use super::{Conn, Result};
use crate::domain::calendar::Instant;
use crate::domain::ids::{AccountId, PurchaseId};
use crate::domain::money::Money;
use crate::domain::payment::AttemptState;
use crate::store::StoreError;
use crate::store::rows::{NewPurchase, PurchaseSums, StoredPurchase};

/// Records a purchase, in flight from then on. The caller holds the account.
///
/// # Errors
/// When the database refuses.
pub async fn insert_purchase(conn: &mut Conn, new: &NewPurchase) -> Result<()> {
    sqlx::query(
        "INSERT INTO credit_purchase (account_id, id, provider, amount_minor, currency, state, created_at) \
         VALUES ($1, $2, 'paypal', $3, $4, $5, $6)",
    )
    .bind(new.account.0)
    .bind(new.id.to_string())
    .bind(new.amount.minor)
    .bind(new.amount.currency.code())
    .bind(AttemptState::Created.code())
    .bind(new.created_at.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// Records the order that its customer approves. There is one, for good.
///
/// # Errors
/// [`StoreError::Raced`] when it has another.
pub async fn record_order(
    conn: &mut Conn,
    account: AccountId,
    purchase: PurchaseId,
    order: &str,
) -> Result<()> {
    let changed = sqlx::query(
        "UPDATE credit_purchase SET order_reference = $3 WHERE account_id = $1 AND id = $2 \
         AND (order_reference IS NULL OR order_reference = $3)",
    )
    .bind(account.0)
    .bind(purchase.to_string())
    .bind(order)
    .execute(conn)
    .await?
    .rows_affected();
    if changed == 1 {
        Ok(())
    } else {
        Err(StoreError::Raced("a credit purchase"))
    }
}

/// Records what became of a purchase that was `before`, with what took its money
/// where that is told.
///
/// # Errors
/// [`StoreError::Raced`] when it is in another state by now, or its money was
/// taken by something else.
pub async fn decide_purchase(
    conn: &mut Conn,
    purchase: &StoredPurchase,
    after: &AttemptState,
    reference: Option<&str>,
    now: Instant,
) -> Result<()> {
    let decided = Decided {
        table: "credit_purchase",
        what: "a credit purchase",
        account: purchase.account,
        id: &purchase.id.to_string(),
        has_problem: true,
        states: (&purchase.state, after),
        provider_reference: reference,
        now,
    };
    decide(conn, decided).await
}

/// As [`super::note_attempt_problem`], of a purchase.
///
/// # Errors
/// When the database refuses.
pub async fn note_purchase_problem(
    conn: &mut Conn,
    account: AccountId,
    purchase: PurchaseId,
    problem: &str,
) -> Result<()> {
    sqlx::query("UPDATE credit_purchase SET problem = $3 WHERE account_id = $1 AND id = $2")
        .bind(account.0)
        .bind(purchase.to_string())
        .bind(problem)
        .execute(conn)
        .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct PurchaseRow {
    account_id: i64,
    id: String,
    external_id: String,
    amount_minor: i64,
    currency: String,
    state: String,
    decline_code: Option<String>,
    decline_class: Option<String>,
    decline_known: Option<i16>,
    order_reference: Option<String>,
    provider_reference: Option<String>,
    problem: Option<String>,
    created_at: i64,
    decided_at: Option<i64>,
}

const SELECT: &str = "SELECT c.account_id, c.id, a.external_id, c.amount_minor, c.currency, c.state, \
     c.decline_code, c.decline_class, c.decline_known, c.order_reference, c.provider_reference, c.problem, c.created_at, \
     c.decided_at FROM credit_purchase c JOIN account a ON a.id = c.account_id";

/// A purchase by its id.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn find_purchase(conn: &mut Conn, id: PurchaseId) -> Result<Option<StoredPurchase>> {
    find_by(conn, "c.id", &id.to_string()).await
}

/// The purchase of an order.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn find_purchase_by_order(
    conn: &mut Conn,
    order: &str,
) -> Result<Option<StoredPurchase>> {
    find_by(conn, "c.order_reference", order).await
}

/// The purchase whose money this took.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn find_purchase_by_reference(
    conn: &mut Conn,
    reference: &str,
) -> Result<Option<StoredPurchase>> {
    find_by(conn, "c.provider_reference", reference).await
}

async fn find_by(
    conn: &mut Conn,
    column: &'static str,
    value: &str,
) -> Result<Option<StoredPurchase>> {
    let sql = sqlx::AssertSqlSafe(format!("{SELECT} WHERE {column} = $1"));
    let row: Option<PurchaseRow> = sqlx::query_as(sql).bind(value).fetch_optional(conn).await?;
    row.map(purchase_of).transpose()
}

/// The purchases of an account, the newest `limit`, the oldest of them first.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn purchases(
    conn: &mut Conn,
    account: AccountId,
    limit: i64,
) -> Result<Vec<StoredPurchase>> {
    let sql = format!("{SELECT} WHERE c.account_id = $1 ORDER BY c.id DESC LIMIT $2");
    let rows: Vec<PurchaseRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(account.0)
        .bind(limit)
        .fetch_all(conn)
        .await?;
    rows.into_iter().rev().map(purchase_of).collect()
}

/// The next purchases whose outcome is out, after one of them.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn open_purchases(
    conn: &mut Conn,
    after: Option<PurchaseId>,
    limit: i64,
) -> Result<Vec<StoredPurchase>> {
    let sql = format!(
        "{SELECT} WHERE c.state IN ('created', 'submitted', 'pending', 'unknown') AND c.id > $1 \
         ORDER BY c.id LIMIT $2"
    );
    let rows: Vec<PurchaseRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(after.map_or_else(String::new, |after| after.to_string()))
        .bind(limit)
        .fetch_all(conn)
        .await?;
    rows.into_iter().map(purchase_of).collect()
}

/// What was given back of a purchase. The caller holds the account.
///
/// # Errors
/// When the database refuses.
pub async fn purchase_sums(
    conn: &mut Conn,
    account: AccountId,
    purchase: PurchaseId,
) -> Result<PurchaseSums> {
    let refunded_minor: i64 = sqlx::query_scalar(
        "SELECT CAST(COALESCE(SUM(amount_minor), 0) AS BIGINT) FROM refund \
         WHERE account_id = $1 AND purchase_id = $2 AND state = 'succeeded'",
    )
    .bind(account.0)
    .bind(purchase.to_string())
    .fetch_one(&mut *conn)
    .await?;
    let taken_back_minor: i64 = sqlx::query_scalar(
        "SELECT CAST(COALESCE(SUM(p.amount_minor), 0) AS BIGINT) FROM ledger_entry e \
         JOIN ledger_posting p ON p.account_id = e.account_id AND p.entry_id = e.id \
         AND p.ledger_account = 'customer_credit' WHERE e.account_id = $1 AND e.purchase_id = $2 \
         AND e.movement IN ('chargeback_opened', 'chargeback_won')",
    )
    .bind(account.0)
    .bind(purchase.to_string())
    .fetch_one(conn)
    .await?;
    Ok(PurchaseSums {
        refunded_minor,
        taken_back_minor,
    })
}

fn purchase_of(row: PurchaseRow) -> Result<StoredPurchase> {
    const TABLE: &str = "credit_purchase";
    let id: PurchaseId = at(TABLE, "id").parse(row.account_id, &row.id)?;
    let currency = at(TABLE, "currency").parse(id, &row.currency)?;
    let state = StateColumns {
        state: row.state,
        decline_code: row.decline_code,
        decline_class: row.decline_class,
        decline_known: row.decline_known,
    };
    Ok(StoredPurchase {
        account: AccountId(row.account_id),
        external_id: row.external_id,
        id,
        amount: Money::new(row.amount_minor, currency),
        state: state.read(TABLE, &row.id)?,
        order_reference: row.order_reference,
        provider_reference: row.provider_reference,
        problem: row.problem,
        created_at: Instant(row.created_at),
        decided_at: row.decided_at.map(Instant),
    })
}
