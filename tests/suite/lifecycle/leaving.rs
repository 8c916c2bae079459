//! A house that an account leaves: what it is mailed, what the platform is told, and
//! what the platform says.

use std::process::Child;
use std::thread::JoinHandle;

use quittance::providers::platform::SigningKey;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::collect::major;
use crate::fakes::platform::PlatformFake;
use crate::fakes::smtp::SmtpFake;
use crate::outbox::{SETTINGS, mail_section};
use crate::support::{Answer, House, Served, THREE_ACCOUNTS};

/// Whoever acts in the stories.
pub const BY: [&str; 4] = ["--by", "ada", "--reason", "asked by phone"];
pub const STEPS: [&str; 6] = [
    "deployments",
    "activity",
    "aliases",
    "domains",
    "certificates",
    "billing_subscription",
];
/// The example of the Standard Webhooks specification: what we sign with.
const OUT: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// What the platform signs with.
const IN: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// acc-2 has paid October, and used something in November until the eighth. It is
/// the tenth, at nine.
pub struct Leaver<'a> {
    pub house: &'a House,
    pub smtp: SmtpFake,
    pub platform: PlatformFake,
}

impl<'a> Leaver<'a> {
    pub fn open(house: &'a House) -> Self {
        Self::with(house, "")
    }

    /// With further settings.
    pub fn with(house: &'a House, more: &str) -> Self {
        let leaver = Self::unfurnished(house, more);
        house.import_accounts(THREE_ACCOUNTS);
        leaver.october();
        house.import_usage(
            "u2,acc-2,blog,container,web,S,1,2026-11-03T00:00:00Z,2026-11-08T00:00:00Z\n",
        );
        house.set_now("2026-11-10T09:00:00Z");
        leaver
    }

    /// With no account yet, and further settings.
    pub fn unfurnished(house: &'a House, more: &str) -> Self {
        let leaver = Self {
            house,
            smtp: SmtpFake::start(),
            platform: PlatformFake::start(),
        };
        house.set_env("PLATFORM_SECRET", OUT);
        house.set_env("PLATFORM_WEBHOOK_SECRET", IN);
        let mail = mail_section(leaver.smtp.port(), "none", "");
        let platform = format!(
            "[platform]\nurl = \"{}\"\nsecret = \"env:PLATFORM_SECRET\"\n\
             webhook_secret = \"env:PLATFORM_WEBHOOK_SECRET\"\n",
            leaver.platform.url()
        );
        house.file(
            "quittance.toml",
            format!("{SETTINGS}\n{mail}\n{platform}\n{more}"),
        );
        house.import_catalog();
        leaver
    }

    /// October of acc-2, billed and paid by credit.
    pub fn october(&self) {
        self.house.import_usage(
            "u1,acc-2,blog,container,web,S,1,2026-10-10T00:00:00Z,2026-10-20T00:00:00Z\n",
        );
        self.house.run(&["run", "2026-10"]);
        let total = self.house.invoices("2026-10")[0]["total_minor"].as_i64();
        self.grant(total.unwrap());
        self.deliver();
    }

    pub fn grant(&self, minor: i64) {
        let amount = major(minor);
        let mut args = vec!["credit", "grant", "acc-2", amount.as_str()];
        args.extend(BY);
        self.house.run(&args);
    }

    #[track_caller]
    pub fn ask(&self, more: &[&str]) -> Answer {
        self.house.run(&asking(more))
    }

    /// Asks in vain; the reasons.
    #[track_caller]
    pub fn reasons(&self, more: &[&str]) -> Vec<String> {
        let refused = self.house.refuse(&asking(more));
        let reasons = refused.stderr.lines();
        reasons
            .filter_map(|line| line.strip_prefix("- "))
            .map(str::to_owned)
            .collect()
    }

