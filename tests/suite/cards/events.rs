//! What the provider tells by itself, over HTTP, twice, late and out of order.

use serde_json::{Value, json};

use super::{Shop, WEBHOOK_SECRET, bill_one, bill_three, charged, left_out};
use crate::collect::totals;
use crate::fakes::Fault;
use crate::fakes::stripe::{CardScript, NOW_S, StripeFake};
use crate::on_both;
use crate::support::{House, Served};

on_both!(
    a_card_that_was_entered_pays_by_its_event_alone,
    an_event_finishes_what_had_no_answer,
    events_twice_and_backwards_change_nothing,
    what_is_read_before_a_cancel_is_no_news_after_it,
    a_chargeback_reopens_the_debt_and_a_won_one_closes_it,
    what_is_not_the_providers_is_refused,
    what_nobody_knows_waits_for_a_person,
);

/// The binary, as Stripe sees it.
pub struct Listening(Served);

impl Listening {
    pub fn start(house: &House) -> Self {
        Self(Served::start(house))
    }

    /// Delivers a body; the status of the answer.
    fn post(&self, body: &[u8], signature: &str) -> u16 {
        let request = self
            .0
            .request("POST", "/webhooks/stripe")
            .header("stripe-signature", signature)
            .body(body.to_vec());
        self.0.send(request).status
    }

    fn deliver(&self, event: &Value) -> u16 {
        let body = serde_json::to_vec(event).unwrap();
        let signature = StripeFake::sign(&body, WEBHOOK_SECRET, self.0.now_s());
        self.post(&body, &signature)
    }

    #[track_caller]
    pub fn deliver_all(&self, events: &[Value]) {
        for event in events {
            assert_eq!(self.deliver(event), 200, "{event}");
        }
    }
}

/// The events that are not done with.
pub fn events(house: &House) -> Vec<Value> {
    let events = house.run(&["event", "list", "--json"]).json();
    events.as_array().unwrap().clone()
}

fn a_card_that_was_entered_pays_by_its_event_alone(house: &House) {
    bill_three(house);
    let shop = Shop::open(house);
    let total: i64 = totals(house).iter().sum();
    let setup = house.run(&["method", "add-card", "acc-2", "--json"]).json();
    let intent = setup["setup_intent"].as_str().unwrap();
    shop.stripe.confirm_setup(intent, CardScript::succeeds());
    let served = Listening::start(house);
    let told = shop.stripe.take_events();
    assert!(
        told.iter()
            .any(|event| event["type"] == "setup_intent.succeeded")
    );
    for _ in 0..3 {
        served.deliver_all(&told);
    }
    assert_eq!(shop.stripe.charged_in_all(), total);
    assert_eq!(shop.open_minor(), 0);
    assert_eq!(house.watch().count("SELECT COUNT(*) FROM payment_card"), 1);
    assert!(events(house).is_empty());
    shop.check();
}

fn an_event_finishes_what_had_no_answer(house: &House) {
    let shop = Shop::impatient(house, 60);
    house.import_catalog();
    house.import_accounts(crate::support::THREE_ACCOUNTS);
    shop.add_card("acc-2", CardScript::succeeds());
    let total = bill_one(house);
    shop.stripe.faults().push(Fault::BrokenOffAfter);
    assert_eq!(charged(&shop.collect(&[])), ["card unknown 1"]);
    // We never heard what Stripe calls it: its metadata names the attempt.
    let served = Listening::start(house);
    served.deliver_all(&shop.stripe.take_events());
    assert_eq!(shop.open_minor(), 0);
    assert_eq!(shop.stripe.charged_in_all(), total);
    assert_eq!(shop.payments()[0]["state"], "succeeded");
    shop.check();
}

fn events_twice_and_backwards_change_nothing(house: &House) {
    let shop = Shop::open(house);
    let total = bill_one(house);
    shop.add_card("acc-2", CardScript::needs_authentication());
    let waiting = shop.payments()[0]["provider_reference"]
        .as_str()
        .unwrap()
        .to_owned();
    shop.stripe.authenticate(&waiting);
    let served = Listening::start(house);
    let mut told = shop.stripe.take_events();
    assert!(told.len() >= 2, "{told:?}");
    told.reverse();
    served.deliver_all(&told);
    told.reverse();
    served.deliver_all(&told);
    assert_eq!(shop.stripe.charged_in_all(), total);
    assert_eq!(shop.open_minor(), 0);
    let entries = house
        .watch()
        .count("SELECT COUNT(*) FROM ledger_entry WHERE movement = 'card_captured'");
    assert_eq!(entries, 1);
    let notices = house
        .watch()
        .count("SELECT COUNT(*) FROM outbox WHERE topic = 'payment_succeeded'");
    assert_eq!(notices, 1);
    assert!(events(house).is_empty());
    shop.check();
}

