//! Orders to the platform, strictly in each account's order: only the first that
//! waits is claimed, so nothing overtakes it while it is being given or put off.

use std::sync::OnceLock;

use futures_util::{StreamExt as _, stream};
use serde::Serialize;
use serde_json::{Map, Value};

use super::claim::{Fate, claim, lease, record};
use super::post::from_now;
use super::{Delivered, OnMessage, OutboxError};
use crate::domain::notice::OrderTopic;
use crate::engine::run::Engine;
use crate::mail::message::MessageKey;
use crate::on;
use crate::providers::platform::{Given, Platform};
use crate::store::rows::{Channel, ClaimedMessage};

const ROWS_PER_BATCH: u64 = 64;
/// Orders given at the same time, each of another account.
const AT_ONCE: usize = 8;

/// What the platform reads.
#[derive(Serialize)]
struct Webhook<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    /// When it was decided (RFC 3339).
    timestamp: String,
    data: Map<String, Value>,
}

/// Gives what is due. Giving one order may make the next of its account due.
pub async fn round(
    engine: &Engine,
    messages_max: u64,
    on_message: OnMessage<'_>,
) -> Result<Delivered, OutboxError> {
    let mut done = Delivered::default();
    let Some(settings) = &engine.config.platform else {
        return Ok(done);
    };
    let platform = engine.providers.platform(&engine.config)?;
    let mut left = messages_max;
    while left > 0 {
        let (_, begin_within) = lease(settings.timeout);
        let begin_until = from_now(begin_within);
        let limit = i64::try_from(ROWS_PER_BATCH.min(left)).unwrap_or(i64::MAX);
        let rows = claim(engine, Channel::Platform, settings.timeout, limit).await?;
        if rows.is_empty() {
            break;
        }
        let count = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        left = left.saturating_sub(count);
        let stopped = OnceLock::new();
        let orders = orders(engine, rows).await?;
        // Each is recorded as soon as it is given.
        let given: Vec<Result<Delivered, OutboxError>> = stream::iter(orders)
            .map(|(row, webhook)| {
                let stopped = &stopped;
                async move {
                    if tokio::time::Instant::now() >= begin_until {
                        let slow = "the platform is slow: there was no time for it".to_owned();
                        let _ = stopped.set(slow);
                    }
                    let fate = match (stopped.get(), webhook) {
                        (Some(problem), _) => Fate::GivenBack(problem.clone()),
                        (None, Err(problem)) => Fate::Refused(problem),
                        (None, Ok(webhook)) => {
                            give(engine, platform, &row, &webhook, stopped).await?
                        }
                    };
                    record(engine, Channel::Platform, &[(row, fate)], on_message).await
                }
            })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        for given in given {
            done.add(given?);
        }
        if let Some(problem) = stopped.into_inner() {
            tracing::warn!(problem, "the platform takes nothing now");
            done.stopped.push((Channel::Platform, problem));
            break;
        }
    }
    Ok(done)
}

async fn give(
    engine: &Engine,
    platform: &Platform,
    row: &ClaimedMessage,
    webhook: &str,
    stopped: &OnceLock<String>,
) -> Result<Fate, OutboxError> {
    let key = MessageKey::of_row(row.account, &row.key, row.created_at);
    let id = format!("msg_{}", key.as_str());
    Ok(
        match platform.give(&id, webhook, engine.clock.now()).await? {
            Given::Taken => Fate::Delivered,
            Given::Refused(problem) => Fate::Refused(problem),
            Given::Again { problem, after } => Fate::Again { problem, after },
            Given::Unreachable(problem) => {
                // Another one may have been first to say so.
                let _ = stopped.set(problem.clone());
                Fate::GivenBack(problem)
            }
        },
    )
}

/// The webhook of each row, or why it is none.
async fn orders(
    engine: &Engine,
    rows: Vec<ClaimedMessage>,
) -> Result<Vec<(ClaimedMessage, Result<String, String>)>, OutboxError> {
    let accounts: Vec<_> = rows.iter().map(|row| row.account).collect();
    let mut tx = engine.store.snapshot().await?;
    let ids = on!(&mut tx, conn, q => q::external_ids(conn, &accounts).await)?;
    tx.rollback().await?;
    let order = |row: ClaimedMessage| {
        let webhook = match ids.get(&row.account) {
            Some(external_id) => webhook(&row, external_id),
            None => Err("there is no such account".to_owned()),
        };
        (row, webhook)
    };
    Ok(rows.into_iter().map(order).collect())
}

fn webhook(row: &ClaimedMessage, external_id: &str) -> Result<String, String> {
    let topic = OrderTopic::from_code(&row.topic)
        .ok_or_else(|| format!("{:?} is no order that this version knows", row.topic))?;
    let mut data = Map::new();
    data.insert("account".to_owned(), external_id.into());
    let payload: Map<String, Value> = serde_json::from_str(&row.payload)
        .map_err(|error| format!("the payload of {topic} cannot be read: {error}"))?;
    data.extend(payload);
    let webhook = Webhook {
        kind: topic.code(),
        timestamp: row.created_at.to_string(),
        data,
    };
    serde_json::to_string(&webhook).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::calendar::Instant;
    use crate::domain::ids::AccountId;

    fn row(topic: &str, payload: &str) -> ClaimedMessage {
        ClaimedMessage {
            account: AccountId(1),
            key: "suspend:1".to_owned(),
            topic: topic.to_owned(),
            payload: payload.to_owned(),
            created_at: Instant(1_793_600_000_000_000),
            tries: 1,
        }
    }

    #[test]
    fn an_order_names_the_account_as_the_platform_does() {
        let webhook = webhook(&row("account.suspend", r#"{"reason":"unpaid"}"#), "acc-1");
        assert_eq!(
            webhook.unwrap(),
            r#"{"type":"account.suspend","timestamp":"2026-11-02T06:13:20Z","data":{"account":"acc-1","reason":"unpaid"}}"#
        );
    }

    #[test]
    fn what_nobody_knows_is_refused() {
        for (topic, payload, reason) in [
            ("account.rename", "{}", "no order"),
            ("account.resume", "", "cannot be read"),
            ("account.resume", "[]", "cannot be read"),
        ] {
            let problem = webhook(&row(topic, payload), "acc-1").unwrap_err();
            assert!(problem.contains(reason), "{problem}");
        }
    }
}
