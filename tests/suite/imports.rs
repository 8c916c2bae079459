//! Files, good and bad.

use crate::on_both;
use crate::support::{
    ACCOUNT_COLUMNS, House, THREE_ACCOUNTS, THREE_USAGES, USAGE_COLUMNS, furnish,
};

on_both!(
    every_bad_row_is_named_and_nothing_imported,
    the_good_rows_are_imported_and_the_bad_set_aside,
    the_rejects_are_those_of_the_last_import,
    importing_twice_adds_nothing,
    cloud_events_are_usage_too,
    an_event_id_is_unique_across_sources,
    bad_accounts_and_prices_are_named,
);

/// Rows, and what must be said of each: column and a word of the reason.
const BAD_USAGE: [(&str, &str, &str); 11] = [
    (
        "b1,nobody,shop,container,web,M,1,2026-10-01T00:00:00Z,",
        "account",
        "nobody",
    ),
    (
        "b2,acc-1,shop,container,web,9XL,1,2026-10-01T00:00:00Z,",
        "plan",
        "9XL",
    ),
    (
        "b3,acc-1,shop,container,web,M,1,2026-10-02T00:00:00Z,2026-10-01T00:00:00Z",
        "ended_at",
        "before",
    ),
    (
        "b4,acc-1,shop,container,web,M,0,2026-10-01T00:00:00Z,",
        "quantity",
        "1",
    ),
    (
        "b5,acc-1,shop,container,web,M,1,2026-10-01T00:00:00,",
        "started_at",
        "zone",
    ),
    (
        "b6,acc-1,shop,container,web,M,99999999999999999999,2026-10-01T00:00:00Z,",
        "quantity",
        "",
    ),
    (
        "u1,acc-1,other,container,web,M,1,2026-10-01T00:00:00Z,",
        "id",
        "u1",
    ),
    (
        "b8,acc-1,shop,robot,web,M,1,2026-10-01T00:00:00Z,",
        "kind",
        "robot",
    ),
    (
        "b9,acc-1,shop,container,web,M,1,2026-10-01T00:00:00Z",
        "-",
        "",
    ),
    (
        "b\u{0},acc-1,shop,container,web,M,1,2026-10-01T00:00:00Z,",
        "id",
        "control",
    ),
    (
        "b11,acc-1,shop,container,web,M,1,soon,",
        "started_at",
        "soon",
    ),
];

fn bad_usage() -> String {
    let mut text =
        format!("{USAGE_COLUMNS}\ngood,acc-1,shop,container,web,S,1,2026-10-05T00:00:00Z,\n");
    for (row, ..) in BAD_USAGE {
        text.push_str(row);
        text.push('\n');
    }
    text
}

fn every_bad_row_is_named_and_nothing_imported(house: &House) {
    furnish(house);
    let mut bytes = bad_usage().into_bytes();
    bytes.extend_from_slice(b"b12,acc-1,sh\xffop,container,web,M,1,2026-10-01T00:00:00Z,\n");
    house.file("bad.csv", bytes);
    let answer = house.refuse(&["import", "usage", "bad.csv"]);
    for (at, (_, column, word)) in BAD_USAGE.iter().enumerate() {
        let place = format!("bad.csv:{}: {column}", at + 3);
        let said = answer.stderr.lines().find(|line| line.contains(&place));
        let said = said.unwrap_or_else(|| panic!("{place} is missing: {answer:?}"));
        assert!(said.contains(word), "{said}");
    }
    assert!(answer.stderr.contains("bad.csv:14: "), "{answer:?}");
    assert!(answer.stdout.contains("12 bad rows of 13"), "{answer:?}");
    // Nothing of it is there: the good row is new when it comes alone.
    let answer = house.import_usage("good,acc-1,shop,container,web,S,1,2026-10-05T00:00:00Z,\n");
    assert!(answer.stdout.contains("1 added"), "{answer:?}");
}

fn the_good_rows_are_imported_and_the_bad_set_aside(house: &House) {
    furnish(house);
    house.file("bad.csv", bad_usage());
    let answer = house.run(&["import", "usage", "bad.csv", "--reject-to", "rejected.csv"]);
    assert!(answer.stdout.contains("1 added"), "{answer:?}");
    let rejected = std::fs::read_to_string(house.path("rejected.csv")).unwrap();
    for (row, column, _) in BAD_USAGE {
        let said = rejected.lines().find(|line| line.contains(row));
        let said = said.unwrap_or_else(|| panic!("{row} is missing: {rejected}"));
        assert!(said.contains(&format!("\"{column}\"")), "{said}");
    }
}

fn the_rejects_are_those_of_the_last_import(house: &House) {
    furnish(house);
    let input = house.file("bad.csv", bad_usage());
    let refuse = |file, rejects| house.refuse(&["import", "usage", file, "--reject-to", rejects]);
    // The input is no place for its own bad rows, by whatever name.
    std::os::unix::fs::symlink(&input, house.path("link.csv")).unwrap();
    for rejects in ["bad.csv", "./bad.csv", "link.csv", input.to_str().unwrap()] {
        let answer = refuse("bad.csv", rejects);
        assert!(
            answer.stderr.contains("is the file to import"),
            "{answer:?}"
        );
        assert_eq!(std::fs::read_to_string(&input).unwrap(), bad_usage());
    }
    let rejected = || std::fs::read_to_string(house.path("rejected.csv")).unwrap();
    house.run(&["import", "usage", "bad.csv", "--reject-to", "rejected.csv"]);
    assert_eq!(rejected().lines().count(), 1 + BAD_USAGE.len());
    // A file that is not there leaves them.
    refuse("bda.csv", "rejected.csv");
    assert_eq!(rejected().lines().count(), 1 + BAD_USAGE.len());
    // A file without a bad row takes them away.
    house.file("good.csv", format!("{USAGE_COLUMNS}\n{THREE_USAGES}"));
    house.run(&["import", "usage", "good.csv", "--reject-to", "rejected.csv"]);
    assert_eq!(rejected(), "line,column,value,reason,row\n");
    // Bad rows that cannot be kept stop the import.
    let answer = refuse("bad.csv", "nowhere/rejected.csv");
    assert!(answer.stderr.contains("nowhere/rejected.csv"), "{answer:?}");
}

