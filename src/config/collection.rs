//! `[collection]` as it is written, and the check that makes it a policy.

use serde::Deserialize;

use super::raw::Check;
use crate::domain::payment::plan::{CollectionOrder, Fallback};
use crate::domain::payment::{CollectionPolicy, Ladder, PaymentMethod};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawCollection {
    order: Vec<String>,
    /// The methods after which the next one is tried.
    fallback: Vec<String>,
    partial_credit: bool,
    /// The days after the due date on which a payment is attempted.
    attempt_days: Vec<u32>,
}

impl Default for RawCollection {
    fn default() -> Self {
        Self {
            order: PaymentMethod::ALL
                .map(|method| method.code().to_owned())
                .into(),
            fallback: vec![PaymentMethod::Credit.code().to_owned()],
            partial_credit: false,
            attempt_days: Ladder::default().days().to_vec(),
        }
    }
}

impl RawCollection {
    pub fn check(&self, check: &mut Check) -> Option<CollectionPolicy> {
        let order = methods(check, "collection.order", &self.order);
        let fallback = methods(check, "collection.fallback", &self.fallback);
        let ladder = Ladder::new(self.attempt_days.clone());
        let ladder = check.take("collection.attempt_days", ladder);
        let (order, fallback) = (order?, fallback?);
        if order.is_empty() {
            check.refuse(
                "collection.order",
                "must name at least one of credit, sepa, card",
            );
            return None;
        }
        for method in fallback.iter().filter(|method| !order.contains(method)) {
            let reason = format!("{method} is not in collection.order");
            check.refuse("collection.fallback", reason);
        }
        let falls_back = |method| fallback.contains(&method);
        Some(CollectionPolicy {
            fallback: Fallback {
                credit: falls_back(PaymentMethod::Credit),
                sepa: falls_back(PaymentMethod::Sepa),
                card: falls_back(PaymentMethod::Card),
            },
            order: check.take("collection.order", CollectionOrder::new(order))?,
            partial_credit: self.partial_credit,
            ladder: ladder?,
        })
    }
}

/// The methods that a setting names, each once.
fn methods(check: &mut Check, key: &str, names: &[String]) -> Option<Vec<PaymentMethod>> {
    let mut methods = Vec::new();
    let mut right = true;
    for (at, name) in names.iter().enumerate() {
        match PaymentMethod::from_code(name) {
            None => {
                let reason = format!("{name:?} is none of credit, sepa, card");
                check.refuse(&format!("{key}[{at}]"), reason);
                right = false;
            }
            Some(method) if methods.contains(&method) => {
                check.refuse(key, format!("names {method} twice"));
                right = false;
            }
            Some(method) => methods.push(method),
        }
    }
    right.then_some(methods)
}
