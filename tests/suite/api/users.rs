//! Who an account is.

use serde_json::json;

use super::{Client, field, furnish_api};
use crate::on_both;
use crate::support::{House, Served};

on_both!(
    an_account_sees_itself,
    a_profile_is_changed_by_its_customer,
    what_is_printed_is_another_version,
    a_username_is_one_accounts,
    a_wrong_change_says_what_is_wrong,
    a_file_leaves_what_the_customer_changed,
);

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
        "uuid": "acc-1",
        "company": "Analytical SAS",
        "location": "",
        "email_newsletter": false,
        "created_at": "2025-01-05T10:00:00.000Z",
        "free_trial_started_at": "2025-01-05T10:00:00.000Z",
        "free_trial_end_time": "2025-02-04T10:00:00.000Z",
        "suspended_at": null,
        "suspension_reason": null,
        "flags": {},
        "unconfirmed_email": null,
        "tos_accepted": true,
        "preferences": { "time_zone": "Europe/Paris", "locale": "fr", "theme": "light" },
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

fn a_profile_is_changed_by_its_customer(house: &House) {
    furnish_api(house, 60);
    let served = Served::start(house);
    let client = Client::of(house, &served, "acc-1");
    let mut expected = client.get("/v1/users/self")["user"].clone();
    for (method, path, body, changes) in [
        (
            "PATCH",
            "/v1/account/profile",
            json!({ "user": { "fullname": " Ada King ", "location": "Strasbourg", "email_newsletter": true } }),
            json!({ "fullname": "Ada King", "location": "Strasbourg", "email_newsletter": true }),
        ),
        (
            "PUT",
            "/v1/users/account",
            json!({ "username": "countess", "preferences": { "locale": "en", "theme": "dark" } }),
            json!({
                "username": "countess",
                "preferences": { "time_zone": "Europe/Paris", "locale": "en", "theme": "dark" },
            }),
        ),
        (
            "PATCH",
            "/v1/users/acc-1",
            json!({ "user": { "preferences": { "time_zone": "America/Guadeloupe" } } }),
            json!({ "preferences": { "time_zone": "America/Guadeloupe", "locale": "en", "theme": "dark" } }),
        ),
        (
            "PUT",
            "/v1/users/acc-1",
            json!({ "user": { "company": "", "location": null } }),
            json!({ "company": "" }),
        ),
    ] {
        let reply = client.send(method, path, Some(&body));
        assert_eq!(reply.status, 200, "{reply:?}");
        for (name, value) in changes.as_object().unwrap() {
            expected[name] = value.clone();
        }
        assert_eq!(reply.json(), json!({ "user": expected }), "{method} {path}");
        assert_eq!(client.get("/v1/users/self")["user"], expected);
    }
    let reply = client.send("PUT", "/v1/users/acc-2", Some(&json!({ "username": "x" })));
    let answer = json!({ "resource": "User", "error": "not found" });
    assert_eq!((reply.status, reply.json()), (404, answer));
}

/// The versions of acc-1's profile: what each says, and which stands.
fn versions(house: &House) -> Vec<String> {
    house.watch().texts(
        "SELECT CAST(p.version AS TEXT) || ' ' || p.username || ' ' || p.full_name || ' ' || p.language || \
         CASE WHEN p.version = a.profile_version THEN ' stands' ELSE '' END FROM billing_profile p \
         JOIN account a ON a.id = p.account_id WHERE a.external_id = 'acc-1' ORDER BY p.version",
    )
}

fn what_is_printed_is_another_version(house: &House) {
    furnish_api(house, 60);
    house.run(&["run", "2026-10"]);
    let printed = house.run(&["invoice", "show", "Q-2026-000001"]).stdout;
    let served = Served::start(house);
    let client = Client::of(house, &served, "acc-1");
    let path = "/v1/account/profile";
    let change = json!({ "fullname": "Ada King", "preferences": { "locale": "en" } });
    assert_eq!(client.send("PATCH", path, Some(&change)).status, 200);
    let expected = ["1 ada Ada Lovelace fr", "2 ada Ada King en stands"];
    assert_eq!(versions(house), expected);
    // What says nothing new, and what no invoice prints, is no version.
    for same in [change, json!({}), json!({ "location": "Strasbourg" })] {
        assert_eq!(client.send("PATCH", path, Some(&same)).status, 200);
    }
    assert_eq!(versions(house), expected);
    let audited = house.watch().texts(
        "SELECT actor || ' ' || subject FROM audit_entry WHERE action = 'profile_changed' ORDER BY id",
    );
    assert_eq!(audited, ["customer profile 2", "customer profile 2"]);
    // An import goes on from there.
    house.import_accounts(
        "acc-1,ada,ada@example.com,Ada King,Analytical SAS,FR,2 rue du Pont,67000,Strasbourg,FR40303265045,EUR,2025-01-05T10:00:00Z\n",
    );
    let expected = [
        "1 ada Ada Lovelace fr",
        "2 ada Ada King en",
        // What the file said, to hold the next one against; and what stands from it.
        "3 ada Ada King fr",
        "4 ada Ada King en stands",
    ];
    assert_eq!(versions(house), expected);
    // What is issued stays as it was printed.
    let again = house.run(&["invoice", "show", "Q-2026-000001"]).stdout;
    assert_eq!(again, printed);
    house.run(&["verify"]);
}

