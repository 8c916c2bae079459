//! PayPal's own OpenAPI documents, against which both sides are held.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

use serde_json::{Value, json};

/// The documents, where CONTRACTS_DIR has them, and what broke them.
pub struct Contract {
    documents: &'static [Value],
    pub violations: Vec<String>,
    /// How many bodies were held against a schema.
    pub checked: usize,
}

/// One operation of a document.
#[derive(Debug, Clone, Copy)]
pub struct Operation {
    pub method: &'static str,
    /// As the document writes it.
    pub path: &'static str,
}

const FILES: [&str; 3] = [
    "checkout_orders_v2.json",
    "payments_payment_v2.json",
    "notifications_webhooks_v1.json",
];

fn read() -> Vec<Value> {
    let Some(folder) = std::env::var_os("CONTRACTS_DIR") else {
        eprintln!(
            "\n*** CONTRACTS_DIR is not set: nothing is validated against PayPal's OpenAPI documents ***\n"
        );
        return Vec::new();
    };
    let read = |file: &&str| {
        let path = Path::new(&folder).join("paypal").join(file);
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        serde_json::from_str(&text).unwrap()
    };
    FILES.iter().map(read).collect()
}

impl Contract {
    pub fn load() -> Self {
        static DOCUMENTS: OnceLock<Vec<Value>> = OnceLock::new();
        Self {
            documents: DOCUMENTS.get_or_init(read),
            violations: Vec::new(),
            checked: 0,
        }
    }

    /// Nothing is held against anything.
    pub const fn none() -> Self {
        Self {
            documents: &[],
            violations: Vec::new(),
            checked: 0,
        }
    }

    pub const fn is_loaded(&self) -> bool {
        !self.documents.is_empty()
    }

    /// Holds a request's body against its operation.
    pub fn request(&mut self, operation: Operation, body: &[u8]) {
        let Some((document, described)) = self.find(operation) else {
            return;
        };
        let schema = &described["requestBody"]["content"]["application/json"]["schema"];
        if schema.is_null() {
            return;
        }
        let place = format!("request {} {}", operation.method, operation.path);
        let mut found = Vec::new();
        match serde_json::from_slice(body) {
            Ok(body) => {
                found = problems(document, schema, &body);
                unknown_fields(document, &[schema], &body, "", &mut found);
            }
            Err(error) => found.push(format!("no JSON: {error}")),
        }
        self.note(&place, found);
    }

    /// Holds the fake's own answer against its operation.
    pub fn response(&mut self, operation: Operation, status: u16, body: &Value) {
        let Some((document, described)) = self.find(operation) else {
            return;
        };
        let responses = &described["responses"];
        let own = &responses[status.to_string()];
        let response = if own.is_null() {
            &responses["default"]
        } else {
            own
        };
        let response = resolve(document, response);
        let schema = &response["content"]["application/json"]["schema"];
        if schema.is_null() {
            return;
        }
        let place = format!("answer {status} of {} {}", operation.method, operation.path);
        let found = problems(document, schema, body);
        self.note(&place, found);
    }

    /// Holds an event against the schema of events.
    pub fn event(&mut self, event: &Value) {
        let Some(document) = self.documents.get(2) else {
            return;
        };
        let schema = json!({"$ref": "#/components/schemas/event"});
        let found = problems(document, &schema, event);
        self.note("event", found);
    }

    fn note(&mut self, place: &str, found: Vec<String>) {
        self.checked += 1;
        let found = found.into_iter();
        self.violations
            .extend(found.map(|problem| format!("{place}: {problem}")));
    }

    fn find(&self, operation: Operation) -> Option<(&'static Value, &'static Value)> {
        if !self.is_loaded() {
            return None;
        }
        let described = self.documents.iter().find_map(|document| {
            let described = &document["paths"][operation.path][operation.method];
            (!described.is_null()).then_some((document, described))
        });
        Some(described.unwrap_or_else(|| panic!("no document has {operation:?}")))
    }
}

fn problems(document: &Value, schema: &Value, body: &Value) -> Vec<String> {
    static VALIDATORS: OnceLock<Mutex<HashMap<String, Arc<jsonschema::Validator>>>> =
        OnceLock::new();
    // Two documents call different schemas by the same name.
    let key = format!("{} {schema}", document["info"]["title"]);
    let mut validators = VALIDATORS.get_or_init(Mutex::default).lock().unwrap();
    let validator = validators.entry(key).or_insert_with(|| {
        let root = json!({"components": document["components"], "allOf": [schema]});
        let validator = jsonschema::options()
            .with_draft(jsonschema::Draft::Draft4)
            .should_validate_formats(true)
            .build(&root);
        Arc::new(validator.unwrap())
    });
    validator
        .iter_errors(body)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(reference) => {
            let pointer = reference.trim_start_matches('#');
            resolve(document, document.pointer(pointer).unwrap())
        }
        None => schema,
    }
}

/// Fields that no schema describes: OpenAPI lets them pass, and a misspelled
/// field would change nothing where it should.
fn unknown_fields(
    document: &Value,
    schemas: &[&Value],
    body: &Value,
    place: &str,
    found: &mut Vec<String>,
) {
    let mut all = Vec::new();
    for schema in schemas {
        flatten(document, schema, &mut all);
    }
    match body {
        Value::Object(fields) => {
            let is_open = |schema: &&Value| schema["additionalProperties"] == true;
            if all.iter().any(is_open) {
                return;
            }
            let known: BTreeSet<&String> = all
                .iter()
                .filter_map(|schema| schema["properties"].as_object())
                .flat_map(|properties| properties.keys())
                .collect();
            for (name, value) in fields {
                let place = format!("{place}/{name}");
                if !known.contains(name) {
                    found.push(format!("{place}: no such field is documented"));
                    continue;
                }
                let inner: Vec<&Value> = all
                    .iter()
                    .map(|schema| &schema["properties"][name])
                    .filter(|schema| !schema.is_null())
                    .collect();
                unknown_fields(document, &inner, value, &place, found);
            }
        }
        Value::Array(items) => {
            let inner: Vec<&Value> = all
                .iter()
                .map(|schema| &schema["items"])
                .filter(|schema| !schema.is_null())
                .collect();
            for (at, item) in items.iter().enumerate() {
                unknown_fields(document, &inner, item, &format!("{place}/{at}"), found);
            }
        }
        _ => {}
    }
}

fn flatten<'a>(document: &'a Value, schema: &'a Value, all: &mut Vec<&'a Value>) {
    let schema = resolve(document, schema);
    all.push(schema);
    for key in ["allOf", "anyOf", "oneOf"] {
        for part in schema[key].as_array().into_iter().flatten() {
            flatten(document, part, all);
        }
    }
}
