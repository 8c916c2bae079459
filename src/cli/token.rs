//! `quittance account token`: the first API token of an account, which it makes the
//! others with.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};
use clap::Args;

use super::Global;
use super::dunning::account_id;
use super::person::PersonArgs;
use crate::domain::access::{Scope, Scopes};
use crate::domain::calendar::Instant;
use crate::engine::access::TokenRequest;
use crate::say;

#[derive(Debug, Args)]
pub struct TokenArgs {
    /// The account's id
    account: String,
    /// What the customer will know it by
    #[arg(long)]
    name: String,
    /// What it is good for, such as billing:read; may be given several times [default: everything]
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<Scope>,
    /// Until when it is good (RFC 3339) [default: until it is deleted]
    #[arg(long, value_name = "TIME")]
    until: Option<DateTime<Utc>>,
    #[command(flatten)]
    person: PersonArgs,
}

pub async fn token(global: &Global, args: TokenArgs) -> Result<ExitCode> {
    let by = args.person.check()?;
    let scopes = if args.scopes.is_empty() {
        Scopes::All
    } else {
        Scopes::Only(args.scopes.into_iter().collect())
    };
    let engine = global.open().await?;
    let account = account_id(&engine, &args.account).await?;
    let request = TokenRequest {
        name: &args.name,
        scopes: &scopes,
        expires_at: args.until.map(Instant::from),
    };
    let issued = engine.create_token(account, request, by).await;
    engine.store.close().await;
    let issued = issued.with_context(|| format!("account {:?} gets no token", args.account))?;
    // Alone on its line: it is shown this once, and may go into a pipe.
    say!("{}", issued.secret);
    Ok(ExitCode::SUCCESS)
}
