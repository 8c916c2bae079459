//! What customers say of themselves that no invoice prints, and whose names are
//! taken. Whoever changes any of it holds the account.

use super::decode::at;
use super::{Conn, Result};
use crate::domain::access::profile::{Settings, Theme};
use crate::domain::calendar::Instant;
use crate::domain::ids::AccountId;
use crate::store::rows::LinkPurpose;

/// What a customer said of itself, or what stands where it never did.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn settings_of(conn: &mut Conn, account: AccountId) -> Result<Settings> {
    let row: Option<(String, i16, Option<String>, String, Option<String>)> = sqlx::query_as(
        "SELECT location, email_newsletter, time_zone, theme, unconfirmed_email \
         FROM account_settings WHERE account_id = $1",
    )
    .bind(account.0)
    .fetch_optional(conn)
    .await?;
    let Some((location, newsletter, zone, theme, unconfirmed_email)) = row else {
        return Ok(Settings::initial());
    };
    let place = |column| at("account_settings", column);
    let time_zone = zone.map(|zone| place("time_zone").parse(account, &zone));
    Ok(Settings {
        location,
        email_newsletter: newsletter != 0,
        time_zone: time_zone.transpose()?,
        theme: Theme::from_code(&theme).ok_or_else(|| place("theme").refuse(account, &theme))?,
        unconfirmed_email,
    })
}

/// Keeps what a customer says of itself.
///
/// # Errors
/// When the database refuses.
pub async fn write_settings(
    conn: &mut Conn,
    account: AccountId,
    settings: &Settings,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO account_settings (account_id, location, email_newsletter, time_zone, theme, \
         unconfirmed_email) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (account_id) DO UPDATE SET location = $2, \
         email_newsletter = $3, time_zone = $4, theme = $5, unconfirmed_email = $6",
    )
    .bind(account.0)
    .bind(settings.location.as_str())
    .bind(i16::from(settings.email_newsletter))
    .bind(settings.time_zone.map(|zone| zone.name()))
    .bind(settings.theme.code())
    .bind(settings.unconfirmed_email.as_deref())
    .execute(conn)
    .await?;
    Ok(())
}

/// How many accounts wait for an address, and have a link to it that works after a
/// time.
///
/// # Errors
/// When the database refuses.
pub async fn links_to_address(
    conn: &mut Conn,
    email: &str,
    purpose: LinkPurpose,
    after: Instant,
) -> Result<i64> {
    Ok(sqlx::query_scalar(
        "SELECT COUNT(*) FROM account_settings s JOIN account_link l ON l.account_id = s.account_id \
         AND l.purpose = $2 WHERE s.unconfirmed_email IS NOT NULL AND lower(s.unconfirmed_email) = lower($1) \
         AND l.until > $3",
    )
    .bind(email)
    .bind(purpose.code())
    .bind(after.0)
    .fetch_one(conn)
    .await?)
}

/// Whether another account goes by a username now, however it is capitalized.
///
/// # Errors
/// When the database refuses.
pub async fn username_taken(conn: &mut Conn, username: &str, except: AccountId) -> Result<bool> {
    let others: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM billing_profile p JOIN account a ON a.id = p.account_id \
         AND a.profile_version = p.version WHERE lower(p.username) = lower($1) AND p.account_id <> $2",
    )
    .bind(username)
    .bind(except.0)
    .fetch_one(conn)
    .await?;
    Ok(others > 0)
}
