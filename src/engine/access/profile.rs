//! What customers change of what they say of themselves.

use super::{AccessError, User};
use crate::domain::access::profile::{ProfileChange, change};
use crate::domain::account::BillingProfile;
use crate::domain::ids::{AccountId, ProfileId};
use crate::engine::run::Engine;
use crate::on;
use crate::store::rows::{AccountVersion, ByPerson};
use crate::store::{StoreError, Tx};

impl Engine {
    /// Changes what an account says of itself. What its invoices print becomes
    /// another version, which the next of them refers to.
    ///
    /// # Errors
    /// When a field is wrong, its username is another's, or the database refuses.
    pub async fn change_profile(
        &self,
        account: AccountId,
        asked: &ProfileChange<'_>,
        by: ByPerson<'_>,
    ) -> Result<User, AccessError> {
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        hold_profile(&mut tx, account).await?;
        let before = on!(&mut tx, conn, q => q::current_version(conn, account).await)?;
        let settings = on!(&mut tx, conn, q => q::settings_of(conn, account).await)?;
        let (profile, changed) = change(&before.content, &settings, asked)?;
        if profile == before.content && changed == settings {
            tx.rollback().await?;
            return self.user(account).await;
        }
        if profile.username != before.content.username {
            let name = profile.username.as_str();
            if on!(&mut tx, conn, q => q::username_taken(conn, name, account).await)? {
                return Err(AccessError::UsernameTaken);
            }
        }
        on!(&mut tx, conn, q => q::write_settings(conn, account, &changed).await)?;
        let version = write_version(&mut tx, before, profile).await?;
        let subject = format!("profile {}", version.0);
        on!(&mut tx, conn, q => {
            q::write_audit(conn, account, by, "profile_changed", now, Some(&subject), None).await
        })?;
        tx.commit().await?;
        self.user(account).await
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
