//! The house's own API: the finance routes, and usage that machines report.

mod deeds;
mod ingestion;
mod keys;
mod looks;
mod routes;

use serde_json::Value;

use crate::cards::section;
use crate::fakes::stripe::{CardScript, StripeFake};
use crate::support::{House, Reply, Served, furnish};

pub const BY: [&str; 4] = ["--by", "ada", "--reason", "asked by phone"];

/// The secret of a new key.
#[track_caller]
pub fn key(house: &House, name: &str, role: &str, more: &[&str]) -> String {
    let mut args = vec!["operator", "add", name, "--role", role];
    args.extend(BY);
    args.extend(more);
    house.run(&args).stdout.trim().to_owned()
}

/// Asks with a key.
pub fn ask(served: &Served, secret: &str, method: &str, path: &str, body: Option<&Value>) -> Reply {
    let mut request = served.request(method, path).bearer_auth(secret);
    if let Some(body) = body {
        request = request.json(body);
    }
    served.send(request)
}

/// The JSON of an answer that is right.
#[track_caller]
fn get(served: &Served, secret: &str, path: &str) -> Value {
    let reply = ask(served, secret, "GET", path, None);
    assert_eq!(reply.status, 200, "{path}: {reply:?}");
    reply.json()
}

/// A house that is owed a month, and acc-2 has a card that pays.
fn card_house(house: &House) -> StripeFake {
    let stripe = StripeFake::start();
    let settings = include_str!("../../../deploy/quittance.toml");
    let stripe_section = section(house, &stripe, "tries = 1");
    house.file("quittance.toml", format!("{settings}\n{stripe_section}"));
    furnish(house);
    let setup = house.run(&["method", "add-card", "acc-2", "--json"]).json();
    let intent = setup["setup_intent"].as_str().unwrap();
    stripe.confirm_setup(intent, CardScript::succeeds());
    house.run(&["method", "finish-card", intent]);
    house.run(&["run", "2026-10"]);
    stripe
}
