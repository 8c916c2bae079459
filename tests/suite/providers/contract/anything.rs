//! Any faults, in any order.

use std::time::Duration;

use proptest::prelude::*;
use quittance::config::CallPolicy;
use quittance::providers::{PaymentProvider as _, Standing};

use super::{ContractFake, EUR_12, KEY, calls, charge, kind_of, lookup};
use crate::fakes::Fault;

/// What happens to one request, for the property.
fn any_fault() -> impl Strategy<Value = Option<Fault>> {
    prop_oneof![
        2 => Just(None),
        1 => Just(Some(Fault::ErrorBefore)),
        2 => Just(Some(Fault::ErrorAfter)),
        1 => Just(Some(Fault::BrokenOffAfter)),
        1 => Just(Some(Fault::MalformedAfter)),
        1 => Just(Some(Fault::TooMany)),
        1 => Just(Some(Fault::Slow(Duration::from_millis(30)))),
        1 => Just(Some(Fault::HangAfter)),
    ]
}

/// Over any faults and any number of repeated takes, money moves once at most,
/// and the last answer is true.
pub fn whatever_happens_money_moves_once<F: ContractFake>() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let strategy = (
        prop::collection::vec(any_fault(), 0..7),
        prop::option::of(0..F::DECLINES.len()),
        1_u32..4,
        1_usize..4,
        any::<bool>(),
    );
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(32)
    };
    proptest!(config, |((faults, decline, tries, takes, forgets) in strategy)| {
        runtime.block_on(async {
            let fake = F::start();
            let payable = fake.prepare(KEY, EUR_12);
            let charge = charge(KEY, EUR_12, &payable);
            let hasty = fake.provider(CallPolicy {
                timeout: Duration::from_millis(150),
                ..calls(&fake.url(), tries)
            });
            for fault in faults {
                fake.faults().push(fault);
            }
            if let Some(decline) = decline {
                fake.faults().push(Fault::Decline(F::DECLINES[decline].0));
            }
            let mut known = None;
            for _ in 0..takes {
                let answer = hasty.take(&charge).await;
                prop_assert!(fake.taken(KEY) <= 1_200);
                if let Ok(answer) = answer {
                    let stands = F::DECLINES_STAND || kind_of(&answer) != "declined";
                    prop_assert!(known.is_none_or(|known| known == answer), "{:?}", answer);
                    known = stands.then_some(answer);
                }
            }
            // The faults are over.
            fake.faults().clear();
            let patient = fake.provider(CallPolicy {
                timeout: Duration::from_secs(20),
                ..calls(&fake.url(), 5)
            });
            // Asked first, where the key may be too old to be sent again.
            let found = patient.find(&lookup(&charge, None)).await.unwrap();
            if forgets {
                fake.forget_keys();
            }
            let answer = match found {
                Some(found) => found,
                None => patient.take(&charge).await.unwrap(),
            };
            prop_assert!(known.is_none_or(|known| known == answer), "{:?}", answer);
            let taken = fake.taken(KEY);
            match answer.standing {
                Standing::Succeeded { .. } => prop_assert_eq!(taken, 1_200),
                Standing::Declined(_) => prop_assert_eq!(taken, 0, "{:?}", answer),
                Standing::Pending => prop_assert!(false, "pending"),
            }
            fake.assert_contract_kept();
            Ok(())
        })?;
    });
}
