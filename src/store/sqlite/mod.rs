//! SQLite: the default, no server.

pub mod bank;
pub mod dialect;
#[path = "../queries/mod.rs"]
pub mod queries;

pub type Db = sqlx::Sqlite;
