//! What a movement means, by its bank transaction code, its reason and its
//! amounts.

use super::facts::{BankEvent, Direction, References};
use super::head::EntryHead;
use super::key::KeyBasis;
use super::transaction::Movement;
use crate::domain::money::Money;

/// Issued direct debits: those of a creditor.
const DEBITS: &str = "PMNT/IDDT";
/// Reversal of a direct debit due to a return.
const RETURN: &str = "UPDD";
/// Sub-families that undo a collection in another way: by our own order, or by
/// a cancellation. We give no such orders.
const UNDOING: [&str; 2] = ["PRDD", "RCDD"];
/// Sub-families of any domain that are the bank's fees: charges, commissions
/// (excluding, including, without taxes), fees.
const FEES: [&str; 6] = ["CHRG", "COMM", "COME", "COMI", "COMT", "FEES"];
/// "Refund request by end customer" (`ExternalReturnReason1Code`).
const REFUND: &str = "MD06";

/// Says what a movement of a booked entry is. `booked` is what it did to the
/// account; `why` is why it cannot be understood, or empty. `is_only` tells that
/// the entry has no other.
pub fn meaning(
    head: &EntryHead,
    movement: Movement,
    booked: Option<i64>,
    why: &'static str,
    is_only: bool,
) -> BankEvent {
    let money = |minor| Money::new(minor, head.amount.currency);
    let amount = movement.instructed_minor.or(movement.moved_minor);
    let code = movement.code.as_ref().or(head.code.as_ref());
    let family = code.map_or("", |code| code.family.as_str());
    let sub_family = code.map_or("", |code| code.sub_family.as_str());
    let is_debit = movement.direction == Direction::Debit;
    let is_ours = family == DEBITS;
    let other = |why, movement: Movement| BankEvent::Other {
        direction: Some(movement.direction),
        amount: movement
            .basis_minor()
            .or(is_only.then_some(head.amount.minor))
            .map(money),
        why,
        text: movement.words,
    };
    let Some(booked) = booked.filter(|_| why.is_empty()) else {
        return other(why, movement);
    };
    if is_fee(head, &movement) {
        return if is_debit {
            BankEvent::Charged {
                amount: money(booked.saturating_abs()),
            }
        } else {
            other("is a fee that the bank gives back", movement)
        };
    }
    let Some(amount) = amount else {
        return other("has no amount of its own", movement);
    };
    // A credit brings the charges less than the amount, a debit costs them more.
    let charges = movement.signed(amount).saturating_sub(booked);
    if charges < 0 {
        return other("moved more or less than the debit's amount", movement);
    }
    let told = [
        0,
        movement.charges_minor,
        head.charges_minor,
        movement.charges_minor.saturating_add(head.charges_minor),
    ];
    if !is_debit && !told.contains(&charges) {
        return other("came in short, without charges that say why", movement);
    }
    let (amount, charges) = (money(amount), money(charges));
    let is_return = sub_family == RETURN || movement.reason.is_some();
    let is_collection = is_ours || (code.is_none() && movement.references.mandate_id.is_some());
    match is_debit {
        true if is_return && (is_ours || family.is_empty()) => {
            if movement.references.is_blind() {
                return other("is a return that names no debit", movement);
            }
            let reason = movement.reason.unwrap_or_default();
            if reason.code.as_deref() == Some(REFUND) {
                BankEvent::Refunded {
                    amount,
                    charges,
                    reason,
                }
            } else {
                BankEvent::Returned {
                    amount,
                    charges,
                    reason,
                }
            }
        }
        true if is_ours => other("takes a collection back, but not by a return", movement),
        false if is_return || UNDOING.contains(&sub_family) => {
            other("is a credit with a return's code or reason", movement)
        }
        false if head.is_reversal => other("is a credit marked as a reversal", movement),
        false if is_collection => {
            if movement.references.is_blind() {
                return other("is a collection that names no debit and no block", movement);
            }
            BankEvent::Settled {
                amount,
                charges,
                count: movement.count,
            }
        }
        _ => other("is no direct debit of ours", movement),
    }
}

/// Whether its code says that it is a fee.
pub fn is_fee(head: &EntryHead, movement: &Movement) -> bool {
    let code = movement.code.as_ref().or(head.code.as_ref());
    code.is_some_and(|code| FEES.contains(&code.sub_family.as_str()))
}

/// What a key can be made of.
pub fn basis(references: &References) -> KeyBasis {
    if references.end_to_end_id.is_some()
        || references.instruction_id.is_some()
        || references.transaction_id.is_some()
    {
        KeyBasis::Debit
    } else if references.bank_reference.is_some() || references.block_id.is_some() {
        KeyBasis::Booking
    } else {
        KeyBasis::Report
    }
}

/// What a key tells apart: fees from movements, directions, amounts.
pub fn key_parts(
    event: &BankEvent,
    head: &EntryHead,
) -> (&'static str, Option<&'static str>, Option<i64>) {
    let (credit, debit) = (Some("credit"), Some("debit"));
    match event {
        BankEvent::Settled { amount, .. } => ("moved", credit, Some(amount.minor)),
        BankEvent::Returned { amount, .. } | BankEvent::Refunded { amount, .. } => {
            ("moved", debit, Some(amount.minor))
        }
        BankEvent::Charged { amount } => ("fee", debit, Some(amount.minor)),
        BankEvent::Other {
            direction, amount, ..
        } => {
            let direction = direction.unwrap_or(head.direction);
            let word = match direction {
                Direction::Credit => credit,
                Direction::Debit => debit,
            };
            let tag = if head.is_booked {
                "moved"
            } else {
                "not booked"
            };
            (tag, word, amount.map(|amount| amount.minor))
        }
        BankEvent::Rejected { .. } | BankEvent::Acknowledged { .. } => ("status", None, None),
    }
}
