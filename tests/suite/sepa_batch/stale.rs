//! What became of a debit between its making, its file and the release of it.

use serde_json::{Value, json};

use super::refusals::{assert_untouched, of};
use super::{batch, decide, file_of, id_of, release, states, texts, three_debits};
use crate::on_both;
use crate::support::House;
use crate::support::direct_debit::{
    BY, IBAN, OTHER_IBAN, add_mandate, attempt_debits, give_up, give_up_all, given_up,
};

on_both!(
    what_changed_since_is_not_released,
    a_removed_mandate_is_not_debited,
    what_is_paid_meanwhile_is_not_debited,
    what_is_no_good_any_more_is_not_released,
    a_file_that_says_of_a_mandate_what_is_outdated_is_not_released,
    a_payment_under_way_is_waited_for,
    a_release_and_a_removal_at_once_agree,
);

fn what_changed_since_is_not_released(house: &House) {
    three_debits(house);
    let id = id_of(&batch(house, &[]));
    let file = house.file("iban", IBAN);
    let change = [
        "method",
        "change-iban",
        "acc-2",
        "1",
        "--iban-file",
        file.to_str().unwrap(),
    ];
    house.run(&[&change[..], &BY].concat());
    let answer = decide(house, "release", &id);
    assert_eq!(answer.code, Some(1), "{answer:?}");
    assert!(
        answer
            .stderr
            .contains("of \"acc-2\": the mandate has another account now"),
        "{answer:?}"
    );
    assert_untouched(house, 1);
    let mut watch = house.watch();
    let presented = "SELECT COUNT(*) FROM sepa_mandate WHERE last_presented_on IS NOT NULL";
    assert_eq!(watch.count(presented), 0, "half of a release was kept");
    assert_eq!(decide(house, "cancel", &id).code, Some(0));
    attempt_debits(house, 2);
    let id = id_of(&batch(house, &[]));
    release(house, &id);
    house.run(&["verify"]);
}

fn a_removed_mandate_is_not_debited(house: &House) {
    three_debits(house);
    let remove = |account| {
        let args = [
            "method", "remove", account, "1", "--by", "ada", "--reason", "asked",
        ];
        house.run(&args)
    };
    // Before there is a file.
    let answer = remove("acc-1");
    assert!(answer.stdout.contains("withdrawn: 1 debit"), "{answer:?}");
    assert_eq!(states(house), json!({"created": 2, "declined": 1}));
    let id = id_of(&batch(house, &[]));
    assert_eq!(texts(&file_of(house, &id), "EndToEndId").len(), 2);
    // And before it is released.
    remove("acc-2");
    let answer = decide(house, "release", &id);
    assert!(
        answer.stderr.contains("the debit is declined now"),
        "{answer:?}"
    );
    house.run(&["verify"]);
    assert_eq!(decide(house, "cancel", &id).code, Some(0));
    house.run(&["verify"]);
    // What is with the bank stays there.
    attempt_debits(house, 2);
    let id = id_of(&batch(house, &[]));
    release(house, &id);
    let answer = remove("acc-3");
    assert!(!answer.stdout.contains("withdrawn"), "{answer:?}");
    assert_eq!(states(house)["submitted"], 1);
    assert_eq!(
        house.run(&["method", "list", "acc-3", "--json"]).json()[0]["used"],
        Value::Bool(false)
    );
}

