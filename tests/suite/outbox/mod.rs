//! The outbox delivered, as stories: the real binary against a mail server and a
//! platform that misbehave.

mod mail;
mod orders;
mod pre_notification;
mod processes;
mod sequences;
mod tls;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::fakes::platform::PlatformFake;
use crate::fakes::smtp::{Demands, SmtpFake};
use crate::support::{Answer, House, NOW, furnish};

pub const SETTINGS: &str = include_str!("../../../deploy/quittance.toml");
/// The example of the Standard Webhooks specification.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// `[mail]` on a port of this machine, with these lines more.
pub fn mail_section(port: u16, security: &str, more: &str) -> String {
    format!(
        "[mail]\nfrom = \"Nuage <billing@nuage.example>\"\nhost = \"localhost\"\nport = {port}\n\
         security = \"{security}\"\n{more}\n\
         pay_url = \"https://console.example/billing/{{invoice}}\"\n\
         account_url = \"https://console.example/billing\"\n\
         deletion_url = \"https://console.example/deletion/{{token}}\"\n"
    )
}

/// A house that tells, with October billed.
pub struct Office<'a> {
    pub house: &'a House,
    pub smtp: SmtpFake,
    pub platform: PlatformFake,
}

impl<'a> Office<'a> {
    pub fn open(house: &'a House) -> Self {
        Self::with(house, Demands::default(), "none", "")
    }

    pub fn with(house: &'a House, demands: Demands, security: &str, more: &str) -> Self {
        let office = Self::unfurnished(house, demands, security, more);
        furnish(house);
        house.run(&["run", "2026-10"]);
        // What the run told is told elsewhere.
        if house.watch().count("SELECT COUNT(*) FROM outbox") > 0 {
            house.edit("DELETE FROM outbox");
        }
        office
    }

    pub fn unfurnished(house: &'a House, demands: Demands, security: &str, more: &str) -> Self {
        let office = Self {
            house,
            smtp: SmtpFake::demanding(demands),
            platform: PlatformFake::start(),
        };
        house.set_env("PLATFORM_SECRET", SECRET);
        office.settings(office.smtp.port(), security, more);
        office
    }

    pub fn settings(&self, port: u16, security: &str, more: &str) {
        let mail = mail_section(port, security, more);
        let platform = format!(
            "[platform]\nurl = \"{}\"\nsecret = \"env:PLATFORM_SECRET\"\ntimeout_seconds = 5\n",
            self.platform.url()
        );
        let settings = format!("{SETTINGS}\n{mail}\n{platform}");
        self.house.file("quittance.toml", settings);
    }

    /// Writes a row of the outbox, due now.
    #[track_caller]
    pub fn tell(&self, account: &str, channel: &str, key: &str, topic: &str, payload: &Value) {
        let now = micros(NOW);
        let payload = payload.to_string().replace('\'', "''");
        self.house.edit(&format!(
            "INSERT INTO outbox (account_id, key, channel, topic, payload, created_at, state, next_try_at) \
             SELECT id, '{key}', '{channel}', '{topic}', '{payload}', \
             {now} + (SELECT COUNT(*) FROM outbox), 'waiting', {now} FROM account \
             WHERE external_id = '{account}'"
        ));
    }

    /// That an account was restored: a mail that nothing makes obsolete.
    #[track_caller]
    pub fn restored(&self, account: &str, no: usize) {
        let key = format!("restored:{no}");
        self.tell(account, "mail", &key, "restored", &serde_json::json!({}));
    }

    #[track_caller]
    pub fn order(&self, account: &str, key: &str, topic: &str) {
        let payload = if topic == "account.suspend" {
            serde_json::json!({"reason": "unpaid"})
        } else {
            serde_json::json!({})
        };
        self.tell(account, "platform", key, topic, &payload);
    }

    pub fn try_deliver(&self) -> Answer {
        self.house.try_run(&["outbox", "deliver", "--json"])
    }

    /// A round, in which nothing stopped.
    #[track_caller]
    pub fn deliver(&self) -> String {
        let answer = self.try_deliver();
        assert_eq!(answer.code, Some(0), "{answer:?}");
        tally(&answer)
    }

    /// A round in which a channel stopped; why it did.
    #[track_caller]
    pub fn deliver_stopped(&self) -> String {
        let answer = self.try_deliver();
        assert_eq!(answer.code, Some(1), "{answer:?}");
        let json = answer.json();
        assert_eq!(tally(&answer), "0 sent, 0 retried, 0 refused, 0 obsolete");
        json["stopped"][0]["problem"].as_str().unwrap().to_owned()
    }

    /// Every row in a state.
    pub fn rows(&self, state: &str) -> Vec<Value> {
        let args = ["outbox", "list", "--state", state, "--json"];
        let listed = self.house.run(&args).json();
        listed.as_array().unwrap().clone()
    }

    /// The one row of a key, in whichever state.
    #[track_caller]
    pub fn row(&self, key: &str) -> Value {
        let mut found = Vec::new();
        for state in ["waiting", "delivered", "refused", "obsolete"] {
            found.extend(self.rows(state).into_iter().filter(|row| row["key"] == key));
        }
        assert_eq!(found.len(), 1, "{key}: {found:?}");
        found.remove(0)
    }

    /// How a row stands: `waiting after 1 try: 451 ...`.
    #[track_caller]
    pub fn standing(&self, key: &str) -> String {
        let row = self.row(key);
        let problem = row["problem"].as_str().unwrap_or("no problem");
        let state = row["state"].as_str().unwrap();
        format!("{state} after {}: {problem}", row["tries"])
    }

    /// It is so many minutes after the tests take place.
    pub fn minutes_later(&self, minutes: i64) {
        let now: DateTime<Utc> = NOW.parse().unwrap();
        let later = now + chrono::Duration::minutes(minutes);
        self.house.set_now(&later.to_rfc3339());
    }

    /// Whom mails were received for, sorted.
    pub fn received_by(&self) -> Vec<String> {
        let received = self.smtp.received();
        let mut to: Vec<String> = received.into_iter().map(|mail| mail.to).collect();
        to.sort();
        to
    }
}

fn tally(answer: &Answer) -> String {
    let json = answer.json();
    format!(
        "{} sent, {} retried, {} refused, {} obsolete",
        json["sent"], json["retried"], json["refused"], json["obsolete"]
    )
}

pub fn micros(time: &str) -> i64 {
    let time: DateTime<Utc> = time.parse().unwrap();
    time.timestamp_micros()
}
