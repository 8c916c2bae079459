//! What the database's schema is made of.

use std::time::Duration;

use super::{Conn, Result, dialect};

/// Whether the migrations that were applied are those that this program knows, no
/// fewer, no more and no others.
///
/// # Errors
/// When the database refuses.
pub async fn has_known_schema(conn: &mut Conn) -> Result<bool> {
    let applied: Vec<(i64, Vec<u8>, bool)> =
        sqlx::query_as("SELECT version, checksum, success FROM _sqlx_migrations ORDER BY version")
            .fetch_all(conn)
            .await?;
    let known = dialect::MIGRATOR.iter();
    let known = known.map(|migration| (migration.version, &migration.checksum[..], true));
    let applied = applied.iter();
    Ok(known.eq(applied.map(|(version, checksum, is_whole)| (*version, &checksum[..], *is_whole))))
}

/// Ends every statement of the transaction that takes longer, where a statement may
/// have to wait.
///
/// # Errors
/// When the database refuses.
pub async fn limit_statements(conn: &mut Conn, within: Duration) -> Result<()> {
    Ok(dialect::limit_statements(conn, within).await?)
}
