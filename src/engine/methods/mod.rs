//! Cards and mandates on file.
//!
//! - [`card`]: a card entered at its provider
//! - [`expiry`]: cards that will soon not be good any more
//! - [`mandate`]: a mandate signed, and another account under it
//! - [`rotate`]: everything sealed, under the newest key

mod card;
mod expiry;
mod mandate;
mod rotate;

use chrono::NaiveDate;

use crate::domain::calendar::Instant;
use crate::domain::ids::{AccountId, PaymentMethodId};
use crate::domain::money::Currency;
use crate::domain::payment::{AttemptEvent, AttemptState, Contradiction, PaymentMethod};
use crate::domain::sepa::bic::BicError;
use crate::domain::sepa::text::TextError;
use crate::engine::run::Engine;
use crate::engine::sepa::NoSepa;
use crate::on;
use crate::store::rows::{ByPerson, FileState, StoredMethod};
use crate::store::{StoreError, Tx};
use crate::vault::VaultError;

pub use card::{CardAdded, CardError, CardSetup};
pub use expiry::ExpiryTally;
pub use mandate::{MandateOffer, MandateRequest, NewMethod, Signature};
pub use rotate::{RotateError, Rotated};

pub(crate) use mandate::seal_context;

/// Why a mandate is not added, or a method on file not changed. Nothing is written
/// then.
#[derive(Debug, thiserror::Error)]
pub enum MethodError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    Attempt(#[from] Contradiction),
    #[error(transparent)]
    NoSepa(#[from] NoSepa),
    #[error("there is no card or mandate {0}")]
    Unknown(PaymentMethodId),
    #[error("{0} is a {1}, not a mandate")]
    NotAMandate(PaymentMethodId, PaymentMethod),
    #[error("it was removed")]
    Removed,
    #[error("the account is being deleted: nothing is put on file any more")]
    Leaving,
    #[error("it has this account already")]
    SameAccount,
    #[error("the account is billed in {0}, and direct debits are in euros")]
    NotInEuros(Currency),
    #[error("the debtor's name {0}")]
    Name(TextError),
    #[error("the BIC {0}")]
    Bic(#[from] BicError),
    #[error("the mandate's reference {0:?} {1}")]
    Reference(String, TextError),
    #[error(
        "the text that was signed names the reference {signed:?}, and the next mandate is {next:?}: \
         show the text again"
    )]
    OtherReference { signed: String, next: String },
    #[error("it was signed at {signed_at}, and it is {now} now: is the clock right?")]
    SignedInFuture { signed_at: Instant, now: Instant },
    #[error("it was signed on {0} and has lapsed since: 36 months without a collection")]
    Lapsed(NaiveDate),
    #[error("the date is out of range")]
    Date,
}

/// What removing a card or mandate did beside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Removed {
    /// Attempts that were withdrawn: nothing was sent for them yet.
    pub withdrawn: usize,
}

/// A card or mandate, and whether it is the one of its kind that is charged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnMethod {
    pub stored: StoredMethod,
    pub is_used: bool,
}

impl Engine {
    /// The cards and mandates of an account, removed ones among them, in the
    /// order they came.
    ///
    /// # Errors
    /// When the database refuses, or holds what no version writes.
    pub async fn methods(&self, account: AccountId) -> Result<Vec<OwnMethod>, MethodError> {
        let today = self.clock.today(self.config.zone());
        let mut tx = self.store.snapshot().await?;
        let stored = on!(&mut tx, conn, q => q::stored_methods(conn, (account, account)).await)?;
        let used = on!(&mut tx, conn, q => q::methods_on_file(conn, &[account], today).await)?;
        tx.rollback().await?;
        let own = stored.into_iter().map(|stored| OwnMethod {
            is_used: used.iter().any(|used| used.id == stored.id),
            stored,
        });
        Ok(own.collect())
    }

    /// Takes a card or mandate out of use for good. Its record stays, and
    /// attempts by it that nothing was sent for are withdrawn.
    ///
    /// # Errors
    /// When there is no such method, or it was removed before.
    pub async fn remove_method(
        &self,
        account: AccountId,
        id: PaymentMethodId,
        by: ByPerson<'_>,
    ) -> Result<Removed, MethodError> {
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        let (method, subject) = held(&mut tx, account, id).await?;
        let removed = FileState::Removed;
        on!(&mut tx, conn, q => q::set_method_state(conn, account, id, &removed, now).await)?;
        let unsent = on!(&mut tx, conn, q => q::unsent_attempts(conn, account, id).await)?;
        let mut withdrawn = 0;
        // A card's attempt may have been sent by a process that died before it
        // could say so: only the provider knows.
        if method == PaymentMethod::Sepa {
            let before = AttemptState::Created;
            let after = before.clone().apply(&AttemptEvent::Withdrawn)?;
            for attempt in &unsent {
                on!(&mut tx, conn, q => {
                    q::decide_attempt(conn, account, *attempt, (&before, &after), None, now).await
                })?;
            }
            withdrawn = unsent.len();
        }
        audit(&mut tx, account, by, "method_removed", now, &subject).await?;
        tx.commit().await?;
        Ok(Removed { withdrawn })
    }

    /// Prefers a card or mandate over every other of its kind.
    ///
    /// # Errors
    /// When there is no such method, or it was removed.
    pub async fn prefer_method(
        &self,
        account: AccountId,
        id: PaymentMethodId,
        by: ByPerson<'_>,
    ) -> Result<(), MethodError> {
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        let (_, subject) = held(&mut tx, account, id).await?;
        on!(&mut tx, conn, q => q::prefer_method(conn, account, id, now).await)?;
        audit(&mut tx, account, by, "method_preferred", now, &subject).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Takes the account's lock and finds a method that was not removed: what it is,
/// and what the audit calls it.
async fn held(
    tx: &mut Tx,
    account: AccountId,
    id: PaymentMethodId,
) -> Result<(PaymentMethod, String), MethodError> {
    on!(&mut *tx, conn, q => q::lock_account(conn, account).await)?;
    let methods = on!(&mut *tx, conn, q => q::stored_methods(conn, (account, account)).await)?;
    let stored = methods
        .into_iter()
        .find(|stored| stored.id == id)
        .ok_or(MethodError::Unknown(id))?;
    if stored.state == FileState::Removed {
        return Err(MethodError::Removed);
    }
    Ok((stored.method(), subject(id)))
}

/// What the audit calls a method of an account.
fn subject(id: PaymentMethodId) -> String {
    format!("method {id}")
}

async fn audit(
    tx: &mut Tx,
    account: AccountId,
    by: ByPerson<'_>,
    action: &str,
    now: Instant,
    subject: &str,
) -> Result<(), StoreError> {
    on!(&mut *tx, conn, q => {
        q::write_audit(conn, account, by, action, now, Some(subject), None).await
    })
}
