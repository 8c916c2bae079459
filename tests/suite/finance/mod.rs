//! The house's own API: the finance routes, and usage that machines report.

mod ingestion;
mod keys;
mod routes;

use serde_json::Value;

use crate::support::{House, Reply, Served};

pub const BY: [&str; 4] = ["--by", "ada", "--reason", "asked by phone"];

/// The secret of a new key.
#[track_caller]
pub fn key(house: &House, name: &str, role: &str, more: &[&str]) -> String {
    let mut args = vec!["operator", "add", name, "--role", role];
    args.extend(BY);
    args.extend(more);
    house.run(&args).stdout.trim().to_owned()
}

/// Asks with a key.
pub fn ask(served: &Served, secret: &str, method: &str, path: &str, body: Option<&Value>) -> Reply {
    let mut request = served.request(method, path).bearer_auth(secret);
    if let Some(body) = body {
        request = request.json(body);
    }
    served.send(request)
}