fn what_is_paid_meanwhile_is_not_debited(house: &House) {
    three_debits(house);
    let amount = |account: &str| {
        let invoices = house.invoices("2026-10");
        let own = invoices.iter().find(|own| own["account"] == account);
        own.unwrap()["total_minor"].as_i64().unwrap()
    };
    // Before there is a file: one is paid, of one a part.
    give_up_all(house, "acc-1", amount("acc-1"));
    give_up(house, "acc-2", 100);
    let made = batch(house, &[]);
    assert_eq!(made["debits"], 1, "{made}");
    let told: Vec<_> = made["left_out"]
        .as_array()
        .unwrap()
        .iter()
        .map(|left_out| {
            assert_eq!(left_out["fate"], "withdrawn");
            left_out["reason"].as_str().unwrap().to_owned()
        })
        .collect();
    let euros = |minor: i64| format!("{}.{:02} EUR", minor / 100, minor % 100);
    let part = format!(
        "only {} of its invoice is open, and it takes {}",
        euros(amount("acc-2") - 100),
        euros(amount("acc-2"))
    );
    assert_eq!(
        told,
        [
            "nothing of its invoice is open: it was paid or given up",
            part.as_str()
        ]
    );
    assert_eq!(states(house), json!({"created": 1, "declined": 2}));
    house.run(&["verify"]);
    // The rest can be collected right away.
    let again = house.run(&["collect", "--yes", "--json", "--account", "acc-2"]);
    let charged = &again.json()["outcome"]["charged"];
    assert_eq!(charged[0]["outcome"], "waits_for_file", "{again:?}");
    let rest = batch(house, &[]);
    assert_eq!(rest["sum_minor"], amount("acc-2") - 100);
    release(house, &id_of(&rest));

    // And before it is released.
    let id = id_of(&made);
    give_up(house, "acc-3", 1);
    let answer = decide(house, "release", &id);
    assert_eq!(answer.code, Some(1), "{answer:?}");
    for said in [
        "of \"acc-3\": only ",
        "nothing is sent: cancel it (`sepa cancel`) and make a new one (`sepa batch`)",
    ] {
        assert!(answer.stderr.contains(said), "{said}: {answer:?}");
    }
    assert_eq!(states(house)["created"], 1);
    assert_eq!(decide(house, "cancel", &id).code, Some(0));
    house.run(&["verify"]);
}

fn what_is_no_good_any_more_is_not_released(house: &House) {
    three_debits(house);
    let id = id_of(&batch(house, &[]));
    let method = |state: &str, code: &str| {
        format!(
            "UPDATE payment_method SET state = '{state}', decline_code = {code} WHERE {}",
            of("acc-2")
        )
    };
    let mandate = |set: &str| format!("UPDATE sepa_mandate SET {set} WHERE {}", of("acc-2"));
    let usable = method("usable", "NULL");
    // (edit, back, what is said)
    let table = [
        (
            method("hard_declined", "'AC04'"),
            usable.clone(),
            "the mandate was refused for good: AC04",
        ),
        (
            method("action_required", "'MD06'"),
            usable.clone(),
            "the customer has to act first: MD06",
        ),
        (method("removed", "NULL"), usable, "the mandate was removed"),
        (
            mandate("signed_on = '2023-11-08'"),
            mandate("signed_on = '2026-11-01'"),
            "the mandate has lapsed or is used up",
        ),
        (
            mandate("last_sequence = 'FNAL'"),
            mandate("last_sequence = NULL"),
            "the mandate has lapsed or is used up",
        ),
        (
            mandate("iban_version = 2"),
            mandate("iban_version = 1"),
            "the mandate has another account now",
        ),
        (
            mandate("history_version = 2"),
            mandate("history_version = 1"),
            "the bank knows the mandate otherwise now",
        ),
        (
            format!(
                "UPDATE payment_attempt SET amount_minor = amount_minor + 1 WHERE {}",
                of("acc-2")
            ),
            format!(
                "UPDATE payment_attempt SET amount_minor = amount_minor - 1 WHERE {}",
                of("acc-2")
            ),
            "of its invoice is open, and it takes",
        ),
        (
            "DELETE FROM sepa_debit WHERE account_id < (SELECT MAX(account_id) FROM sepa_debit)"
                .to_owned(),
            format!(
                "INSERT INTO sepa_debit (account_id, attempt_id, batch_id, block_id, sequence, collect_on) \
                 SELECT t.account_id, t.id, d.batch_id, d.block_id, d.sequence, d.collect_on \
                 FROM payment_attempt t, sepa_debit d WHERE d.batch_id = '{id}' AND t.account_id <> d.account_id"
            ),
            "has other debits than it was made of",
        ),
    ];
    for (edit, back, said) in table {
        house.edit(&edit);
        let answer = decide(house, "release", &id);
        assert_eq!(answer.code, Some(1), "{edit}: {answer:?}");
        assert!(answer.stderr.contains(said), "{edit}: {answer:?}");
        house.edit(&back);
        assert_untouched(house, 1);
    }
    // Each of several is named.
    house.edit("UPDATE payment_method SET state = 'hard_declined', decline_code = 'MD01'");
    let answer = decide(house, "release", &id);
    for account in ["acc-1", "acc-2", "acc-3"] {
        let said = format!("of \"{account}\": the mandate was refused for good: MD01");
        assert!(answer.stderr.contains(&said), "{said}: {answer:?}");
    }
    house.edit("UPDATE payment_method SET state = 'usable', decline_code = NULL");
    release(house, &id);
    house.run(&["verify"]);
}

