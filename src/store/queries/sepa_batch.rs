//! The files for the bank, and what becomes of their debits.

use futures_util::TryStreamExt as _;
use sqlx::QueryBuilder;

use super::decode::at;
use super::method::{file_state, scheme_of, sequence_of};
use super::outcome::StateColumns;
use super::sepa::open_minor;
use super::{Conn, Db, ROWS_PER_INSERT, Result};
use crate::domain::calendar::Instant;
use crate::domain::ids::AttemptId;
use crate::domain::invoice::InvoiceNumber;
use crate::domain::money::Money;
use crate::domain::payment::AttemptState;
use crate::domain::sepa::standing::{FiledMandate, MandateVersion};
use crate::store::StoreError;
use crate::store::rows::{
    BatchState, DebitsInState, FiledDebit, NewBatch, NewDebit, StoredBatch, StoredBlock,
};

/// Records a file with its debits.
///
/// # Errors
/// [`StoreError::Raced`] when another file has one of them, or one was decided
/// meanwhile.
pub async fn insert_batch(
    conn: &mut Conn,
    new: NewBatch<'_>,
    debits: &[NewDebit<'_>],
) -> Result<()> {
    sqlx::query(
        "INSERT INTO sepa_batch (id, version, state, submit_on, created_at, debits, sum_minor, digest, \
         creditor_name, creditor_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(new.id)
    .bind(new.version)
    .bind(BatchState::Made.code())
    .bind(new.submit_on.to_string())
    .bind(new.created_at.0)
    .bind(new.debits)
    .bind(new.sum_minor)
    .bind(&new.digest.0[..])
    .bind(new.creditor_name)
    .bind(new.creditor_id)
    .execute(&mut *conn)
    .await
    .map_err(raced)?;
    for chunk in debits.chunks(ROWS_PER_INSERT) {
        let mut query = QueryBuilder::<Db>::new(
            "INSERT INTO sepa_debit (account_id, attempt_id, batch_id, block_id, sequence, collect_on, iban_version, \
             history_version) ",
        );
        query.push_values(chunk, |mut values, debit| {
            values
                .push_bind(debit.account.0)
                .push_bind(debit.attempt.to_string())
                .push_bind(new.id)
                .push_bind(debit.block_id)
                .push_bind(debit.sequence.code())
                .push_bind(debit.collect_on.to_string())
                .push_bind(debit.mandate.iban)
                .push_bind(debit.mandate.history);
        });
        query.build().execute(&mut *conn).await.map_err(raced)?;
    }
    let unsent: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM sepa_debit d JOIN payment_attempt t ON t.account_id = d.account_id \
         AND t.id = d.attempt_id WHERE d.batch_id = $1 AND t.state = 'created'",
    )
    .bind(new.id)
    .fetch_one(conn)
    .await?;
    if unsent == new.debits {
        Ok(())
    } else {
        Err(StoreError::Raced("a debit of the file"))
    }
}

/// Another file was made of the same debits first.
fn raced(error: sqlx::Error) -> StoreError {
    let error = StoreError::from(error);
    if error.is_unique_violation() {
        StoreError::Raced("the debits of the file")
    } else {
        error
    }
}

type BatchRow = (
    String,
    String,
    String,
    String,
    i64,
    Option<i64>,
    i64,
    i64,
    Vec<u8>,
);

/// The files, the newest first; or one alone.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn stored_batches(conn: &mut Conn, id: Option<&str>) -> Result<Vec<StoredBatch>> {
    let rows: Vec<BatchRow> = sqlx::query_as(
        "SELECT id, version, state, submit_on, created_at, released_at, debits, sum_minor, digest \
         FROM sepa_batch WHERE $1 = '' OR id = $1 ORDER BY created_at DESC, id DESC",
    )
    .bind(id.unwrap_or_default())
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(batch_of).collect()
}

fn batch_of(
    (id, version, state, submit_on, created_at, released_at, debits, sum_minor, digest): BatchRow,
) -> Result<StoredBatch> {
    let place = |column| at("sepa_batch", column);
    Ok(StoredBatch {
        state: BatchState::from_code(&state).ok_or_else(|| place("state").refuse(&id, &state))?,
        submit_on: place("submit_on").parse(&id, &submit_on)?,
        created_at: Instant(created_at),
        released_at: released_at.map(Instant),
        debits,
        sum_minor,
        digest: place("digest").digest(&id, &digest)?,
        version,
        id,
    })
}

