//! Single debits, as dated stories.

use serde_json::{Value, json};

use super::xml::{Booking, Name, fee, notification, returned, settled, statement, status};
use super::*;
use crate::on_both;
use crate::support::House;

on_both!(
    settled_on_the_day,
    returned_for_lack_of_money_and_the_ladder_goes_on,
    rejected_before_settlement,
    refunded_after_settlement,
    returned_before_its_settlement_is_read,
    told_again_nothing_changes,
    settled_and_returned_many_entries_apart,
    told_again_in_another_statement_of_the_file,
    charges_of_a_credit,
    paid_otherwise_meanwhile,
    what_does_not_fit_waits_for_a_person,
    money_that_moves_twice_waits_for_a_person,
    a_person_closes_what_was_looked_at,
    nothing_personal_is_kept,
);

fn outbox(house: &House, topic: &'static str) -> i64 {
    let query: &'static str = match topic {
        "payment_succeeded" => "SELECT COUNT(*) FROM outbox WHERE topic = 'payment_succeeded'",
        "payment_failed" => "SELECT COUNT(*) FROM outbox WHERE topic = 'payment_failed'",
        "payment_returned" => "SELECT COUNT(*) FROM outbox WHERE topic = 'payment_returned'",
        other => panic!("{other}"),
    };
    house.watch().count(query)
}

fn settled_on_the_day(house: &House) {
    debited(house, 3);
    let amounts = amounts(house);
    let sum: i64 = amounts.iter().sum();
    let report = import(house, &status("P1", &[(1, None), (2, None)], None));
    assert_eq!(
        outcomes(&report),
        format!("acknowledged 2 ({})", amounts[0] + amounts[1])
    );
    assert_eq!(
        [1, 2, 3].map(|n| state(house, n)),
        ["pending", "pending", "submitted"]
    );
    let bookings: Vec<Booking> = (1..=3).map(|n| settled(n, amounts[n - 1])).collect();
    let report = import(house, &statement("S1", &bookings));
    assert_eq!(outcomes(&report), format!("settled 3 ({sum})"));
    assert_eq!(report["unmatched"], 0, "{report}");
    assert_eq!(report["kind"], "camt.053");
    assert_eq!(report["account"], "FR…0189");
    assert_eq!(state(house, 1), "succeeded");
    assert_eq!(owed_and_held(house), (0, sum));
    assert_eq!(outbox(house, "payment_succeeded"), 3);
    house.run(&["verify"]);
}

fn returned_for_lack_of_money_and_the_ladder_goes_on(house: &House) {
    debited(house, 2);
    let amounts = amounts(house);
    import(
        house,
        &statement("S1", &[settled(1, amounts[0]), settled(2, amounts[1])]),
    );
    let report = import(
        house,
        &statement("S2", &[returned(1, amounts[0], 300, "AM04")]),
    );
    assert_eq!(outcomes(&report), format!("returned 1 ({})", amounts[0]));
    assert_eq!(state(house, 1), "returned AM04");
    // The debt is open again; the fee is the house's.
    assert_eq!(owed_and_held(house), (amounts[0], amounts[1] - 300));
    assert_eq!(outbox(house, "payment_returned"), 1);
    // Nothing is in flight any more: the account's credit pays it.
    let credit = [
        "credit", "grant", "acc-1", "500", "--reason", "x", "--by", "ada",
    ];
    let answer = house.run(&credit);
    assert!(answer.stdout.contains("paid"), "{answer:?}");
    assert_eq!(owed_and_held(house).0, 0);
    house.run(&["verify"]);
}

fn rejected_before_settlement(house: &House) {
    debited(house, 4);
    let amounts = amounts(house);
    let debits = [(1, Some("AC04")), (2, Some("AM04")), (3, Some(""))];
    let report = import(house, &status("P1", &debits, None));
    let sum: i64 = amounts[..3].iter().sum();
    assert_eq!(outcomes(&report), format!("rejected 3 ({sum})"));
    // A closed account is not debited again; without a code it is told as unknown.
    let all = attempts(house);
    let codes: Vec<&Value> = all.iter().map(|attempt| &attempt["decline"]).collect();
    assert_eq!(
        codes[0],
        &json!({"code": "AC04", "class": "hard", "known": true})
    );
    assert_eq!(
        codes[1],
        &json!({"code": "AM04", "class": "soft", "known": true})
    );
    assert_eq!(
        codes[2],
        &json!({"code": "no_reason", "class": "soft", "known": false})
    );
    let mut watch = house.watch();
    let declined = "SELECT COUNT(*) FROM payment_method m JOIN account a ON a.id = m.account_id \
         WHERE m.state = 'hard_declined' AND m.decline_code = 'AC04' AND a.external_id = 'acc-1'";
    assert_eq!(watch.count(declined), 1);
    let usable = "SELECT COUNT(*) FROM payment_method WHERE state = 'usable'";
    assert_eq!(watch.count(usable), 3);
    // It never took place: the next one is the first.
    let forgotten = "SELECT COUNT(*) FROM sepa_mandate WHERE last_sequence IS NULL AND last_presented_on IS NOT NULL";
    assert_eq!(watch.count(forgotten), 3);
    assert_eq!(watch.count("SELECT COUNT(*) FROM ledger_entry"), 0);
    assert_eq!(outbox(house, "payment_failed"), 3);
    house.run(&["verify"]);
    // And what the bank books after it cannot have happened.
    let report = import(house, &statement("S1", &[settled(1, amounts[0])]));
    assert_eq!(report["unmatched"], 1, "{report}");
    let why = "an attempt that is declined: AC04 (hard) cannot become succeeded";
    assert!(unmatched(house)[0].starts_with(why), "{report}");
    assert_eq!(state(house, 1), "declined AC04");
    house.run(&["verify"]);
}

