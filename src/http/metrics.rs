//! `/metrics`: how the house and its service are, in the text format of Prometheus
//! (0.0.4).
//!
//! Requests are counted as they are answered. What the database knows is counted when
//! somebody asks, at most once in [`KEPT_FOR`].

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry};
use tokio::sync::Mutex;

use super::answer::Refused;
use crate::domain::payment::PaymentMethod;
use crate::engine::figures::Standing;
use crate::engine::run::Engine;
use crate::engine::schedule::Rounds;
use crate::store::rows::{Channel, RunState};

/// Several may ask for it, and often: it costs the database the same.
const KEPT_FOR: Duration = Duration::from_secs(5);
/// Whoever asks for it waits for ten seconds as a rule.
const WITHIN: Duration = Duration::from_secs(2);
/// In seconds, up to the longest that a request may take by default.
const BUCKETS: [f64; 8] = [0.005, 0.02, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0];
/// What no route matches: never the path itself, which anybody may make up.
const NO_ROUTE: &str = "none";

const IN_FLIGHT: [&str; 4] = ["created", "submitted", "pending", "unknown"];
const DECIDED: [&str; 3] = ["succeeded", "declined", "returned"];

type Result<T> = std::result::Result<T, prometheus::Error>;

/// What is counted, and what was.
pub struct Metrics {
    engine: Arc<Engine>,
    service: Registry,
    requests: IntCounterVec,
    seconds: HistogramVec,
    database: Mutex<Option<Kept>>,
}

/// What the database knew.
struct Kept {
    at: Instant,
    text: Arc<str>,
}

impl Kept {
    fn is_fresh(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.at) < KEPT_FOR
    }
}

/// Answers whoever watches.
pub async fn show(
    State(metrics): State<Arc<Metrics>>,
) -> std::result::Result<impl IntoResponse, Refused> {
    let database = metrics.database().await.map_err(Refused::internal)?;
    let mut text = told(&metrics.service).map_err(Refused::internal)?;
    let rounds = rounds(&metrics.engine.rounds).and_then(|rounds| told(&rounds));
    text.push_str(&rounds.map_err(Refused::internal)?);
    text.push_str(&database);
    let headers = [
        (header::CONTENT_TYPE, prometheus::TEXT_FORMAT),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, text))
}

/// Counts a request once it is answered.
pub async fn observe(
    State(metrics): State<Arc<Metrics>>,
    request: Request,
    next: Next,
) -> Response {
    let begun = Instant::now();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or(NO_ROUTE, MatchedPath::as_str);
    let method = name_of(request.method());
    let response = next.run(request).await;
    if let Err(error) = metrics.count(method, route, response.status(), begun.elapsed()) {
        tracing::error!(%error, "a request is not counted");
    }
    response
}

