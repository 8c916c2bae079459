//! Cards and mandates on file. Whoever changes them holds the account.

use super::decode::at;
use super::{Conn, Result, bulk};
use crate::domain::calendar::Instant;
use crate::domain::ids::{AccountId, PaymentMethodId};
use crate::domain::payment::PaymentMethod;
use crate::domain::payment::plan::MethodState;
use crate::domain::sepa::mandate::{MandateUse, is_exhausted};
use crate::domain::sepa::message::{Scheme, SequenceType};
use crate::store::rows::{
    FileState, MandateHistory, MethodDetails, MethodOnFile, NewCard, NewMandate, StoredCard,
    StoredMandate, StoredMethod,
};

/// The number that the next card or mandate of an account takes.
///
/// # Errors
/// When the database refuses.
pub async fn next_method(conn: &mut Conn, account: AccountId) -> Result<PaymentMethodId> {
    let sql = "SELECT COALESCE(MAX(id), 0) + 1 FROM payment_method WHERE account_id = $1";
    let id = sqlx::query_scalar(sql)
        .bind(account.0)
        .fetch_one(conn)
        .await?;
    Ok(PaymentMethodId(id))
}

/// When a method is preferred that is preferred now: after every other one of
/// the account, even where a clock stands or runs behind.
async fn preferred_now(conn: &mut Conn, account: AccountId, now: Instant) -> Result<i64> {
    let sql = "SELECT MAX(preferred_at) FROM payment_method WHERE account_id = $1";
    let latest: Option<i64> = sqlx::query_scalar(sql)
        .bind(account.0)
        .fetch_one(conn)
        .await?;
    Ok(latest.map_or(now.0, |latest| latest.saturating_add(1).max(now.0)))
}

