//! Usage as JSON lines of CloudEvents 1.0: the event's `id` is the usage id, its
//! `data` holds the columns of the CSV file.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Number;

use super::Problem;
use super::raw::RawUsage;

/// A value as it stands, so that a wrong type is told with its place.
#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar<'a> {
    #[serde(borrow)]
    Text(Cow<'a, str>),
    Number(Number),
    Other(serde_json::Value),
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    specversion: Option<Cow<'a, str>>,
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    source: Option<Cow<'a, str>>,
    #[serde(rename = "type", borrow)]
    event_type: Option<Cow<'a, str>>,
    #[serde(borrow)]
    data: Option<Data<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Data<'a> {
    #[serde(borrow)]
    account: Option<Scalar<'a>>,
    #[serde(borrow)]
    app: Option<Scalar<'a>>,
    #[serde(borrow)]
    kind: Option<Scalar<'a>>,
    #[serde(rename = "type", borrow)]
    resource_type: Option<Scalar<'a>>,
    #[serde(borrow)]
    plan: Option<Scalar<'a>>,
    #[serde(borrow)]
    quantity: Option<Scalar<'a>>,
    #[serde(borrow)]
    started_at: Option<Scalar<'a>>,
    #[serde(borrow)]
    ended_at: Option<Scalar<'a>>,
}

/// An event as text, or all that is wrong with it.
pub type Parsed = Result<RawUsage<'static>, Vec<Problem>>;

/// Reads an array of events.
///
/// # Errors
/// When it is none, or one of them is no event.
pub fn parse_array(text: &[u8]) -> serde_json::Result<Vec<Parsed>> {
    let events: Vec<Event<'_>> = serde_json::from_slice(text)?;
    Ok(events.into_iter().map(read).collect())
}

/// Reads one event.
pub fn parse(line: &[u8]) -> Parsed {
    let text = std::str::from_utf8(line).map_err(|_| {
        vec![Problem::new(
            "-",
            super::table::excerpt(line),
            "broken UTF-8",
        )]
    })?;
    let event: Event<'_> = serde_json::from_str(text).map_err(|error| {
        let reason = format!("is not one CloudEvent on one line: {error}");
        vec![Problem::new("-", super::table::excerpt(line), reason)]
    })?;
    read(event)
}

fn read(event: Event<'_>) -> Parsed {
    let mut problems = Vec::new();
    match event.specversion.as_deref() {
        Some("1.0") => {}
        other => problems.push(Problem::new(
            "specversion",
            other.unwrap_or(""),
            "must be 1.0",
        )),
    }
    for (name, value) in [("source", &event.source), ("type", &event.event_type)] {
        if value.as_deref().is_none_or(str::is_empty) {
            problems.push(Problem::new(
                name,
                "",
                "is missing: CloudEvents 1.0 requires it",
            ));
        }
    }
    let Some(data) = event.data else {
        problems.push(Problem::new("data", "", "is missing"));
        return Err(problems);
    };
    let mut text = |column: &str, value: Option<Scalar<'_>>| match value {
        None => String::new(),
        Some(Scalar::Text(text)) => text.trim().to_owned(),
        Some(Scalar::Number(number)) => number.to_string(),
        Some(Scalar::Other(serde_json::Value::Null)) => String::new(),
        Some(Scalar::Other(other)) => {
            let column = format!("data.{column}");
            problems.push(Problem::new(
                &column,
                other.to_string(),
                "is neither a text nor a number",
            ));
            String::new()
        }
    };
    let raw = RawUsage {
        account: text("account", data.account).into(),
        app: text("app", data.app).into(),
        kind: text("kind", data.kind).into(),
        resource_type: text("type", data.resource_type).into(),
        plan: text("plan", data.plan).into(),
        quantity: text("quantity", data.quantity).into(),
        started_at: text("started_at", data.started_at).into(),
        ended_at: text("ended_at", data.ended_at).into(),
        id: event
            .id
            .map_or(Cow::Borrowed(""), |id| Cow::Owned(id.trim().to_owned())),
    };
    if raw_has_control(&raw) {
        problems.push(Problem::row("a control character"));
    }
    if problems.is_empty() {
        Ok(raw)
    } else {
        Err(problems)
    }
}

fn raw_has_control(raw: &RawUsage<'_>) -> bool {
    [
        &raw.id,
        &raw.account,
        &raw.app,
        &raw.resource_type,
        &raw.plan,
    ]
    .into_iter()
    .any(|text| text.chars().any(char::is_control))
}
