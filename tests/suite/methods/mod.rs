//! Cards and mandates on file.

mod keys;

use std::io::Write as _;
use std::process::Stdio;

use quittance::chance::Chance;
use quittance::domain::calendar::Instant;
use quittance::domain::ids::{AccountId, PaymentMethodId};
use quittance::domain::payment::PaymentMethod;
use quittance::domain::payment::plan::MethodState;
use quittance::on;
use quittance::store::rows::{FileState, MethodDetails, NewCard, StoredCard};
use quittance::store::{IfMissing, Store};
use serde_json::{Value, json};

use crate::on_both;
use crate::support::direct_debit::{
    BY, IBAN, OTHER_IBAN, SWISS_IBAN, add_mandate, furnish_sepa, signed_args,
};
use crate::support::{Answer, House};

on_both!(
    a_mandate_is_shown_signed_and_kept,
    what_cannot_be_collected_by_is_refused,
    a_method_is_preferred_and_removed,
    an_account_number_is_changed_under_the_same_mandate,
    cards_go_in_and_come_out,
);

fn methods(house: &House, account: &str) -> Vec<Value> {
    let listed = house.run(&["method", "list", account, "--json"]).json();
    listed.as_array().unwrap().clone()
}

fn a_mandate_is_shown_signed_and_kept(house: &House) {
    furnish_sepa(house);
    let file = house.file("iban", format!("{IBAN}\n"));
    let shown = house.run(&[
        "method",
        "add-mandate",
        "acc-2",
        "--name",
        " Jan Kowalski ",
        "--iban-file",
        file.to_str().unwrap(),
        "--json",
    ]);
    let shown = shown.json();
    assert_eq!(shown["id"], Value::Null);
    let reference = shown["reference"].as_str().unwrap().to_owned();
    assert!(
        methods(house, "acc-2").is_empty(),
        "showing wrote something"
    );
    let added = house.run(&signed_args(
        "acc-2",
        &file,
        &["--reference", &reference, "--json"],
    ));
    let added = added.json();
    assert_eq!(
        (&added["id"], &added["reference"]),
        (&json!(1), &shown["reference"])
    );
    assert_eq!(added["text"], shown["text"], "another text than was shown");
    let all = methods(house, "acc-2");
    let mandate = &all[0]["mandate"];
    assert_eq!(all[0]["used"], true);
    assert_eq!(mandate["iban"], "DE…3000");
    assert_eq!(mandate["debtor_name"], "Jan Kowalski");
    assert_eq!(mandate["signed_on"], "2026-11-01");
    assert_eq!(mandate["signed_at"], "2026-10-31T23:30:00Z");
    assert_eq!(mandate["signed_from"], "2001:db8::7");
    assert_eq!(mandate["signed_text"], shown["text"]);
    assert_eq!(mandate["scheme"], "CORE");
    // The next is another; the text of the first must not pass for it.
    let answer = house.refuse(&signed_args("acc-2", &file, &["--reference", &reference]));
    assert!(answer.stderr.contains("show the text again"), "{answer:?}");
    // In the customer's language, unless another is asked for.
    let french = ["--lang", "fr", "--scheme", "B2B"];
    let french = house.run(&signed_args("acc-2", &file, &french));
    assert!(french.stdout.contains("interentreprises"), "{french:?}");
    let all = methods(house, "acc-2");
    let used: Vec<&Value> = all.iter().map(|method| &method["used"]).collect();
    assert_eq!(used, [false, true], "{all:?}");
    let listed = house.run(&["method", "list", "acc-2"]);
    assert!(listed.stdout.contains("usable, used"), "{listed:?}");
    let mut watch = house.watch();
    let audits = "SELECT COUNT(*) FROM audit_entry WHERE action = 'mandate_added' AND actor = 'ada' \
         AND reason = 'test' AND subject IN ('method 1', 'method 2')";
    assert_eq!(watch.count(audits), 2);
    house.run(&["verify"]);
}

