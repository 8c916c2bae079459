//! Who decides something, and why: kept with what is done.

use anyhow::{Result, anyhow};
use clap::Args;

use crate::domain::text::plain_text;
use crate::store::rows::ByPerson;

#[derive(Debug, Args)]
pub struct PersonArgs {
    /// Why; kept with who did it
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who does it
    #[arg(long, env = "USER", value_name = "NAME")]
    by: String,
}

impl PersonArgs {
    pub fn check(&self) -> Result<ByPerson<'_>> {
        by_person(&self.by, &self.reason)
    }
}

/// Who and why, for a command that does not always ask for them.
pub fn by_person<'a>(by: &'a str, reason: &'a str) -> Result<ByPerson<'a>> {
    Ok(ByPerson {
        actor: plain_text(by).map_err(|reason| anyhow!("--by {reason}"))?,
        reason: plain_text(reason).map_err(|reason| anyhow!("--reason {reason}"))?,
    })
}