fn a_chargeback_reopens_the_debt_and_a_won_one_closes_it(house: &House) {
    let shop = Shop::open(house);
    house.import_catalog();
    house.import_accounts(crate::support::THREE_ACCOUNTS);
    shop.add_card("acc-2", CardScript::succeeds());
    let total = bill_one(house);
    shop.collect(&[]);
    let payment = shop.payments()[0].clone();
    let intent = payment["provider_reference"].as_str().unwrap();
    let served = Listening::start(house);
    let dispute = shop.stripe.open_dispute(intent, total, 1_500);
    let opened = shop.stripe.take_events();
    served.deliver_all(&opened);
    served.deliver_all(&opened);
    assert_eq!(shop.open_minor(), total);
    // The card is not charged again.
    let later = shop.collect(&["--account", "acc-2"]);
    assert_eq!(left_out(&later["plan"]), ["hard_decline 1"], "{later}");
    let id = payment["id"].as_str().unwrap();
    let shown = house.run(&["payment", "show", id, "--json"]).json();
    assert_eq!(shown["state"], "returned", "{shown}");
    assert_eq!(shown["decline"]["code"], "chargeback", "{shown}");
    let fee = json!(["provider_fees", 1_500]);
    let booked = shown["postings"].as_array().unwrap();
    assert!(
        booked
            .iter()
            .any(|posting| json!([posting["ledger_account"], posting["amount_minor"]]) == fee),
        "{shown}"
    );
    shop.stripe.close_dispute(&dispute, true);
    let closed = shop.stripe.take_events();
    served.deliver_all(&closed);
    served.deliver_all(&opened);
    served.deliver_all(&closed);
    assert_eq!(shop.open_minor(), 0);
    assert_eq!(shop.payments()[0]["state"], "succeeded");
    shop.check();
}

/// Found by the simulation: the event's answer was on its way when a person's credit
/// canceled what it is about.
fn what_is_read_before_a_cancel_is_no_news_after_it(house: &House) {
    let shop = Shop::with(house, "tries = 2", "");
    let total = bill_one(house);
    shop.add_card("acc-2", CardScript::needs_authentication());
    let failed = |event: &Value| event["type"] == "payment_intent.payment_failed";
    let events: Vec<Value> = shop
        .stripe
        .take_events()
        .into_iter()
        .filter(failed)
        .collect();
    assert_eq!(events.len(), 1);
    let amount = crate::collect::major(total);
    shop.stripe.run_during_read(house.command(&[
        "credit",
        "grant",
        "acc-2",
        &amount,
        "--reason",
        "paid by transfer",
        "--by",
        "ada",
    ]));
    Listening::start(house).deliver_all(&events);
    assert_eq!(shop.open_minor(), 0);
    let waiting = house.run(&["event", "list", "--json"]).json();
    assert_eq!(waiting, json!([]));
    shop.check();
}

fn what_is_not_the_providers_is_refused(house: &House) {
    let shop = Shop::open(house);
    house.import_catalog();
    let served = Listening::start(house);
    let event = json!({
        "id": "evt_1", "object": "event", "type": "payment_intent.succeeded", "livemode": false,
        "data": {"object": {"id": "pi_1", "object": "payment_intent"}}
    });
    let body = serde_json::to_vec(&event).unwrap();
    let right = StripeFake::sign(&body, WEBHOOK_SECRET, NOW_S);
    // (body, signature)
    let other = StripeFake::sign(&body, "whsec_other", NOW_S);
    let old = StripeFake::sign(&body, WEBHOOK_SECRET, NOW_S - 301);
    let no_json = StripeFake::sign(b"{", WEBHOOK_SECRET, NOW_S);
    let wrong: [(&[u8], &str); 6] = [
        (&body, ""),
        (&body, "t=1,v1=00"),
        (&body, &other),
        (&body, &old),
        (b"{\"id\": \"evt_2\"}", &right),
        (b"{", &no_json),
    ];
    for (body, signature) in wrong {
        assert_eq!(served.post(body, signature), 400, "{signature}");
    }
    assert_eq!(
        house.watch().count("SELECT COUNT(*) FROM provider_event"),
        0
    );
    // More than any event is.
    assert_eq!(served.post(&vec![b' '; 600 << 10], &right), 413);
    shop.check();
}

fn what_nobody_knows_waits_for_a_person(house: &House) {
    let shop = Shop::open(house);
    house.import_catalog();
    house.import_accounts(crate::support::THREE_ACCOUNTS);
    let served = Listening::start(house);
    let of = |id: &str, kind: &str, object: &str| {
        json!({
            "id": id, "object": "event", "type": kind, "livemode": false,
            "data": {"object": {"id": object, "object": kind.split('.').next().unwrap()}}
        })
    };
    // It is about nothing that is kept here.
    assert_eq!(
        served.deliver(&of("evt_1", "customer.updated", "cus_9")),
        200
    );
    assert!(events(house).is_empty());
    assert_eq!(
        served.deliver(&of("evt_2", "payment_intent.succeeded", "pi_9")),
        200
    );
    let open = events(house);
    assert_eq!(open.len(), 1, "{open:?}");
    assert_eq!(open[0]["id"], "evt_2");
    assert!(!open[0]["problem"].as_str().unwrap().is_empty());
    let args = [
        "event",
        "close",
        "evt_2",
        "--by",
        "ada",
        "--reason",
        "a test payment",
    ];
    house.run(&args);
    assert!(events(house).is_empty());
    let again = house.refuse(&args);
    assert!(
        again.stderr.contains("there is no open event \"evt_2\""),
        "{again:?}"
    );
    shop.check();
}
