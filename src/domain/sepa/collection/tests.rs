//! Which debits go where, and when.

use proptest::prelude::*;

use super::*;
use crate::domain::money::Currency;
use crate::domain::sepa::check::check;
use crate::domain::sepa::iban::IbanText;
use crate::domain::sepa::mandate::MandateUse;
use crate::domain::sepa::target::is_business_day;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn creditor() -> Creditor {
    Creditor {
        name: "Hébergeur SAS".into(),
        address: None,
        identifier: "FR72ZZZ123456".into(),
        iban: IbanText::new("FR1420041010050500013M02606"),
        bic: None,
    }
}

/// Told and due on 2 November 2026, a Monday, when the file is sent.
fn due(id: &str, mandate: &str) -> DebitDue {
    DebitDue {
        id: id.into(),
        amount: Money::new(1_200, Currency::Eur),
        due_on: day("2026-11-02"),
        notified_on: day("2026-11-02"),
        is_last: false,
        mandate: Mandate {
            reference: mandate.into(),
            signed_on: day("2026-01-15"),
            scheme: Scheme::Core,
            usage: MandateUse::Recurrent,
            last_sequence: None,
            last_presented_on: None,
            amendment: None,
        },
        debtor: Debtor {
            name: "Jörg Brückner & Söhne".into(),
            address: None,
            iban: IbanText::new("DE89370400440532013000"),
            bic: None,
        },
        remittance: "Facture Q-2026-000001 – octobre".into(),
    }
}

fn submission() -> Submission {
    Submission {
        message_id: "Q-20261102-1".into(),
        created_at: Instant(0),
        submit_on: day("2026-11-02"),
        collect_from: None,
    }
}

fn collected(debits: Vec<DebitDue>, first: FirstCollection) -> Collection {
    let policy = CollectionPolicy {
        first_collection: first,
        ..CollectionPolicy::default()
    };
    collect(&creditor(), debits, policy, &submission()).unwrap()
}

/// The ids of each block's debits, by the block's id.
fn blocks(collection: &Collection) -> Vec<String> {
    let blocks = collection
        .message
        .iter()
        .flat_map(|message| &message.blocks);
    blocks
        .map(|block| {
            let ids: Vec<_> = block
                .debits
                .iter()
                .map(|d| d.end_to_end_id.as_str())
                .collect();
            format!("{} {}", block.id, ids.join(" "))
        })
        .collect()
}

#[test]
fn there_is_a_block_for_each_date_sequence_and_scheme() {
    let used = |mut due: DebitDue, last| {
        due.mandate.last_sequence = Some(last);
        due.mandate.last_presented_on = Some(day("2026-10-06"));
        due
    };
    let mut one_off = due("d5", "M5");
    one_off.mandate.usage = MandateUse::OneOff;
    let mut business = used(due("d6", "M6"), SequenceType::Recurrent);
    business.mandate.scheme = Scheme::B2b;
    let mut ending = used(due("d4", "M4"), SequenceType::Recurrent);
    ending.is_last = true;
    let mut later = used(due("d7", "M7"), SequenceType::First);
    later.due_on = day("2026-11-14");
    let mut lapsed = due("d8", "M8");
    lapsed.mandate.signed_on = day("2023-01-01");
    let debits = vec![
        used(due("d3", "M3"), SequenceType::Recurrent),
        later,
        due("d1", "M1"),
        lapsed,
        business,
        one_off,
        used(due("d2", "M2"), SequenceType::First),
        used(due("d9", "M9"), SequenceType::Final),
        ending,
    ];
    let collection = collected(debits.clone(), FirstCollection::First);
    assert_eq!(
        blocks(&collection),
        [
            "Q-20261102-1-261109-CORE-FRST d1",
            "Q-20261102-1-261109-CORE-RCUR d2 d3",
            "Q-20261102-1-261109-B2B-RCUR d6",
            "Q-20261102-1-261109-CORE-FNAL d4",
            "Q-20261102-1-261109-CORE-OOFF d5",
            "Q-20261102-1-261116-CORE-RCUR d7",
        ]
    );
    let reasons: Vec<_> = collection
        .left_out
        .iter()
        .map(|left| format!("{}: {}", left.id, left.reason))
        .collect();
    assert_eq!(
        reasons,
        [
            "d8: the mandate lapsed on 2026-01-01: 36 months without a collection",
            "d9: the mandate is used up: its last collection was FNAL",
        ]
    );
    let message = collection.message.as_ref().unwrap();
    assert_eq!((message.count, message.control_sum_minor), (7, 8_400));
    assert_eq!(message.creditor.name, "Hebergeur SAS");
    let debit = &message.blocks[0].debits[0];
    assert_eq!(debit.debtor.name, "Jorg Bruckner + Sohne");
    assert_eq!(debit.remittance, "Facture Q-2026-000001 - octobre");
    // In any order they make the same message.
    let reversed = debits.into_iter().rev().collect();
    assert_eq!(collected(reversed, FirstCollection::First), collection);
}