fn refunded_after_settlement(house: &House) {
    debited(house, 1);
    let amount = amounts(house)[0];
    import(house, &statement("S1", &[settled(1, amount)]));
    let refund = Booking {
        day: "2027-01-20".to_owned(),
        ..returned(1, amount, 0, "MD06")
    };
    let report = import(house, &statement("S2", &[refund]));
    assert_eq!(outcomes(&report), format!("refunded 1 ({amount})"));
    assert_eq!(state(house, 1), "returned MD06");
    assert_eq!(owed_and_held(house), (amount, 0));
    // The mandate stands: the customer has to say what now.
    let usable = "SELECT COUNT(*) FROM payment_method WHERE state = 'usable'";
    assert_eq!(house.watch().count(usable), 1);
    // It took place.
    let kept = "SELECT COUNT(*) FROM sepa_mandate WHERE last_sequence = 'FRST'";
    assert_eq!(house.watch().count(kept), 1);
    house.run(&["verify"]);
}

fn returned_before_its_settlement_is_read(house: &House) {
    debited(house, 2);
    let amounts = amounts(house);
    import(
        house,
        &notification("N1", &[returned(1, amounts[0], 250, "AC04")]),
    );
    assert_eq!(state(house, 1), "returned AC04");
    assert_eq!(owed_and_held(house).1, -250);
    let both = [settled(2, amounts[1]), settled(1, amounts[0])];
    let report = import(house, &statement("S1", &both));
    assert_eq!(outcomes(&report), format!("settled 1 ({})", amounts[1]));
    assert_eq!(
        (&report["known"], &report["unmatched"]),
        (&json!(1), &json!(0))
    );
    assert_eq!(owed_and_held(house), (amounts[0], amounts[1] - 250));
    // In one file, and the return first.
    let entries = "SELECT COUNT(*) FROM ledger_entry";
    assert_eq!(house.watch().count(entries), 3);
    house.run(&["verify"]);
}

fn told_again_nothing_changes(house: &House) {
    debited(house, 3);
    let amounts = amounts(house);
    let bookings = [
        settled(1, amounts[0]),
        settled(2, amounts[1]),
        returned(2, amounts[1], 300, "AM04"),
        fee(450),
    ];
    let notified = notification("N1", &bookings);
    let report = import(house, &notified);
    assert_eq!(report["left_to_statement"], 1, "{report}");
    assert_eq!(report["unmatched"], 0, "{report}");
    let before = rows(house);
    // The same file, and the same facts in the statement, which alone has the fee.
    let report = import(house, &notified);
    assert_eq!(report["known_since"], "2026-11-02T08:00:00Z");
    let answer = house.run(&["sepa", "import", house.path("answer.xml").to_str().unwrap()]);
    assert!(
        answer
            .stdout
            .contains("It was imported at 2026-11-02T08:00:00Z: nothing was changed.")
    );
    assert_eq!(rows(house), before);
    let report = import(house, &statement("S1", &bookings));
    assert_eq!(report["known"], 3, "{report}");
    assert_eq!(report["unmatched"], 1, "{report}");
    assert_eq!(outcomes(&report), "");
    let after = rows(house);
    assert_eq!(after[..2], before[..2]);
    assert_eq!((after[2], after[3]), (before[2] + 1, before[3] + 1));
    assert!(unmatched(house)[0].starts_with("is a fee of the bank"));
    house.run(&["verify"]);
}

