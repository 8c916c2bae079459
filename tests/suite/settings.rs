//! Wrong settings are refused at the start.

use crate::support::House;

const SETTINGS: &str = include_str!("../../deploy/quittance.toml");

#[test]
fn every_wrong_setting_is_refused_with_its_key() {
    let house = House::sqlite();
    let wrong = [
        ("zone = \"Europe/Paris\"", "zone = \"Mars/Base\"", "zone"),
        ("series = \"Q\"", "series = \"\"", "series"),
        (
            "free_trial_days = 30",
            "free_trial_days = -1",
            "free_trial_days",
        ),
        (
            "due_after_days = 0",
            "due_after_days = \"soon\"",
            "due_after_days",
        ),
        ("outside_eu = \"O\"", "outside_eu = \"Z\"", "outside_eu"),
        ("country = \"FR\"", "country = \"US\"", "country"),
        (
            "vat_number = \"FR83404833048\"",
            "vat_number = \"FR84404833048\"",
            "vat_number",
        ),
        ("siren = \"404833048\"", "siren = \"404833049\"", "siren"),
        ("factor = 10", "factor = 0", "factor"),
        (
            "over = \"1000\"",
            "over = \"100001\"",
            "bounds.over: 100001 is above bounds.limit 100000",
        ),
        (
            "[bounds]",
            "[[vat.rates]]\nregion = \"FR\"\nrate = \"21\"\nvalid_from = \"2027-01-01\"\n\
             [[vat.rates]]\nregion = \"FR\"\nrate = \"22\"\nvalid_from = \"2027-01-01\"\n[bounds]",
            "vat.rates[1]: FR has a rate from 2027-01-01 already",
        ),
        (
            "fallback = [\"credit\"]",
            "fallback = [\"paypal\"]",
            "collection.fallback[0]: \"paypal\" is none of credit, sepa, card",
        ),
        (
            "partial_credit = false",
            "partial_credit = \"no\"",
            "partial_credit",
        ),
        (
            "one_stop_shop = true",
            "one_stop_shop = true\ncolour = 1",
            "colour",
        ),
    ];
    for (right, replacement, key) in wrong {
        assert!(SETTINGS.contains(right), "{right}");
        house.file("quittance.toml", SETTINGS.replacen(right, replacement, 1));
        let answer = house.refuse(&["run", "status"]);
        assert!(answer.stderr.contains(key), "{replacement}: {answer:?}");
    }
    house.file("quittance.toml", SETTINGS);
    house.import_catalog();
    house.run(&["run", "status"]);
}

#[test]
fn a_command_without_a_database_says_so() {
    let house = House::sqlite();
    let output = house
        .command(&["verify"])
        .env_remove("DATABASE_URL")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("--database-url"), "{said}");
    let answer = house.refuse(&["verify", "--database-url", "mysql://x"]);
    assert!(answer.stderr.contains("sqlite:"), "{answer:?}");
}
