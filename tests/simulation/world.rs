//! A world of fourteen months, one seed: the house, its customers, Stripe, the mail
//! server and the platform, day after day.

use std::cell::RefCell;
use std::collections::HashSet;
use std::path::Path;
use std::rc::Rc;
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
use crate::auditor::{Auditor, Day, Violation};
use crate::dice::{Dice, Drawn};
use crate::fakes::stripe::{SECRET_KEY, StripeFake};
use crate::line::Line;
use crate::log::Log;
use crate::people::{Customer, Deed, Doer, deeds, happens_at_stripe};
use crate::profile::Profile;
use crate::table::{Hand, Table};

const WEBHOOK_SECRET: &str = "whsec_played";
/// In which nothing is in trouble any more, and nobody does anything.
const QUIET_DAYS: u64 = 4;

fn first_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 1, 1).unwrap()
}

/// An event that Stripe has not got through with.
struct Undelivered {
    event: Value,
    from: NaiveDate,
}

pub struct World {
    folder: TempDir,
    profile: Profile,
    store: Store,
    config: Config,
    chance: Chance,
    stripe: Arc<StripeFake>,
    line: Arc<Line>,
    table: Arc<Table>,
    pub log: Arc<Log>,
    auditor: Auditor,
    customers: Vec<Customer>,
    events: Vec<Undelivered>,
    dice: Dice,
    turns: Dice,
    usage_no: u64,
}

struct NoBadRow;

impl BadRows for NoBadRow {
    fn bad(&mut self, row: &BadRow) -> std::io::Result<()> {
        panic!("{row:?}")
    }
}

struct Silent;

impl ImportProgress for Silent {
    fn read(&self, _bytes: u64, _rows: u64) {}
}

