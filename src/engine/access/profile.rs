//! What customers change of what they say of themselves.

use super::password::{hash, is_right};
use super::{AccessError, NewPassword, User};
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
    pub password: Option<PasswordChange<'a>>,
}

/// A new password, and the one before.
#[derive(Debug, Clone, Copy)]
pub struct PasswordChange<'a> {
    pub current: &'a str,
    pub new: NewPassword<'a>,
}

/// A password to be set.
struct Changed {
    /// The hash that the one before was checked by.
    checked: Option<String>,
    hashed: String,
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
        let password = match asked.password {
            Some(change) => Some(self.check_change(account, change).await?),
            None => None,
        };
        let mut tx = self.store.begin().await?;
        self.change_profile(&mut tx, account, &asked.profile, by)
            .await?;
        if let Some(Changed { checked, hashed }) = password {
            let now = on!(&mut tx, conn, q => q::credential_of(conn, account).await)?;
            if now.password_hash != checked {
                return Err(wrong_password("is invalid"));
            }
            self.set_password(&mut tx, account, hashed, by).await?;
        }
        tx.commit().await?;
        self.user(account).await
    }

    /// The hash of a new password, once the one before was right. A wrong one counts
    /// as if somebody had tried to sign in with it.
    async fn check_change(
        &self,
        account: AccountId,
        change: PasswordChange<'_>,
    ) -> Result<Changed, AccessError> {
        let new = change.new.check()?;
        let mut tx = self.store.snapshot().await?;
        let stored = on!(&mut tx, conn, q => q::credential_of(conn, account).await)?;
        tx.rollback().await?;
        if stored.password_hash.is_none() {
            let reason = "is not there yet: ask for a new password as if it were forgotten";
            return Err(wrong_password(reason));
        }
        let current = Password::typed(change.current);
        let is_right = is_right(current, stored.password_hash.clone()).await?;
        match self.let_in(account, &stored, is_right, None).await {
            Ok(()) => {}
            Err(AccessError::NotLetIn) => return Err(wrong_password("is invalid")),
            Err(error) => return Err(error),
        }
        Ok(Changed {
            hashed: hash(new, self.chance.salt()?).await?,
            checked: stored.password_hash,
        })
    }

    async fn change_profile(
        &self,
        tx: &mut Tx,
        account: AccountId,
        asked: &ProfileChange<'_>,
        by: ByPerson<'_>,
    ) -> Result<(), AccessError> {
        let now = self.clock.now();
        hold_profile(tx, account).await?;
        let before = on!(&mut *tx, conn, q => q::current_version(conn, account).await)?;
        let settings = on!(&mut *tx, conn, q => q::settings_of(conn, account).await)?;
        let (profile, changed) = change(&before.content, &settings, asked)?;
        // The same address asked for again is mailed another link.
        let is_mailed = asked.email.is_some()
            && (changed.unconfirmed_email.is_some() || settings.unconfirmed_email.is_some());
        if profile == before.content && changed == settings && !is_mailed {
            return Ok(());
        }
        if profile.username != before.content.username {
            let name = profile.username.as_str();
            if on!(&mut *tx, conn, q => q::username_taken(conn, name, account).await)? {
                return Err(AccessError::UsernameTaken);
            }
        }
        if is_mailed {
            self.ask_email_change(tx, account, &before.content, &changed, by)
                .await?;
        }
        on!(&mut *tx, conn, q => q::write_settings(conn, account, &changed).await)?;
        let version = write_version(tx, before, profile).await?;
        let subject = format!("profile {}", version.0);
        on!(&mut *tx, conn, q => {
            q::write_audit(conn, account, by, "profile_changed", now, Some(&subject), None).await
        })?;
        Ok(())
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
