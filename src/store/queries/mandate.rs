//! What a mandate seals, the account that it debits, and what the bank knows it
//! by. Whoever changes them holds the account; whoever seals the number anew need
//! not, as it stays the same.

use sqlx::QueryBuilder;

use super::{Conn, Db, ROWS_PER_INSERT, Result};
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
         iban_masked = $5, bic = $6, account_changed = CASE WHEN presented_creditor_id IS NULL THEN 0 ELSE 1 END \
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

/// Lets mandates forget the collections that were rejected before they settled:
/// those never took place. The sequence goes on after the latest that did, so that
/// the collection after a rejected first one is a first one again. And the bank
/// knows the mandate as that one told it: the debtor's bank learns of an amendment
/// by the collection that tells it (EPC016-06, PR-02) and need keep nothing of one
/// that it rejected, so the next tells it again. Of an amendment that is missing a
/// bank refuses the debit (MD02); one told twice does no harm.
///
/// # Errors
/// When the database refuses.
pub async fn forget_rejected_collections(
    conn: &mut Conn,
    mandates: &[(AccountId, PaymentMethodId)],
) -> Result<()> {
    for chunk in mandates.chunks(ROWS_PER_INSERT) {
        let mut query = QueryBuilder::<Db>::new("WITH rejected (account_id, method_id) AS (");
        query.push_values(chunk, |mut values, (account, method)| {
            values.push_bind(account.0).push_bind(method.0);
        });
        // Of one release and date, a first collection is not the latest.
        query.push(
            "), took_place AS (SELECT r.account_id, r.method_id, d.sequence, d.iban_version, b.creditor_name, \
             b.creditor_id, ROW_NUMBER() OVER (PARTITION BY r.account_id, r.method_id \
             ORDER BY b.released_at DESC, d.collect_on DESC, CASE d.sequence WHEN 'FRST' THEN 1 ELSE 0 END, \
             d.attempt_id DESC) AS nth FROM rejected r \
             JOIN payment_attempt t ON t.account_id = r.account_id AND t.method_id = r.method_id \
             AND t.method = 'sepa' AND t.state NOT IN ('created', 'declined') \
             JOIN sepa_debit d ON d.account_id = t.account_id AND d.attempt_id = t.id \
             JOIN sepa_batch b ON b.id = d.batch_id AND b.state = 'released'), \
             known AS (SELECT r.account_id, r.method_id, p.sequence, p.iban_version, p.creditor_name, p.creditor_id \
             FROM rejected r LEFT JOIN took_place p ON p.account_id = r.account_id AND p.method_id = r.method_id \
             AND p.nth = 1) \
             UPDATE sepa_mandate SET last_sequence = known.sequence, presented_creditor_name = known.creditor_name, \
             presented_creditor_id = known.creditor_id, history_version = history_version + 1, \
             account_changed = CASE WHEN known.iban_version <> sepa_mandate.iban_version THEN 1 ELSE 0 END \
             FROM known WHERE sepa_mandate.account_id = known.account_id \
             AND sepa_mandate.method_id = known.method_id",
        );
        query.build().execute(&mut *conn).await?;
    }
    Ok(())
}