fn stdin_run(house: &House, args: &[&str], input: &[u8]) -> Answer {
    let mut child = house
        .command(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Refused arguments are refused before anything is read.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    Answer {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn what_cannot_be_collected_by_is_refused(house: &House) {
    furnish_sepa(house);
    house.import_accounts(
        "acc-4,eva,eva@example.com,Eva Nowak,,PL,ul. Nowa 1,00-238,Warszawa,,PLN,2025-01-05T10:00:00Z\n",
    );
    // (account, what the file holds, arguments, what is said)
    let long = "x".repeat(71);
    let table: [(&str, &str, &[&str], &str); 17] = [
        ("acc-9", IBAN, &[], "there is no account \"acc-9\""),
        ("acc-4", IBAN, &[], "billed in PLN"),
        ("acc-2", "", &[], "is missing"),
        ("acc-2", "DE88370400440532013000", &[], "wrong check digits"),
        ("acc-2", "TR330006100519786457841326", &[], "outside SEPA"),
        (
            "acc-2",
            "DE89-3704-0044-0532-0130-00",
            &[],
            "is not an IBAN",
        ),
        ("acc-2", IBAN, &["--bic", "deut"], "--bic is not a BIC"),
        (
            "acc-2",
            IBAN,
            &["--name", " "],
            "the debtor's name is missing",
        ),
        (
            "acc-2",
            IBAN,
            &["--name", &long],
            "the debtor's name is longer than 70",
        ),
        (
            "acc-2",
            IBAN,
            &["--signed-at", "2026-11-02T08:00:01Z"],
            "is the clock right?",
        ),
        (
            "acc-2",
            IBAN,
            &["--signed-at", "2023-11-01T08:00:00Z"],
            "has lapsed",
        ),
        ("acc-2", IBAN, &["--signed-at", "yesterday"], "--signed-at"),
        (
            "acc-2",
            IBAN,
            &["--signed-from", "localhost"],
            "--signed-from",
        ),
        ("acc-2", IBAN, &["--scheme", "core"], "is none of CORE, B2B"),
        ("acc-2", IBAN, &["--lang", "de"], "not a supported language"),
        ("acc-2", IBAN, &["--reason", ""], "--reason must be"),
        (
            "acc-2",
            IBAN,
            &["--reference", "Q-1-1"],
            "show the text again",
        ),
    ];
    for (account, content, more, said) in table {
        let mut args: Vec<String> = signed_args(account, "-".as_ref(), &[])
            .into_iter()
            .map(str::to_owned)
            .collect();
        for pair in more.chunks(2) {
            let at = args.iter().position(|arg| arg == pair[0]);
            match at {
                Some(at) => args[at + 1] = pair[1].to_owned(),
                None => args.extend(pair.iter().map(|arg| (*arg).to_owned())),
            }
        }
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let answer = stdin_run(house, &args, content.as_bytes());
        assert!(matches!(answer.code, Some(1 | 2)), "{more:?}: {answer:?}");
        assert!(answer.stderr.contains(said), "{said}: {answer:?}");
        assert!(!answer.stderr.contains("37040044"), "{answer:?}");
    }
    let answer = stdin_run(house, &signed_args("acc-2", "-".as_ref(), &[]), b"\xff\xfe");
    assert!(answer.stderr.contains("it is no text"), "{answer:?}");
    // A signature is whole or not there.
    let file = house.file("iban", IBAN);
    let file = file.to_str().unwrap();
    let half = [
        "method",
        "add-mandate",
        "acc-2",
        "--name",
        "Jan",
        "--iban-file",
        file,
        "--signed-at",
        "2026-11-01T08:00:00Z",
    ];
    assert_eq!(house.try_run(&half).code, Some(2));
    assert_eq!(
        house.watch().count("SELECT COUNT(*) FROM payment_method"),
        0
    );
    // Nothing is kept without a key, nor without a creditor.
    for section in ["[vault]", "[sepa]"] {
        let settings = std::fs::read_to_string(house.path("quittance.toml")).unwrap();
        let at = settings.rfind(section).unwrap();
        let end = settings[at + 1..]
            .find("\n[")
            .map_or(settings.len(), |end| at + 1 + end);
        let without = format!("{}{}", &settings[..at], &settings[end..]);
        let config = house.file("without.toml", without);
        let mut args = signed_args("acc-2", file.as_ref(), &[]);
        args.extend(["--config", config.to_str().unwrap()]);
        let answer = house.refuse(&args);
        assert!(
            answer.stderr.contains(&format!("there is no {section}")),
            "{answer:?}"
        );
    }
}

fn a_method_is_preferred_and_removed(house: &House) {
    furnish_sepa(house);
    for iban in [IBAN, OTHER_IBAN, SWISS_IBAN] {
        add_mandate(house, "acc-1", iban);
    }
    let used = |house: &House| -> Vec<i64> {
        let used = |method: &Value| method["used"] == true;
        let all = methods(house, "acc-1");
        all.iter()
            .filter(|method| used(method))
            .map(|method| method["id"].as_i64().unwrap())
            .collect()
    };
    assert_eq!(used(house), [3], "the newest is used");
    let with = |verb, id| {
        [
            "method", verb, "acc-1", id, "--by", "ada", "--reason", "test",
        ]
    };
    // The clock stands still, and the order holds.
    house.run(&with("prefer", "1"));
    assert_eq!(used(house), [1]);
    house.run(&with("prefer", "2"));
    assert_eq!(used(house), [2]);
    house.run(&with("remove", "2"));
    assert_eq!(used(house), [1]);
    house.run(&with("remove", "1"));
    assert_eq!(used(house), [3]);
    for (verb, id, said) in [
        ("remove", "2", "it was removed"),
        ("prefer", "2", "it was removed"),
        ("remove", "4", "there is no card or mandate 4"),
        ("prefer", "0", "there is no card or mandate 0"),
    ] {
        let answer = house.refuse(&with(verb, id));
        assert!(answer.stderr.contains(said), "{answer:?}");
    }
    assert_eq!(
        house
            .refuse(&[
                "method", "remove", "acc-9", "1", "--by", "a", "--reason", "b"
            ])
            .code,
        Some(1)
    );
    // A removed mandate keeps its record, and its number is not given again.
    assert_eq!(add_mandate(house, "acc-1", IBAN), 4);
    let all = methods(house, "acc-1");
    let states: Vec<&Value> = all.iter().map(|method| &method["state"]).collect();
    assert_eq!(states, ["removed", "removed", "usable", "usable"]);
    let mut watch = house.watch();
    for (action, times) in [
        ("method_removed", 2),
        ("method_preferred", 2),
        ("mandate_added", 4),
    ] {
        let query = format!("SELECT COUNT(*) FROM audit_entry WHERE action = '{action}'");
        assert_eq!(watch.count(query.leak()), times, "{action}");
    }
    house.run(&["verify"]);
}

fn an_account_number_is_changed_under_the_same_mandate(house: &House) {
    furnish_sepa(house);
    add_mandate(house, "acc-2", IBAN);
    let before = methods(house, "acc-2");
    let change = |house: &House, id: &str, iban: &str| {
        let args = [
            &["method", "change-iban", "acc-2", id, "--iban-file", "-"],
            &BY[..],
        ]
        .concat();
        stdin_run(house, &args, iban.as_bytes())
    };
    let answer = change(house, "1", OTHER_IBAN);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert!(answer.stdout.contains("FR…2606"), "{answer:?}");
    let after = methods(house, "acc-2");
    assert_eq!(after[0]["mandate"]["iban"], "FR…2606");
    assert_eq!(
        after[0]["mandate"]["reference"],
        before[0]["mandate"]["reference"]
    );
    // What the bank never saw has not changed for it.
    assert_eq!(after[0]["mandate"]["account_changed"], false);
    house.edit(
        "UPDATE sepa_mandate SET last_presented_on = '2026-10-01', presented_creditor_name = 'Nuage Exemple SAS', \
         presented_creditor_id = 'FR72ZZZ123456'",
    );
    for (id, iban, said) in [
        ("1", OTHER_IBAN, "it has this account already"),
        ("2", IBAN, "there is no card or mandate 2"),
        ("1", "DE88370400440532013000", "wrong check digits"),
    ] {
        let answer = change(house, id, iban);
        assert_eq!(answer.code, Some(1), "{answer:?}");
        assert!(answer.stderr.contains(said), "{answer:?}");
    }
    assert_eq!(change(house, "1", IBAN).code, Some(0));
    assert_eq!(
        methods(house, "acc-2")[0]["mandate"]["account_changed"],
        true
    );
    let query = "SELECT COUNT(*) FROM audit_entry WHERE action = 'mandate_account_changed' AND subject = 'method 1'";
    assert_eq!(house.watch().count(query), 2);
}

/// The queries that collection and the card's provider use, without a command.
fn cards_go_in_and_come_out(house: &House) {
    furnish_sepa(house);
    add_mandate(house, "acc-2", IBAN);
    let account = AccountId(
        house
            .watch()
            .count("SELECT id FROM account WHERE external_id = 'acc-2'"),
    );
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = Store::open(house.url(), IfMissing::Refuse).await.unwrap();
        let mut tx = store.begin().await.unwrap();
        let reference = format!("pm_{:x}", Chance::System.bytes().unwrap()[0]);
        let new = NewCard {
            account,
            reference: &reference,
            brand: "visa",
            last4: "4242",
            expires: 202_810,
            added_at: Instant(1_790_000_000_000_000),
        };
        let id = on!(&mut tx, conn, q => q::insert_card(conn, new).await).unwrap();
        assert_eq!(id, PaymentMethodId(2));
        let day = |text: &str| text.parse::<chrono::NaiveDate>().unwrap();
        let on_file = |tx: quittance::store::Tx, today: &'static str| async move {
            let mut tx = tx;
            let all = on!(&mut tx, conn, q => {
                q::methods_on_file(conn, &[account], day(today)).await
            });
            let all = all
                .unwrap()
                .into_iter()
                .map(|on| (on.method, on.id.0, on.state));
            (tx, all.collect::<Vec<_>>())
        };
        let (card, sepa) = (PaymentMethod::Card, PaymentMethod::Sepa);
        let (mut tx, all) = on_file(tx, "2026-11-02").await;
        assert_eq!(
            all,
            [
                (card, 2, MethodState::Usable),
                (sepa, 1, MethodState::Usable)
            ]
        );
        let stored = on!(&mut tx, conn, q => q::stored_methods(conn, (account, account)).await);
        let stored = stored.unwrap();
        let kept = StoredCard {
            reference: reference.clone(),
            brand: "visa".into(),
            last4: "4242".into(),
            expires: 202_810,
        };
        assert_eq!(stored[1].details, MethodDetails::Card(kept));
        // Its state comes and goes, until it is removed.
        let hard = FileState::HardDeclined {
            code: "lost_card".into(),
        };
        let waits = FileState::ActionRequired {
            code: "authentication_required".into(),
        };
        let table = [
            (&hard, true, Some(MethodState::HardDeclined)),
            (&waits, true, Some(MethodState::ActionRequired)),
            (&FileState::Usable, true, Some(MethodState::Usable)),
            (&FileState::Removed, true, None),
            (&FileState::Usable, false, None),
        ];
        for (state, changes, seen) in table {
            let at = Instant(1_790_000_000_000_001);
            let changed =
                on!(&mut tx, conn, q => q::set_method_state(conn, account, id, state, at).await);
            assert_eq!(changed.unwrap(), changes, "{state:?}");
            let (back, all) = on_file(tx, "2026-11-02").await;
            tx = back;
            let found = all
                .iter()
                .find(|(method, ..)| *method == card)
                .map(|found| found.2);
            assert_eq!(found, seen, "{state:?}");
        }
        // 36 months after the signature, and not a day earlier.
        let (tx, all) = on_file(tx, "2029-11-01").await;
        assert_eq!(all, [(sepa, 1, MethodState::Usable)]);
        let (mut tx, all) = on_file(tx, "2029-11-02").await;
        assert_eq!(all, [(sepa, 1, MethodState::MandateLapsed)]);
        // The same card for another account, or twice, is refused.
        let again = on!(&mut tx, conn, q => q::insert_card(conn, new).await);
        assert!(again.unwrap_err().is_unique_violation());
        tx.rollback().await.unwrap();
        store.close().await;
    });
}
