//! What is left of a person when its account is gone: every statement that takes
//! personal data out of a table, and nothing else. The caller holds the account.
//!
//! What stays: invoices with the versions of the profile that they refer to, until
//! their time is over; entries, attempts, purchases and refunds, which name no
//! person; and the platform's own id of the account.

use chrono::NaiveDate;

use super::decode::at;
use super::{Conn, Result};
use crate::domain::account::{BillingProfile, Language};
use crate::domain::calendar::Instant;
use crate::domain::ids::{AccountId, PaymentMethodId, ProfileId};
use crate::domain::invoice::fingerprint::Digest;
use crate::domain::notice::Topic;
use crate::domain::tax::Country;

/// Where a customer is, and the language of its documents.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn residence_of(conn: &mut Conn, account: AccountId) -> Result<(Country, Language)> {
    let (country, language): (String, String) = sqlx::query_as(
        "SELECT p.country, p.language FROM account a JOIN billing_profile p ON p.account_id = a.id \
         AND p.version = a.profile_version WHERE a.id = $1",
    )
    .bind(account.0)
    .fetch_one(conn)
    .await?;
    Ok((
        at("billing_profile", "country").parse(account, &country)?,
        at("billing_profile", "language").parse(account, &language)?,
    ))
}

/// What stands where a person wrote something that could be about a person.
pub const ERASED: &str = "(erased)";

/// Gives an account an empty version of its profile, and removes every version that
/// no invoice refers to.
///
/// # Errors
/// When the database refuses.
pub async fn empty_profile(
    conn: &mut Conn,
    account: AccountId,
    empty: &BillingProfile,
    digest: Digest,
    now: Instant,
) -> Result<()> {
    let version: i32 = sqlx::query_scalar(
        "SELECT CAST(COALESCE(MAX(version), 0) + 1 AS INTEGER) FROM billing_profile WHERE account_id = $1",
    )
    .bind(account.0)
    .fetch_one(&mut *conn)
    .await?;
    sqlx::query(
        "INSERT INTO billing_profile (account_id, version, digest, username, email, full_name, company, \
         country, address_line1, postal_code, city, vat_number, language, erased_at) \
         VALUES ($1, $2, $3, '', '', '', '', $4, '', '', '', '', $5, $6)",
    )
    .bind(account.0)
    .bind(version)
    .bind(&digest.0[..])
    .bind(empty.country.code())
    .bind(empty.language.code())
    .bind(now.0)
    .execute(&mut *conn)
    .await?;
    sqlx::query("UPDATE account SET profile_version = $2, imported_version = $2 WHERE id = $1")
        .bind(account.0)
        .bind(version)
        .execute(&mut *conn)
        .await?;
    sqlx::query(
        "DELETE FROM billing_profile WHERE account_id = $1 AND version <> $2 AND NOT EXISTS (SELECT 1 \
         FROM invoice i WHERE i.account_id = billing_profile.account_id \
         AND i.profile_version = billing_profile.version)",
    )
    .bind(account.0)
    .bind(version)
    .execute(conn)
    .await?;
    Ok(())
}

/// The statements that empty what was told, written down or noted of an account.
/// Each takes the account as `$1` and [`ERASED`] as `$2`.
const NOTES: [&str; 8] = [
    "UPDATE outbox SET payload = '{}', problem = CASE WHEN problem IS NULL THEN NULL ELSE $2 END \
     WHERE account_id = $1",
    // A token or a key has the name that its customer gave it.
    "UPDATE audit_entry SET reason = $2, subject = CASE WHEN action IN ('token_created', 'token_renewed', \
     'token_deleted', 'key_added', 'key_deleted') THEN $2 ELSE subject END WHERE account_id = $1",
    "UPDATE ledger_entry SET reason = $2 WHERE account_id = $1 AND reason IS NOT NULL",
    "UPDATE refund SET reason = $2 WHERE account_id = $1",
    "UPDATE payment_attempt SET problem = $2 WHERE account_id = $1 AND problem IS NOT NULL",
    "UPDATE credit_purchase SET problem = $2 WHERE account_id = $1 AND problem IS NOT NULL",
    "UPDATE bank_fact SET problem = $2 WHERE account_id = $1 AND problem IS NOT NULL",
    // What an invoice prints stays as it was printed.
    "UPDATE allowance SET label = $2 WHERE account_id = $1 AND NOT EXISTS (SELECT 1 FROM invoice_line l \
     WHERE l.account_id = allowance.account_id AND l.allowance_id = allowance.id)",
];

