//! A world of fourteen months, one seed: the house, its customers, Stripe, PayPal, the
//! bank, the mail server and the platform, day after day.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Datelike as _, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use quittance::chance::Chance;
use quittance::clock::Clock;
use quittance::config::Config;
use quittance::engine::import::{BadRow, BadRows, Import, ImportProgress, OnBadRows};
use quittance::engine::providers::Providers;
use quittance::engine::run::Engine;
use quittance::engine::schedule::Job;
use quittance::pace::Pace;
use quittance::providers::http::Way;
use quittance::store::{IfMissing, Store};
use serde_json::Value;
use tempfile::TempDir;

use crate::auditor::facts::Facts;
use crate::auditor::{Auditor, Day, Others, Violation};
use crate::bank::Bank;
use crate::cardholders::{self, happens_at_stripe};
use crate::desk::Courier;
use crate::dice::{Dice, Drawn};
use crate::fakes::paypal::{CLIENT_ID, CLIENT_SECRET, PayPalFake, SentEvent};
use crate::fakes::stripe::{SECRET_KEY, StripeFake};
use crate::hands::{Left, Today};
use crate::line::Line;
use crate::log::Log;
use crate::people::{Customer, Given};
use crate::platform::Asked;
use crate::post::{self, Post};
use crate::profile::Profile;
use crate::purchases::{self, happens_at_paypal};
use crate::table::Table;

pub const WEBHOOK_SECRET: &str = "whsec_played";
/// In which nothing is in trouble any more, and nobody does anything.
const QUIET_DAYS: u64 = 4;

fn first_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 1, 1).unwrap()
}

/// An event of Stripe's or PayPal's.
#[derive(Clone)]
pub enum Event {
    Stripe(Value),
    PayPal(SentEvent),
}

/// An event that its provider has not got through with.
#[derive(Clone)]
pub struct Undelivered {
    pub id: String,
    pub event: Event,
    pub from: NaiveDate,
}

pub struct World {
    pub folder: TempDir,
    pub profile: Profile,
    store: Store,
    config: Config,
    chance: Chance,
    pub stripe: Arc<StripeFake>,
    pub paypal: Arc<PayPalFake>,
    /// Orders that a customer was sent to.
    orders: BTreeSet<String>,
    pub bank: Bank,
    courier: Courier,
    post: Option<Post>,
    line: Arc<Line>,
    table: Arc<Table>,
    pub log: Arc<Log>,
    pub auditor: Auditor,
    pub customers: Vec<Customer>,
    pub events: Vec<Undelivered>,
    pub dice: Dice,
    turns: Dice,
    at_paypal: Dice,
    pub at_platform: Dice,
    pub usage_no: u64,
}

pub struct NoBadRow;

impl BadRows for NoBadRow {
    fn bad(&mut self, row: &BadRow) -> std::io::Result<()> {
        panic!("{row:?}")
    }
}

struct Silent;

impl ImportProgress for Silent {
    fn read(&self, _bytes: u64, _rows: u64) {}
}

pub fn import<'a>(path: &'a Path, bad_rows: &'a mut NoBadRow) -> Import<'a> {
    Import {
        path,
        on_bad_rows: OnBadRows::RefuseFile,
        bad_rows,
        progress: Arc::new(Silent),
    }
}

/// Where a seed's database is: nothing of it has to outlive the machine.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        tempfile::tempdir_in(memory).unwrap()
    } else {
        tempfile::tempdir().unwrap()
    }
}

impl World {
    pub async fn open(seed: u64) -> Self {
        let mut dice = Dice::new(seed, "world");
        let profile = Profile::draw(&mut dice);
        let log = Arc::new(Log::default());
        log.say(format!("{profile:?}"));
        let folder = folder();
        std::fs::write(folder.path().join("key"), SECRET_KEY).unwrap();
        std::fs::write(folder.path().join("webhook"), WEBHOOK_SECRET).unwrap();
        std::fs::write(folder.path().join("paypal-id"), CLIENT_ID).unwrap();
        std::fs::write(folder.path().join("paypal-secret"), CLIENT_SECRET).unwrap();
        std::fs::write(folder.path().join("vault"), "11".repeat(32)).unwrap();
        let mut settings = profile.settings(folder.path());
        let post = profile.delivers.then(|| Post::open(profile.post_permille));
        settings.push_str(&post::settings(folder.path(), post.as_ref()));
        let config = Config::parse(&settings, "played").unwrap();
        let table = Arc::new(Table::default());
        let stripe = Arc::new(StripeFake::in_process());
        let paypal = Arc::new(PayPalFake::in_process());
        let line = Arc::new(Line {
            stripe: stripe.clone(),
            paypal: paypal.clone(),
            table: table.clone(),
            log: log.clone(),
            dice: Mutex::new(Dice::new(seed, "line")),
            trouble_permille: AtomicUsize::new(profile.trouble_permille),
        });
        let file = folder.path().join("q.sqlite");
        let store = Store::open(&format!("sqlite:{}", file.display()), IfMissing::Create)
            .await
            .unwrap()
            .at_pace(Pace::InTurns(table.clone()));
        let facts = Facts::of(&file).await.unwrap();
        let mut world = Self {
            auditor: Auditor::new(facts, profile.terms.clone()),
            chance: Chance::Drawn(Arc::new(Drawn(Mutex::new(Dice::new(seed, "engine"))))),
            turns: Dice::new(seed, "turns"),
            at_paypal: Dice::new(seed, "paypal"),
            at_platform: Dice::new(seed, "platform"),
            customers: Vec::new(),
            events: Vec::new(),
            usage_no: 0,
            bank: Bank::new(profile.bank, Dice::new(seed, "bank")),
            courier: Courier::default(),
            post,
            folder,
            profile,
            store,
            config,
            stripe,
            paypal,
            orders: BTreeSet::new(),
            line,
            table,
            log,
            dice,
        };
        world.furnish().await;
        world
    }

