//! The transport that all providers share, seen from the other side.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use quittance::config::CallPolicy;
use quittance::providers::{Answer, CallError, PaymentProvider as _};
use tracing_subscriber::fmt::MakeWriter;

use super::contract::{EUR_12, KEY, Payable, calls, charge, kind};
use super::stripe::stripe;
use crate::fakes::stripe::{CardScript, SECRET_KEY, StripeFake};
use crate::fakes::{Fault, Server};

fn payable(fake: &StripeFake) -> Payable {
    let customer = fake.customer();
    let instrument = fake.card(&customer, CardScript::succeeds());
    Payable {
        customer: Some(customer),
        instrument,
    }
}

async fn take(fake: &StripeFake, policy: CallPolicy) -> Result<Answer, CallError> {
    let payable = payable(fake);
    let stripe = stripe(policy, SECRET_KEY);
    stripe.take(&charge(KEY, EUR_12, &payable)).await
}

/// The pauses between the requests to charge.
fn pauses(fake: &StripeFake) -> Vec<Duration> {
    let arrivals = fake.charge_arrivals();
    arrivals.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

#[tokio::test]
async fn no_more_requests_a_second_than_allowed() {
    let fake = StripeFake::start();
    let payable = payable(&fake);
    let policy = CallPolicy {
        requests_per_second: std::num::NonZeroU32::new(20),
        timeout: Duration::from_secs(20),
        ..calls(&fake.url(), 1)
    };
    let stripe = stripe(policy, SECRET_KEY);
    let keys: Vec<String> = (0..10).map(|no| format!("{KEY}{no}")).collect();
    let taken = keys.iter().map(|key| async {
        stripe.take(&charge(key, EUR_12, &payable)).await.unwrap();
    });
    futures_util::future::join_all(taken).await;
    let arrivals = fake.charge_arrivals();
    assert_eq!(arrivals.len(), 10);
    // The first goes at once, the others one each 50 ms: a rate that a busy
    // machine does not keep by itself.
    let took = arrivals[9] - arrivals[0];
    assert!(took >= Duration::from_millis(400), "{took:?}");
}

#[tokio::test]
async fn the_pause_grows_and_the_key_stays() {
    let fake = StripeFake::start();
    for _ in 0..2 {
        fake.faults().push(Fault::TooMany);
    }
    fake.faults().push(Fault::ErrorAfter);
    let answer = take(
        &fake,
        CallPolicy {
            first_pause: Duration::from_millis(40),
            ..calls(&fake.url(), 4)
        },
    )
    .await;
    assert_eq!(kind(&answer), "succeeded", "{answer:?}");
    // At least half of 40, 80 and 160 ms.
    let pauses = pauses(&fake);
    let least = [20, 40, 80].map(Duration::from_millis);
    assert_eq!(pauses.len(), 3);
    for (pause, least) in pauses.iter().zip(least) {
        assert!(*pause >= least, "{pauses:?}");
    }
    let charges = fake.seen();
    let charges: Vec<_> = charges
        .iter()
        .filter(|seen| seen.method == "POST")
        .collect();
    assert_eq!(charges.len(), 4);
    for seen in charges {
        assert_eq!(seen.headers["idempotency-key"], KEY);
    }
    assert_eq!(fake.charged(KEY), 1_200);
}

#[tokio::test]
async fn the_tries_run_out() {
    for (fault, expected) in [(Fault::TooMany, "not sent"), (Fault::ErrorBefore, "lost")] {
        let fake = StripeFake::start();
        for _ in 0..9 {
            fake.faults().push(fault.clone());
        }
        let answer = take(&fake, calls(&fake.url(), 3)).await;
        assert_eq!(kind(&answer), expected, "{answer:?}");
        assert_eq!(fake.charge_arrivals().len(), 3);
    }
}

#[tokio::test]
async fn who_says_when_to_come_back_is_not_asked_before() {
    let fake = StripeFake::start();
    fake.retry_after(Some(1));
    fake.faults().push(Fault::TooMany);
    let answer = take(&fake, calls(&fake.url(), 2)).await;
    assert_eq!(kind(&answer), "succeeded", "{answer:?}");
    assert!(pauses(&fake)[0] >= Duration::from_secs(1));
    // Longer than anyone waits here: it is for another run.
    fake.retry_after(Some(300));
    fake.faults().push(Fault::TooMany);
    fake.forget_keys();
    let answer = take(&fake, calls(&fake.url(), 5)).await;
    assert_eq!(kind(&answer), "not sent", "{answer:?}");
    assert_eq!(fake.charge_arrivals().len(), 3);
}

#[tokio::test]
async fn who_says_not_to_try_again_is_not_asked_again() {
    for (fault, expected) in [(Fault::TooMany, "not sent"), (Fault::ErrorBefore, "lost")] {
        let fake = StripeFake::start();
        fake.should_retry(Some(false));
        fake.faults().push(fault);
        let answer = take(&fake, calls(&fake.url(), 5)).await;
        assert_eq!(kind(&answer), expected, "{answer:?}");
        assert_eq!(fake.charge_arrivals().len(), 1);
    }
}

#[tokio::test]
async fn a_decline_is_not_tried_again() {
    let fake = StripeFake::start();
    fake.faults().push(Fault::Decline("insufficient_funds"));
    let answer = take(&fake, calls(&fake.url(), 5)).await;
    assert_eq!(kind(&answer), "declined", "{answer:?}");
    assert_eq!(fake.charge_arrivals().len(), 1);
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn the_log_names_the_request_and_nobody() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    // Of this thread, on which all of the test runs.
    let guard = tracing::subscriber::set_default(subscriber);
    let fake = StripeFake::start();
    fake.faults().push(Fault::ErrorAfter);
    fake.faults().push(Fault::BrokenOffAfter);
    fake.faults().push(Fault::MalformedAfter);
    let answer = take(&fake, calls(&fake.url(), 4)).await;
    assert_eq!(kind(&answer), "succeeded", "{answer:?}");
    let stripe = stripe(calls(&fake.url(), 1), SECRET_KEY);
    let setup = stripe
        .create_setup_intent(&fake.customer(), "setup-1")
        .await
        .unwrap();
    drop(guard);
    let mut log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    // What a person asks the provider about.
    for words in [
        "req_fake00000001",
        "req_fake00000004",
        "/v1/payment_intents",
        "status=500",
    ] {
        assert!(log.contains(words), "{words} in {log}");
    }
    log.push_str(&format!("{setup:?}"));
    for secret in [
        SECRET_KEY,
        "Bearer",
        "cus_fake",
        "pm_fake",
        "4242",
        "Invoice 2026-10-000001",
        "_secret_",
        KEY,
    ] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

#[tokio::test]
async fn an_error_repeats_no_key() {
    let fake = StripeFake::start();
    let payable = payable(&fake);
    let stranger = stripe(calls(&fake.url(), 1), "sk_test_of_somebody_else");
    let denied = stranger.take(&charge(KEY, EUR_12, &payable)).await;
    let error = denied.unwrap_err();
    let words = format!("{error} {error:?}");
    assert!(words.contains("req_fake00000001"), "{words}");
    assert!(!words.contains("sk_test"), "{words}");
}

/// A server that answers with these statuses, one after the other, and then with
/// a payment of nobody.
fn answering(statuses: &[u16]) -> (Server, Arc<Mutex<usize>>) {
    let count = Arc::new(Mutex::new(0));
    let (statuses, counted) = (statuses.to_vec(), count.clone());
    let router = axum::Router::new().fallback(move || {
        let mut count = counted.lock().unwrap();
        let status = statuses.get(*count).copied().unwrap_or(400);
        *count += 1;
        let status = axum::http::StatusCode::from_u16(status).unwrap();
        async move { (status, r#"{"error":{"type":"invalid_request_error"}}"#) }
    });
    (Server::start(router), count)
}

#[tokio::test]
async fn a_status_is_tried_again_only_if_that_can_help() {
    // (status, how often it is asked with 3 tries, what that comes to)
    let table = [
        (204, 1, "lost"),
        (302, 1, "lost"),
        (400, 1, "refused"),
        (401, 1, "denied"),
        (402, 1, "lost"),
        (403, 1, "denied"),
        (404, 1, "refused"),
        (408, 3, "lost"),
        (409, 3, "lost"),
        (422, 1, "refused"),
        (424, 3, "lost"),
        (429, 3, "not sent"),
        (500, 3, "lost"),
        (503, 3, "lost"),
    ];
    for (status, asked, expected) in table {
        let (server, count) = answering(&[status; 3]);
        let stripe = stripe(calls(&server.url(), 3), SECRET_KEY);
        let payable = Payable {
            customer: Some("cus_1".to_owned()),
            instrument: "pm_1".to_owned(),
        };
        let answer = stripe.take(&charge(KEY, EUR_12, &payable)).await;
        assert_eq!(kind(&answer), expected, "{status}: {answer:?}");
        assert_eq!(*count.lock().unwrap(), asked, "{status}");
        // And after one that may have been carried out, nothing is certain.
        let (server, _) = answering(&[500, status, status, status]);
        let stripe = super::stripe::stripe(calls(&server.url(), 2), SECRET_KEY);
        let answer = stripe.take(&charge(KEY, EUR_12, &payable)).await;
        assert_eq!(kind(&answer), "lost", "500, {status}: {answer:?}");
    }
}
