//! Payments: a payment intent for each attempt, confirmed when it is created.

use std::collections::HashMap;

use stripe_client_core::StripeRequest as _;
use stripe_core::charge::RetrieveCharge;
use stripe_core::payment_intent::{
    CancelPaymentIntent, CreatePaymentIntent, CreatePaymentIntentOffSession, ListPaymentIntent,
    RetrievePaymentIntent,
};
use stripe_core::{
    BalanceTransaction, PaymentIntent, PaymentIntentAllowedPaymentMethodTypes,
    PaymentIntentCaptureMethod, PaymentIntentStatus,
};
use stripe_types::{Expandable, RangeQueryTs};

use super::client::{Failure, REPEATABLE, lost, refused, unbookable, under};
use super::{PAGE, Stripe, check_amount, currency, fee_of};
use crate::domain::payment::Decline;
use crate::providers::{Answer, CallError, Charge, Lookup, Standing};

/// The metadata that holds the attempt's id.
pub(super) const ATTEMPT: &str = "attempt";
/// How far before an attempt was made its payment is looked for: clocks may be
/// wrong, and the metadata tells which it is.
const CLOCKS_APART_S: i64 = 7 * 86_400;
const MICROS_PER_S: i64 = 1_000_000;

impl<'a> Charge<'a> {
    /// The same payment, to be compared with what came of it.
    const fn payment_of_customer(&self) -> Lookup<'a> {
        Lookup {
            key: self.key,
            amount: self.amount,
            made_at: self.made_at,
            reference: None,
            within: self.customer,
        }
    }
}

impl Stripe {
    pub(super) async fn take_payment(&self, charge: &Charge<'_>) -> Result<Answer, CallError> {
        let customer = customer_of(charge.customer)?;
        let request = CreatePaymentIntent::new(charge.amount.minor, stripe_currency(charge))
            .customer(customer)
            .payment_method(charge.instrument)
            .allowed_payment_method_types(vec![PaymentIntentAllowedPaymentMethodTypes::Card])
            // Captured before the answer, so that its fee stands in it; the
            // default of this version of the API captures some time after.
            .capture_method(PaymentIntentCaptureMethod::Automatic)
            .confirm(true)
            .off_session(CreatePaymentIntentOffSession::Bool(true))
            .description(charge.description)
            .metadata(HashMap::from([(ATTEMPT.to_owned(), charge.key.to_owned())]))
            .expand(vec!["latest_charge.balance_transaction".to_owned()]);
        match request
            .customize()
            .request_strategy(under(charge.key)?)
            .send(&self.client)
            .await
        {
            Ok(intent) => self.answer(&charge.payment_of_customer(), &intent).await,
            Err(failure) => declined(charge, failure),
        }
    }

    /// A payment by what Stripe calls it.
    pub(super) async fn read_payment(
        &self,
        lookup: &Lookup<'_>,
        reference: &str,
    ) -> Result<Answer, CallError> {
        let request = RetrievePaymentIntent::new(reference)
            .expand(vec!["latest_charge.balance_transaction".to_owned()]);
        // What is not there was never told to us under this key: no answer is
        // right then, least of all that there was no payment.
        let intent = request.send(&self.client).await?;
        self.answer(lookup, &intent).await
    }

    /// A payment by its key, among all of its customer's since it was made.
    pub(super) async fn search_payment(
        &self,
        lookup: &Lookup<'_>,
    ) -> Result<Option<Answer>, CallError> {
        let customer = customer_of(lookup.within)?;
        let since_s = lookup.made_at.0.div_euclid(MICROS_PER_S) - CLOCKS_APART_S;
        let all = ListPaymentIntent::new()
            .customer(customer)
            .created(RangeQueryTs::gte(since_s))
            .limit(PAGE)
            .expand(vec!["data.latest_charge.balance_transaction".to_owned()]);
        let mut found = Vec::new();
        let mut request = all.clone();
        loop {
            let page = request.send(&self.client).await?;
            let last = page.data.last().map(|intent| intent.id.to_string());
            let of_it = |intent: &PaymentIntent| is_of(intent, lookup.key);
            found.extend(page.data.into_iter().filter(of_it));
            match last {
                Some(last) if page.has_more => request = all.clone().starting_after(last),
                _ => break,
            }
        }
        match one_of(&found)? {
            Some(intent) => self.answer(lookup, intent).await.map(Some),
            None => Ok(None),
        }
    }