    /// A process of the house, at a time.
    pub fn engine(&self, now: DateTime<Utc>) -> Engine {
        let mut engine = Engine::new(self.store.clone(), self.config.clone(), Clock::Fixed(now));
        engine.chance = self.chance.clone();
        engine.providers = Providers::reached_by(Way::Carried(self.line.clone()));
        engine
    }

    async fn furnish(&mut self) {
        let now = first_day().and_time(NaiveTime::MIN).and_utc();
        let engine = self.engine(now);
        let mut accounts =
            "id,username,email,full_name,company,country,address_line1,postal_code,city,\
                            vat_number,currency,created_at\n"
                .to_owned();
        for no in 1..=self.profile.accounts {
            accounts.push_str(&format!(
                "acc-{no},u{no},acc-{no}@example.com,User {no},,FR,1 rue du Pont,67000,Strasbourg,,EUR,\
                 2025-01-05T10:00:00Z\n"
            ));
        }
        let catalog = self.file("catalog.csv", include_str!("../../fixtures/catalog.csv"));
        engine
            .import_catalog(import(&catalog, &mut NoBadRow))
            .await
            .unwrap();
        let accounts = self.file("accounts.csv", &accounts);
        engine
            .import_accounts(import(&accounts, &mut NoBadRow))
            .await
            .unwrap();
        for (account, external_id) in self.auditor.facts.accounts().await.unwrap() {
            let customer = Customer::draw(
                account,
                external_id,
                self.profile.debtor_permille,
                &mut self.dice,
            );
            self.log.say(format!(
                "{} is {account}: {:?}",
                customer.external_id, customer.kind
            ));
            self.customers.push(customer);
        }
    }

    pub fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// All days, to the first that is not as it should be.
    pub async fn live(&mut self) -> Result<(), Violation> {
        let days = self.profile.days;
        for on in first_day().iter_days().take(usize::try_from(days).unwrap()) {
            self.day(on, false).await?;
        }
        let end = first_day() + Days::new(days);
        self.line.trouble_permille.store(0, Ordering::SeqCst);
        for on in end.iter_days().take(usize::try_from(QUIET_DAYS).unwrap()) {
            self.day(on, true).await?;
        }
        self.auditor.verify(&self.store).await?;
        let others = Others {
            stripe: &self.stripe,
            paypal: &self.paypal,
            bank: &self.bank,
            delivers: self.profile.delivers,
        };
        self.auditor.close(others).await
    }

    async fn day(&mut self, on: NaiveDate, is_quiet: bool) -> Result<(), Violation> {
        let minutes = i64::try_from(self.dice.between(7 * 60, 18 * 60)).unwrap();
        let midnight = on.and_time(NaiveTime::MIN).and_utc();
        let now = midnight + TimeDelta::minutes(minutes);
        self.log.say(format!("== {now}"));
        self.stripe.set_now(now.timestamp());
        if is_quiet {
            cardholders::bring_to_rest(&self.stripe);
            purchases::bring_to_rest(&self.paypal);
        } else {
            let often = self.profile.customer_permille;
            happens_at_stripe(&self.stripe, &mut self.dice, &self.log, often);
            let at_paypal = &mut self.at_paypal;
            happens_at_paypal(&self.paypal, &self.orders, at_paypal, &self.log, often);
        }
        self.take_events(on, is_quiet);
        self.bank.pass(on, is_quiet);
        let mut untold = self.untold();
        let asked = if self.auditor.is_anyone_leaving() {
            self.auditor.facts.steps_asked().await.unwrap()
        } else {
            Vec::new()
        };
        let unwarned = self.auditor.facts.unwarned().await.unwrap();
        self.play(Today { now, on, is_quiet }, asked).await;
        // What happened within the day is told from tomorrow on.
        self.take_events(on, is_quiet);
        untold.extend(self.untold());
        self.deliver(now, is_quiet).await?;
        let day = Day {
            on,
            from_us: midnight.timestamp_micros(),
            untold,
            unwarned,
        };
        let others = Others {
            stripe: &self.stripe,
            paypal: &self.paypal,
            bank: &self.bank,
            delivers: self.profile.delivers,
        };
        self.auditor.audit(&day, others).await?;
        if on.day() == 28 {
            self.auditor.verify(&self.store).await?;
        }
        Ok(())
    }

