//! Blocks and files that are told as one.

use serde_json::json;

use super::xml::{Booking, batch, returned, settled, statement, status};
use super::*;
use crate::on_both;
use crate::support::House;

on_both!(
    a_batch_with_one_reject,
    a_batch_that_is_read_before_its_reject,
    a_batch_and_its_debits_one_by_one,
    a_batch_that_does_not_fit_or_comes_twice,
    a_batch_with_returns_read_first,
    what_the_bank_kept_of_a_batch,
    a_block_that_is_rejected,
    a_batch_of_thousands,
);

fn a_batch_with_one_reject(house: &House) {
    debited(house, 4);
    let amounts = amounts(house);
    let credited: i64 = amounts[1..].iter().sum();
    import(
        house,
        &status("P1", &[(1, Some("MD01"))], Some(("PART", ""))),
    );
    assert_eq!(state(house, 2), "pending");
    let report = import(house, &statement("S1", &[batch(3, credited)]));
    assert_eq!(outcomes(&report), format!("settled 3 ({credited})"));
    assert_eq!(report["unmatched"], 0, "{report}");
    assert_eq!(state(house, 1), "declined MD01");
    assert_eq!(owed_and_held(house), (amounts[0], credited));
    house.run(&["verify"]);
}

fn a_batch_that_is_read_before_its_reject(house: &House) {
    debited(house, 4);
    let amounts = amounts(house);
    let credited: i64 = amounts[1..].iter().sum();
    let report = import(house, &statement("S1", &[batch(3, credited)]));
    assert_eq!(report["unmatched"], 1, "{report}");
    let sum: i64 = amounts.iter().sum();
    let said = format!(
        "the bank credits {} EUR for 3 debits, the debits sent and not rejected are 4 of {} EUR (a difference of -{} EUR)",
        xml::plain(credited),
        xml::plain(sum),
        xml::plain(amounts[0])
    );
    assert!(unmatched(house)[0].starts_with(&said), "{report}");
    assert_eq!(owed_and_held(house), (sum, 0));
    house.run(&["verify"]);
    // A reject of another size explains nothing; the right one does.
    let report = import(house, &status("P1", &[(1, Some("MD01"))], None));
    assert_eq!(report["waited"], 1, "{report}");
    assert_eq!(
        outcomes(&report),
        format!("settled 3 ({credited}), rejected 1 ({})", amounts[0])
    );
    assert!(unmatched(house).is_empty());
    assert_eq!(owed_and_held(house), (amounts[0], credited));
    house.run(&["verify"]);
}

fn a_batch_and_its_debits_one_by_one(house: &House) {
    debited(house, 3);
    let amounts = amounts(house);
    let sum: i64 = amounts.iter().sum();
    let single = |n: usize| settled(n, amounts[n - 1]);
    import(house, &statement("S1", &[single(1)]));
    // The credit of all, one of which was told before; then the rest of them.
    let report = import(house, &statement("S2", &[batch(3, sum)]));
    assert_eq!(
        outcomes(&report),
        format!("settled 2 ({})", sum - amounts[0])
    );
    let report = import(house, &statement("S3", &[single(2), single(3)]));
    assert_eq!(
        (&report["known"], &report["unmatched"]),
        (&json!(2), &json!(0))
    );
    assert_eq!(owed_and_held(house), (0, sum));
    // And nothing of it again.
    let again = Booking {
        day: "2026-12-02".to_owned(),
        ..single(3)
    };
    let report = import(house, &statement("S4", &[again]));
    assert_eq!(report["unmatched"], 1, "{report}");
    assert_eq!(owed_and_held(house), (0, sum));
    house.run(&["verify"]);
}

fn a_batch_that_does_not_fit_or_comes_twice(house: &House) {
    debited(house, 3);
    let sum: i64 = amounts(house).iter().sum();
    let before = rows(house);
    let few = Booking {
        day: "2026-12-04".to_owned(),
        ..batch(2, sum)
    };
    let wrong = [few, batch(3, sum - 1), batch(4, sum + 1)];
    let report = import(house, &statement("S1", &wrong));
    assert_eq!(report["unmatched"], 3, "{report}");
    assert_eq!(rows(house)[..2], before[..2]);
    import(house, &statement("S2", &[batch(3, sum)]));
    assert_eq!(owed_and_held(house), (0, sum));
    let again = Booking {
        day: "2026-12-02".to_owned(),
        ..batch(3, sum)
    };
    let report = import(house, &statement("S3", &[again]));
    assert_eq!(report["unmatched"], 1, "{report}");
    assert!(
        report["unmatched_facts"][0]["problem"]
            .as_str()
            .unwrap()
            .starts_with("the batch was credited already")
    );
    assert_eq!(owed_and_held(house), (0, sum));
    house.run(&["verify"]);
}

