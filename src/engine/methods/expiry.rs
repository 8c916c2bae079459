//! Cards that will soon not be good any more: their customers are told while
//! there is time.

use serde_json::json;

use super::card::{CardError, expiry_number};
use crate::domain::ids::{AccountId, PaymentMethodId};
use crate::domain::notice::Topic;
use crate::domain::payment::on_file::months_expiring;
use crate::engine::run::Engine;
use crate::on;
use crate::providers::stripe::Stripe;
use crate::store::rows::{ExpiringCard, NewNotice};
use crate::store::{StoreError, Tx};

/// Cards that are read together.
const CARDS_PER_PAGE: i64 = 500;

/// What became of the cards that expire soon.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ExpiryTally {
    /// Customers who are told.
    pub told: u64,
    /// Cards that their banks renewed: nothing is to be done.
    pub renewed: u64,
    /// Accounts whose card could not be looked at now, and why; the next round
    /// does.
    pub problems: Vec<(AccountId, String)>,
}

impl Engine {
    /// Tells customers once that the card which would be charged expires soon. Banks
    /// renew cards by themselves: each is read again before anyone is told.
    ///
    /// # Errors
    /// When the database refuses; what was told stands.
    pub async fn tell_of_expiring_cards(&self) -> Result<ExpiryTally, StoreError> {
        let mut tally = ExpiryTally::default();
        let Some(mail) = &self.config.mail else {
            return Ok(tally);
        };
        let today = self.clock.today(self.config.zone());
        let Some(months) = months_expiring(today, mail.card_expiry_days) else {
            return Ok(tally);
        };
        let mut after = None;
        loop {
            let mut tx = self.store.snapshot().await?;
            let page = on!(&mut tx, conn, q => {
                q::cards_expiring(conn, &months, after, CARDS_PER_PAGE).await
            })?;
            tx.rollback().await?;
            let Some(last) = page.last() else {
                return Ok(tally);
            };
            after = Some((last.account, last.method));
            for card in &page {
                match self.look_at_expiring(card).await {
                    Ok(Expiry::Told) => tally.told = tally.told.saturating_add(1),
                    Ok(Expiry::Renewed) => tally.renewed = tally.renewed.saturating_add(1),
                    Err(CardError::Store(error)) => return Err(error),
                    Err(error) => tally.problems.push((card.account, error.to_string())),
                }
            }
        }
    }

    async fn look_at_expiring(&self, card: &ExpiringCard) -> Result<Expiry, CardError> {
        let stripe = self.providers.stripe(&self.config)?;
        let found = stripe.card(&card.reference).await?;
        let expires = expiry_number(&card.reference, &found)?;
        let now = self.clock.now();
        let (account, method) = (card.account, card.method);
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        if expires != card.expires.to_number() {
            self.renew(&mut tx, account, method, &found.last4, expires)
                .await?;
            tx.commit().await?;
            return Ok(Expiry::Renewed);
        }
        let notice = NewNotice {
            account,
            key: format!("card_expiring:{method}:{expires}"),
            topic: Topic::CardExpiring,
            payload: json!({
                "method": method.0,
                "expires": card.expires.to_string(),
                "label": format!("{} {}", card.brand, card.last4),
            })
            .to_string(),
        };
        on!(&mut tx, conn, q => q::insert_notices(conn, &[notice], now).await)?;
        tx.commit().await?;
        Ok(Expiry::Told)
    }

    /// Records how a card on file is since its bank renewed it. Whether it is one of
    /// ours.
    ///
    /// # Errors
    /// When the provider cannot be asked, or the database refuses.
    pub(in crate::engine) async fn refresh_card(
        &self,
        stripe: &Stripe,
        reference: &str,
    ) -> Result<bool, CardError> {
        let mut tx = self.store.snapshot().await?;
        let known = on!(&mut tx, conn, q => q::account_of_card(conn, reference).await)?;
        tx.rollback().await?;
        let Some((account, method)) = known else {
            return Ok(false);
        };
        let found = stripe.card(reference).await?;
        let expires = expiry_number(reference, &found)?;
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        self.renew(&mut tx, account, method, &found.last4, expires)
            .await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn renew(
        &self,
        tx: &mut Tx,
        account: AccountId,
        method: PaymentMethodId,
        last4: &str,
        expires: i32,
    ) -> Result<(), StoreError> {
        on!(tx, conn, q => q::renew_card(conn, account, method, last4, expires).await)
    }
}

/// What became of a card that seemed to expire.
enum Expiry {
    Told,
    Renewed,
}
