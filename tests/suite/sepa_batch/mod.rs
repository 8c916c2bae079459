//! Direct debits from waiting attempts to the bank, as dated stories.

mod changes;
mod refusals;
mod stale;

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use quittance::providers::sepa::pain008::Version;
use serde_json::{Value, json};

use crate::on_both;
use crate::sepa::{invalid, schemas};
use crate::support::direct_debit::{
    BY, IBAN, OTHER_IBAN, SWISS_IBAN, add_mandate, attempt_debits, furnish_sepa, rotated_settings,
    sepa_settings,
};
use crate::support::{Answer, House};

on_both!(
    a_file_is_made_and_released_once,
    both_versions_are_valid,
    a_canceled_file_is_collected_again,
    two_at_once_make_one_file,
    a_killed_batch_leaves_no_file_that_nothing_knows_of,
    a_dry_run_writes_nothing,
    archived_files_survive_a_new_key,
);

const IBANS: [(&str, &str); 3] = [
    ("acc-1", IBAN),
    ("acc-2", OTHER_IBAN),
    ("acc-3", SWISS_IBAN),
];

/// October billed, a mandate for each account, a debit for each invoice.
fn three_debits(house: &House) {
    furnish_sepa(house);
    for (account, iban) in IBANS {
        add_mandate(house, account, iban);
    }
    house.run(&["run", "2026-10"]);
    attempt_debits(house, 1);
}

/// Makes a file. That something is left out, the exit code tells.
#[track_caller]
fn batch(house: &House, more: &[&str]) -> Value {
    let args = [&["sepa", "batch", "--json"], more].concat();
    let answer = house.try_run(&args);
    let made = answer.json();
    let left_out = made["left_out"].as_array().unwrap().len();
    assert_eq!(answer.code, Some(i32::from(left_out > 0)), "{answer:?}");
    assert_eq!(
        answer.stderr.contains("left out"),
        left_out > 0,
        "{answer:?}"
    );
    made
}

fn id_of(batch: &Value) -> String {
    batch["id"]
        .as_str()
        .unwrap_or_else(|| panic!("no batch: {batch}"))
        .to_owned()
}

/// The batch that is neither released nor canceled.
fn made_id(house: &House) -> String {
    let listed = house.run(&["sepa", "list", "--json"]).json();
    let mut listed = listed.as_array().unwrap().iter();
    id_of(listed.find(|batch| batch["state"] == "made").unwrap())
}

fn decide(house: &House, verb: &str, id: &str) -> Answer {
    house.try_run(&[&["sepa", verb, id], &BY[..]].concat())
}

#[track_caller]
fn release(house: &House, id: &str) {
    let answer = decide(house, "release", id);
    assert_eq!(answer.code, Some(0), "{answer:?}");
}

fn at(house: &House, now: &str, args: &[&str]) -> Answer {
    let output = house
        .command(args)
        .env("QUITTANCE_NOW", now)
        .output()
        .unwrap();
    Answer {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The texts of an element of a file, in their order.
fn texts(xml: &str, element: &str) -> Vec<String> {
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    let parts = xml.split(&open).skip(1);
    parts
        .map(|part| part.split(&close).next().unwrap().to_owned())
        .collect()
}

/// The file of a batch out of the archive.
fn file_of(house: &House, id: &str) -> String {
    let out = house.path(&format!("{id}.got.xml"));
    house.run(&["sepa", "file", id, "--out", out.to_str().unwrap()]);
    let xml = std::fs::read_to_string(&out).unwrap();
    std::fs::remove_file(out).unwrap();
    xml
}

/// How many attempts are in each state, by code.
fn states(house: &House) -> Value {
    let payments = house.run(&["payment", "list", "--json"]).json();
    let mut states = serde_json::Map::new();
    for payment in payments.as_array().unwrap() {
        let state = payment["state"].as_str().unwrap();
        let count = states.get(state).and_then(Value::as_i64).unwrap_or(0);
        states.insert(state.to_owned(), json!(count + 1));
    }
    Value::Object(states)
}

/// Every file below a folder.
fn files_below(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, found);
        } else {
            found.push(path);
        }
    }
}

fn archived(house: &House) -> usize {
    std::fs::read_dir(house.path("sepa")).map_or(0, Iterator::count)
}

