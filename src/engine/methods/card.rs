//! A card put on file: its provider has the customer enter it, and says when it
//! is done. The card's number never comes near us.

use secrecy::SecretString;

use crate::domain::calendar::PeriodKey;
use crate::domain::ids::{AccountId, PaymentMethodId};
use crate::domain::invoice::fingerprint::Digest;
use crate::engine::collect::{CollectError, InvoiceOutcome};
use crate::engine::providers::ProviderError;
use crate::engine::run::Engine;
use crate::on;
use crate::providers::CallError;
use crate::providers::stripe::{CardOnFile, Setup, SetupStanding};
use crate::store::StoreError;
use crate::store::rows::NewCard;

/// Why a card is not put on file.
#[derive(Debug, thiserror::Error)]
pub enum CardError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Provider(#[from] ProviderError),
    #[error(transparent)]
    Call(#[from] CallError),
    /// It is on file, and could not be charged.
    #[error(transparent)]
    Collect(#[from] CollectError),
    #[error("the machine gives no randomness: {0}")]
    Chance(#[from] getrandom::Error),
    #[error("the card {0} expires in a year that no card does")]
    Expiry(String),
    #[error("the account is being deleted: nothing is put on file any more")]
    Leaving,
    #[error("the customer of {0} is no account of ours")]
    NoCustomer(String),
    /// Or it is another account's, which nobody is told.
    #[error("there is no setup {0}")]
    NoSetup(String),
}

/// What the page needs on which the customer enters a card.
#[derive(Debug)]
pub struct CardSetup {
    pub setup_intent: String,
    /// For the customer's own browser alone.
    pub client_secret: SecretString,
}

/// What became of a setup.
#[derive(Debug, Clone)]
pub enum CardAdded {
    /// The customer is not done, or failed; nothing was put on file.
    NotYet(&'static str),
    /// Its account is being deleted: it was taken off again at its provider.
    TakenOff,
    /// It is on file since before.
    Already(PaymentMethodId),
    /// It is on file, and what was unpaid was charged right away.
    Added {
        id: PaymentMethodId,
        invoices: Vec<InvoiceOutcome>,
    },
}

impl Engine {
    /// Begins to put a card on file.
    ///
    /// # Errors
    /// When the provider cannot be asked.
    pub async fn begin_card(&self, account: AccountId) -> Result<CardSetup, CardError> {
        let stripe = self.providers.stripe(&self.config)?;
        let customer = self.stripe_customer(account).await?;
        // Each card is a setup of its own.
        let key = self.chance.key()?;
        let setup = stripe.create_setup_intent(&customer, &key).await?;
        Ok(CardSetup {
            setup_intent: setup.id,
            client_secret: setup.client_secret,
        })
    }

    /// What the provider calls an account, made where it calls it nothing yet.
    async fn stripe_customer(&self, account: AccountId) -> Result<String, CardError> {
        let mut tx = self.store.snapshot().await?;
        let known = on!(&mut tx, conn, q => q::provider_customer(conn, account).await)?;
        let external_id = on!(&mut tx, conn, q => q::external_id(conn, account).await)?;
        if on!(&mut tx, conn, q => q::is_being_erased(conn, account).await)? {
            return Err(CardError::Leaving);
        }
        tx.rollback().await?;
        if let Some(customer) = known {
            return Ok(customer);
        }
        let stripe = self.providers.stripe(&self.config)?;
        // The same key whoever asks, so that two at once make one customer.
        let key = Digest::of_fields(["stripe customer", external_id.as_str()]).to_string();
        let made = stripe.create_customer(&external_id, &key).await?;
        let mut tx = self.store.begin().await?;
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        // Another process may have been first: its customer is the account's.
        let known = on!(&mut tx, conn, q => q::provider_customer(conn, account).await)?;
        let customer = match known {
            Some(customer) => customer,
            None => {
                on!(&mut tx, conn, q => q::insert_customer(conn, account, &made).await)?;
                made
            }
        };
        tx.commit().await?;
        Ok(customer)
    }

    /// Puts the card of a finished setup on file, once however often it is told,
    /// and charges by it what is unpaid.
    ///
    /// # Errors
    /// When the provider cannot be asked, or the setup is of no account of ours.
    pub async fn finish_card(&self, setup_intent: &str) -> Result<CardAdded, CardError> {
        let stripe = self.providers.stripe(&self.config)?;
        let setup = stripe.setup_intent(setup_intent).await?;
        self.finish_setup(setup_intent, setup).await
    }

    /// The same, for the customer who began it.
    ///
    /// # Errors
    /// As [`Self::finish_card`], and when the account began no such setup.
    pub async fn finish_own_card(
        &self,
        account: AccountId,
        setup_intent: &str,
    ) -> Result<CardAdded, CardError> {
        let none = || CardError::NoSetup(setup_intent.to_owned());
        let mut tx = self.store.snapshot().await?;
        let own = on!(&mut tx, conn, q => q::provider_customer(conn, account).await)?;
        tx.rollback().await?;
        // Whoever is nobody to the provider began nothing there.
        let own = own.ok_or_else(none)?;
        let stripe = self.providers.stripe(&self.config)?;
        let setup = match stripe.setup_intent(setup_intent).await {
            Err(error) if error.is_missing() => return Err(none()),
            read => read?,
        };
        if setup.customer.as_ref() != Some(&own) {
            return Err(none());
        }
        self.finish_setup(setup_intent, setup).await
    }

    async fn finish_setup(&self, setup_intent: &str, setup: Setup) -> Result<CardAdded, CardError> {
        let stripe = self.providers.stripe(&self.config)?;
        let reference = match (setup.standing, setup.payment_method) {
            (SetupStanding::Succeeded, Some(card)) => card,
            (SetupStanding::Succeeded, None) => return Ok(CardAdded::NotYet("it names no card")),
            (SetupStanding::Canceled, _) => return Ok(CardAdded::NotYet("it was canceled")),
            (SetupStanding::Open, _) => {
                return Ok(CardAdded::NotYet(
                    "the customer or its bank has something to do yet",
                ));
            }
        };
        let card = stripe.card(&reference).await?;
        let customer = setup
            .customer
            .ok_or_else(|| CardError::NoCustomer(setup_intent.to_owned()))?;
        let mut tx = self.store.begin().await?;
        let account = on!(&mut tx, conn, q => q::account_of_customer(conn, &customer).await)?
            .ok_or_else(|| CardError::NoCustomer(setup_intent.to_owned()))?;
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        let known = on!(&mut tx, conn, q => q::find_card(conn, account, &reference).await)?;
        if let Some(id) = known {
            return Ok(CardAdded::Already(id));
        }
        if on!(&mut tx, conn, q => q::is_being_erased(conn, account).await)? {
            tx.rollback().await?;
            stripe.detach(&reference).await?;
            return Ok(CardAdded::TakenOff);
        }
        let new = NewCard {
            account,
            reference: &reference,
            brand: &card.brand,
            last4: &card.last4,
            expires: expiry_number(&reference, &card)?,
            added_at: self.clock.now(),
        };
        let id = on!(&mut tx, conn, q => q::insert_card(conn, new).await)?;
        tx.commit().await?;
        let invoices = self.charge_by_new_method(account, id).await?;
        Ok(CardAdded::Added { id, invoices })
    }
}

/// The last month in which a card is good, such as 202810.
pub(super) fn expiry_number(reference: &str, card: &CardOnFile) -> Result<i32, CardError> {
    let month = i32::try_from(card.exp_year)
        .ok()
        .and_then(|year| PeriodKey::new(year, card.exp_month).ok());
    Ok(month
        .ok_or_else(|| CardError::Expiry(reference.to_owned()))?
        .to_number())
}