fn import<'a>(path: &'a Path, bad_rows: &'a mut NoBadRow) -> Import<'a> {
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
        let config = Config::parse(&profile.settings(folder.path()), "played").unwrap();
        let table = Arc::new(Table::default());
        let stripe = Arc::new(StripeFake::in_process());
        let line = Arc::new(Line {
            stripe: stripe.clone(),
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
            customers: Vec::new(),
            events: Vec::new(),
            usage_no: 0,
            folder,
            profile,
            store,
            config,
            stripe,
            line,
            table,
            log,
            dice,
        };
        world.furnish().await;
        world
    }

    /// A process of the house, at a time.
    fn engine(&self, now: DateTime<Utc>) -> Engine {
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
                "acc-{no},u{no},u{no}@example.com,User {no},,FR,1 rue du Pont,67000,Strasbourg,,EUR,\
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
            let customer = Customer::draw(account, external_id, &mut self.dice);
            self.log.say(format!(
                "{} is {account}: {:?}",
                customer.external_id, customer.kind
            ));
            self.customers.push(customer);
        }
    }

    fn file(&self, name: &str, content: &str) -> std::path::PathBuf {
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
        self.auditor.close(&self.stripe).await
    }

    async fn day(&mut self, on: NaiveDate, is_quiet: bool) -> Result<(), Violation> {
        let minutes = i64::try_from(self.dice.between(7 * 60, 18 * 60)).unwrap();
        let midnight = on.and_time(NaiveTime::MIN).and_utc();
        let now = midnight + TimeDelta::minutes(minutes);
        self.log.say(format!("== {now}"));
        self.stripe.set_now(now.timestamp());
        if is_quiet {
            self.bring_to_rest();
        } else {
            let often = self.profile.customer_permille;
            happens_at_stripe(&self.stripe, &mut self.dice, &self.log, often);
        }
        self.take_events(on, is_quiet);
        let mut untold = self.untold();
        self.play(now, on, is_quiet).await;
        // What happened within the day is told from tomorrow on.
        self.take_events(on, is_quiet);
        untold.extend(self.untold());
        let mail_is_down = !is_quiet && self.dice.permille(self.profile.mail_down_permille);
        if !mail_is_down {
            self.auditor.facts.deliver("mail").await.unwrap();
        }
        self.auditor.facts.deliver("platform").await.unwrap();
        let day = Day {
            on,
            from_us: midnight.timestamp_micros(),
            untold,
        };
        self.auditor.audit(&day, &self.stripe).await?;
        if on.day() == 28 {
            self.auditor.verify(&self.store).await?;
        }
        Ok(())
    }

    /// What is under way at Stripe comes to its end.
    fn bring_to_rest(&mut self) {
        for intent in self.stripe.intents_that_are("processing", |_| true) {
            let id = intent["id"].as_str().unwrap();
            self.stripe
                .settle(id, &crate::fakes::stripe::Outcome::Succeeds);
        }
    }

    /// What Stripe tells from now on: some of it late, twice, or in another order.
    fn take_events(&mut self, on: NaiveDate, is_quiet: bool) {
        for event in self.stripe.take_events() {
            let is_late = !is_quiet && self.dice.permille(self.profile.late_event_permille);
            let days = if is_late { self.dice.between(1, 5) } else { 0 };
            let from = on + Days::new(u64::try_from(days).unwrap());
            if is_late && self.dice.permille(200) {
                let event = event.clone();
                self.events.push(Undelivered { event, from: on });
            }
            self.events.push(Undelivered { event, from });
        }
    }

    /// Invoices of whose payments something is not told yet.
    fn untold(&self) -> HashSet<String> {
        let numbers = self.events.iter().filter_map(|undelivered| {
            let object = &undelivered.event["data"]["object"];
            let of = match object["payment_intent"].as_str() {
                Some(intent) => self.stripe.object(intent)["description"].clone(),
                None => object["description"].clone(),
            };
            of.as_str().map(str::to_owned)
        });
        numbers.collect()
    }

    /// Everybody does what they do on that day, one move at a time.
    async fn play(&mut self, now: DateTime<Utc>, on: NaiveDate, is_quiet: bool) {
        let is_off = !is_quiet && self.dice.permille(self.profile.off_permille);
        let cards = Rc::new(RefCell::new(Vec::new()));
        let told = Rc::new(RefCell::new(HashSet::new()));
        let mut hands = Vec::new();
        if !is_off {
            hands.push(self.jobs_hand(0, now));
            hands.push(self.webhook_hand(now, on, is_quiet, told.clone()));
            if self.dice.permille(self.profile.second_worker_permille) {
                // Another host, whose clock is not quite the same.
                let off = i64::try_from(self.dice.between(0, 20)).unwrap() - 10;
                hands.push(self.jobs_hand(1, now + TimeDelta::minutes(off)));
            }
        }
        if on.day() == 1 || (on.day() == 2 && self.dice.permille(100)) {
            hands.push(self.usage_hand(now, on));
        }
        if !is_quiet {
            let often = (self.profile.customer_permille, self.profile.staff_permille);
            let deeds = deeds(
                &self.customers,
                &self.auditor,
                &self.stripe,
                &mut self.dice,
                on,
                often,
            );
            for (at, deed) in deeds.into_iter().enumerate() {
                hands.push(self.deed_hand(10 + at, now, deed, cards.clone()));
            }
        }
        let crash = if is_quiet {
            0
        } else {
            self.profile.crash_permille
        };
        let crashed = self.table.play(hands, &mut self.turns, crash).await;
        for name in crashed {
            self.log.say(format!("crashed: {name}"));
        }
        for account in cards.take() {
            self.auditor.card_entered(account);
        }
        // Only the first that is told twice.
        let mut told = told.take();
        self.events
            .retain(|undelivered| !told.remove(undelivered.event["id"].as_str().unwrap()));
    }

    fn jobs_hand(&self, process: usize, now: DateTime<Utc>) -> Hand<'static> {
        let (engine, log) = (self.engine(now), self.log.clone());
        Hand::new(process, format!("jobs {process}"), async move {
            for job in Job::ALL {
                let report = engine.do_job(job).await;
                for did in report.did {
                    log.say(format!("{process} {job}: {did}"));
                }
                for problem in report.problems {
                    log.say(format!("{process} {job}: PROBLEM {problem}"));
                }
            }
        })
    }

    /// Stripe delivers what it has to tell, until it gets an answer.
    fn webhook_hand(
        &mut self,
        now: DateTime<Utc>,
        on: NaiveDate,
        is_quiet: bool,
        told: Rc<RefCell<HashSet<String>>>,
    ) -> Hand<'static> {
        let due = self.events.iter();
        let due = due.filter(|undelivered| is_quiet || undelivered.from <= on);
        let mut due: Vec<Value> = due.map(|undelivered| undelivered.event.clone()).collect();
        for at in (1..due.len()).rev() {
            due.swap(at, self.dice.below(at + 1));
        }
        let (engine, log) = (self.engine(now), self.log.clone());
        Hand::new(0, "webhooks", async move {
            for event in due {
                let body = serde_json::to_vec(&event).unwrap();
                let signature = StripeFake::sign(&body, WEBHOOK_SECRET, now.timestamp());
                let answer = engine.handle_stripe_event(&signature, &body).await;
                let id = event["id"].as_str().unwrap();
                log.say(format!("event {id} {}: {answer:?}", event["type"]));
                if answer.is_ok() {
                    told.borrow_mut().insert(id.to_owned());
                }
            }
        })
    }

    /// The platform reports last month's usage, and some of it again.
    fn usage_hand(&mut self, now: DateTime<Utc>, on: NaiveDate) -> Hand<'static> {
        let first = on.with_day(1).unwrap();
        let month = first.pred_opt().unwrap().with_day(1).unwrap();
        let mut rows = "id,account,app,kind,type,plan,quantity,started_at,ended_at\n".to_owned();
        for customer in &self.customers {
            if self.auditor.is_leaving(customer.account.0) || self.dice.permille(50) {
                continue;
            }
            self.usage_no += 1;
            let from = self.dice.between(1, 14);
            let until = self.dice.between(15, 28);
            rows.push_str(&format!(
                "u{},{},shop,container,web,{},{},{}T00:00:00Z,{}T00:00:00Z\n",
                self.usage_no,
                customer.external_id,
                customer.plan,
                self.dice.between(1, 3),
                month.with_day(u32::try_from(from).unwrap()).unwrap(),
                month.with_day(u32::try_from(until).unwrap()).unwrap(),
            ));
        }
        let path = self.file(&format!("usage-{on}.csv"), &rows);
        let engine = self.engine(now);
        let log = self.log.clone();
        Hand::new(2, "usage", async move {
            let report = engine.import_usage(import(&path, &mut NoBadRow)).await;
            log.say(format!("usage: {report:?}"));
        })
    }

    fn deed_hand(
        &mut self,
        process: usize,
        now: DateTime<Utc>,
        deed: Deed,
        cards: Rc<RefCell<Vec<i64>>>,
    ) -> Hand<'static> {
        let card = match &deed {
            Deed::EnterCard { account } => {
                let customer = self.customers.iter().find(|its| its.account == *account);
                Some(customer.unwrap().card(&mut self.dice))
            }
            _ => None,
        };
        let doer = Doer {
            engine: self.engine(now),
            stripe: self.stripe.clone(),
            log: self.log.clone(),
            cards,
        };
        Hand::new(process, format!("{deed:?}"), doer.act(deed, card))
    }
}
