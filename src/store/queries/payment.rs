//! What is owed, and the attempts to take it.

use super::decode::at;
use super::{Conn, Result};
use crate::domain::calendar::Instant;
use crate::domain::ids::{AccountId, AttemptId, PaymentMethodId};
use crate::domain::invoice::InvoiceNumber;
use crate::domain::payment::{AttemptState, Decline, DeclineClass, Instrument, PaymentMethod};
use crate::store::StoreError;
use crate::store::rows::{DueInvoice, InvoiceKey, InvoiceScope, NewAttempt, StoredAttempt};

/// Every period, and one alone.
fn periods(scope: &InvoiceScope) -> (i32, i32) {
    match scope.period {
        Some(period) => {
            let number = period.to_number();
            (number, number)
        }
        None => (0, i32::MAX),
    }
}

/// The next accounts of a scope that have invoices, after one of them.
///
/// # Errors
/// When the database refuses.
pub async fn accounts_with_invoices(
    conn: &mut Conn,
    scope: &InvoiceScope,
    after: Option<AccountId>,
    limit: i64,
) -> Result<Vec<AccountId>> {
    let (first, last) = scope.accounts;
    let first = after.map_or(first.0, |after| after.0.saturating_add(1).max(first.0));
    let (from, until) = periods(scope);
    let ids: Vec<i64> = sqlx::query_scalar(
        "SELECT DISTINCT account_id FROM invoice WHERE account_id >= $1 AND account_id <= $2 \
         AND period >= $3 AND period <= $4 ORDER BY account_id LIMIT $5",
    )
    .bind(first)
    .bind(last.0)
    .bind(from)
    .bind(until)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    Ok(ids.into_iter().map(AccountId).collect())
}

/// The invoices of a scope, the oldest debt of each account first.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn due_invoices(conn: &mut Conn, scope: &InvoiceScope) -> Result<Vec<DueInvoice>> {
    type Row = (i64, i32, i16, String, i32, i64, String, String, i64, i64);
    let (from, until) = periods(scope);
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT account_id, period, kind, series, year, sequence, due_on, currency, total_minor, \
         allocated_minor FROM (SELECT i.*, (SELECT CAST(COALESCE(-SUM(p.amount_minor), 0) AS BIGINT) \
         FROM ledger_entry e JOIN ledger_posting p ON p.account_id = e.account_id AND p.entry_id = e.id \
         AND p.ledger_account = 'receivable' WHERE e.account_id = i.account_id AND e.period = i.period \
         AND e.kind = i.kind) AS allocated_minor FROM invoice i WHERE i.account_id >= $1 \
         AND i.account_id <= $2 AND i.period >= $3 AND i.period <= $4) due \
         WHERE $5 = 0 OR total_minor > allocated_minor ORDER BY account_id, due_on, year, sequence",
    )
    .bind(scope.accounts.0.0)
    .bind(scope.accounts.1.0)
    .bind(from)
    .bind(until)
    .bind(i64::from(scope.open_only))
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(due_of).collect()
}

fn due_of(
    (account, period, kind, series, year, sequence, due_on, currency, total_minor, allocated_minor): (
        i64,
        i32,
        i16,
        String,
        i32,
        i64,
        String,
        String,
        i64,
        i64,
    ),
) -> Result<DueInvoice> {
    let number = InvoiceNumber {
        series: at("invoice", "series").parse(account, &series)?,
        year,
        sequence,
    };
    Ok(DueInvoice {
        key: InvoiceKey {
            account: AccountId(account),
            period: at("invoice", "period").period(&number, period)?,
            kind,
        },
        due_on: at("invoice", "due_on").parse(&number, &due_on)?,
        currency: at("invoice", "currency").parse(&number, &currency)?,
        total_minor,
        allocated_minor,
        number,
    })
}

/// The key of an invoice by its number.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn find_invoice(conn: &mut Conn, number: &InvoiceNumber) -> Result<Option<InvoiceKey>> {
    let row: Option<(i64, i32, i16)> = sqlx::query_as(
        "SELECT account_id, period, kind FROM invoice WHERE series = $1 AND year = $2 AND sequence = $3",
    )
    .bind(number.series.as_str())
    .bind(number.year)
    .bind(number.sequence)
    .fetch_optional(conn)
    .await?;
    row.map(|(account, period, kind)| {
        Ok(InvoiceKey {
            account: AccountId(account),
            period: at("invoice", "period").period(number, period)?,
            kind,
        })
    })
    .transpose()
}

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

