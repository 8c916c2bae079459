//! What is to be told, written beside what it tells.

use sqlx::QueryBuilder;

use super::{Conn, Db, ROWS_PER_INSERT, Result};
use crate::domain::calendar::Instant;
use crate::domain::ids::AccountId;
use crate::store::rows::{Channel, NewNotice, NewOrder};

/// A row of the outbox, whichever channel it goes through.
struct Message<'a> {
    account: AccountId,
    key: &'a str,
    topic: &'a str,
    payload: &'a str,
}

/// Writes notices; one that is there already is told once.
///
/// # Errors
/// When the database refuses.
pub async fn insert_notices(conn: &mut Conn, notices: &[NewNotice], at: Instant) -> Result<()> {
    let messages = notices.iter().map(|notice| Message {
        account: notice.account,
        key: &notice.key,
        topic: notice.topic,
        payload: &notice.payload,
    });
    insert(conn, Channel::Mail, messages.collect(), at).await
}

/// Writes orders to the platform; one that is there already is given once.
///
/// # Errors
/// When the database refuses.
pub async fn insert_orders(conn: &mut Conn, orders: &[NewOrder], at: Instant) -> Result<()> {
    let messages = orders.iter().map(|order| Message {
        account: order.account,
        key: &order.key,
        topic: order.topic,
        payload: &order.payload,
    });
    insert(conn, Channel::Platform, messages.collect(), at).await
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
                .push_bind(at.0)
                .push_bind("waiting")
                .push_bind(at.0);
        });
        query.push(" ON CONFLICT (account_id, key, channel) DO NOTHING");
        query.build().execute(&mut *conn).await?;
    }
    Ok(())
}
