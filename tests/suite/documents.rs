//! The documents, before the real checkers and as they were.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{House, checkers, furnish, golden};

/// What each account is there to show.
const CASES: [&str; 7] = [
    "one-line",
    "many-lines",
    "reverse-charge",
    "consumer-abroad",
    "outside-eu",
    "dollars",
    "trial",
];

const ACCOUNTS: &str = "\
one-line,a,a@example.com,Ada Lovelace,Analytical SAS,FR,1 rue du Pont,67000,Strasbourg,FR40303265045,EUR,2025-01-05T10:00:00Z
many-lines,b,b@example.com,Łukasz Żółciński,Żółciński i Ωραία Ελλάδα и София ООД,PL,ul. Długa 5,00-238,Warszawa,PL5260250908,EUR,2025-01-05T10:00:00Z
reverse-charge,c,c@example.com,Jörg Brückner,Brückner GmbH,DE,Elbstraße 14,22767,Hamburg,DE136695909,EUR,2025-01-05T10:00:00Z
consumer-abroad,d,d@example.com,Anna Gruber,,AT,Linzer Straße 4,1140,Wien,,EUR,2025-01-05T10:00:00Z
outside-eu,e,e@example.com,Reto Zürcher,Alpenblick AG,CH,Bahnhofstrasse 45,8001,Zürich,,EUR,2025-01-05T10:00:00Z
dollars,f,f@example.com,Dana Whitfield,Prairie Inc.,US,410 W Grand Ave,60654,Chicago,,USD,2025-01-05T10:00:00Z
trial,g,g@example.com,Tess Trial,,FR,1 rue A,67000,Strasbourg,,EUR,2026-10-10T10:00:00+02:00
";

fn usage() -> String {
    let mut rows = String::new();
    let mut row = |id: &str, account: &str, app: &str, plan: &str, quantity: u32| {
        writeln!(
            rows,
            "{id},{account},{app},container,web,{plan},{quantity},2026-10-11T00:00:00Z,2026-10-21T00:00:00Z"
        )
        .unwrap();
    };
    for case in CASES.iter().filter(|case| **case != "many-lines") {
        row(case, case, "shop", "M", 2);
    }
    for n in 0..120 {
        row(
            &format!("m{n}"),
            "many-lines",
            &format!("app-{n:03}"),
            "S",
            n + 1,
        );
    }
    rows
}

/// Bills every case and writes its PDF.
fn documents(house: &House) -> Vec<PathBuf> {
    house.import_catalog();
    house.import_accounts(ACCOUNTS);
    house.import_usage(&usage());
    house.run(&["run", "2026-10"]);
    CASES
        .iter()
        .zip(1..)
        .map(|(case, n)| {
            let pdf = format!("{case}.pdf");
            house.run(&["invoice", "pdf", &format!("Q-2026-{n:06}"), "-o", &pdf]);
            house.path(&pdf)
        })
        .collect()
}

#[test]
fn pdfs_pass_verapdf_and_xml_passes_the_schematrons() {
    let checkers = checkers();
    let house = House::sqlite();
    let pdfs = documents(&house);
    for flavour in ["3a", "ua1"] {
        let output = Command::new("java")
            .arg("-cp")
            .arg(
                std::fs::read_to_string(checkers.join("classpath"))
                    .unwrap()
                    .trim(),
            )
            .args(["PdfCheck", flavour])
            .args(&pdfs)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{flavour}: {said} {output:?}");
        assert_eq!(said.matches("PASS").count(), CASES.len(), "{said}");
    }
    let output = Command::new(checkers.join("venv/bin/python"))
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/checkers/xml_check.py"))
        .args(&pdfs)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said} {output:?}");
    assert_eq!(said.matches("PASS").count(), CASES.len(), "{said}");
}

#[test]
fn the_same_invoice_is_the_same_bytes() {
    let house = House::sqlite();
    let first: Vec<Vec<u8>> = documents(&house)
        .iter()
        .map(|pdf| std::fs::read(pdf).unwrap())
        .collect();
    for (n, expected) in (1..).zip(&first) {
        house.run(&[
            "invoice",
            "pdf",
            &format!("Q-2026-{n:06}"),
            "-o",
            "again.pdf",
        ]);
        assert_eq!(&std::fs::read(house.path("again.pdf")).unwrap(), expected);
    }
}

