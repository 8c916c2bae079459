//! What the engine refuses, in the words of the contract.

use crate::domain::access::Barred;
use crate::engine::access::AccessError;
use crate::http::answer::Refused;
use crate::providers::CallError;

/// A refusal about a resource.
pub fn refused(resource: &'static str, error: AccessError) -> Refused {
    match error {
        AccessError::NotLetIn => Refused::Unauthorized("Authentication failed"),
        // The words that clients ask for a code at.
        AccessError::NeedsCode => Refused::Unauthorized("OTP Required"),
        AccessError::Attempt => Refused::field("attempt", "is invalid"),
        AccessError::HasFactor => Refused::Conflict(AccessError::HasFactor.to_string()),
        AccessError::Unknown => Refused::NotFound(resource),
        AccessError::Name(reason) => Refused::field("name", reason.to_string()),
        AccessError::NameTaken => Refused::field("name", "has already been taken"),
        AccessError::Content(reason) => Refused::field("content", reason.to_string()),
        AccessError::KeyTaken => Refused::field("content", "has already been taken"),
        AccessError::Link => Refused::field("token", "is invalid"),
        AccessError::EmailTaken => Refused::field("email", "has already been taken"),
        error @ (AccessError::NoMail
        | AccessError::NoInvitation
        | AccessError::NoTrial
        | AccessError::Billed) => Refused::Conflict(error.to_string()),
        AccessError::TooSoon { seconds } => Refused::TooOften(seconds),
        AccessError::UsernameTaken => Refused::field("username", "has already been taken"),
        AccessError::Fields(problems) => Refused::Fields(
            problems
                .into_iter()
                .map(|problem| (problem.field.into(), problem.reason))
                .collect(),
        ),
        AccessError::Leaving => Refused::Barred(Barred::Leaving),
        AccessError::Expiry => Refused::field("expires_at", "is in the past"),
        AccessError::TooMany => Refused::field("base", AccessError::TooMany.to_string()),
        error @ (AccessError::Scope | AccessError::Lacks(_)) => {
            Refused::Forbidden(error.to_string())
        }
        error @ (AccessError::Store(_)
        | AccessError::Chance(_)
        | AccessError::Claims(_)
        | AccessError::Hash(_)
        | AccessError::Vault(_)
        | AccessError::Date
        | AccessError::NoKey) => Refused::internal(error),
    }
}

/// A provider that this house has not, or cannot reach as its settings stand. What the
/// customer is told, and why.
pub fn provider_refused(told: &'static str, error: &dyn std::error::Error) -> Refused {
    tracing::warn!(%error, "{told}");
    Refused::Conflict(told.to_owned())
}

/// A provider that did not answer what was asked.
pub fn call_refused(error: &CallError) -> Refused {
    match error {
        CallError::Refused { .. } => {
            tracing::warn!(%error, "request refused by a provider");
            Refused::Conflict("the payment provider refuses it".to_owned())
        }
        CallError::NotSent { .. } | CallError::Lost { .. } => {
            Refused::Unavailable(error.to_string())
        }
        CallError::Unbookable { .. } | CallError::Denied { .. } => Refused::internal(error),
    }
}
