//! What stands in a database while another process works on it.

use sqlx::{Connection as _, Executor as _, PgConnection, SqliteConnection};
use tokio::runtime::Runtime;

/// A connection beside those of the binary.
pub struct Watch {
    runtime: Runtime,
    conn: Conn,
}

enum Conn {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

const POSTGRES_WAITING: &str =
    "SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
/// Connections of processes that are dead may still be there.
const POSTGRES_OTHERS: &str = "SELECT COUNT(*) FROM pg_stat_activity \
     WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
const POSTGRES_WRITERS: &str = "SELECT COUNT(*) FROM pg_stat_activity \
     WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid()";

impl Watch {
    pub fn on(url: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let conn = runtime.block_on(async {
            if url.starts_with("sqlite:") {
                Conn::Sqlite(SqliteConnection::connect(url).await.unwrap())
            } else {
                Conn::Postgres(PgConnection::connect(url).await.unwrap())
            }
        });
        Self { runtime, conn }
    }

    pub fn count(&mut self, query: &'static str) -> i64 {
        let Self { runtime, conn } = self;
        runtime.block_on(async {
            let row: (i64,) = match conn {
                Conn::Sqlite(conn) => sqlx::query_as(query).fetch_one(conn).await.unwrap(),
                Conn::Postgres(conn) => sqlx::query_as(query).fetch_one(conn).await.unwrap(),
            };
            row.0
        })
    }

    /// The texts that a query of one column gives, in its order.
    pub fn texts(&mut self, query: &'static str) -> Vec<String> {
        let Self { runtime, conn } = self;
        runtime.block_on(async {
            match conn {
                Conn::Sqlite(conn) => sqlx::query_scalar(query).fetch_all(conn).await.unwrap(),
                Conn::Postgres(conn) => sqlx::query_scalar(query).fetch_all(conn).await.unwrap(),
            }
        })
    }

    /// Every row of a table as text, one a line; bytes as they are written.
    pub fn rows_as_text(&mut self, table: &str) -> String {
        self.rows_where(table, "1 = 1")
    }

    /// Those of them for which a condition holds.
    pub fn rows_where(&mut self, table: &str, condition: &str) -> String {
        let Self { runtime, conn } = self;
        let lines: Vec<String> = runtime.block_on(async {
            match conn {
                Conn::Sqlite(conn) => {
                    let columns: Vec<String> =
                        sqlx::query_scalar("SELECT name FROM pragma_table_info($1)")
                            .bind(table)
                            .fetch_all(&mut *conn)
                            .await
                            .unwrap();
                    let columns: Vec<String> = columns
                        .iter()
                        .map(|name| format!("quote({name})"))
                        .collect();
                    let query = format!(
                        "SELECT {} FROM {table} WHERE {condition}",
                        columns.join(" || ',' || ")
                    );
                    let query = sqlx::query_scalar(sqlx::AssertSqlSafe(query));
                    query.fetch_all(conn).await.unwrap()
                }
                Conn::Postgres(conn) => {
                    let query =
                        format!("SELECT CAST(t.* AS TEXT) FROM {table} t WHERE {condition}");
                    let query = sqlx::query_scalar(sqlx::AssertSqlSafe(query));
                    query.fetch_all(conn).await.unwrap()
                }
            }
        });
        lines.join("\n")
    }

    /// Whether another process has a transaction that has written.
    pub fn is_written_to(&mut self) -> bool {
        if let Conn::Postgres(_) = self.conn {
            return self.count(POSTGRES_WRITERS) > 0;
        }
        let Self { runtime, conn } = self;
        let Conn::Sqlite(conn) = conn else {
            return false;
        };
        runtime.block_on(async {
            // Told at once, instead of waiting for the other.
            conn.execute("PRAGMA busy_timeout = 0").await.unwrap();
            let begun = conn.execute("BEGIN IMMEDIATE").await;
            if begun.is_ok() {
                conn.execute("ROLLBACK").await.unwrap();
            }
            conn.execute("PRAGMA busy_timeout = 5000").await.unwrap();
            begun.is_err_and(|error| {
                assert!(error.to_string().contains("locked"), "{error}");
                true
            })
        })
    }

    /// Runs a statement; what `BEGIN` begins stays open until it ends it.
    pub fn execute(&mut self, statement: &str) {
        let Self { runtime, conn } = self;
        runtime.block_on(async {
            let statement = sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned()));
            match conn {
                Conn::Sqlite(conn) => conn.execute(statement).await.map(drop).unwrap(),
                Conn::Postgres(conn) => conn.execute(statement).await.map(drop).unwrap(),
            }
        });
    }

    /// Holds an account's money, until the transaction ends.
    pub fn hold_account(&mut self, external_id: &str) {
        match self.conn {
            Conn::Sqlite(_) => self.execute("BEGIN IMMEDIATE"),
            Conn::Postgres(_) => self.execute(&format!(
                "BEGIN; SELECT id FROM account WHERE external_id = '{external_id}' FOR NO KEY UPDATE"
            )),
        }
    }

    /// Whether a process waits for a lock; SQLite does not tell.
    pub fn someone_waits(&mut self) -> bool {
        self.so_many_wait(1)
    }

    /// Whether so many processes wait for a lock; SQLite does not tell. PostgreSQL tells
    /// what others do once a transaction.
    pub fn so_many_wait(&mut self, many: i64) -> bool {
        match self.conn {
            Conn::Sqlite(_) => true,
            Conn::Postgres(_) => self.count(POSTGRES_WAITING) >= many,
        }
    }

    /// Waits until the connections of dead processes are gone: PostgreSQL ends
    /// them when it notices.
    pub fn until_alone(&mut self) {
        if let Conn::Postgres(_) = self.conn {
            while self.count(POSTGRES_OTHERS) > 0 {
                std::thread::yield_now();
            }
        }
    }
}
