//! The life of an account that does not pay or leaves, as dated stories.

mod asks_to_leave;
mod by_itself;
mod decisions;
mod erased;
mod erasing;
mod kept_back;
mod killed;
pub mod leaving;
mod leaving_with_a_card;
mod nobody_pays;
mod off_for_days;
mod others;
mod pays_late;
mod platform_confirms;
mod two_rounds;
mod two_services;

use chrono::{NaiveDate, NaiveTime};
use quittance::clock::Clock;
use quittance::config::Config;
use quittance::engine::run::Engine;
use quittance::store::{IfMissing, Store};
use serde_json::Value;

use crate::collect::major;
use crate::support::{House, THREE_ACCOUNTS};

const NINE: NaiveTime = NaiveTime::from_hms_opt(9, 0, 0).unwrap();

/// A house with one invoice of acc-2, for October, due on 2 November.
pub struct Diary<'a> {
    house: &'a House,
    total_minor: i64,
}

impl<'a> Diary<'a> {
    pub fn open(house: &'a House) -> Self {
        house.import_catalog();
        house.import_accounts(THREE_ACCOUNTS);
        house.import_usage(
            "u1,acc-2,blog,container,web,S,1,2026-10-10T00:00:00Z,2026-10-20T00:00:00Z\n",
        );
        house.run(&["run", "2026-10"]);
        let total_minor = house.invoices("2026-10")[0]["total_minor"].as_i64();
        Self {
            house,
            total_minor: total_minor.unwrap(),
        }
    }

    /// It is this day, at nine.
    fn on(&self, day: &str) {
        self.house.set_now(&format!("{day}T09:00:00Z"));
    }

    /// The steps that a round takes on a day, with how many accounts took each. Its
    /// mails are sent.
    #[track_caller]
    fn round_on(&self, day: &str) -> Vec<String> {
        self.on(day);
        let steps = round(self.house);
        self.send_mails();
        steps
    }

    /// Runs a round every day, from the first to the last, within this process; the
    /// days with a step.
    #[track_caller]
    pub fn rounds(&self, first: &str, last: &str) -> Vec<String> {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let mut steps = Vec::new();
        let mut engine = runtime.block_on(engine_of(self.house));
        for today in day(first)
            .iter_days()
            .take_while(|today| *today <= day(last))
        {
            engine.clock = Clock::Fixed(today.and_time(NINE).and_utc());
            let tally = runtime.block_on(engine.dunning_round()).unwrap();
            assert_eq!(tally.problems, []);
            if tally.steps() > 0 {
                self.send_mails();
            }
            let taken = tally.taken.iter();
            steps.extend(
                taken.map(|(step, accounts)| format!("{today} {} {accounts}", step.code())),
            );
        }
        runtime.block_on(engine.store.close());
        self.on(last);
        steps
    }

    /// Whatever waits to be mailed is.
    fn send_mails(&self) {
        if self.count("SELECT COUNT(*) FROM outbox WHERE channel = 'mail' AND state = 'waiting'")
            > 0
        {
            self.house.edit(
                "UPDATE outbox SET state = 'delivered', ended_at = created_at \
                 WHERE channel = 'mail' AND state = 'waiting'",
            );
        }
    }

    fn count(&self, query: &'static str) -> i64 {
        self.house.watch().count(query)
    }

    /// What acc-2 was told through a channel, in order.
    fn told(&self, channel: &str) -> Vec<(String, Value)> {
        let query = match channel {
            "mail" => {
                "SELECT topic || ' ' || payload FROM outbox WHERE channel = 'mail' ORDER BY created_at, key"
            }
            _ => {
                "SELECT topic || ' ' || payload FROM outbox WHERE channel = 'platform' ORDER BY created_at, key"
            }
        };
        let told = self.house.watch().texts(query);
        told.iter()
            .map(|line| {
                let (topic, payload) = line.split_once(' ').unwrap();
                (topic.to_owned(), serde_json::from_str(payload).unwrap())
            })
            .collect()
    }

    fn topics(&self, channel: &str) -> Vec<String> {
        let told = self.told(channel);
        told.into_iter().map(|(topic, _)| topic).collect()
    }

    /// The one debtor, as `dunning list` shows it.
    #[track_caller]
    fn debtor(&self) -> Value {
        let list = self.house.run(&["dunning", "list", "--json"]).json();
        assert_eq!(list.as_array().unwrap().len(), 1, "{list}");
        list[0].clone()
    }

    fn grant(&self, minor: i64) {
        let amount = major(minor);
        self.house.run(&[
            "credit",
            "grant",
            "acc-2",
            &amount,
            "--reason",
            "paid by transfer",
            "--by",
            "ada",
        ]);
    }
}

/// The steps that a round takes now.
#[track_caller]
fn round(house: &House) -> Vec<String> {
    let done = house.run(&["dunning", "round", "--json"]).json();
    assert_eq!(done["problems"], serde_json::json!([]), "{done}");
    let steps = done["steps"].as_array().unwrap();
    steps
        .iter()
        .map(|step| format!("{} {}", step["step"].as_str().unwrap(), step["accounts"]))
        .collect()
}

/// The house within this process; its clock is set by whoever uses it.
async fn engine_of(house: &House) -> Engine {
    let store = Store::open(house.url(), IfMissing::Refuse).await.unwrap();
    let settings = house.path("quittance.toml");
    let config = Config::load(Some(settings.as_path()).filter(|path| path.exists())).unwrap();
    Engine::new(store, config, Clock::System)
}
