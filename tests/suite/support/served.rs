//! The binary, listening.

use std::io::{BufRead as _, BufReader};
use std::process::Child;

use chrono::{DateTime, Utc};
use reqwest::RequestBuilder;
use reqwest::header::HeaderMap;
use serde_json::Value;

use super::House;

/// It is killed when this goes.
pub struct Served {
    child: Child,
    url: String,
    now_s: i64,
    runtime: tokio::runtime::Runtime,
    client: reqwest::Client,
}

/// What it answered.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Reply {
    /// The JSON it answered.
    #[track_caller]
    pub fn json(&self) -> Value {
        assert_eq!(self.headers["content-type"], "application/json", "{self:?}");
        serde_json::from_str(&self.text)
            .unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }
}

impl Served {
    /// At the time that it is in the house.
    pub fn start(house: &House) -> Self {
        let mut child = house.spawn(&["serve", "--no-schedule", "--listen", "127.0.0.1:0"]);
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").unwrap();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let now: DateTime<Utc> = house.now().parse().unwrap();
        Self {
            child,
            url: url.to_owned(),
            now_s: now.timestamp(),
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
            client: reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .build()
                .unwrap(),
        }
    }

    pub fn process(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Seconds since 1970 UTC.
    pub fn now_s(&self) -> i64 {
        self.now_s
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = method.parse().unwrap();
        self.client.request(method, self.url(path))
    }

    pub fn send(&self, request: RequestBuilder) -> Reply {
        self.runtime.block_on(answer(request))
    }

    /// Sends all at once; the answers, in the order of the requests.
    pub fn send_all(&self, requests: Vec<RequestBuilder>) -> Vec<Reply> {
        let all = requests.into_iter().map(answer);
        self.runtime.block_on(futures_util::future::join_all(all))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn answer(request: RequestBuilder) -> Reply {
    let response = request.send().await.unwrap();
    Reply {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        text: response.text().await.unwrap(),
    }
}
