//! Files of direct debits.

use std::num::TryFromIntError;
use std::path::Path;

use serde::Serialize;
use utoipa::ToSchema;

use crate::engine::sepa::{BatchMade, BatchShown, LeftOutFate};
use crate::store::rows::StoredBatch;

#[derive(Serialize, ToSchema)]
pub struct SepaFileMadeView {
    /// None when there was nothing to collect.
    id: Option<String>,
    version: &'static str,
    submit_on: String,
    debits: usize,
    sum_minor: i64,
    blocks: Vec<SepaBlockView>,
    left_out: Vec<SepaLeftOutView>,
    /// Where the file is, if it was asked for.
    file: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct SepaBlockView {
    id: String,
    sequence: &'static str,
    scheme: &'static str,
    collect_on: String,
    debits: i64,
    sum_minor: i64,
}

#[derive(Serialize, ToSchema)]
pub struct SepaLeftOutView {
    account: String,
    invoice: String,
    attempt: String,
    reason: String,
    /// `withdrawn`, or `waits` for the next file.
    fate: &'static str,
}

/// What is in a file that was made, and where it was put.
///
/// # Errors
/// When a block has more debits than a file can have.
pub fn made(made: &BatchMade, out: Option<&Path>) -> Result<SepaFileMadeView, TryFromIntError> {
    let mut blocks = Vec::with_capacity(made.blocks.len());
    for block in &made.blocks {
        blocks.push(SepaBlockView {
            id: block.id.clone(),
            sequence: block.sequence.code(),
            scheme: block.scheme.code(),
            collect_on: block.collect_on.to_string(),
            debits: i64::try_from(block.debits)?,
            sum_minor: block.sum_minor,
        });
    }
    Ok(SepaFileMadeView {
        id: made.id.clone(),
        version: made.version,
        submit_on: made.submit_on.to_string(),
        debits: made.debits,
        sum_minor: made.sum_minor,
        blocks,
        left_out: made
            .left_out
            .iter()
            .map(|left_out| SepaLeftOutView {
                account: left_out.external_id.clone(),
                invoice: left_out.number.to_string(),
                attempt: left_out.attempt.to_string(),
                reason: left_out.reason.clone(),
                fate: match left_out.fate {
                    LeftOutFate::Withdrawn => "withdrawn",
                    LeftOutFate::Waits => "waits",
                },
            })
            .collect(),
        file: out
            .filter(|_| made.id.is_some())
            .map(|out| out.display().to_string()),
    })
}

#[derive(Serialize, ToSchema)]
pub struct SepaFileView {
    id: String,
    version: String,
    state: &'static str,
    submit_on: String,
    created_at: String,
    released_at: Option<String>,
    debits: i64,
    sum_minor: i64,
    /// SHA-256 of the file.
    digest: String,
}

impl From<&StoredBatch> for SepaFileView {
    fn from(batch: &StoredBatch) -> Self {
        Self {
            id: batch.id.clone(),
            version: batch.version.clone(),
            state: batch.state.code(),
            submit_on: batch.submit_on.to_string(),
            created_at: batch.created_at.to_string(),
            released_at: batch.released_at.map(|at| at.to_string()),
            debits: batch.debits,
            sum_minor: batch.sum_minor,
            digest: batch.digest.to_string(),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct SepaFileStoryView {
    #[serde(flatten)]
    batch: SepaFileView,
    blocks: Vec<SepaBlockView>,
    progress: Vec<SepaProgressView>,
}

#[derive(Serialize, ToSchema)]
pub struct SepaProgressView {
    /// Of the attempts.
    state: String,
    debits: i64,
    sum_minor: i64,
}

impl From<&BatchShown> for SepaFileStoryView {
    fn from(shown: &BatchShown) -> Self {
        Self {
            batch: SepaFileView::from(&shown.batch),
            blocks: shown
                .blocks
                .iter()
                .map(|block| SepaBlockView {
                    id: block.id.clone(),
                    sequence: block.sequence.code(),
                    scheme: block.scheme.code(),
                    collect_on: block.collect_on.to_string(),
                    debits: block.debits,
                    sum_minor: block.sum_minor,
                })
                .collect(),
            progress: shown
                .progress
                .iter()
                .map(|own| SepaProgressView {
                    state: own.state.clone(),
                    debits: own.debits,
                    sum_minor: own.sum_minor,
                })
                .collect(),
        }
    }
}
