//! What is done on a day, hand by hand.

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;

use chrono::{DateTime, Datelike as _, NaiveDate, TimeDelta, Utc};
use quittance::engine::schedule::Job;

use crate::desk::{Clerk, Mood};
use crate::fakes::stripe::StripeFake;
use crate::people::{Deed, Doer, Given, Means, deeds};
use crate::platform::{Asked, says};
use crate::table::Hand;
use crate::world::{Event, NoBadRow, Undelivered, WEBHOOK_SECRET, World, import};

/// What the hands of a day leave behind for those around them.
#[derive(Default, Clone)]
pub struct Left {
    pub given: Rc<RefCell<Vec<Given>>>,
    /// Events that were answered.
    pub told: Rc<RefCell<HashSet<String>>>,
    /// Files of the bank that were read.
    pub read: Rc<RefCell<Vec<String>>>,
}

/// A day of the house.
#[derive(Clone, Copy)]
pub struct Today {
    pub now: DateTime<Utc>,
    pub on: NaiveDate,
    /// Nothing is in trouble, and nobody does anything.
    pub is_quiet: bool,
}

impl World {
    /// Everybody who does something on that day.
    pub fn hands(&mut self, today: Today, asked: Vec<Asked>, left: &Left) -> Vec<Hand<'static>> {
        let Today { now, on, is_quiet } = today;
        let is_off = !is_quiet && self.dice.permille(self.profile.off_permille);
        let mut hands = Vec::new();
        if !is_off {
            hands.push(self.jobs_hand(0, now));
            hands.push(self.webhook_hand(today, left));
            hands.extend(self.platform_hand(now, &asked));
            if self.dice.permille(self.profile.second_worker_permille) {
                // Another host, whose clock is not quite the same.
                let off = i64::try_from(self.dice.between(0, 20)).unwrap() - 10;
                hands.push(self.jobs_hand(1, now + TimeDelta::minutes(off)));
            }
        }
        if on.day() == 1 || (on.day() == 2 && self.dice.permille(100)) {
            hands.push(self.usage_hand(now, on));
        }
        if is_quiet || self.dice.permille(self.profile.desk_permille) {
            hands.extend(self.desk_hands(today, left));
        }
        if is_quiet {
            return hands;
        }
        let often = (self.profile.customer_permille, self.profile.staff_permille);
        let deeds = deeds(
            &self.customers,
            &self.auditor,
            (&self.stripe, &self.paypal),
            &mut self.dice,
            on,
            often,
        );
        for (at, deed) in deeds.into_iter().enumerate() {
            hands.push(self.deed_hand(10 + at, now, deed, left));
        }
        hands
    }

    fn jobs_hand(&self, process: usize, now: DateTime<Utc>) -> Hand<'static> {
        let (engine, log) = (self.engine(now), self.log.clone());
        Hand::new(process, format!("jobs {process}"), async move {
            // Delivering is played apart, where the wire's own time decides nothing.
            for job in Job::ALL.into_iter().filter(|job| *job != Job::Deliver) {
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

    /// Stripe and PayPal deliver what they have to tell, until they get an answer.
    fn webhook_hand(&mut self, today: Today, left: &Left) -> Hand<'static> {
        let Today { now, on, is_quiet } = today;
        let due = self.events.iter();
        let due = due.filter(|undelivered| is_quiet || undelivered.from <= on);
        let mut due: Vec<Undelivered> = due.cloned().collect();
        for at in (1..due.len()).rev() {
            due.swap(at, self.dice.below(at + 1));
        }
        let (engine, log) = (self.engine(now), self.log.clone());
        let told = left.told.clone();
        Hand::new(0, "webhooks", async move {
            for undelivered in due {
                let id = undelivered.id;
                let (kind, answer) = match undelivered.event {
                    Event::Stripe(event) => {
                        let body = serde_json::to_vec(&event).unwrap();
                        let signature = StripeFake::sign(&body, WEBHOOK_SECRET, now.timestamp());
                        let answer = engine.handle_stripe_event(&signature, &body).await;
                        (event["type"].as_str().unwrap().to_owned(), answer)
                    }
                    Event::PayPal(event) => {
                        let answer = engine
                            .handle_paypal_event(&event.header_map(), &event.body)
                            .await;
                        (event.kind, answer)
                    }
                };
                log.say(format!("event {id} {kind}: {answer:?}"));
                if answer.is_ok() {
                    told.borrow_mut().insert(id);
                }
            }
        })
    }

    /// The platform says which steps of deletions are done, where it has anything to say.
    fn platform_hand(&mut self, now: DateTime<Utc>, asked: &[Asked]) -> Option<Hand<'static>> {
        let said = says(asked, &mut self.at_platform);
        if said.is_empty() {
            return None;
        }
        let (engine, log) = (self.engine(now), self.log.clone());
        Some(Hand::new(5, "platform", async move {
            for said in said {
                let answer = said.tell(&engine).await;
                log.say(format!("platform: {said:?}: {answer:?}"));
            }
        }))
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

    /// Two of the staff: one makes files for the bank, one imports what it sent.
    fn desk_hands(&mut self, today: Today, left: &Left) -> [Hand<'static>; 2] {
        let Today { now, on, is_quiet } = today;
        let mood = Mood::draw(&mut self.dice, is_quiet);
        let clerk = || Clerk {
            engine: self.engine(now),
            log: self.log.clone(),
            folder: self.folder.path().to_owned(),
        };
        let (making, importing) = (clerk(), clerk());
        let files = self.bank.mail(on, is_quiet).into_iter();
        let files = files
            .map(|file| {
                let path = self.file(&format!("{}.xml", file.name), &file.content);
                (file.name, path)
            })
            .collect();
        let read = left.read.clone();
        [
            Hand::new(3, "files", making.make_files(mood)),
            Hand::new(4, "imports", importing.import(files, read)),
        ]
    }

    fn deed_hand(
        &mut self,
        process: usize,
        now: DateTime<Utc>,
        deed: Deed,
        left: &Left,
    ) -> Hand<'static> {
        let means = match &deed {
            Deed::EnterCard { account } => {
                let customer = self.customers.iter().find(|its| its.account == *account);
                Means::Card(customer.unwrap().card(&mut self.dice))
            }
            Deed::SignMandate { temper, .. } | Deed::ChangeIban { temper, .. } => {
                Means::Account(self.bank.open_account(*temper))
            }
            _ => Means::None,
        };
        let doer = Doer {
            engine: self.engine(now),
            stripe: self.stripe.clone(),
            paypal: self.paypal.clone(),
            log: self.log.clone(),
            given: left.given.clone(),
        };
        Hand::new(process, format!("{deed:?}"), doer.act(deed, means))
    }
}
