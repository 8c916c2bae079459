//! The attempts to take money, and what settling one reads.

use super::decode::at;
use super::outcome::StateColumns;
use super::payment::periods;
use super::{Conn, Result, bulk};
use crate::domain::calendar::Instant;
use crate::domain::ids::{AccountId, AttemptId, PaymentMethodId};
use crate::domain::invoice::InvoiceNumber;
use crate::domain::payment::{AttemptState, Instrument, PaymentMethod};
use crate::store::StoreError;
use crate::store::rows::{
    AttemptChange, CardOnFile, Debt, InvoiceKey, InvoiceScope, NewAttempt, PageBounds,
    StoredAttempt,
};

/// Records an attempt, in flight from then on. The caller holds the account.
///
/// # Errors
/// A unique violation when another attempt of the invoice is in flight.
pub async fn insert_attempt(conn: &mut Conn, new: &NewAttempt) -> Result<()> {
    let method_id = match new.by {
        Instrument::Credit => None,
        Instrument::Sepa(id) | Instrument::Card(id) => Some(id.0),
    };
    sqlx::query(
        "INSERT INTO payment_attempt (account_id, id, period, kind, method, method_id, amount_minor, \
         currency, state, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(new.invoice.account.0)
    .bind(new.id.to_string())
    .bind(new.invoice.period.to_number())
    .bind(new.invoice.kind)
    .bind(new.by.method().code())
    .bind(method_id)
    .bind(new.amount_minor)
    .bind(new.currency.code())
    .bind(AttemptState::Created.code())
    .bind(new.created_at.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// Records what became of an attempt that was the first state and is the second
/// now, and what the provider calls it, where that is news.
///
/// # Errors
/// [`StoreError::Raced`] when it is in another state by now, or is called
/// otherwise.
pub async fn decide_attempt(
    conn: &mut Conn,
    account: AccountId,
    attempt: AttemptId,
    (before, after): (&AttemptState, &AttemptState),
    provider_reference: Option<&str>,
    now: Instant,
) -> Result<()> {
    let change = AttemptChange {
        account,
        id: attempt,
        before: before.code(),
        after: after.clone(),
        reference: provider_reference.map(str::to_owned),
    };
    change_attempts(conn, &[change], now).await
}

/// As [`decide_attempt`], for one or thousands.
///
/// # Errors
/// [`StoreError::Raced`] when one is in another state by now.
pub async fn change_attempts(
    conn: &mut Conn,
    changes: &[AttemptChange],
    now: Instant,
) -> Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let changed = bulk::change_attempts(conn, changes, now).await?;
    if u64::try_from(changes.len()) == Ok(changed) {
        Ok(())
    } else {
        Err(StoreError::Raced("a payment attempt"))
    }
}

/// Records what the provider said of an attempt that cannot be booked, until
/// something else is recorded of it.
///
/// # Errors
/// When the database refuses.
pub async fn note_attempt_problem(
    conn: &mut Conn,
    account: AccountId,
    attempt: AttemptId,
    problem: &str,
) -> Result<()> {
    sqlx::query("UPDATE payment_attempt SET problem = $3 WHERE account_id = $1 AND id = $2")
        .bind(account.0)
        .bind(attempt.to_string())
        .bind(problem)
        .execute(conn)
        .await?;
    Ok(())
}

/// What every query of attempts reads. The account is looked up by itself, see
/// [`due_invoices_sql`](super::due_invoices_sql).
macro_rules! attempt_columns {
    () => {
        "SELECT t.account_id, t.id, t.period, t.kind, \
         (SELECT a.external_id FROM account a WHERE a.id = t.account_id) AS external_id, i.series, i.year, i.sequence, t.method, \
         t.method_id, t.amount_minor, t.currency, t.state, t.decline_code, t.decline_class, t.decline_known, \
         t.provider_reference, t.problem, t.created_at, t.decided_at FROM payment_attempt t \
         JOIN invoice i ON i.account_id = t.account_id AND i.period = t.period AND i.kind = t.kind"
    };
}

#[derive(sqlx::FromRow)]
struct AttemptRow {
    account_id: i64,
    id: String,
    period: i32,
    kind: i16,
    external_id: String,
    series: String,
    year: i32,
    sequence: i64,
    method: String,
    method_id: Option<i64>,
    amount_minor: i64,
    currency: String,
    state: String,
    decline_code: Option<String>,
    decline_class: Option<String>,
    decline_known: Option<i16>,
    provider_reference: Option<String>,
    problem: Option<String>,
    created_at: i64,
    decided_at: Option<i64>,
}

/// An attempt by its id.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn find_attempt(conn: &mut Conn, id: AttemptId) -> Result<Option<StoredAttempt>> {
    let row: Option<AttemptRow> = sqlx::query_as(concat!(attempt_columns!(), " WHERE t.id = $1"))
        .bind(id.to_string())
        .fetch_optional(conn)
        .await?;
    row.map(attempt_of).transpose()
}

/// The attempt that a provider calls so.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn find_attempt_by_reference(
    conn: &mut Conn,
    reference: &str,
) -> Result<Option<StoredAttempt>> {
    let row: Option<AttemptRow> = sqlx::query_as(concat!(
        attempt_columns!(),
        " WHERE t.provider_reference = $1 AND t.method = 'card'"
    ))
    .bind(reference)
    .fetch_optional(conn)
    .await?;
    row.map(attempt_of).transpose()
}

