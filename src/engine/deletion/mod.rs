//! An account on its way out: the platform removes one thing after the other, and
//! says of each that it is done.

use serde_json::json;

use crate::domain::account::DeletionStep;
use crate::domain::calendar::Instant;
use crate::domain::ids::AccountId;
use crate::domain::notice::{DeletionCause, OrderTopic, Topic};
use crate::on;
use crate::store::rows::{NewNotice, NewOrder};
use crate::store::{StoreError, Tx};

/// Begins to delete an account that did not pay. What its customer asked for
/// before is overtaken by it. The caller holds the account.
pub(in crate::engine) async fn begin_for_debt(
    tx: &mut Tx,
    account: AccountId,
    now: Instant,
) -> Result<(), StoreError> {
    on!(&mut *tx, conn, q => q::withdraw_deletion(conn, account, now).await)?;
    let cause = DeletionCause::Unpaid;
    let no = on!(&mut *tx, conn, q => q::begin_deletion(conn, account, cause, now).await)?;
    begin_erasing(tx, account, no, cause, now).await
}

/// Asks the platform for the first step of a deletion.
async fn begin_erasing(
    tx: &mut Tx,
    account: AccountId,
    no: i64,
    cause: DeletionCause,
    now: Instant,
) -> Result<(), StoreError> {
    on!(&mut *tx, conn, q => q::insert_deletion_steps(conn, account, no).await)?;
    let notice = NewNotice {
        account,
        key: format!("deletion_begun:{no}"),
        topic: Topic::DeletionBegun,
        payload: json!({ "cause": cause.code() }).to_string(),
    };
    on!(&mut *tx, conn, q => q::insert_notices(conn, &[notice], now).await)?;
    ask(tx, account, no, DeletionStep::ALL[0], now).await
}

/// Asks the platform for a step.
async fn ask(
    tx: &mut Tx,
    account: AccountId,
    no: i64,
    step: DeletionStep,
    now: Instant,
) -> Result<(), StoreError> {
    on!(&mut *tx, conn, q => q::mark_step_asked(conn, account, no, step, now).await)?;
    let order = NewOrder {
        account,
        key: format!("deletion:{no}:{}", step.code()),
        topic: OrderTopic::DeletionStep,
        payload: json!({ "deletion": no, "step": step.code() }).to_string(),
    };
    on!(&mut *tx, conn, q => q::insert_orders(conn, &[order], now).await)
}
