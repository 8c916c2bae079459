//! Accounts. An account that is known already gets a new version of its profile when
//! the file says something new of it. What its customer changed meanwhile, and the file
//! says as it did the last time, stays as the customer wants it.

use std::collections::{HashMap, HashSet};

use super::checks::Checks;
use super::table::Table;
use super::{Chunk, Import, ImportError, ImportReport, Problem};
use crate::domain::access::profile::{
    EMAIL_BYTES_MAX, NAME_BYTES_MAX, USERNAME_BYTES_MAX, looks_like_email,
};
use crate::domain::account::{BillingProfile, Language};
use crate::domain::calendar::Instant;
use crate::domain::ids::{AccountId, ProfileId};
use crate::domain::invoice::fingerprint::Digest;
use crate::domain::money::Currency;
use crate::domain::tax::{Country, Residence, has_valid_vat_number};
use crate::engine::run::Engine;
use crate::on;
use crate::store::rows::AccountVersion;
use crate::store::{StoreError, Tx};

const COLUMNS: [&str; 13] = [
    "id",
    "username",
    "email",
    "full_name",
    "company",
    "country",
    "address_line1",
    "postal_code",
    "city",
    "vat_number",
    "currency",
    "created_at",
    "language",
];
/// `language` may be left out; it then follows the country.
const REQUIRED: usize = 12;
const ROWS_PER_CHUNK: usize = 5_000;

/// What a file is checked against, and what it adds.
struct Known {
    id: AccountId,
    currency: Currency,
    created_at: Instant,
    profile: ProfileId,
    /// The version that says what the last file said; what stands is another where the
    /// customer changed it since.
    imported: ProfileId,
    imported_digest: Digest,
    is_deleted: bool,
}

/// What a row makes of an account.
struct Said {
    version: AccountVersion,
    /// Whether its customer changed what the last file said.
    is_changed_by_customer: bool,
}

struct Parser {
    zone: chrono_tz::Tz,
    known: HashMap<String, Known>,
    in_file: HashSet<String>,
    next_id: i64,
}

impl Engine {
    /// Imports a CSV file of accounts.
    ///
    /// # Errors
    /// When the file cannot be read or the database refuses; bad rows are no
    /// error but reported.
    pub async fn import_accounts(
        &self,
        mut import: Import<'_>,
    ) -> Result<ImportReport, ImportError> {
        let mut table = Table::open(import.path, &COLUMNS, REQUIRED)?;
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::raise_generation(conn).await)?;
        let stored = on!(&mut tx, conn, q => q::known_accounts(conn).await)?;
        let mut parser = Parser {
            zone: self.config.zone(),
            next_id: on!(&mut tx, conn, q => q::next_id(conn, q::KeyedTable::Account).await)?,
            in_file: HashSet::new(),
            known: stored
                .into_iter()
                .map(|account| {
                    let known = Known {
                        id: account.id,
                        currency: account.currency,
                        created_at: account.created_at,
                        profile: account.profile,
                        imported: account.imported,
                        imported_digest: account.imported_digest,
                        is_deleted: account.is_deleted,
                    };
                    (account.external_id, known)
                })
                .collect(),
        };
        let mut report = ImportReport::default();
        loop {
            let chunk = parser
                .read_chunk(&mut table)
                .map_err(|error| ImportError::read(import.path, error))?;
            let ended = chunk.read == 0;
            report.rows += chunk.read;
            report.unchanged += chunk.repeated;
            for Said { version, .. } in &chunk.rows {
                report.invalid_vat_numbers += u64::from(has_invalid_vat_number(&version.content));
                if version.profile.0 == 1 {
                    report.added += 1;
                } else {
                    report.updated += 1;
                }
            }
            write(&mut tx, chunk.rows).await?;
            import.progress.read(table.lines.bytes_read, chunk.read);
            import.take_bad(&mut report, chunk.bad)?;
            if ended {
                break;
            }
        }
        import.end(tx, &mut report).await?;
        Ok(report)
    }
}

/// Writes what a file says. Where the customer changed what the last one said, that is
/// one version, for the next file to be held against; what stands from it is another.
async fn write(tx: &mut Tx, said: Vec<Said>) -> Result<(), StoreError> {
    let mut versions = Vec::with_capacity(said.len());
    let mut changed = Vec::new();
    for said in said {
        if said.is_changed_by_customer {
            let account = said.version.id;
            let stands = on!(&mut *tx, conn, q => q::current_version(conn, account).await)?;
            let base = on!(&mut *tx, conn, q => q::imported_profile(conn, account).await)?;
            changed.push((said.version, stands, base));
        } else {
            versions.push(said.version);
        }
    }
    on!(&mut *tx, conn, q => q::write_accounts(conn, &versions).await)?;
    for version in versions.iter().filter(|version| version.profile.0 > 1) {
        on!(&mut *tx, conn, q => q::note_imported(conn, version.id, version.profile).await)?;
    }
    for (said, stands, base) in changed {
        let (account, imported) = (said.id, said.profile);
        let content = stands.content.told(&base, said.content.clone());
        let standing = AccountVersion {
            profile: ProfileId(imported.0 + 1),
            digest: content.digest(),
            content,
            ..said.clone()
        };
        on!(&mut *tx, conn, q => q::write_accounts(conn, &[said, standing]).await)?;
        on!(&mut *tx, conn, q => q::note_imported(conn, account, imported).await)?;
    }
    Ok(())
}

