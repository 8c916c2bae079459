//! The account API as its clients speak it.

mod accountants;
mod billing_profile;
mod budget;
mod contracts;
mod credit;
mod deletions;
mod email;
mod events;
mod features;
mod focus;
mod invoices;
mod keys;
mod payment_methods;
mod routes;
mod sign_in;
mod sign_up;
mod tfa;
mod tokens;
mod usage;
mod users;

use serde_json::{Value, json};

use crate::support::direct_debit::KEY_A;
use crate::support::{House, Reply, Served, furnish};

/// Whoever gives a customer its first token.
const BY: [&str; 4] = ["--by", "ada", "--reason", "asked by phone"];

/// A house that answers the account API.
pub fn furnish_api(house: &House, requests_per_minute: u32) {
    furnish_api_with(house, requests_per_minute, "");
}

/// The same, with more sections in its settings.
pub fn furnish_api_with(house: &House, requests_per_minute: u32, sections: &str) {
    furnish(house);
    let settings = include_str!("../../../deploy/quittance.toml");
    let limit = "requests_per_minute = 60\n";
    assert!(settings.contains(limit));
    let settings = settings.replace(
        limit,
        &format!("requests_per_minute = {requests_per_minute}\n"),
    );
    let sections = if sections.contains("[vault]") {
        sections.to_owned()
    } else {
        format!("[vault]\nkeys = [{{ id = \"a\", key = \"file:a.key\" }}]\n{sections}")
    };
    house.file("quittance.toml", format!("{settings}\n{sections}"));
    house.file("a.key", KEY_A);
}

/// The secret of an account's new API token.
pub fn secret(house: &House, account: &str, more: &[&str]) -> String {
    let mut args = vec!["account", "token", account, "--name", "first"];
    args.extend(BY);
    args.extend(more);
    house.run(&args).stdout.trim().to_owned()
}

/// A client of the API with a bearer token.
pub struct Client<'a> {
    served: &'a Served,
    bearer: String,
}

impl<'a> Client<'a> {
    /// Exchanges an API token.
    #[track_caller]
    pub fn with(served: &'a Served, secret: &str) -> Self {
        let reply = exchange(served, secret);
        assert_eq!(reply.status, 200, "{reply:?}");
        let bearer = reply.json()["token"].as_str().unwrap().to_owned();
        Self { served, bearer }
    }

    /// Of an account's new API token.
    pub fn of(house: &House, served: &'a Served, account: &str) -> Self {
        Self::with(served, &secret(house, account, &[]))
    }

    pub fn bearer(&self) -> &str {
        &self.bearer
    }

    pub fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Reply {
        let mut request = self.served.request(method, path).bearer_auth(&self.bearer);
        if let Some(body) = body {
            request = request.json(body);
        }
        self.served.send(request)
    }

    /// The JSON of an answer that is right.
    #[track_caller]
    pub fn get(&self, path: &str) -> Value {
        let reply = self.send("GET", path, None);
        assert_eq!(reply.status, 200, "{path}: {reply:?}");
        reply.json()
    }

    /// Sends all of them before it reads any answer; the answers, in their order.
    pub fn all_at_once(
        &self,
        requests: impl Iterator<Item = (&'static str, String, Option<Value>)>,
    ) -> Vec<Reply> {
        let requests = requests.map(|(method, path, body)| {
            let request = self.served.request(method, &path).bearer_auth(&self.bearer);
            match body {
                Some(body) => request.json(&body),
                None => request,
            }
        });
        self.served.send_all(requests.collect())
    }

    pub fn post(&self, path: &str, body: &Value) -> Reply {
        self.send("POST", path, Some(body))
    }
}

pub fn exchange(served: &Served, secret: &str) -> Reply {
    let request = served
        .request("POST", "/v1/tokens/exchange")
        .basic_auth("", Some(secret));
    served.send(request)
}

/// What a field is refused with.
pub fn field(name: &str, message: &str) -> Value {
    json!({ "errors": { name: [message] } })
}