/// Records what became of an attempt that was `before`. A clock behind that of
/// the host which made the attempt must not keep an outcome from being recorded.
///
/// # Errors
/// [`StoreError::Raced`] when it is in another state by now.
pub async fn decide_attempt(
    conn: &mut Conn,
    account: AccountId,
    attempt: AttemptId,
    before: &AttemptState,
    after: &AttemptState,
    now: Instant,
) -> Result<()> {
    let refusal = after.refusal();
    let decided_at = (!after.in_flight()).then_some(now.0);
    let changed = sqlx::query(
        "UPDATE payment_attempt SET state = $4, decline_code = $5, decline_class = $6, decline_known = $7, \
         decided_at = CASE WHEN $8 < created_at THEN created_at ELSE $8 END WHERE account_id = $1 AND id = $2 AND state = $3",
    )
    .bind(account.0)
    .bind(attempt.to_string())
    .bind(before.code())
    .bind(after.code())
    .bind(refusal.map(|refusal| refusal.code.as_str()))
    .bind(refusal.map(|refusal| refusal.class.code()))
    .bind(refusal.map(|refusal| i16::from(refusal.known)))
    .bind(decided_at)
    .execute(conn)
    .await?
    .rows_affected();
    if changed == 1 {
        Ok(())
    } else {
        Err(StoreError::Raced("a payment attempt"))
    }
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
    created_at: i64,
    decided_at: Option<i64>,
}

/// The newest attempts of a scope, at most `limit`, the oldest of them first.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn attempts(
    conn: &mut Conn,
    scope: &InvoiceScope,
    limit: i64,
) -> Result<Vec<StoredAttempt>> {
    let (from, until) = periods(scope);
    let rows: Vec<AttemptRow> = sqlx::query_as(
        "SELECT t.account_id, t.id, t.period, t.kind, a.external_id, i.series, i.year, i.sequence, t.method, \
         t.method_id, t.amount_minor, t.currency, t.state, t.decline_code, t.decline_class, t.decline_known, \
         t.provider_reference, t.created_at, t.decided_at FROM payment_attempt t \
         JOIN account a ON a.id = t.account_id \
         JOIN invoice i ON i.account_id = t.account_id AND i.period = t.period AND i.kind = t.kind \
         WHERE t.account_id >= $1 AND t.account_id <= $2 AND t.period >= $3 AND t.period <= $4 \
         ORDER BY t.created_at DESC, t.id DESC LIMIT $5",
    )
    .bind(scope.accounts.0.0)
    .bind(scope.accounts.1.0)
    .bind(from)
    .bind(until)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter().rev().map(attempt_of).collect()
}

fn attempt_of(row: AttemptRow) -> Result<StoredAttempt> {
    let id: AttemptId = at("payment_attempt", "id").parse(row.account_id, &row.id)?;
    let by = instrument_of(id, &row.method, row.method_id)?;
    let refusal = (row.decline_code, row.decline_class, row.decline_known);
    let state = state_of(id, &row.state, refusal)?;
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
        state,
        provider_reference: row.provider_reference,
        created_at: Instant(row.created_at),
        decided_at: row.decided_at.map(Instant),
    })
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

/// Where a stored attempt stands, by its state and the parts of its refusal.
pub(super) fn state_of(
    id: AttemptId,
    state: &str,
    refusal: (Option<String>, Option<String>, Option<i16>),
) -> Result<AttemptState> {
    let refusal = match refusal {
        (Some(code), Some(class), Some(known)) => Some(Decline {
            class: DeclineClass::from_code(&class)
                .ok_or_else(|| at("payment_attempt", "decline_class").refuse(id, &class))?,
            known: known != 0,
            code,
        }),
        (None, None, None) => None,
        _ => {
            let place = at("payment_attempt", "decline_code");
            return Err(place.refuse(id, "a part of a decline"));
        }
    };
    AttemptState::from_parts(state, refusal)
        .ok_or_else(|| at("payment_attempt", "state").refuse(id, state))
}
