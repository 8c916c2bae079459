//! What kind of a year a seed is: some are quiet, some are hell.

use std::path::Path;

use crate::auditor::Terms;
use crate::bank::{Habits, OURS};
use crate::dice::Dice;
use crate::fakes::paypal::WEBHOOK_ID;

/// Fourteen months.
const WHOLE_DAYS: u64 = 424;

/// How long every seed is played, where somebody says so.
pub fn whole_days() -> Option<u64> {
    let days = std::env::var("SIMULATION_DAYS").ok()?;
    Some(days.parse().expect("SIMULATION_DAYS is a number"))
}

#[derive(Debug, Clone)]
pub struct Profile {
    pub days: u64,
    pub accounts: usize,
    /// Of a thousand requests to Stripe, and of a thousand moves.
    pub trouble_permille: usize,
    pub crash_permille: usize,
    /// Of a thousand days.
    pub off_permille: usize,
    pub second_worker_permille: usize,
    pub mail_down_permille: usize,
    /// Whether mail and orders go over the wire to servers in trouble. Letters and
    /// invoices are written then, which takes most of such a year.
    pub delivers: bool,
    /// Of a thousand days of a customer's mail.
    pub post_permille: usize,
    pub late_event_permille: usize,
    /// Of a thousand events of PayPal, those that never come.
    pub lost_event_permille: usize,
    /// Of a thousand days of a customer, and of one of the staff.
    pub customer_permille: usize,
    pub staff_permille: usize,
    /// Of a thousand customers.
    pub debtor_permille: usize,
    /// Of a thousand days at the desk where files are made and imported.
    pub desk_permille: usize,
    pub bank: Habits,
    pub partial_credit: bool,
    pub card_falls_back: bool,
    pub debit_falls_back: bool,
    /// How often a request is sent at most.
    pub tries: usize,
    pub terms: Terms,
}

impl Profile {
    /// How long such a year is played, about.
    pub fn effort(&self) -> u64 {
        let accounts = u64::try_from(self.accounts).unwrap();
        let per_day = 10 + accounts + if self.delivers { 50 } else { 0 };
        self.days * per_day
    }

    pub fn draw(dice: &mut Dice) -> Self {
        // Most years end in spring: a debt has been through all its steps by then, and
        // so many more of them can be played. Of 200 seeds, ten are played to the end and
        // three are crowds: so few, because each of them takes as long as many others.
        let days = if dice.permille(50) {
            WHOLE_DAYS
        } else {
            u64::try_from(dice.between(90, 130)).unwrap()
        };
        let is_crowd = dice.permille(15);
        let accounts = if is_crowd {
            dice.between(100, 200)
        } else {
            dice.between(4, 16)
        };
        Self {
            days: whole_days().unwrap_or(days),
            accounts,
            trouble_permille: dice.pick(&[0, 10, 50, 300]),
            crash_permille: dice.pick(&[0, 2, 10, 40]),
            off_permille: dice.pick(&[0, 20, 150]),
            second_worker_permille: dice.pick(&[0, 150, 500]),
            mail_down_permille: dice.pick(&[0, 100, 400]),
            delivers: !is_crowd && days < WHOLE_DAYS && dice.permille(20),
            post_permille: dice.pick(&[0, 50, 300]),
            late_event_permille: dice.pick(&[0, 100, 600]),
            lost_event_permille: dice.pick(&[0, 100, 1_000]),
            customer_permille: dice.pick(&[2, 10, 40]),
            staff_permille: dice.pick(&[0, 5, 20]),
            debtor_permille: dice.pick(&[0, 300, 600, 1_000]),
            desk_permille: dice.pick(&[300, 700, 1_000]),
            bank: Habits {
                late_permille: dice.pick(&[0, 100, 500]),
                notifies: dice.permille(500),
                acknowledges: dice.permille(500),
                books_blocks: dice.permille(300),
            },
            partial_credit: dice.permille(300),
            card_falls_back: dice.permille(300),
            debit_falls_back: dice.permille(300),
            tries: dice.pick(&[1, 1, 2]),
            terms: Terms {
                attempt_days: vec![0, 1, 3, 5, 8, 12],
                suspension_day: 15,
                suspension_warnings: vec![7, 1],
                deletion_day: 30,
                deletion_warnings: vec![14, 7, 1],
                approval_above_minor: dice.pick(&[0, 2_000, 50_000]),
                prenotification_days: 5,
            },
        }
    }

    /// The settings of the house, as a file has them.
    pub fn settings(&self, folder: &Path) -> String {
        let mut settings = include_str!("../../deploy/quittance.toml").to_owned();
        let mut set = |from: &str, to: &str| {
            assert!(settings.contains(from), "{from}");
            settings = settings.replace(from, to);
        };
        if self.partial_credit {
            set("partial_credit = false", "partial_credit = true");
        }
        let mut fallback = vec!["\"credit\""];
        if self.card_falls_back {
            fallback.push("\"card\"");
        }
        if self.debit_falls_back {
            fallback.push("\"sepa\"");
        }
        set(
            "fallback = [\"credit\"]",
            &format!("fallback = [{}]", fallback.join(", ")),
        );
        let above = self.terms.approval_above_minor / 100;
        set(
            "approval_above = \"500\"",
            &format!("approval_above = \"{above}\""),
        );
        let folder = folder.display();
        settings.push_str(&format!(
            "[stripe]\nsecret_key = \"file:{folder}/key\"\nwebhook_secret = \"file:{folder}/webhook\"\n\
             requests_per_second = 0\nfirst_pause_milliseconds = 1\ntries = {}\n",
            self.tries
        ));
        settings.push_str(&format!(
            "[paypal]\nclient_id = \"file:{folder}/paypal-id\"\nclient_secret = \"file:{folder}/paypal-secret\"\n\
             webhook_id = \"{WEBHOOK_ID}\"\nreturn_url = \"https://console.example/approved\"\n\
             cancel_url = \"https://console.example/\"\nrequests_per_second = 0\n\
             first_pause_milliseconds = 1\ntries = {}\n",
            self.tries
        ));
        settings.push_str(&format!(
            "[sepa]\ncreditor_name = \"Nuage Exemple SAS\"\ncreditor_id = \"FR72ZZZ123456\"\niban = \"{OURS}\"\n\
             prenotification_days = {}\narchive = \"{folder}/sepa\"\n\
             [vault]\nkeys = [{{ id = \"1\", key = \"file:{folder}/vault\" }}]\n",
            self.terms.prenotification_days
        ));
        settings
    }
}
