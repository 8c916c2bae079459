//! `quittance event`.

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use serde::Serialize;

use super::Global;
use super::person::PersonArgs;
use super::print::{counted, table};
use crate::on;
use crate::say;

/// How many events are listed.
const LISTED_MAX: i64 = 1_000;

#[derive(Debug, Args)]
pub struct EventArgs {
    #[command(subcommand)]
    command: EventCommand,
}

#[derive(Debug, Subcommand)]
enum EventCommand {
    /// List the events of providers that are not done with, the oldest first
    List {
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
    /// Say that an event was dealt with
    Close {
        /// What the provider calls it
        event: String,
        #[command(flatten)]
        person: PersonArgs,
    },
}

#[derive(Serialize)]
struct EventJson {
    provider: &'static str,
    id: String,
    kind: String,
    received_at: String,
    problem: Option<String>,
}

pub async fn event(global: &Global, args: EventArgs) -> Result<ExitCode> {
    let engine = global.open().await?;
    match args.command {
        EventCommand::List { json } => {
            let mut tx = engine.store.snapshot().await?;
            let events = on!(&mut tx, conn, q => q::open_events(conn, LISTED_MAX).await)?;
            tx.rollback().await?;
            if json {
                let all: Vec<EventJson> = events
                    .into_iter()
                    .map(|event| EventJson {
                        provider: event.source.code(),
                        id: event.id,
                        kind: event.kind,
                        received_at: event.received_at.to_string(),
                        problem: event.problem,
                    })
                    .collect();
                super::json::print(&all)?;
            } else if events.is_empty() {
                say!("Every event is done with.");
            } else {
                let mut rows = table(["received", "provider", "event", "kind", "problem"], 5);
                let many = events.len();
                for event in events {
                    let problem = event
                        .problem
                        .unwrap_or_else(|| "not handled yet: it will be sent again".to_owned());
                    rows.add_row([
                        event.received_at.to_string(),
                        event.source.code().to_owned(),
                        event.id,
                        event.kind,
                        problem,
                    ]);
                }
                say!("{rows}\n{}", counted(many, "event"));
            }
        }
        EventCommand::Close { event, person } => {
            let by = person.check()?;
            let now = engine.clock.now();
            let mut tx = engine.store.begin().await?;
            if !on!(&mut tx, conn, q => q::close_event(conn, &event, now).await)? {
                bail!("there is no open event {event:?}");
            }
            on!(&mut tx, conn, q => {
                q::write_house_audit(conn, by, "close_event", &event, now).await
            })?;
            tx.commit().await?;
            say!("closed {event}: {}", by.reason);
        }
    }
    engine.store.close().await;
    Ok(ExitCode::SUCCESS)
}
