//! The bank's files and their facts, each kept once.

use super::decode::at;
use super::{Conn, Result, bulk};
use crate::domain::calendar::Instant;
use crate::domain::ids::AttemptId;
use crate::domain::money::Money;
use crate::store::StoreError;
use crate::store::rows::{
    BankFile, BlockName, FactKey, FactState, FileDigest, NewBankFact, UnmatchedFact, WaitingBatch,
};

/// A file that was imported before.
///
/// # Errors
/// When the database refuses.
pub async fn find_bank_file(conn: &mut Conn, digest: &FileDigest) -> Result<Option<BankFile>> {
    let row: Option<(String, String, String, i64, i64)> = sqlx::query_as(
        "SELECT kind, version, message_id, imported_at, entries FROM bank_file WHERE digest = $1",
    )
    .bind(&digest[..])
    .fetch_optional(conn)
    .await?;
    Ok(row.map(
        |(kind, version, message_id, imported_at, entries)| BankFile {
            digest: *digest,
            kind,
            version,
            message_id,
            imported_at: Instant(imported_at),
            entries,
        },
    ))
}

/// Records a file; its entries are counted at its end.
///
/// # Errors
/// A unique violation when it is known.
pub async fn insert_bank_file(conn: &mut Conn, file: &BankFile) -> Result<()> {
    sqlx::query(
        "INSERT INTO bank_file (digest, kind, version, message_id, imported_at, entries) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&file.digest[..])
    .bind(&file.kind)
    .bind(&file.version)
    .bind(&file.message_id)
    .bind(file.imported_at.0)
    .bind(file.entries)
    .execute(conn)
    .await?;
    Ok(())
}

/// Records how many entries a file has.
///
/// # Errors
/// When the database refuses.
pub async fn count_entries(conn: &mut Conn, digest: &FileDigest, entries: i64) -> Result<()> {
    sqlx::query("UPDATE bank_file SET entries = $2 WHERE digest = $1")
        .bind(&digest[..])
        .bind(entries)
        .execute(conn)
        .await?;
    Ok(())
}

/// Which of these facts are known.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn known_facts(conn: &mut Conn, keys: &[FactKey]) -> Result<Vec<FactKey>> {
    let sql = format!(
        "SELECT f.key FROM {} JOIN bank_fact f ON f.key = k.key",
        bulk::EACH_KEY
    );
    let rows: Vec<Vec<u8>> = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .bind(bulk::keys(keys))
        .fetch_all(conn)
        .await?;
    rows.iter().map(|key| key_of(key)).collect()
}

fn key_of(bytes: &[u8]) -> Result<FactKey> {
    let refuse = || at("bank_fact", "key").refuse(format!("{bytes:02x?}"), "a key of this length");
    bytes.try_into().map_err(|_| refuse())
}

/// Which of these attempts were credited one by one before.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn credited_attempts(conn: &mut Conn, attempts: &[AttemptId]) -> Result<Vec<AttemptId>> {
    let sql = format!(
        "SELECT t.id FROM {} JOIN payment_attempt t ON t.id = k.id WHERE EXISTS (SELECT 1 FROM bank_fact f \
         WHERE f.account_id = t.account_id AND f.attempt_id = t.id AND f.kind = 'settled' \
         AND f.state IN ('booked', 'known'))",
        bulk::EACH_ID
    );
    let rows: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .bind(bulk::ids(attempts))
        .fetch_all(conn)
        .await?;
    let place = at("payment_attempt", "id");
    rows.iter().map(|id| place.parse(id, id)).collect()
}

/// Whether a block or file, or what holds it or is in it, was credited as one.
///
/// # Errors
/// When the database refuses.
pub async fn block_was_credited(conn: &mut Conn, block: &BlockName) -> Result<bool> {
    let found: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM bank_fact f WHERE (f.block_id IS NOT NULL OR f.message_id IS NOT NULL) \
         AND f.kind = 'settled' AND f.state IN ('booked', 'known') AND (f.block_id = $2 \
         OR (CAST($2 AS TEXT) IS NULL AND f.block_id IN (SELECT d.block_id FROM sepa_debit d WHERE d.batch_id = $1)) \
         OR (f.block_id IS NULL AND f.message_id IN (SELECT d.batch_id FROM sepa_batch b \
         JOIN sepa_debit d ON d.batch_id = b.id WHERE (CAST($1 AS TEXT) IS NULL OR b.id = $1) \
         AND (CAST($2 AS TEXT) IS NULL OR d.block_id = $2))))",
    )
    .bind(block.message())
    .bind(block.block())
    .fetch_one(conn)
    .await?;
    Ok(found > 0)
}