async fn insert_method(
    conn: &mut Conn,
    account: AccountId,
    id: PaymentMethodId,
    method: PaymentMethod,
    now: Instant,
) -> Result<()> {
    let preferred_at = preferred_now(conn, account, now).await?;
    sqlx::query(
        "INSERT INTO payment_method (account_id, id, method, state, added_at, preferred_at, changed_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $5)",
    )
    .bind(account.0)
    .bind(id.0)
    .bind(method.code())
    .bind(FileState::Usable.code())
    .bind(now.0)
    .bind(preferred_at)
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps a card, preferred from now on; its number.
///
/// # Errors
/// When the database refuses: a unique violation when the card is there already,
/// for this account or another.
pub async fn insert_card(conn: &mut Conn, new: NewCard<'_>) -> Result<PaymentMethodId> {
    let id = next_method(conn, new.account).await?;
    insert_method(conn, new.account, id, PaymentMethod::Card, new.added_at).await?;
    sqlx::query(
        "INSERT INTO payment_card (account_id, method_id, reference, brand, last4, expires) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(new.account.0)
    .bind(id.0)
    .bind(new.reference)
    .bind(new.brand)
    .bind(new.last4)
    .bind(new.expires)
    .execute(conn)
    .await?;
    Ok(id)
}

/// Keeps a mandate, preferred from now on.
///
/// # Errors
/// When the database refuses: a unique violation when its number or reference is
/// taken.
pub async fn insert_mandate(conn: &mut Conn, new: NewMandate<'_>) -> Result<()> {
    insert_method(conn, new.account, new.id, PaymentMethod::Sepa, new.added_at).await?;
    sqlx::query(
        "INSERT INTO sepa_mandate (account_id, method_id, reference, scheme, one_off, debtor_name, bic, \
         iban_key, iban_sealed, iban_masked, signed_on, signed_at, signed_from, signed_text, account_changed) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 0)",
    )
    .bind(new.account.0)
    .bind(new.id.0)
    .bind(new.reference)
    .bind(new.scheme.code())
    .bind(i16::from(new.usage == MandateUse::OneOff))
    .bind(new.debtor_name)
    .bind(new.bic)
    .bind(&new.iban.key_id)
    .bind(&new.iban.bytes)
    .bind(new.iban_masked)
    .bind(new.signed_on.to_string())
    .bind(new.signed_at.0)
    .bind(new.signed_from.to_string())
    .bind(new.signed_text)
    .execute(conn)
    .await?;
    Ok(())
}

/// Records how a card or mandate stands from now on. Whether it changed: one
/// that was removed stays so.
///
/// # Errors
/// When the database refuses.
pub async fn set_method_state(
    conn: &mut Conn,
    account: AccountId,
    id: PaymentMethodId,
    state: &FileState,
    now: Instant,
) -> Result<bool> {
    let changed = sqlx::query(
        "UPDATE payment_method SET state = $3, decline_code = $4, changed_at = $5 \
         WHERE account_id = $1 AND id = $2 AND state <> 'removed'",
    )
    .bind(account.0)
    .bind(id.0)
    .bind(state.code())
    .bind(state.decline_code())
    .bind(now.0)
    .execute(conn)
    .await?
    .rows_affected();
    Ok(changed == 1)
}

/// Prefers a card or mandate over every other of its account. Whether it did:
/// not one that was removed.
///
/// # Errors
/// When the database refuses.
pub async fn prefer_method(
    conn: &mut Conn,
    account: AccountId,
    id: PaymentMethodId,
    now: Instant,
) -> Result<bool> {
    let preferred_at = preferred_now(conn, account, now).await?;
    let changed = sqlx::query(
        "UPDATE payment_method SET preferred_at = $3 WHERE account_id = $1 AND id = $2 AND state <> 'removed'",
    )
    .bind(account.0)
    .bind(id.0)
    .bind(preferred_at)
    .execute(conn)
    .await?
    .rows_affected();
    Ok(changed == 1)
}

#[derive(sqlx::FromRow)]
struct MethodRow {
    account_id: i64,
    id: i64,
    method: String,
    state: String,
    decline_code: Option<String>,
    added_at: i64,
    preferred_at: i64,
    changed_at: i64,
    card_reference: Option<String>,
    brand: Option<String>,
    last4: Option<String>,
    expires: Option<i32>,
    mandate_reference: Option<String>,
    scheme: Option<String>,
    one_off: Option<i16>,
    debtor_name: Option<String>,
    bic: Option<String>,
    iban_masked: Option<String>,
    signed_on: Option<String>,
    signed_at: Option<i64>,
    signed_from: Option<String>,
    signed_text: Option<String>,
    presented_creditor_name: Option<String>,
    presented_creditor_id: Option<String>,
    account_changed: Option<i16>,
    last_sequence: Option<String>,
    last_presented_on: Option<String>,
}

/// The cards and mandates of a range of accounts, removed ones among them, in
/// the order of their numbers.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn stored_methods(
    conn: &mut Conn,
    (first, last): (AccountId, AccountId),
) -> Result<Vec<StoredMethod>> {
    let rows: Vec<MethodRow> = sqlx::query_as(
        "SELECT m.account_id, m.id, m.method, m.state, m.decline_code, m.added_at, m.preferred_at, m.changed_at, \
         c.reference AS card_reference, c.brand, c.last4, c.expires, s.reference AS mandate_reference, s.scheme, \
         s.one_off, s.debtor_name, s.bic, s.iban_masked, s.signed_on, s.signed_at, s.signed_from, s.signed_text, \
         s.presented_creditor_name, s.presented_creditor_id, s.account_changed, s.last_sequence, \
         s.last_presented_on FROM payment_method m \
         LEFT JOIN payment_card c ON c.account_id = m.account_id AND c.method_id = m.id \
         LEFT JOIN sepa_mandate s ON s.account_id = m.account_id AND s.method_id = m.id \
         WHERE m.account_id >= $1 AND m.account_id <= $2 ORDER BY m.account_id, m.id",
    )
    .bind(first.0)
    .bind(last.0)
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(method_of).collect()
}

/// How the place of a card or mandate prints in an error.
fn named(account: i64, id: i64) -> String {
    format!("{account}/{id}")
}

fn method_of(row: MethodRow) -> Result<StoredMethod> {
    let (account, id) = (row.account_id, row.id);
    let refuse = || at("payment_method", "method").refuse(named(account, id), &row.method);
    Ok(StoredMethod {
        account: AccountId(account),
        id: PaymentMethodId(id),
        state: file_state(account, id, &row.state, row.decline_code.clone())?,
        added_at: Instant(row.added_at),
        preferred_at: Instant(row.preferred_at),
        changed_at: Instant(row.changed_at),
        details: match PaymentMethod::from_code(&row.method) {
            Some(PaymentMethod::Card) => MethodDetails::Card(card_of(&row).ok_or_else(refuse)?),
            Some(PaymentMethod::Sepa) => {
                MethodDetails::Mandate(Box::new(mandate_of(&row)?.ok_or_else(refuse)?))
            }
            Some(PaymentMethod::Credit) | None => return Err(refuse()),
        },
    })
}

pub(super) fn file_state(
    account: i64,
    id: i64,
    state: &str,
    code: Option<String>,
) -> Result<FileState> {
    FileState::from_parts(state, code)
        .ok_or_else(|| at("payment_method", "state").refuse(named(account, id), state))
}

/// `None` when the row of the card is missing.
fn card_of(row: &MethodRow) -> Option<StoredCard> {
    Some(StoredCard {
        reference: row.card_reference.clone()?,
        brand: row.brand.clone()?,
        last4: row.last4.clone()?,
        expires: row.expires?,
    })
}

/// `None` when the row of the mandate is missing.
fn mandate_of(row: &MethodRow) -> Result<Option<StoredMandate>> {
    let place = |column| at("sepa_mandate", column);
    let name = || named(row.account_id, row.id);
    let (
        Some(reference),
        Some(scheme),
        Some(one_off),
        Some(debtor_name),
        Some(iban_masked),
        Some(signed_on),
        Some(signed_at),
        Some(signed_from),
        Some(signed_text),
        Some(account_changed),
    ) = (
        &row.mandate_reference,
        &row.scheme,
        row.one_off,
        &row.debtor_name,
        &row.iban_masked,
        &row.signed_on,
        row.signed_at,
        &row.signed_from,
        &row.signed_text,
        row.account_changed,
    )
    else {
        return Ok(None);
    };
    Ok(Some(StoredMandate {
        reference: reference.clone(),
        scheme: scheme_of(name(), scheme)?,
        usage: usage_of(one_off),
        debtor_name: debtor_name.clone(),
        bic: row.bic.clone(),
        iban_masked: iban_masked.clone(),
        signed_on: place("signed_on").parse(name(), signed_on)?,
        signed_at: Instant(signed_at),
        signed_from: place("signed_from").parse(name(), signed_from)?,
        signed_text: signed_text.clone(),
        history: history_of(&HistoryColumns {
            mandate: reference,
            presented_creditor_name: row.presented_creditor_name.as_deref(),
            presented_creditor_id: row.presented_creditor_id.as_deref(),
            account_changed,
            last_sequence: row.last_sequence.as_deref(),
            last_presented_on: row.last_presented_on.as_deref(),
        })?,
    }))
}

/// What a mandate's row tells of its past.
pub(super) struct HistoryColumns<'a> {
    pub mandate: &'a str,
    pub presented_creditor_name: Option<&'a str>,
    pub presented_creditor_id: Option<&'a str>,
    pub account_changed: i16,
    pub last_sequence: Option<&'a str>,
    pub last_presented_on: Option<&'a str>,
}

