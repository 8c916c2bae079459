//! Accounts that customers make for themselves, and free trials that they end.

use std::time::Duration;

use serde_json::json;

use super::password::hash;
use super::profile::hold_profile;
use super::{AccessError, User};
use crate::domain::access::password::Failures;
use crate::domain::access::sign_up::{SignUp, sign_up};
use crate::domain::calendar::{BillingPeriod, PeriodKey};
use crate::domain::ids::{AccountId, ProfileId};
use crate::domain::invoice::FreeTrial;
use crate::domain::notice::Topic;
use crate::engine::link::later;
use crate::engine::run::Engine;
use crate::on;
use crate::store::Tx;
use crate::store::rows::{AccountVersion, ByPerson, Credential, LinkPurpose, NewNotice};

/// Whoever makes an account.
const BY_SIGN_UP: ByPerson<'_> = ByPerson {
    actor: "customer",
    reason: "signed up",
};

/// Nobody is told sooner again that somebody signed up with its address.
const MAIL_PAUSE: Duration = Duration::from_mins(5);

impl Engine {
    /// Makes an account of what somebody says, as an import of accounts makes one. Its
    /// address waits until the link that is mailed there is used; whose address it is
    /// already is told so, and nobody else.
    ///
    /// # Errors
    /// Every field that is wrong; [`AccessError::UsernameTaken`],
    /// [`AccessError::NoMail`]; or the database refuses.
    pub async fn sign_up(&self, asked: &SignUp<'_>) -> Result<User, AccessError> {
        let now = self.clock.now();
        let id = format!("us-{}", self.chance.uuid()?);
        let made = sign_up(&id, asked)?;
        if !self.mails_addresses() {
            return Err(AccessError::NoMail);
        }
        let name = made.profile.username.clone();
        // Nobody has a password hashed for a name that is taken.
        let mut tx = self.store.snapshot().await?;
        self.is_name_free(&mut tx, &name).await?;
        tx.rollback().await?;
        let hashed = hash(made.password, self.chance.salt()?).await?;

        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::raise_generation(conn).await)?;
        // No two accounts take one name: whoever makes one waits here for the other.
        self.is_name_free(&mut tx, &name).await?;
        let account =
            AccountId(on!(&mut tx, conn, q => q::next_id(conn, q::KeyedTable::Account).await)?);
        let version = AccountVersion {
            id: account,
            profile: ProfileId(1),
            currency: made.currency,
            created_at: now,
            digest: made.profile.digest(),
            content: made.profile.clone(),
        };
        on!(&mut tx, conn, q => q::write_accounts(conn, &[version]).await)?;
        on!(&mut tx, conn, q => q::write_settings(conn, account, &made.settings).await)?;
        let credential = Credential {
            password_hash: Some(hashed),
            version: 0,
            failures: Failures::NONE,
        };
        on!(&mut tx, conn, q => q::write_credential(conn, account, &credential).await)?;
        on!(&mut tx, conn, q => {
            q::write_audit(conn, account, BY_SIGN_UP, "signed_up", now, None, None).await
        })?;
        if let Some(email) = made.settings.unconfirmed_email.as_deref() {
            self.greet(&mut tx, account, email).await?;
        }
        tx.commit().await?;
        self.user(account).await
    }

    /// Mails the link that confirms an address; or tells whose address it is already.
    async fn greet(&self, tx: &mut Tx, account: AccountId, email: &str) -> Result<(), AccessError> {
        let now = self.clock.now();
        let owners = on!(&mut *tx, conn, q => q::accounts_of_email(conn, email).await)?;
        if owners.is_empty() {
            let since = later(now, super::mailed::LINK.saturating_sub(MAIL_PAUSE));
            // A stranger's, perhaps, whom somebody signs up with again and again.
            let asked = on!(&mut *tx, conn, q => {
                q::links_to_address(conn, email, LinkPurpose::EmailChange, since).await
            })?;
            if asked == 0 {
                let purpose = LinkPurpose::EmailChange;
                self.mail_link(tx, account, purpose, Some(email)).await?;
            }
            return Ok(());
        }
        let topic = Topic::EmailInUse;
        for owner in owners {
            let last = on!(&mut *tx, conn, q => q::last_told_at(conn, owner, topic).await)?;
            if last.is_some_and(|last| now < later(last, MAIL_PAUSE)) {
                continue;
            }
            let notice = NewNotice {
                account: owner,
                key: format!("{topic}:{account}"),
                topic,
                payload: json!({ "at": now.0 }).to_string(),
            };
            on!(&mut *tx, conn, q => q::insert_notices(conn, &[notice], now).await)?;
        }
        Ok(())
    }

    async fn is_name_free(&self, tx: &mut Tx, name: &str) -> Result<(), AccessError> {
        let taken = on!(&mut *tx, conn, q => q::accounts_of_username(conn, name).await)?;
        if taken.is_empty() {
            return Ok(());
        }
        Err(AccessError::UsernameTaken)
    }

    /// Ends the free trial of an account now: what is used afterwards is billed.
    ///
    /// # Errors
    /// [`AccessError::NoTrial`] when none is running; [`AccessError::Billed`] when this
    /// month's invoice is made already; or the database refuses.
    pub async fn stop_free_trial(
        &self,
        account: AccountId,
        by: ByPerson<'_>,
    ) -> Result<User, AccessError> {
        let now = self.clock.now();
        let zone = self.config.zone();
        let month = PeriodKey::of(self.clock.today(zone))
            .and_then(|key| BillingPeriod::new(key, zone))
            .map_err(|_| AccessError::Date)?;
        let mut tx = self.store.begin().await?;
        // As an import does: no batch of a month's run decided before is written after.
        hold_profile(&mut tx, account).await?;
        let (_, created_at) = on!(&mut tx, conn, q => q::current_profile(conn, account).await)?;
        let ended_at = on!(&mut tx, conn, q => q::trial_ended_at(conn, account).await)?;
        let days = self.config.policy.free_trial_days;
        let trial = FreeTrial::of(created_at, days).ended(ended_at);
        if now < trial.start || now >= trial.end {
            return Err(AccessError::NoTrial);
        }
        // An invoice that was made prints until when the trial was: of a month that
        // ended, that is not touched, and of this one there is none.
        let outcomes = on!(&mut tx, conn, q => q::outcomes_of_account(conn, account).await)?;
        if outcomes
            .iter()
            .any(|(key, held_back)| *key >= month.key && held_back.is_none())
        {
            return Err(AccessError::Billed);
        }
        on!(&mut tx, conn, q => q::end_trial(conn, account, now).await)?;
        on!(&mut tx, conn, q => {
            q::write_audit(conn, account, by, "free_trial_stopped", now, None, None).await
        })?;
        tx.commit().await?;
        self.user(account).await
    }
}