fn a_file_is_made_and_released_once(house: &House) {
    three_debits(house);
    let total: i64 = house
        .invoices("2026-10")
        .iter()
        .map(|invoice| invoice["total_minor"].as_i64().unwrap())
        .sum();
    let out = house.path("out.xml");
    let made = batch(house, &["--out", out.to_str().unwrap()]);
    let id = id_of(&made);
    assert!(id.len() <= 18, "{id}");
    assert_eq!(
        (&made["debits"], &made["sum_minor"]),
        (&json!(3), &json!(total))
    );
    assert_eq!(made["left_out"], json!([]));
    // Issued on Monday the 2nd, told 5 days before: Saturday, so Monday the 9th.
    let blocks = made["blocks"].as_array().unwrap();
    assert_eq!(blocks.len(), 1, "{made}");
    assert_eq!(blocks[0]["collect_on"], "2026-11-09");
    let mode = std::fs::metadata(&out).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let xml = std::fs::read_to_string(&out).unwrap();
    assert_eq!(texts(&xml, "MsgId"), [id.as_str()]);
    assert_eq!(texts(&xml, "NbOfTxs"), ["3", "3"]);
    let sum = format!("{}.{:02}", total / 100, total % 100);
    assert_eq!(texts(&xml, "CtrlSum"), [sum.clone(), sum]);
    let payments = house.run(&["payment", "list", "--json"]).json();
    let attempts: BTreeSet<String> = payments
        .as_array()
        .unwrap()
        .iter()
        .map(|payment| payment["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        texts(&xml, "EndToEndId")
            .into_iter()
            .collect::<BTreeSet<_>>(),
        attempts
    );
    let expected: BTreeSet<String> = (1..=3)
        .map(|no| format!("Q-2026-00000{no} Nuage Exemple SAS"))
        .collect();
    assert_eq!(
        texts(&xml, "Ustrd").into_iter().collect::<BTreeSet<_>>(),
        expected
    );
    // Outside the EEA alone the bank is told where the debtor lives.
    let addresses = texts(&xml, "PstlAdr");
    let hybrid =
        "<PstCd>22767</PstCd><TwnNm>Hamburg</TwnNm><Ctry>DE</Ctry><AdrLine>Elbstrasse 14</AdrLine>";
    assert_eq!(
        addresses
            .iter()
            .map(|xml| xml.replace(['\n', ' '], ""))
            .collect::<Vec<_>>(),
        [hybrid.replace(' ', "")]
    );
    for (_, iban) in IBANS {
        assert!(xml.contains(&format!("<IBAN>{iban}</IBAN>")), "{iban}");
    }
    assert!(texts(&xml, "AmdmntInd").is_empty() && texts(&xml, "SeqTp") == ["RCUR"]);
    assert_eq!(file_of(house, &id), xml);
    // Nothing is sent, and nothing waits.
    assert_eq!(states(house), json!({"created": 3}));
    assert_eq!(batch(house, &[])["id"], Value::Null);
    assert_eq!(archived(house), 1);
    house.run(&["verify"]);

    release(house, &id);
    assert_eq!(states(house), json!({"submitted": 3}));
    for (verb, said) in [
        ("release", "is released already"),
        ("cancel", "is released: it cannot be canceled"),
    ] {
        let answer = decide(house, verb, &id);
        assert_eq!(answer.code, Some(1), "{answer:?}");
        assert!(answer.stderr.contains(said), "{answer:?}");
    }
    assert_eq!(states(house), json!({"submitted": 3}));
    let shown = house.run(&["sepa", "show", &id, "--json"]).json();
    assert_eq!(shown["state"], "released");
    assert_eq!(shown["released_at"], "2026-11-02T08:00:00Z");
    assert_eq!(
        shown["progress"],
        json!([{"state": "submitted", "debits": 3, "sum_minor": total}])
    );
    assert_eq!(shown["blocks"], made["blocks"]);
    let listed = house.run(&["sepa", "list", "--json"]).json();
    assert_eq!(
        (listed.as_array().unwrap().len(), &listed[0]["id"]),
        (1, &json!(id))
    );
    for args in [vec!["sepa", "list"], vec!["sepa", "show", &id]] {
        assert!(house.run(&args).stdout.contains(&id));
    }
    let mut watch = house.watch();
    let presented = "SELECT COUNT(*) FROM sepa_mandate WHERE last_presented_on = '2026-11-09' AND last_sequence = \
         'RCUR' AND presented_creditor_name = 'Nuage Exemple SAS' AND presented_creditor_id = 'FR72ZZZ123456'";
    assert_eq!(watch.count(presented), 3);
    let audits =
        "SELECT COUNT(*) FROM house_audit_entry WHERE action = 'sepa_released' AND actor = 'ada'";
    assert_eq!(watch.count(audits), 1);
    assert_eq!(batch(house, &[])["id"], Value::Null);
    house.run(&["verify"]);

    // Nothing but the file for the bank has an account number in clear.
    std::fs::remove_file(out).unwrap();
    let mut files = Vec::new();
    files_below(&house.path(""), &mut files);
    assert!(
        files
            .iter()
            .any(|file| file.extension().is_some_and(|ending| ending == "sealed"))
    );
    // The creditor's own stands in the settings.
    files.retain(|file| file.file_name().unwrap() != "quittance.toml");
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        for (_, iban) in IBANS {
            let number = &iban.as_bytes()[4..];
            assert!(
                !bytes.windows(number.len()).any(|part| part == number),
                "{}",
                file.display()
            );
        }
    }
}

