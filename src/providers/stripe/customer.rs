//! Customers, and the cards they have on file. Card numbers never come here: the
//! customer gives them to Stripe's own form.

use std::collections::HashMap;

use secrecy::SecretString;
use stripe_client_core::StripeRequest as _;
use stripe_core::customer::CreateCustomer;
use stripe_core::setup_intent::{CreateSetupIntent, CreateSetupIntentUsage, RetrieveSetupIntent};
use stripe_core::{SetupIntentAllowedPaymentMethodTypes, SetupIntentStatus};
use stripe_payment::payment_method::{DetachPaymentMethod, RetrievePaymentMethod};
use stripe_types::Expandable;

use super::Stripe;
use super::client::{Failure, REPEATABLE, unbookable, under};
use crate::providers::CallError;

/// A card about to be entered.
#[derive(Debug)]
pub struct NewSetup {
    /// Such as `seti_1Pgag7B7WZ01`.
    pub id: String,
    /// For Stripe's form in the customer's browser, and nowhere else.
    pub client_secret: SecretString,
}

/// How the entering of a card stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setup {
    pub customer: Option<String>,
    pub standing: SetupStanding,
    /// The card, once it was entered.
    pub payment_method: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetupStanding {
    /// The card may be charged from now on.
    Succeeded,
    /// The customer or its bank has something to do yet.
    Open,
    Canceled,
}

/// What is told of a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardOnFile {
    /// Whose it is; `None` for a card that was taken off.
    pub customer: Option<String>,
    /// Such as `visa`.
    pub brand: String,
    pub last4: String,
    /// 1 to 12: the card is good until the end of that month.
    pub exp_month: u32,
    pub exp_year: u32,
}

impl Stripe {
    /// Makes the customer of an account, once per key; `cus_...`.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn create_customer(&self, account: &str, key: &str) -> Result<String, CallError> {
        let request = CreateCustomer::new()
            .metadata(HashMap::from([("account".to_owned(), account.to_owned())]));
        let customer = request
            .customize()
            .request_strategy(under(key)?)
            .send(&self.client)
            .await?;
        Ok(customer.id.to_string())
    }

    /// Lets a customer enter a card that is charged off session later, once per
    /// key.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn create_setup_intent(
        &self,
        customer: &str,
        key: &str,
    ) -> Result<NewSetup, CallError> {
        let request = CreateSetupIntent::new()
            .customer(customer)
            .allowed_payment_method_types(vec![SetupIntentAllowedPaymentMethodTypes::Card])
            .usage(CreateSetupIntentUsage::OffSession);
        let intent = request
            .customize()
            .request_strategy(under(key)?)
            .send(&self.client)
            .await?;
        let id = intent.id.to_string();
        match intent.client_secret {
            Some(secret) => Ok(NewSetup {
                id,
                client_secret: SecretString::from(secret),
            }),
            None => Err(unbookable(id, "it came without its client secret")),
        }
    }

    /// How the entering of a card stands.
    ///
    /// # Errors
    /// When there is no answer, or no such setup intent.
    pub async fn setup_intent(&self, id: &str) -> Result<Setup, CallError> {
        let intent = RetrieveSetupIntent::new(id).send(&self.client).await?;
        let standing = match intent.status {
            SetupIntentStatus::Succeeded => SetupStanding::Succeeded,
            SetupIntentStatus::Canceled => SetupStanding::Canceled,
            SetupIntentStatus::Processing
            | SetupIntentStatus::RequiresAction
            | SetupIntentStatus::RequiresConfirmation
            | SetupIntentStatus::RequiresPaymentMethod => SetupStanding::Open,
            status => return Err(unbookable(id, format!("it is {}", status.as_str()))),
        };
        Ok(Setup {
            customer: intent
                .customer
                .map(|customer| customer.into_id().to_string()),
            standing,
            payment_method: intent
                .payment_method
                .map(|method| method.into_id().to_string()),
        })
    }

    /// What is told of a card.
    ///
    /// # Errors
    /// When there is no answer, no such payment method, or it is no card.
    pub async fn card(&self, id: &str) -> Result<CardOnFile, CallError> {
        let method = RetrievePaymentMethod::new(id).send(&self.client).await?;
        let Some(card) = method.card else {
            return Err(unbookable(id, "it is no card"));
        };
        let number = |value: i64| {
            u32::try_from(value).map_err(|_| unbookable(id, format!("it is good until {value}")))
        };
        Ok(CardOnFile {
            customer: method
                .customer
                .as_ref()
                .map(Expandable::id)
                .map(ToString::to_string),
            brand: card.brand,
            last4: card.last4,
            exp_month: number(card.exp_month)?,
            exp_year: number(card.exp_year)?,
        })
    }

    /// Takes a card off its customer: it cannot be charged again. One that is off
    /// already stays so.
    ///
    /// # Errors
    /// When there is no answer, or no such payment method.
    pub async fn detach(&self, id: &str) -> Result<(), CallError> {
        match DetachPaymentMethod::new(id)
            .customize()
            .request_strategy(REPEATABLE)
            .send(&self.client)
            .await
        {
            Ok(_) => Ok(()),
            // Refused, it may be that an earlier try took it off.
            Err(Failure::Api(error)) if error.status == 400 => {
                let card = self.card(id).await?;
                match card.customer {
                    None => Ok(()),
                    Some(_) => Err(Failure::Api(error).into()),
                }
            }
            Err(failure) => Err(failure.into()),
        }
    }
}