/// More than is decided at once: later entries meet debits whose settlement is
/// decided and not written yet, or written and not committed.
fn settled_and_returned_many_entries_apart(house: &House) {
    debited(house, 20);
    let amounts = amounts(house);
    let sum: i64 = amounts.iter().sum();
    let mut bookings: Vec<Booking> = (1..=20).map(|n| settled(n, amounts[n - 1])).collect();
    bookings.extend((1..=20).map(|n| returned(n, amounts[n - 1], 300, "AM04")));
    let report = import(house, &statement("S1", &bookings));
    assert_eq!(
        outcomes(&report),
        format!("settled 20 ({sum}), returned 20 ({sum})")
    );
    assert_eq!(report["unmatched"], 0, "{report}");
    assert_eq!(owed_and_held(house), (sum, -20 * 300));
    let [entries, postings, facts, ..] = rows(house);
    assert_eq!((entries, postings, facts), (40, 100, 40));
    house.run(&["verify"]);
}

fn told_again_in_another_statement_of_the_file(house: &House) {
    debited(house, 20);
    let amounts = amounts(house);
    let sum: i64 = amounts.iter().sum();
    let bookings: Vec<Booking> = (1..=20).map(|n| settled(n, amounts[n - 1])).collect();
    let once = statement("S1", &bookings);
    let (start, end) = (once.find("<Stmt>").unwrap(), once.find("</Stmt>").unwrap());
    let again = &once[start..end + "</Stmt>".len()];
    let twice = format!("{}{again}{}", &once[..start], &once[start..]);
    let report = import(house, &twice);
    assert_eq!(outcomes(&report), format!("settled 20 ({sum})"));
    assert_eq!(
        (&report["known"], &report["unmatched"]),
        (&json!(20), &json!(0))
    );
    assert_eq!(owed_and_held(house), (0, sum));
    house.run(&["verify"]);
}

fn charges_of_a_credit(house: &House) {
    debited(house, 2);
    let amounts = amounts(house);
    let short = |n: usize| Booking {
        charges: 20,
        ..settled(n, amounts[n - 1])
    };
    import(
        house,
        &statement("S1", &[short(1), returned(2, amounts[1], 300, "AM04")]),
    );
    // All that was owed is settled; what the bank kept is the house's cost.
    assert_eq!(owed_and_held(house), (amounts[1], amounts[0] - 20 - 300));
    // The settlement that came before the return that was read.
    let report = import(house, &statement("S2", &[short(2)]));
    assert_eq!(report["unmatched"], 0, "{report}");
    assert_eq!(owed_and_held(house).1, amounts[0] - 20 - 320);
    house.run(&["verify"]);
}

fn paid_otherwise_meanwhile(house: &House) {
    debited(house, 2);
    let amounts = amounts(house);
    // Behind the binary's back, a part of the invoice was given up.
    let (whole, account) = (
        amounts[0],
        "(SELECT id FROM account WHERE external_id = 'acc-1')",
    );
    house.edit(&format!(
        "INSERT INTO ledger_entry (account_id, id, movement, currency, at, period, kind) \
         VALUES ({account}, 1, 'written_off', 'EUR', 1, 202610, 1)"
    ));
    house.edit(&format!(
        "INSERT INTO ledger_posting (account_id, entry_id, ledger_account, amount_minor) \
         VALUES ({account}, 1, 'write_off', {whole}), ({account}, 1, 'receivable', -{whole})"
    ));
    house.edit(&format!(
        "DELETE FROM open_invoice WHERE account_id = {account}"
    ));
    import(house, &statement("S1", &[settled(1, whole)]));
    let written_off = "SELECT CAST(SUM(amount_minor) AS BIGINT) FROM ledger_posting WHERE ledger_account = 'write_off'";
    assert_eq!(house.watch().count(written_off), 0);
    assert_eq!(owed_and_held(house), (amounts[1], whole));
    house.run(&["verify"]);
}

