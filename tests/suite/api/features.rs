//! What clients ask of the platform itself.

use serde_json::{Value, json};

use super::{Client, furnish_api_with};
use crate::on_both;
use crate::support::{House, Served};

on_both!(
    sizes_cost_what_the_catalog_says_today,
    regions_are_those_of_the_settings,
);

fn sizes_cost_what_the_catalog_says_today(house: &House) {
    super::furnish_api(house, 10_000);
    let served = Served::start(house);
    let client = Client::of(house, &served, "acc-1");
    let told = client.get("/v1/features/container_sizes");
    let sizes = told["container_sizes"].as_array().unwrap();
    let of = |name: &str| -> &Value {
        let found = sizes.iter().find(|size| size["name"] == name);
        found.unwrap_or_else(|| panic!("{name}: {told}"))
    };
    let small = of("S");
    assert_eq!(small["thirtydays_price"], 720, "{told}");
    assert_eq!(small["hourly_price"], 1, "{told}");
    assert_eq!(small["currency"], "EUR");
    let prices: Vec<i64> = sizes
        .iter()
        .map(|size| size["thirtydays_price"].as_i64().unwrap())
        .collect();
    assert!(prices.is_sorted(), "{told}");
    assert_eq!(small["ordinal"], 1);
}

fn regions_are_those_of_the_settings(house: &House) {
    let region = |name: &str| {
        format!(
            "[[regions]]\nname = \"{name}\"\ndisplay_name = \"Paris\"\napi = \"https://api.{name}.example\"\n\
             database_api = \"https://db.{name}.example\"\ndashboard = \"https://console.example\"\n\
             ssh = \"ssh.{name}.example:22\"\n"
        )
    };
    let settings = format!("{}{}", region("fr1"), region("fr2"));
    furnish_api_with(house, 10_000, &settings);
    let served = Served::start(house);
    // The command-line client asks before anybody has signed in.
    let told = served.send(served.request("GET", "/v1/regions?")).json();
    let names: Vec<(&Value, &Value)> = told["regions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|region| (&region["name"], &region["default"]))
        .collect();
    let (first, second) = (json!("fr1"), json!("fr2"));
    assert_eq!(names, [(&first, &json!(true)), (&second, &json!(false))]);
    drop(served);
    let twice = format!("{}{}", region("fr1"), region("fr1"));
    furnish_api_with(
        house,
        10_000,
        &twice.replacen("https://api", "ftp://api", 1),
    );
    let refused = house.refuse(&["run", "status"]);
    for problem in [
        "regions[0].api: \"ftp://api.fr1.example\" is not an https:// address",
        "regions[1].name: \"fr1\" is there twice",
    ] {
        assert!(refused.stderr.contains(problem), "{refused:?}");
    }
}
