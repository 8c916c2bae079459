//! What happened to accounts, as their customers are shown it. Whoever records it
//! holds the account.

use super::decode::at;
use super::{Conn, Result};
use crate::domain::access::{AccountEvent, ChargeStatus};
use crate::domain::calendar::Instant;
use crate::domain::ids::AccountId;
use crate::domain::money::{Currency, Money};
use crate::store::rows::StoredEvent;

/// Records what happens to an account, in the transaction it happens in.
///
/// # Errors
/// When the database refuses.
pub async fn record_event(
    conn: &mut Conn,
    account: AccountId,
    event: AccountEvent<'_>,
    now: Instant,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO account_event (account_id, id, kind, at, data) \
         SELECT $1, COALESCE(MAX(e.id), 0) + 1, $2, $3, $4 FROM account_event e WHERE e.account_id = $1",
    )
    .bind(account.0)
    .bind(event.code())
    .bind(now.0)
    .bind(event.data().to_string())
    .execute(conn)
    .await?;
    Ok(())
}

/// Whatever happened to an account: what was recorded for its customer, and what the
/// books know of its money, each in its own place. `word` is a method, a movement or a
/// cause.
const HAPPENED: &str = "SELECT 0 AS source, id AS place, CAST(id AS TEXT) AS id, at, kind, data, \
     CAST(NULL AS BIGINT) AS amount_minor, CAST(NULL AS TEXT) AS word, CAST(NULL AS TEXT) AS state \
     FROM account_event WHERE account_id = $1 \
     UNION ALL SELECT 1, created_at, id, COALESCE(decided_at, created_at), 'payment_attempt', NULL, \
     amount_minor, method, state FROM payment_attempt WHERE account_id = $1 \
     UNION ALL SELECT 2, e.id, 'credit-' || CAST(e.id AS TEXT), e.at, 'add_credit', NULL, -p.amount_minor, \
     e.movement, NULL FROM ledger_entry e JOIN ledger_posting p ON p.account_id = e.account_id \
     AND p.entry_id = e.id AND p.ledger_account = 'customer_credit' \
     WHERE e.account_id = $1 AND e.movement IN ('credit_bought', 'credit_granted') \
     UNION ALL SELECT 3, id, 'method-' || CAST(id AS TEXT), added_at, 'add_payment_method', NULL, NULL, method, \
     NULL FROM payment_method WHERE account_id = $1 \
     UNION ALL SELECT 4, no, 'stop-' || CAST(no AS TEXT), suspended_at, 'stop_app', NULL, NULL, cause, NULL \
     FROM account_suspension WHERE account_id = $1 \
     UNION ALL SELECT 5, no, 'suspend-' || CAST(no AS TEXT), suspended_at, 'suspend_addon', NULL, NULL, cause, \
     NULL FROM account_suspension WHERE account_id = $1 \
     UNION ALL SELECT 6, no, 'resume-' || CAST(no AS TEXT), restored_at, 'resume_addon', NULL, NULL, cause, NULL \
     FROM account_suspension WHERE account_id = $1 AND restored_at IS NOT NULL";

#[derive(sqlx::FromRow)]
struct EventRow {
    id: String,
    at: i64,
    kind: String,
    data: Option<String>,
    amount_minor: Option<i64>,
    word: Option<String>,
    state: Option<String>,
    /// Of the account: all that moves its money is in it.
    currency: String,
}

/// How much happened to an account.
///
/// # Errors
/// When the database refuses.
pub async fn count_events(conn: &mut Conn, account: AccountId) -> Result<i64> {
    let sql = format!("SELECT COUNT(*) FROM ({HAPPENED}) h");
    Ok(sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .bind(account.0)
        .fetch_one(conn)
        .await?)
}

/// What happened to an account, the newest first: `limit` of it, after the first
/// `offset`.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn events_of(
    conn: &mut Conn,
    account: AccountId,
    offset: i64,
    limit: i64,
) -> Result<Vec<StoredEvent>> {
    let sql = format!(
        "SELECT h.*, a.currency FROM ({HAPPENED}) h CROSS JOIN account a WHERE a.id = $1 ORDER BY at DESC, source DESC, place DESC, id DESC LIMIT $3 OFFSET $2"
    );
    let rows: Vec<EventRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(account.0)
        .bind(offset)
        .bind(limit)
        .fetch_all(conn)
        .await?;
    rows.into_iter()
        .map(|row| {
            let name = format!("{account}/{}", row.id);
            let data = match &row.data {
                Some(data) => serde_json::from_str(data)
                    .map_err(|error| at("account_event", "data").refuse(&name, error))?,
                None => {
                    let currency = at("account", "currency").parse(account, &row.currency)?;
                    known(&row, currency)
                        .ok_or_else(|| at("payment_attempt", "state").refuse(&name, &row.kind))?
                        .data()
                }
            };
            Ok(StoredEvent {
                id: row.id,
                at: Instant(row.at),
                kind: row.kind,
                data,
            })
        })
        .collect()
}

/// What the books know of.
fn known(row: &EventRow, currency: Currency) -> Option<AccountEvent<'_>> {
    let word = row.word.as_deref()?;
    let event = match row.kind.as_str() {
        "payment_attempt" => AccountEvent::PaymentAttempt {
            amount: Money::new(row.amount_minor?, currency),
            payment_method: word,
            status: match row.state.as_deref()? {
                "succeeded" => ChargeStatus::Success,
                "created" | "submitted" | "pending" | "unknown" => ChargeStatus::Pending,
                "declined" | "returned" => ChargeStatus::Failed,
                _ => return None,
            },
        },
        "add_credit" => AccountEvent::AddCredit {
            amount: Money::new(row.amount_minor?, currency),
            payment_method: if word == "credit_bought" {
                "paypal"
            } else {
                "house"
            },
        },
        "add_payment_method" => AccountEvent::AddPaymentMethod {
            payment_method: word,
        },
        "stop_app" => AccountEvent::StopApp { reason: word },
        "suspend_addon" => AccountEvent::SuspendAddon { reason: word },
        "resume_addon" => AccountEvent::ResumeAddon,
        _ => return None,
    };
    Some(event)
}
