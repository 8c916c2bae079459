//! Debits that wait for the next file for the bank.

use futures_util::TryStreamExt as _;

use super::decode::at;
use super::method::{HistoryColumns, file_state, history_of, scheme_of, usage_of};
use super::{Conn, Result};
use crate::domain::ids::{AccountId, AttemptId, PaymentMethodId};
use crate::domain::invoice::InvoiceNumber;
use crate::domain::money::Money;
use crate::domain::sepa::standing::MandateVersion;
use crate::store::rows::{DebtorAddress, LostDebit, WaitingDebit, WaitingMandate};
use crate::vault::Sealed;

/// What the invoice `i` owes.
macro_rules! open_minor {
    () => {
        "i.total_minor + (SELECT CAST(COALESCE(SUM(own.amount_minor), 0) AS BIGINT) FROM ledger_entry e \
         JOIN ledger_posting own ON own.account_id = e.account_id AND own.entry_id = e.id \
         AND own.ledger_account = 'receivable' WHERE e.account_id = i.account_id AND e.period = i.period \
         AND e.kind = i.kind) AS open_minor"
    };
}
pub(super) use open_minor;

#[derive(sqlx::FromRow)]
struct WaitingRow {
    account_id: i64,
    id: String,
    external_id: String,
    amount_minor: i64,
    currency: String,
    series: String,
    year: i32,
    sequence: i64,
    issued_on: String,
    due_on: String,
    method_id: i64,
    address_line1: String,
    postal_code: String,
    city: String,
    country: String,
    state: String,
    decline_code: Option<String>,
    reference: String,
    scheme: String,
    one_off: i16,
    debtor_name: String,
    bic: Option<String>,
    iban_key: String,
    iban_sealed: Vec<u8>,
    iban_version: i64,
    history_version: i64,
    open_minor: i64,
    signed_on: String,
    presented_creditor_name: Option<String>,
    presented_creditor_id: Option<String>,
    account_changed: i16,
    last_sequence: Option<String>,
    last_presented_on: Option<String>,
}

/// Hands over every attempt by direct debit that is made and in no file, by
/// account and id. Read in one go: page by page, each page would read its tables
/// from their start again.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn each_waiting_debit(conn: &mut Conn, mut each: impl FnMut(WaitingDebit)) -> Result<()> {
    let mut rows = sqlx::query_as(concat!(
        "SELECT t.account_id, t.id, a.external_id, t.amount_minor, t.currency, i.series, i.year, i.sequence, \
         i.issued_on, i.due_on, t.method_id, p.address_line1, p.postal_code, p.city, p.country, m.state, \
         m.decline_code, s.reference, s.scheme, s.one_off, s.debtor_name, s.bic, s.iban_key, s.iban_sealed, \
         s.iban_version, s.history_version, s.signed_on, s.presented_creditor_name, s.presented_creditor_id, \
         s.account_changed, s.last_sequence, s.last_presented_on, ",
        open_minor!(),
        " FROM payment_attempt t \
         JOIN account a ON a.id = t.account_id \
         JOIN billing_profile p ON p.account_id = a.id AND p.version = a.profile_version \
         JOIN invoice i ON i.account_id = t.account_id AND i.period = t.period AND i.kind = t.kind \
         JOIN payment_method m ON m.account_id = t.account_id AND m.id = t.method_id \
         JOIN sepa_mandate s ON s.account_id = t.account_id AND s.method_id = t.method_id \
         WHERE t.method = 'sepa' AND t.state = 'created' AND NOT EXISTS (SELECT 1 FROM sepa_debit d WHERE d.account_id = t.account_id AND d.attempt_id = t.id) \
         ORDER BY t.account_id, t.id",
    ))
    .fetch(conn);
    while let Some(row) = rows.try_next().await? {
        each(waiting_of(row)?);
    }
    Ok(())
}

/// The attempts by direct debit that are made and have no mandate or no billing
/// profile: those that [`each_waiting_debit`] cannot find.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn waiting_without_mandate(conn: &mut Conn) -> Result<Vec<LostDebit>> {
    let rows: Vec<(i64, String, String, String, i32, i64)> = sqlx::query_as(
        "SELECT t.account_id, t.id, a.external_id, i.series, i.year, i.sequence FROM payment_attempt t \
         JOIN account a ON a.id = t.account_id \
         JOIN invoice i ON i.account_id = t.account_id AND i.period = t.period AND i.kind = t.kind \
         LEFT JOIN sepa_mandate s ON s.account_id = t.account_id AND s.method_id = t.method_id \
         LEFT JOIN payment_method m ON m.account_id = t.account_id AND m.id = t.method_id \
         LEFT JOIN billing_profile p ON p.account_id = a.id AND p.version = a.profile_version \
         WHERE t.method = 'sepa' AND t.state = 'created' AND NOT EXISTS (SELECT 1 FROM sepa_debit d \
         WHERE d.account_id = t.account_id AND d.attempt_id = t.id) AND (s.reference IS NULL OR m.id IS NULL OR p.version IS NULL) ORDER BY t.account_id, t.id",
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|(account, attempt, external_id, series, year, sequence)| {
            Ok(LostDebit {
                account: AccountId(account),
                number: InvoiceNumber {
                    series: at("invoice", "series").parse(&attempt, &series)?,
                    year,
                    sequence,
                },
                attempt: at("payment_attempt", "id").parse(account, &attempt)?,
                external_id,
            })
        })
        .collect()
}

fn waiting_of(row: WaitingRow) -> Result<WaitingDebit> {
    let id = row.id.clone();
    let attempt: AttemptId = at("payment_attempt", "id").parse(row.account_id, &row.id)?;
    let history = history_of(&HistoryColumns {
        mandate: &row.reference,
        presented_creditor_name: row.presented_creditor_name.as_deref(),
        presented_creditor_id: row.presented_creditor_id.as_deref(),
        account_changed: row.account_changed,
        last_sequence: row.last_sequence.as_deref(),
        last_presented_on: row.last_presented_on.as_deref(),
    })?;
    let currency = at("payment_attempt", "currency").parse(&id, &row.currency)?;
    Ok(WaitingDebit {
        account: AccountId(row.account_id),
        attempt,
        external_id: row.external_id,
        number: InvoiceNumber {
            series: at("invoice", "series").parse(&id, &row.series)?,
            year: row.year,
            sequence: row.sequence,
        },
        amount: Money::new(row.amount_minor, currency),
        open_minor: row.open_minor,
        issued_on: at("invoice", "issued_on").parse(&id, &row.issued_on)?,
        due_on: at("invoice", "due_on").parse(&id, &row.due_on)?,
        method: PaymentMethodId(row.method_id),
        state: file_state(row.account_id, row.method_id, &row.state, row.decline_code)?,
        mandate: WaitingMandate {
            scheme: scheme_of(row.reference.clone(), &row.scheme)?,
            usage: usage_of(row.one_off),
            debtor_name: row.debtor_name,
            bic: row.bic,
            iban: Sealed {
                key_id: row.iban_key,
                bytes: row.iban_sealed,
            },
            version: MandateVersion {
                iban: row.iban_version,
                history: row.history_version,
            },
            signed_on: at("sepa_mandate", "signed_on").parse(&row.reference, &row.signed_on)?,
            history,
            reference: row.reference,
        },
        address: DebtorAddress {
            line1: row.address_line1,
            post_code: row.postal_code,
            town: row.city,
            country: row.country,
        },
    })
}
