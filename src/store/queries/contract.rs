//! What customers accepted, and whom they name about health data. Whoever changes any
//! of it holds the account.

use super::decode::at;
use super::{Conn, Result};
use crate::domain::calendar::Instant;
use crate::domain::hds::{HdsContact, OrgType};
use crate::domain::ids::AccountId;
use crate::store::rows::{Acceptance, StoredHdsContact};

/// What an account accepted.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn acceptances_of(conn: &mut Conn, account: AccountId) -> Result<Vec<Acceptance>> {
    let rows: Vec<(String, String, String, i64)> = sqlx::query_as(
        "SELECT contract_id, version, locale, accepted_at FROM contract_acceptance WHERE account_id = $1 \
         ORDER BY contract_id",
    )
    .bind(account.0)
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|(contract, version, locale, accepted_at)| {
            Ok(Acceptance {
                locale: at("contract_acceptance", "locale").parse(&contract, &locale)?,
                contract,
                version,
                accepted_at: Instant(accepted_at),
            })
        })
        .collect()
}

/// Keeps that an account accepted something.
///
/// # Errors
/// When the database refuses: a unique violation where it did before.
pub async fn insert_acceptance(
    conn: &mut Conn,
    account: AccountId,
    acceptance: &Acceptance,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO contract_acceptance (account_id, contract_id, version, locale, accepted_at) \
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(account.0)
    .bind(&acceptance.contract)
    .bind(&acceptance.version)
    .bind(acceptance.locale.code())
    .bind(acceptance.accepted_at.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether an account has used something of an app.
///
/// # Errors
/// When the database refuses.
pub async fn has_app(conn: &mut Conn, account: AccountId, app: &str) -> Result<bool> {
    let found: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM (SELECT 1 FROM usage_interval WHERE account_id = $1 AND app = $2 LIMIT 1) AS u",
    )
    .bind(account.0)
    .bind(app)
    .fetch_one(conn)
    .await?;
    Ok(found > 0)
}

#[derive(sqlx::FromRow)]
struct ContactRow {
    id: String,
    org_type: String,
    name: String,
    email: String,
    phone_number: String,
    company: String,
    address_line1: String,
    address_line2: String,
    address_city: String,
    address_zip: String,
    address_country: String,
    notes: String,
    updated_at: i64,
}

/// Whom an account names about the health data of an app.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn hds_contact_of(
    conn: &mut Conn,
    account: AccountId,
    app: &str,
) -> Result<Option<StoredHdsContact>> {
    let row: Option<ContactRow> = sqlx::query_as(
        "SELECT id, org_type, name, email, phone_number, company, address_line1, address_line2, address_city, \
         address_zip, address_country, notes, updated_at FROM hds_contact WHERE account_id = $1 AND app = $2",
    )
    .bind(account.0)
    .bind(app)
    .fetch_optional(conn)
    .await?;
    let Some(row) = row else {
        return Ok(None);
    };
    let place = |column| at("hds_contact", column);
    let contact = HdsContact {
        org_type: OrgType::from_code(&row.org_type)
            .ok_or_else(|| place("org_type").refuse(&row.id, &row.org_type))?,
        address_country: place("address_country").parse(&row.id, &row.address_country)?,
        name: row.name,
        email: row.email,
        phone_number: row.phone_number,
        company: row.company,
        address_line1: row.address_line1,
        address_line2: row.address_line2,
        address_city: row.address_city,
        address_zip: row.address_zip,
        notes: row.notes,
    };
    Ok(Some(StoredHdsContact {
        account,
        app: app.to_owned(),
        id: row.id,
        contact,
        updated_at: Instant(row.updated_at),
    }))
}

/// Keeps whom an account names, in place of whom it named before.
///
/// # Errors
/// When the database refuses.
pub async fn write_hds_contact(conn: &mut Conn, stored: &StoredHdsContact) -> Result<()> {
    let contact = &stored.contact;
    sqlx::query(
        "INSERT INTO hds_contact (account_id, app, id, org_type, name, email, phone_number, company, address_line1, \
         address_line2, address_city, address_zip, address_country, notes, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) \
         ON CONFLICT (account_id, app) DO UPDATE SET org_type = $4, name = $5, email = $6, phone_number = $7, \
         company = $8, address_line1 = $9, address_line2 = $10, address_city = $11, address_zip = $12, \
         address_country = $13, notes = $14, updated_at = $15, reminded_at = NULL",
    )
    .bind(stored.account.0)
    .bind(&stored.app)
    .bind(&stored.id)
    .bind(contact.org_type.code())
    .bind(&contact.name)
    .bind(&contact.email)
    .bind(&contact.phone_number)
    .bind(&contact.company)
    .bind(&contact.address_line1)
    .bind(&contact.address_line2)
    .bind(&contact.address_city)
    .bind(&contact.address_zip)
    .bind(contact.address_country.code())
    .bind(&contact.notes)
    .bind(stored.updated_at.0)
    .execute(conn)
    .await?;
    Ok(())
}

/// Some of the apps whose contact was given up to a time, and not asked about since;
/// of accounts that stay.
///
/// # Errors
/// When the database refuses.
pub async fn hds_contacts_due(
    conn: &mut Conn,
    before: Instant,
    limit: i64,
) -> Result<Vec<(AccountId, String, String)>> {
    let rows: Vec<(i64, String, String)> = sqlx::query_as(
        "SELECT h.account_id, h.id, h.app FROM hds_contact h WHERE COALESCE(h.reminded_at, h.updated_at) <= $1 \
         AND NOT EXISTS (SELECT 1 FROM account_deletion d WHERE d.account_id = h.account_id \
         AND d.state IN ('settling', 'erasing', 'done')) ORDER BY h.account_id, h.app LIMIT $2",
    )
    .bind(before.0)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|(account, id, app)| (AccountId(account), id, app))
        .collect())
}

/// Notes that an account is asked about a contact now, if it still has to be.
///
/// # Errors
/// When the database refuses.
pub async fn mark_reminded(
    conn: &mut Conn,
    account: AccountId,
    app: &str,
    before: Instant,
    now: Instant,
) -> Result<bool> {
    let marked = sqlx::query(
        "UPDATE hds_contact SET reminded_at = $4 WHERE account_id = $1 AND app = $2 \
         AND COALESCE(reminded_at, updated_at) <= $3",
    )
    .bind(account.0)
    .bind(app)
    .bind(before.0)
    .bind(now.0)
    .execute(conn)
    .await?
    .rows_affected();
    Ok(marked > 0)
}
