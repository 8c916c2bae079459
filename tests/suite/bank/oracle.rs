//! The crate `sepa`, an independent reader, sees the same in the samples.

use std::collections::BTreeMap;

use quittance::providers::sepa::answers::{BankAnswer, BankEvent, Scope};

use super::{fixture, fixtures, read};

/// End-to-end id to reason and amount in cents, of what came back. `sepa` does
/// not take the instructed amount of version 02 for an amount.
type Returns = BTreeMap<String, (String, Option<i64>)>;

fn ours(answer: &BankAnswer) -> Returns {
    let mut returns = Returns::new();
    for entry in &answer.entries {
        let (reason, amount) = match &entry.event {
            BankEvent::Returned { reason, amount, .. }
            | BankEvent::Refunded { reason, amount, .. } => (reason, *amount),
            BankEvent::Rejected {
                scope: Scope::Transaction,
                reason,
                amount: Some(amount),
                ..
            } => (reason, *amount),
            _ => continue,
        };
        let name = entry.references.end_to_end_id.clone().unwrap();
        returns.insert(name, (reason.code.clone().unwrap(), Some(amount.minor)));
    }
    returns
}

fn add(returns: &mut Returns, entries: &[sepa::CashEntry]) {
    for entry in entries {
        for detail in &entry.details {
            if let Some(reason) = &detail.return_reason_code {
                let name = detail.end_to_end_id.clone().unwrap();
                returns.insert(name, (reason.clone(), detail.amount.ct));
            }
        }
    }
}

fn theirs(name: &str, xml: &str, answer: &BankAnswer) -> Returns {
    let mut returns = Returns::new();
    if name.starts_with("camt.053") {
        let document = sepa::parse_camt053(xml).unwrap();
        for (theirs, ours) in document.statements.iter().zip(&answer.reports) {
            assert_eq!(theirs.stmt_id, ours.id, "{name}");
            let balances = [theirs.opening_balance(), theirs.closing_balance()];
            let balances = balances.map(|balance| balance.unwrap().amount.ct);
            let ours = [ours.opening, ours.closing].map(|money| money.map(|money| money.minor));
            assert_eq!(balances, ours, "{name}");
            add(&mut returns, &theirs.entries);
        }
    } else if name.starts_with("camt.054") {
        let document = sepa::parse_camt054(xml).unwrap();
        for theirs in &document.notifications {
            add(&mut returns, &theirs.entries);
        }
    } else {
        let document = sepa::parse_pain002(xml).unwrap();
        assert_eq!(document.msg_id, answer.header.message_id, "{name}");
        for block in &document.payment_info_statuses {
            for debit in &block.transactions {
                let name = debit.original_end_to_end_id.clone().unwrap();
                let reason = debit.reason_codes[0].as_code().to_owned();
                returns.insert(name, (reason, debit.original_amount_ct));
            }
        }
    }
    returns
}

#[test]
fn an_independent_reader_sees_the_same() {
    for name in fixtures() {
        let xml = fixture(&name);
        let answer = read(&xml).unwrap();
        let mut ours = ours(&answer);
        let count = if name.contains("file-rejected") { 0 } else { 5 };
        assert_eq!(ours.len(), count, "{name}");
        if name.starts_with("camt.054.001.02") {
            // `sepa` does not read it; its bookings are those of version 08.
            assert!(sepa::parse_camt054(&xml).is_err());
            continue;
        }
        if name.starts_with("camt") && name.contains(".02-") {
            for (_, amount) in ours.values_mut() {
                *amount = None;
            }
        }
        assert_eq!(ours, theirs(&name, &xml, &answer), "{name}");
    }
}