/// Keeps facts.
///
/// # Errors
/// A unique violation when one is known.
pub async fn write_facts(conn: &mut Conn, file: &FileDigest, facts: &[NewBankFact]) -> Result<()> {
    if !facts.is_empty() {
        bulk::insert_facts(conn, file, facts).await?;
    }
    Ok(())
}

/// The credits of batches that did not fit when they were read.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn waiting_batches(conn: &mut Conn) -> Result<Vec<WaitingBatch>> {
    type Row = (
        Vec<u8>,
        Option<String>,
        Option<String>,
        i64,
        String,
        Option<i64>,
        Option<i64>,
    );
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT key, message_id, block_id, amount_minor, currency, debits, charges_minor FROM bank_fact \
         WHERE (block_id IS NOT NULL OR message_id IS NOT NULL) AND kind = 'settled' AND state = 'unmatched' \
         AND amount_minor IS NOT NULL ORDER BY key",
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(
            |(key, message, block, amount_minor, currency, debits, charges_minor)| {
                Ok(WaitingBatch {
                    key: key_of(&key)?,
                    block: BlockName::new(message, block).ok_or_else(|| {
                        at("bank_fact", "block_id").refuse(format!("{key:02x?}"), "nothing")
                    })?,
                    amount: Money::new(
                        amount_minor,
                        at("bank_fact", "currency").parse(amount_minor, &currency)?,
                    ),
                    charges_minor: charges_minor.unwrap_or(0),
                    debits,
                })
            },
        )
        .collect()
}

/// Marks a waiting fact as what it turned out to be: booked or known.
///
/// # Errors
/// [`StoreError::Raced`] when it waits no longer.
pub async fn end_waiting(conn: &mut Conn, key: &FactKey, state: FactState) -> Result<()> {
    let changed = sqlx::query(
        "UPDATE bank_fact SET state = $2, problem = NULL WHERE key = $1 AND state = 'unmatched'",
    )
    .bind(&key[..])
    .bind(state.code())
    .execute(conn)
    .await?
    .rows_affected();
    if changed == 1 {
        Ok(())
    } else {
        Err(StoreError::Raced("a fact of the bank"))
    }
}

/// Marks an unmatched fact as dealt with by a person; `false` when there is no
/// such fact, or it is closed already.
///
/// # Errors
/// When the database refuses.
pub async fn close_fact(conn: &mut Conn, key: &FactKey) -> Result<bool> {
    let sql = "UPDATE bank_fact SET state = 'closed' WHERE key = $1 AND state = 'unmatched'";
    let done = sqlx::query(sql).bind(&key[..]).execute(conn).await?;
    Ok(done.rows_affected() == 1)
}

#[derive(sqlx::FromRow)]
struct UnmatchedRow {
    key: Vec<u8>,
    place: String,
    message_id: String,
    version: String,
    imported_at: i64,
    kind: String,
    amount_minor: Option<i64>,
    currency: Option<String>,
    booked_on: Option<String>,
    problem: Option<String>,
}

/// The facts that wait for a person, at most `limit`, the oldest file first.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn unmatched_facts(conn: &mut Conn, limit: i64) -> Result<Vec<UnmatchedFact>> {
    let rows: Vec<UnmatchedRow> = sqlx::query_as(
        "SELECT f.key, f.place, b.message_id, b.version, b.imported_at, f.kind, f.amount_minor, f.currency, \
         f.booked_on, f.problem FROM bank_fact f JOIN bank_file b ON b.digest = f.file \
         WHERE f.state = 'unmatched' ORDER BY b.imported_at, b.message_id, length(f.place), f.place, f.key LIMIT $1",
    )
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(unmatched_of).collect()
}

fn unmatched_of(row: UnmatchedRow) -> Result<UnmatchedFact> {
    let key = key_of(&row.key)?;
    let name = || format!("{key:02x?}");
    let amount = match (row.amount_minor, row.currency) {
        (Some(minor), Some(code)) => {
            let currency = at("bank_fact", "currency").parse(name(), &code)?;
            Some(Money::new(minor, currency))
        }
        _ => None,
    };
    let day = |text: &String| at("bank_fact", "booked_on").parse(name(), text);
    Ok(UnmatchedFact {
        key,
        place: row.place,
        message_id: row.message_id,
        version: row.version,
        imported_at: Instant(row.imported_at),
        kind: row.kind,
        amount,
        booked_on: row.booked_on.as_ref().map(day).transpose()?,
        problem: row
            .problem
            .ok_or_else(|| at("bank_fact", "problem").refuse(name(), "nothing"))?,
    })
}
