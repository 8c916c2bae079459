//! Contacts about the health data that apps host, and when they are looked at again.

use serde_json::json;

use crate::domain::access::AccountEvent;
use crate::domain::hds::{HdsContactAsked, is_up_to_date, review_before};
use crate::domain::ids::AccountId;
use crate::domain::notice::Topic;
use crate::engine::access::AccessError;
use crate::engine::access::event::Deed;
use crate::engine::run::Engine;
use crate::on;
use crate::store::StoreError;
use crate::store::rows::{ByPerson, NewNotice, StoredHdsContact};

/// Contacts that are read together.
const PER_PAGE: i64 = 500;

impl Engine {
    /// Keeps the contact of an app in place of the one before, and whether it is up to
    /// date.
    ///
    /// # Errors
    /// Every field that is wrong; [`AccessError::Unknown`] when the account has used
    /// no such app; or the database refuses.
    pub async fn set_hds_contact(
        &self,
        account: AccountId,
        app: &str,
        asked: &HdsContactAsked<'_>,
        by: ByPerson<'_>,
    ) -> Result<(StoredHdsContact, bool), AccessError> {
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        if on!(&mut tx, conn, q => q::is_being_erased(conn, account).await)? {
            return Err(AccessError::Leaving);
        }
        if !on!(&mut tx, conn, q => q::has_app(conn, account, app).await)? {
            return Err(AccessError::Unknown);
        }
        let before = on!(&mut tx, conn, q => q::hds_contact_of(conn, account, app).await)?;
        let stored = StoredHdsContact {
            account,
            app: app.to_owned(),
            id: match before {
                Some(before) => before.id,
                None => self.chance.uuid()?,
            },
            contact: asked.check()?,
            updated_at: now,
        };
        on!(&mut tx, conn, q => q::write_hds_contact(conn, &stored).await)?;
        let deed = Deed {
            action: "hds_contact_edited",
            subject: Some(&stored.id),
            event: AccountEvent::EditHdsContact {
                app_name: app,
                name: &stored.contact.name,
            },
        };
        deed.write(&mut tx, account, by, now).await?;
        tx.commit().await?;
        Ok((stored, is_up_to_date(now, now)))
    }

    /// The contact of an app, and whether it is up to date.
    ///
    /// # Errors
    /// [`AccessError::Unknown`] when there is none; or the database refuses.
    pub async fn hds_contact(
        &self,
        account: AccountId,
        app: &str,
    ) -> Result<(StoredHdsContact, bool), AccessError> {
        let now = self.clock.now();
        let mut tx = self.store.snapshot().await?;
        let found = on!(&mut tx, conn, q => q::hds_contact_of(conn, account, app).await)?;
        tx.rollback().await?;
        let found = found.ok_or(AccessError::Unknown)?;
        let up_to_date = is_up_to_date(found.updated_at, now);
        Ok((found, up_to_date))
    }

    /// Asks customers, once in 12 months, to look at the contacts that were given so
    /// long ago. How many.
    ///
    /// # Errors
    /// When the database refuses; what was asked stands.
    pub async fn remind_of_hds_contacts(&self) -> Result<u64, StoreError> {
        let mut reminded = 0_u64;
        if self.config.mail.is_none() {
            return Ok(reminded);
        }
        let now = self.clock.now();
        let Some(before) = review_before(now) else {
            return Ok(reminded);
        };
        loop {
            let mut tx = self.store.snapshot().await?;
            let page = on!(&mut tx, conn, q => q::hds_contacts_due(conn, before, PER_PAGE).await)?;
            tx.rollback().await?;
            if page.is_empty() {
                return Ok(reminded);
            }
            for (account, id, app) in page {
                let mut tx = self.store.begin().await?;
                on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
                // Somebody may have looked at it meanwhile, or asked.
                let due = on!(&mut tx, conn, q => {
                    q::mark_reminded(conn, account, &app, before, now).await
                })?;
                if !due {
                    continue;
                }
                let notice = NewNotice {
                    account,
                    // It outlives the account, which the app's name must not.
                    key: format!("hds_review:{id}:{}", now.0),
                    topic: Topic::HdsReview,
                    payload: json!({ "app": app }).to_string(),
                };
                on!(&mut tx, conn, q => q::insert_notices(conn, &[notice], now).await)?;
                tx.commit().await?;
                reminded = reminded.saturating_add(1);
            }
        }
    }
}
