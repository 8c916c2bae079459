//! A card is about to expire: its customer is told once, while there is time.

use serde_json::{Value, json};

use super::events::Listening;
use super::{Shop, bill_three, charged};
use crate::fakes::smtp::SmtpFake;
use crate::fakes::stripe::{CardScript, Outcome, StripeFake};
use crate::on_both;
use crate::outbox::mail_section;
use crate::support::House;

on_both!(
    a_customer_is_told_once_and_in_time,
    a_card_that_its_bank_renewed_is_not_told_of,
    a_card_that_is_not_charged_is_not_told_of,
    a_provider_that_does_not_answer_is_asked_again,
    an_event_tells_of_a_renewed_card,
);

/// A shop that writes to its customers.
struct Writing<'a> {
    shop: Shop<'a>,
    smtp: SmtpFake,
}

impl<'a> Writing<'a> {
    fn open(house: &'a House) -> Self {
        let smtp = SmtpFake::start();
        let keys = format!("tries = 1\n{}", mail_section(smtp.port(), "none", ""));
        let shop = Shop::with(house, &keys, "");
        bill_three(house);
        Self { shop, smtp }
    }

    /// The card of an account, good until the end of a month.
    fn card(&self, account: &str, year: i64, month: i64) -> String {
        let mut script = CardScript::succeeds();
        script.exp_year = year;
        script.exp_month = month;
        self.shop.add_card(account, script);
        let objects = self.shop.stripe.objects();
        let mut cards = objects
            .iter()
            .filter(|object| object["object"] == "payment_method");
        cards.next_back().unwrap()["id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// What the job says on a day, in words.
    #[track_caller]
    fn on(&self, day: &str) -> Vec<String> {
        let at = format!("{day}T09:30:00Z");
        let reports = self
            .shop
            .house
            .run(&["tick", "--at", &at, "--job", "cards", "--json"]);
        let reports = reports.json();
        assert_eq!(reports[0]["problems"], json!([]), "{reports}");
        let did = reports[0]["did"].as_array().unwrap();
        did.iter()
            .map(|did| did.as_str().unwrap().to_owned())
            .collect()
    }

    /// The subjects of those about a card that expires.
    fn mails(&self) -> Vec<String> {
        self.shop.house.set_now("2027-03-01T08:00:00Z");
        self.shop.house.run(&["outbox", "deliver"]);
        let subjects = self
            .smtp
            .received()
            .into_iter()
            .map(|mail| mail.header("Subject"));
        subjects
            .filter(|subject| subject.contains("expire"))
            .collect()
    }
}

fn renew(stripe: &StripeFake, card: &str, year: i64, month: i64) {
    let mut details: Value = stripe.object(card)["card"].clone();
    details["exp_year"] = year.into();
    details["exp_month"] = month.into();
    stripe.tamper(card, &json!({ "card": details }));
}

fn a_customer_is_told_once_and_in_time(house: &House) {
    let writing = Writing::open(house);
    writing.card("acc-2", 2027, 2);
    assert_eq!(writing.on("2027-01-28"), [""; 0]);
    assert_eq!(writing.on("2027-01-29"), ["1 card about to expire"]);
    assert_eq!(writing.on("2027-01-29"), [""; 0]);
    assert_eq!(writing.on("2027-02-20"), [""; 0]);
    let mails = writing.mails();
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert!(mails[0].contains("February 2027"), "{mails:?}");
    writing.shop.check();
}

fn a_card_that_its_bank_renewed_is_not_told_of(house: &House) {
    let writing = Writing::open(house);
    let card = writing.card("acc-2", 2027, 2);
    renew(&writing.shop.stripe, &card, 2030, 2);
    assert_eq!(writing.on("2027-02-01"), ["1 card renewed by the bank"]);
    let methods = house.run(&["method", "list", "acc-2", "--json"]).json();
    assert_eq!(methods[0]["card"]["expires"], "2030-02", "{methods}");
    assert_eq!(writing.on("2027-02-02"), [""; 0]);
    assert_eq!(writing.mails(), [""; 0]);
}

/// Only the one that would be charged; and one that is over tells nobody.
fn a_card_that_is_not_charged_is_not_told_of(house: &House) {
    let writing = Writing::open(house);
    writing.card("acc-2", 2027, 2);
    writing.card("acc-2", 2030, 8);
    assert_eq!(writing.on("2027-02-01"), [""; 0]);
    let first = house.run(&["method", "list", "acc-2", "--json"]).json()[0]["id"].clone();
    let decided = ["--by", "ada", "--reason", "asked for"];
    let prefer = ["method", "prefer", "acc-2", &first.to_string()];
    house.run(&[&prefer[..], &decided[..]].concat());
    assert_eq!(writing.on("2027-03-01"), [""; 0], "too late");
    assert_eq!(writing.on("2027-02-01"), ["1 card about to expire"]);
    // Before it is told, it is gone.
    house.run(
        &[
            &["method", "remove", "acc-2", &first.to_string()][..],
            &decided[..],
        ]
        .concat(),
    );
    assert_eq!(writing.mails(), [""; 0]);
}

fn a_provider_that_does_not_answer_is_asked_again(house: &House) {
    let writing = Writing::open(house);
    let card = writing.card("acc-2", 2027, 2);
    let stripe = &writing.shop.stripe;
    let kept = stripe.object(&card);
    stripe.tamper(&card, &json!({ "card": null }));
    let at = ["tick", "--at", "2027-02-01T09:30:00Z", "--job", "cards"];
    let answer = house.try_run(&at);
    assert_eq!(answer.code, Some(1), "{answer:?}");
    assert!(answer.stderr.contains("it is no card"), "{answer:?}");
    assert_eq!(writing.mails(), [""; 0]);
    stripe.tamper(&card, &json!({ "card": kept["card"] }));
    assert_eq!(writing.on("2027-02-01"), ["1 card about to expire"]);
}

/// One that was refused for having expired is charged again.
fn an_event_tells_of_a_renewed_card(house: &House) {
    let writing = Writing::open(house);
    let shop = &writing.shop;
    let expired = Outcome::Declines("expired_card".to_owned());
    shop.add_card("acc-2", CardScript::each([expired, Outcome::Succeeds]));
    let methods = || house.run(&["method", "list", "acc-2", "--json"]).json();
    assert_eq!(methods()[0]["state"], "hard_declined", "{}", methods());
    let objects = shop.stripe.objects();
    let card = objects
        .iter()
        .find(|object| object["object"] == "payment_method")
        .unwrap();
    let id = card["id"].as_str().unwrap();
    renew(&shop.stripe, id, 2031, 10);
    let served = Listening::start(house);
    let event = |id: &str, card: &Value| {
        json!({
            "id": id, "object": "event", "api_version": "2026-06-24.dahlia", "created": 1,
            "type": "payment_method.automatically_updated", "livemode": false,
            "data": { "object": card }
        })
    };
    served.deliver_all(&[event("evt_1", card), event("evt_1", card)]);
    let of_others = json!({ "id": "pm_of_others", "object": "payment_method" });
    served.deliver_all(&[event("evt_2", &of_others)]);
    let all = methods();
    assert_eq!(all[0]["card"]["expires"], "2031-10", "{all}");
    assert_eq!(all[0]["state"], "usable", "{all}");
    assert_eq!(house.run(&["event", "list", "--json"]).json(), json!([]));
    let tally = shop.collect_on(3);
    // What it was refused for is the customer's to pay.
    assert_eq!(charged(&tally), ["card paid 2"], "{tally}");
    shop.check();
}
