//! The description as a page to read: every operation below its tag, then what the
//! names in them stand for. It loads nothing and runs nothing.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::html::escaped;

const HEAD: &str = include_str!("page.html");
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// The page of a document.
pub fn render(document: &Value) -> String {
    let mut html = HEAD.to_owned();
    let paths = document["paths"].as_object();
    let mut tag_before = None;
    let mut all: Vec<(&str, &str, &str, &Value)> = Vec::new();
    for (path, item) in paths.into_iter().flatten() {
        for method in METHODS {
            if let Some(operation) = item.get(method) {
                let tag = operation["tags"][0].as_str().unwrap_or_default();
                all.push((tag, path, method, operation));
            }
        }
    }
    // Stable: within a tag they stay as they were written.
    all.sort_by_key(|(tag, ..)| *tag);
    for (tag, path, method, operation) in all {
        if tag_before != Some(tag) {
            let _ = write!(html, "<h2>{}</h2>", escaped(tag));
            tag_before = Some(tag);
        }
        one(&mut html, path, method, operation);
    }
    html.push_str("<h2>Types</h2>");
    let schemas = document["components"]["schemas"].as_object();
    for (name, schema) in schemas.into_iter().flatten() {
        let name = escaped(name);
        let _ = write!(html, "<section id=\"{name}\"><h3>{name}</h3>");
        paragraph(&mut html, schema);
        fields(&mut html, schema);
        html.push_str("</section>");
    }
    html.push_str("</main></body></html>\n");
    html
}

fn one(html: &mut String, path: &str, method: &str, operation: &Value) {
    let _ = write!(
        html,
        "<section><h3><span class=\"{method}\">{}</span> <code>{}</code></h3>",
        method.to_uppercase(),
        escaped(path)
    );
    if let Some(summary) = operation["summary"].as_str() {
        let _ = write!(html, "<p>{}</p>", escaped(summary));
    }
    paragraph(html, operation);
    if let Some(scope) = operation[super::SCOPE].as_str() {
        let _ = write!(html, "<p>Scope <code>{}</code></p>", escaped(scope));
    }
    if let Some(role) = operation[super::ROLE].as_str() {
        let _ = write!(html, "<p>Role <code>{}</code></p>", escaped(role));
    }
    let parameters = operation["parameters"].as_array();
    let parameters = parameters.into_iter().flatten();
    let rows: Vec<_> = parameters
        .map(|parameter| {
            let name = parameter["name"].as_str().unwrap_or_default();
            let place = parameter["in"].as_str().unwrap_or_default();
            (
                format!("{name} ({place})"),
                kind(&parameter["schema"]),
                parameter,
            )
        })
        .collect();
    table(html, rows);
    if let Some(content) = content_of(&operation["requestBody"]) {
        let _ = write!(html, "<p>Body: {}</p>", kind(&content["schema"]));
    }
    let answers = operation["responses"].as_object();
    let answers = answers.into_iter().flatten();
    for (status, answer) in answers.filter(|(_, answer)| answer.get("$ref").is_none()) {
        let body = content_of(answer).map_or_else(String::new, |content| kind(&content["schema"]));
        let about = answer["description"].as_str().unwrap_or_default();
        let _ = write!(
            html,
            "<p><b>{}</b> {} {body}</p>",
            escaped(status),
            escaped(about)
        );
    }
    html.push_str("</section>");
}

/// The content of its first media type.
fn content_of(body: &Value) -> Option<&Value> {
    body["content"].as_object()?.values().next()
}

fn paragraph(html: &mut String, of: &Value) {
    if let Some(text) = of["description"].as_str().filter(|text| !text.is_empty()) {
        let _ = write!(html, "<p>{}</p>", escaped(text));
    }
}

fn fields(html: &mut String, schema: &Value) {
    let properties = schema["properties"].as_object().map(Map::iter);
    let rows = properties.into_iter().flatten();
    table(
        html,
        rows.map(|(name, schema)| (name.clone(), kind(schema), schema))
            .collect(),
    );
}

fn table(html: &mut String, rows: Vec<(String, String, &Value)>) {
    if rows.is_empty() {
        return;
    }
    html.push_str("<table>");
    for (name, kind, about) in rows {
        let about = about["description"].as_str().unwrap_or_default();
        let _ = write!(
            html,
            "<tr><td><code>{}</code></td><td>{kind}</td><td>{}</td></tr>",
            escaped(&name),
            escaped(about)
        );
    }
    html.push_str("</table>");
}

/// What a schema asks for, in a word or two, with a link to what it names.
fn kind(schema: &Value) -> String {
    if let Some(named) = schema["$ref"].as_str() {
        let name = escaped(named.rsplit('/').next().unwrap_or(named));
        return format!("<a href=\"#{name}\">{name}</a>");
    }
    for several in ["oneOf", "anyOf", "allOf"] {
        if let Some(all) = schema[several].as_array() {
            let all: Vec<String> = all.iter().map(kind).collect();
            return all.join(" or ");
        }
    }
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<_> = values
            .iter()
            .filter_map(Value::as_str)
            .map(escaped)
            .collect();
        return values.join(" or ");
    }
    let format = schema["format"].as_str();
    match &schema["type"] {
        Value::String(kind) if kind == "array" => {
            format!("list of {}", self::kind(&schema["items"]))
        }
        Value::String(kind) => escaped(format.unwrap_or(kind)),
        Value::Array(kinds) => {
            let kinds: Vec<_> = kinds.iter().filter_map(Value::as_str).collect();
            let kinds = kinds.into_iter().map(|kind| match (kind, format) {
                ("array", _) => format!("list of {}", self::kind(&schema["items"])),
                ("null", _) | (_, None) => escaped(kind),
                (_, Some(format)) => escaped(format),
            });
            kinds.collect::<Vec<_>>().join(" or ")
        }
        _ => "anything".to_owned(),
    }
}
