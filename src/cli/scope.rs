//! Which invoices a command is about.

use clap::Args;

use crate::domain::calendar::PeriodKey;
use crate::domain::invoice::InvoiceNumber;
use crate::engine::desk::asked::ScopeAsked;

#[derive(Debug, Args)]
pub struct ScopeArgs {
    /// Only invoices of this account
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// Only this invoice, such as Q-2026-000001
    #[arg(long, value_name = "N", conflicts_with = "account")]
    invoice: Option<InvoiceNumber>,
}

impl ScopeArgs {
    /// The invoices, by name.
    pub fn asked(self, period: Option<PeriodKey>) -> ScopeAsked {
        ScopeAsked {
            account: self.account,
            invoice: self.invoice,
            period,
        }
    }
}
