//! PostgreSQL: production, several workers on several hosts.

pub mod dialect;
mod copy;
#[path = "../queries/mod.rs"]
pub mod queries;

pub type Db = sqlx::Postgres;
