//! A house that collects by direct debit, and debits that wait.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;
use quittance::config::{SecretSource, SepaSettings, VaultKey, VaultSettings};
use quittance::domain::sepa::collection::CollectionPolicy;
use quittance::domain::sepa::iban::IbanText;
use quittance::domain::sepa::message::Creditor;
use quittance::engine::run::Engine;
use quittance::providers::sepa::pain008::Version;
use quittance::vault::Vault;

use super::debtors::{each, execute};

/// The creditor's account.
pub const OURS: &str = "FR7630006000011234567890189";
/// Mandates of one statement.
const ROWS: u64 = 500;

/// Gives the house an archive and a key in this folder.
pub fn settle_in(engine: &mut Engine, folder: &Path) -> Result<()> {
    engine.config.sepa = Some(SepaSettings {
        creditor: Creditor {
            name: "Nuage".to_owned(),
            address: None,
            identifier: "FR72ZZZ123456".to_owned(),
            iban: IbanText::new(OURS),
            bic: None,
        },
        version: Version::V08,
        policy: CollectionPolicy::default(),
        archive: folder.join("archive"),
    });
    let key = folder.join("key");
    std::fs::write(&key, "11".repeat(32))?;
    engine.config.vault = Some(VaultSettings {
        keys: vec![VaultKey {
            id: "bench".to_owned(),
            source: SecretSource::File(key),
        }],
    });
    Ok(())
}

/// A German IBAN by its account number.
pub fn iban(n: u64) -> String {
    let account = format!("37040044{n:010}");
    let remainder = format!("{account}131400").chars().fold(0, |remainder, c| {
        (remainder * 10 + c.to_digit(10).unwrap_or(0)) % 97
    });
    format!("DE{:02}{account}", 98 - remainder)
}

/// Gives the accounts of [`debtors::insert`](super::debtors::insert) a mandate and
/// a debit each, which waits.
pub async fn insert_waiting(engine: &Engine, url: &str, accounts: u64) -> Result<()> {
    let each = each(accounts);
    let statements = [
        format!(
            "INSERT INTO billing_profile (account_id, version, digest, username, email, full_name, company, country, \
             address_line1, postal_code, city, vat_number, language) {each} SELECT n, 1, {}, 'c', 'c@example.com', \
             'Customer', '', 'FR', '1 rue du Pont', '67000', 'Strasbourg', '', 'en' FROM each",
            super::debtors::blob(url)
        ),
        format!(
            "INSERT INTO payment_method (account_id, id, method, state, added_at, preferred_at, changed_at) {each} \
             SELECT n, 1, 'sepa', 'usable', 1, 1, 1 FROM each"
        ),
        format!(
            "INSERT INTO payment_attempt (account_id, id, period, kind, method, method_id, amount_minor, currency, \
             state, created_at) {each} SELECT n, '01a0c4506c0000000000' || SUBSTR(CAST(1000000000000 + n AS TEXT), 2), \
             202610, 1, 'sepa', 1, 1500, 'EUR', 'created', 1793606400000000 FROM each"
        ),
    ];
    for statement in statements {
        execute(url, statement).await?;
    }
    let vault = Vault::open(engine.config.vault.as_ref())?;
    for first in (0..accounts).step_by(usize::try_from(ROWS)?) {
        let mut sql = "INSERT INTO sepa_mandate (account_id, method_id, reference, scheme, one_off, debtor_name, \
             iban_key, iban_sealed, iban_masked, signed_on, signed_at, signed_from, signed_text, account_changed, \
             last_sequence) VALUES "
            .to_owned();
        for n in first..accounts.min(first + ROWS) {
            let sealed = vault.seal(iban(n).as_bytes(), &format!("mandate {n}/1"))?;
            let hex: String = sealed.bytes.iter().fold(String::new(), |mut hex, byte| {
                let _ = write!(hex, "{byte:02x}");
                hex
            });
            let blob = if url.starts_with("sqlite:") {
                format!("x'{hex}'")
            } else {
                format!("'\\x{hex}'::bytea")
            };
            let comma = if n == first { "" } else { ", " };
            write!(
                sql,
                "{comma}({n}, 1, 'M{n}', 'CORE', 0, 'Société Générale de Brückner {n}', 'bench', {blob}, 'DE...1', \
                 '2026-01-05', 1, 'x', 'x', 0, 'RCUR')"
            )?;
        }
        execute(url, sql).await?;
    }
    // A house that has been there for a while has statistics.
    execute(url, "ANALYZE".to_owned()).await
}
