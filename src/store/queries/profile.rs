//! The versions of billing profiles. They never change, but for an identity that is
//! emptied when its account is gone.

use std::fmt::Display;

use sqlx::QueryBuilder;

use super::decode::at;
use super::{Conn, Db, ROWS_PER_INSERT, Result};
use crate::domain::account::BillingProfile;
use crate::store::rows::AccountVersion;

/// What a [`ProfileRow`] reads of `billing_profile p`.
pub(super) const COLUMNS: &str = "p.username, p.email, p.full_name, p.company, p.country, p.address_line1, \
     p.address_line2, p.postal_code, p.city, p.address_state, p.vat_number, p.invoice_note, p.language";

#[derive(sqlx::FromRow)]
pub(super) struct ProfileRow {
    username: String,
    email: String,
    full_name: String,
    company: String,
    country: String,
    address_line1: String,
    address_line2: String,
    postal_code: String,
    city: String,
    address_state: String,
    vat_number: String,
    invoice_note: String,
    language: String,
}

impl ProfileRow {
    /// The profile of an account by the platform's id; errors name the row.
    pub(super) fn profile(self, account: String, row: impl Display) -> Result<BillingProfile> {
        Ok(BillingProfile {
            account,
            username: self.username,
            email: self.email,
            full_name: self.full_name,
            company: self.company,
            country: at("billing_profile", "country").parse(&row, &self.country)?,
            address_line1: self.address_line1,
            address_line2: self.address_line2,
            postal_code: self.postal_code,
            city: self.city,
            state: self.address_state,
            vat_number: self.vat_number,
            invoice_note: self.invoice_note,
            language: at("billing_profile", "language").parse(&row, &self.language)?,
        })
    }
}

/// Adds versions of profiles.
pub(super) async fn insert_profiles(conn: &mut Conn, versions: &[AccountVersion]) -> Result<()> {
    for chunk in versions.chunks(ROWS_PER_INSERT) {
        let mut query = QueryBuilder::<Db>::new(
            "INSERT INTO billing_profile (account_id, version, digest, username, email, full_name, company, \
             country, address_line1, address_line2, postal_code, city, address_state, vat_number, \
             invoice_note, language) ",
        );
        query.push_values(chunk, |mut values, version| {
            let content = &version.content;
            values
                .push_bind(version.id.0)
                .push_bind(version.profile.0)
                .push_bind(&version.digest.0[..])
                .push_bind(content.username.as_str())
                .push_bind(content.email.as_str())
                .push_bind(content.full_name.as_str())
                .push_bind(content.company.as_str())
                .push_bind(content.country.code().to_owned())
                .push_bind(content.address_line1.as_str())
                .push_bind(content.address_line2.as_str())
                .push_bind(content.postal_code.as_str())
                .push_bind(content.city.as_str())
                .push_bind(content.state.as_str())
                .push_bind(content.vat_number.as_str())
                .push_bind(content.invoice_note.as_str())
                .push_bind(content.language.code());
        });
        query.build().execute(&mut *conn).await?;
    }
    Ok(())
}
