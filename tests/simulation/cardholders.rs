//! What happens at Stripe by itself: customers authenticate and dispute, banks take
//! their time, decide, and lose what is given back.

use serde_json::Value;

use crate::dice::Dice;
use crate::fakes::stripe::{Outcome, StripeFake};
use crate::log::Log;

/// A part of what a payment was about.
pub fn part_of(intent: &Value, dice: &mut Dice) -> i64 {
    let all = usize::try_from(intent["amount"].as_i64().unwrap()).unwrap();
    i64::try_from(dice.between(1, all)).unwrap()
}

/// A day at Stripe. So often of a thousand days a payment is disputed.
pub fn happens_at_stripe(stripe: &StripeFake, dice: &mut Dice, log: &Log, often_permille: usize) {
    for status in ["requires_action", "requires_payment_method"] {
        let is_asked = |intent: &serde_json::Value| {
            status == "requires_action"
                || intent["last_payment_error"]["code"] == "authentication_required"
        };
        for intent in stripe.intents_that_are(status, is_asked) {
            if dice.permille(150) {
                let id = intent["id"].as_str().unwrap();
                log.say(format!("customer: authenticates {id}"));
                stripe.authenticate(id);
            }
        }
    }
    for intent in stripe.intents_that_are("processing", |_| true) {
        if dice.permille(300) {
            let id = intent["id"].as_str().unwrap();
            let outcome = if dice.permille(700) {
                Outcome::Succeeds
            } else {
                Outcome::Declines("insufficient_funds".to_owned())
            };
            log.say(format!("bank: {id} comes to {outcome:?}"));
            stripe.settle(id, &outcome);
        }
    }
    decide_disputes(stripe, dice, log);
    come_to_refunds(stripe, dice, log);
    if dice.permille(often_permille) {
        let paid = stripe.intents_that_are("succeeded", |_| true);
        if paid.is_empty() {
            return;
        }
        let intent = &paid[dice.below(paid.len())];
        let id = intent["id"].as_str().unwrap();
        if stripe.is_disputable(id) {
            let amount = match dice.below(3) {
                0 => part_of(intent, dice),
                _ => intent["amount"].as_i64().unwrap(),
            };
            let asks_first = dice.permille(300);
            log.say(format!(
                "customer: disputes {amount} of {id}, asks first: {asks_first}"
            ));
            if asks_first {
                stripe.announce_dispute(id, amount);
            } else {
                stripe.open_dispute(id, amount, 1_500);
            }
        }
    }
}

fn decide_disputes(stripe: &StripeFake, dice: &mut Dice, log: &Log) {
    for (dispute, status) in stripe.disputes_open() {
        if status != "needs_response" || !dice.permille(60) {
            continue;
        }
        let moved = stripe.object(&dispute)["balance_transactions"].clone();
        if moved.as_array().unwrap().is_empty() {
            log.say(format!("bank: takes the money of {dispute}"));
            stripe.withdraw(&dispute, 1_500);
        } else {
            let won = dice.permille(500);
            log.say(format!("bank: decides {dispute}, won: {won}"));
            stripe.close_dispute(&dispute, won);
        }
    }
}

/// Refunds of this day may take their time; those that did arrive, or do not.
fn come_to_refunds(stripe: &StripeFake, dice: &mut Dice, log: &Log) {
    stripe.refund_status(dice.pick(&["succeeded", "succeeded", "pending", "failed"]));
    for refund in stripe.refunds_that_are("pending") {
        match dice.below(10) {
            0..3 => {
                log.say(format!("bank: {refund} arrives"));
                stripe.finish_refund(&refund);
            }
            3 => {
                log.say(format!("bank: {refund} does not arrive"));
                stripe.fail_refund(&refund);
            }
            _ => {}
        }
    }
    for refund in stripe.refunds_that_are("succeeded") {
        if dice.permille(5) {
            log.say(format!("bank: {refund} comes back"));
            stripe.fail_refund(&refund);
        }
    }
}

/// What is under way comes to its end.
pub fn bring_to_rest(stripe: &StripeFake) {
    for intent in stripe.intents_that_are("processing", |_| true) {
        stripe.settle(intent["id"].as_str().unwrap(), &Outcome::Succeeds);
    }
    stripe.refund_status("succeeded");
    for refund in stripe.refunds_that_are("pending") {
        stripe.finish_refund(&refund);
    }
}
