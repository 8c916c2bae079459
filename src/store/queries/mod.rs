//! Every ordinary query, written once and compiled per backend: `super::Db` is
//! PostgreSQL or SQLite, `super::dialect` what truly differs.

mod access;
mod account;
mod account_event;
mod accountant;
mod allowance;
mod attempt;
mod bank;
mod bank_fact;
mod budget;
mod card;
mod catalog;
mod contract;
mod credential;
mod customer;
mod decode;
mod deletion;
mod desk;
mod dispute;
mod dunning;
mod erasure;
mod event;
mod factor;
mod figures;
mod invoice;
mod late;
mod leaving;
mod ledger;
mod letter;
mod mandate;
mod method;
mod number;
mod open_invoice;
mod operator;
mod outbox;
mod outcome;
mod overview;
mod payment;
mod profile;
mod purchase;
mod refund;
mod run;
mod schema;
mod sepa;
mod sepa_batch;
mod settings;
mod settle;
mod usage;
mod verify;
mod verify_bank;
mod verify_deletion;
mod verify_dispute;
mod verify_ledger;
mod verify_open;
mod verify_sepa;

pub use access::*;
pub use account::*;
pub use account_event::*;
pub use accountant::*;
pub use allowance::*;
pub use attempt::*;
pub use bank::*;
pub use bank_fact::*;
pub use budget::*;
pub use card::*;
pub use catalog::*;
pub use contract::*;
pub use credential::*;
pub use customer::*;
pub use deletion::*;
pub use desk::*;
pub use dispute::*;
pub use dunning::*;
pub use erasure::*;
pub use event::*;
pub use factor::*;
pub use figures::*;
pub use invoice::*;
pub use late::*;
pub use leaving::*;
pub use ledger::*;
pub use letter::*;
pub use mandate::*;
pub use method::*;
pub use number::*;
pub use open_invoice::*;
pub use operator::*;
pub use outbox::*;
pub use overview::*;
pub use payment::*;
pub use purchase::*;
pub use refund::*;
pub use run::*;
pub use schema::*;
pub use sepa::*;
pub use sepa_batch::*;
pub use settings::*;
pub use settle::*;
pub use usage::*;
pub use verify::*;
pub use verify_bank::*;
pub use verify_deletion::*;
pub use verify_dispute::*;
pub use verify_ledger::*;
pub use verify_open::*;
pub use verify_sepa::*;

use crate::domain::calendar::PeriodKey;
use crate::domain::ids::IssuerId;
use crate::domain::invoice::LineKind;
use crate::store::StoreError;

pub(super) use super::{Db, bulk, dialect};

/// A connection of this backend.
pub type Conn = <Db as sqlx::Database>::Connection;

type Result<T> = std::result::Result<T, StoreError>;

/// Rows of one multi-row INSERT: large enough to pay, far below every limit of
/// parameters.
const ROWS_PER_INSERT: usize = 500;

/// What the invoices of one batch share.
#[derive(Debug, Clone)]
pub struct BatchHead<'a> {
    pub period: PeriodKey,
    pub series: &'a str,
    pub year: i32,
    pub issued_on: chrono::NaiveDate,
    pub due_on: chrono::NaiveDate,
    pub issuer: IssuerId,
}

/// How a line's kind is stored.
#[must_use]
pub const fn line_kind_code(kind: LineKind) -> i16 {
    match kind {
        LineKind::Usage => 1,
        LineKind::LateUsage => 2,
        LineKind::FreeTrial => 3,
        LineKind::Discount => 4,
        LineKind::Voucher => 5,
    }
}

/// Holds imports off until the end of the transaction, where needed.
///
/// # Errors
/// When the database refuses.
pub async fn close_gate(conn: &mut Conn) -> Result<()> {
    Ok(dialect::close_gate(conn).await?)
}

/// What every import raises; see the migration.
///
/// # Errors
/// When the database refuses.
pub async fn generation(conn: &mut Conn) -> Result<i64> {
    Ok(
        sqlx::query_scalar("SELECT generation FROM billing_gate WHERE id = 1")
            .fetch_one(conn)
            .await?,
    )
}

/// Raises the generation; imports queue here until the end of the transaction.
///
/// # Errors
/// When the database refuses.
pub async fn raise_generation(conn: &mut Conn) -> Result<()> {
    sqlx::query("UPDATE billing_gate SET generation = generation + 1 WHERE id = 1")
        .execute(conn)
        .await?;
    Ok(())
}

/// Prepares a connection for an import of millions of rows.
///
/// # Errors
/// When the database refuses.
pub async fn begin_bulk_import(conn: &mut Conn) -> Result<()> {
    Ok(dialect::begin_bulk_import(conn).await?)
}

/// Waits for an import under way and holds others off: for a writer that takes
/// a key of [`next_id`] without raising the generation.
///
/// # Errors
/// When the database refuses.
pub async fn hold_gate(conn: &mut Conn) -> Result<()> {
    sqlx::query(dialect::HOLD_GATE).execute(conn).await?;
    Ok(())
}

/// The next free key of a table whose writers hold the gate.
///
/// # Errors
/// When the database refuses.
pub async fn next_id(conn: &mut Conn, table: KeyedTable) -> Result<i64> {
    let sql = match table {
        KeyedTable::Account => "SELECT COALESCE(MAX(id), 0) + 1 FROM account",
        KeyedTable::Sku => "SELECT COALESCE(MAX(id), 0) + 1 FROM sku",
        KeyedTable::Price => "SELECT COALESCE(MAX(id), 0) + 1 FROM price",
        KeyedTable::Late => "SELECT COALESCE(MAX(id), 0) + 1 FROM usage_late",
        KeyedTable::Allowance => "SELECT COALESCE(MAX(id), 0) + 1 FROM allowance",
        KeyedTable::Issuer => "SELECT COALESCE(MAX(id), 0) + 1 FROM issuer",
    };
    Ok(sqlx::query_scalar(sql).fetch_one(conn).await?)
}

/// The tables that [`next_id`] counts.
#[derive(Debug, Clone, Copy)]
pub enum KeyedTable {
    Account,
    Sku,
    Price,
    Late,
    Allowance,
    Issuer,
}