/// Empties what was told to an account, and what people and providers noted of it.
/// Mails that wait are not sent any more.
///
/// # Errors
/// When the database refuses.
pub async fn erase_notes(conn: &mut Conn, account: AccountId, now: Instant) -> Result<()> {
    sqlx::query(
        "UPDATE outbox SET state = 'obsolete', ended_at = $2 \
         WHERE account_id = $1 AND channel = 'mail' AND state IN ('waiting', 'refused')",
    )
    .bind(account.0)
    .bind(now.0)
    .execute(&mut *conn)
    .await?;
    for statement in NOTES {
        sqlx::query(statement)
            .bind(account.0)
            .bind(ERASED)
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

/// Takes every card of an account out, and what the cards' provider calls it.
///
/// # Errors
/// When the database refuses.
pub async fn erase_cards(conn: &mut Conn, account: AccountId) -> Result<()> {
    for statement in [
        "DELETE FROM payment_card WHERE account_id = $1",
        "DELETE FROM payment_method WHERE account_id = $1 AND method = 'card'",
        "DELETE FROM provider_customer WHERE account_id = $1",
    ] {
        sqlx::query(statement)
            .bind(account.0)
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

/// What the cards' provider calls the cards of an account.
///
/// # Errors
/// When the database refuses.
pub async fn card_references(conn: &mut Conn, account: AccountId) -> Result<Vec<String>> {
    let sql = "SELECT reference FROM payment_card WHERE account_id = $1 ORDER BY method_id";
    Ok(sqlx::query_scalar(sql)
        .bind(account.0)
        .fetch_all(conn)
        .await?)
}

/// Takes an account's mandates out of use. Their evidence stays for its time.
///
/// # Errors
/// When the database refuses.
pub async fn remove_mandates(conn: &mut Conn, account: AccountId, now: Instant) -> Result<()> {
    sqlx::query(
        "UPDATE payment_method SET state = 'removed', decline_code = NULL, changed_at = $2 \
         WHERE account_id = $1 AND method = 'sepa' AND state <> 'removed'",
    )
    .bind(account.0)
    .bind(now.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// The mandates of accounts that are gone, with the day each was last collected by.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn mandates_of_deleted(
    conn: &mut Conn,
) -> Result<Vec<(AccountId, PaymentMethodId, Option<NaiveDate>)>> {
    let rows: Vec<(i64, i64, String, Option<String>)> = sqlx::query_as(
        "SELECT s.account_id, s.method_id, s.reference, s.last_presented_on FROM account_deletion d \
         JOIN sepa_mandate s ON s.account_id = d.account_id WHERE d.state = 'done' \
         ORDER BY s.account_id, s.method_id",
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|(account, method, reference, last)| {
            let place = at("sepa_mandate", "last_presented_on");
            let last = last.map(|day| place.parse(&reference, &day)).transpose()?;
            Ok((AccountId(account), PaymentMethodId(method), last))
        })
        .collect()
}

/// Removes a mandate with its evidence.
///
/// # Errors
/// When the database refuses.
pub async fn erase_mandate(conn: &mut Conn, account: AccountId, id: PaymentMethodId) -> Result<()> {
    for statement in [
        "DELETE FROM sepa_mandate WHERE account_id = $1 AND method_id = $2",
        "DELETE FROM payment_method WHERE account_id = $1 AND id = $2 AND method = 'sepa'",
    ] {
        sqlx::query(statement)
            .bind(account.0)
            .bind(id.0)
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

/// The versions of profiles of accounts that are gone which still name somebody,
/// with the day of the last invoice that refers to each.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn identities_of_deleted(
    conn: &mut Conn,
) -> Result<Vec<(AccountId, ProfileId, NaiveDate)>> {
    let rows: Vec<(i64, i32, String)> = sqlx::query_as(
        "SELECT p.account_id, p.version, MAX(i.issued_on) FROM account_deletion d \
         JOIN billing_profile p ON p.account_id = d.account_id AND p.erased_at IS NULL \
         JOIN invoice i ON i.account_id = p.account_id AND i.profile_version = p.version \
         WHERE d.state = 'done' GROUP BY p.account_id, p.version ORDER BY p.account_id, p.version",
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|(account, version, issued_on)| {
            let issued_on = at("invoice", "issued_on").parse(account, &issued_on)?;
            Ok((AccountId(account), ProfileId(version), issued_on))
        })
        .collect()
}

/// Empties a version of a profile that invoices refer to. Its digest stays: their
/// chain is checked by it.
///
/// # Errors
/// When the database refuses.
pub async fn erase_identity(
    conn: &mut Conn,
    account: AccountId,
    version: ProfileId,
    now: Instant,
) -> Result<()> {
    sqlx::query(
        "UPDATE billing_profile SET username = '', email = '', full_name = $3, company = '', \
         address_line1 = '', address_line2 = '', postal_code = '', city = '', address_state = '', vat_number = '', \
         invoice_note = '', erased_at = $4 \
         WHERE account_id = $1 AND version = $2 AND erased_at IS NULL",
    )
    .bind(account.0)
    .bind(version.0)
    // A document names whom it is made out to.
    .bind(ERASED)
    .bind(now.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether a mail to an account stands in a state, such as `waiting`.
///
/// # Errors
/// When the database refuses.
pub async fn mail_is(conn: &mut Conn, account: AccountId, key: &str, state: &str) -> Result<bool> {
    let such: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM outbox WHERE account_id = $1 AND key = $2 AND channel = 'mail' \
         AND state = $3",
    )
    .bind(account.0)
    .bind(key)
    .bind(state)
    .fetch_one(conn)
    .await?;
    Ok(such > 0)
}

/// Ends the mails of a topic with a link that wait or were refused: the link does not
/// work any more, and is not kept.
///
/// # Errors
/// When the database refuses.
pub async fn forget_links(
    conn: &mut Conn,
    account: AccountId,
    topic: Topic,
    now: Instant,
) -> Result<()> {
    sqlx::query(
        "UPDATE outbox SET payload = '{}', state = CASE WHEN state = 'delivered' THEN state ELSE 'obsolete' END, \
         ended_at = COALESCE(ended_at, $2) \
         WHERE account_id = $1 AND channel = 'mail' AND topic = $3",
    )
    .bind(account.0)
    .bind(now.0)
    .bind(topic.code())
    .execute(conn)
    .await?;
    Ok(())
}
