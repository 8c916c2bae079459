//! What is to be told, written beside what it tells, and what becomes of it.
//!
//! A row that was claimed is found by its key, and waits where it has not ended:
//! asked for its state, PostgreSQL would take the index of all that wait, and read
//! every one of them for each, as long as it has not seen how many they are.

use sqlx::QueryBuilder;

use super::decode::at;
use super::{Conn, Db, ROWS_PER_INSERT, Result, dialect};
use crate::domain::calendar::Instant;
use crate::domain::ids::AccountId;
use crate::domain::notice::Topic;
use crate::store::rows::{
    Channel, ClaimedMessage, ListedMessage, MessageFilter, MessageState, NewNotice, NewOrder,
};

/// A row of the outbox, whichever channel it goes through.
struct Message<'a> {
    account: AccountId,
    key: &'a str,
    topic: &'a str,
    payload: &'a str,
    created_at: i64,
}

/// Writes notices; one that is there already is told once.
///
/// # Errors
/// When the database refuses.
pub async fn insert_notices(conn: &mut Conn, notices: &[NewNotice], at: Instant) -> Result<()> {
    let messages = notices.iter().map(|notice| Message {
        account: notice.account,
        key: &notice.key,
        topic: notice.topic.code(),
        payload: &notice.payload,
        created_at: at.0,
    });
    insert(conn, Channel::Mail, messages.collect(), at).await
}

/// When an account was last mailed about something.
///
/// # Errors
/// When the database refuses.
pub async fn last_told_at(
    conn: &mut Conn,
    account: AccountId,
    topic: Topic,
) -> Result<Option<Instant>> {
    let last: Option<i64> = sqlx::query_scalar(
        "SELECT MAX(created_at) FROM outbox WHERE account_id = $1 AND channel = 'mail' AND topic = $2",
    )
    .bind(account.0)
    .bind(topic.code())
    .fetch_one(conn)
    .await?;
    Ok(last.map(Instant))
}

/// Writes orders to the platform, each after every other of its account, even
/// where a clock stands or runs behind: they are given in that order. One that is
/// there already is given once. The caller holds the accounts.
///
/// # Errors
/// When the database refuses.
pub async fn insert_orders(conn: &mut Conn, orders: &[NewOrder], at: Instant) -> Result<()> {
    for order in orders {
        let latest: Option<i64> = sqlx::query_scalar(
            "SELECT MAX(created_at) FROM outbox WHERE account_id = $1 AND channel = 'platform'",
        )
        .bind(order.account.0)
        .fetch_one(&mut *conn)
        .await?;
        let message = Message {
            account: order.account,
            key: &order.key,
            topic: order.topic.code(),
            payload: &order.payload,
            created_at: latest.map_or(at.0, |latest| latest.saturating_add(1).max(at.0)),
        };
        insert(&mut *conn, Channel::Platform, vec![message], at).await?;
    }
    Ok(())
}

async fn insert(
    conn: &mut Conn,
    channel: Channel,
    messages: Vec<Message<'_>>,
    at: Instant,
) -> Result<()> {
    for chunk in messages.chunks(ROWS_PER_INSERT) {
        let mut query = QueryBuilder::<Db>::new(
            "INSERT INTO outbox (account_id, key, channel, topic, payload, created_at, state, next_try_at) ",
        );
        query.push_values(chunk, |mut values, message| {
            values
                .push_bind(message.account.0)
                .push_bind(message.key)
                .push_bind(channel.code())
                .push_bind(message.topic)
                .push_bind(message.payload)
                .push_bind(message.created_at)
                .push_bind("waiting")
                .push_bind(at.0);
        });
        query.push(" ON CONFLICT (account_id, key, channel) DO NOTHING");
        query.build().execute(&mut *conn).await?;
    }
    Ok(())
}

