//! The service as whoever operates it sees it.

mod metrics;
mod ready;
mod scrape;
mod stopping;
mod timeouts;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::json;

use crate::api::{Client, furnish_api_with};
use crate::cards;
use crate::collect::bill;
use crate::fakes::stripe::{CardScript, StripeFake};
use crate::support::{House, Served};

const EVENTS: &str = "/ingest/v1/events";
const GO_ON: &str = "HTTP/1.1 100 Continue\r\n\r\n";
const BODY: &str = "[]                    ";
/// What whoever is put off is told.
const PUT_OFF: &str = "not available at the moment: try again in a few minutes";
/// Of [`paying`].
const PAID: &str = "SELECT COUNT(*) FROM payment_attempt WHERE state = 'succeeded'";
const OWED: &str = "SELECT CAST(SUM(i.total_minor) AS BIGINT) FROM invoice i JOIN account a \
     ON a.id = i.account_id WHERE a.external_id = 'acc-2'";

/// Replaces a setting of the house's file, which has to be there.
#[track_caller]
fn set(house: &House, from: &str, to: &str) {
    let settings = std::fs::read_to_string(house.path("quittance.toml")).unwrap();
    assert!(settings.contains(from), "{from}");
    house.file("quittance.toml", settings.replace(from, to));
}

fn address(served: &Served) -> String {
    served.url("").replace("http://", "")
}

fn connect(served: &Served) -> TcpStream {
    TcpStream::connect(address(served)).unwrap()
}

/// A report of usage that is in hand, and has come half way.
fn half_a_report(served: &Served, secret: &str) -> TcpStream {
    let mut slow = connect(served);
    let head = format!(
        "POST {EVENTS} HTTP/1.1\r\nHost: q\r\nAuthorization: Bearer {secret}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\nExpect: 100-continue\r\n\r\n",
        BODY.len()
    );
    slow.write_all(head.as_bytes()).unwrap();
    let mut told = vec![0; GO_ON.len()];
    slow.read_exact(&mut told).unwrap();
    assert_eq!(String::from_utf8(told).unwrap(), GO_ON);
    slow.write_all(&BODY.as_bytes()[..10]).unwrap();
    slow
}

/// A house whose customer entered a card that pays three months, while Stripe does not
/// answer: the request was put off.
fn paying(house: &House, shutdown_seconds: u32) -> (Served, StripeFake) {
    let stripe = StripeFake::start();
    let section = cards::section(house, &stripe, "tries = 1");
    furnish_api_with(house, 10_000, &section);
    let second = "request_timeout_seconds = 1 ";
    set(house, "request_timeout_seconds = 30", second);
    let seconds = format!("shutdown_seconds = {shutdown_seconds}");
    set(house, "shutdown_seconds = 30", &seconds);
    bill(house, &["acc-2"]);
    let served = Served::start(house);
    stripe.hold_charges(true);
    put_off(house, &served, &stripe, "acc-2");
    (served, stripe)
}

/// A customer enters a card while Stripe does not answer.
#[track_caller]
fn put_off(house: &House, served: &Served, stripe: &StripeFake, account: &str) {
    let client = Client::of(house, served, account);
    let cards = "/v1/account/payment-methods/cards";
    let setup = client.post(cards, &json!({})).json();
    let setup = setup["card_setup"]["id"].as_str().unwrap().to_owned();
    stripe.confirm_setup(&setup, CardScript::succeeds());
    let reply = client.post(&format!("{cards}/{setup}/finish"), &json!({}));
    assert_eq!(reply.status, 503, "{reply:?}");
    assert_eq!(reply.json(), json!({ "error": PUT_OFF }));
}
