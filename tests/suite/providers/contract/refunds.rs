//! Money given back: once at most, and no more than was paid.

use quittance::domain::money::{Currency, Money};
use quittance::providers::PaymentProvider as _;

use super::{ContractFake, EUR_12, KEY, OTHER_KEY, calls, charge, faults, give_back, kind};

pub async fn no_fault_gives_back_twice<F: ContractFake>(_: &F) {
    for (fault, answered, moved) in faults() {
        let fake = F::start();
        let provider = fake.provider(calls(&fake.url(), 1));
        let payable = fake.prepare(KEY, EUR_12);
        let taken = provider.take(&charge(KEY, EUR_12, &payable)).await;
        let payment = taken.unwrap().reference;
        // A part, so that a second one would go through.
        let refund = give_back(OTHER_KEY, &payment, Money::new(500, Currency::Eur));
        fake.faults().push(fault.clone());
        let first = provider.give_back(&refund).await;
        assert_eq!(kind(&first), answered, "{fault:?}: {first:?}");
        let found = loop {
            let found = provider.find_refund(&refund, None).await.unwrap();
            if found.is_some() == moved {
                break found;
            }
            assert!(moved, "a refund that was never made: {found:?}");
        };
        assert_eq!(fake.given_back(OTHER_KEY), if moved { 500 } else { 0 });
        if let Some(found) = &found {
            let reference = Some(found.reference.as_str());
            let again = provider.find_refund(&refund, reference).await.unwrap();
            assert_eq!(again.as_ref(), Some(found), "{fault:?}");
        }
        let again = provider.give_back(&refund).await;
        assert_eq!(kind(&again), "succeeded", "{fault:?}: {again:?}");
        assert!(found.is_none_or(|found| found == again.unwrap()));
        assert_eq!(fake.given_back(OTHER_KEY), 500, "{fault:?}");
        fake.forget_keys();
        let found = provider.find_refund(&refund, None).await.unwrap();
        assert!(found.is_some(), "{fault:?}");
        fake.assert_contract_kept();
    }
}

pub async fn more_than_was_paid_is_not_given_back<F: ContractFake>(fake: &F) {
    let provider = fake.provider(calls(&fake.url(), 1));
    let payable = fake.prepare(KEY, EUR_12);
    let taken = provider.take(&charge(KEY, EUR_12, &payable)).await;
    let payment = taken.unwrap().reference;
    let too_much = Money::new(1_201, Currency::Eur);
    let refund = provider
        .give_back(&give_back(OTHER_KEY, &payment, too_much))
        .await;
    // Some say so by an error, some by a decline.
    assert!(
        matches!(kind(&refund), "refused" | "declined"),
        "{refund:?}"
    );
    assert_eq!(fake.given_back(OTHER_KEY), 0);
}