fn both_versions_are_valid(house: &House) {
    three_debits(house);
    for version in Version::ALL {
        sepa_settings(house, &[("pain.008.001.08", version.code())]);
        let made = batch(house, &[]);
        assert_eq!(made["version"], version.code());
        let xml = file_of(house, &id_of(&made));
        let file = house.file("valid.xml", &xml);
        for schema in schemas(version) {
            assert_eq!(invalid(&schema, &file), "", "{version}");
        }
        let answer = decide(house, "cancel", &id_of(&made));
        assert_eq!(answer.code, Some(0), "{answer:?}");
        attempt_debits(house, if version == Version::V02 { 2 } else { 3 });
    }
}

fn a_canceled_file_is_collected_again(house: &House) {
    three_debits(house);
    let first = batch(house, &[]);
    let id = id_of(&first);
    let answer = decide(house, "cancel", &id);
    assert_eq!(answer.code, Some(0), "{answer:?}");
    assert!(answer.stdout.contains("destroy every copy"), "{answer:?}");
    assert_eq!(states(house), json!({"declined": 3}));
    let payments = house.run(&["payment", "list", "--json"]).json();
    assert_eq!(payments[0]["decline"]["code"], "withdrawn");
    for verb in ["release", "cancel"] {
        let answer = decide(house, verb, &id);
        assert!(
            answer.code == Some(1) && answer.stderr.contains("is canceled"),
            "{answer:?}"
        );
    }
    let out = house.path("canceled.xml");
    let answer = house.refuse(&["sepa", "file", &id, "--out", out.to_str().unwrap()]);
    assert!(
        answer.stderr.contains("is canceled") && !out.exists(),
        "{answer:?}"
    );
    assert_eq!(
        batch(house, &[])["id"],
        Value::Null,
        "a withdrawn attempt waits"
    );
    house.run(&["verify"]);
    attempt_debits(house, 2);
    let second = batch(house, &[]);
    assert_ne!(second["id"], first["id"]);
    assert_eq!(second["sum_minor"], first["sum_minor"]);
    release(house, &id_of(&second));
    assert_eq!(states(house), json!({"declined": 3, "submitted": 3}));
    let audits =
        "SELECT COUNT(*) FROM house_audit_entry WHERE action = 'sepa_canceled' AND reason = 'test'";
    assert_eq!(house.watch().count(audits), 1);
    house.run(&["verify"]);
}