    /// What was told goes out: to servers in trouble, or it is marked as if it had.
    async fn deliver(&mut self, now: DateTime<Utc>, is_quiet: bool) -> Result<(), Violation> {
        let Some(post) = &self.post else {
            let is_down = !is_quiet && self.dice.permille(self.profile.mail_down_permille);
            if !is_down {
                self.auditor.facts.deliver("mail").await.unwrap();
            }
            self.auditor.facts.deliver("platform").await.unwrap();
            return Ok(());
        };
        post.draw(&self.customers, &mut self.dice, is_quiet);
        // Later than what the other host's clock wrote.
        let now = now + TimeDelta::minutes(30);
        let report = self.engine(now).do_job(Job::Deliver).await;
        let came = post.came();
        for line in report.did.iter().chain(&report.problems) {
            self.log.say(format!("post: {line}"));
        }
        self.log.say(format!("post: {came:?}"));
        self.auditor.check_came(&came)
    }

    /// What Stripe and PayPal tell from now on: some of it late, twice, in another
    /// order, and some of PayPal's never.
    fn take_events(&mut self, on: NaiveDate, is_quiet: bool) {
        for event in self.stripe.take_events() {
            let id = event["id"].as_str().unwrap().to_owned();
            self.take_event(id, Event::Stripe(event), on, is_quiet);
        }
        for event in self.paypal.take_events() {
            // Of a dispute that nobody told of, nobody can ask.
            let is_asked_for = !event.kind.starts_with("CUSTOMER.DISPUTE");
            if self.dice.permille(self.profile.lost_event_permille) && is_asked_for {
                continue;
            }
            let body: Value = serde_json::from_slice(&event.body).unwrap();
            let id = body["id"].as_str().unwrap().to_owned();
            self.take_event(id, Event::PayPal(event), on, is_quiet);
        }
    }

    fn take_event(&mut self, id: String, event: Event, on: NaiveDate, is_quiet: bool) {
        let is_late = !is_quiet && self.dice.permille(self.profile.late_event_permille);
        let days = if is_late { self.dice.between(1, 5) } else { 0 };
        let from = on + Days::new(u64::try_from(days).unwrap());
        let undelivered = Undelivered { id, event, from };
        if is_late && self.dice.permille(200) {
            let first = undelivered.clone();
            self.events.push(Undelivered { from: on, ..first });
        }
        self.events.push(undelivered);
    }

    /// Invoices of whose payments something is not told yet.
    fn untold(&self) -> HashSet<String> {
        let numbers = self.events.iter().filter_map(|undelivered| {
            // What is bought at PayPal pays nothing but credit.
            let Event::Stripe(event) = &undelivered.event else {
                return None;
            };
            let object = &event["data"]["object"];
            let of = match object["payment_intent"].as_str() {
                Some(intent) => self.stripe.object(intent)["description"].clone(),
                None => object["description"].clone(),
            };
            of.as_str().map(str::to_owned)
        });
        numbers.chain(self.bank.untold()).collect()
    }

    /// Everybody does what they do on that day, one move at a time.
    async fn play(&mut self, today: Today, asked: Vec<Asked>) {
        let left = Left::default();
        let hands = self.hands(today, asked, &left);
        let crash = if today.is_quiet {
            0
        } else {
            self.profile.crash_permille
        };
        let crashed = self.table.play(hands, &mut self.turns, crash).await;
        for name in crashed {
            self.log.say(format!("crashed: {name}"));
        }
        for given in left.given.take() {
            match given {
                Given::Card(account) => self.auditor.card_entered(account),
                Given::Mandate(account) => self.auditor.mandate_signed(account),
                Given::Order(order) => {
                    self.orders.insert(order);
                }
            }
        }
        self.bank.read(&left.read.take());
        // Only the first that is told twice.
        let mut told = left.told.take();
        self.events
            .retain(|undelivered| !told.remove(&undelivered.id));
        let engine = self.engine(today.now);
        let courier = &mut self.courier;
        let folder = self.folder.path();
        for batch in courier.go(&engine, &mut self.bank, folder, today.on).await {
            self.log.say(format!("bank: received {batch}"));
        }
    }
}
