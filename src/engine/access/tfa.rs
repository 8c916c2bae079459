//! A second factor: what an account is asked for beside its password.

use serde_json::json;

use super::AccessError;
use super::event::Deed;
use crate::domain::access::AccountEvent;
use crate::domain::access::totp::{Proof, RECOVERY_CODES, RecoveryCode, TotpSecret};
use crate::domain::ids::AccountId;
use crate::domain::invoice::fingerprint::Digest;
use crate::domain::notice::Topic;
use crate::engine::outbox::house;
use crate::engine::run::Engine;
use crate::on;
use crate::store::Tx;
use crate::store::rows::{ByPerson, NewNotice, StoredFactor};
use crate::vault::{Vault, VaultError};

/// What a second factor's secret is sealed as.
pub(in crate::engine) fn seal_context(account: AccountId) -> String {
    format!("second factor {account}")
}

/// What is kept of a recovery code. It has 80 bits of chance, and works once: nothing
/// that would make it slow to guess would make it safer.
fn digest_of(code: &RecoveryCode) -> Digest {
    Digest::of_fields(["recovery_code", code.text()])
}

impl Engine {
    /// The second factor of an account, where it has one or asked for one.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn second_factor(
        &self,
        account: AccountId,
    ) -> Result<Option<StoredFactor>, AccessError> {
        let mut tx = self.store.snapshot().await?;
        let factor = on!(&mut tx, conn, q => q::factor_of(conn, account).await)?;
        tx.rollback().await?;
        Ok(factor)
    }

    /// Draws a secret for an account, and the URI by which a phone learns it. It is
    /// asked for once a code of it was given.
    ///
    /// # Errors
    /// [`AccessError::HasFactor`] when it has one already; or the vault has no key, or
    /// the database refuses.
    pub async fn ask_second_factor(
        &self,
        account: AccountId,
        by: ByPerson<'_>,
    ) -> Result<(StoredFactor, String), AccessError> {
        let now = self.clock.now();
        let secret = TotpSecret::new(self.chance.totp()?);
        let vault = Vault::open(self.config.vault.as_ref())?;
        let factor = StoredFactor {
            account,
            id: self.chance.uuid()?,
            secret: vault.seal(secret.bytes(), &seal_context(account))?,
            enabled_at: None,
            last_step: None,
        };
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        if on!(&mut tx, conn, q => q::is_being_erased(conn, account).await)? {
            return Err(AccessError::Leaving);
        }
        let before = on!(&mut tx, conn, q => q::factor_of(conn, account).await)?;
        if before.is_some_and(|before| before.enabled_at.is_some()) {
            return Err(AccessError::HasFactor);
        }
        on!(&mut tx, conn, q => q::write_factor(conn, &factor).await)?;
        on!(&mut tx, conn, q => {
            q::write_audit(conn, account, by, "tfa_asked", now, None, None).await
        })?;
        let (profile, _) = on!(&mut tx, conn, q => q::current_profile(conn, account).await)?;
        tx.commit().await?;
        let house = house(&self.config.issuer, self.config.mail.as_ref());
        let uri = secret.uri(&house.product, &profile.email);
        Ok((factor, uri))
    }

    /// From now on an account is asked for a code: one of the secret that was drawn
    /// was given. The recovery codes, which nobody can read again.
    ///
    /// # Errors
    /// [`AccessError::Attempt`] when it was another, [`AccessError::Unknown`] when
    /// nobody asked for a second factor; or the database refuses.
    pub async fn enable_second_factor(
        &self,
        account: AccountId,
        attempt: Option<&Proof>,
        by: ByPerson<'_>,
    ) -> Result<Vec<RecoveryCode>, AccessError> {
        let now = self.clock.now();
        let mut codes = Vec::with_capacity(RECOVERY_CODES);
        for _ in 0..RECOVERY_CODES {
            codes.push(RecoveryCode::new(self.chance.bytes()?));
        }
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        let factor = on!(&mut tx, conn, q => q::factor_of(conn, account).await)?;
        let factor = factor.ok_or(AccessError::Unknown)?;
        if factor.enabled_at.is_some() {
            return Err(AccessError::HasFactor);
        }
        let Some(Proof::Code(code)) = attempt else {
            return Err(AccessError::Attempt);
        };
        let step = self.secret(&factor)?.step_of(*code, now, None);
        let step = step.ok_or(AccessError::Attempt)?;
        on!(&mut tx, conn, q => q::take_step(conn, account, step, now).await)?;
        let digests: Vec<Digest> = codes.iter().map(digest_of).collect();
        on!(&mut tx, conn, q => q::replace_recovery_codes(conn, account, &digests).await)?;
        self.tell(&mut tx, &factor, true, by).await?;
        tx.commit().await?;
        Ok(codes)
    }

    /// An account is asked for its password alone again. A wrong code counts as if
    /// somebody had tried to sign in with it.
    ///
    /// # Errors
    /// [`AccessError::Attempt`] when the code is wrong, or too many were;
    /// [`AccessError::Unknown`] when there is no second factor; or the database
    /// refuses.
    pub async fn disable_second_factor(
        &self,
        account: AccountId,
        attempt: Option<&Proof>,
        by: ByPerson<'_>,
    ) -> Result<(), AccessError> {
        let attempt = attempt.ok_or(AccessError::Attempt)?;
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        let factor = self.enabled_factor(&mut tx, account).await?;
        let factor = factor.ok_or(AccessError::Unknown)?;
        let credential = on!(&mut tx, conn, q => q::credential_of(conn, account).await)?;
        if credential.failures.is_locked() {
            return Err(AccessError::Attempt);
        }
        if !self.proves(&mut tx, &factor, attempt).await? {
            self.count_failure(&mut tx, account, credential, None)
                .await?;
            tx.commit().await?;
            return Err(AccessError::Attempt);
        }
        on!(&mut tx, conn, q => q::delete_factor(conn, account).await)?;
        self.tell(&mut tx, &factor, false, by).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Takes the second factor off an account whose customer has lost it and every
    /// recovery code: staff made sure who asks. Its customer is told by mail.
    ///
    /// # Errors
    /// [`AccessError::Unknown`] when there is no second factor; or the database refuses.
    pub async fn take_off_second_factor(
        &self,
        account: AccountId,
        by: ByPerson<'_>,
    ) -> Result<(), AccessError> {
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        let factor = self.enabled_factor(&mut tx, account).await?;
        let factor = factor.ok_or(AccessError::Unknown)?;
        on!(&mut tx, conn, q => q::delete_factor(conn, account).await)?;
        self.tell(&mut tx, &factor, false, by).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The second factor that an account is asked for.
    pub(super) async fn enabled_factor(
        &self,
        tx: &mut Tx,
        account: AccountId,
    ) -> Result<Option<StoredFactor>, AccessError> {
        let factor = on!(&mut *tx, conn, q => q::factor_of(conn, account).await)?;
        Ok(factor.filter(|factor| factor.enabled_at.is_some()))
    }

    /// Whether that proves a second factor; then it proves nothing any more. The
    /// caller holds the account.
    pub(super) async fn proves(
        &self,
        tx: &mut Tx,
        factor: &StoredFactor,
        proof: &Proof,
    ) -> Result<bool, AccessError> {
        let account = factor.account;
        match proof {
            Proof::Code(code) => {
                let secret = self.secret(factor)?;
                let now = self.clock.now();
                let step = secret.step_of(*code, now, factor.last_step);
                let Some(step) = step else {
                    return Ok(false);
                };
                on!(&mut *tx, conn, q => q::take_step(conn, account, step, now).await)?;
                Ok(true)
            }
            Proof::Recovery(code) => {
                let digest = digest_of(code);
                Ok(on!(&mut *tx, conn, q => q::use_recovery_code(conn, account, digest).await)?)
            }
        }
    }

    fn secret(&self, factor: &StoredFactor) -> Result<TotpSecret, AccessError> {
        let vault = Vault::open(self.config.vault.as_ref())?;
        let plain = vault.unseal(&factor.secret, &seal_context(factor.account))?;
        let bytes = plain.try_into();
        let bytes = bytes.map_err(|_| VaultError::Altered(factor.secret.key_id.clone()))?;
        Ok(TotpSecret::new(bytes))
    }

    /// Writes down that it was turned on or off, and tells the account.
    async fn tell(
        &self,
        tx: &mut Tx,
        factor: &StoredFactor,
        is_on: bool,
        by: ByPerson<'_>,
    ) -> Result<(), AccessError> {
        let now = self.clock.now();
        let account = factor.account;
        let (event, topic) = if is_on {
            (AccountEvent::TfaEnabled, Topic::TfaEnabled)
        } else {
            (AccountEvent::TfaDisabled, Topic::TfaDisabled)
        };
        let deed = Deed {
            action: event.code(),
            subject: None,
            event,
        };
        deed.write(tx, account, by, now).await?;
        let notice = NewNotice {
            account,
            key: format!("{topic}:{}", factor.id),
            topic,
            payload: json!({ "at": now.0 }).to_string(),
        };
        Ok(on!(&mut *tx, conn, q => q::insert_notices(conn, &[notice], now).await)?)
    }
}
