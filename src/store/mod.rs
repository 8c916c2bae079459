//! SQL, and nothing else. `queries/` is written once in the common SQL of both
//! databases and compiled twice, against PostgreSQL and against SQLite; the
//! `dialect` of each backend holds only what truly differs: open, begin, claim,
//! bulk writes. The enums here pick the backend at start, from the URL.

mod error;
pub mod postgres;
pub mod rows;
pub mod sqlite;

use std::time::Duration;

use crate::pace::Pace;

pub use error::StoreError;

/// An open database.
#[derive(Clone)]
pub struct Store {
    pools: Pools,
    pace: Pace,
}

#[derive(Clone)]
enum Pools {
    Postgres(postgres::dialect::Pools),
    Sqlite(sqlite::dialect::Pools),
}

/// What becomes of a SQLite file that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfMissing {
    Create,
    Refuse,
}

/// A transaction on either database.
pub enum Tx {
    Postgres(postgres::dialect::Tx),
    Sqlite(sqlite::dialect::Tx),
}

/// Runs one expression against the backend of a [`Tx`]: `$conn` names its
/// connection, `$queries` the queries compiled for it.
#[macro_export]
macro_rules! on {
    ($tx:expr, $conn:ident, $queries:ident => $call:expr) => {
        match $tx {
            $crate::store::Tx::Postgres(tx) => {
                #[allow(unused_imports)]
                use $crate::store::postgres::queries as $queries;
                let $conn: &mut $queries::Conn = &mut *tx;
                $call
            }
            $crate::store::Tx::Sqlite(tx) => {
                #[allow(unused_imports)]
                use $crate::store::sqlite::queries as $queries;
                let $conn: &mut $queries::Conn = &mut *tx;
                $call
            }
        }
    };
}

impl Store {
    /// Opens the database of a URL, `sqlite:FILE` or `postgres://...`, and
    /// brings its schema up to date.
    ///
    /// # Errors
    /// When the URL names neither, or the database cannot be opened; a SQLite
    /// file that is not there is no mistyped name only where it may be created.
    pub async fn open(url: &str, if_missing: IfMissing) -> Result<Self, StoreError> {
        let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
        let pools = match scheme {
            "postgres" | "postgresql" => Pools::Postgres(postgres::dialect::open(url).await?),
            "sqlite" => Pools::Sqlite(sqlite::dialect::open(url, if_missing).await?),
            _ => return Err(StoreError::UnknownUrl),
        };
        Ok(Self {
            pools,
            pace: Pace::Free,
        })
    }

    /// The same database, its transactions at a pace.
    #[must_use]
    pub fn at_pace(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }

    /// How the moves on it follow each other.
    #[must_use]
    pub const fn pace(&self) -> &Pace {
        &self.pace
    }

    /// Begins a transaction that writes. SQLite has one at a time.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        self.pace.turn().await;
        Ok(match &self.pools {
            Pools::Postgres(pools) => Tx::Postgres(postgres::dialect::begin(pools).await?),
            Pools::Sqlite(pools) => Tx::Sqlite(sqlite::dialect::begin(pools).await?),
        })
    }

    /// Begins a transaction that only reads, one snapshot for all its queries.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn snapshot(&self) -> Result<Tx, StoreError> {
        self.pace.turn().await;
        Ok(match &self.pools {
            Pools::Postgres(pools) => Tx::Postgres(postgres::dialect::snapshot(pools).await?),
            Pools::Sqlite(pools) => Tx::Sqlite(sqlite::dialect::snapshot(pools).await?),
        })
    }

    /// Looks up what one account or key has: by its key, in one statement, or in several that
    /// need not agree with each other. On PostgreSQL no transaction stands around them,
    /// which is as much again as the statement itself.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn lookup(&self) -> Result<Tx, StoreError> {
        self.pace.turn().await;
        Ok(match &self.pools {
            Pools::Postgres(pools) => Tx::Postgres(postgres::dialect::lookup(pools).await?),
            Pools::Sqlite(pools) => Tx::Sqlite(sqlite::dialect::snapshot(pools).await?),
        })
    }

    /// A snapshot for somebody who does not wait longer: what the database was asked ends
    /// then too, and gives its connection back.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn snapshot_within(&self, within: Duration) -> Result<Tx, StoreError> {
        let mut tx = self.snapshot().await?;
        on!(&mut tx, conn, q => q::limit_statements(conn, within).await)?;
        Ok(tx)
    }

    /// Lets the database settle after a large import: statistics, log.
    ///
    /// # Errors
    /// When the database refuses; the import stands.
    pub async fn settle_after_import(&self) -> Result<(), StoreError> {
        match &self.pools {
            Pools::Postgres(pools) => postgres::dialect::settle_after_import(pools).await?,
            Pools::Sqlite(pools) => sqlite::dialect::settle_after_import(pools).await?,
        }
        Ok(())
    }

    /// Closes every connection; SQLite folds its log back into the file.
    pub async fn close(self) {
        match self.pools {
            Pools::Postgres(pools) => pools.close().await,
            Pools::Sqlite(pools) => pools.close().await,
        }
    }

    /// Whether the database is SQLite: one writer, readers beside it.
    #[must_use]
    pub const fn has_single_writer(&self) -> bool {
        matches!(self.pools, Pools::Sqlite(_))
    }
}

impl Tx {
    /// # Errors
    /// When the database refuses the commit; nothing is written then.
    pub async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Postgres(tx) => tx.commit().await?,
            Self::Sqlite(tx) => tx.commit().await?,
        }
        Ok(())
    }

    /// # Errors
    /// When the connection is lost; nothing is written then either.
    pub async fn rollback(self) -> Result<(), StoreError> {
        match self {
            Self::Postgres(tx) => tx.rollback().await?,
            Self::Sqlite(tx) => tx.rollback().await?,
        }
        Ok(())
    }
}
