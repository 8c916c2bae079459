//! Credit that was bought, held against what PayPal took for it; and refunds.

use super::{Auditor, Found, violation};
use crate::fakes::paypal::PayPalFake;

impl Auditor {
    /// A purchase is credited once, with what PayPal took.
    pub(super) async fn check_credit(&mut self, paypal: &PayPalFake) -> Found {
        for bought in self.facts.credit_bought().await.unwrap() {
            let taken = paypal.captured_by(&bought.purchase);
            if bought.times != 1 || bought.amount_minor != taken {
                let what = format!("{bought:?}, and PayPal took {taken}");
                return Err(violation(
                    "a purchase is credited once",
                    bought.purchase,
                    what,
                ));
            }
        }
        Ok(())
    }

    /// No payment is given back beyond what it was, in the refunds as they are listed.
    pub(super) async fn check_refunds(&mut self) -> Found {
        for (payment, amount_minor, refunded_minor) in self.facts.refunded().await.unwrap() {
            if refunded_minor > amount_minor {
                let what = format!("{refunded_minor} of {amount_minor} of {payment}");
                return Err(violation("given back is no more than taken", payment, what));
            }
        }
        Ok(())
    }

    /// What PayPal took is credited, and is on the balance that the books know.
    pub(super) async fn close_credit(&mut self, paypal: &PayPalFake) -> Found {
        let bought = self.facts.credit_bought().await.unwrap();
        let credited: i64 = bought.iter().map(|bought| bought.amount_minor).sum();
        let taken = paypal.captured_minor();
        if credited != taken {
            let what = format!("{credited} credited, {taken} taken");
            return Err(violation("what PayPal took is credited", "", what));
        }
        let paid_back = self.facts.credit_paid_back().await.unwrap();
        let given = paypal.refunded_minor();
        if paid_back != given {
            let what = format!("{paid_back} paid back, {given} given back");
            return Err(violation("what PayPal gave back is booked", "", what));
        }
        let (_, clearing) = self.facts.ledger("clearing_paypal").await.unwrap();
        let there = paypal.balance_minor();
        if clearing != there {
            let what = format!("{clearing} in the books, {there} there");
            return Err(violation("the balance at PayPal is in the books", "", what));
        }
        Ok(())
    }
}