    /// The token in the one link that waits to be mailed.
    #[track_caller]
    pub fn token(&self) -> String {
        let payloads = self.house.watch().texts(
            "SELECT payload FROM outbox WHERE topic = 'deletion_confirmation' AND state = 'waiting'",
        );
        assert_eq!(payloads.len(), 1, "{payloads:?}");
        let payload: Value = serde_json::from_str(&payloads[0]).unwrap();
        payload["token"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    pub fn confirm(&self, token: &str) -> Answer {
        self.house.run(&["account", "confirm-deletion", token])
    }

    #[track_caller]
    pub fn confirm_in_vain(&self, token: &str) -> String {
        self.house
            .refuse(&["account", "confirm-deletion", token])
            .stderr
    }

    /// Asks, and uses the link.
    #[track_caller]
    pub fn leave(&self, more: &[&str]) -> Answer {
        self.ask(more);
        let token = self.token();
        self.confirm(&token)
    }

    pub fn deliver(&self) {
        self.house.run(&["outbox", "deliver"]);
    }

    /// What the job did.
    #[track_caller]
    pub fn advance(&self) -> Vec<String> {
        let report = self
            .house
            .run(&["tick", "--job", "deletion", "--json"])
            .json();
        assert_eq!(report[0]["problems"], json!([]), "{report}");
        let did = report[0]["did"].as_array().unwrap();
        did.iter()
            .map(|did| did.as_str().unwrap().to_owned())
            .collect()
    }

    /// As `account deletion` shows it.
    pub fn standing(&self) -> Value {
        self.house
            .run(&["account", "deletion", "acc-2", "--json"])
            .json()
    }

    /// What it waits for.
    pub fn waits_for(&self) -> Vec<String> {
        let standing = self.standing();
        let waits = standing["waits_for"].as_array().unwrap();
        waits
            .iter()
            .map(|waits| waits.as_str().unwrap().to_owned())
            .collect()
    }

    pub fn count(&self, query: &'static str) -> i64 {
        self.house.watch().count(query)
    }

    /// The topics that acc-2 was told through a channel, in order.
    pub fn topics(&self, channel: &str) -> Vec<String> {
        self.house.watch().texts(match channel {
            "mail" => "SELECT topic FROM outbox WHERE channel = 'mail' ORDER BY created_at, key",
            _ => "SELECT topic FROM outbox WHERE channel = 'platform' ORDER BY created_at, key",
        })
    }

    /// The platform does every step it is asked for, and says so.
    #[track_caller]
    pub fn work_off(&self, account: &str, deletion: i64) {
        self.work_off_from(account, deletion, 0);
    }

    /// So many of the steps are done before.
    #[track_caller]
    pub fn work_off_from(&self, account: &str, deletion: i64, done: usize) {
        let served = Listening::start(self.house);
        for step in &STEPS[done..] {
            self.deliver();
            let asked = self.platform.came();
            let last = asked.last().unwrap().json();
            assert_eq!(
                last["data"],
                json!({"account": account, "deletion": deletion, "step": step})
            );
            let answer = served.step_done(account, deletion, step);
            assert_eq!(answer, (200, "recorded\n".to_owned()), "{step}");
        }
    }
}

fn asking<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec!["account", "delete", "acc-2"];
    args.extend(BY);
    args.extend(more);
    args
}

/// The binary, as the platform and a customer's browser see it.
pub struct Listening(Served);

impl Listening {
    pub fn start(house: &House) -> Self {
        Self(Served::start(house))
    }

    /// The platform says that a step is done; what it is answered.
    pub fn step_done(&self, account: &str, deletion: i64, step: &str) -> (u16, String) {
        self.tell(&step_done(account, deletion, step), self.now_s(), IN)
    }

    /// The platform says so to a process that is killed before it answers. It ends as
    /// the process does.
    pub fn step_done_unanswered(&self, account: &str, deletion: i64, step: &str) -> JoinHandle<()> {
        let request = self.signed(&step_done(account, deletion, step), self.now_s(), IN);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            let answered = runtime.block_on(request.send());
            assert!(answered.is_err(), "{answered:?}");
        })
    }

    pub fn process(&mut self) -> &mut Child {
        self.0.process()
    }

    /// A body as the platform sends it, signed at a time with a secret.
    pub fn tell(&self, body: &Value, at_s: i64, secret: &str) -> (u16, String) {
        self.answer(self.signed(body, at_s, secret))
    }

    fn signed(&self, body: &Value, at_s: i64, secret: &str) -> reqwest::RequestBuilder {
        let body = body.to_string();
        let key = SigningKey::new(&SecretString::from(secret)).unwrap();
        let signature = key.sign("msg_1", at_s, &body).unwrap();
        self.0
            .request("POST", "/webhooks/platform")
            .header("webhook-id", "msg_1")
            .header("webhook-timestamp", at_s.to_string())
            .header("webhook-signature", signature)
            .body(body)
    }

    /// As [`Self::tell`], rightly signed.
    pub fn say(&self, body: &Value) -> (u16, String) {
        self.tell(body, self.now_s(), IN)
    }

    pub fn now_s(&self) -> i64 {
        self.0.now_s()
    }

    /// The page behind a link.
    pub fn look(&self, token: &str) -> (u16, String) {
        let path = format!("/deletion/confirm?token={token}");
        self.answer(self.0.request("GET", &path))
    }

    /// The headers of the page behind a link.
    pub fn headers(&self, token: &str) -> reqwest::header::HeaderMap {
        let path = format!("/deletion/confirm?token={token}");
        self.0.send(self.0.request("GET", &path)).headers
    }

    /// The button on it.
    pub fn press(&self, token: &str) -> (u16, String) {
        let request = self
            .0
            .request("POST", "/deletion/confirm")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!("token={token}"));
        self.answer(request)
    }

    fn answer(&self, request: reqwest::RequestBuilder) -> (u16, String) {
        let reply = self.0.send(request);
        (reply.status, reply.text)
    }
}

pub fn step_done(account: &str, deletion: i64, step: &str) -> Value {
    json!({
        "type": "account.deletion.step_done",
        "data": {"account": account, "deletion": deletion, "step": step},
    })
}
