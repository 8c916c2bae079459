//! What happens at PayPal by itself: customers approve what they buy, or do not, and
//! some of what they pay takes its time.

use std::collections::BTreeSet;

use crate::dice::Dice;
use crate::fakes::paypal::{CaptureEnd, PayPalFake};
use crate::log::Log;

/// A day at PayPal. Only who was sent there approves: an order whose creation was not
/// answered is nobody's.
pub fn happens_at_paypal(
    paypal: &PayPalFake,
    known: &BTreeSet<String>,
    dice: &mut Dice,
    log: &Log,
) {
    for order in paypal.approvable() {
        if !known.contains(&order) {
            continue;
        }
        match dice.below(100) {
            0..40 => {
                log.say(format!("customer: approves {order}"));
                paypal.approve(&order);
            }
            40..45 => {
                log.say(format!("paypal: forgets {order}"));
                paypal.lapse(&order);
            }
            _ => {}
        }
    }
    for capture in paypal.pending_captures() {
        if dice.permille(300) {
            let completes = dice.permille(700);
            log.say(format!("paypal: {capture} completes: {completes}"));
            paypal.settle(&capture, completes);
        }
    }
    paypal.forget_ends();
    if dice.permille(200) {
        paypal.next_capture(dice.pick(&[CaptureEnd::Pending, CaptureEnd::Declined]));
    }
    // A day is longer than it keeps the keys of requests.
    paypal.forget_keys();
}

/// Everything that is under way comes to its end.
pub fn bring_to_rest(paypal: &PayPalFake) {
    paypal.forget_ends();
    for capture in paypal.pending_captures() {
        paypal.settle(&capture, true);
    }
}
