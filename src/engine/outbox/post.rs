//! Many letters over a few kept connections.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc::Sender;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::OutboxError;
use super::claim::Fate;
use crate::mail::message::Outgoing;
use crate::mail::smtp::{Connection, Sent, Smtp};
use crate::store::rows::ClaimedMessage;

/// So many messages may break one connection after the other; then the server is
/// the cause, and not a message.
const BROKEN_IN_A_ROW_MAX: u32 = 2;

/// A letter on its way.
pub struct Job {
    pub row: ClaimedMessage,
    pub message: Outgoing,
}

/// A row and what became of it, to be recorded.
pub type Outcome = (ClaimedMessage, Fate);

/// Connections to the mail server, kept from letter to letter.
pub struct Post {
    smtp: Arc<Smtp>,
    connections_max: usize,
    idle: Vec<Connection>,
}

/// What is left to be sent.
#[derive(Clone)]
struct Queue(Arc<Mutex<VecDeque<Job>>>);

impl Queue {
    fn take(&self) -> Option<Job> {
        // A worker that panicked left whole jobs behind.
        let mut jobs = self
            .0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        jobs.pop_front()
    }

    fn give_back(&self, job: Job) {
        let mut jobs = self
            .0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        jobs.push_front(job);
    }
}

struct Worked {
    connection: Option<Connection>,
    problem: Option<String>,
}

impl Post {
    pub const fn new(smtp: Arc<Smtp>, connections_max: usize) -> Self {
        Self {
            smtp,
            connections_max,
            idle: Vec::new(),
        }
    }

    /// Sends letters until none is left, nobody is left to send them, or no more
    /// may be begun; why the server takes no more, where it does not. What became of
    /// each is handed over at once. The first connection is opened alone: a server
    /// that is down or does not let us in is asked once.
    pub async fn send(
        &mut self,
        jobs: Vec<Job>,
        begin_until: Instant,
        outcomes: Sender<Outcome>,
    ) -> Result<Option<String>, OutboxError> {
        if jobs.is_empty() {
            return Ok(None);
        }
        let workers = self.connections_max.min(jobs.len());
        let queue = Queue(Arc::new(Mutex::new(jobs.into())));
        let mut problem = None;
        if self.idle.is_empty() {
            match self.smtp.connect().await {
                Ok(connection) => self.idle.push(connection),
                Err(reason) => problem = Some(reason),
            }
        }
        if problem.is_none() {
            let mut working = JoinSet::new();
            for _ in 0..workers {
                working.spawn(work(
                    Arc::clone(&self.smtp),
                    queue.clone(),
                    self.idle.pop(),
                    begin_until,
                    outcomes.clone(),
                ));
            }
            while let Some(worked) = working.join_next().await {
                let worked = worked.map_err(|_| OutboxError::Worker)?;
                self.idle.extend(worked.connection);
                problem = worked.problem.or(problem);
            }
        }
        // One worker that had to stop is none the wiser than those that went on.
        let mut stopped = None;
        while let Some(job) = queue.take() {
            let reason = problem.clone().ok_or(OutboxError::Worker)?;
            let outcome = (job.row, Fate::GivenBack(reason));
            outcomes
                .send(outcome)
                .await
                .map_err(|_| OutboxError::Worker)?;
            stopped.clone_from(&problem);
        }
        Ok(stopped)
    }

    /// Says goodbye to the server.
    pub async fn close(self) {
        let mut closing = JoinSet::new();
        for connection in self.idle {
            closing.spawn(connection.close());
        }
        while closing.join_next().await.is_some() {}
    }
}

async fn work(
    smtp: Arc<Smtp>,
    queue: Queue,
    mut connection: Option<Connection>,
    begin_until: Instant,
    outcomes: Sender<Outcome>,
) -> Worked {
    let mut broken_in_a_row = 0;
    let problem = loop {
        let Some(job) = queue.take() else {
            break None;
        };
        if Instant::now() >= begin_until {
            queue.give_back(job);
            break Some("the mail server is slow: there was no time for it".to_owned());
        }
        let mut open = match connection.take() {
            Some(open) => open,
            None => match smtp.connect().await {
                Ok(open) => open,
                Err(problem) => {
                    queue.give_back(job);
                    break Some(problem);
                }
            },
        };
        let sent = open.send(&job.message).await;
        if open.is_usable() {
            connection = Some(open);
        }
        let fate = match sent {
            Sent::Unavailable(problem) => {
                queue.give_back(job);
                break Some(problem);
            }
            Sent::Broken(problem) => {
                broken_in_a_row += 1;
                again(problem)
            }
            Sent::Accepted => Fate::Delivered,
            Sent::Refused(problem) => Fate::Refused(problem),
            Sent::Deferred(problem) => again(problem),
        };
        let broke = match &fate {
            Fate::Again { problem, .. } if broken_in_a_row >= BROKEN_IN_A_ROW_MAX => {
                Some(problem.clone())
            }
            _ => None,
        };
        if connection.is_some() {
            broken_in_a_row = 0;
        }
        // Nobody records any more: then nothing more may be sent.
        if outcomes.send((job.row, fate)).await.is_err() {
            break Some("what became of it could not be recorded".to_owned());
        }
        if broke.is_some() {
            break broke;
        }
    };
    Worked {
        connection,
        problem,
    }
}

const fn again(problem: String) -> Fate {
    Fate::Again {
        problem,
        after: None,
    }
}

/// The moment so long from now, on a clock that never jumps.
pub fn from_now(by: Duration) -> Instant {
    Instant::now() + by
}
