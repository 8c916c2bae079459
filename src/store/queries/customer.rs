//! What the provider of cards calls an account and its cards.

use super::{Conn, Result};
use crate::domain::ids::{AccountId, PaymentMethodId};

/// What the provider calls the account.
///
/// # Errors
/// When the database refuses.
pub async fn provider_customer(conn: &mut Conn, account: AccountId) -> Result<Option<String>> {
    let sql =
        "SELECT reference FROM provider_customer WHERE account_id = $1 AND provider = 'stripe'";
    Ok(sqlx::query_scalar(sql)
        .bind(account.0)
        .fetch_optional(conn)
        .await?)
}

/// Records what the provider calls the account.
///
/// # Errors
/// When the database refuses: a unique violation when it is recorded already.
pub async fn insert_customer(conn: &mut Conn, account: AccountId, reference: &str) -> Result<()> {
    let sql =
        "INSERT INTO provider_customer (account_id, provider, reference) VALUES ($1, 'stripe', $2)";
    sqlx::query(sql)
        .bind(account.0)
        .bind(reference)
        .execute(conn)
        .await?;
    Ok(())
}

/// The account that the provider calls so.
///
/// # Errors
/// When the database refuses.
pub async fn account_of_customer(conn: &mut Conn, reference: &str) -> Result<Option<AccountId>> {
    let sql =
        "SELECT account_id FROM provider_customer WHERE provider = 'stripe' AND reference = $1";
    let id: Option<i64> = sqlx::query_scalar(sql)
        .bind(reference)
        .fetch_optional(conn)
        .await?;
    Ok(id.map(AccountId))
}

/// The card of an account that the provider calls so.
///
/// # Errors
/// When the database refuses.
pub async fn find_card(
    conn: &mut Conn,
    account: AccountId,
    reference: &str,
) -> Result<Option<PaymentMethodId>> {
    let sql = "SELECT method_id FROM payment_card WHERE account_id = $1 AND reference = $2";
    let id: Option<i64> = sqlx::query_scalar(sql)
        .bind(account.0)
        .bind(reference)
        .fetch_optional(conn)
        .await?;
    Ok(id.map(PaymentMethodId))
}
