//! Who is let in by the account API.
//!
//! - [`bearer`]: tokens of an hour, signed
//! - [`sign_up`]: accounts that customers make, and trials that they end
//! - [`tfa`]: second factors
//! - [`token`]: API tokens, and what they are exchanged for
//! - [`key`]: SSH keys
//! - [`link`]: links to downloads, signed
//! - [`event`]: what happened to an account
//! - [`password`]: passwords checked and kept
//! - [`email`]: another address
//! - [`mailed`]: links that are mailed
//! - [`sign_in`]: who is let in by one, and who is locked out
//! - [`profile`]: what customers change of what they say of themselves
//! - [`operator`]: the house's own keys
//! - [`user`]: who an account is

mod accountant;
pub mod bearer;
mod email;
pub(in crate::engine) mod event;
mod key;
pub mod link;
mod mailed;
mod operator;
mod password;
mod profile;
mod sign_in;
mod sign_up;
pub(in crate::engine) mod tfa;
mod token;
mod user;

use crate::domain::access::profile::FieldProblem;
use crate::domain::access::{NameError, Scope, SshKeyError};
use crate::store::StoreError;
use crate::vault::{Vault, VaultError};

pub use operator::OperatorRequest;
pub use password::HashError;
pub use profile::AccountChange;
pub use sign_in::NewPassword;
pub use token::{Issued, SECRET_PREFIX, TokenRequest};
pub use user::User;

use bearer::BearerKeys;
use link::LinkKeys;

/// Nobody has a use for more, and a list of them is read at once.
const OF_EACH_MAX: usize = 100;

/// What the account API signs with: keys derived from the vault's, so that they
/// change with them.
#[derive(Clone)]
pub struct AccessKeys {
    pub bearer: BearerKeys,
    pub downloads: LinkKeys,
}

impl AccessKeys {
    /// # Errors
    /// When the settings have no vault, or its keys are not there.
    pub fn open(config: &crate::config::Config) -> Result<Self, VaultError> {
        let vault = Vault::open(config.vault.as_ref())?;
        Ok(Self {
            bearer: BearerKeys::new(vault.signers("account API bearer token")),
            downloads: LinkKeys::new(vault.signers("account API download link")),
        })
    }
}

/// Something about access is refused.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the machine gives no randomness: {0}")]
    Chance(#[from] getrandom::Error),
    /// Whoever asks learns nothing from it but that it is not let in.
    #[error("the token is unknown, was deleted, or has expired")]
    NotLetIn,
    /// The password is right, and a code is asked for beside it.
    #[error("a code of the second factor is needed")]
    NeedsCode,
    #[error("the code is wrong, was used, or too many were wrong")]
    Attempt,
    #[error("two-factor authentication is on already")]
    HasFactor,
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error("there is none of this id")]
    Unknown,
    #[error("name {0}")]
    Name(#[from] NameError),
    #[error("name has already been taken")]
    NameTaken,
    #[error("content {0}")]
    Content(#[from] SshKeyError),
    #[error("content has already been taken")]
    KeyTaken,
    #[error("{}", one_after_the_other(.0))]
    Fields(Vec<FieldProblem>),
    /// Whoever has a link learns nothing from it but that it does not work.
    #[error("the link does not work: it was used, replaced, or has run out")]
    Link,
    #[error(transparent)]
    Hash(#[from] HashError),
    #[error("email has already been taken")]
    EmailTaken,
    #[error("no link that confirms another address can be mailed: [mail] has no email_url")]
    NoMail,
    #[error("nobody can be invited: [mail] has no accountant_url")]
    NoInvitation,
    #[error("another link was mailed a moment ago")]
    TooSoon { seconds: u64 },
    #[error("no free trial is running")]
    NoTrial,
    #[error("this month is billed already")]
    Billed,
    #[error("the date is out of range")]
    Date,
    #[error("username has already been taken")]
    UsernameTaken,
    #[error("the account is being deleted")]
    Leaving,
    #[error("a token cannot make one that may more than itself")]
    Scope,
    #[error("expires_at is in the past")]
    Expiry,
    #[error("there are 100 already: delete one before")]
    TooMany,
    #[error("what is signed with cannot be written: {0}")]
    Claims(#[from] serde_json::Error),
    #[error("there is no key to sign with")]
    NoKey,
    #[error("the token is not good for this: it lacks {0}")]
    Lacks(Scope),
}

impl From<Vec<FieldProblem>> for AccessError {
    fn from(problems: Vec<FieldProblem>) -> Self {
        Self::Fields(problems)
    }
}

fn one_after_the_other(problems: &[FieldProblem]) -> String {
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    problems.join(", ")
}