/// Two files are made before either goes: the second tells of a first collection
/// that the first one was.
fn a_file_that_says_of_a_mandate_what_is_outdated_is_not_released(house: &House) {
    three_debits(house);
    let first = id_of(&batch(house, &[]));
    house.import_usage(
        "w1,acc-2,blog,container,web,S,1,2026-09-01T00:00:00+02:00,2026-10-01T00:00:00+02:00\n",
    );
    house.run(&["run", "2026-09"]);
    attempt_debits(house, 2);
    let second = id_of(&batch(house, &[]));
    release(house, &first);
    let answer = decide(house, "release", &second);
    assert!(
        answer
            .stderr
            .contains("of \"acc-2\": the bank knows the mandate otherwise now"),
        "{answer:?}"
    );
    assert_eq!(decide(house, "cancel", &second).code, Some(0));
    attempt_debits(house, 3);
    release(house, &id_of(&batch(house, &[])));
    // What the bank knows by now is no news: whatever was made before goes.
    let more = |month: u32, event: &str, round: u32| {
        house.import_usage(&format!(
            "{event},acc-2,blog,container,web,S,1,2026-0{month}-01T00:00:00+02:00,2026-0{month}-28T00:00:00+02:00\n"
        ));
        house.run(&["run", &format!("2026-0{month}")]);
        attempt_debits(house, round);
        id_of(&batch(house, &[]))
    };
    let (third, fourth) = (more(8, "w2", 4), more(7, "w3", 5));
    release(house, &third);
    release(house, &fourth);
    house.run(&["verify"]);
}

/// Whoever pays an invoice holds its account, and is not outrun by a release.
fn a_payment_under_way_is_waited_for(house: &House) {
    three_debits(house);
    let id = id_of(&batch(house, &[]));
    let mut payer = house.watch();
    payer.hold_account("acc-2");
    for statement in given_up("acc-2", 1) {
        payer.execute(&statement);
    }
    let mut child = house.spawn(&[&["sepa", "release", &id], &BY[..]].concat());
    let mut watch = house.watch();
    while child.try_wait().unwrap().is_none() && !watch.someone_waits() {
        std::thread::yield_now();
    }
    payer.execute("COMMIT");
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("of \"acc-2\": only "), "{said}");
    assert_untouched(house, 1);
}

fn a_release_and_a_removal_at_once_agree(house: &House) {
    three_debits(house);
    let (mut released, mut removed) = (0, 0);
    for round in 2..10 {
        let id = id_of(&batch(house, &[]));
        let method = house
            .run(&["method", "list", "acc-2", "--json"])
            .json()
            .as_array()
            .unwrap()
            .last()
            .unwrap()["id"]
            .to_string();
        let remove = [&["method", "remove", "acc-2", &method], &BY[..]].concat();
        let free = [&["sepa", "release", &id], &BY[..]].concat();
        let mut children = [house.spawn(&free), house.spawn(&remove)];
        if round % 2 == 0 {
            children = [house.spawn(&remove), house.spawn(&free)];
        }
        let went: Vec<bool> = children
            .into_iter()
            .map(|child| child.wait_with_output().unwrap().status.success())
            .collect();
        let batch = house.run(&["sepa", "show", &id, "--json"]).json();
        let states: Vec<&Value> = batch["progress"]
            .as_array()
            .unwrap()
            .iter()
            .map(|own| &own["state"])
            .collect();
        // All of it went, or nothing did and what was removed is withdrawn.
        match batch["state"].as_str().unwrap() {
            "released" => {
                released += 1;
                assert_eq!(states, ["submitted"], "{went:?}");
                house.edit(
                    "UPDATE payment_attempt SET state = 'returned', decline_code = 'AM04', decline_class = 'soft', \
                     decline_known = 1, decided_at = created_at WHERE state = 'submitted'",
                );
            }
            _ => {
                removed += 1;
                assert_eq!(states, ["created", "declined"], "{went:?}");
                assert_eq!(decide(house, "cancel", &id).code, Some(0));
            }
        }
        add_mandate(house, "acc-2", OTHER_IBAN);
        attempt_debits(house, round);
    }
    assert_eq!(released + removed, 8);
}