/// The blocks of a file, in the order of their dates.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn stored_blocks(conn: &mut Conn, batch: &str) -> Result<Vec<StoredBlock>> {
    type Row = (String, String, String, String, i64, i64);
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT d.block_id, d.sequence, s.scheme, d.collect_on, COUNT(*), CAST(SUM(t.amount_minor) AS BIGINT) \
         FROM sepa_debit d JOIN payment_attempt t ON t.account_id = d.account_id AND t.id = d.attempt_id \
         JOIN sepa_mandate s ON s.account_id = t.account_id AND s.method_id = t.method_id \
         WHERE d.batch_id = $1 GROUP BY d.block_id, d.sequence, s.scheme, d.collect_on \
         ORDER BY d.collect_on, d.block_id",
    )
    .bind(batch)
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|(id, sequence, scheme, collect_on, debits, sum_minor)| {
            Ok(StoredBlock {
                sequence: sequence_of("sepa_debit", "sequence", id.clone(), &sequence)?,
                scheme: scheme_of(id.clone(), &scheme)?,
                collect_on: at("sepa_debit", "collect_on").parse(&id, &collect_on)?,
                debits,
                sum_minor,
                id,
            })
        })
        .collect()
}

/// Where the attempts of a file stand now.
///
/// # Errors
/// When the database refuses.
pub async fn batch_progress(conn: &mut Conn, batch: &str) -> Result<Vec<DebitsInState>> {
    let rows: Vec<(String, i64, i64)> = sqlx::query_as(
        "SELECT t.state, COUNT(*), CAST(SUM(t.amount_minor) AS BIGINT) FROM sepa_debit d \
         JOIN payment_attempt t ON t.account_id = d.account_id AND t.id = d.attempt_id \
         WHERE d.batch_id = $1 GROUP BY t.state ORDER BY t.state",
    )
    .bind(batch)
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|(state, debits, sum_minor)| DebitsInState {
            state,
            debits,
            sum_minor,
        })
        .collect())
}

/// Takes a file that is made on to another state. Whether it was still made:
/// whoever comes second changes nothing.
///
/// # Errors
/// When the database refuses.
pub async fn mark_batch(
    conn: &mut Conn,
    batch: &str,
    state: BatchState,
    now: Instant,
) -> Result<bool> {
    let released_at = (state == BatchState::Released).then_some(now.0);
    let changed = sqlx::query(
        "UPDATE sepa_batch SET state = $2, released_at = $3 WHERE id = $1 AND state = 'made'",
    )
    .bind(batch)
    .bind(state.code())
    .bind(released_at)
    .execute(conn)
    .await?
    .rows_affected();
    Ok(changed == 1)
}

/// Records what became of the attempts of a file that are only made; how many
/// there were.
///
/// # Errors
/// When the database refuses.
pub async fn decide_batch(
    conn: &mut Conn,
    batch: &str,
    after: &AttemptState,
    now: Instant,
) -> Result<u64> {
    let refusal = after.refusal();
    let decided_at = (!after.in_flight()).then_some(now.0);
    Ok(sqlx::query(
        "UPDATE payment_attempt SET state = $2, decline_code = $3, decline_class = $4, decline_known = $5, \
         decided_at = CASE WHEN $6 < created_at THEN created_at ELSE $6 END \
         WHERE method = 'sepa' AND state = 'created' AND (account_id, id) IN \
         (SELECT d.account_id, d.attempt_id FROM sepa_debit d WHERE d.batch_id = $1)",
    )
    .bind(batch)
    .bind(after.code())
    .bind(refusal.map(|refusal| refusal.code.as_str()))
    .bind(refusal.map(|refusal| refusal.class.code()))
    .bind(refusal.map(|refusal| i16::from(refusal.known)))
    .bind(decided_at)
    .execute(conn)
    .await?
    .rows_affected())
}

