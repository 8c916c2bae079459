//! `quittance operator`: the house's own keys.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use serde::Serialize;

use super::Global;
use super::person::PersonArgs;
use super::print;
use crate::domain::access::Role;
use crate::domain::calendar::Instant;
use crate::engine::access::OperatorRequest;
use crate::say;
use crate::store::rows::StoredOperator;

#[derive(Debug, Args)]
pub struct OperatorArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a key, and print its secret this once
    Add(AddArgs),
    /// List the keys
    List(ListArgs),
    /// Take a key back: it opens nothing from the next request on
    Revoke(RevokeArgs),
}

#[derive(Debug, Args)]
struct AddArgs {
    /// Who it is in the audit log; never given twice
    name: String,
    /// viewer looks, operator works, approver decides what waits; ingest only reports usage
    #[arg(long)]
    role: Role,
    /// Until when it is good (RFC 3339) [default: until it is revoked]
    #[arg(long, value_name = "TIME")]
    until: Option<DateTime<Utc>>,
    #[command(flatten)]
    person: PersonArgs,
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct RevokeArgs {
    /// The key's name
    name: String,
    #[command(flatten)]
    person: PersonArgs,
}

pub async fn operator(global: &Global, args: OperatorArgs) -> Result<ExitCode> {
    match args.command {
        Command::Add(args) => add(global, args).await?,
        Command::List(args) => list(global, args).await?,
        Command::Revoke(args) => revoke(global, args).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn add(global: &Global, args: AddArgs) -> Result<()> {
    let by = args.person.check()?;
    let engine = global.open().await?;
    let request = OperatorRequest {
        name: &args.name,
        role: args.role,
        expires_at: args.until.map(Instant::from),
    };
    let secret = engine.add_operator(request, by).await;
    engine.store.close().await;
    let secret = secret.with_context(|| format!("{:?} gets no key", args.name))?;
    // Alone on its line: it is shown this once, and may go into a pipe.
    say!("{secret}");
    Ok(())
}

async fn revoke(global: &Global, args: RevokeArgs) -> Result<()> {
    let by = args.person.check()?;
    let engine = global.open().await?;
    let revoked = engine.revoke_operator(&args.name, by).await;
    engine.store.close().await;
    let key = revoked.with_context(|| format!("the key {:?} cannot be revoked", args.name))?;
    say!("{} ({}) opens nothing any more", key.name, key.role);
    Ok(())
}

#[derive(Serialize)]
struct OperatorJson {
    id: String,
    name: String,
    role: &'static str,
    created_at: String,
    expires_at: Option<String>,
    last_used_at: Option<String>,
    revoked_at: Option<String>,
}

async fn list(global: &Global, args: ListArgs) -> Result<()> {
    let engine = global.open().await?;
    let keys = engine.operators().await;
    engine.store.close().await;
    let keys = keys?;
    if args.json {
        let all: Vec<OperatorJson> = keys.iter().map(json).collect();
        return super::json::print(&all);
    }
    let mut table = print::table(["name", "role", "created", "until", "last used"], 5);
    for key in &keys {
        let until = match (key.revoked_at, key.expires_at) {
            (Some(at), _) => format!("{at} (revoked)"),
            (None, Some(at)) => at.to_string(),
            (None, None) => "it is revoked".to_owned(),
        };
        let used = key
            .last_used_at
            .map_or("never".to_owned(), |at| at.to_string());
        table.add_row([
            key.name.clone(),
            key.role.to_string(),
            key.created_at.to_string(),
            until,
            used,
        ]);
    }
    say!("{table}");
    Ok(())
}

fn json(key: &StoredOperator) -> OperatorJson {
    let text = |at: Option<Instant>| at.map(|at| at.to_string());
    OperatorJson {
        id: key.id.clone(),
        name: key.name.clone(),
        role: key.role.code(),
        created_at: key.created_at.to_string(),
        expires_at: text(key.expires_at),
        last_used_at: text(key.last_used_at),
        revoked_at: text(key.revoked_at),
    }
}
