//! What customers change of what they say of themselves.

use super::password::{hash, is_right};
use super::sign_in::Asked;
use super::{AccessError, NewPassword, User};
use crate::domain::access::billing::{self, BillingChange};
use crate::domain::access::password::Password;
use crate::domain::access::profile::{FieldProblem, ProfileChange, change};
use crate::domain::account::BillingProfile;
use crate::domain::ids::{AccountId, ProfileId};
use crate::engine::run::Engine;
use crate::on;
use crate::store::rows::{AccountVersion, ByPerson};
use crate::store::{StoreError, Tx};

/// What a customer wants changed of its account.
#[derive(Debug, Clone, Copy)]
pub struct AccountChange<'a> {
    pub profile: ProfileChange<'a>,
    /// Needed for another password, and for another address where there is a password.
    pub current_password: Option<&'a str>,
    pub password: Option<NewPassword<'a>>,
}

fn wrong_password(reason: &str) -> AccessError {
    AccessError::Fields(vec![FieldProblem::new("current_password", reason)])
}

impl Engine {
    /// Changes an account, or nothing of it. What its invoices print becomes another
    /// version, which the next of them refers to. Another password makes every bearer
    /// token from before worth nothing.
    ///
    /// # Errors
    /// When a field is wrong, its username is another's, or the database refuses.
    pub async fn change_account(
        &self,
        account: AccountId,
        asked: &AccountChange<'_>,
        by: ByPerson<'_>,
    ) -> Result<User, AccessError> {
        let new = asked.password.map(NewPassword::check).transpose()?;
        let needs_current = new.is_some() || asked.profile.email.is_some();
        let checked = match asked.current_password {
            Some(current) if needs_current => self.check_current(account, current).await?,
            _ => None,
        };
        let hashed = match new {
            Some(new) => Some(hash(new, self.chance.salt()?).await?),
            None => None,
        };
        let mut tx = self.store.begin().await?;
        let asks_for_email = self
            .change_profile(&mut tx, account, &asked.profile, by)
            .await?;
        // Decided under the account's lock: somebody else may have changed it.
        let stands = on!(&mut tx, conn, q => q::credential_of(conn, account).await)?;
        match stands.password_hash {
            None if hashed.is_some() => {
                let reason = "is not there yet: ask for a new password as if it were forgotten";
                return Err(wrong_password(reason));
            }
            stored if stored != checked && (asks_for_email || hashed.is_some()) => {
                return Err(wrong_password(match asked.current_password {
                    Some(_) => "is invalid",
                    None => "can't be blank",
                }));
            }
            _ => {}
        }
        if let Some(hashed) = hashed {
            self.set_password(&mut tx, account, hashed, by).await?;
        }
        tx.commit().await?;
        self.user(account).await
    }

    /// The hash that the password which stands was checked by; `None` where there is
    /// no password. A wrong one counts as if somebody had tried to sign in with it.
    async fn check_current(
        &self,
        account: AccountId,
        current: &str,
    ) -> Result<Option<String>, AccessError> {
        let mut tx = self.store.snapshot().await?;
        let stored = on!(&mut tx, conn, q => q::credential_of(conn, account).await)?;
        tx.rollback().await?;
        if stored.password_hash.is_none() {
            return Ok(None);
        }
        let current = Password::typed(current);
        let is_right = is_right(current, stored.password_hash.clone()).await?;
        match self
            .let_in(account, &stored, is_right, Asked::Password)
            .await
        {
            Ok(()) => Ok(stored.password_hash),
            Err(AccessError::NotLetIn) => Err(wrong_password("is invalid")),
            Err(error) => Err(error),
        }
    }

    /// Changes what an account's invoices print and are taxed by, or nothing of it: the
    /// next of them refers to another version.
    ///
    /// # Errors
    /// When a field is wrong, the account is being deleted, or the database refuses.
    pub async fn change_billing(
        &self,
        account: AccountId,
        asked: &BillingChange<'_>,
        by: ByPerson<'_>,
    ) -> Result<BillingProfile, AccessError> {
        let mut tx = self.store.begin().await?;
        hold_profile(&mut tx, account).await?;
        let before = on!(&mut tx, conn, q => q::current_version(conn, account).await)?;
        let profile = billing::change(&before.content, asked)?;
        if profile != before.content {
            self.keep_profile(&mut tx, account, before, profile.clone(), by)
                .await?;
        }
        tx.commit().await?;
        Ok(profile)
    }

    /// Keeps what a profile says now, and who asked for it.
    async fn keep_profile(
        &self,
        tx: &mut Tx,
        account: AccountId,
        before: AccountVersion,
        profile: BillingProfile,
        by: ByPerson<'_>,
    ) -> Result<(), StoreError> {
        let version = write_version(tx, before, profile).await?;
        let (subject, now) = (format!("profile {}", version.0), self.clock.now());
        on!(&mut *tx, conn, q => {
            q::write_audit(conn, account, by, "profile_changed", now, Some(&subject), None).await
        })
    }

    /// Changes what a customer says of itself. Whether it asks for another address.
    async fn change_profile(
        &self,
        tx: &mut Tx,
        account: AccountId,
        asked: &ProfileChange<'_>,
        by: ByPerson<'_>,
    ) -> Result<bool, AccessError> {
        hold_profile(tx, account).await?;
        let before = on!(&mut *tx, conn, q => q::current_version(conn, account).await)?;
        let settings = on!(&mut *tx, conn, q => q::settings_of(conn, account).await)?;
        let (profile, changed) = change(&before.content, &settings, asked)?;
        // The same address asked for again is mailed another link.
        let asks = asked.email.is_some() && changed.unconfirmed_email.is_some();
        if profile == before.content && changed == settings && !asks {
            return Ok(false);
        }
        if profile.username != before.content.username {
            let name = profile.username.as_str();
            if on!(&mut *tx, conn, q => q::username_taken(conn, name, account).await)? {
                return Err(AccessError::UsernameTaken);
            }
        }
        if asks || changed.unconfirmed_email != settings.unconfirmed_email {
            let pending = (
                settings.unconfirmed_email.as_deref(),
                changed.unconfirmed_email.as_deref(),
            );
            self.ask_email_change(tx, account, &before.content, pending, by)
                .await?;
        }
        on!(&mut *tx, conn, q => q::write_settings(conn, account, &changed).await)?;
        self.keep_profile(tx, account, before, profile, by).await?;
        Ok(asks)
    }
}

/// Holds an account whose profile is to be changed.
///
/// As an import of accounts does: no batch of a month's run that was decided before
/// may refer to the version before, and no two accounts take one name.
pub(super) async fn hold_profile(tx: &mut Tx, account: AccountId) -> Result<(), AccessError> {
    on!(&mut *tx, conn, q => q::raise_generation(conn).await)?;
    on!(&mut *tx, conn, q => q::lock_account(conn, account).await)?;
    if on!(&mut *tx, conn, q => q::is_being_erased(conn, account).await)? {
        return Err(AccessError::Leaving);
    }
    Ok(())
}

/// Writes the version that comes after one, where it says anything else. Which one
/// stands now.
pub(super) async fn write_version(
    tx: &mut Tx,
    before: AccountVersion,
    profile: BillingProfile,
) -> Result<ProfileId, StoreError> {
    if profile == before.content {
        return Ok(before.profile);
    }
    let version = AccountVersion {
        profile: ProfileId(before.profile.0 + 1),
        digest: profile.digest(),
        content: profile,
        ..before
    };
    let number = version.profile;
    on!(&mut *tx, conn, q => q::write_accounts(conn, &[version]).await)?;
    Ok(number)
}
