//! Accountants: whom a customer invites to look at its invoices, by a link of their
//! own that works until it is taken back. What is kept of it is a digest.

use std::time::Duration;

use serde_json::json;

use super::{AccessError, OF_EACH_MAX};
use crate::domain::access::profile::email;
use crate::domain::account::BillingProfile;
use crate::domain::ids::AccountId;
use crate::domain::invoice::fingerprint::Digest;
use crate::domain::notice::Topic;
use crate::engine::link::later;
use crate::engine::run::Engine;
use crate::on;
use crate::store::rows::{ByPerson, NewNotice, StoredAccountant};

/// Who looks is noted at most so often.
const TOUCH_PAUSE: Duration = Duration::from_mins(1);

/// What is kept of a link.
fn digest_of(token: &str) -> Digest {
    Digest::of_fields(["accountant", token])
}

impl Engine {
    /// Whom an account invited, the oldest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn accountants(
        &self,
        account: AccountId,
    ) -> Result<Vec<StoredAccountant>, AccessError> {
        let mut tx = self.store.snapshot().await?;
        let accountants = on!(&mut tx, conn, q => q::accountants_of(conn, account).await)?;
        tx.rollback().await?;
        Ok(accountants)
    }

    /// Mails somebody a link to the invoices of an account.
    ///
    /// # Errors
    /// When the address is none or invited already, there are too many, no such link
    /// can be mailed, the account is on its way out, or the database refuses.
    pub async fn invite_accountant(
        &self,
        account: AccountId,
        address: &str,
        by: ByPerson<'_>,
    ) -> Result<StoredAccountant, AccessError> {
        let now = self.clock.now();
        let address = email(address).map_err(|problem| AccessError::Fields(vec![problem]))?;
        let mail = self.config.mail.as_ref();
        if mail.is_none_or(|mail| mail.accountant_url.is_none()) {
            return Err(AccessError::NoInvitation);
        }
        let (id, token) = (self.chance.uuid()?, self.chance.token()?);
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        if on!(&mut tx, conn, q => q::is_being_erased(conn, account).await)? {
            return Err(AccessError::Leaving);
        }
        let known = on!(&mut tx, conn, q => q::accountants_of(conn, account).await)?;
        let is_same = |known: &StoredAccountant| known.email.eq_ignore_ascii_case(address);
        if known.iter().any(is_same) {
            return Err(AccessError::EmailTaken);
        }
        if known.len() >= OF_EACH_MAX {
            return Err(AccessError::TooMany);
        }
        let accountant = StoredAccountant {
            id,
            email: address.to_owned(),
            invited_at: now,
            seen_at: None,
        };
        let digest = digest_of(&token);
        on!(&mut tx, conn, q => {
            q::insert_accountant(conn, account, &accountant, digest).await
        })?;
        let notice = NewNotice {
            account,
            key: format!("accountant_invited:{}", accountant.id),
            topic: Topic::AccountantInvited,
            payload: json!({ "id": accountant.id, "token": token, "to": address }).to_string(),
        };
        on!(&mut tx, conn, q => q::insert_notices(conn, &[notice], now).await)?;
        // Not whom: an audit entry outlives the address.
        let subject = format!("accountant {}", accountant.id);
        on!(&mut tx, conn, q => {
            q::write_audit(conn, account, by, "accountant_invited", now, Some(&subject), None).await
        })?;
        tx.commit().await?;
        Ok(accountant)
    }

    /// Takes an invitation back: its link works no more.
    ///
    /// # Errors
    /// When there is none of this id, or the database refuses.
    pub async fn remove_accountant(
        &self,
        account: AccountId,
        id: &str,
        by: ByPerson<'_>,
    ) -> Result<(), AccessError> {
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        let removed = on!(&mut tx, conn, q => q::delete_accountant(conn, account, id).await)?;
        removed.ok_or(AccessError::Unknown)?;
        let subject = format!("accountant {id}");
        on!(&mut tx, conn, q => {
            q::write_audit(conn, account, by, "accountant_removed", now, Some(&subject), None).await
        })?;
        tx.commit().await?;
        Ok(())
    }

    /// Whose invoices a link shows.
    ///
    /// # Errors
    /// [`AccessError::Link`] when it does not work, or works no more; or the database
    /// refuses.
    pub async fn customer_of_accountant(
        &self,
        token: &str,
    ) -> Result<(AccountId, BillingProfile), AccessError> {
        let now = self.clock.now();
        let digest = digest_of(token);
        let mut tx = self.store.snapshot().await?;
        let found = on!(&mut tx, conn, q => q::accountant_of_link(conn, digest).await)?;
        let (account, accountant) = found.ok_or(AccessError::Link)?;
        let standing = on!(&mut tx, conn, q => q::standing_of(conn, account).await)?;
        if standing.is_deleted {
            return Err(AccessError::Link);
        }
        let (profile, _) = on!(&mut tx, conn, q => q::current_profile(conn, account).await)?;
        tx.rollback().await?;
        let again = accountant
            .seen_at
            .map(|seen_at| later(seen_at, TOUCH_PAUSE));
        if again.is_none_or(|again| again <= now) {
            let mut tx = self.store.begin().await?;
            on!(&mut tx, conn, q => {
                q::touch_accountant(conn, account, &accountant.id, now).await
            })?;
            tx.commit().await?;
        }
        Ok((account, profile))
    }
}
