//! Everything sealed, under the newest key.

use super::mandate::seal_context;
use crate::domain::ids::{AccountId, PaymentMethodId};
use crate::engine::access::tfa::seal_context as factor_context;
use crate::engine::run::Engine;
use crate::on;
use crate::store::StoreError;
use crate::store::rows::ByPerson;
use crate::vault::archive::{ArchiveError, reseal_all};
use crate::vault::{Vault, VaultError};

/// Account numbers or secrets sealed anew in one transaction.
const PER_BATCH: i64 = 500;
/// How often a batch is tried whose numbers are changed meanwhile.
const TRIES: u32 = 10;

/// Why not everything is sealed anew. What was done before stands.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error("mandates are changed faster than their account numbers are sealed: run it again")]
    Outrun,
}

/// What was under an older key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rotated {
    pub ibans: u64,
    /// Secrets of second factors.
    pub factors: u64,
    /// Files of the archive.
    pub files: u64,
}

impl Engine {
    /// Seals every account number, secret and archived file that is under an older
    /// key with the newest; then nothing needs the older ones. `on_batch` is told
    /// how many numbers are done. Killed in between, what is done is done, and
    /// running it again goes on from there.
    ///
    /// # Errors
    /// When an older key is not there any more, or something does not open: the
    /// batches before stand.
    pub async fn rotate_vault(
        &self,
        by: ByPerson<'_>,
        on_batch: &(dyn Fn(u64) + Sync),
    ) -> Result<Rotated, RotateError> {
        let vault = Vault::open(self.config.vault.as_ref())?;
        let mut rotated = Rotated::default();
        // Numbers that come under an older key while this runs, from a process
        // that still has the older settings, are found by the next pass.
        loop {
            let mut after = None;
            let mut pass = 0;
            while let Some((last, count)) = self.reseal_ibans(&vault, after, by).await? {
                after = Some(last);
                pass += count;
                on_batch(rotated.ibans + pass);
            }
            rotated.ibans += pass;
            if pass == 0 {
                break;
            }
        }
        rotated.factors = self.reseal_factors(&vault, by).await?;
        if let Some(sepa) = &self.config.sepa {
            rotated.files = reseal_all(&sepa.archive, &vault)?;
            if rotated.files > 0 {
                let what = format!("{} archived files", rotated.files);
                self.audit_rotation(&vault, &what, by).await?;
            }
        }
        Ok(rotated)
    }

    /// The last number of a batch and how many it had; `None` when there is
    /// nothing left after `after`.
    async fn reseal_ibans(
        &self,
        vault: &Vault,
        after: Option<(AccountId, PaymentMethodId)>,
        by: ByPerson<'_>,
    ) -> Result<Option<((AccountId, PaymentMethodId), u64)>, RotateError> {
        for _ in 0..TRIES {
            match self.try_reseal_ibans(vault, after, by).await {
                Err(RotateError::Store(error)) if error.is_race() => {}
                done => return done,
            }
        }
        Err(RotateError::Outrun)
    }

    async fn try_reseal_ibans(
        &self,
        vault: &Vault,
        after: Option<(AccountId, PaymentMethodId)>,
        by: ByPerson<'_>,
    ) -> Result<Option<((AccountId, PaymentMethodId), u64)>, RotateError> {
        let Some(newest) = vault.newest_key() else {
            return Ok(None);
        };
        let mut tx = self.store.begin().await?;
        let page = on!(&mut tx, conn, q => {
            q::ibans_to_reseal(conn, newest, after, PER_BATCH).await
        })?;
        let Some(last) = page.last().map(|iban| (iban.account, iban.id)) else {
            return Ok(None);
        };
        for before in &page {
            let context = seal_context(before.account, before.id);
            let plain = vault.unseal(&before.sealed, &context)?;
            let sealed = vault.seal(&plain, &context)?;
            on!(&mut tx, conn, q => q::reseal_iban(conn, before, &sealed).await)?;
        }
        let subject = format!("key {newest}: {} account numbers", page.len());
        let now = self.clock.now();
        on!(&mut tx, conn, q => {
            q::write_house_audit(conn, by, "vault_rotated", &subject, now).await
        })?;
        tx.commit().await?;
        let count = u64::try_from(page.len()).unwrap_or(u64::MAX);
        Ok(Some((last, count)))
    }

    /// How many secrets of second factors were under an older key. One that is
    /// another meanwhile is found again where it is under an older key, too.
    async fn reseal_factors(&self, vault: &Vault, by: ByPerson<'_>) -> Result<u64, RotateError> {
        let mut factors = 0;
        let Some(newest) = vault.newest_key() else {
            return Ok(factors);
        };
        loop {
            let mut tx = self.store.begin().await?;
            let page = on!(&mut tx, conn, q => {
                q::factors_to_reseal(conn, newest, PER_BATCH).await
            })?;
            if page.is_empty() {
                return Ok(factors);
            }
            for before in &page {
                let context = factor_context(before.account);
                let plain = vault.unseal(&before.secret, &context)?;
                let sealed = vault.seal(&plain, &context)?;
                on!(&mut tx, conn, q => q::reseal_factor(conn, before, &sealed).await)?;
            }
            let subject = format!("key {newest}: {} second factors", page.len());
            let now = self.clock.now();
            on!(&mut tx, conn, q => {
                q::write_house_audit(conn, by, "vault_rotated", &subject, now).await
            })?;
            tx.commit().await?;
            factors += u64::try_from(page.len()).unwrap_or(u64::MAX);
        }
    }

    async fn audit_rotation(
        &self,
        vault: &Vault,
        what: &str,
        by: ByPerson<'_>,
    ) -> Result<(), RotateError> {
        let subject = format!("key {}: {what}", vault.newest_key().unwrap_or_default());
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => {
            q::write_house_audit(conn, by, "vault_rotated", &subject, now).await
        })?;
        tx.commit().await?;
        Ok(())
    }
}
