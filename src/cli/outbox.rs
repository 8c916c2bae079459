//! `quittance outbox`.

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use serde::Serialize;

use super::Global;
use super::person::PersonArgs;
use super::print::{Meter, count, counted, short, table};
use crate::domain::calendar::Instant;
use crate::domain::ids::AccountId;
use crate::engine::outbox::Delivered;
use crate::engine::run::Engine;
use crate::on;
use crate::store::rows::{Channel, ListedMessage, MessageFilter, MessageState};
use crate::{complain, say};

/// How many rows are listed.
const LISTED_MAX: i64 = 1_000;
const MICROS_PER_MINUTE: i64 = 60_000_000;

#[derive(Debug, Args)]
pub struct OutboxArgs {
    #[command(subcommand)]
    command: OutboxCommand,
}

#[derive(Debug, Subcommand)]
enum OutboxCommand {
    /// List what waits to be told and what was refused, the oldest first
    List {
        #[command(flatten)]
        which: WhichArgs,
        /// Only these: waiting, delivered, refused or obsolete [default: waiting and refused]
        #[arg(long, value_name = "STATE", value_parser = state)]
        state: Option<MessageState>,
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
    /// Try again what was refused, or waits after a failure
    Retry {
        /// The key that `outbox list` shows
        #[arg(
            required_unless_present = "all_refused",
            conflicts_with = "all_refused"
        )]
        key: Option<String>,
        /// Everything that was refused
        #[arg(long)]
        all_refused: bool,
        #[command(flatten)]
        which: WhichArgs,
        #[command(flatten)]
        person: PersonArgs,
    },
    /// Deliver what is due now, as the service does by itself
    Deliver {
        /// At most so many of each channel
        #[arg(long, value_name = "N", default_value_t = u64::MAX, hide_default_value = true)]
        limit: u64,
        /// Print what came of it as JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
struct WhichArgs {
    /// Only of this account
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// Only through this channel: mail or platform
    #[arg(long, value_name = "CHANNEL", value_parser = channel)]
    channel: Option<Channel>,
}

#[derive(Serialize)]
struct MessageJson {
    account: String,
    key: String,
    channel: &'static str,
    topic: String,
    state: &'static str,
    tries: i32,
    created_at: String,
    /// Nothing once it has ended.
    next_try_at: Option<String>,
    ended_at: Option<String>,
    problem: Option<String>,
}

impl From<ListedMessage> for MessageJson {
    fn from(message: ListedMessage) -> Self {
        let waits = message.state == MessageState::Waiting;
        Self {
            account: message.external_id,
            key: message.key,
            channel: message.channel.code(),
            topic: message.topic,
            state: message.state.code(),
            tries: message.tries,
            created_at: message.created_at.to_string(),
            next_try_at: waits.then(|| message.next_try_at.to_string()),
            ended_at: message.ended_at.map(|at| at.to_string()),
            problem: message.problem,
        }
    }
}

#[derive(Serialize)]
struct DeliveredJson {
    sent: u64,
    retried: u64,
    refused: u64,
    obsolete: u64,
    stopped: Vec<StoppedJson>,
}

#[derive(Serialize)]
struct StoppedJson {
    channel: &'static str,
    problem: String,
}

pub async fn outbox(global: &Global, args: OutboxArgs) -> Result<ExitCode> {
    let engine = global.open().await?;
    let code = match args.command {
        OutboxCommand::List { which, state, json } => list(&engine, &which, state, json).await?,
        OutboxCommand::Retry {
            key,
            all_refused,
            which,
            person,
        } => retry(&engine, key.as_deref(), all_refused, &which, &person).await?,
        OutboxCommand::Deliver { limit, json } => deliver(&engine, limit, json).await?,
    };
    engine.store.close().await;
    Ok(code)
}

impl WhichArgs {
    async fn account(&self, engine: &Engine) -> Result<Option<AccountId>> {
        let Some(external_id) = &self.account else {
            return Ok(None);
        };
        let mut tx = engine.store.snapshot().await?;
        let account = on!(&mut tx, conn, q => q::find_account(conn, external_id).await)?;
        tx.rollback().await?;
        let account = account.with_context(|| format!("there is no account {external_id:?}"))?;
        Ok(Some(account))
    }
}

async fn list(
    engine: &Engine,
    which: &WhichArgs,
    state: Option<MessageState>,
    json: bool,
) -> Result<ExitCode> {
    let account = which.account(engine).await?;
    let states = match state {
        Some(state) => vec![state],
        None => vec![MessageState::Waiting, MessageState::Refused],
    };
    let mut messages = Vec::new();
    let mut tx = engine.store.snapshot().await?;
    for state in states {
        let filter = MessageFilter {
            state: Some(state),
            channel: which.channel,
            account,
            key: None,
        };
        let listed = on!(&mut tx, conn, q => q::list_messages(conn, filter, LISTED_MAX).await)?;
        messages.extend(listed);
    }
    tx.rollback().await?;
    messages.sort_by_key(|message| message.created_at);
    if json {
        let all: Vec<MessageJson> = messages.into_iter().map(MessageJson::from).collect();
        super::json::print(&all)?;
        return Ok(ExitCode::SUCCESS);
    }
    if messages.is_empty() {
        say!("Nothing is there.");
        return Ok(ExitCode::SUCCESS);
    }
    let now = engine.clock.now();
    let head = [
        "account", "topic", "channel", "state", "age", "tries", "next try", "key", "problem",
    ];
    let mut rows = table(head, head.len());
    let many = messages.len();
    for message in messages {
        let next = match message.state {
            MessageState::Waiting if message.next_try_at <= now => "now".to_owned(),
            MessageState::Waiting => format!("in {}", span(now, message.next_try_at)),
            _ => String::new(),
        };
        rows.add_row([
            short(&message.external_id),
            message.topic,
            message.channel.to_string(),
            message.state.code().to_owned(),
            span(message.created_at, now),
            message.tries.to_string(),
            next,
            message.key,
            message.problem.unwrap_or_default(),
        ]);
    }
    say!("{rows}\n{}", counted(many, "row"));
    if i64::try_from(many).is_ok_and(|many| many >= LISTED_MAX) {
        say!("There are more: name an account, a channel or a state.");
    }
    Ok(ExitCode::SUCCESS)
}

/// `3 d`, `5 h`, `12 min`.
fn span(from: Instant, until: Instant) -> String {
    let minutes = until.0.saturating_sub(from.0) / MICROS_PER_MINUTE;
    match minutes {
        ..60 => format!("{} min", minutes.max(0)),
        60..2_880 => format!("{} h", minutes / 60),
        _ => format!("{} d", minutes / 1_440),
    }
}

async fn retry(
    engine: &Engine,
    key: Option<&str>,
    all_refused: bool,
    which: &WhichArgs,
    person: &PersonArgs,
) -> Result<ExitCode> {
    let by = person.check()?;
    let account = which.account(engine).await?;
    let filter = MessageFilter {
        state: all_refused.then_some(MessageState::Refused),
        channel: which.channel,
        account,
        key,
    };
    let subject = key.unwrap_or("everything refused");
    let now = engine.clock.now();
    let mut tx = engine.store.begin().await?;
    let retried = on!(&mut tx, conn, q => q::retry_messages(conn, filter, now).await)?;
    if retried == 0 {
        tx.rollback().await?;
        bail!(
            "there is nothing to try again for {subject}: only what was refused or waits after a failure is, \
             and no order to the platform that a later one has overtaken"
        );
    }
    match account {
        Some(account) => {
            on!(&mut tx, conn, q => {
                q::write_audit(conn, account, by, "retry_outbox", now, Some(subject), None).await
            })?;
        }
        None => {
            on!(&mut tx, conn, q => {
                q::write_house_audit(conn, by, "retry_outbox", subject, now).await
            })?;
        }
    }
    tx.commit().await?;
    say!("{} due now: {}", counted(retried, "row"), by.reason);
    Ok(ExitCode::SUCCESS)
}

async fn deliver(engine: &Engine, limit: u64, json: bool) -> Result<ExitCode> {
    let channels = [
        (Channel::Mail, engine.config.mail.is_some()),
        (Channel::Platform, engine.config.platform.is_some()),
    ];
    let mut due = 0_u64;
    let now = engine.clock.now();
    let mut tx = engine.store.snapshot().await?;
    for (channel, is_set) in channels {
        let waiting = on!(&mut tx, conn, q => q::count_due_messages(conn, channel, now).await)?;
        let waiting = u64::try_from(waiting).unwrap_or(0);
        if is_set {
            due += waiting.min(limit);
        } else if waiting > 0 && !json {
            let wait = if waiting == 1 { "waits" } else { "wait" };
            complain!(
                "{} {wait}: there is no [{channel}] in the settings",
                counted(waiting, "row")
            );
        }
    }
    tx.rollback().await?;
    let meter = Meter::new("messages", due, json);
    let delivered = engine.deliver_outbox(limit, &|| meter.advance(1)).await;
    meter.finish();
    let delivered = delivered?;
    let stopped = !delivered.stopped.is_empty();
    if json {
        print_json(delivered)?;
    } else {
        let Delivered {
            sent,
            retried,
            refused,
            obsolete,
            ..
        } = &delivered;
        let mut rows = table(["what became of it", "messages"], 1);
        for (what, number) in [
            ("sent", sent),
            ("tried again later", retried),
            ("refused", refused),
            ("obsolete", obsolete),
        ] {
            rows.add_row([what.to_owned(), count(number)]);
        }
        say!("{rows}");
        for (channel, problem) in &delivered.stopped {
            complain!("{channel} stopped: {problem}; what was due stays due");
        }
    }
    Ok(if stopped {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn print_json(delivered: Delivered) -> Result<()> {
    super::json::print(&DeliveredJson {
        sent: delivered.sent,
        retried: delivered.retried,
        refused: delivered.refused,
        obsolete: delivered.obsolete,
        stopped: delivered
            .stopped
            .into_iter()
            .map(|(channel, problem)| StoppedJson {
                channel: channel.code(),
                problem,
            })
            .collect(),
    })
}

fn state(text: &str) -> Result<MessageState, &'static str> {
    MessageState::from_code(text).ok_or("is none of waiting, delivered, refused, obsolete")
}

fn channel(text: &str) -> Result<Channel, &'static str> {
    Channel::from_code(text).ok_or("is none of mail, platform")
}
