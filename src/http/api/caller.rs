//! Who asks: whose bearer token it is, how often it asks, what the token is good for
//! and how its account stands. A handler that takes no [`Caller`] is open to anybody.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::Api;
use super::refusal::refused;
use crate::domain::access::totp::Proof;
use crate::domain::access::{Origin, Scope, Scopes, Touch, may};
use crate::domain::ids::AccountId;
use crate::engine::access::AccessError;
use crate::http::answer::Refused;
use crate::http::credentials;
use crate::store::rows::{ByPerson, TokenHolder};

/// Who asks, let in but not allowed anything yet.
pub struct Caller {
    holder: TokenHolder,
    reason: String,
}

impl FromRequestParts<Arc<Api>> for Caller {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Refused> {
        let bearer = credentials::of(&parts.headers, "bearer")
            .ok_or(Refused::Unauthorized("Authentication required"))?;
        let holder = api.engine.holder_of_bearer(&api.keys, bearer).await;
        let holder = holder.map_err(|error| refused("User", error))?;
        api.limits.account(holder.account)?;
        Ok(Self {
            reason: format!("by API token {}", holder.token.id),
            holder,
        })
    }
}

impl Caller {
    /// Lets it through to something.
    ///
    /// # Errors
    /// When its token is not good for that, or its account may not as it stands.
    pub fn allow(self, scope: Scope, touch: Touch) -> Result<Allowed, Refused> {
        if !self.holder.token.scopes.allow(scope) {
            return Err(refused("Token", AccessError::Lacks(scope)));
        }
        may(self.holder.standing, touch).map_err(Refused::Barred)?;
        Ok(Allowed(self))
    }
}

/// Who asks, and may.
pub struct Allowed(Caller);

impl Allowed {
    pub const fn account(&self) -> AccountId {
        self.0.holder.account
    }

    /// The platform's id of the account.
    pub fn external_id(&self) -> &str {
        &self.0.holder.external_id
    }

    pub const fn scopes(&self) -> &Scopes {
        &self.0.holder.token.scopes
    }

    pub fn person(&self) -> ByPerson<'_> {
        ByPerson {
            actor: "customer",
            reason: &self.0.reason,
        }
    }
}

/// Where a request comes from.
pub struct ClientAddress(pub IpAddr);

impl FromRequestParts<Arc<Api>> for ClientAddress {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Refused> {
        let address = api.limits.address_of(&parts.headers, &parts.extensions);
        let unknown = || Refused::Internal("a request from no address".to_owned());
        address.map(Self).ok_or_else(unknown)
    }
}

/// Who asks for a token: by a bearer token, or by a password.
pub enum Asker {
    Bearer(Caller),
    Password {
        name: String,
        password: String,
        /// Beside it, where the account asks for one.
        proof: Option<Proof>,
        from: Origin,
    },
}

/// Where a code of a second factor is sent.
const OTP: &str = "x-authorization-otp";

impl FromRequestParts<Arc<Api>> for Asker {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Refused> {
        let Some(basic) = credentials::of(&parts.headers, "basic") else {
            return Caller::from_request_parts(parts, api)
                .await
                .map(Self::Bearer);
        };
        api.limits.address(&parts.headers, &parts.extensions)?;
        let (name, password) = user_and_password(basic)
            .filter(|(name, _)| !name.is_empty())
            .ok_or(Refused::Unauthorized("Authentication failed"))?;
        let code = parts.headers.get(OTP);
        // What cannot be read is a wrong one.
        let proof = code.and_then(|code| Proof::typed(code.to_str().unwrap_or("?")));
        Ok(Self::Password {
            name,
            password,
            proof,
            from: api.limits.address_of(&parts.headers, &parts.extensions),
        })
    }
}

/// The user and the password of basic authentication (RFC 7617).
pub fn user_and_password(credentials: &str) -> Option<(String, String)> {
    let decoded = String::from_utf8(BASE64.decode(credentials).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}