/// Takes what is due, the longest waiting first, until `until`: nobody else takes
/// it before. Of the orders to the platform only the first of each account is
/// taken: a later one waits until every earlier one has ended.
///
/// # Errors
/// When the database refuses.
pub async fn claim_messages(
    conn: &mut Conn,
    channel: Channel,
    now: Instant,
    until: Instant,
    limit: i64,
) -> Result<Vec<ClaimedMessage>> {
    let in_order = match channel {
        Channel::Mail => "",
        Channel::Platform => {
            " AND NOT EXISTS (SELECT 1 FROM outbox e WHERE e.account_id = o.account_id \
             AND e.channel = 'platform' AND e.state = 'waiting' AND (e.created_at < o.created_at \
             OR (e.created_at = o.created_at AND e.key < o.key)))"
        }
    };
    let sql = format!(
        "WITH due AS MATERIALIZED (SELECT o.account_id AS due_account, o.key AS due_key FROM outbox o \
         WHERE o.state = 'waiting' AND o.channel = $1 AND o.next_try_at <= $2{in_order} \
         ORDER BY o.next_try_at LIMIT $3{}) \
         UPDATE outbox SET next_try_at = $4, tries = tries + 1, problem = NULL FROM due \
         WHERE account_id = due_account AND key = due_key AND channel = $1 \
         RETURNING account_id, key, topic, payload, created_at, tries",
        dialect::SKIP_LOCKED_MESSAGES,
    );
    let rows: Vec<(i64, String, String, String, i64, i32)> =
        sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(channel.code())
            .bind(now.0)
            .bind(limit)
            .bind(until.0)
            .fetch_all(conn)
            .await?;
    let mut claimed: Vec<ClaimedMessage> = rows
        .into_iter()
        .map(
            |(account, key, topic, payload, created_at, tries)| ClaimedMessage {
                account: AccountId(account),
                key,
                topic,
                payload,
                created_at: Instant(created_at),
                tries,
            },
        )
        .collect();
    // An UPDATE returns its rows in any order.
    claimed
        .sort_by(|a, b| (a.created_at, a.account, &a.key).cmp(&(b.created_at, b.account, &b.key)));
    Ok(claimed)
}

/// Records that the other side has these. A payload that is a secret is not kept.
/// One that ended meanwhile stays as it is.
///
/// # Errors
/// When the database refuses.
pub async fn mark_delivered(
    conn: &mut Conn,
    channel: Channel,
    messages: &[&ClaimedMessage],
    now: Instant,
) -> Result<()> {
    for chunk in messages.chunks(ROWS_PER_INSERT) {
        let mut query =
            QueryBuilder::<Db>::new("UPDATE outbox SET state = 'delivered', ended_at = ");
        query.push_bind(now.0);
        query.push(", problem = NULL, payload = CASE WHEN topic IN (");
        let mut topics = query.separated(", ");
        for topic in Topic::ALL.into_iter().filter(|topic| topic.is_secret()) {
            topics.push_bind(topic.code());
        }
        query.push(") THEN '{}' ELSE payload END WHERE ended_at IS NULL AND channel = ");
        query.push_bind(channel.code());
        query.push(" AND (account_id, key) IN (");
        query.push_values(chunk, |mut values, message| {
            values
                .push_bind(message.account.0)
                .push_bind(message.key.as_str());
        });
        query.push(")");
        query.build().execute(&mut *conn).await?;
    }
    Ok(())
}

/// Records that a row ended without having been delivered, and why. A refused one
/// keeps its payload, to be tried again by a person. The lease has to be the
/// caller's.
///
/// # Errors
/// When the database refuses.
pub async fn end_message(
    conn: &mut Conn,
    channel: Channel,
    message: &ClaimedMessage,
    state: MessageState,
    problem: &str,
    now: Instant,
) -> Result<()> {
    let keeps_payload = match Topic::from_code(&message.topic) {
        Some(topic) => state == MessageState::Refused || !topic.is_secret(),
        None => true,
    };
    sqlx::query(
        "UPDATE outbox SET state = $5, problem = $6, ended_at = $7, \
         payload = CASE WHEN $8 = 1 THEN payload ELSE '{}' END \
         WHERE account_id = $1 AND key = $2 AND channel = $3 AND ended_at IS NULL AND tries = $4",
    )
    .bind(message.account.0)
    .bind(&message.key)
    .bind(channel.code())
    .bind(message.tries)
    .bind(state.code())
    .bind(problem)
    .bind(now.0)
    .bind(i64::from(keeps_payload))
    .execute(conn)
    .await?;
    Ok(())
}

/// Puts a row off until another try, and why. The lease has to be the caller's.
///
/// # Errors
/// When the database refuses.
pub async fn postpone_message(
    conn: &mut Conn,
    channel: Channel,
    message: &ClaimedMessage,
    until: Instant,
    problem: &str,
) -> Result<()> {
    sqlx::query(
        "UPDATE outbox SET next_try_at = $5, problem = $6 \
         WHERE account_id = $1 AND key = $2 AND channel = $3 AND ended_at IS NULL AND tries = $4",
    )
    .bind(message.account.0)
    .bind(&message.key)
    .bind(channel.code())
    .bind(message.tries)
    .bind(until.0)
    .bind(problem)
    .execute(conn)
    .await?;
    Ok(())
}

