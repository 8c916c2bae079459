//! A customer leaves who pays by card: it is taken off at Stripe with the account, and
//! so is one that is entered meanwhile.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::leaving::Leaver;
use crate::cards::events::{Listening, events};
use crate::fakes::smtp::Received;
use crate::fakes::stripe::{CardScript, SECRET_KEY, StripeFake};
use crate::on_both;
use crate::support::House;

on_both!(
    its_card_pays_the_final_invoice_and_is_taken_off,
    a_card_entered_meanwhile_is_taken_off_again,
    a_card_that_cannot_be_taken_off_keeps_the_account,
    a_card_that_stripe_does_not_know_keeps_nobody,
);

/// acc-2 leaves, and has a card that pays.
pub struct Cardholder<'a> {
    pub leaver: Leaver<'a>,
    pub stripe: StripeFake,
}

impl<'a> Cardholder<'a> {
    pub fn open(house: &'a House) -> Self {
        let stripe = StripeFake::start();
        house.set_env("STRIPE_KEY", SECRET_KEY);
        house.set_env("STRIPE_WEBHOOK", crate::cards::WEBHOOK_SECRET);
        let section = format!(
            "[stripe]\nsecret_key = \"env:STRIPE_KEY\"\nwebhook_secret = \"env:STRIPE_WEBHOOK\"\n\
             api_url = \"{}\"\nrequests_per_second = 0\nfirst_pause_milliseconds = 1\ntries = 1\n",
            stripe.url()
        );
        let leaver = Leaver::with(house, &section);
        let holder = Self { leaver, stripe };
        holder.enter_card();
        holder
    }

    /// A card is on file: what was said of it.
    #[track_caller]
    fn enter_card(&self) {
        let house = self.leaver.house;
        let setup = house.run(&["method", "add-card", "acc-2", "--json"]).json();
        let intent = setup["setup_intent"].as_str().unwrap();
        self.stripe.confirm_setup(intent, CardScript::succeeds());
        house.run(&["method", "finish-card", intent]);
    }

    /// The cards that Stripe keeps with a customer of ours.
    pub fn kept_at_stripe(&self) -> usize {
        let objects = self.stripe.objects();
        let is_kept =
            |object: &&Value| object["object"] == "payment_method" && !object["customer"].is_null();
        objects.iter().filter(is_kept).count()
    }

    /// It left exactly once: one final invoice, one charge, each order and each mail
    /// under a name of its own, and nothing at Stripe that is forbidden.
    #[track_caller]
    pub fn left_once(&self) {
        let leaver = &self.leaver;
        let invoices = leaver.house.invoices("2026-11");
        assert_eq!(invoices.len(), 1);
        let total = invoices[0]["total_minor"].as_i64().unwrap();
        assert!(total > 0);
        assert_eq!(self.stripe.charged_in_all(), total);
        assert_eq!(leaver.count("SELECT COUNT(*) FROM open_invoice"), 0);
        let came = leaver.platform.came();
        let mut names = HashSet::new();
        let orders = came
            .iter()
            .filter(|order| names.insert(order.id.clone()))
            .map(|order| {
                let json = order.json();
                let step = json["data"]["step"].as_str().unwrap_or("suspend");
                step.to_owned()
            });
        let orders: Vec<String> = orders.collect();
        let expected = [&["suspend"][..], &super::leaving::STEPS[..]].concat();
        assert_eq!(orders, expected);
        assert_eq!(self.last_mails(), 1);
        assert_eq!(leaver.standing()["state"], "done");
        assert_eq!(self.kept_at_stripe(), 0);
        assert_eq!(leaver.count("SELECT COUNT(*) FROM payment_card"), 0);
        leaver.house.run(&["verify"]);
        self.stripe.assert_contract_kept();
    }

    /// How many mails came, whatever their name, that tell of the end.
    fn last_mails(&self) -> usize {
        let mails = self.leaver.smtp.received();
        let is_last = |mail: &&Received| mail.header("Subject").ends_with("is deleted");
        mails.iter().filter(is_last).count()
    }
}