fn what_does_not_fit_waits_for_a_person(house: &House) {
    debited(house, 2);
    let amounts = amounts(house);
    let before = rows(house);
    let named = |name: Name| Booking {
        name,
        ..settled(1, amounts[0])
    };
    let report = import(
        house,
        &statement(
            "S1",
            &[
                settled(1, amounts[0] + 1),
                named(Name::Debit("0".repeat(32))),
                named(Name::Debit("INVOICE 7".into())),
                named(Name::Batch("XX-1".into(), 3)),
                returned(2, amounts[1] - 5, 300, "AM04"),
                fee(450),
            ],
        ),
    );
    assert_eq!(outcomes(&report), "");
    assert_eq!(report["unmatched"], 6, "{report}");
    let said: Vec<&str> = report["unmatched_facts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fact| fact["problem"].as_str().unwrap())
        .collect();
    let (one, two) = (xml::plain(amounts[0]), xml::plain(amounts[1]));
    let more = xml::plain(amounts[0] + 1);
    let expected = [
        format!(
            "the bank says {more} EUR, the debit is {one} EUR: end-to-end {}",
            id(1)
        ),
        format!("no debit has the end-to-end id \"{}\"", "0".repeat(32)),
        "no debit has the end-to-end id \"INVOICE 7\"".to_owned(),
        "no debits were sent in XX-1".to_owned(),
        format!(
            "the bank says {} EUR, the debit is {two} EUR",
            xml::plain(amounts[1] - 5)
        ),
        "is a fee of the bank, which belongs to no customer".to_owned(),
    ];
    for (said, expected) in said.iter().zip(&expected) {
        assert!(
            said.starts_with(expected.as_str()),
            "{said} is not {expected}"
        );
    }
    let place = report["unmatched_facts"][1]["place"].as_str().unwrap();
    assert!(place.starts_with("line 4 (byte "), "{place}");
    let after = rows(house);
    assert_eq!(after[..2], before[..2]);
    assert_eq!(after[2], 6);
    assert_eq!(unmatched(house).len(), 6);
    house.run(&["verify"]);
}

fn money_that_moves_twice_waits_for_a_person(house: &House) {
    debited(house, 2);
    let amounts = amounts(house);
    let again = |booking: Booking| Booking {
        day: "2026-12-04".to_owned(),
        ..booking
    };
    let back = returned(2, amounts[1], 0, "AM04");
    let bookings = [
        settled(1, amounts[0]),
        // Equal in everything, and one more all the same.
        settled(1, amounts[0]),
        settled(2, amounts[1]),
        back.clone(),
        again(back),
    ];
    let report = import(house, &statement("S1", &bookings));
    assert_eq!(report["unmatched"], 2, "{report}");
    import(house, &statement("S2", &[again(settled(1, amounts[0]))]));
    import(house, &statement("S3", &[again(settled(2, amounts[1]))]));
    let problems = unmatched(house);
    let count = |words: &str| problems.iter().filter(|said| said.contains(words)).count();
    assert_eq!(count("money that came in a second time"), 3, "{problems:?}");
    assert_eq!(
        count("money that was taken a second time"),
        1,
        "{problems:?}"
    );
    assert_eq!(owed_and_held(house), (amounts[1], amounts[0]));
    house.run(&["verify"]);
}

fn a_person_closes_what_was_looked_at(house: &House) {
    debited(house, 1);
    import(house, &statement("S1", &[fee(450)]));
    let listed = house.run(&["sepa", "unmatched", "--json"]).json();
    assert_eq!(listed[0]["file"]["message_id"], "S1", "{listed}");
    assert_eq!(listed[0]["file"]["booked_on"], "2026-12-01");
    assert_eq!(
        (&listed[0]["kind"], &listed[0]["amount_minor"]),
        (&json!("charged"), &json!(450))
    );
    let key = listed[0]["key"].as_str().unwrap();
    let answer = house.run(&["sepa", "unmatched"]);
    assert!(answer.stdout.contains(key), "{answer:?}");
    assert!(
        answer.stdout.contains("charged 4.50 EUR: is a fee"),
        "{answer:?}"
    );
    let close = |key: &str, reason: &str| {
        house.try_run(&["sepa", "close", key, "--reason", reason, "--by", "ada"])
    };
    assert_eq!(close(key, " ").code, Some(1));
    assert_eq!(close("12", "booked by hand").code, Some(1));
    assert_eq!(close(&"0".repeat(32), "booked by hand").code, Some(1));
    assert_eq!(close(key, "booked by hand").code, Some(0));
    let again = close(key, "booked by hand");
    assert!(again.stderr.contains("no fact that waits"), "{again:?}");
    assert!(unmatched(house).is_empty());
    let audited = "SELECT COUNT(*) FROM house_audit_entry WHERE actor = 'ada' AND action = 'bank_fact_closed' \
         AND reason = 'booked by hand' AND subject = (SELECT subject FROM house_audit_entry)";
    assert_eq!(house.watch().count(audited), 1);
    house.run(&["verify"]);
}

fn nothing_personal_is_kept(house: &House) {
    debited(house, 1);
    let strange = statement("S1", &[settled(1, 100)]).replace(
        "</TxDtls>",
        "<RltdPties><DbtrAcct><Id><IBAN>DE89370400440532013000</IBAN></Id></DbtrAcct></RltdPties>\
         <RmtInf><Ustrd>from DE89 3704 0044 0532 0130 00</Ustrd></RmtInf></TxDtls>",
    );
    let strange = strange.replace(&id(1), "NOTPROVIDED");
    let report = import(house, &strange);
    assert_eq!(report["unmatched"], 1, "{report}");
    let said = unmatched(house).remove(0);
    assert!(said.contains("DE…3000"), "{said}");
    let digits = said.replace(' ', "");
    assert!(!digits.contains("37040044"), "{said}");
}
