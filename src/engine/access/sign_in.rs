//! Customers let in by a password, the locks on those who are not, and the links that
//! open them.

use serde_json::json;

use super::AccessError;
use super::password::{hash, is_right};
use crate::domain::access::password::{Failures, Password};
use crate::domain::access::profile::FieldProblem;
use crate::domain::access::totp::Proof;
use crate::domain::access::{AccountEvent, Origin, Touch, may};
use crate::domain::ids::AccountId;
use crate::domain::notice::Topic;
use crate::engine::link::BY_LINK;
use crate::engine::run::Engine;
use crate::on;
use crate::store::rows::{ByPerson, Credential, LinkPurpose, NewNotice};
use crate::store::{StoreError, Tx};

/// What an account is let in for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Asked<'a> {
    /// Its customer is signed in, and says the password once more.
    Password,
    /// To sign in, with what proves the second factor.
    SignIn(Option<&'a Proof>, Origin),
}

impl Asked<'_> {
    const fn from(self) -> Origin {
        match self {
            Self::Password => None,
            Self::SignIn(_, from) => from,
        }
    }
}

/// A new password, typed twice.
#[derive(Debug, Clone, Copy)]
pub struct NewPassword<'a> {
    pub password: &'a str,
    pub confirmation: &'a str,
}

impl NewPassword<'_> {
    /// What is set, or every field that is wrong.
    pub(super) fn check(self) -> Result<Password, Vec<FieldProblem>> {
        let mut problems = Vec::new();
        let password = Password::new(self.password)
            .map_err(|error| problems.push(FieldProblem::new("password", error.to_string())));
        if self.password != self.confirmation {
            let reason = "doesn't match password";
            problems.push(FieldProblem::new("password_confirmation", reason));
        }
        match password {
            Ok(password) if problems.is_empty() => Ok(password),
            _ => Err(problems),
        }
    }
}

impl Engine {
    /// The account that somebody signs in to, by its address or username.
    ///
    /// # Errors
    /// [`AccessError::NotLetIn`] whatever the reason: nobody has that name, several
    /// have, the password or the code is wrong, or the account is locked;
    /// [`AccessError::NeedsCode`] where only a code is missing.
    pub async fn sign_in(
        &self,
        name: &str,
        password: &str,
        proof: Option<&Proof>,
        from: Origin,
    ) -> Result<AccountId, AccessError> {
        let mut tx = self.store.snapshot().await?;
        let account = somebody(&mut tx, name).await?;
        let stored = match account {
            Some(account) => on!(&mut tx, conn, q => q::credential_of(conn, account).await)?,
            None => Credential::NONE,
        };
        tx.rollback().await?;
        let is_right = is_right(Password::typed(password), stored.password_hash.clone()).await?;
        let account = account.ok_or(AccessError::NotLetIn)?;
        if stored.password_hash.is_none() {
            return Err(AccessError::NotLetIn);
        }
        let asked = Asked::SignIn(proof, from);
        self.let_in(account, &stored, is_right, asked).await?;
        Ok(account)
    }

    /// Whether an account is let in, and what comes of it, decided under its lock:
    /// where it is, that is recorded.
    pub(super) async fn let_in(
        &self,
        account: AccountId,
        checked: &Credential,
        is_right: bool,
        asked: Asked<'_>,
    ) -> Result<(), AccessError> {
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        let mut credential = on!(&mut tx, conn, q => q::credential_of(conn, account).await)?;
        let standing = on!(&mut tx, conn, q => q::standing_of(conn, account).await)?;
        // Somebody else may have locked it, or changed what was checked.
        let is_known = is_right
            && credential.password_hash == checked.password_hash
            && !credential.failures.is_locked()
            && may(standing, Touch::Read).is_ok();
        let factor = self.enabled_factor(&mut tx, account).await?;
        let is_let_in = match (&factor, asked) {
            _ if !is_known => false,
            (None, _) | (Some(_), Asked::Password) => true,
            // Nothing is counted, and nothing forgiven: who has the password alone
            // begins no count of wrong codes anew.
            (Some(_), Asked::SignIn(None, _)) => return Err(AccessError::NeedsCode),
            (Some(factor), Asked::SignIn(Some(proof), _)) => {
                self.proves(&mut tx, factor, proof).await?
            }
        };
        if is_let_in {
            if factor.is_none() || matches!(asked, Asked::SignIn(..)) {
                credential.failures = Failures::NONE;
                on!(&mut tx, conn, q => q::write_credential(conn, account, &credential).await)?;
            }
            if let Asked::SignIn(_, from) = asked {
                let event = AccountEvent::LoginSuccess { from };
                on!(&mut tx, conn, q => q::record_event(conn, account, event, now).await)?;
            }
            tx.commit().await?;
            return Ok(());
        }
        if !standing.is_deleted {
            self.count_failure(&mut tx, account, credential, asked.from())
                .await?;
            tx.commit().await?;
        }
        Err(AccessError::NotLetIn)
    }

    /// Counts a password or a code that was wrong; ten in a row lock the account. What
    /// is locked already is not written about: whoever goes on guessing fills no table.
    pub(super) async fn count_failure(
        &self,
        tx: &mut Tx,
        account: AccountId,
        mut credential: Credential,
        from: Origin,
    ) -> Result<(), AccessError> {
        if credential.failures.is_locked() {
            return Ok(());
        }
        let now = self.clock.now();
        credential.failures = credential.failures.again(now);
        on!(&mut *tx, conn, q => q::write_credential(conn, account, &credential).await)?;
        let event = AccountEvent::LoginFailure { from };
        on!(&mut *tx, conn, q => q::record_event(conn, account, event, now).await)?;
        if credential.failures.is_locked() {
            let event = AccountEvent::LoginLock { from };
            on!(&mut *tx, conn, q => q::record_event(conn, account, event, now).await)?;
            self.mail_link(tx, account, LinkPurpose::Unlock, None)
                .await?;
            tracing::warn!(%account, "locked after too many wrong passwords or codes");
        }
        Ok(())
    }

