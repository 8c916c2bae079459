//! The house's own desk: who of it asks, and whether they may. The finance API and
//! ingestion stand behind it.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::Deserialize;
use utoipa::ToSchema;

use super::answer::Refused;
use super::body::Body;
use super::credentials;
use super::ingest::Hands;
use super::limit::Limits;
use super::pdf::Pdfs;
use super::shutdown::Shutdown;
use crate::domain::access::Role;
use crate::domain::text::plain_text;
use crate::engine::access::AccessError;
use crate::engine::run::Engine;
use crate::store::rows::{ByPerson, StoredOperator};

/// What every handler behind it needs.
pub struct Desk {
    pub engine: Arc<Engine>,
    pub limits: Arc<Limits>,
    /// What usage is taken with.
    pub hands: Hands,
    pub pdfs: Pdfs,
    pub shutdown: Shutdown,
}

/// Whose key it is, let in but not allowed anything yet.
pub struct Operator(StoredOperator);

impl FromRequestParts<Arc<Desk>> for Operator {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, desk: &Arc<Desk>) -> Result<Self, Refused> {
        let secret = credentials::of(&parts.headers, "bearer")
            .ok_or(Refused::Unauthorized("Authentication required"))?;
        match desk.engine.operator_of_secret(secret).await {
            Ok(key) => {
                desk.limits.operator(&key)?;
                Ok(Self(key))
            }
            Err(AccessError::NotLetIn) => {
                // Whoever guesses does so slowly.
                desk.limits.address(&parts.headers, &parts.extensions)?;
                Err(Refused::Unauthorized("Authentication failed"))
            }
            Err(error) => Err(Refused::internal(error)),
        }
    }
}

impl Operator {
    /// Lets it through to what a role may.
    ///
    /// # Errors
    /// When its own does not cover that.
    pub fn allow(self, wanted: Role) -> Result<AllowedOperator, Refused> {
        let role = self.0.role;
        if role.covers(wanted) {
            return Ok(AllowedOperator(self.0));
        }
        Err(Refused::Forbidden(format!(
            "the key is not good for this: it is of the role {role}, not {wanted}"
        )))
    }
}

/// Whose key it is, and may.
pub struct AllowedOperator(StoredOperator);

impl AllowedOperator {
    pub const fn key(&self) -> &StoredOperator {
        &self.0
    }

    /// Who decides, and why, where the request says nothing else.
    ///
    /// # Errors
    /// When it gives no reason, or one that cannot be kept.
    pub fn decides_in(self, body: &Body, root: &str) -> Result<Decider, Refused> {
        let given: ReasonGiven = body.read(root)?;
        self.decides(given.reason.as_deref())
    }

    /// Who decides, and why; for work that goes on though the request ends.
    ///
    /// # Errors
    /// When no reason is given, or one that cannot be kept.
    pub fn decides(self, reason: Option<&str>) -> Result<Decider, Refused> {
        let reason = reason.ok_or_else(|| Refused::field("reason", "can't be blank"))?;
        let reason = plain_text(reason).map_err(|error| Refused::field("reason", error))?;
        Ok(Decider {
            actor: self.0.name,
            reason: reason.to_owned(),
        })
    }
}

/// Why something is done: it stands in the audit trail.
#[derive(Deserialize, ToSchema)]
pub struct ReasonGiven {
    /// 1 to 200 bytes of plain text.
    reason: Option<String>,
}

/// Who decides, and why.
pub struct Decider {
    actor: String,
    reason: String,
}

impl Decider {
    pub fn person(&self) -> ByPerson<'_> {
        ByPerson {
            actor: &self.actor,
            reason: &self.reason,
        }
    }
}
