//! Rows taken for a while, and what became of them.

use std::time::Duration;

use super::{Delivered, OnMessage, OutboxError};
use crate::domain::notice::pause_after;
use crate::engine::link::later;
use crate::engine::run::Engine;
use crate::on;
use crate::store::rows::{Channel, ClaimedMessage, MessageState};

/// Beside the time that one message may take.
const LEASE: Duration = Duration::from_secs(300);
/// The longest that the other side is obeyed when it asks for patience.
const PATIENCE_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// What became of a row, or what is to become of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    Delivered,
    /// Tried again later, not before the other side wants it.
    Again {
        problem: String,
        after: Option<Duration>,
    },
    Refused(String),
    Obsolete(String),
    /// As if it had not been claimed.
    GivenBack(String),
}

/// How long rows are taken for, where one message takes at most `timeout`, and until
/// when of that another one may be begun.
pub fn lease(timeout: Duration) -> (Duration, Duration) {
    (LEASE + timeout * 4, LEASE / 2 + timeout)
}

/// Takes what is due.
pub async fn claim(
    engine: &Engine,
    channel: Channel,
    timeout: Duration,
    limit: i64,
) -> Result<Vec<ClaimedMessage>, OutboxError> {
    let now = engine.clock.now();
    let (lease, _) = lease(timeout);
    let mut tx = engine.store.begin().await?;
    let claimed = on!(&mut tx, conn, q => {
        q::claim_messages(conn, channel, now, later(now, lease), limit).await
    })?;
    tx.commit().await?;
    Ok(claimed)
}

/// Records what became of rows, in one transaction.
pub async fn record(
    engine: &Engine,
    channel: Channel,
    fates: &[(ClaimedMessage, Fate)],
    on_message: OnMessage<'_>,
) -> Result<Delivered, OutboxError> {
    let mut done = Delivered::default();
    if fates.is_empty() {
        return Ok(done);
    }
    let now = engine.clock.now();
    let mut delivered = Vec::with_capacity(fates.len());
    let mut given_back = Vec::new();
    let mut why_back = "";
    let mut tx = engine.store.begin().await?;
    for (message, fate) in fates {
        match fate {
            Fate::Delivered => {
                done.sent += 1;
                delivered.push(message);
            }
            Fate::GivenBack(problem) => {
                why_back = problem;
                given_back.push(message);
            }
            Fate::Refused(problem) => {
                done.refused += 1;
                tracing::warn!(%channel, message.topic, problem, "refused");
                on!(&mut tx, conn, q => {
                    q::end_message(conn, channel, message, MessageState::Refused, problem, now).await
                })?;
            }
            Fate::Obsolete(problem) => {
                done.obsolete += 1;
                on!(&mut tx, conn, q => {
                    q::end_message(conn, channel, message, MessageState::Obsolete, problem, now).await
                })?;
            }
            Fate::Again { problem, after } => {
                if let Some(pause) = pause_after(message.tries.unsigned_abs()) {
                    done.retried += 1;
                    let pause = pause.max(after.unwrap_or_default().min(PATIENCE_MAX));
                    let until = later(now, pause);
                    on!(&mut tx, conn, q => {
                        q::postpone_message(conn, channel, message, until, problem).await
                    })?;
                } else {
                    done.refused += 1;
                    let problem = format!("given up after {} tries: {problem}", message.tries);
                    tracing::warn!(%channel, message.topic, problem, "given up");
                    on!(&mut tx, conn, q => {
                        q::end_message(conn, channel, message, MessageState::Refused, &problem, now)
                            .await
                    })?;
                }
            }
        }
    }
    on!(&mut tx, conn, q => q::mark_delivered(conn, channel, &delivered, now).await)?;
    on!(&mut tx, conn, q => {
        q::release_messages(conn, channel, &given_back, why_back, now).await
    })?;
    tx.commit().await?;
    for _ in given_back.len()..fates.len() {
        on_message();
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_is_begun_ends_within_its_lease() {
        for seconds in [1, 20, 60, 300] {
            let timeout = Duration::from_secs(seconds);
            let (lease, begun_until) = lease(timeout);
            // A connection may have to be opened first.
            assert!(begun_until + timeout * 2 < lease, "{seconds} s");
        }
    }
}
