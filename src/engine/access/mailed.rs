//! Links that an account is mailed, and that work once and for a day.

use std::time::Duration;

use super::AccessError;
use super::profile::hold_profile;
use crate::domain::account::Language;
use crate::domain::ids::AccountId;
use crate::domain::notice::Topic;
use crate::engine::link::{digest_of, later};
use crate::engine::run::Engine;
use crate::on;
use crate::store::Tx;
use crate::store::rows::LinkPurpose;

/// How long a link that was mailed works.
pub(super) const LINK: Duration = Duration::from_hours(24);
/// Nobody is mailed the same again sooner.
const MAIL_PAUSE: Duration = Duration::from_mins(1);

impl Engine {
    /// Whether links that confirm addresses can be mailed.
    pub(super) fn mails_addresses(&self) -> bool {
        let mail = self.config.mail.as_ref();
        mail.is_some_and(|mail| mail.email_url.is_some())
    }

    /// Whether an account was mailed a link for the same a moment ago.
    pub(super) async fn was_mailed(
        &self,
        tx: &mut Tx,
        account: AccountId,
        purpose: LinkPurpose,
    ) -> Result<bool, AccessError> {
        let last = on!(&mut *tx, conn, q => q::account_link_until(conn, account, purpose).await)?;
        let soon = later(self.clock.now(), LINK.saturating_sub(MAIL_PAUSE));
        Ok(last.is_some_and(|until| until > soon))
    }

    /// The account that a link lets in now, held, with the link used up. Nothing is
    /// until the transaction is committed.
    pub(super) async fn use_link(
        &self,
        purpose: LinkPurpose,
        token: &str,
    ) -> Result<(Tx, AccountId), AccessError> {
        let now = self.clock.now();
        let digest = digest_of(purpose, token);
        let mut tx = self.store.begin().await?;
        let found = on!(&mut tx, conn, q => q::account_link(conn, purpose, digest).await)?;
        let account = found.ok_or(AccessError::Link)?.account;
        match purpose {
            LinkPurpose::EmailChange => hold_profile(&mut tx, account).await?,
            LinkPurpose::Unlock | LinkPurpose::PasswordReset | LinkPurpose::Deletion => {
                on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
            }
        }
        // Somebody else may have used it meanwhile.
        let found = on!(&mut tx, conn, q => q::account_link(conn, purpose, digest).await)?;
        found
            .filter(|found| found.account == account && now < found.until)
            .ok_or(AccessError::Link)?;
        on!(&mut tx, conn, q => q::delete_account_link(conn, account, purpose).await)?;
        Ok((tx, account))
    }

    /// Whether a link works now, and its customer's language. Looking uses nothing up.
    ///
    /// # Errors
    /// [`AccessError::Link`] when it does not; or the database refuses.
    pub async fn link_language(
        &self,
        purpose: LinkPurpose,
        token: &str,
    ) -> Result<Language, AccessError> {
        let (mut tx, account) = self.use_link(purpose, token).await?;
        let language = on!(&mut tx, conn, q => q::account_language(conn, account).await)?;
        tx.rollback().await?;
        Ok(language)
    }

    /// Mails a link in place of the one before: to the account's address, or to one
    /// that is to be. The key of the mail, which no other has.
    pub(super) async fn mail_link(
        &self,
        tx: &mut Tx,
        account: AccountId,
        purpose: LinkPurpose,
        to: Option<&str>,
    ) -> Result<String, AccessError> {
        let now = self.clock.now();
        let mail = self.config.mail.as_ref();
        let (topic, address) = match purpose {
            LinkPurpose::Unlock => (
                Topic::LoginLocked,
                mail.and_then(|mail| mail.unlock_url.as_ref()),
            ),
            LinkPurpose::PasswordReset => (
                Topic::PasswordReset,
                mail.and_then(|mail| mail.password_url.as_ref()),
            ),
            LinkPurpose::EmailChange => (
                Topic::EmailConfirmation,
                mail.and_then(|mail| mail.email_url.as_ref()),
            ),
            LinkPurpose::Deletion => (
                Topic::DeletionConfirmation,
                mail.map(|mail| &mail.deletion_url),
            ),
        };
        if address.is_none() {
            tracing::warn!(%account, %topic, "[mail] does not say where the link leads: it is not mailed");
            return Ok(String::new());
        }
        let drawn = self.draw_link(purpose, LINK)?;
        let link = drawn.link;
        on!(&mut *tx, conn, q => {
            q::replace_account_link(conn, account, purpose, link).await
        })?;
        on!(&mut *tx, conn, q => q::forget_links(conn, account, topic, now).await)?;
        let notice = match to {
            Some(to) => drawn.notice_to(to, account, topic, purpose.code()),
            None => drawn.notice(account, topic, purpose.code()),
        };
        let notice_key = notice.key.clone();
        on!(&mut *tx, conn, q => q::insert_notices(conn, &[notice], now).await)?;
        Ok(notice_key)
    }
}
