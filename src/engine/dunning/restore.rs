//! Who paid is restored at once, in the transaction that books the payment.

use serde_json::json;

use crate::domain::calendar::Instant;
use crate::domain::ids::AccountId;
use crate::domain::notice::{OrderTopic, Topic};
use crate::on;
use crate::store::rows::{NewNotice, NewOrder, Suspension, SuspensionCause};
use crate::store::{StoreError, Tx};

/// Restores those of these accounts that owe nothing any more of the invoice they
/// are suspended for. The caller holds them, and has booked what it books.
pub(in crate::engine) async fn restore_paid(
    tx: &mut Tx,
    accounts: &[AccountId],
    now: Instant,
) -> Result<(), StoreError> {
    let suspended = on!(&mut *tx, conn, q => q::suspended_for_debt(conn, accounts).await)?;
    for suspension in suspended {
        let SuspensionCause::Unpaid(invoice) = suspension.cause else {
            continue;
        };
        let debt = on!(&mut *tx, conn, q => q::debt_of(conn, invoice).await)?;
        // The data of an account on its way out is not brought back.
        let is_leaving = on!(&mut *tx, conn, q => q::is_leaving(conn, suspension.account).await)?;
        if debt.allocated_minor >= debt.total_minor && !is_leaving {
            end(tx, &suspension, now).await?;
        }
    }
    Ok(())
}

/// Ends a suspension, and tells of it. The platform is told once no other
/// suspension is left.
pub(super) async fn end(
    tx: &mut Tx,
    suspension: &Suspension,
    now: Instant,
) -> Result<(), StoreError> {
    let (account, no) = (suspension.account, suspension.no);
    on!(&mut *tx, conn, q => q::end_suspension(conn, account, no, now).await)?;
    if on!(&mut *tx, conn, q => q::is_suspended(conn, account).await)? {
        return Ok(());
    }
    let notice = NewNotice {
        account,
        key: format!("restored:{no}"),
        topic: Topic::Restored,
        payload: json!({}).to_string(),
    };
    on!(&mut *tx, conn, q => q::insert_notices(conn, &[notice], now).await)?;
    let order = NewOrder {
        account,
        key: format!("resume:{no}"),
        topic: OrderTopic::Resume,
        payload: json!({}).to_string(),
    };
    on!(&mut *tx, conn, q => q::insert_orders(conn, &[order], now).await)?;
    Ok(())
}
