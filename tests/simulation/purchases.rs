//! What happens at PayPal by itself: customers approve what they buy, or do not, and
//! some of what they pay takes its time.

use std::collections::BTreeSet;

use crate::dice::Dice;
use crate::fakes::paypal::{CaptureEnd, PayPalFake};
use crate::log::Log;

/// A day at PayPal. Only who was sent there approves: an order whose creation was not
/// answered is nobody's.
/// So often of a thousand days a payment is disputed.
pub fn happens_at_paypal(
    paypal: &PayPalFake,
    known: &BTreeSet<String>,
    dice: &mut Dice,
    log: &Log,
    often_permille: usize,
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
    dispute(paypal, dice, log, often_permille);
    come_to_refunds(paypal, dice, log);
    // A day is longer than it keeps the keys of requests.
    paypal.forget_keys();
}

/// Payers dispute what they bought, and PayPal decides.
fn dispute(paypal: &PayPalFake, dice: &mut Dice, log: &Log, often_permille: usize) {
    for dispute in paypal.disputes_open() {
        if !dice.permille(100) {
            continue;
        }
        let outcome = dice.pick(&["RESOLVED_SELLER_FAVOUR", "RESOLVED_BUYER_FAVOUR"]);
        log.say(format!("paypal: decides {dispute}: {outcome}"));
        paypal.resolve(&dispute, outcome);
    }
    let left = paypal.left_of_captures();
    if left.is_empty() || !dice.permille(often_permille) {
        return;
    }
    let (capture, left) = &left[dice.below(left.len())];
    let all = usize::try_from(*left).unwrap();
    let amount = match dice.below(3) {
        0 => dice.between(1, all),
        _ => all,
    };
    let dispute = paypal.dispute(capture, i64::try_from(amount).unwrap());
    log.say(format!(
        "customer: disputes {amount} of {capture}: {dispute}"
    ));
}

/// Refunds of this day may take their time or fail; those that did arrive, or do not.
fn come_to_refunds(paypal: &PayPalFake, dice: &mut Dice, log: &Log) {
    paypal.next_refund(dice.pick(&["COMPLETED", "COMPLETED", "PENDING", "FAILED"]));
    let end = match dice.below(10) {
        0..3 => "COMPLETED",
        3 => "FAILED",
        _ => return,
    };
    if paypal.overturn_refund("PENDING", end) {
        log.say(format!("paypal: a refund comes to {end}"));
    }
}

/// Everything that is under way comes to its end.
pub fn bring_to_rest(paypal: &PayPalFake) {
    paypal.forget_ends();
    for capture in paypal.pending_captures() {
        paypal.settle(&capture, true);
    }
    while paypal.overturn_refund("PENDING", "COMPLETED") {}
}
