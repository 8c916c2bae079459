//! What can go wrong between the house and its database.

/// An error of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the database URL must start with sqlite: or postgres://")]
    UnknownUrl,
    #[error("the database {database} cannot be opened")]
    Open {
        /// Its URL, without a password.
        database: String,
        source: sqlx::Error,
    },
    #[error("there is no database {0}: `quittance import` creates one")]
    Missing(String),
    #[error("the database schema cannot be brought up to date: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    #[error("the database refused: {0}")]
    Database(#[from] sqlx::Error),
    #[error("another transaction took {0} first")]
    Raced(&'static str),
    /// A stored value that the code never writes: someone edited the database,
    /// or a newer version wrote it. Never skipped.
    #[error("{table}.{column} holds {value:?} at {row}: no version of Quittance writes that")]
    Inconsistent {
        table: &'static str,
        column: &'static str,
        row: String,
        value: String,
    },
}

impl StoreError {
    /// Whether another transaction got there first, so that trying again may
    /// find its work done: an outcome that stands already, deadlocks,
    /// serialization failures, a busy SQLite. Any other violated key is a
    /// defect, and trying again would hide it.
    #[must_use]
    pub fn is_race(&self) -> bool {
        match self {
            Self::Raced(_) => true,
            Self::Database(sqlx::Error::Database(error)) => {
                let settled =
                    error.is_unique_violation() && error.message().contains("period_outcome");
                let code = error.code();
                settled || matches!(code.as_deref(), Some("40001" | "40P01" | "5" | "517"))
            }
            _ => false,
        }
    }

    /// Whether a unique key was violated.
    #[must_use]
    pub fn is_unique_violation(&self) -> bool {
        matches!(self, Self::Database(sqlx::Error::Database(error)) if error.is_unique_violation())
    }
}