/// Records on every mandate of a file what the bank knows it by from now on.
///
/// # Errors
/// When the database refuses.
pub async fn present_mandates(conn: &mut Conn, batch: &str) -> Result<()> {
    // The sequence of a mandate's latest debit is what stands behind its date; of
    // one date, a first collection is not the latest.
    sqlx::query(
        "UPDATE sepa_mandate SET account_changed = 0, presented_creditor_name = own.creditor_name, \
         presented_creditor_id = own.creditor_id, last_sequence = substr(own.latest, 12), \
         last_presented_on = CASE WHEN last_presented_on > own.collect_on THEN last_presented_on \
         ELSE own.collect_on END, history_version = history_version + CASE WHEN account_changed = 0 \
         AND presented_creditor_name = own.creditor_name AND presented_creditor_id = own.creditor_id \
         AND last_sequence = substr(own.latest, 12) THEN 0 ELSE 1 END \
         FROM (SELECT t.account_id, t.method_id, b.creditor_name, b.creditor_id, MAX(d.collect_on) AS collect_on, \
         MAX(d.collect_on || CASE d.sequence WHEN 'FRST' THEN '0' ELSE '1' END || d.sequence) AS latest \
         FROM sepa_batch b JOIN sepa_debit d ON d.batch_id = b.id \
         JOIN payment_attempt t ON t.account_id = d.account_id AND t.id = d.attempt_id WHERE b.id = $1 \
         GROUP BY t.account_id, t.method_id, b.creditor_name, b.creditor_id) own \
         WHERE sepa_mandate.account_id = own.account_id AND sepa_mandate.method_id = own.method_id",
    )
    .bind(batch)
    .execute(conn)
    .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct FiledRow {
    account_id: i64,
    external_id: String,
    id: String,
    series: String,
    year: i32,
    number: i64,
    amount_minor: i64,
    currency: String,
    open_minor: i64,
    state: String,
    decline_code: Option<String>,
    decline_class: Option<String>,
    decline_known: Option<i16>,
    method_id: i64,
    method_state: String,
    method_code: Option<String>,
    collect_on: String,
    signed_on: String,
    last_presented_on: Option<String>,
    last_sequence: Option<String>,
    filed_iban: i64,
    filed_history: i64,
    iban_version: i64,
    history_version: i64,
}

/// Hands over every debit of a file as it stands now, in no order; how many.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn each_filed_debit(
    conn: &mut Conn,
    batch: &str,
    mut each: impl FnMut(FiledDebit),
) -> Result<i64> {
    let mut rows = sqlx::query_as(concat!(
        "SELECT t.account_id, a.external_id, t.id, i.series, i.year, i.sequence AS number, t.amount_minor, \
         t.currency, t.state, t.decline_code, t.decline_class, t.decline_known, m.id AS method_id, \
         m.state AS method_state, m.decline_code AS method_code, d.collect_on, s.signed_on, s.last_presented_on, \
         s.last_sequence, d.iban_version AS filed_iban, d.history_version AS filed_history, s.iban_version, \
         s.history_version, ",
        open_minor!(),
        " FROM sepa_debit d JOIN payment_attempt t ON t.account_id = d.account_id AND t.id = d.attempt_id \
         JOIN account a ON a.id = t.account_id \
         JOIN invoice i ON i.account_id = t.account_id AND i.period = t.period AND i.kind = t.kind \
         JOIN payment_method m ON m.account_id = t.account_id AND m.id = t.method_id \
         JOIN sepa_mandate s ON s.account_id = t.account_id AND s.method_id = t.method_id WHERE d.batch_id = $1"
    ))
    .bind(batch)
    .fetch(conn);
    let mut count = 0_i64;
    while let Some(row) = rows.try_next().await? {
        each(filed_of(row)?);
        count = count.saturating_add(1);
    }
    Ok(count)
}

fn filed_of(row: FiledRow) -> Result<FiledDebit> {
    let attempt: AttemptId = at("payment_attempt", "id").parse(row.account_id, &row.id)?;
    let place = |column| at("sepa_mandate", column);
    let state = StateColumns {
        state: row.state,
        decline_code: row.decline_code,
        decline_class: row.decline_class,
        decline_known: row.decline_known,
    };
    let currency = at("payment_attempt", "currency").parse(attempt, &row.currency)?;
    Ok(FiledDebit {
        external_id: row.external_id,
        attempt,
        number: InvoiceNumber {
            series: at("invoice", "series").parse(attempt, &row.series)?,
            year: row.year,
            sequence: row.number,
        },
        state: state.read("payment_attempt", attempt)?,
        method: file_state(
            row.account_id,
            row.method_id,
            &row.method_state,
            row.method_code,
        )?,
        amount: Money::new(row.amount_minor, currency),
        open_minor: row.open_minor,
        mandate: FiledMandate {
            collect_on: at("sepa_debit", "collect_on").parse(attempt, &row.collect_on)?,
            signed_on: place("signed_on").parse(attempt, &row.signed_on)?,
            last_presented_on: row
                .last_presented_on
                .map(|day| place("last_presented_on").parse(attempt, &day))
                .transpose()?,
            last_sequence: row
                .last_sequence
                .map(|code| sequence_of("sepa_mandate", "last_sequence", row.id, &code))
                .transpose()?,
            filed: MandateVersion {
                iban: row.filed_iban,
                history: row.filed_history,
            },
            now: MandateVersion {
                iban: row.iban_version,
                history: row.history_version,
            },
        },
    })
}
