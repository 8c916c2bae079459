//! What every provider has to keep that takes money over the network, tried on
//! its fake: whatever goes wrong on the way, money moves once at most, and what
//! is answered is true.

mod anything;
mod refunds;

use std::time::Duration;

use quittance::config::CallPolicy;
use quittance::domain::calendar::Instant;
use quittance::domain::money::{Currency, Money};
use quittance::domain::payment::DeclineClass;
use quittance::providers::{
    Answer, CallError, Charge, GiveBack, Lookup, PaymentProvider, Standing,
};

use crate::fakes::{Fault, Faults};

pub use anything::whatever_happens_money_moves_once;
pub use refunds::{more_than_was_paid_is_not_given_back, no_fault_gives_back_twice};

/// 2026-11-02T08:00:00Z.
pub const MADE_AT: Instant = Instant(1_793_606_400_000_000);
pub const EUR_12: Money = Money::new(1_200, Currency::Eur);
pub const KEY: &str = "0190b0c1a2b3c4d5e6f708192a3b4c5d";
pub const OTHER_KEY: &str = "0190b0c1a2b3c4d5e6f708192a3b4c5e";

/// Who pays by what.
#[derive(Debug, Clone)]
pub struct Payable {
    pub customer: Option<String>,
    pub instrument: String,
}

/// What the contract asks of a provider's fake.
pub trait ContractFake {
    type Provider: PaymentProvider;

    /// Codes of declines that [`Fault::Decline`] brings about, with their class.
    const DECLINES: &'static [(&'static str, DeclineClass)];
    /// Whether a decline stands under its key; where it does not, whoever pays may
    /// try again by the same means.
    const DECLINES_STAND: bool;

    fn start() -> Self;
    /// A provider that calls this fake.
    fn provider(&self, calls: CallPolicy) -> Self::Provider;
    /// One with credentials that the fake does not know.
    fn stranger(&self, calls: CallPolicy) -> Self::Provider;
    fn url(&self) -> String;
    /// Something that can be charged with that amount once, under that key: a card,
    /// or an order that its payer has approved.
    fn prepare(&self, key: &str, amount: Money) -> Payable;
    /// What befalls the requests that move money.
    fn faults(&self) -> &Faults;
    /// What befalls all others.
    fn read_faults(&self) -> &Faults;
    /// What a 429 says of when to come back.
    fn retry_after(&self, seconds: u64);
    /// The requests there were that could have taken money.
    fn takes(&self) -> usize;
    /// The time passes for which idempotency keys are kept.
    fn forget_keys(&self);
    /// What was taken under a key, in minor units, however often.
    fn taken(&self, key: &str) -> i64;
    /// What was given back under a key, in minor units.
    fn given_back(&self, key: &str) -> i64;
    /// What the fake keeps of a payment.
    fn fee_minor(&self, amount: Money) -> i64;
    /// The provider's own record of a payment or refund is of another amount.
    fn falsify_amount(&self, reference: &str);
    /// Fails where a request broke the provider's published contract.
    fn assert_contract_kept(&self);
}

/// A few tries, at once.
pub fn calls(url: &str, tries: u32) -> CallPolicy {
    CallPolicy {
        base_url: url.to_owned(),
        requests_per_second: None,
        timeout: Duration::from_secs(1),
        tries,
        first_pause: Duration::from_millis(10),
    }
}

pub fn charge<'a>(key: &'a str, amount: Money, payable: &'a Payable) -> Charge<'a> {
    Charge {
        key,
        amount,
        customer: payable.customer.as_deref(),
        instrument: &payable.instrument,
        description: "Invoice 2026-10-000001",
        made_at: MADE_AT,
    }
}

/// The same payment, to be found.
pub const fn lookup<'a>(charge: &Charge<'a>, reference: Option<&'a str>) -> Lookup<'a> {
    Lookup {
        key: charge.key,
        amount: charge.amount,
        made_at: charge.made_at,
        reference,
        within: match charge.customer {
            Some(customer) => Some(customer),
            None => Some(charge.instrument),
        },
    }
}

pub fn give_back<'a>(key: &'a str, payment: &'a str, amount: Money) -> GiveBack<'a> {
    GiveBack {
        key,
        payment,
        amount,
    }
}

