//! Connections that look up what one account has. A request of the account API does
//! little else, so that what stands around its statements would be most of its work: a
//! transaction, and asking the connection before and after whether it is still there.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use deadpool::managed::{Manager, Metrics, Object, Pool, PoolError, RecycleError, RecycleResult};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};

/// More would only wait for the database's cores: a lookup takes it a fraction of a
/// millisecond.
const CONNECTIONS_MAX: usize = 8;
/// A connection that was used a moment ago is there.
const ASK_AFTER: Duration = Duration::from_secs(1);
/// What is asked is about one account, by a key: its plan is the same each time, so it is
/// kept, and it finds a few rows by an index. Left to choose, PostgreSQL plans anew each
/// time, or prepares to read whole tables.
const KEEP_PLANS: &str = "SET plan_cache_mode = 'force_generic_plan'; SET enable_seqscan = 'off'; \
     SET enable_bitmapscan = 'off'; SET default_transaction_read_only = 'on'";

#[derive(Clone)]
pub struct Lookups(Pool<Opener>);

impl Lookups {
    /// Connections that are opened when they are needed.
    ///
    /// # Errors
    /// Never: no limit in time is set that would need a runtime.
    pub fn new(options: PgConnectOptions) -> sqlx::Result<Self> {
        let pool = Pool::builder(Opener(options)).max_size(CONNECTIONS_MAX);
        let pool = pool.build();
        pool.map(Self)
            .map_err(|error| sqlx::Error::Configuration(error.into()))
    }

    /// A connection, in no transaction.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn get(&self) -> sqlx::Result<Lookup> {
        let mut kept = self.0.get().await.map_err(|error| match error {
            PoolError::Backend(error) => error,
            PoolError::Closed => sqlx::Error::PoolClosed,
            other => sqlx::Error::Configuration(other.into()),
        })?;
        kept.is_in_use = true;
        Ok(Lookup(kept))
    }

    /// Closes those that nobody uses, and the others once they are given back.
    pub fn close(&self) {
        self.0.close();
    }
}

/// A connection in use. It is given back by [`Lookup::done`]; one that is dropped on the
/// way may have an answer coming, and nobody gets it again.
pub struct Lookup(Object<Opener>);

impl Lookup {
    pub fn done(mut self) {
        self.0.is_in_use = false;
    }
}

impl Deref for Lookup {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.0.conn
    }
}

impl DerefMut for Lookup {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.0.conn
    }
}

struct Opener(PgConnectOptions);

struct Kept {
    conn: PgConnection,
    is_in_use: bool,
}

impl Manager for Opener {
    type Type = Kept;
    type Error = sqlx::Error;

    async fn create(&self) -> sqlx::Result<Kept> {
        let mut conn = self.0.connect().await?;
        conn.execute(KEEP_PLANS).await?;
        Ok(Kept {
            conn,
            is_in_use: false,
        })
    }

    async fn recycle(&self, kept: &mut Kept, metrics: &Metrics) -> RecycleResult<sqlx::Error> {
        if kept.is_in_use {
            return Err(RecycleError::message("dropped in the middle of a lookup"));
        }
        if metrics.last_used() >= ASK_AFTER {
            kept.conn.ping().await?;
        }
        Ok(())
    }
}