pub(super) fn history_of(columns: &HistoryColumns<'_>) -> Result<MandateHistory> {
    let place = |column| at("sepa_mandate", column);
    let presented_by = match (
        columns.presented_creditor_name,
        columns.presented_creditor_id,
    ) {
        (Some(name), Some(identifier)) => Some((name.to_owned(), identifier.to_owned())),
        (None, None) => None,
        _ => {
            let place = place("presented_creditor_id");
            return Err(place.refuse(columns.mandate, "one half of a creditor"));
        }
    };
    Ok(MandateHistory {
        presented_by,
        account_changed: columns.account_changed != 0,
        last_sequence: columns
            .last_sequence
            .map(|code| {
                let row = columns.mandate.to_owned();
                sequence_of("sepa_mandate", "last_sequence", row, code)
            })
            .transpose()?,
        last_presented_on: columns
            .last_presented_on
            .map(|day| place("last_presented_on").parse(columns.mandate, day))
            .transpose()?,
    })
}

pub(super) const fn usage_of(one_off: i16) -> MandateUse {
    if one_off == 0 {
        MandateUse::Recurrent
    } else {
        MandateUse::OneOff
    }
}

pub(super) fn scheme_of(row: String, code: &str) -> Result<Scheme> {
    Scheme::from_code(code).ok_or_else(|| at("sepa_mandate", "scheme").refuse(row, code))
}

