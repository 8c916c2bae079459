//! An attempt to take money, and what came of it.

use serde::Serialize;
use utoipa::ToSchema;

use super::dispute::DisputeView;
use super::refund::RefundView;
use crate::engine::desk::payment::PaymentStory;
use crate::store::rows::{BookedPosting, StoredAttempt};

#[derive(Serialize, ToSchema)]
pub struct PaymentView {
    id: String,
    account: String,
    invoice: String,
    method: &'static str,
    currency: String,
    amount_minor: i64,
    state: &'static str,
    /// Why there is no money.
    #[serde(skip_serializing_if = "Option::is_none")]
    decline: Option<DeclineView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_reference: Option<String>,
    /// What its provider said of it that cannot be booked.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    created_at: String,
    decided_at: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct DeclineView {
    code: String,
    class: &'static str,
    known: bool,
}

impl From<&StoredAttempt> for PaymentView {
    fn from(attempt: &StoredAttempt) -> Self {
        Self {
            id: attempt.id.to_string(),
            account: attempt.external_id.clone(),
            invoice: attempt.number.to_string(),
            method: attempt.by.method().code(),
            currency: attempt.currency.to_string(),
            amount_minor: attempt.amount_minor,
            state: attempt.state.code(),
            decline: attempt.state.refusal().map(|refusal| DeclineView {
                code: refusal.code.clone(),
                class: refusal.class.code(),
                known: refusal.known,
            }),
            provider_reference: attempt.provider_reference.clone(),
            problem: attempt.problem.clone(),
            created_at: attempt.created_at.to_string(),
            decided_at: attempt.decided_at.map(|at| at.to_string()),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct PostingView {
    at: String,
    movement: String,
    ledger_account: String,
    /// Debit positive, credit negative.
    amount_minor: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct PaymentStoryView {
    #[serde(flatten)]
    attempt: PaymentView,
    postings: Vec<PostingView>,
    refunds: Vec<RefundView>,
    disputes: Vec<DisputeView>,
}

impl From<BookedPosting> for PostingView {
    fn from(posting: BookedPosting) -> Self {
        Self {
            at: posting.at.to_string(),
            movement: posting.movement,
            ledger_account: posting.ledger_account,
            amount_minor: posting.amount_minor,
            by: posting.actor,
            reason: posting.reason,
        }
    }
}

impl From<PaymentStory> for PaymentStoryView {
    fn from(story: PaymentStory) -> Self {
        Self {
            attempt: PaymentView::from(&story.attempt),
            postings: story.postings.into_iter().map(PostingView::from).collect(),
            refunds: story.refunds.iter().map(RefundView::from).collect(),
            disputes: story.disputes.iter().map(DisputeView::from).collect(),
        }
    }
}