/// The card attempts whose outcome is out, the oldest first, from after the id
/// given.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn card_attempts_in_flight(
    conn: &mut Conn,
    after: Option<AttemptId>,
    limit: i64,
) -> Result<Vec<StoredAttempt>> {
    let after = after.map(|after| after.to_string()).unwrap_or_default();
    let rows: Vec<AttemptRow> = sqlx::query_as(concat!(
        attempt_columns!(),
        " WHERE t.state IN ('created', 'submitted', 'pending', 'unknown') AND t.method = 'card' \
         AND t.id > $1 ORDER BY t.id LIMIT $2"
    ))
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(attempt_of).collect()
}

/// What a settlement reads of an invoice, in minor units.
///
/// # Errors
/// When the database refuses, or there is no such invoice.
pub async fn debt_of(conn: &mut Conn, invoice: InvoiceKey) -> Result<Debt> {
    let row: (String, i64, i64, i64, i64) = sqlx::query_as(
        "SELECT i.currency, i.total_minor, (SELECT CAST(COALESCE(-SUM(p.amount_minor), 0) AS BIGINT) FROM ledger_entry e \
         JOIN ledger_posting p ON p.account_id = e.account_id AND p.entry_id = e.id \
         AND p.ledger_account = 'receivable' WHERE e.account_id = i.account_id AND e.period = i.period \
         AND e.kind = i.kind), (SELECT CAST(COALESCE(SUM(p.amount_minor), 0) AS BIGINT) FROM ledger_entry e \
         JOIN ledger_posting p ON p.account_id = e.account_id AND p.entry_id = e.id \
         AND p.ledger_account = 'write_off' WHERE e.account_id = i.account_id AND e.period = i.period \
         AND e.kind = i.kind), (SELECT COALESCE(MAX(e.id), 0) FROM ledger_entry e \
         WHERE e.account_id = i.account_id) FROM invoice i WHERE i.account_id = $1 AND i.period = $2 AND i.kind = $3",
    )
    .bind(invoice.account.0)
    .bind(invoice.period.to_number())
    .bind(invoice.kind)
    .fetch_one(conn)
    .await?;
    let (currency, total_minor, allocated_minor, written_off_minor, last_entry) = row;
    Ok(Debt {
        currency: at("invoice", "currency").parse(invoice.account, &currency)?,
        total_minor,
        allocated_minor,
        written_off_minor,
        last_entry,
    })
}

/// A card on file, as its provider calls it and its owner.
///
/// # Errors
/// When the database refuses.
pub async fn card_on_file(
    conn: &mut Conn,
    account: AccountId,
    method: PaymentMethodId,
) -> Result<Option<CardOnFile>> {
    let row: Option<(String, String)> = sqlx::query_as(
        "SELECT c.reference, p.reference FROM payment_card c JOIN provider_customer p \
         ON p.account_id = c.account_id AND p.provider = 'stripe' \
         WHERE c.account_id = $1 AND c.method_id = $2",
    )
    .bind(account.0)
    .bind(method.0)
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|(card, customer)| CardOnFile { card, customer }))
}

/// The newest attempts of a scope, at most `limit`, the oldest of them first.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn attempts(
    conn: &mut Conn,
    scope: &InvoiceScope,
    page: PageBounds,
) -> Result<Vec<StoredAttempt>> {
    let (from, until) = periods(scope);
    let rows: Vec<AttemptRow> = sqlx::query_as(concat!(
        attempt_columns!(),
        " WHERE t.account_id >= $1 AND t.account_id <= $2 AND t.period >= $3 AND t.period <= $4 \
         ORDER BY t.created_at DESC, t.id DESC LIMIT $5 OFFSET $6",
    ))
    .bind(scope.accounts.0.0)
    .bind(scope.accounts.1.0)
    .bind(from)
    .bind(until)
    .bind(page.limit)
    .bind(page.offset)
    .fetch_all(conn)
    .await?;
    rows.into_iter().rev().map(attempt_of).collect()
}