fn a_username_is_one_accounts(house: &House) {
    furnish_api(house, 60);
    let served = Served::start(house);
    let client = Client::of(house, &served, "acc-1");
    let name = |name: &str| {
        let body = json!({ "user": { "username": name } });
        client.send("PATCH", "/v1/users/acc-1", Some(&body))
    };
    for taken in ["jan", "JAN"] {
        let reply = name(taken);
        let answer = field("username", "has already been taken");
        assert_eq!((reply.status, reply.json()), (422, answer));
    }
    // One's own is not another's.
    assert_eq!(name("Ada").status, 200);
    // What nobody goes by any more is free.
    let other = Client::of(house, &served, "acc-2");
    let body = json!({ "username": "kowalski" });
    assert_eq!(
        other.send("PATCH", "/v1/users/acc-2", Some(&body)).status,
        200
    );
    assert_eq!(name("jan").status, 200);
}

fn a_wrong_change_says_what_is_wrong(house: &House) {
    furnish_api(house, 60);
    let served = Served::start(house);
    let client = Client::of(house, &served, "acc-2");
    let change = |body| client.send("PATCH", "/v1/account/profile", Some(&body));
    let before = client.get("/v1/users/self");
    let wrong = change(json!({ "user": {
        "username": "a@b", "fullname": "", "preferences": { "theme": "blue", "time_zone": "Mars" },
    } }));
    let errors = json!({ "errors": {
        "username": ["may have letters without accents, digits, hyphens, underscores and dots"],
        "fullname": ["can't be blank where there is no company: an invoice needs a name"],
        "preferences.theme": ["is neither light nor dark"],
        "preferences.time_zone": ["is no time zone such as Europe/Paris"],
    } });
    assert_eq!((wrong.status, wrong.json()), (422, errors));
    let wrong = change(json!({ "preferences": { "theme": 5 } }));
    let answer = field(
        "preferences.theme",
        "invalid type: integer `5`, expected a string",
    );
    assert_eq!((wrong.status, wrong.json()), (422, answer));
    // The Go client sends a password alone, on this route.
    let alone = change(json!({ "user": { "password": "another good password" } }));
    let answer = field("password_confirmation", "doesn't match password");
    assert_eq!((alone.status, alone.json()), (422, answer));
    assert_eq!(client.get("/v1/users/self"), before);
}

fn a_file_leaves_what_the_customer_changed(house: &House) {
    const FILE: &str = "acc-1,ada,ada@example.com,Ada Lovelace,COMPANY,FR,STREET,67000,Strasbourg,FR40303265045,EUR,2025-01-05T10:00:00Z\n";
    furnish_api(house, 60);
    let file = |company: &str, street: &str| {
        house.import_accounts(&FILE.replace("COMPANY", company).replace("STREET", street));
        house.watch().texts(
            "SELECT p.full_name || ', ' || p.company || ', ' || p.address_line1 || ', ' || p.invoice_note \
             FROM billing_profile p JOIN account a ON a.id = p.account_id AND a.profile_version = p.version \
             WHERE a.external_id = 'acc-1'",
        )
    };
    file("Analytical SAS", "1 rue A");
    let served = Served::start(house);
    let client = Client::of(house, &served, "acc-1");
    let change = json!({ "user": { "fullname": "Ada King" } });
    let changed = client.send("PATCH", "/v1/account/profile", Some(&change));
    assert_eq!(changed.status, 200, "{changed:?}");
    let id = client.get("/profile")["profile"]["id"].clone();
    let note = json!({ "profile": { "invoice_additional_info": "PO 7" } });
    let path = format!("/profiles/{}", id.as_str().unwrap());
    let noted = client.send("PUT", &path, Some(&note));
    assert_eq!(noted.status, 200, "{noted:?}");
    // The same file again says nothing; another says what is new in it.
    let count = || house.watch().count("SELECT COUNT(*) FROM billing_profile");
    let before = count();
    let same = file("Analytical SAS", "1 rue A");
    assert_eq!(same, ["Ada King, Analytical SAS, 1 rue A, PO 7"]);
    assert_eq!(count(), before);
    let moved = file("Analytical SAS", "9 quai B");
    assert_eq!(moved, ["Ada King, Analytical SAS, 9 quai B, PO 7"]);
    let renamed = file("Engines SA", "9 quai B");
    assert_eq!(renamed, ["Ada King, Engines SA, 9 quai B, PO 7"]);
    assert_eq!(file("Engines SA", "9 quai B"), renamed);
    assert_eq!(count(), before + 4);
    house.run(&["run", "2026-10"]);
    house.run(&["verify"]);
}
