//! Cards that are good for a short time only, and those that their banks renewed.

use std::ops::RangeInclusive;

use super::decode::at;
use super::{Conn, Result};
use crate::domain::calendar::PeriodKey;
use crate::domain::ids::{AccountId, PaymentMethodId};
use crate::store::rows::ExpiringCard;

type ExpiringRow = (i64, i64, String, String, String, i32);

/// The next cards, after one of them, whose last month is one of these, that would
/// be charged, and whose customers were not told yet. Accounts on their way out have
/// none.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn cards_expiring(
    conn: &mut Conn,
    months: &RangeInclusive<PeriodKey>,
    after: Option<(AccountId, PaymentMethodId)>,
    limit: i64,
) -> Result<Vec<ExpiringCard>> {
    let (account, method) = after.map_or((i64::MIN, 0), |(account, method)| (account.0, method.0));
    let rows: Vec<ExpiringRow> = sqlx::query_as(
        "SELECT c.account_id, c.method_id, c.reference, c.brand, c.last4, c.expires FROM payment_card c \
         JOIN payment_method m ON m.account_id = c.account_id AND m.id = c.method_id AND m.state = 'usable' \
         WHERE c.expires >= $1 AND c.expires <= $2 AND (c.account_id, c.method_id) > ($3, $4) \
         AND NOT EXISTS (SELECT 1 FROM payment_method o WHERE o.account_id = m.account_id AND o.method = 'card' \
         AND o.state = 'usable' AND o.preferred_at > m.preferred_at) \
         AND NOT EXISTS (SELECT 1 FROM outbox n WHERE n.account_id = c.account_id AND n.channel = 'mail' \
         AND n.key = 'card_expiring:' || CAST(c.method_id AS TEXT) || ':' || CAST(c.expires AS TEXT)) \
         AND NOT EXISTS (SELECT 1 FROM account_deletion d WHERE d.account_id = c.account_id \
         AND d.state IN ('settling', 'erasing', 'done')) \
         ORDER BY c.account_id, c.method_id LIMIT $5",
    )
    .bind(months.start().to_number())
    .bind(months.end().to_number())
    .bind(account)
    .bind(method)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|(account, method, reference, brand, last4, expires)| {
            let name = format!("{account}/{method}");
            Ok(ExpiringCard {
                account: AccountId(account),
                method: PaymentMethodId(method),
                reference,
                brand,
                last4,
                expires: at("payment_card", "expires").period(name, expires)?,
            })
        })
        .collect()
}

/// Whose card the provider calls so.
///
/// # Errors
/// When the database refuses.
pub async fn account_of_card(
    conn: &mut Conn,
    reference: &str,
) -> Result<Option<(AccountId, PaymentMethodId)>> {
    let found: Option<(i64, i64)> =
        sqlx::query_as("SELECT account_id, method_id FROM payment_card WHERE reference = $1")
            .bind(reference)
            .fetch_optional(conn)
            .await?;
    Ok(found.map(|(account, method)| (AccountId(account), PaymentMethodId(method))))
}

/// Records that a bank renewed a card: under another number, or good for longer. One
/// that was out of use because it had expired is usable again. The caller holds the
/// account.
///
/// # Errors
/// When the database refuses.
pub async fn renew_card(
    conn: &mut Conn,
    account: AccountId,
    method: PaymentMethodId,
    last4: &str,
    expires: i32,
) -> Result<()> {
    let renewed = sqlx::query(
        "UPDATE payment_card SET last4 = $3, expires = $4 \
         WHERE account_id = $1 AND method_id = $2 AND (last4 <> $3 OR expires <> $4)",
    )
    .bind(account.0)
    .bind(method.0)
    .bind(last4)
    .bind(expires)
    .execute(&mut *conn)
    .await?
    .rows_affected();
    if renewed > 0 {
        sqlx::query(
            "UPDATE payment_method SET state = 'usable', decline_code = NULL \
             WHERE account_id = $1 AND id = $2 AND state = 'hard_declined' AND decline_code = 'expired_card'",
        )
        .bind(account.0)
        .bind(method.0)
        .execute(conn)
        .await?;
    }
    Ok(())
}
