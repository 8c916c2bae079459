//! Who an account is.

use serde_json::json;

use super::{Client, furnish_api};
use crate::on_both;
use crate::support::{House, Served};

on_both!(an_account_sees_itself);

fn an_account_sees_itself(house: &House) {
    furnish_api(house, 60);
    let served = Served::start(house);
    let client = Client::of(house, &served, "acc-1");
    let user = client.get("/v1/users/self")["user"].clone();
    let expected = json!({
        "id": "acc-1",
        "username": "ada",
        "fullname": "Ada Lovelace",
        "email": "ada@example.com",
        "company": "Analytical SAS",
        "created_at": "2025-01-05T10:00:00.000Z",
        "free_trial_started_at": "2025-01-05T10:00:00.000Z",
        "free_trial_end_time": "2025-02-04T10:00:00.000Z",
        "suspended_at": null,
        "suspension_reason": null,
        "flags": {},
        "unconfirmed_email": null,
        "preferences": { "locale": "fr" },
        "github": null,
    });
    assert_eq!(user, expected);
    house.run(&[
        "account", "suspend", "acc-1", "--by", "ada", "--reason", "abuse",
    ]);
    let user = client.get("/v1/users/self")["user"].clone();
    assert_eq!(user["suspended_at"], "2026-11-02T08:00:00.000Z");
    assert_eq!(user["suspension_reason"], "staff");
}