#[test]
fn a_mandate_has_one_first_collection() {
    let debits = vec![due("d2", "M1"), due("d1", "M1"), due("d3", "M1")];
    assert_eq!(
        blocks(&collected(debits.clone(), FirstCollection::First)),
        [
            "Q-20261102-1-261109-CORE-FRST d1",
            "Q-20261102-1-261109-CORE-RCUR d2 d3",
        ]
    );
    assert_eq!(
        blocks(&collected(debits, FirstCollection::Recurrent)),
        ["Q-20261102-1-261109-CORE-RCUR d1 d2 d3"]
    );
    // It is never overtaken: what is due earlier was told later.
    let mut first = due("d1", "M1");
    first.due_on = day("2026-11-01");
    first.notified_on = day("2026-11-10");
    let collection = collected(vec![due("d2", "M1"), first], FirstCollection::First);
    assert_eq!(
        blocks(&collection),
        [
            "Q-20261102-1-261116-CORE-FRST d1",
            "Q-20261102-1-261116-CORE-RCUR d2",
        ]
    );
    // A one-off mandate is used once, even within a file.
    let mut once = due("d1", "M1");
    once.mandate.usage = MandateUse::OneOff;
    let twice = DebitDue {
        id: "d2".into(),
        ..once.clone()
    };
    let collection = collected(vec![once, twice], FirstCollection::First);
    assert_eq!(collection.left_out.len(), 1);
    assert_eq!(collection.left_out[0].id, "d2");
}

#[test]
fn the_date_is_a_business_day_that_debtor_and_bank_have_time_for() {
    // (due, told, sent, not before, collected)
    let table = [
        ("2026-11-02", "2026-11-02", "2026-11-02", None, "2026-11-09"),
        ("2026-11-20", "2026-11-02", "2026-11-02", None, "2026-11-20"),
        // the bank needs a business day: a Friday's file is collected on Monday
        ("2026-11-02", "2026-10-01", "2026-11-06", None, "2026-11-09"),
        ("2026-11-02", "2026-10-01", "2026-11-07", None, "2026-11-10"),
        (
            "2026-11-02",
            "2026-11-02",
            "2026-11-02",
            Some("2026-11-12"),
            "2026-11-12",
        ),
        // asked for earlier than the debtor was told
        (
            "2026-11-02",
            "2026-11-02",
            "2026-11-02",
            Some("2026-11-04"),
            "2026-11-09",
        ),
        ("2026-12-25", "2026-11-02", "2026-11-02", None, "2026-12-28"),
    ];
    for (due_on, notified_on, submit_on, from, expected) in table {
        let due = DebitDue {
            due_on: day(due_on),
            notified_on: day(notified_on),
            ..due("d1", "M1")
        };
        let submission = Submission {
            submit_on: day(submit_on),
            collect_from: from.map(day),
            ..submission()
        };
        let date = collection_date(&due, CollectionPolicy::default(), &submission);
        assert_eq!(date, day(expected), "{due_on} {notified_on} {submit_on}");
    }
}

#[test]
fn nothing_to_collect_is_no_message() {
    assert_eq!(collected(Vec::new(), FirstCollection::First).message, None);
    let mut unnamed = due("d1", "M1");
    unnamed.debtor.name = " ".into();
    let collection = collected(vec![unnamed], FirstCollection::First);
    assert_eq!(collection.message, None);
    assert_eq!(collection.left_out.len(), 1);
}

