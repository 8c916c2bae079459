//! Rows to letters, and letters to the mail server. While some are sent, the next
//! are written.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::claim::{Fate, claim, lease, record};
use super::letters::{Desk, Written};
use super::post::{Job, Outcome, Post, from_now};
use super::{Delivered, OnMessage, OutboxError};
use crate::engine::run::Engine;
use crate::store::rows::Channel;

/// Rows claimed together: enough to keep the connections busy while the next are
/// claimed, few enough to be sent well within their lease.
const ROWS_PER_BATCH: u64 = 256;
const OUTCOMES_AT_ONCE: usize = 256;

/// Letters that are ready, and rows that need none.
struct Batch {
    jobs: Vec<Job>,
    fates: Vec<Outcome>,
    begin_until: Instant,
}

impl Batch {
    fn len(&self) -> usize {
        self.jobs.len() + self.fates.len()
    }
}

/// Sends what is due.
pub async fn round(
    engine: &Engine,
    messages_max: u64,
    on_message: OnMessage<'_>,
) -> Result<Delivered, OutboxError> {
    let mut done = Delivered::default();
    let Some(settings) = &engine.config.mail else {
        return Ok(done);
    };
    let smtp = engine.providers.smtp(&engine.config)?;
    let connections = usize::try_from(settings.connections).unwrap_or(usize::MAX);
    let mut post = Post::new(smtp, connections);
    let mut desk = Desk::new(engine, settings);
    let mut left = messages_max;
    let mut batch = next(engine, &mut desk, settings.timeout, &mut left).await?;
    while batch.len() > 0 {
        // No longer than the connections: what was sent and is not recorded yet is
        // what a crash doubles.
        let (outcomes, recorded) = mpsc::channel(connections);
        let (stopped, following, recorded) = tokio::join!(
            post.send(batch.jobs, batch.begin_until, outcomes),
            next(engine, &mut desk, settings.timeout, &mut left),
            record_all(engine, batch.fates, recorded, on_message),
        );
        done.add(recorded?);
        let (stopped, following) = (stopped?, following?);
        let Some(problem) = stopped else {
            batch = following;
            continue;
        };
        tracing::warn!(problem, "the mail server takes nothing now");
        let given_back = |job: Job| (job.row, Fate::GivenBack(problem.clone()));
        let mut fates = following.fates;
        fates.extend(following.jobs.into_iter().map(given_back));
        done.add(record(engine, Channel::Mail, &fates, on_message).await?);
        done.stopped.push((Channel::Mail, problem));
        break;
    }
    post.close().await;
    Ok(done)
}

/// Records outcomes as they come: as many together as came while the last were
/// being recorded.
async fn record_all(
    engine: &Engine,
    mut fates: Vec<Outcome>,
    mut outcomes: mpsc::Receiver<Outcome>,
    on_message: OnMessage<'_>,
) -> Result<Delivered, OutboxError> {
    let mut done = record(engine, Channel::Mail, &fates, on_message).await?;
    loop {
        fates.clear();
        if outcomes.recv_many(&mut fates, OUTCOMES_AT_ONCE).await == 0 {
            return Ok(done);
        }
        done.add(record(engine, Channel::Mail, &fates, on_message).await?);
    }
}

/// Claims the next rows and writes their letters.
async fn next(
    engine: &Engine,
    desk: &mut Desk<'_>,
    timeout: Duration,
    left: &mut u64,
) -> Result<Batch, OutboxError> {
    let (_, begin_within) = lease(timeout);
    let begin_until = from_now(begin_within);
    let limit = ROWS_PER_BATCH.min(*left);
    let mut batch = Batch {
        jobs: Vec::new(),
        fates: Vec::new(),
        begin_until,
    };
    if limit == 0 {
        return Ok(batch);
    }
    let limit_rows = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = claim(engine, Channel::Mail, timeout, limit_rows).await?;
    let count = u64::try_from(rows.len()).unwrap_or(limit);
    *left = left.saturating_sub(count);
    let mut written: HashMap<usize, Written> = desk.write(&rows).await?;
    for (at, row) in rows.into_iter().enumerate() {
        match written.remove(&at) {
            Some(Written::Letter(message)) => batch.jobs.push(Job { row, message }),
            Some(Written::Not(fate)) => batch.fates.push((row, fate)),
            None => return Err(OutboxError::Worker),
        }
    }
    Ok(batch)
}
