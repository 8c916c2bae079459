//! Another address for an account: the one that stands stays until a link that was
//! mailed to the other is used, and both are told.

use std::time::Duration;

use serde_json::json;

use super::AccessError;
use super::profile::write_version;
use crate::domain::account::BillingProfile;
use crate::domain::calendar::Instant;
use crate::domain::ids::AccountId;
use crate::domain::notice::Topic;
use crate::engine::link::{BY_LINK, later};
use crate::engine::run::Engine;
use crate::on;
use crate::store::Tx;
use crate::store::rows::{ByPerson, LinkPurpose, NewNotice};

/// No account has another confirmation mailed sooner.
const MAIL_PAUSE: Duration = Duration::from_mins(5);

impl Engine {
    /// Mails a link to the address that an account asks for, and tells the one that
    /// stands; or takes back what was asked for. The caller holds its profile. Strangers
    /// have the other address, perhaps: a customer has one link mailed at a time.
    pub(super) async fn ask_email_change(
        &self,
        tx: &mut Tx,
        account: AccountId,
        profile: &BillingProfile,
        (pending, asked): (Option<&str>, Option<&str>),
        by: ByPerson<'_>,
    ) -> Result<(), AccessError> {
        let now = self.clock.now();
        let purpose = LinkPurpose::EmailChange;
        let Some(email) = asked else {
            on!(&mut *tx, conn, q => q::delete_account_link(conn, account, purpose).await)?;
            let topic = Topic::EmailConfirmation;
            on!(&mut *tx, conn, q => q::forget_links(conn, account, topic, now).await)?;
            return Ok(());
        };
        if !self.mails_addresses() {
            return Err(AccessError::NoMail);
        }
        let topic = Topic::EmailConfirmation;
        let last = on!(&mut *tx, conn, q => q::last_told_at(conn, account, topic).await)?;
        let again = last.map_or(now, |last| later(last, MAIL_PAUSE));
        if now < again {
            if pending == asked {
                // The link that was mailed there works.
                return Ok(());
            }
            let micros = u64::try_from(again.0.saturating_sub(now.0)).unwrap_or(0);
            let seconds = Duration::from_micros(micros).as_secs().saturating_add(1);
            return Err(AccessError::TooSoon { seconds });
        }
        is_free(tx, account, email).await?;
        let about = self.mail_link(tx, account, purpose, Some(email)).await?;
        let topic = Topic::EmailChangeAsked;
        tell(tx, account, topic, (&profile.email, email), (now, &about)).await?;
        on!(&mut *tx, conn, q => {
            q::write_audit(conn, account, by, "email_change_asked", now, None, None).await
        })?;
        Ok(())
    }

    /// Makes the address of an account the one that a link was mailed to. Its next
    /// invoice prints it.
    ///
    /// # Errors
    /// [`AccessError::Link`] when the link does not work, [`AccessError::EmailTaken`]
    /// when the address has become another's; or the database refuses.
    pub async fn confirm_email(&self, token: &str) -> Result<(), AccessError> {
        let now = self.clock.now();
        let purpose = LinkPurpose::EmailChange;
        let (mut tx, account) = self.use_link(purpose, token).await?;
        let before = on!(&mut tx, conn, q => q::current_version(conn, account).await)?;
        let mut settings = on!(&mut tx, conn, q => q::settings_of(conn, account).await)?;
        let email = settings.unconfirmed_email.take().ok_or(AccessError::Link)?;
        is_free(&mut tx, account, &email).await?;
        on!(&mut tx, conn, q => q::write_settings(conn, account, &settings).await)?;
        let old = before.content.email.clone();
        let profile = BillingProfile {
            email: email.clone(),
            ..before.content.clone()
        };
        let version = write_version(&mut tx, before, profile).await?;
        let subject = format!("profile {}", version.0);
        let about = version.0.to_string();
        let topic = Topic::EmailChanged;
        tell(&mut tx, account, topic, (&old, &email), (now, &about)).await?;
        on!(&mut tx, conn, q => {
            q::write_audit(conn, account, BY_LINK, "email_changed", now, Some(&subject), None).await
        })?;
        tx.commit().await?;
        Ok(())
    }
}

/// An address is one account's, however it is capitalized.
async fn is_free(tx: &mut Tx, account: AccountId, email: &str) -> Result<(), AccessError> {
    let found = on!(&mut *tx, conn, q => q::accounts_of_email(conn, email).await)?;
    if found.iter().any(|found| *found != account) {
        return Err(AccessError::EmailTaken);
    }
    Ok(())
}

/// Tells the address that stood before of the other.
async fn tell(
    tx: &mut Tx,
    account: AccountId,
    topic: Topic,
    (to, email): (&str, &str),
    (now, about): (Instant, &str),
) -> Result<(), AccessError> {
    // Who signed up has none before the first is confirmed.
    if to.is_empty() {
        return Ok(());
    }
    let notice = NewNotice {
        account,
        key: format!("{topic}:{about}"),
        topic,
        payload: json!({ "to": to, "email": email, "at": now.0 }).to_string(),
    };
    Ok(on!(&mut *tx, conn, q => q::insert_notices(conn, &[notice], now).await)?)
}
