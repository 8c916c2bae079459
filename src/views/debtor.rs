//! Who owes what since when, and which step comes next and when.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::dunning::Readiness;
use crate::engine::dunning::DebtorOutlook;

#[derive(Serialize, ToSchema)]
pub struct DebtorView {
    account: String,
    invoice: String,
    due_on: String,
    owed_minor: i64,
    currency: &'static str,
    suspended: bool,
    last_step: Option<String>,
    last_step_on: Option<String>,
    next_step: Option<String>,
    next_step_on: Option<String>,
    blocked: Option<&'static str>,
    next_attempt_on: Option<String>,
    held_until: Option<String>,
}

impl DebtorView {
    #[must_use]
    pub fn of(debtor: &DebtorOutlook) -> Self {
        let blocked = debtor.next.and_then(|next| match next.readiness {
            Readiness::Blocked(block) => Some(block.code()),
            Readiness::Now | Readiness::Later => None,
        });
        Self {
            account: debtor.external_id.clone(),
            invoice: debtor.invoice.to_string(),
            due_on: debtor.due_on.to_string(),
            owed_minor: debtor.owed.minor,
            currency: debtor.owed.currency.code(),
            suspended: debtor.is_suspended,
            last_step: debtor.last.map(|taken| taken.step.code()),
            last_step_on: debtor.last.map(|taken| taken.on.to_string()),
            next_step: debtor.next.map(|next| next.step.code()),
            next_step_on: debtor.next.map(|next| next.on.to_string()),
            blocked,
            next_attempt_on: debtor.next_attempt_on.map(|day| day.to_string()),
            held_until: debtor.held_until.map(|day| day.to_string()),
        }
    }
}
