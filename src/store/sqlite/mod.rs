//! SQLite: the default, no server.

pub mod bulk;
pub mod dialect;
#[path = "../queries/mod.rs"]
pub mod queries;

pub type Db = sqlx::Sqlite;