fn importing_twice_adds_nothing(house: &House) {
    furnish(house);
    for (kind, content) in [
        ("accounts", format!("{ACCOUNT_COLUMNS}\n{THREE_ACCOUNTS}")),
        ("usage", format!("{USAGE_COLUMNS}\n{THREE_USAGES}")),
        (
            "catalog",
            include_str!("../../fixtures/catalog.csv").to_owned(),
        ),
    ] {
        let answer = house.import(kind, content);
        assert!(answer.stdout.contains("0 added"), "{kind}: {answer:?}");
        assert!(!answer.stdout.contains("updated"), "{kind}: {answer:?}");
    }
}

fn cloud_events_are_usage_too(house: &House) {
    furnish(house);
    let event = |id: &str, plan: &str| {
        format!(
            r#"{{"specversion":"1.0","id":"{id}","source":"/platform","type":"usage.interval","data":{{"account":"acc-2","app":"blog","kind":"addon","type":"redis","plan":"{plan}","quantity":1,"started_at":"2026-10-01T00:00:00Z","ended_at":"2026-10-02T00:00:00Z"}}}}"#
        )
    };
    house.file(
        "e.jsonl",
        format!("{}\n{}\n", event("v1", "starter"), event("v1", "starter")),
    );
    let answer = house.run(&["import", "usage", "e.jsonl"]);
    assert!(answer.stdout.contains("1 added"), "{answer:?}");
    house.file(
        "bad.jsonl",
        format!("{}\n{{\"specversion\":\n", event("v2", "nothing")),
    );
    let answer = house.refuse(&["import", "usage", "bad.jsonl"]);
    assert!(answer.stderr.contains("bad.jsonl:1: plan"), "{answer:?}");
    assert!(answer.stderr.contains("bad.jsonl:2: "), "{answer:?}");
    house.run(&["run", "2026-10"]);
    let invoices = house.invoices("2026-10");
    // 1,440 min x 0.0001666667 = 0.24 beside the container's 7.45.
    assert_eq!(invoices[1]["net_minor"], 769);
}

/// As `import usage --help` says.
fn an_event_id_is_unique_across_sources(house: &House) {
    furnish(house);
    let event = |source: &str, app: &str| {
        format!(
            r#"{{"specversion":"1.0","id":"v1","source":"{source}","type":"usage.interval","data":{{"account":"acc-2","app":"{app}","kind":"container","type":"web","plan":"S","quantity":1,"started_at":"2026-10-01T00:00:00Z"}}}}"#
        )
    };
    house.file("one.jsonl", event("/one", "blog"));
    house.run(&["import", "usage", "one.jsonl"]);
    house.file("two.jsonl", event("/two", "blog"));
    let answer = house.run(&["import", "usage", "two.jsonl"]);
    assert!(answer.stdout.contains("0 added"), "{answer:?}");
    house.file("three.jsonl", event("/three", "shop"));
    let answer = house.refuse(&["import", "usage", "three.jsonl"]);
    assert!(answer.stderr.contains("three.jsonl:1: id"), "{answer:?}");
    let help = house.run(&["import", "usage", "--help"]).stdout;
    assert!(help.contains("`source` is no part of it"), "{help}");
}

fn bad_accounts_and_prices_are_named(house: &House) {
    let accounts = format!(
        "{ACCOUNT_COLUMNS}\n\
         a,u,e@example.com,Name,,XX,1 rue A,67000,Strasbourg,,EUR,2025-01-05T10:00:00Z\n\
         b,u,e@example.com,Name,,FR,1 rue A,67000,Strasbourg,,DOG,2025-01-05T10:00:00Z\n\
         c,u,e@example.com,Name,,FR,1 rue A,67000,Strasbourg,,EUR,yesterday\n"
    );
    house.file("a.csv", accounts);
    let answer = house.refuse(&["import", "accounts", "a.csv"]);
    for place in [
        "a.csv:2: country \"XX\"",
        "a.csv:3: currency \"DOG\"",
        "a.csv:4: created_at \"yesterday\"",
    ] {
        assert!(answer.stderr.contains(place), "{place}: {answer:?}");
    }
    house.file(
        "c.csv",
        "kind,plan,name,price_per_30_days,currency,valid_from\n\
         container,S,S,-1,EUR,2024-01-01\n\
         container,M,M,1,EUR,2024-13-01\n",
    );
    let answer = house.refuse(&["import", "catalog", "c.csv"]);
    for place in [
        "c.csv:2: price_per_30_days \"-1\"",
        "c.csv:3: valid_from \"2024-13-01\"",
    ] {
        assert!(answer.stderr.contains(place), "{place}: {answer:?}");
    }
    let answer = house.refuse(&["import", "usage", "nowhere.csv"]);
    assert!(answer.stderr.contains("nowhere.csv"), "{answer:?}");
}