impl Parser {
    fn read_chunk(&mut self, table: &mut Table) -> std::io::Result<Chunk<Said>> {
        let mut chunk = Chunk::default();
        while !chunk.is_full(ROWS_PER_CHUNK) {
            let Some(row) = table.next()? else { break };
            chunk.read += 1;
            match row {
                Err(bad) => chunk.bad.push(bad),
                Ok(()) => match self.check(table) {
                    Ok(Some(said)) => chunk.rows.push(said),
                    Ok(None) => chunk.repeated += 1,
                    Err(problems) => chunk.bad.push(table.lines.bad(problems)),
                },
            }
        }
        Ok(chunk)
    }

    /// The new version a row makes; `None` when it says what is known.
    fn check(&mut self, table: &Table) -> Result<Option<Said>, Vec<Problem>> {
        let mut checks = Checks::default();
        let content = check_profile(&mut checks, table);
        let currency: Option<Currency> = checks.parse("currency", table.field(10));
        let created_at = checks.date_or_time("created_at", table.field(11), self.zone);
        let (Some(content), Some(currency), Some(created_at), true) =
            (content, currency, created_at, checks.problems.is_empty())
        else {
            return Err(checks.problems);
        };
        let id = content.account.clone();
        let digest = content.digest();
        let again = !self.in_file.insert(id.clone());
        let Some(known) = self.known.get_mut(&id) else {
            let version = AccountVersion {
                id: AccountId(self.next_id),
                profile: ProfileId(1),
                currency,
                created_at,
                digest,
                content,
            };
            self.next_id += 1;
            let known = Known {
                id: version.id,
                currency,
                created_at,
                profile: version.profile,
                imported: version.profile,
                imported_digest: digest,
                is_deleted: false,
            };
            self.known.insert(id, known);
            return Ok(Some(Said {
                version,
                is_changed_by_customer: false,
            }));
        };
        if known.is_deleted {
            let reason = "was deleted: nothing of its customer is taken in again";
            checks.refuse("id", &id, reason);
        }
        if known.currency != currency {
            let reason = format!(
                "the account is billed in {}: its currency cannot change",
                known.currency
            );
            checks.refuse("currency", currency.code(), reason);
        }
        if known.created_at != created_at {
            let reason = format!(
                "the account was created at {}: that cannot change",
                known.created_at
            );
            checks.refuse("created_at", table.field(11), reason);
        }
        if again && known.imported_digest != digest {
            checks.refuse("id", &id, "is in the file twice, with different content");
        }
        if !checks.problems.is_empty() {
            return Err(checks.problems);
        }
        if known.imported_digest == digest {
            return Ok(None);
        }
        let is_changed_by_customer = known.profile != known.imported;
        known.profile = ProfileId(known.profile.0 + 1);
        known.imported = known.profile;
        known.imported_digest = digest;
        let version = AccountVersion {
            id: known.id,
            profile: known.profile,
            currency,
            created_at,
            digest,
            content,
        };
        Ok(Some(Said {
            version,
            is_changed_by_customer,
        }))
    }
}

fn check_profile(checks: &mut Checks, table: &Table) -> Option<BillingProfile> {
    let mut optional = |column: usize, bytes_max| {
        let value = checks.optional_text(COLUMNS[column], table.field(column), bytes_max)?;
        Some(value.to_owned())
    };
    let username = optional(1, USERNAME_BYTES_MAX);
    let full_name = optional(3, NAME_BYTES_MAX);
    let company = optional(4, NAME_BYTES_MAX);
    let address_line1 = optional(6, 1_000);
    let postal_code = optional(7, 20);
    let city = optional(8, 200);
    let vat_number = optional(9, 30);
    let account = checks
        .text("id", table.field(0), 100)
        .map(ToOwned::to_owned);
    let email = checks
        .text("email", table.field(2), EMAIL_BYTES_MAX)
        .map(ToOwned::to_owned);
    if email
        .as_deref()
        .is_some_and(|email| !looks_like_email(email))
    {
        checks.refuse("email", table.field(2), "is not an email address");
    }
    if full_name.as_deref() == Some("") && company.as_deref() == Some("") {
        checks.refuse(
            "full_name",
            "",
            "is missing, and so is company: an invoice needs a name",
        );
    }
    let country: Option<Country> = checks.parse("country", table.field(5));
    let language = match table.field(12) {
        "" => country.map(Language::default_for),
        text => checks.parse("language", text),
    };
    Some(BillingProfile {
        account: account?,
        username: username?,
        email: email?,
        full_name: full_name?,
        company: company?,
        country: country?,
        address_line1: address_line1?,
        address_line2: String::new(),
        postal_code: postal_code?,
        city: city?,
        state: String::new(),
        vat_number: vat_number?,
        invoice_note: String::new(),
        language: language?,
    })
}

/// Whether a customer in the EU gave a VAT number that does not make a business
/// of it.
fn has_invalid_vat_number(profile: &BillingProfile) -> bool {
    let residence = Residence {
        country: profile.country,
        postal_code: &profile.postal_code,
        vat_number: &profile.vat_number,
    };
    profile.country.is_member_state()
        && !profile.vat_number.is_empty()
        && !has_valid_vat_number(residence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn a_chunk_of_long_bad_rows_is_handed_on_early() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "{}", COLUMNS.join(",")).unwrap();
        let long = "x".repeat(70_000);
        for _ in 0..600 {
            writeln!(file, "{long}").unwrap();
        }
        let mut table = Table::open(file.path(), &COLUMNS, REQUIRED).unwrap();
        let mut parser = Parser {
            zone: chrono_tz::UTC,
            known: HashMap::new(),
            in_file: HashSet::new(),
            next_id: 1,
        };
        let mut read = || parser.read_chunk(&mut table).unwrap().bad.len();
        // 256 rows of 64 KiB are the 16 MiB that a chunk may keep.
        assert_eq!([read(), read(), read(), read()], [256, 256, 88, 0]);
    }
}
