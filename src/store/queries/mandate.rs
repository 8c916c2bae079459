//! What a mandate seals: the account that it debits. Whoever changes it holds
//! the account; whoever seals it anew need not, as the number stays the same.

use super::{Conn, Result};
use crate::domain::ids::{AccountId, PaymentMethodId};
use crate::store::StoreError;
use crate::store::rows::SealedIban;
use crate::vault::Sealed;

/// Gives a mandate another account: its next collection tells so. Whether it
/// did: not one that was removed.
///
/// # Errors
/// When the database refuses.
pub async fn change_iban(
    conn: &mut Conn,
    account: AccountId,
    id: PaymentMethodId,
    iban: &Sealed,
    iban_masked: &str,
    bic: Option<&str>,
) -> Result<bool> {
    // A bank that never saw the mandate is told nothing of its past.
    let changed = sqlx::query(
        "UPDATE sepa_mandate SET iban_key = $3, iban_sealed = $4, iban_version = iban_version + 1, \
         iban_masked = $5, bic = $6, account_changed = CASE WHEN last_presented_on IS NULL THEN 0 ELSE 1 END \
         WHERE account_id = $1 AND method_id = $2 AND EXISTS (SELECT 1 FROM payment_method m \
         WHERE m.account_id = $1 AND m.id = $2 AND m.state <> 'removed')",
    )
    .bind(account.0)
    .bind(id.0)
    .bind(&iban.key_id)
    .bind(&iban.bytes)
    .bind(iban_masked)
    .bind(bic)
    .execute(conn)
    .await?
    .rows_affected();
    Ok(changed == 1)
}

/// The sealed IBAN of a mandate.
///
/// # Errors
/// When the database refuses.
pub async fn sealed_iban(
    conn: &mut Conn,
    account: AccountId,
    id: PaymentMethodId,
) -> Result<Option<Sealed>> {
    let row: Option<(String, Vec<u8>)> = sqlx::query_as(
        "SELECT iban_key, iban_sealed FROM sepa_mandate WHERE account_id = $1 AND method_id = $2",
    )
    .bind(account.0)
    .bind(id.0)
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|(key_id, bytes)| Sealed { key_id, bytes }))
}

/// The next sealed IBANs that are under another key than `newest`, after one of
/// them.
///
/// # Errors
/// When the database refuses.
pub async fn ibans_to_reseal(
    conn: &mut Conn,
    newest: &str,
    after: Option<(AccountId, PaymentMethodId)>,
    limit: i64,
) -> Result<Vec<SealedIban>> {
    let (account, id) = after.map_or((i64::MIN, i64::MIN), |(account, id)| (account.0, id.0));
    let rows: Vec<(i64, i64, String, Vec<u8>)> = sqlx::query_as(
        "SELECT account_id, method_id, iban_key, iban_sealed FROM sepa_mandate \
         WHERE (account_id > $2 OR (account_id = $2 AND method_id > $3)) AND iban_key <> $1 \
         ORDER BY account_id, method_id LIMIT $4",
    )
    .bind(newest)
    .bind(account)
    .bind(id)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|(account, id, key_id, bytes)| SealedIban {
            account: AccountId(account),
            id: PaymentMethodId(id),
            sealed: Sealed { key_id, bytes },
        })
        .collect())
}

/// Replaces a sealed IBAN by the same one sealed anew.
///
/// # Errors
/// [`StoreError::Raced`] when it is another by now.
pub async fn reseal_iban(conn: &mut Conn, before: &SealedIban, after: &Sealed) -> Result<()> {
    let changed = sqlx::query(
        "UPDATE sepa_mandate SET iban_key = $3, iban_sealed = $4 \
         WHERE account_id = $1 AND method_id = $2 AND iban_sealed = $5",
    )
    .bind(before.account.0)
    .bind(before.id.0)
    .bind(&after.key_id)
    .bind(&after.bytes)
    .bind(&before.sealed.bytes)
    .execute(conn)
    .await?
    .rows_affected();
    if changed == 1 {
        Ok(())
    } else {
        Err(StoreError::Raced("a mandate's account number"))
    }
}
