//! What is to be told, written beside what it tells.

use sqlx::QueryBuilder;

use super::{Conn, Db, ROWS_PER_INSERT, Result};
use crate::domain::calendar::Instant;
use crate::store::rows::NewNotice;

/// Writes notices; one that is there already is told once.
///
/// # Errors
/// When the database refuses.
pub async fn insert_notices(conn: &mut Conn, notices: &[NewNotice], at: Instant) -> Result<()> {
    for chunk in notices.chunks(ROWS_PER_INSERT) {
        let mut query = QueryBuilder::<Db>::new(
            "INSERT INTO outbox (account_id, key, topic, payload, created_at) ",
        );
        query.push_values(chunk, |mut values, notice| {
            values
                .push_bind(notice.account.0)
                .push_bind(&notice.key)
                .push_bind(notice.topic)
                .push_bind(&notice.payload)
                .push_bind(at.0);
        });
        query.push(" ON CONFLICT (account_id, key) DO NOTHING");
        query.build().execute(&mut *conn).await?;
    }
    Ok(())
}
