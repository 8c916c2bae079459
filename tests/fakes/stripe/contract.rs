//! The official description of Stripe's API, where `CONTRACTS_DIR` has it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, OnceLock};

use serde_json::{Map, Value, json};

/// What requests may hold that the schemas of 2023-08-16 do not know yet: the
/// version we speak takes it instead of `payment_method_types`
/// (docs.stripe.com/changelog/endive/2026-09-30).
const NEWER: &str = "allowed_payment_method_types";

/// The schemas of requests and answers.
pub struct Contract {
    document: Value,
    requests: Mutex<HashMap<String, std::sync::Arc<Schema>>>,
}

struct Schema {
    schema: Value,
    validator: jsonschema::Validator,
}

/// Read once a process; says loudly where it is not.
pub fn contract() -> Option<&'static Contract> {
    static CONTRACT: OnceLock<Option<Contract>> = OnceLock::new();
    CONTRACT
        .get_or_init(|| {
            let Some(folder) = std::env::var_os("CONTRACTS_DIR") else {
                eprintln!(
                    "SKIPPED: CONTRACTS_DIR is not set, requests are not held against Stripe's schemas"
                );
                return None;
            };
            let path = Path::new(&folder).join("stripe/stripe-2023-08-16.trimmed.json");
            let text = std::fs::read_to_string(&path)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let mut document = serde_json::from_str(&text).unwrap();
            nullable(&mut document);
            Some(Contract {
                document,
                requests: Mutex::default(),
            })
        })
        .as_ref()
}

/// `nullable` of `OpenAPI` 3.0 as JSON Schema says it.
fn nullable(node: &mut Value) {
    match node {
        Value::Object(map) => {
            map.values_mut().for_each(nullable);
            if map.get("nullable") != Some(&Value::Bool(true)) {
                return;
            }
            if let Some(Value::String(kind)) = map.get("type") {
                let kinds = json!([kind, "null"]);
                map.insert("type".to_owned(), kinds);
                if let Some(Value::Array(values)) = map.get_mut("enum") {
                    values.push(Value::Null);
                }
            } else if let Some(Value::Array(ways)) = map.get_mut("anyOf") {
                ways.push(json!({ "type": "null" }));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(nullable),
        _ => {}
    }
}

impl Contract {
    fn compile(&self, schema: Value) -> Schema {
        let mut whole = schema.clone();
        whole["components"] = self.document["components"].clone();
        let validator = jsonschema::validator_for(&whole).unwrap();
        Schema { schema, validator }
    }

    fn kept(&self, key: String, make: impl FnOnce() -> Value) -> std::sync::Arc<Schema> {
        let mut kept = self.requests.lock().unwrap();
        let compiled = kept
            .entry(key)
            .or_insert_with(|| std::sync::Arc::new(self.compile(make())));
        compiled.clone()
    }

    /// What is wrong with a request; nothing where its endpoint is not described.
    pub fn request_errors(&self, method: &str, template: &str, params: &Value) -> Vec<String> {
        let place = format!("{method} {template}");
        let operation = &self.document["paths"][template][method.to_lowercase().as_str()];
        if operation.is_null() {
            return Vec::new();
        }
        let schema = self.kept(place.clone(), || {
            if method == "GET" {
                query_schema(&operation["parameters"])
            } else {
                let content = &operation["requestBody"]["content"];
                content["application/x-www-form-urlencoded"]["schema"].clone()
            }
        });
        let mut params = self.typed(params, &schema.schema);
        let newer = params.as_object_mut().and_then(|map| map.remove(NEWER));
        if let Some(newer) = newer
            && newer != json!(["card"])
        {
            return vec![format!("{place}: {NEWER}: {newer}")];
        }
        schema
            .validator
            .iter_errors(&params)
            .map(|error| format!("{place}: {}: {error}", error.instance_path()))
            .collect()
    }

    /// What is wrong with an object, such as a `payment_intent`.
    pub fn object_errors(&self, kind: &str, object: &Value) -> Vec<String> {
        let schema = &self.document["components"]["schemas"][kind];
        assert!(!schema.is_null(), "no schema for {kind}");
        let schema = self.kept(kind.to_owned(), || schema.clone());
        schema
            .validator
            .iter_errors(object)
            .map(|error| format!("{kind}: {}: {error}", error.instance_path()))
            .collect()
    }

    /// A form's texts as the types that a schema asks for.
    fn typed(&self, value: &Value, schema: &Value) -> Value {
        if let Some(name) = schema["$ref"].as_str() {
            let name = name.rsplit('/').next().unwrap_or_default();
            return self.typed(value, &self.document["components"]["schemas"][name]);
        }
        if let Some(ways) = schema["anyOf"].as_array() {
            let typed = ways.iter().map(|way| (way, self.typed(value, way)));
            let fitting = typed.into_iter().find(|(way, typed)| fits(typed, way));
            return fitting.map_or_else(|| value.clone(), |(_, typed)| typed);
        }
        match value {
            Value::Object(map) => map
                .iter()
                .map(|(name, value)| {
                    let own = &schema["properties"][name.as_str()];
                    let other = &schema["additionalProperties"];
                    let schema = if own.is_null() { other } else { own };
                    (name.clone(), self.typed(value, schema))
                })
                .collect::<Map<_, _>>()
                .into(),
            Value::Array(items) => items
                .iter()
                .map(|item| self.typed(item, &schema["items"]))
                .collect(),
            Value::String(text) => match schema["type"].as_str() {
                Some("integer") => text.parse::<i64>().map_or(value.clone(), Value::from),
                Some("boolean") => text.parse::<bool>().map_or(value.clone(), Value::from),
                _ => value.clone(),
            },
            _ => value.clone(),
        }
    }
}

/// Whether a typed value is of a schema's kind, at its top.
fn fits(value: &Value, schema: &Value) -> bool {
    if let Some(values) = schema["enum"].as_array() {
        return values.contains(value);
    }
    match schema["type"].as_str() {
        Some("integer") => value.is_i64(),
        Some("boolean") => value.is_boolean(),
        Some("string") => value.is_string(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        _ => true,
    }
}

fn query_schema(parameters: &Value) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for parameter in parameters.as_array().into_iter().flatten() {
        if parameter["in"] == "query" {
            let name = parameter["name"].as_str().unwrap().to_owned();
            if parameter["required"] == true {
                required.push(name.clone());
            }
            properties.insert(name, parameter["schema"].clone());
        }
    }
    json!({ "type": "object", "properties": properties, "required": required,
        "additionalProperties": false })
}
