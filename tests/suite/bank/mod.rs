//! Answers of banks: the samples in `fixtures/bank`, made ones, wrong ones.

mod generated;
mod movements;
mod oracle;
mod samples;
mod wrong;

use std::fmt::Write as _;
use std::path::Path;

use quittance::providers::sepa::answers::{
    AnswerError, BankAnswer, BankEntry, BankEvent, References,
};

fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/bank")
        .join(name);
    std::fs::read_to_string(&path).unwrap()
}

fn fixtures() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/bank");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".xml"))
        .collect();
    names.sort();
    assert!(names.len() >= 8, "{names:?}");
    names
}

fn read(xml: &str) -> Result<BankAnswer, AnswerError> {
    BankAnswer::read(xml.as_bytes())
}

/// Everything in it, one fact a paragraph.
fn described(answer: &BankAnswer) -> String {
    let mut out = format!(
        "{:?} {} {} of {} {:?}\n",
        answer.kind,
        answer.version,
        answer.header.message_id,
        answer.header.created_at.local,
        answer.header.created_at.offset_minutes,
    );
    for report in &answer.reports {
        let balance = |money: Option<_>| {
            money.map_or_else(
                || "-".to_owned(),
                |money: quittance::domain::money::Money| money.to_string(),
            )
        };
        writeln!(
            out,
            "report {} of {}: {} entries, {} -> {}, checked {}",
            report.id,
            report.account,
            report.entries,
            balance(report.opening),
            balance(report.closing),
            report.balances_checked,
        )
        .unwrap();
    }
    for entry in &answer.entries {
        writeln!(out, "\n{}", fact(entry)).unwrap();
        writeln!(out, "  {}", references(&entry.references)).unwrap();
        writeln!(
            out,
            "  account {:?}, booked {:?}, value {:?}, reversal {}",
            entry.account, entry.booked_on, entry.value_on, entry.is_reversal
        )
        .unwrap();
        writeln!(
            out,
            "  {} {:?}, {}",
            entry.key, entry.key.basis, entry.place
        )
        .unwrap();
    }
    out
}

/// An event in one line.
fn fact(entry: &BankEntry) -> String {
    match &entry.event {
        BankEvent::Rejected {
            scope,
            reason,
            amount,
            collect_on,
        } => format!(
            "rejected {scope:?} {} {:?}, {}, {collect_on:?}",
            reason.code.as_deref().unwrap_or("-"),
            reason.text,
            amount.map_or_else(|| "-".to_owned(), |amount| amount.to_string()),
        ),
        BankEvent::Acknowledged { scope, status } => format!("acknowledged {scope:?} {status}"),
        BankEvent::Settled {
            amount,
            charges,
            count,
        } => format!("settled {amount}, charges {charges}, count {count:?}"),
        BankEvent::Returned {
            amount,
            charges,
            reason,
        } => format!(
            "returned {amount}, charges {charges}, {} {:?}",
            reason.code.as_deref().unwrap_or("-"),
            reason.text
        ),
        BankEvent::Refunded {
            amount,
            charges,
            reason,
        } => format!(
            "refunded {amount}, charges {charges}, {} {:?}",
            reason.code.as_deref().unwrap_or("-"),
            reason.text
        ),
        BankEvent::Charged { amount } => format!("charged {amount}"),
        BankEvent::Other {
            direction,
            amount,
            why,
            text,
        } => format!(
            "other {} {}: {why}: {text}",
            direction.map_or_else(|| "-".to_owned(), |direction| direction.to_string()),
            amount.map_or_else(|| "-".to_owned(), |amount| amount.to_string()),
        ),
    }
}

fn references(references: &References) -> String {
    let show = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    format!(
        "message {}, block {}, instruction {}, end-to-end {}, transaction {}, mandate {}, bank {}",
        show(&references.message_id),
        show(&references.block_id),
        show(&references.instruction_id),
        show(&references.end_to_end_id),
        show(&references.transaction_id),
        show(&references.mandate_id),
        show(&references.bank_reference),
    )
}