/// How a call came out, in a word.
pub fn kind(result: &Result<Answer, CallError>) -> &'static str {
    match result {
        Ok(Answer {
            standing: Standing::Succeeded { .. },
            ..
        }) => "succeeded",
        Ok(Answer {
            standing: Standing::Pending,
            ..
        }) => "pending",
        Ok(Answer {
            standing: Standing::Declined(_),
            ..
        }) => "declined",
        Err(CallError::NotSent { .. }) => "not sent",
        Err(CallError::Lost { .. }) => "lost",
        Err(CallError::Unbookable { .. }) => "unbookable",
        Err(CallError::Denied { .. }) => "denied",
        Err(CallError::Refused { .. }) => "refused",
    }
}

pub fn kind_of(answer: &Answer) -> &'static str {
    kind(&Ok(answer.clone()))
}

/// The faults, with what a single try answers, and whether the money moved.
fn faults() -> [(Fault, &'static str, bool); 8] {
    [
        (Fault::ErrorBefore, "lost", false),
        (Fault::ErrorAfter, "lost", true),
        (Fault::BrokenOffAfter, "lost", true),
        (Fault::HangAfter, "lost", true),
        (Fault::MalformedAfter, "lost", true),
        (Fault::Slow(Duration::from_millis(50)), "succeeded", true),
        (Fault::Slow(Duration::from_millis(1_300)), "lost", true),
        (Fault::TooMany, "not sent", false),
    ]
}

/// Asks for what was done until the fake has finished what it began.
async fn found<F: ContractFake>(
    provider: &F::Provider,
    charge: &Charge<'_>,
    moved: bool,
) -> Option<Answer> {
    loop {
        let answer = provider.find(&lookup(charge, None)).await.unwrap();
        if answer.is_some() == moved {
            return answer;
        }
        assert!(moved, "a payment that was never made: {answer:?}");
    }
}

pub async fn the_same_key_moves_money_once<F: ContractFake>(fake: &F) {
    let provider = fake.provider(calls(&fake.url(), 1));
    let payable = fake.prepare(KEY, EUR_12);
    let charge = charge(KEY, EUR_12, &payable);
    let first = provider.take(&charge).await.unwrap();
    let fee_minor = fake.fee_minor(EUR_12);
    assert!(fee_minor > 0, "a fee of nothing proves nothing");
    assert_eq!(first.standing, Standing::Succeeded { fee_minor });
    assert_eq!(provider.take(&charge).await.unwrap(), first);
    assert_eq!(fake.taken(KEY), 1_200);
    let reference = Some(first.reference.as_str());
    for reference in [None, reference] {
        let found = provider.find(&lookup(&charge, reference)).await.unwrap();
        assert_eq!(found.as_ref(), Some(&first), "{reference:?}");
    }
}

pub async fn no_fault_moves_money_twice<F: ContractFake>(_: &F) {
    for (fault, answered, moved) in faults() {
        let fake = F::start();
        let provider = fake.provider(calls(&fake.url(), 1));
        let payable = fake.prepare(KEY, EUR_12);
        let charge = charge(KEY, EUR_12, &payable);
        fake.faults().push(fault.clone());
        let first = provider.take(&charge).await;
        assert_eq!(kind(&first), answered, "{fault:?}: {first:?}");
        // What is found is what happened.
        let found = found::<F>(&provider, &charge, moved).await;
        assert_eq!(fake.taken(KEY), if moved { 1_200 } else { 0 }, "{fault:?}");
        if let Some(found) = &found {
            let reference = Some(found.reference.as_str());
            let again = provider.find(&lookup(&charge, reference)).await.unwrap();
            assert_eq!(again.as_ref(), Some(found), "{fault:?}");
        }
        // And under the same key it is the same payment.
        let again = provider.take(&charge).await.unwrap();
        let fee_minor = fake.fee_minor(EUR_12);
        assert_eq!(again.standing, Standing::Succeeded { fee_minor });
        assert!(found.is_none_or(|found| found == again), "{fault:?}");
        assert_eq!(fake.taken(KEY), 1_200, "{fault:?}");
        fake.assert_contract_kept();
    }
}

pub async fn every_fault_is_overcome_by_trying_again<F: ContractFake>(_: &F) {
    for (fault, ..) in faults() {
        let fake = F::start();
        let provider = fake.provider(CallPolicy {
            // Longer than the slowest.
            first_pause: Duration::from_millis(400),
            ..calls(&fake.url(), 3)
        });
        let payable = fake.prepare(KEY, EUR_12);
        fake.faults().push(fault.clone());
        let answer = provider.take(&charge(KEY, EUR_12, &payable)).await;
        assert_eq!(kind(&answer), "succeeded", "{fault:?}: {answer:?}");
        assert_eq!(fake.taken(KEY), 1_200, "{fault:?}");
        fake.assert_contract_kept();
    }
}

pub async fn a_payment_outlives_its_key<F: ContractFake>(fake: &F) {
    let provider = fake.provider(calls(&fake.url(), 1));
    let payable = fake.prepare(KEY, EUR_12);
    let charge = charge(KEY, EUR_12, &payable);
    fake.faults().push(Fault::ErrorAfter);
    assert_eq!(kind(&provider.take(&charge).await), "lost");
    fake.forget_keys();
    let found = provider
        .find(&lookup(&charge, None))
        .await
        .unwrap()
        .unwrap();
    let fee_minor = fake.fee_minor(EUR_12);
    assert_eq!(found.standing, Standing::Succeeded { fee_minor });
}

pub async fn what_was_never_asked_is_not_found<F: ContractFake>(fake: &F) {
    let provider = fake.provider(calls(&fake.url(), 1));
    let payable = fake.prepare(KEY, EUR_12);
    let other = fake.prepare(OTHER_KEY, EUR_12);
    let taken = provider.take(&charge(OTHER_KEY, EUR_12, &other)).await;
    let reference = taken.unwrap().reference;
    let charge = charge(KEY, EUR_12, &payable);
    assert_eq!(provider.find(&lookup(&charge, None)).await.unwrap(), None);
    let refund = give_back(KEY, &reference, EUR_12);
    assert_eq!(provider.find_refund(&refund, None).await.unwrap(), None);
    // A question that cannot be asked has no answer, least of all "none".
    fake.read_faults().push(Fault::ErrorBefore);
    let lost = provider.find(&lookup(&charge, None)).await;
    assert!(matches!(lost, Err(CallError::Lost { .. })), "{lost:?}");
}

pub async fn a_decline_has_its_class_and_moves_nothing<F: ContractFake>(_: &F) {
    for (code, class) in F::DECLINES {
        let fake = F::start();
        let provider = fake.provider(calls(&fake.url(), 1));
        let payable = fake.prepare(KEY, EUR_12);
        let charge = charge(KEY, EUR_12, &payable);
        fake.faults().push(Fault::Decline(code));
        let answer = provider.take(&charge).await.unwrap();
        let Standing::Declined(decline) = &answer.standing else {
            panic!("{code}: {answer:?}");
        };
        assert_eq!((decline.code.as_str(), decline.class), (*code, *class));
        assert!(decline.known, "{code}");
        assert_eq!(fake.taken(KEY), 0);
        let reference = Some(answer.reference.as_str());
        let found = provider.find(&lookup(&charge, reference)).await.unwrap();
        if F::DECLINES_STAND {
            assert_eq!(found.as_ref(), Some(&answer), "{code}");
            // Again under the same key it is the same decline, not another try.
            assert_eq!(provider.take(&charge).await.unwrap(), answer);
            assert_eq!(fake.taken(KEY), 0);
        } else {
            assert_eq!(found, None, "{code}");
            let again = provider.take(&charge).await;
            assert_eq!(kind(&again), "succeeded", "{again:?}");
            assert_eq!(fake.taken(KEY), 1_200);
        }
        fake.assert_contract_kept();
    }
}

pub async fn a_stranger_is_denied<F: ContractFake>(fake: &F) {
    let payable = fake.prepare(KEY, EUR_12);
    let charge = charge(KEY, EUR_12, &payable);
    // Known, and then no more.
    let taken = fake.provider(calls(&fake.url(), 1)).take(&charge).await;
    let payment = taken.unwrap().reference;
    let stranger = fake.stranger(calls(&fake.url(), 3));
    let refund = give_back(OTHER_KEY, &payment, EUR_12);
    let denied = |error: CallError| {
        assert!(matches!(error, CallError::Denied { .. }), "{error:?}");
    };
    denied(stranger.take(&charge).await.unwrap_err());
    denied(stranger.find(&lookup(&charge, None)).await.unwrap_err());
    denied(
        stranger
            .find(&lookup(&charge, Some(&payment)))
            .await
            .unwrap_err(),
    );
    denied(stranger.give_back(&refund).await.unwrap_err());
    denied(stranger.find_refund(&refund, None).await.unwrap_err());
    assert_eq!(fake.taken(KEY), 1_200);
    assert_eq!(fake.given_back(OTHER_KEY), 0);
}

pub async fn nobody_there_is_not_sent<F: ContractFake>(fake: &F) {
    let payable = fake.prepare(KEY, EUR_12);
    // A port that was just given back, so that nothing listens.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", port.local_addr().unwrap());
    drop(port);
    let provider = fake.provider(calls(&url, 2));
    let answer = provider.take(&charge(KEY, EUR_12, &payable)).await;
    assert_eq!(kind(&answer), "not sent", "{answer:?}");
}

/// Whoever asks for more patience than there is gets no request more.
pub async fn who_wants_time_gets_it<F: ContractFake>(fake: &F) {
    let provider = fake.provider(calls(&fake.url(), 3));
    let payable = fake.prepare(KEY, EUR_12);
    fake.retry_after(3_600);
    fake.faults().push(Fault::TooMany);
    let answer = provider.take(&charge(KEY, EUR_12, &payable)).await;
    assert_eq!(kind(&answer), "not sent", "{answer:?}");
    assert_eq!(fake.takes(), 1);
    assert_eq!(fake.taken(KEY), 0);
}

pub async fn a_try_that_may_have_moved_money_is_never_not_sent<F: ContractFake>(_: &F) {
    for (after, moved) in [(Fault::ErrorAfter, 1_200), (Fault::ErrorBefore, 0)] {
        let fake = F::start();
        let provider = fake.provider(calls(&fake.url(), 2));
        let payable = fake.prepare(KEY, EUR_12);
        fake.faults().push(after);
        fake.faults().push(Fault::TooMany);
        let answer = provider.take(&charge(KEY, EUR_12, &payable)).await;
        assert_eq!(kind(&answer), "lost", "{answer:?}");
        assert_eq!(fake.taken(KEY), moved);
    }
}

pub async fn another_amount_is_no_answer<F: ContractFake>(fake: &F) {
    let provider = fake.provider(calls(&fake.url(), 1));
    let payable = fake.prepare(KEY, EUR_12);
    let charge = charge(KEY, EUR_12, &payable);
    let payment = provider.take(&charge).await.unwrap().reference;
    let refund = give_back(OTHER_KEY, &payment, EUR_12);
    let given = provider.give_back(&refund).await.unwrap().reference;
    fake.falsify_amount(&payment);
    fake.falsify_amount(&given);
    for reference in [None, Some(payment.as_str())] {
        let found = provider.find(&lookup(&charge, reference)).await;
        let found = found.map(Option::unwrap);
        assert_eq!(kind(&found), "unbookable", "{found:?}");
    }
    for reference in [None, Some(given.as_str())] {
        let found = provider.find_refund(&refund, reference).await;
        let found = found.map(Option::unwrap);
        assert_eq!(kind(&found), "unbookable", "{found:?}");
    }
    // A person has to look: it says what it is about.
    let Err(CallError::Unbookable { reference, .. }) =
        provider.find(&lookup(&charge, Some(&payment))).await
    else {
        panic!("it was booked");
    };
    assert_eq!(reference, payment);
}

/// The whole contract for one fake.
#[macro_export]
macro_rules! provider_contract {
    ($fake:ty) => {
        $crate::provider_contract! { $fake:
            the_same_key_moves_money_once,
            no_fault_moves_money_twice,
            every_fault_is_overcome_by_trying_again,
            a_payment_outlives_its_key,
            what_was_never_asked_is_not_found,
            a_decline_has_its_class_and_moves_nothing,
            a_stranger_is_denied,
            nobody_there_is_not_sent,
            who_wants_time_gets_it,
            a_try_that_may_have_moved_money_is_never_not_sent,
            another_amount_is_no_answer,
            no_fault_gives_back_twice,
            more_than_was_paid_is_not_given_back,
        }

        #[test]
        fn whatever_happens_money_moves_once() {
            $crate::providers::contract::whatever_happens_money_moves_once::<$fake>();
        }
    };
    ($fake:ty: $($name:ident),* $(,)?) => {
        $(
            #[tokio::test]
            async fn $name() {
                use $crate::providers::contract::{self, ContractFake};
                let fake = <$fake as ContractFake>::start();
                contract::$name(&fake).await;
                ContractFake::assert_contract_kept(&fake);
            }
        )*
    };
}