    /// Cancels a payment that waits for its customer. One that came to an end
    /// meanwhile is left as it is, and answered as it stands.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn cancel(&self, lookup: &Lookup<'_>, reference: &str) -> Result<Answer, CallError> {
        match CancelPaymentIntent::new(reference)
            .customize()
            .request_strategy(REPEATABLE)
            .send(&self.client)
            .await
        {
            Ok(intent) => self.answer(lookup, &intent).await,
            Err(Failure::Api(error)) if error.code() == "payment_intent_unexpected_state" => {
                self.read_payment(lookup, reference).await
            }
            Err(failure) => Err(failure.into()),
        }
    }

    async fn answer(
        &self,
        lookup: &Lookup<'_>,
        intent: &PaymentIntent,
    ) -> Result<Answer, CallError> {
        let id = intent.id.as_str();
        if !is_of(intent, lookup.key) {
            return Err(unbookable(id, "it is of another attempt"));
        }
        let its_currency = intent.currency.to_string();
        check_amount(id, lookup.amount, intent.amount, &its_currency)?;
        let standing = match &intent.status {
            PaymentIntentStatus::Succeeded => {
                let received = intent.amount_received;
                check_amount(id, lookup.amount, received, &its_currency)?;
                self.succeeded(lookup, intent).await?
            }
            PaymentIntentStatus::Processing => Standing::Pending,
            PaymentIntentStatus::RequiresAction => {
                Standing::Declined(Decline::stripe("authentication_required"))
            }
            PaymentIntentStatus::RequiresPaymentMethod => {
                let error = intent.last_payment_error.as_ref();
                let code = error.and_then(|error| {
                    let code = error.code.as_ref().map(|code| code.as_str());
                    error.decline_code.as_deref().or(code)
                });
                let Some(code) = code else {
                    return Err(unbookable(id, "it was declined without a code"));
                };
                Standing::Declined(Decline::stripe(code))
            }
            PaymentIntentStatus::Canceled => Standing::Declined(Decline::canceled()),
            // It is confirmed and captured at once, so it can be nothing else.
            status => {
                return Err(unbookable(id, format!("it is {}", status.as_str())));
            }
        };
        Ok(Answer {
            reference: id.to_owned(),
            standing,
        })
    }

    /// The money moved. Where the balance transaction is not made yet, its fee is
    /// not known: it counts as pending until it is, rather than as free of cost.
    async fn succeeded(
        &self,
        lookup: &Lookup<'_>,
        intent: &PaymentIntent,
    ) -> Result<Standing, CallError> {
        let fee = |transaction: &BalanceTransaction| {
            let fee_minor = fee_of(transaction, lookup.amount)?;
            Ok(Standing::Succeeded { fee_minor })
        };
        let Some(latest) = &intent.latest_charge else {
            return Err(unbookable(&intent.id, "it succeeded without a charge"));
        };
        if let Some(transaction) = latest
            .as_object()
            .and_then(|made| made.balance_transaction.as_ref())
            && let Some(transaction) = transaction.as_object()
        {
            return fee(transaction);
        }
        let request =
            RetrieveCharge::new(latest.id()).expand(vec!["balance_transaction".to_owned()]);
        let made = request.send(&self.client).await?;
        match made
            .balance_transaction
            .as_ref()
            .and_then(Expandable::as_object)
        {
            Some(transaction) => fee(transaction),
            None => Ok(Standing::Pending),
        }
    }
}

/// A refusal by the card's bank; whatever else it is is an error.
fn declined(charge: &Charge<'_>, failure: Failure) -> Result<Answer, CallError> {
    let error = match failure {
        Failure::Api(error) if error.status == 402 => error,
        failure => return Err(failure.into()),
    };
    let code = error.decline_code.as_deref().or(error.code.as_deref());
    let (Some(intent), Some(code)) = (&error.intent, code) else {
        return Err(lost(format!(
            "status 402 with no payment intent: {}",
            error.message
        )));
    };
    check_amount(&intent.id, charge.amount, intent.amount, &intent.currency)?;
    if intent.status == "succeeded" || intent.status == "processing" {
        let reason = format!("it is declined, but {}", intent.status);
        return Err(unbookable(&intent.id, reason));
    }
    Ok(Answer {
        reference: intent.id.clone(),
        standing: Standing::Declined(Decline::stripe(code)),
    })
}

fn is_of(intent: &PaymentIntent, key: &str) -> bool {
    intent.metadata.get(ATTEMPT).is_some_and(|its| its == key)
}

/// The payment under a key. Two can only be where a key was sent again after
/// Stripe had forgotten it; the one that can move money is the answer then, and
/// two of these are for a person.
fn one_of(found: &[PaymentIntent]) -> Result<Option<&PaymentIntent>, CallError> {
    let moves_money = |intent: &&PaymentIntent| {
        !matches!(
            intent.status,
            PaymentIntentStatus::Canceled | PaymentIntentStatus::RequiresPaymentMethod
        )
    };
    let mut live = found.iter().filter(moves_money);
    match (live.next(), live.next()) {
        (Some(one), Some(other)) => {
            let reason = format!("it and {} are both payments of one attempt", other.id);
            Err(unbookable(&one.id, reason))
        }
        // The youngest comes first.
        (one, _) => Ok(one.or(found.first())),
    }
}

fn customer_of(customer: Option<&str>) -> Result<&str, CallError> {
    let reason = || "a card is charged for its customer, and none is named".to_owned();
    customer.ok_or_else(|| refused("customer", reason()))
}

fn stripe_currency(charge: &Charge<'_>) -> stripe_types::Currency {
    // What it does not know it takes as it is.
    let Ok(currency) = currency(charge.amount).parse();
    currency
}
