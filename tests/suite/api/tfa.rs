//! Two-factor authentication, with a phone that reckons its codes by itself.

use chrono::{DateTime, Duration, SecondsFormat, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha1::Sha1;

use super::events::told;
use super::sign_in::{OTHER, PASSWORD, furnish_mailing, furnish_sign_in, give_password, links};
use super::{Client, field, secret};
use crate::fakes::smtp::SmtpFake;
use crate::on_both;
use crate::support::direct_debit::KEY_A;
use crate::support::{House, Reply, Served};

on_both!(
    a_phone_is_asked_for_beside_the_password,
    a_code_is_never_taken_twice,
    a_recovery_code_lets_in_once,
    wrong_codes_lock,
    the_password_alone_begins_no_count_anew,
    it_is_turned_off_by_a_code,
    nothing_is_asked_for_before_a_code_was_given,
    staff_takes_it_off_who_lost_it,
    it_outlives_the_key_that_sealed_it,
);

/// A phone that read the URI.
struct Phone(Vec<u8>);

impl Phone {
    fn read(uri: &str) -> Self {
        let (_, query) = uri.split_once("?secret=").unwrap();
        let (secret, rest) = query.split_once('&').unwrap();
        assert!(rest.ends_with("&algorithm=SHA1&digits=6&period=30"));
        let bits: String = secret
            .chars()
            .map(|char| {
                let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
                format!("{:05b}", alphabet.find(char).unwrap())
            })
            .collect();
        assert_eq!(bits.len(), 160);
        let byte = |at: usize| u8::from_str_radix(&bits[at..at + 8], 2).unwrap();
        Self((0..160).step_by(8).map(byte).collect())
    }

    /// What it shows, at a time or so many steps beside.
    fn shows(&self, now: &str, off: i64) -> String {
        let now: DateTime<Utc> = now.parse().unwrap();
        let step = now.timestamp() / 30 + off;
        let mut mac = Hmac::<Sha1>::new_from_slice(&self.0).unwrap();
        mac.update(&step.to_be_bytes());
        let digest = mac.finalize().into_bytes();
        let at = usize::from(digest[19] & 15);
        let number = u32::from_be_bytes(digest[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
        format!("{:06}", number % 1_000_000)
    }
}

/// The time, some steps later.
fn later(now: &str, steps: i32) -> String {
    let now: DateTime<Utc> = now.parse().unwrap();
    let later = now + Duration::seconds(30) * steps;
    later.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// acc-1 is asked for a code: its phone, and its recovery codes.
fn enabled(house: &House, served: &Served) -> (Phone, Vec<String>) {
    give_password(house, served);
    let client = Client::of(house, served, "acc-1");
    let asked = client.post("/v1/client/tfa", &json!({ "tfa": { "provider": "totp" } }));
    assert_eq!(asked.status, 201, "{asked:?}");
    let phone = Phone::read(asked.json()["tfa"]["uri"].as_str().unwrap());
    // The clients send a number, whatever it begins with.
    let attempt: u32 = phone.shows(&house.now(), 0).parse().unwrap();
    let reply = validate(&client, json!(attempt));
    assert_eq!(reply.status, 200, "{reply:?}");
    let codes = reply.json()["tfa"]["codes"].clone();
    let codes = codes.as_array().unwrap().iter();
    let codes = codes.map(|code| code.as_str().unwrap().to_owned());
    (phone, codes.collect())
}

fn validate(client: &Client<'_>, attempt: Value) -> Reply {
    let body = json!({ "tfa": { "attempt": attempt } });
    client.post("/v1/client/tfa/validate", &body)
}

fn turn_off(client: &Client<'_>, attempt: Value) -> Reply {
    let body = json!({ "tfa": { "attempt": attempt } });
    client.send("DELETE", "/v1/client/tfa", Some(&body))
}

/// Signs in with a password and a code; what the status is.
fn sign_in(served: &Served, password: &str, code: Option<&str>) -> u16 {
    let request = served
        .request("POST", "/v1/tokens")
        .basic_auth("ada", Some(password));
    let request = match code {
        Some(code) => request.header("X-Authorization-OTP", code),
        None => request,
    };
    let reply = served.send(request.json(&json!({ "token": { "name": "session" } })));
    if reply.status != 201 {
        let needs_code = code.is_none_or(str::is_empty) && password == PASSWORD;
        let error = reply.json()["error"].clone();
        let either = ["OTP Required", "Authentication failed"];
        assert!(either.map(Value::from).contains(&error), "{reply:?}");
        assert!(needs_code || error == either[1], "{reply:?}");
    }
    reply.status
}

fn needs_code(served: &Served) {
    let request = served
        .request("POST", "/v1/tokens")
        .basic_auth("ada", Some(PASSWORD));
    let reply = served.send(request.json(&json!({ "token": { "name": "session" } })));
    let answer = json!({ "error": "OTP Required" });
    assert_eq!((reply.status, reply.json()), (401, answer));
}

fn a_phone_is_asked_for_beside_the_password(house: &House) {
    let smtp = SmtpFake::start();
    furnish_mailing(house, smtp.port());
    let served = Served::start(house);
    let client = Client::of(house, &served, "acc-1");
    let none = json!({ "tfa": { "uuid": null, "enabled": false, "provider": null } });
    assert_eq!(client.get("/v1/client/tfa"), none);
    let other = client.post("/v1/client/tfa", &json!({ "tfa": { "provider": "sms" } }));
    let answer = field("provider", "is none but totp");
    assert_eq!((other.status, other.json()), (422, answer));

    let (phone, codes) = enabled(house, &served);
    let mut distinct = codes.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), 10, "{codes:?}");
    // A password set since ended what was before.
    let client = Client::of(house, &served, "acc-1");
    let shown = client.get("/v1/client/tfa");
    assert_eq!(shown["tfa"]["enabled"], true);
    assert_eq!(shown["tfa"]["provider"], "totp");
    assert!(shown["tfa"]["uuid"].is_string() && shown["tfa"]["uri"].is_null());

    needs_code(&served);
    assert_eq!(sign_in(&served, PASSWORD, Some("")), 401);
    let now = later(&house.now(), 1);
    house.set_now(&now);
    let served = Served::start(house);
    let code = phone.shows(&now, 0);
    // Who has the phone alone is nobody, and uses nothing up.
    assert_eq!(sign_in(&served, OTHER, Some(&code)), 401);
    assert_eq!(sign_in(&served, PASSWORD, Some(&code)), 201);
    // Others are asked for nothing.
    let kinds: Vec<String> = told(&Client::with(&served, &secret(house, "acc-1", &[])))
        .into_iter()
        .map(|(kind, _)| kind)
        .collect();
    assert!(kinds.contains(&"tfa_enabled".to_owned()), "{kinds:?}");
    house.run(&["outbox", "deliver"]);
    let subjects: Vec<String> = smtp
        .take_received()
        .iter()
        .map(|mail| mail.header("Subject"))
        .collect();
    let is_told = |subject: &String| subject.starts_with("=?") || subject.contains("facteurs");
    assert!(subjects.iter().any(is_told), "{subjects:?}");

    // Nothing in the database makes a code.
    let kept = house.watch().rows_as_text("second_factor");
    let hex: String = phone.0.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(!kept.to_lowercase().contains(&hex), "{kept}");
    let kept = house.watch().rows_as_text("recovery_code");
    let bare = codes[0].replace('-', "");
    assert!(!kept.contains(&codes[0]) && !kept.contains(&bare), "{kept}");
    let audited = house
        .watch()
        .texts("SELECT action FROM audit_entry WHERE action LIKE 'tfa%' ORDER BY id");
    assert_eq!(audited, ["tfa_asked", "tfa_enabled"]);
    house.run(&["verify"]);
}

fn a_code_is_never_taken_twice(house: &House) {
    furnish_sign_in(house);
    let served = Served::start(house);
    let (phone, _) = enabled(house, &served);
    let now = house.now();
    // The one that turned it on, and the one before it.
    for off in [0, -1] {
        assert_eq!(
            sign_in(&served, PASSWORD, Some(&phone.shows(&now, off))),
            401
        );
    }
    // A phone that is a step ahead; nothing from before is taken then.
    assert_eq!(sign_in(&served, PASSWORD, Some(&phone.shows(&now, 2))), 401);
    let ahead = phone.shows(&now, 1);
    assert_eq!(sign_in(&served, PASSWORD, Some(&ahead)), 201);
    assert_eq!(sign_in(&served, PASSWORD, Some(&ahead)), 401);
    let now = later(&now, 3);
    house.set_now(&now);
    let served = Served::start(house);
    // One that is a step behind, typed as people do; two steps are too many.
    assert_eq!(
        sign_in(&served, PASSWORD, Some(&phone.shows(&now, -2))),
        401
    );
    let behind = phone.shows(&now, -1);
    let (left, right) = behind.split_at(3);
    let spaced = format!("{left} {right}");
    assert_eq!(sign_in(&served, PASSWORD, Some(&spaced)), 201);
    assert_eq!(sign_in(&served, PASSWORD, Some(&behind)), 401);
    assert_eq!(sign_in(&served, PASSWORD, Some(&phone.shows(&now, 0))), 201);
}

fn a_recovery_code_lets_in_once(house: &House) {
    furnish_sign_in(house);
    let served = Served::start(house);
    let (_, codes) = enabled(house, &served);
    assert_eq!(sign_in(&served, OTHER, Some(&codes[0])), 401);
    for code in [codes[0].clone(), codes[1].to_uppercase().replace('-', " ")] {
        assert_eq!(sign_in(&served, PASSWORD, Some(&code)), 201);
        assert_eq!(sign_in(&served, PASSWORD, Some(&code)), 401);
    }
    assert_eq!(sign_in(&served, PASSWORD, Some("aaaa-bbbb-cccc-dddd")), 401);
    let left = "SELECT COUNT(*) FROM recovery_code";
    assert_eq!(house.watch().count(left), 8);
}

/// A code that is none of these.
fn wrong(phone: &Phone, now: &str) -> String {
    let near: Vec<String> = (-1..=1).map(|off| phone.shows(now, off)).collect();
    let codes = ["111111", "222222", "333333", "444444"];
    let wrong = codes
        .iter()
        .find(|code| !near.contains(&(**code).to_owned()));
    (*wrong.unwrap()).to_owned()
}

fn wrong_codes_lock(house: &House) {
    furnish_sign_in(house);
    let served = Served::start(house);
    let (phone, codes) = enabled(house, &served);
    let wrong = wrong(&phone, &house.now());
    for nth in 0..10 {
        assert_eq!(links(house, "login_locked").len(), 0, "{nth}");
        // Whoever has the password is asked for a code, and that counts nothing.
        needs_code(&served);
        // Neither wrong passwords nor wrong codes are more than ten together.
        let password = if nth % 2 == 0 { PASSWORD } else { OTHER };
        assert_eq!(sign_in(&served, password, Some(&wrong)), 401);
    }
    let [token] = links(house, "login_locked").try_into().unwrap();
    let ahead = phone.shows(&house.now(), 1);
    assert_eq!(sign_in(&served, PASSWORD, Some(&ahead)), 401);
    assert_eq!(sign_in(&served, PASSWORD, Some(&codes[0])), 401);
    // It is not told any more that the password is right.
    let request = served
        .request("POST", "/v1/tokens")
        .basic_auth("ada", Some(PASSWORD));
    let reply = served.send(request.json(&json!({ "token": { "name": "session" } })));
    assert_eq!(reply.json(), json!({ "error": "Authentication failed" }));
    let unlock = served.request("POST", "/v1/users/unlock");
    let unlocked = served.send(unlock.json(&json!({ "token": token })));
    assert_eq!(unlocked.status, 204);
    needs_code(&served);
    // What was tried while it was locked is not used up.
    assert_eq!(sign_in(&served, PASSWORD, Some(&ahead)), 201);
    assert_eq!(sign_in(&served, PASSWORD, Some(&codes[0])), 201);
}

fn the_password_alone_begins_no_count_anew(house: &House) {
    furnish_sign_in(house);
    let served = Served::start(house);
    let (phone, _) = enabled(house, &served);
    let client = Client::of(house, &served, "acc-1");
    let wrong = wrong(&phone, &house.now());
    for _ in 0..9 {
        let reply = turn_off(&client, json!(wrong));
        let answer = field("attempt", "is invalid");
        assert_eq!((reply.status, reply.json()), (422, answer));
    }
    // Whoever has the bearer token and the password, and not the phone.
    let again = json!({ "user": {
        "current_password": PASSWORD, "password": OTHER, "password_confirmation": OTHER,
    } });
    let changed = client.send("PUT", "/v1/users/account", Some(&again));
    assert_eq!(changed.status, 200, "{changed:?}");
    let client = Client::of(house, &served, "acc-1");
    assert_eq!(turn_off(&client, json!(wrong)).status, 422);
    assert_eq!(links(house, "login_locked").len(), 1);
    let right = phone.shows(&house.now(), 1);
    assert_eq!(turn_off(&client, json!(right)).status, 422);
    assert_eq!(client.get("/v1/client/tfa")["tfa"]["enabled"], true);
}

fn it_is_turned_off_by_a_code(house: &House) {
    furnish_sign_in(house);
    let served = Served::start(house);
    let (phone, codes) = enabled(house, &served);
    let client = Client::of(house, &served, "acc-1");
    let asked = client.post("/v1/client/tfa", &json!({ "tfa": { "provider": "totp" } }));
    assert_eq!(asked.status, 409, "{asked:?}");
    assert_eq!(validate(&client, json!(1)).status, 409);
    for attempt in [json!(null), json!(1_000_000), json!(""), json!("x")] {
        assert_eq!(turn_off(&client, attempt.clone()).status, 422, "{attempt}");
    }
    for attempt in [json!(-1), json!(1.5), json!([])] {
        let reply = turn_off(&client, attempt.clone());
        assert_eq!(reply.status, 422, "{attempt}");
        assert!(reply.json()["errors"]["attempt"].is_array(), "{reply:?}");
    }
    // By a number, as a client reads what the phone shows.
    let number: u32 = phone.shows(&house.now(), 1).parse().unwrap();
    assert_eq!(turn_off(&client, json!(number)).status, 204);
    assert_eq!(turn_off(&client, json!(codes[0])).status, 404);
    assert_eq!(sign_in(&served, PASSWORD, None), 201);
    for table in ["second_factor", "recovery_code"] {
        assert_eq!(house.watch().rows_as_text(table), "", "{table}");
    }
    // Turned on again with another secret, and off by a recovery code.
    let asked = client.post("/v1/client/tfa", &json!({ "provider": "totp" }));
    let other = Phone::read(asked.json()["tfa"]["uri"].as_str().unwrap());
    assert_ne!(other.0, phone.0);
    let code = other.shows(&house.now(), 0);
    let again = validate(&client, json!(code)).json()["tfa"]["codes"][0].clone();
    assert_eq!(turn_off(&client, json!(codes[0])).status, 422);
    assert_eq!(turn_off(&client, again).status, 204);
    let told: Vec<String> = told(&client)
        .into_iter()
        .map(|(kind, _)| kind)
        .filter(|kind| kind.starts_with("tfa"))
        .collect();
    let both = ["tfa_enabled", "tfa_disabled"];
    assert_eq!(told, both.repeat(2));
    let mails = house
        .watch()
        .texts("SELECT topic FROM outbox WHERE topic LIKE 'tfa%' ORDER BY topic");
    assert_eq!(mails.len(), 4, "{mails:?}");
}

fn staff_takes_it_off_who_lost_it(house: &House) {
    furnish_sign_in(house);
    let served = Served::start(house);
    let by = [
        "--by",
        "eve",
        "--reason",
        "called back, said the last invoice",
    ];
    let take_off = [&["account", "disable-tfa", "acc-1"], &by[..]].concat();
    let refused = house.refuse(&take_off);
    assert!(
        refused.stderr.contains("has no second factor"),
        "{refused:?}"
    );
    enabled(house, &served);
    assert_eq!(house.try_run(&take_off[..3]).code, Some(2));
    needs_code(&served);
    let done = house.run(&take_off).stdout;
    assert!(done.contains("took the second factor off acc-1"), "{done}");
    assert_eq!(sign_in(&served, PASSWORD, None), 201);
    for table in ["second_factor", "recovery_code"] {
        assert_eq!(house.watch().rows_as_text(table), "", "{table}");
    }
    let audited = house
        .watch()
        .texts("SELECT actor || ': ' || reason FROM audit_entry WHERE action = 'tfa_disabled'");
    assert_eq!(audited, ["eve: called back, said the last invoice"]);
    let client = Client::of(house, &served, "acc-1");
    let off = ("tfa_disabled".to_owned(), json!({ "provider": "totp" }));
    assert!(told(&client).contains(&off));
    let mails = "SELECT COUNT(*) FROM outbox WHERE topic = 'tfa_disabled'";
    assert_eq!(house.watch().count(mails), 1);
}

fn nothing_is_asked_for_before_a_code_was_given(house: &House) {
    furnish_sign_in(house);
    let served = Served::start(house);
    give_password(house, &served);
    let client = Client::of(house, &served, "acc-1");
    assert_eq!(validate(&client, json!(1)).status, 404);
    assert_eq!(turn_off(&client, json!(1)).status, 404);
    let ask = || {
        let asked = client.post("/v1/client/tfa", &json!({ "tfa": { "provider": "totp" } }));
        assert_eq!(asked.json()["tfa"]["enabled"], false);
        Phone::read(asked.json()["tfa"]["uri"].as_str().unwrap())
    };
    let (first, second) = (ask(), ask());
    assert_eq!(sign_in(&served, PASSWORD, None), 201);
    assert_eq!(turn_off(&client, json!(1)).status, 404);
    let now = house.now();
    let reply = validate(&client, json!(wrong(&second, &now)));
    assert_eq!(
        (reply.status, reply.json()),
        (422, field("attempt", "is invalid"))
    );
    // The secret before is good for nothing.
    if first.shows(&now, 0) != second.shows(&now, 0) {
        assert_eq!(validate(&client, json!(first.shows(&now, 0))).status, 422);
    }
    assert_eq!(sign_in(&served, PASSWORD, None), 201);
    assert_eq!(validate(&client, json!(second.shows(&now, -1))).status, 200);
    needs_code(&served);
}

fn it_outlives_the_key_that_sealed_it(house: &House) {
    furnish_sign_in(house);
    let served = Served::start(house);
    let (phone, _) = enabled(house, &served);
    let settings = std::fs::read_to_string(house.path("quittance.toml")).unwrap();
    let old = "{ id = \"a\", key = \"file:a.key\" }";
    let new = "{ id = \"b\", key = \"file:b.key\" }";
    assert!(settings.contains(old));
    house.file("b.key", KEY_A.replace('0', "1").replace('a', "b"));
    house.file(
        "quittance.toml",
        settings.replace(old, &format!("{old}, {new}")),
    );
    let rotated = house.run(&["vault", "rotate", "--by", "ada", "--reason", "yearly"]);
    assert!(rotated.stdout.contains("1 second factor"), "{rotated:?}");
    house.file("quittance.toml", settings.replace(old, new));
    let served = Served::start(house);
    let ahead = phone.shows(&house.now(), 1);
    assert_eq!(sign_in(&served, PASSWORD, Some(&ahead)), 201);
}