#[test]
fn what_a_bank_would_refuse_keeps_no_other_debit_from_being_collected() {
    let wrong = |change: fn(&mut DebitDue)| {
        let mut due = due("d1", "M1");
        change(&mut due);
        due
    };
    let table = [
        (
            wrong(|due| due.amount.minor = i64::MAX),
            "InstdAmt: \"92,233,720,368,547,758.07 EUR\" is above 999,999,999.99",
        ),
        (
            wrong(|due| due.amount = Money::new(1, Currency::Pln)),
            "InstdAmt: \"0.01 PLN\" is not in euros",
        ),
        (
            wrong(|due| {
                due.debtor.name = String::new();
                due.debtor.bic = Some("DEUTDE".into());
            }),
            "Dbtr/Nm: \"\" is missing; DbtrAgt/FinInstnId: \"DEUTDE\" is not a BIC",
        ),
        (
            wrong(|due| due.debtor.iban = IbanText::new("DE88370400440532013000")),
            "DbtrAcct/Id/IBAN: \"DE…3000\" has wrong check digits",
        ),
    ];
    for (wrong, said) in table {
        // Of the same mandate: the one refused is no first collection.
        let others = vec![wrong, due("d2", "M1"), due("d3", "M3")];
        let collection = collected(others, FirstCollection::First);
        assert_eq!(
            blocks(&collection),
            ["Q-20261102-1-261109-CORE-FRST d2 d3"],
            "{said}"
        );
        let [left_out] = &collection.left_out[..] else {
            panic!("{collection:?}")
        };
        assert_eq!(left_out.id, "d1");
        let reason = left_out.reason.to_string();
        let expected = format!("the bank would refuse it: {said}");
        assert!(reason.starts_with(&expected), "{reason}");
        let message = collection.message.unwrap();
        assert_eq!((message.count, message.control_sum_minor), (2, 2_400));
        check(message, submission().submit_on).unwrap();
    }
}

fn any_due() -> impl Strategy<Value = DebitDue> {
    (
        0_u32..40,
        0_u64..60,
        0_u64..60,
        1_i64..99_999_999,
        0_u32..3,
        any::<[bool; 3]>(),
        ".{1,90}",
    )
        .prop_map(
            |(mandate, due_in, told_ago, minor, last, [one_off, is_last, b2b], name)| {
                let mut debit = due("", &format!("M{mandate}"));
                debit.amount.minor = minor;
                debit.due_on = debit.due_on + Days::new(due_in);
                debit.notified_on = debit.notified_on - Days::new(told_ago);
                debit.is_last = is_last;
                debit.debtor.name = format!("N{name}");
                debit.mandate.usage = if one_off {
                    MandateUse::OneOff
                } else {
                    MandateUse::Recurrent
                };
                debit.mandate.scheme = if b2b { Scheme::B2b } else { Scheme::Core };
                let history = [
                    None,
                    Some(SequenceType::First),
                    Some(SequenceType::Recurrent),
                ];
                debit.mandate.last_sequence = history[usize::try_from(last).unwrap()];
                debit
            },
        )
}

proptest! {
    #[test]
    fn every_debit_is_collected_once_or_left_out(
        mut debits in proptest::collection::vec(any_due(), 0..60), sent in 0_u64..400,
    ) {
        for (debit, n) in debits.iter_mut().zip(0..) {
            debit.id = format!("d{n:03}");
        }
        let submission = Submission {
            submit_on: day("2026-11-02") + Days::new(sent),
            ..submission()
        };
        let policy = CollectionPolicy { first_collection: FirstCollection::First, ..CollectionPolicy::default() };
        let collection = collect(&creditor(), debits.clone(), policy, &submission).unwrap();
        let mut ids: Vec<String> = collection.left_out.iter().map(|left| left.id.clone()).collect();
        let mut firsts = std::collections::HashSet::new();
        let mut keys = std::collections::HashSet::new();
        for block in collection.message.iter().flat_map(|message| &message.blocks) {
            prop_assert!(keys.insert((block.collect_on, block.scheme, block.sequence)));
            prop_assert!(is_business_day(block.collect_on));
            for debit in &block.debits {
                ids.push(debit.end_to_end_id.clone());
                let due = debits.iter().find(|due| due.id == debit.end_to_end_id).unwrap();
                prop_assert!(block.collect_on >= due.due_on);
                prop_assert!(block.collect_on >= due.notified_on + Days::new(5));
                if block.sequence == SequenceType::First {
                    prop_assert!(firsts.insert(debit.mandate_reference.clone()));
                }
            }
        }
        ids.sort();
        prop_assert_eq!(ids, debits.iter().map(|due| due.id.clone()).collect::<Vec<_>>());
        // What is made of sound facts is what a bank takes.
        if let Some(message) = collection.message {
            let told: i64 = message.blocks.iter().map(|block| block.control_sum_minor).sum();
            prop_assert_eq!(told, message.control_sum_minor);
            let checked = check(message, submission.submit_on);
            prop_assert!(checked.is_ok(), "{:?}", checked);
        }
    }
}
