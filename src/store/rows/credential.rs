//! What a customer signs in with, and the links it is mailed.

use crate::domain::access::password::Failures;
use crate::domain::calendar::Instant;
use crate::domain::ids::AccountId;
use crate::vault::Sealed;

/// What a mailed link is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkPurpose {
    /// Confirms a deletion.
    Deletion,
    /// Lets an account in again that was locked.
    Unlock,
    PasswordReset,
    /// Confirms another address.
    EmailChange,
}

impl LinkPurpose {
    /// The code that the database knows, and that digests are made of; it never
    /// changes.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Deletion => "deletion",
            Self::Unlock => "unlock",
            Self::PasswordReset => "password_reset",
            Self::EmailChange => "email_change",
        }
    }
}

/// A link of an account, that may have run out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredLink {
    pub account: AccountId,
    pub until: Instant,
}

/// What an account is signed in to with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// In the PHC string format; `None` for whoever has no password.
    pub password_hash: Option<String>,
    /// Raised whenever bearer tokens from before are to open nothing any more.
    pub version: i64,
    pub failures: Failures,
}

impl Credential {
    /// Of whoever never set a password.
    pub const NONE: Self = Self {
        password_hash: None,
        version: 0,
        failures: Failures::NONE,
    };
}

/// A second factor of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFactor {
    pub account: AccountId,
    /// What clients know it by.
    pub id: String,
    pub secret: Sealed,
    /// `None` until a code of it was given: none is asked for.
    pub enabled_at: Option<Instant>,
    /// The step of the last code that was taken: none from before is taken any more.
    pub last_step: Option<i64>,
}