fn a_batch_with_returns_read_first(house: &House) {
    debited(house, 3);
    let amounts = amounts(house);
    let sum: i64 = amounts.iter().sum();
    import(
        house,
        &statement("S2", &[returned(2, amounts[1], 300, "AM04")]),
    );
    let report = import(house, &statement("S1", &[batch(3, sum)]));
    assert_eq!(
        outcomes(&report),
        format!("settled 2 ({})", sum - amounts[1])
    );
    assert_eq!(report["unmatched"], 0, "{report}");
    assert_eq!(owed_and_held(house), (amounts[1], sum - amounts[1] - 300));
    house.run(&["verify"]);
}

fn what_the_bank_kept_of_a_batch(house: &House) {
    debited(house, 2);
    let sum: i64 = amounts(house).iter().sum();
    // The bank tells the charges of a batch in one TxDtls without a debit's name.
    let details = format!(
        "<TxDtls><Refs><PmtInfId>{BLOCK}</PmtInfId></Refs><Amt Ccy=\"EUR\">{}</Amt><CdtDbtInd>CRDT</CdtDbtInd>\
         <Chrgs><Rcrd><Amt Ccy=\"EUR\">0.60</Amt></Rcrd></Chrgs></TxDtls></NtryDtls>",
        xml::plain(sum)
    );
    let gross = statement("S1", &[batch(2, sum)]);
    let entry = format!("<Ntry><Amt Ccy=\"EUR\">{}</Amt>", xml::plain(sum));
    let net = format!("<Ntry><Amt Ccy=\"EUR\">{}</Amt>", xml::plain(sum - 60));
    let xml = gross.replace(&entry, &net).replace("</NtryDtls>", &details);
    let report = import(house, &xml);
    assert_eq!(outcomes(&report), format!("settled 2 ({sum})"), "{report}");
    assert_eq!(owed_and_held(house), (0, sum - 60));
    house.run(&["verify"]);
}

fn a_block_that_is_rejected(house: &House) {
    debited(house, 3);
    let amounts = amounts(house);
    // One came back before, so it was collected: that is told, the others are
    // rejected all the same.
    import(
        house,
        &statement("S1", &[returned(3, amounts[2], 0, "AM04")]),
    );
    let debits = [(1, Some("AC04"))];
    let report = import(house, &status("P1", &debits, Some(("RJCT", "FF05"))));
    assert_eq!(
        outcomes(&report),
        format!("rejected 2 ({})", amounts[0] + amounts[1])
    );
    assert_eq!(report["unmatched"], 1, "{report}");
    let states = [1, 2, 3].map(|n| state(house, n));
    assert_eq!(states, ["declined AC04", "declined FF05", "returned AM04"]);
    assert!(unmatched(house)[0].starts_with("rejects debits that were collected: 1 of them"));
    house.run(&["verify"]);
}

/// More than is booked at a time.
fn a_batch_of_thousands(house: &House) {
    const DEBITS: usize = 2_300;
    debited(house, DEBITS);
    let sum = house
        .watch()
        .count("SELECT CAST(SUM(amount_minor) AS BIGINT) FROM payment_attempt");
    let report = import(house, &status("P1", &[], Some(("ACCP", ""))));
    assert_eq!(outcomes(&report), format!("acknowledged {DEBITS} ({sum})"));
    let report = import(house, &statement("S1", &[batch(DEBITS, sum)]));
    assert_eq!(outcomes(&report), format!("settled {DEBITS} ({sum})"));
    assert_eq!(owed_and_held(house), (0, sum));
    let all: Vec<i64> = amounts(house);
    let back: Vec<Booking> = all
        .iter()
        .enumerate()
        .map(|(at, amount)| returned(DEBITS - all.len() + at + 1, *amount, 0, "MS02"))
        .collect();
    let report = import(house, &statement("S2", &back));
    assert_eq!(report["unmatched"], 0, "{report}");
    house.run(&["verify"]);
}