/// Gives rows back as if they had not been claimed: due at once, the try not
/// counted, and why. The lease has to be the caller's.
///
/// # Errors
/// When the database refuses.
pub async fn release_messages(
    conn: &mut Conn,
    channel: Channel,
    messages: &[&ClaimedMessage],
    problem: &str,
    now: Instant,
) -> Result<()> {
    for chunk in messages.chunks(ROWS_PER_INSERT) {
        let mut query =
            QueryBuilder::<Db>::new("UPDATE outbox SET tries = tries - 1, next_try_at = ");
        query.push_bind(now.0);
        query.push(", problem = ");
        query.push_bind(problem);
        query.push(" WHERE ended_at IS NULL AND channel = ");
        query.push_bind(channel.code());
        query.push(" AND (account_id, key, tries) IN (");
        query.push_values(chunk, |mut values, message| {
            values
                .push_bind(message.account.0)
                .push_bind(message.key.as_str())
                .push_bind(message.tries);
        });
        query.push(")");
        query.build().execute(&mut *conn).await?;
    }
    Ok(())
}

fn push_filter<'a>(query: &mut QueryBuilder<Db>, filter: MessageFilter<'a>) {
    if let Some(state) = filter.state {
        query.push(" AND o.state = ");
        query.push_bind(state.code());
    }
    if let Some(channel) = filter.channel {
        query.push(" AND o.channel = ");
        query.push_bind(channel.code());
    }
    if let Some(account) = filter.account {
        query.push(" AND o.account_id = ");
        query.push_bind(account.0);
    }
    if let Some(key) = filter.key {
        query.push(" AND o.key = ");
        query.push_bind(key.to_owned());
    }
}

/// The rows that pass, the oldest first, at most `limit`.
///
/// # Errors
/// When the database refuses or holds nonsense.
pub async fn list_messages(
    conn: &mut Conn,
    filter: MessageFilter<'_>,
    limit: i64,
) -> Result<Vec<ListedMessage>> {
    type Row = (
        String,
        String,
        String,
        String,
        String,
        i32,
        i64,
        i64,
        Option<i64>,
        Option<String>,
    );
    let mut query = QueryBuilder::<Db>::new(
        "SELECT a.external_id, o.key, o.channel, o.topic, o.state, o.tries, o.created_at, o.next_try_at, \
         o.ended_at, o.problem FROM outbox o JOIN account a ON a.id = o.account_id WHERE 1 = 1",
    );
    push_filter(&mut query, filter);
    query.push(" ORDER BY o.created_at, o.account_id, o.channel, o.key LIMIT ");
    query.push_bind(limit);
    let rows: Vec<Row> = query.build_query_as().fetch_all(conn).await?;
    rows.into_iter().map(listed_of).collect()
}

fn listed_of(
    (external_id, key, channel, topic, state, tries, created_at, next_try_at, ended_at, problem): (
        String,
        String,
        String,
        String,
        String,
        i32,
        i64,
        i64,
        Option<i64>,
        Option<String>,
    ),
) -> Result<ListedMessage> {
    Ok(ListedMessage {
        channel: Channel::from_code(&channel)
            .ok_or_else(|| at("outbox", "channel").refuse(&key, &channel))?,
        state: MessageState::from_code(&state)
            .ok_or_else(|| at("outbox", "state").refuse(&key, &state))?,
        external_id,
        key,
        topic,
        tries,
        created_at: Instant(created_at),
        next_try_at: Instant(next_try_at),
        ended_at: ended_at.map(Instant),
        problem,
    })
}

/// Makes rows due at once, with all their tries before them: those that were
/// refused, and those that wait after a failure, but none that someone is at. How
/// many. An order to the platform that was refused stays so where a later one of
/// its account is waiting or given: it would undo that.
///
/// # Errors
/// When the database refuses.
pub async fn retry_messages(
    conn: &mut Conn,
    filter: MessageFilter<'_>,
    now: Instant,
) -> Result<u64> {
    let mut query = QueryBuilder::<Db>::new(
        "UPDATE outbox SET state = 'waiting', tries = 0, ended_at = NULL, next_try_at = ",
    );
    query.push_bind(now.0);
    query.push(
        " WHERE (account_id, key, channel) IN (SELECT o.account_id, o.key, o.channel FROM outbox o \
         WHERE o.problem IS NOT NULL AND o.state IN ('waiting', 'refused') AND NOT (o.state = 'refused' \
         AND o.channel = 'platform' AND EXISTS (SELECT 1 FROM outbox e WHERE e.account_id = o.account_id \
         AND e.channel = 'platform' AND e.state IN ('waiting', 'delivered') AND e.created_at > o.created_at))",
    );
    push_filter(&mut query, filter);
    query.push(")");
    Ok(query.build().execute(conn).await?.rows_affected())
}

/// How many rows of a channel are due.
///
/// # Errors
/// When the database refuses.
pub async fn count_due_messages(conn: &mut Conn, channel: Channel, now: Instant) -> Result<i64> {
    Ok(sqlx::query_scalar(
        "SELECT COUNT(*) FROM outbox WHERE state = 'waiting' AND channel = $1 AND next_try_at <= $2",
    )
    .bind(channel.code())
    .bind(now.0)
    .fetch_one(conn)
    .await?)
}
