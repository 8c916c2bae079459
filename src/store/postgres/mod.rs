//! PostgreSQL: production, several workers on several hosts.

pub mod bulk;
mod copy;
pub mod dialect;
mod lookup;
#[path = "../queries/mod.rs"]
pub mod queries;

pub type Db = sqlx::Postgres;