/// How many attempts a scope has.
///
/// # Errors
/// When the database refuses.
pub async fn count_attempts(conn: &mut Conn, scope: &InvoiceScope) -> Result<i64> {
    let (from, until) = periods(scope);
    let attempts = sqlx::query_scalar(
        "SELECT COUNT(*) FROM payment_attempt WHERE account_id >= $1 AND account_id <= $2 AND period >= $3 \
         AND period <= $4",
    )
    .bind(scope.accounts.0.0)
    .bind(scope.accounts.1.0)
    .bind(from)
    .bind(until)
    .fetch_one(conn)
    .await?;
    Ok(attempts)
}

/// What was tried for the invoices of these accounts that are in a scope, the
/// oldest first.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn attempts_of(
    conn: &mut Conn,
    accounts: &[AccountId],
    scope: &InvoiceScope,
) -> Result<Vec<StoredAttempt>> {
    let (from, until) = periods(scope);
    let (each, fence) = (bulk::EACH_ACCOUNT, bulk::FENCE);
    let listed = if scope.open_only {
        format!(
            "JOIN (SELECT o.account_id, o.period, o.kind FROM {each} JOIN open_invoice o ON o.account_id = k.id \
             WHERE o.period >= $2 AND o.period <= $3 {fence}) o \
             ON o.account_id = t.account_id AND o.period = t.period AND o.kind = t.kind"
        )
    } else {
        format!("JOIN {each} ON k.id = t.account_id WHERE t.period >= $2 AND t.period <= $3")
    };
    let sql = format!(
        "{} {listed} ORDER BY t.created_at, t.id",
        attempt_columns!()
    );
    let rows: Vec<AttemptRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(bulk::accounts(accounts))
        .bind(from)
        .bind(until)
        .fetch_all(conn)
        .await?;
    rows.into_iter().map(attempt_of).collect()
}

fn attempt_of(row: AttemptRow) -> Result<StoredAttempt> {
    let id: AttemptId = at("payment_attempt", "id").parse(row.account_id, &row.id)?;
    let by = instrument_of(id, &row.method, row.method_id)?;
    let state = StateColumns {
        state: row.state,
        decline_code: row.decline_code,
        decline_class: row.decline_class,
        decline_known: row.decline_known,
    };
    Ok(StoredAttempt {
        id,
        invoice: InvoiceKey {
            account: AccountId(row.account_id),
            period: at("payment_attempt", "period").period(id, row.period)?,
            kind: row.kind,
        },
        external_id: row.external_id,
        number: InvoiceNumber {
            series: at("invoice", "series").parse(id, &row.series)?,
            year: row.year,
            sequence: row.sequence,
        },
        by,
        amount_minor: row.amount_minor,
        currency: at("payment_attempt", "currency").parse(id, &row.currency)?,
        state: state.read("payment_attempt", id)?,
        provider_reference: row.provider_reference,
        problem: row.problem,
        created_at: Instant(row.created_at),
        decided_at: row.decided_at.map(Instant),
    })
}

/// The attempts by a card or mandate that nothing was sent for yet.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn unsent_attempts(
    conn: &mut Conn,
    account: AccountId,
    method: PaymentMethodId,
) -> Result<Vec<AttemptId>> {
    let ids: Vec<String> = sqlx::query_scalar(
        "SELECT id FROM payment_attempt WHERE account_id = $1 AND method_id = $2 AND state = 'created' \
         ORDER BY id",
    )
    .bind(account.0)
    .bind(method.0)
    .fetch_all(conn)
    .await?;
    let place = at("payment_attempt", "id");
    ids.iter().map(|id| place.parse(account, id)).collect()
}

/// What a stored attempt is paid by.
pub(super) fn instrument_of(
    id: AttemptId,
    method: &str,
    method_id: Option<i64>,
) -> Result<Instrument> {
    match (PaymentMethod::from_code(method), method_id) {
        (Some(PaymentMethod::Credit), None) => Ok(Instrument::Credit),
        (Some(PaymentMethod::Sepa), Some(key)) => Ok(Instrument::Sepa(PaymentMethodId(key))),
        (Some(PaymentMethod::Card), Some(key)) => Ok(Instrument::Card(PaymentMethodId(key))),
        _ => Err(at("payment_attempt", "method").refuse(id, method)),
    }
}