fn two_at_once_make_one_file(house: &House) {
    three_debits(house);
    for round in 2..8 {
        let children: Vec<_> = (0..3)
            .map(|_| house.spawn(&["sepa", "batch", "--json"]))
            .collect();
        let mut ids = Vec::new();
        for child in children {
            let output = child.wait_with_output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            match output.status.code() {
                Some(0) => {
                    let made: Value = serde_json::from_slice(&output.stdout).unwrap();
                    ids.extend(made["id"].as_str().map(str::to_owned));
                }
                Some(1) => assert!(said.contains("at the same time"), "{said}"),
                code => panic!("{code:?}: {said}"),
            }
        }
        assert_eq!(ids.len(), 1, "{ids:?}");
        assert_eq!(
            archived(house),
            round - 1,
            "a file that nothing knows of was left"
        );
        house.run(&["verify"]);
        // And of three at once one releases, or cancels.
        let verb = if round < 7 { "cancel" } else { "release" };
        let args = [&["sepa", verb, &ids[0]], &BY[..]].concat();
        let children: Vec<_> = (0..3).map(|_| house.spawn(&args)).collect();
        let done = children
            .into_iter()
            .map(|child| child.wait_with_output().unwrap())
            .filter(|output| output.status.success())
            .count();
        assert_eq!(done, 1, "{verb}");
        if round < 7 {
            attempt_debits(house, u32::try_from(round).unwrap());
        }
    }
    let audits = "SELECT COUNT(*) FROM house_audit_entry WHERE action = 'sepa_released'";
    assert_eq!(house.watch().count(audits), 1);
    house.run(&["verify"]);
}

fn a_killed_batch_leaves_no_file_that_nothing_knows_of(house: &House) {
    three_debits(house);
    for round in 2..12_u32 {
        let out = house.path(&format!("{round}.xml"));
        let before = archived(house);
        let mut child = house.spawn(&["sepa", "batch", "--out", out.to_str().unwrap()]);
        // As soon as it writes, in some rounds a little later.
        let mut turns = round * 40;
        while child.try_wait().unwrap().is_none() && (archived(house) == before || turns > 0) {
            if archived(house) > before {
                turns -= 1;
            }
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let mut watch = house.watch();
        watch.until_alone();
        let made = watch.count("SELECT COUNT(*) FROM sepa_batch WHERE state = 'made'");
        assert!(
            made == 1 || !out.exists(),
            "a file for the bank that nothing knows of"
        );
        drop(watch);
        house.run(&["verify"]);
        let id = match made {
            0 => id_of(&batch(house, &[])),
            _ => {
                assert_eq!(batch(house, &[])["id"], Value::Null);
                made_id(house)
            }
        };
        // Its file is there, whatever was killed.
        let xml = file_of(house, &id);
        assert_eq!(texts(&xml, "EndToEndId").len(), 3);
        assert_eq!(decide(house, "cancel", &id).code, Some(0));
        attempt_debits(house, round);
    }
}

fn a_dry_run_writes_nothing(house: &House) {
    three_debits(house);
    house.edit("UPDATE payment_method SET state = 'hard_declined', decline_code = 'AC04' WHERE account_id = (SELECT \
         id FROM account WHERE external_id = 'acc-1')");
    let planned = batch(house, &["--dry-run"]);
    assert_eq!(
        (
            &planned["debits"],
            planned["left_out"].as_array().unwrap().len()
        ),
        (&json!(2), 1)
    );
    let answer = house.refuse(&["sepa", "batch", "--dry-run"]);
    for said in ["1 debit would be withdrawn", "Nothing is written"] {
        assert!(answer.stdout.contains(said), "{said}: {answer:?}");
    }
    assert_eq!(states(house), json!({"created": 3}));
    assert_eq!(archived(house), 0);
    let mut watch = house.watch();
    for query in [
        "SELECT COUNT(*) FROM sepa_batch",
        "SELECT COUNT(*) FROM sepa_debit",
    ] {
        assert_eq!(watch.count(query), 0, "{query}");
    }
    assert_eq!(
        house.run(&["sepa", "list"]).stdout,
        "There are no batches.\n"
    );
}

fn archived_files_survive_a_new_key(house: &House) {
    three_debits(house);
    let id = id_of(&batch(house, &[]));
    let xml = file_of(house, &id);
    rotated_settings(house);
    let rotate = [&["vault", "rotate"], &BY[..]].concat();
    let answer = house.run(&rotate);
    assert!(
        answer.stdout.contains("3 account numbers and 1 file."),
        "{answer:?}"
    );
    let settings = std::fs::read_to_string(house.path("quittance.toml")).unwrap();
    house.file(
        "quittance.toml",
        settings.replace("{ id = \"a\", key = \"file:a.key\" }, ", ""),
    );
    std::fs::remove_file(house.path("a.key")).unwrap();
    assert_eq!(file_of(house, &id), xml);
    release(house, &id);
    house.run(&["verify"]);
}