    /// Unlocks an account by the link that it was mailed.
    ///
    /// # Errors
    /// [`AccessError::Link`] when the link does not work; or the database refuses.
    pub async fn unlock(&self, token: &str, from: Origin) -> Result<(), AccessError> {
        let now = self.clock.now();
        let (mut tx, account) = self.use_link(LinkPurpose::Unlock, token).await?;
        forgive(&mut tx, account).await?;
        let event = AccountEvent::LoginUnlockSuccess { from };
        on!(&mut tx, conn, q => q::record_event(conn, account, event, now).await)?;
        on!(&mut tx, conn, q => {
            q::write_audit(conn, account, BY_LINK, "login_unlocked", now, None, None).await
        })?;
        tx.commit().await?;
        Ok(())
    }

    /// Mails whoever has that address a link by which it sets a password. Nobody
    /// learns whether anybody has.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn ask_password_reset(&self, email: &str, from: Origin) -> Result<(), AccessError> {
        let now = self.clock.now();
        let mut tx = self.store.snapshot().await?;
        let accounts = on!(&mut tx, conn, q => q::accounts_of_email(conn, email.trim()).await)?;
        tx.rollback().await?;
        for account in accounts {
            let mut tx = self.store.begin().await?;
            on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
            if on!(&mut tx, conn, q => q::is_being_erased(conn, account).await)? {
                continue;
            }
            let purpose = LinkPurpose::PasswordReset;
            if self.was_mailed(&mut tx, account, purpose).await? {
                continue;
            }
            self.mail_link(&mut tx, account, purpose, None).await?;
            let event = AccountEvent::PasswordResetQuery { from };
            on!(&mut tx, conn, q => q::record_event(conn, account, event, now).await)?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Sets a password by the link that was mailed. It unlocks the account, too: who
    /// reads its mails is its customer.
    ///
    /// # Errors
    /// When the link does not work, the password is none, or the database refuses.
    pub async fn reset_password(
        &self,
        token: &str,
        new: NewPassword<'_>,
        from: Origin,
    ) -> Result<(), AccessError> {
        let now = self.clock.now();
        let password = new.check()?;
        // Nobody has a password hashed by a link that does not work.
        let (tx, _) = self.use_link(LinkPurpose::PasswordReset, token).await?;
        tx.rollback().await?;
        let hashed = hash(password, self.chance.salt()?).await?;
        let (mut tx, account) = self.use_link(LinkPurpose::PasswordReset, token).await?;
        forgive(&mut tx, account).await?;
        self.set_password(&mut tx, account, hashed, BY_LINK).await?;
        let event = AccountEvent::PasswordResetSuccess { from };
        on!(&mut tx, conn, q => q::record_event(conn, account, event, now).await)?;
        tx.commit().await?;
        Ok(())
    }

    /// Sets a password: bearer tokens from before open nothing any more, and its
    /// customer is told.
    pub(super) async fn set_password(
        &self,
        tx: &mut Tx,
        account: AccountId,
        hashed: String,
        by: ByPerson<'_>,
    ) -> Result<(), AccessError> {
        let now = self.clock.now();
        let before = on!(&mut *tx, conn, q => q::credential_of(conn, account).await)?;
        let credential = Credential {
            password_hash: Some(hashed),
            version: before.version.saturating_add(1),
            failures: before.failures,
        };
        on!(&mut *tx, conn, q => q::write_credential(conn, account, &credential).await)?;
        for purpose in [LinkPurpose::Unlock, LinkPurpose::PasswordReset] {
            on!(&mut *tx, conn, q => q::delete_account_link(conn, account, purpose).await)?;
        }
        let notice = NewNotice {
            account,
            key: format!("password_changed:{}", credential.version),
            topic: Topic::PasswordChanged,
            payload: json!({ "at": now.0 }).to_string(),
        };
        on!(&mut *tx, conn, q => q::insert_notices(conn, &[notice], now).await)?;
        on!(&mut *tx, conn, q => {
            q::write_audit(conn, account, by, "password_changed", now, None, None).await
        })?;
        Ok(())
    }
}

/// Begins to count anew what is wrong.
async fn forgive(tx: &mut Tx, account: AccountId) -> Result<(), StoreError> {
    let mut credential = on!(&mut *tx, conn, q => q::credential_of(conn, account).await)?;
    credential.failures = Failures::NONE;
    on!(&mut *tx, conn, q => q::write_credential(conn, account, &credential).await)
}

/// The one account that is meant by an address, or by a username. An import may bring
/// two with the same: then none is.
async fn somebody(tx: &mut Tx, name: &str) -> Result<Option<AccountId>, StoreError> {
    let name = name.trim();
    if name.is_empty() {
        return Ok(None);
    }
    let found = if name.contains('@') {
        on!(&mut *tx, conn, q => q::accounts_of_email(conn, name).await)?
    } else {
        on!(&mut *tx, conn, q => q::accounts_of_username(conn, name).await)?
    };
    match found.as_slice() {
        [account] => Ok(Some(*account)),
        _ => Ok(None),
    }
}