pub(super) fn sequence_of(
    table: &'static str,
    column: &'static str,
    row: String,
    code: &str,
) -> Result<SequenceType> {
    SequenceType::from_code(code).ok_or_else(|| at(table, column).refuse(row, code))
}

#[derive(sqlx::FromRow)]
struct OnFileRow {
    account_id: i64,
    id: i64,
    method: String,
    state: String,
    decline_code: Option<String>,
    card_reference: Option<String>,
    mandate_reference: Option<String>,
    signed_on: Option<String>,
    last_sequence: Option<String>,
    last_presented_on: Option<String>,
}

/// The card and the mandate that each of these accounts uses, for collection
/// on `today`: of those not removed, the one preferred last. A mandate that
/// lapsed or is used up by then says so.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn methods_on_file(
    conn: &mut Conn,
    accounts: &[AccountId],
    today: chrono::NaiveDate,
) -> Result<Vec<MethodOnFile>> {
    let sql = format!(
        "SELECT m.account_id, m.id, m.method, m.state, m.decline_code, c.reference AS card_reference, \
         s.reference AS mandate_reference, s.signed_on, s.last_sequence, s.last_presented_on \
         FROM (SELECT m.account_id, m.id, m.method, m.state, m.decline_code, m.preferred_at \
         FROM {} JOIN payment_method m ON m.account_id = k.id AND m.state <> 'removed' {}) m \
         LEFT JOIN payment_card c ON c.account_id = m.account_id AND c.method_id = m.id \
         LEFT JOIN sepa_mandate s ON s.account_id = m.account_id AND s.method_id = m.id \
         ORDER BY m.account_id, m.method, m.preferred_at DESC, m.id DESC",
        bulk::EACH_ACCOUNT,
        bulk::FENCE
    );
    let rows: Vec<OnFileRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(bulk::accounts(accounts))
        .fetch_all(conn)
        .await?;
    let mut methods: Vec<MethodOnFile> = Vec::with_capacity(rows.len());
    for row in rows {
        let method = on_file_of(row, today)?;
        let taken = methods
            .last()
            .is_some_and(|last| (last.account, last.method) == (method.account, method.method));
        if !taken {
            methods.push(method);
        }
    }
    Ok(methods)
}

fn on_file_of(row: OnFileRow, today: chrono::NaiveDate) -> Result<MethodOnFile> {
    let (account, id) = (row.account_id, row.id);
    let refuse = || at("payment_method", "method").refuse(named(account, id), &row.method);
    let state = file_state(account, id, &row.state, row.decline_code)?;
    let (method, reference, exhausted) = match PaymentMethod::from_code(&row.method) {
        Some(PaymentMethod::Card) => {
            let reference = row.card_reference.ok_or_else(refuse)?;
            (PaymentMethod::Card, reference, false)
        }
        Some(PaymentMethod::Sepa) => {
            let place = |column| at("sepa_mandate", column);
            let reference = row.mandate_reference.ok_or_else(refuse)?;
            let signed_on = row.signed_on.ok_or_else(refuse)?;
            let signed_on = place("signed_on").parse(&reference, &signed_on)?;
            let sequence = row
                .last_sequence
                .map(|code| sequence_of("sepa_mandate", "last_sequence", reference.clone(), &code))
                .transpose()?;
            let presented_on = row
                .last_presented_on
                .map(|day| place("last_presented_on").parse(&reference, &day))
                .transpose()?;
            let exhausted = is_exhausted(signed_on, presented_on, sequence, today);
            (PaymentMethod::Sepa, reference, exhausted)
        }
        Some(PaymentMethod::Credit) | None => return Err(refuse()),
    };
    Ok(MethodOnFile {
        account: AccountId(account),
        id: PaymentMethodId(id),
        method,
        // A refusal is what the customer can do something about.
        state: match state {
            FileState::HardDeclined { .. } => MethodState::HardDeclined,
            FileState::ActionRequired { .. } => MethodState::ActionRequired,
            FileState::Usable if exhausted => MethodState::MandateLapsed,
            FileState::Usable => MethodState::Usable,
            FileState::Removed => return Err(at("payment_method", "state").refuse(id, "removed")),
        },
        reference,
    })
}
