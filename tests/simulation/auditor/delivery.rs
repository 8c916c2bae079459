//! What came at the mail server and at the platform, held against what was told.

use std::collections::{BTreeMap, BTreeSet};

use super::{Auditor, Found, violation};
use crate::post::Came;

/// Letters and orders that came, by the key that each carries.
#[derive(Default)]
pub struct Delivered {
    /// Those whose taking was answered.
    answered: BTreeSet<String>,
    /// Those that came at all.
    came: BTreeSet<String>,
    /// The last order that each account's platform took.
    last_order: BTreeMap<String, String>,
}

impl Auditor {
    /// Each is taken once. Where the connection breaks before the other side can say
    /// that it has it, nothing tells that from one that did not arrive (RFC 5321
    /// section 4.5.3.2.6): it comes again under the same key, until it is answered.
    pub fn check_came(&mut self, came: &Came) -> Found {
        for letter in &came.letters {
            self.check_once(&letter.id, letter.is_unanswered)?;
        }
        for order in &came.orders {
            if order.is_refused {
                // A person looks at it; the orders after it are given.
                let kind = order.kind.clone();
                self.delivered
                    .last_order
                    .insert(order.account.clone(), kind);
            }
            if !order.is_taken {
                continue;
            }
            let is_again = self.delivered.came.contains(&order.id);
            self.check_once(&order.id, order.is_unanswered)?;
            let last = self.delivered.last_order.get(&order.account);
            if !is_again && last == Some(&order.kind) {
                let what = format!("{order:?} after the same");
                return Err(violation(
                    "orders come in their order",
                    &order.account,
                    what,
                ));
            }
            self.delivered
                .last_order
                .insert(order.account.clone(), order.kind.clone());
        }
        Ok(())
    }

    fn check_once(&mut self, id: &str, is_unanswered: bool) -> Found {
        if self.delivered.answered.contains(id) {
            return Err(violation("every mail is taken once", id, id));
        }
        self.delivered.came.insert(id.to_owned());
        if !is_unanswered {
            self.delivered.answered.insert(id.to_owned());
        }
        Ok(())
    }

    /// What is listed as delivered came, and what came was told; nothing waits any more.
    pub(super) async fn close_delivery(&mut self) -> Found {
        let mut told = BTreeSet::new();
        for row in self.facts.messages().await.unwrap() {
            let has_come = self.delivered.came.contains(&row.id);
            let is_right = match row.state.as_str() {
                "delivered" => has_come,
                // It may have come, and the answer was lost before it was refused.
                "refused" | "obsolete" => true,
                _ => false,
            };
            if !is_right {
                let what = format!("{row:?}, has come: {has_come}");
                return Err(violation("what is told comes", row.account, what));
            }
            told.insert(row.id);
        }
        if let Some(id) = self.delivered.came.difference(&told).next() {
            return Err(violation("what comes was told", id, id));
        }
        Ok(())
    }
}
