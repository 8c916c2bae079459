//! Which invoices a command is about.

use anyhow::{Context as _, Result};
use clap::Args;

use crate::domain::calendar::PeriodKey;
use crate::domain::invoice::InvoiceNumber;
use crate::engine::run::Engine;
use crate::on;
use crate::store::rows::InvoiceScope;

#[derive(Debug, Args)]
pub struct ScopeArgs {
    /// Only invoices of this account
    #[arg(long, value_name = "ID")]
    pub account: Option<String>,
    /// Only this invoice, such as Q-2026-000001
    #[arg(long, value_name = "N", conflicts_with = "account")]
    pub invoice: Option<InvoiceNumber>,
}

impl ScopeArgs {
    /// The invoices, once the account or invoice named is found.
    pub async fn find(
        &self,
        engine: &Engine,
        period: Option<PeriodKey>,
        open_only: bool,
    ) -> Result<InvoiceScope> {
        let mut tx = engine.store.snapshot().await?;
        let mut scope = InvoiceScope {
            period,
            open_only,
            ..InvoiceScope::all_open()
        };
        if let Some(external_id) = &self.account {
            let account = on!(&mut tx, conn, q => q::find_account(conn, external_id).await)?
                .with_context(|| format!("there is no account {external_id:?}"))?;
            scope.accounts = (account, account);
        }
        if let Some(number) = &self.invoice {
            let key = on!(&mut tx, conn, q => q::find_invoice(conn, number).await)?
                .with_context(|| format!("there is no invoice {number}"))?;
            scope.accounts = (key.account, key.account);
            scope.period = Some(key.period);
        }
        Ok(scope)
    }
}