/// A method, where it is one: anybody may make others up.
fn name_of(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

impl Metrics {
    /// # Errors
    /// When a name is none, or given twice.
    pub fn new(engine: Arc<Engine>) -> Result<Self> {
        let requests = IntCounterVec::new(
            Opts::new(
                "quittance_http_requests_total",
                "Requests answered, by method, route and status.",
            ),
            &["method", "route", "status"],
        )?;
        let seconds = HistogramVec::new(
            HistogramOpts::new(
                "quittance_http_request_duration_seconds",
                "How long an answer took to begin, by method and route.",
            )
            .buckets(BUCKETS.to_vec()),
            &["method", "route"],
        )?;
        let service = Registry::new();
        service.register(Box::new(requests.clone()))?;
        service.register(Box::new(seconds.clone()))?;
        let build = gauge(
            &service,
            "quittance_build_info",
            "1, and which version it is.",
            &["version"],
        )?;
        set(&build, &[env!("CARGO_PKG_VERSION")], 1)?;
        Ok(Self {
            engine,
            service,
            requests,
            seconds,
            database: Mutex::default(),
        })
    }

    fn count(&self, method: &str, route: &str, status: StatusCode, took: Duration) -> Result<()> {
        let labels = [method, route, status.as_str()];
        let requests = self.requests.get_metric_with_label_values(&labels)?;
        requests.inc();
        let seconds = self
            .seconds
            .get_metric_with_label_values(&[method, route])?;
        seconds.observe(took.as_secs_f64());
        Ok(())
    }

    /// What the database knows. Whoever asks meanwhile waits for the one who counts.
    async fn database(&self) -> Result<Arc<str>> {
        let mut kept = self.database.lock().await;
        if let Some(kept) = kept.as_ref().filter(|kept| kept.is_fresh(Instant::now())) {
            return Ok(Arc::clone(&kept.text));
        }
        let standing = match tokio::time::timeout(WITHIN, self.engine.standing(WITHIN)).await {
            Ok(Ok(standing)) => Some(standing),
            Ok(Err(error)) => {
                tracing::warn!(%error, "the database is not counted");
                None
            }
            Err(_) => {
                tracing::warn!("the database is not counted: it does not answer in time");
                None
            }
        };
        let text: Arc<str> = told(&registry_of(standing.as_ref())?)?.into();
        *kept = Some(Kept {
            at: Instant::now(),
            text: Arc::clone(&text),
        });
        Ok(text)
    }
}

fn told(registry: &Registry) -> Result<String> {
    prometheus::TextEncoder::new().encode_to_string(&registry.gather())
}

fn gauge(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec> {
    let gauge = IntGaugeVec::new(Opts::new(name, help), labels)?;
    registry.register(Box::new(gauge.clone()))?;
    Ok(gauge)
}

fn set(gauge: &IntGaugeVec, labels: &[&str], value: i64) -> Result<()> {
    gauge.get_metric_with_label_values(labels)?.set(value);
    Ok(())
}

/// The figures of the house; nothing but that there are none where the database does not
/// answer. What may be is there as zero, so that whoever watches sees it change.
fn registry_of(standing: Option<&Standing>) -> Result<Registry> {
    let registry = Registry::new();
    let up = gauge(
        &registry,
        "quittance_database_up",
        "Whether the database answers.",
        &[],
    )?;
    set(&up, &[], i64::from(standing.is_some()))?;
    if let Some(standing) = standing {
        runs(&registry, standing)?;
        attempts(&registry, standing)?;
        outbox(&registry, standing)?;
        unpaid(&registry, standing)?;
        let stuck = gauge(
            &registry,
            "quittance_stuck",
            "What does not go on by itself, by what it is: a person has to look.",
            &["what"],
        )?;
        for (what, count) in &standing.figures.stuck {
            set(&stuck, &[what], *count)?;
        }
    }
    Ok(registry)
}

/// What the schedule of this process did last.
fn rounds(rounds: &Rounds) -> Result<Registry> {
    let registry = Registry::new();
    let ended = gauge(
        &registry,
        "quittance_job_last_round_timestamp_seconds",
        "When the last round of a job of this process's schedule ended.",
        &["job"],
    )?;
    let problems = gauge(
        &registry,
        "quittance_job_last_round_problems",
        "What the last round of a job met that a person has to look at; the log says what.",
        &["job"],
    )?;
    for (job, round) in rounds.last() {
        set(&ended, &[job], round.ended_at.0.div_euclid(1_000_000))?;
        let met = i64::try_from(round.problems).unwrap_or(i64::MAX);
        set(&problems, &[job], met)?;
    }
    Ok(registry)
}

fn runs(registry: &Registry, standing: &Standing) -> Result<()> {
    let runs = gauge(
        registry,
        "quittance_runs",
        "Month runs, by state.",
        &["state"],
    )?;
    for state in RunState::ALL {
        set(&runs, &[state.code()], 0)?;
    }
    for (state, count) in &standing.figures.runs {
        set(&runs, &[state], *count)?;
    }
    Ok(())
}

fn attempts(registry: &Registry, standing: &Standing) -> Result<()> {
    let figures = &standing.figures;
    let labels = ["method", "state"];
    let in_flight = gauge(
        registry,
        "quittance_payment_attempts_in_flight",
        "Attempts to take money whose outcome is out, by method and state.",
        &labels,
    )?;
    let decided = gauge(
        registry,
        "quittance_payment_attempts_decided_last_day",
        "Attempts to take money whose present outcome came within the last 24 hours, by method and outcome.",
        &labels,
    )?;
    for (gauge, states, counts) in [
        (&in_flight, &IN_FLIGHT[..], &figures.attempts_in_flight),
        (&decided, &DECIDED[..], &figures.attempts_decided),
    ] {
        for method in PaymentMethod::ALL {
            for state in states {
                set(gauge, &[method.code(), state], 0)?;
            }
        }
        for (method, state, count) in counts {
            set(gauge, &[method, state], *count)?;
        }
    }
    Ok(())
}

fn outbox(registry: &Registry, standing: &Standing) -> Result<()> {
    let figures = &standing.figures;
    let messages = gauge(
        registry,
        "quittance_outbox_messages",
        "What customers and the platform were not told, by channel and whether it waits, failed and is tried \
         again, or was given up.",
        &["channel", "state"],
    )?;
    let oldest = gauge(
        registry,
        "quittance_outbox_oldest_seconds",
        "How long the oldest message of a channel waits.",
        &["channel"],
    )?;
    for channel in Channel::ALL.map(Channel::code) {
        let waiting = figures
            .waiting
            .iter()
            .find(|waiting| waiting.channel == channel);
        let (waits, fails, age) = waiting.map_or((0, 0, 0), |waiting| {
            let age = seconds_between(waiting.oldest_at.0, standing.at.0);
            (
                waiting.messages.saturating_sub(waiting.failing),
                waiting.failing,
                age,
            )
        });
        let refused = figures
            .refused
            .iter()
            .find(|(refused, _)| refused == channel);
        let refused = refused.map_or(0, |(_, messages)| *messages);
        set(&oldest, &[channel], age)?;
        set(&messages, &[channel, "waiting"], waits)?;
        set(&messages, &[channel, "failing"], fails)?;
        set(&messages, &[channel, "refused"], refused)?;
    }
    Ok(())
}

/// Whole seconds from one instant to a later one, in microseconds.
const fn seconds_between(from: i64, until: i64) -> i64 {
    let microseconds = until.saturating_sub(from);
    if microseconds < 0 {
        return 0;
    }
    microseconds / 1_000_000
}

fn unpaid(registry: &Registry, standing: &Standing) -> Result<()> {
    let accounts = gauge(
        registry,
        "quittance_unpaid_accounts",
        "Accounts with an invoice that is not paid, by currency.",
        &["currency"],
    )?;
    let minor = gauge(
        registry,
        "quittance_unpaid_minor",
        "What is not paid of issued invoices, in minor units, by currency.",
        &["currency"],
    )?;
    for unpaid in &standing.figures.unpaid {
        set(&accounts, &[&unpaid.currency], unpaid.accounts)?;
        set(&minor, &[&unpaid.currency], unpaid.open_minor)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::schedule::{Job, JobReport};

    #[test]
    fn what_was_counted_is_kept_for_a_while() {
        let at = Instant::now();
        let text = Arc::from("");
        let kept = Kept { at, text };
        assert!(kept.is_fresh(at));
        assert!(kept.is_fresh(at + KEPT_FOR.saturating_sub(Duration::from_nanos(1))));
        assert!(!kept.is_fresh(at + KEPT_FOR));
    }

    #[test]
    fn an_age_is_in_whole_seconds_and_never_below_zero() {
        for (from, until, seconds) in [
            (0, 999_999, 0),
            (0, 1_000_000, 1),
            (5, 3_000_004, 2),
            (9, 3, 0),
            (i64::MAX, i64::MIN, 0),
        ] {
            assert_eq!(seconds_between(from, until), seconds, "{from} {until}");
        }
    }

    #[test]
    fn the_last_round_of_a_job_is_told() {
        let done = Rounds::default();
        let report = |problems| JobReport {
            did: Vec::new(),
            problems: vec!["a card".to_owned(); problems],
        };
        for (problems, at) in [(3, 5_000_000), (2, 9_500_000)] {
            let at = crate::domain::calendar::Instant(at);
            done.note(Job::Collect, &report(problems), at);
        }
        let text = told(&rounds(&done).unwrap()).unwrap();
        for line in [
            "quittance_job_last_round_timestamp_seconds{job=\"collect\"} 9\n",
            "quittance_job_last_round_problems{job=\"collect\"} 2\n",
        ] {
            assert!(text.contains(line), "{text}");
        }
        assert!(!text.contains("deliver"), "{text}");
    }
}
