//! A payment that its process takes back, for it did not get it sent, while another
//! process reconciles it. Found by the simulation.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use quittance::clock::Clock;
use quittance::config::Config;
use quittance::domain::ids::{AccountId, AttemptId};
use quittance::engine::run::Engine;
use quittance::pace::{Pace, Turns};
use quittance::store::{IfMissing, Store};

use super::{Shop, bill_one, charged};
use crate::fakes::Fault;
use crate::fakes::stripe::{CardScript, SECRET_KEY};
use crate::on_both;
use crate::support::{House, NOW};

on_both!(what_is_taken_back_is_not_asked_for);

/// Takes a payment back before a turn of whoever reconciles.
struct TakesBack {
    before_turn: usize,
    turns: AtomicUsize,
    engine: Engine,
    payment: AttemptId,
}

impl Turns for TakesBack {
    fn turn(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async {
            if self.turns.fetch_add(1, Ordering::SeqCst) + 1 == self.before_turn {
                let taken = self.engine.withdraw_attempt(AccountId(2), self.payment);
                taken.await.unwrap();
            }
        })
    }
}

fn what_is_taken_back_is_not_asked_for(house: &House) {
    let shop = Shop::impatient(house, 60);
    house.import_catalog();
    house.import_accounts(crate::support::THREE_ACCOUNTS);
    shop.add_card("acc-2", CardScript::succeeds());
    let total = bill_one(house);
    // Committed, and not sent yet.
    shop.stripe.faults().push(Fault::ErrorBefore);
    assert_eq!(charged(&shop.collect(&[])), ["card unknown 1"]);
    house.edit("UPDATE payment_attempt SET state = 'created'");
    let payment = shop.payments()[0]["id"].as_str().unwrap().parse();
    let asked = shop.stripe.requests("POST /v1/payment_intents");
    let key = house.file("key", SECRET_KEY);
    let settings = std::fs::read_to_string(house.path("quittance.toml")).unwrap();
    let settings = settings.replace("env:STRIPE_KEY", &format!("file:{}", key.display()));
    let config = Config::parse(&settings, "played").unwrap();
    let clock = Clock::Fixed(NOW.parse().unwrap());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = Store::open(house.url(), IfMissing::Refuse).await.unwrap();
        let turns = Arc::new(TakesBack {
            // After the list of what is out and its card, before it is marked as sent.
            before_turn: 3,
            turns: AtomicUsize::new(0),
            engine: Engine::new(store.clone(), config.clone(), clock),
            payment: payment.unwrap(),
        });
        let paced = store.clone().at_pace(Pace::InTurns(turns.clone()));
        let reconciled = Engine::new(paced, config, clock).reconcile_cards().await;
        assert_eq!(reconciled.unwrap().problems, []);
        assert!(turns.turns.load(Ordering::SeqCst) > 3);
        store.close().await;
    });
    assert_eq!(shop.stripe.requests("POST /v1/payment_intents"), asked);
    // It is charged once, by the next round.
    assert_eq!(charged(&shop.collect(&[])), ["card paid 1"]);
    assert_eq!(shop.stripe.charged_in_all(), total);
    shop.check();
}