fn its_card_pays_the_final_invoice_and_is_taken_off(house: &House) {
    let holder = Cardholder::open(house);
    let leaver = &holder.leaver;
    let confirmed = leaver.leave(&[]).stdout;
    assert!(
        confirmed.contains("the final invoice is Q-2026-000002"),
        "{confirmed}"
    );
    assert_eq!(leaver.standing()["state"], "erasing");
    assert_eq!(holder.kept_at_stripe(), 1);
    leaver.work_off("acc-2", 1);
    leaver.deliver();
    assert_eq!(holder.kept_at_stripe(), 1, "it is erased after the mail");
    assert_eq!(leaver.advance(), ["1 account: erased"]);
    holder.left_once();
}

fn a_card_entered_meanwhile_is_taken_off_again(house: &House) {
    let holder = Cardholder::open(house);
    let (leaver, stripe) = (&holder.leaver, &holder.stripe);
    let begin = || {
        let setup = house.run(&["method", "add-card", "acc-2", "--json"]).json();
        setup["setup_intent"].as_str().unwrap().to_owned()
    };
    // Two pages are open when the erasing begins.
    let (first, second) = (begin(), begin());
    leaver.leave(&[]);
    assert_eq!(leaver.standing()["state"], "erasing");
    let refused = house.refuse(&["method", "add-card", "acc-2"]);
    assert!(
        refused.stderr.contains("the account is being deleted"),
        "{refused:?}"
    );

    stripe.confirm_setup(&first, CardScript::succeeds());
    assert_eq!(holder.kept_at_stripe(), 2);
    let finished = house.refuse(&["method", "finish-card", &first]);
    assert!(
        finished.stdout.contains("the card was taken off again"),
        "{finished:?}"
    );
    assert_eq!(holder.kept_at_stripe(), 1);

    // By its event as well, however often that comes.
    stripe.take_events();
    stripe.confirm_setup(&second, CardScript::succeeds());
    let told = stripe.take_events();
    let served = Listening::start(house);
    for _ in 0..2 {
        served.deliver_all(&told);
    }
    drop(served);
    assert_eq!(holder.kept_at_stripe(), 1);
    assert_eq!(json!(events(house)), json!([]));
    assert_eq!(leaver.count("SELECT COUNT(*) FROM payment_card"), 1);

    leaver.work_off("acc-2", 1);
    leaver.deliver();
    assert_eq!(leaver.advance(), ["1 account: erased"]);
    holder.left_once();
}

fn a_card_that_cannot_be_taken_off_keeps_the_account(house: &House) {
    let holder = Cardholder::open(house);
    let leaver = &holder.leaver;
    leaver.leave(&[]);
    leaver.work_off("acc-2", 1);
    leaver.deliver();
    holder
        .stripe
        .read_faults()
        .push(crate::fakes::Fault::ErrorBefore);
    let tick = ["tick", "--job", "deletion"];
    let kept = house.refuse(&tick);
    let said = format!("{}{}", kept.stdout, kept.stderr);
    assert!(
        said.contains("acc-2: its card cannot be taken off at its provider"),
        "{said}"
    );
    assert_eq!(leaver.standing()["state"], "erasing");
    assert_eq!(leaver.count("SELECT COUNT(*) FROM payment_card"), 1);
    assert_eq!(leaver.advance(), ["1 account: erased"]);
    holder.left_once();
}

fn a_card_that_stripe_does_not_know_keeps_nobody(house: &House) {
    let holder = Cardholder::open(house);
    let leaver = &holder.leaver;
    leaver.leave(&[]);
    leaver.work_off("acc-2", 1);
    leaver.deliver();
    house.edit("UPDATE payment_card SET reference = 'pm_of_nobody'");
    assert_eq!(leaver.advance(), ["1 account: erased"]);
    assert_eq!(leaver.count("SELECT COUNT(*) FROM payment_card"), 0);
    house.run(&["verify"]);
}
