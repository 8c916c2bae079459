//! Who may do what by the account API, and by those of the house.
//!
//! - [`billing`]: what customers change of what their invoices print
//! - [`event`]: what happened to an account
//! - [`name`]: what customers call their tokens and keys
//! - [`password`]: passwords, and how often one may be wrong
//! - [`profile`]: what customers say of themselves
//! - [`role`]: what a key of the house is good for
//! - [`scope`]: what a token is good for
//! - [`sign_up`]: what becomes of an account that is asked for
//! - [`ssh_key`]: a key that code is pushed with
//! - [`standing`]: what an account may still do that is suspended or leaves
//! - [`totp`]: second factors

pub mod billing;
pub mod event;
pub mod name;
pub mod password;
pub mod profile;
pub mod role;
pub mod scope;
pub mod sign_up;
pub mod ssh_key;
pub mod standing;
pub mod totp;

pub use event::{AccountEvent, ChargeStatus, Origin};
pub use name::{NameError, name};
pub use role::{Role, RoleError};
pub use scope::{Scope, ScopeError, Scopes};
pub use ssh_key::{SshKey, SshKeyError};
pub use standing::{Barred, Standing, Touch, may};
