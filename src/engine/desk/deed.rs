//! What somebody did that is about no single account, written down.

use crate::engine::run::Engine;
use crate::on;
use crate::store::StoreError;
use crate::store::rows::ByPerson;

impl Engine {
    /// Records what a person is about to do, and to what.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn write_deed(
        &self,
        by: ByPerson<'_>,
        action: &str,
        subject: &str,
    ) -> Result<(), StoreError> {
        loop {
            let now = self.clock.now();
            let mut tx = self.store.begin().await?;
            let written = on!(&mut tx, conn, q => {
                q::write_house_audit(conn, by, action, subject, now).await
            });
            match written {
                // Somebody else wrote in the same instant, and took the number.
                Err(error) if error.is_unique_violation() => {}
                written => {
                    written?;
                    return tx.commit().await;
                }
            }
        }
    }
}
