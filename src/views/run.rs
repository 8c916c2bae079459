//! Where a run stands.

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::calendar::PeriodKey;
use crate::engine::run::BatchTally;
use crate::engine::run::shadow::{ShadowReport, Standing};
use crate::engine::run::status::RunStatus;

/// What an account owes as it stands.
pub const fn due(standing: &Standing) -> i64 {
    match standing {
        Standing::Invoiced { total_minor } => *total_minor,
        _ => 0,
    }
}

/// Where a run stands.
#[derive(Serialize, ToSchema)]
pub struct RunView {
    period: String,
    state: &'static str,
    paused: bool,
    accounts: RunAccountsView,
    /// What this command settled.
    #[serde(skip_serializing_if = "Option::is_none")]
    settled_now: Option<RunSettledView>,
    totals: Vec<RunTotalView>,
    parked: Vec<ParkedView>,
    late_pieces_waiting: i64,
    /// Earlier months that were never run.
    months_skipped: Vec<String>,
}

#[derive(Serialize, ToSchema)]
pub struct RunAccountsView {
    invoiced: i64,
    nothing_due: i64,
    parked: i64,
    missing: i64,
}

#[derive(Serialize, ToSchema)]
pub struct RunSettledView {
    accounts: u64,
    invoices: u64,
    lines: u64,
}

#[derive(Serialize, ToSchema)]
pub struct RunTotalView {
    currency: String,
    invoices: i64,
    net_minor: i64,
    vat_minor: i64,
    total_minor: i64,
}

#[derive(Serialize, ToSchema)]
pub struct ParkedView {
    account: String,
    reason: String,
    released: bool,
}

impl RunView {
    pub fn new(status: &RunStatus, tally: Option<BatchTally>) -> Self {
        Self {
            period: status.run.period.key.to_string(),
            state: status.run.state.code(),
            paused: status.run.paused,
            accounts: RunAccountsView {
                invoiced: status.counts.invoiced,
                nothing_due: status.counts.nothing_due,
                parked: status.counts.parked,
                missing: status.missing,
            },
            settled_now: tally.map(|tally| RunSettledView {
                accounts: tally.accounts,
                invoices: tally.invoices,
                lines: tally.lines,
            }),
            totals: status
                .totals
                .iter()
                .map(|total| RunTotalView {
                    currency: total.currency.to_string(),
                    invoices: total.invoices,
                    net_minor: total.net_minor,
                    vat_minor: total.vat_minor,
                    total_minor: total.total_minor,
                })
                .collect(),
            parked: status
                .parked
                .iter()
                .map(|parked| ParkedView {
                    account: parked.external_id.clone(),
                    reason: parked.reason.clone(),
                    released: parked.released,
                })
                .collect(),
            late_pieces_waiting: status.late_waiting.0,
            months_skipped: status.skipped.iter().map(ToString::to_string).collect(),
        }
    }
}

/// What a shadow run found.
#[derive(Serialize, ToSchema)]
pub struct ShadowView {
    period: String,
    accounts: u64,
    same: u64,
    differences: Vec<DifferenceView>,
}

#[derive(Serialize, ToSchema)]
pub struct DifferenceView {
    account: String,
    currency: String,
    stands: StandingView,
    would_be: StandingView,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct StandingView {
    outcome: Option<&'static str>,
    total_minor: i64,
}

impl From<&Standing> for StandingView {
    fn from(standing: &Standing) -> Self {
        Self {
            outcome: match standing {
                Standing::None => None,
                Standing::NothingDue => Some("nothing_due"),
                Standing::Invoiced { .. } => Some("invoiced"),
                Standing::Parked => Some("parked"),
            },
            total_minor: due(standing),
        }
    }
}

impl ShadowView {
    pub fn new(period: PeriodKey, report: &ShadowReport) -> Self {
        Self {
            period: period.to_string(),
            accounts: report.accounts,
            same: report.same,
            differences: report
                .differences
                .iter()
                .map(|difference| DifferenceView {
                    account: difference.account.clone(),
                    currency: difference.currency.to_string(),
                    stands: (&difference.stands).into(),
                    would_be: (&difference.would_be).into(),
                    reason: difference.reason.clone(),
                })
                .collect(),
        }
    }
}