#[test]
fn a_month_is_listed_as_its_invoices_are_shown() {
    let house = House::sqlite();
    documents(&house);
    let listed = house.invoices("2026-10");
    assert_eq!(listed.len(), CASES.len());
    for (case, (invoice, n)) in CASES.iter().zip(listed.iter().zip(1..)) {
        let number = format!("Q-2026-{n:06}");
        let shown = house.run(&["invoice", "show", &number, "--json"]).json();
        assert_eq!(invoice, &shown, "{case}");
        assert_eq!(invoice["number"], number.as_str());
        assert_eq!(invoice["account"], *case);
    }
    assert_eq!(listed[0]["customer"], "Analytical SAS");
    assert_eq!(listed[3]["customer"], "Anna Gruber");
    assert_eq!(house.invoices("2026-09").len(), 0);
}

#[test]
fn a_month_is_listed_without_the_numbers_between() {
    let house = House::sqlite();
    furnish(&house);
    // Over the limit in September, so parked; released when October is billed.
    house.import_usage(
        "b1,acc-2,big,container,web,3XL,2000,2026-09-01T00:00:00+02:00,2026-10-01T00:00:00+02:00\n",
    );
    house.run(&["run", "2026-09"]);
    house.run(&["run", "2026-10"]);
    house.run(&[
        "run",
        "release",
        "2026-09",
        "acc-2",
        "--by",
        "eve",
        "--reason",
        "looked at",
    ]);
    let numbers = |period| -> Vec<String> {
        let invoices = house.invoices(period);
        let number = |invoice: &serde_json::Value| invoice["number"].as_str().unwrap().to_owned();
        invoices.iter().map(number).collect()
    };
    assert_eq!(numbers("2026-09"), ["Q-2026-000001", "Q-2026-000005"]);
    assert_eq!(
        numbers("2026-10"),
        ["Q-2026-000002", "Q-2026-000003", "Q-2026-000004"]
    );
}

/// The words of a PDF, as its reader copies them.
fn words(pdf: &Path) -> String {
    let output = Command::new("pdftotext")
        .arg("-layout")
        .arg(pdf)
        .arg("-")
        .output();
    let output = output.expect("pdftotext must be installed: run scripts/install-test-tools");
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn documents_read_as_they_did() {
    let house = House::sqlite();
    let pdfs = documents(&house);
    for (case, (pdf, n)) in CASES.iter().zip(pdfs.iter().zip(1..)) {
        golden(&format!("{case}.txt"), &words(pdf));
        if *case != "many-lines" {
            let xml = house
                .run(&["invoice", "xml", &format!("Q-2026-{n:06}")])
                .stdout;
            golden(&format!("{case}.xml"), &xml.replace("><", ">\n<"));
        }
    }
    let many = words(&pdfs[1]);
    assert_eq!(
        many.matches("Price per minute").count(),
        many.matches("Page ").count()
    );
    assert!(many.contains("Page 6/6"), "{many}");
}

#[test]
fn extreme_documents_lose_nothing() {
    let house = House::sqlite();
    house.import_catalog();
    let name: String = "Très-Grande Société Générale "
        .repeat(11)
        .trim_end()
        .chars()
        .take(300)
        .collect();
    house.import_accounts(&format!(
        "big,b,b@example.com,東京 太郎,{name},FR,1 rue A,67000,Strasbourg,,EUR,2025-01-05T10:00:00Z\n"
    ));
    let mut rows = String::new();
    for n in 0..500 {
        writeln!(rows, "x{n},big,app-{n:03},container,web,3XL,250,2026-10-01T00:00:00+02:00,2026-11-01T00:00:00+01:00").unwrap();
    }
    house.import_usage(&rows);
    house.run(&["run", "2026-10"]);
    house.run(&[
        "run",
        "release",
        "2026-10",
        "big",
        "--by",
        "eve",
        "--reason",
        "looked at",
    ]);
    let invoice = house.invoices("2026-10").remove(0);
    // 250 x 44,700 min x 0.0053333333 = 59,599.999..., 500 times, and 20 %.
    assert_eq!(invoice["net_minor"], 2_980_000_000_i64);
    assert_eq!(invoice["total_minor"], 3_576_000_000_i64);
    house.run(&["invoice", "pdf", "Q-2026-000001", "-o", "big.pdf"]);
    let output = Command::new("pdftotext")
        .arg(house.path("big.pdf"))
        .arg("-")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        flat.contains(
            name.split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
                .as_str()
        )
    );
    assert!(flat.contains("35 760 000,00"), "the total is missing");
    for n in 0..500 {
        assert!(flat.contains(&format!("app-{n:03}")), "line {n} is missing");
    }
}
