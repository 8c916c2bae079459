//! A customer asks for its account to be deleted, and is mailed a link that works
//! once; or it takes that back.

use serde_json::json;

use super::DeletionError;
use crate::domain::calendar::Instant;
use crate::domain::deletion::{DeletionState, Way, decide};
use crate::domain::ids::AccountId;
use crate::domain::notice::{OrderTopic, Topic};
use crate::engine::dunning::restore_paid;
use crate::engine::run::Engine;
use crate::on;
use crate::store::Tx;
use crate::store::rows::{ByPerson, LinkPurpose, NewOrder};

/// The mail that a link goes with.
pub(super) const LINK_TOPIC: Topic = Topic::DeletionConfirmation;

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// Counted from 1 per account.
    pub no: i64,
    /// Until when the link that was mailed works.
    pub link_until: Instant,
    /// What confirming it leads to.
    pub way: Way,
}

impl Engine {
    /// Asks for an account to be deleted: a link that confirms it is mailed. Asked
    /// again, the link before works no more.
    ///
    /// # Errors
    /// [`DeletionError::Refused`] with every reason that keeps it from leaving; or
    /// when it is on its way out already, nobody can be mailed, or the database
    /// refuses.
    pub async fn ask_deletion(
        &self,
        account: AccountId,
        gives_up_credit: bool,
        by: ByPerson<'_>,
    ) -> Result<Asked, DeletionError> {
        if self.config.mail.is_none() {
            return Err(DeletionError::NoMail);
        }
        let now = self.clock.now();
        let drawn = self.draw_link(LinkPurpose::Deletion, self.config.deletion.link)?;
        let link = drawn.link;
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        let latest = on!(&mut tx, conn, q => q::latest_deletion(conn, account).await)?;
        let open = latest.filter(|latest| latest.state != DeletionState::Withdrawn);
        if let Some(open) = &open
            && open.state != DeletionState::Asked
        {
            return Err(DeletionError::Already(open.state));
        }
        let facts = self
            .leaving_facts(&mut tx, account, gives_up_credit)
            .await?;
        let way = decide(&facts).map_err(DeletionError::Refused)?;
        let no = match open {
            Some(open) => {
                on!(&mut tx, conn, q => q::forget_links(conn, account, LINK_TOPIC, now).await)?;
                on!(&mut tx, conn, q => {
                    q::replace_link(conn, account, open.no, link, gives_up_credit).await
                })?;
                open.no
            }
            None => on!(&mut tx, conn, q => {
                q::insert_asked_deletion(conn, account, link, gives_up_credit, now).await
            })?,
        };
        let notice = drawn.notice(account, LINK_TOPIC, &no.to_string());
        on!(&mut tx, conn, q => q::insert_notices(conn, &[notice], now).await)?;
        let subject = if gives_up_credit {
            format!("deletion {no}, credit given up")
        } else {
            format!("deletion {no}")
        };
        on!(&mut tx, conn, q => {
            q::write_audit(conn, account, by, "deletion_asked", now, Some(&subject), None).await
        })?;
        tx.commit().await?;
        Ok(Asked {
            no,
            link_until: link.until,
            way,
        })
    }

    /// Takes a request back that is not confirmed, or that still waits for what is
    /// owed. What was billed stays billed. Where it stood.
    ///
    /// # Errors
    /// When nobody asked, or its data is being deleted.
    pub async fn withdraw_deletion(
        &self,
        account: AccountId,
        by: ByPerson<'_>,
    ) -> Result<DeletionState, DeletionError> {
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        let latest = on!(&mut tx, conn, q => q::latest_deletion(conn, account).await)?;
        let deletion = latest.ok_or(DeletionError::NotAsked)?;
        match deletion.state {
            DeletionState::Withdrawn => return Err(DeletionError::NotAsked),
            DeletionState::Erasing | DeletionState::Done => return Err(DeletionError::TooLate),
            DeletionState::Asked | DeletionState::Settling => {}
        }
        on!(&mut tx, conn, q => q::withdraw_deletion(conn, account, now).await)?;
        on!(&mut tx, conn, q => q::forget_links(conn, account, LINK_TOPIC, now).await)?;
        if deletion.state == DeletionState::Settling {
            reactivate(&mut tx, account, deletion.no, now).await?;
        }
        let subject = format!("deletion {}", deletion.no);
        on!(&mut tx, conn, q => {
            q::write_audit(conn, account, by, "deletion_withdrawn", now, Some(&subject), None).await
        })?;
        tx.commit().await?;
        Ok(deletion.state)
    }
}

/// Lets an account go on that was stopped when its deletion was confirmed: unless
/// it is suspended for another reason, or its payment ends that now.
async fn reactivate(
    tx: &mut Tx,
    account: AccountId,
    no: i64,
    now: Instant,
) -> Result<(), DeletionError> {
    let was_suspended = on!(&mut *tx, conn, q => q::is_suspended(conn, account).await)?;
    if was_suspended {
        restore_paid(tx, &[account], now).await?;
        return Ok(());
    }
    let order = NewOrder {
        account,
        key: format!("reactivate:{no}"),
        topic: OrderTopic::Resume,
        payload: json!({}).to_string(),
    };
    on!(&mut *tx, conn, q => q::insert_orders(conn, &[order], now).await)?;
    Ok(())
}
