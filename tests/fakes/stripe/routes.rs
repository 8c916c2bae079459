//! The endpoints we use.

use serde_json::{Value, json};

use super::answers::{Answer, bad, missing, no_route, unexpected_state};
use super::cards::CardScript;
use super::objects;
use super::state::State;

/// An address, taken apart.
#[derive(Debug, Clone)]
pub struct Endpoint {
    pub method: &'static str,
    /// As Stripe's description of its API names it.
    pub template: &'static str,
    pub id: Option<String>,
}

const ENDPOINTS: [(&str, &str); 25] = [
    ("POST", "/v1/customers"),
    ("GET", "/v1/customers"),
    ("GET", "/v1/customers/{customer}"),
    ("GET", "/v1/payment_methods/{payment_method}"),
    ("POST", "/v1/payment_methods/{payment_method}/attach"),
    ("POST", "/v1/payment_methods/{payment_method}/detach"),
    ("POST", "/v1/setup_intents"),
    ("GET", "/v1/setup_intents/{intent}"),
    ("POST", "/v1/setup_intents/{intent}/confirm"),
    ("POST", "/v1/payment_intents"),
    ("GET", "/v1/payment_intents"),
    ("GET", "/v1/payment_intents/{intent}"),
    ("POST", "/v1/payment_intents/{intent}/confirm"),
    ("POST", "/v1/payment_intents/{intent}/cancel"),
    ("POST", "/v1/refunds"),
    ("GET", "/v1/refunds"),
    ("GET", "/v1/refunds/{refund}"),
    ("GET", "/v1/charges"),
    ("GET", "/v1/charges/{charge}"),
    ("GET", "/v1/disputes"),
    ("GET", "/v1/disputes/{dispute}"),
    ("GET", "/v1/events"),
    ("GET", "/v1/events/{id}"),
    ("GET", "/v1/balance_transactions"),
    ("GET", "/v1/balance_transactions/{id}"),
];

impl Endpoint {
    pub fn find(method: &str, path: &str) -> Option<Self> {
        let parts: Vec<&str> = path.split('/').collect();
        ENDPOINTS.iter().find_map(|&(its_method, template)| {
            let names: Vec<&str> = template.split('/').collect();
            let fits = its_method == method
                && names.len() == parts.len()
                && names
                    .iter()
                    .zip(&parts)
                    .all(|(name, part)| name.starts_with('{') || name == part);
            let id = names.iter().position(|name| name.starts_with('{'));
            fits.then(|| Self {
                method: its_method,
                template,
                id: id.map(|at| parts[at].to_owned()),
            })
        })
    }

    /// Whether it can move money: faults befall these.
    pub fn moves_money(&self) -> bool {
        self.method == "POST"
            && matches!(
                self.template,
                "/v1/payment_intents" | "/v1/payment_intents/{intent}/confirm" | "/v1/refunds"
            )
    }

    pub fn is_charge(&self) -> bool {
        self.method == "POST" && self.template == "/v1/payment_intents"
    }
}

/// The prefix of the ids of a list, and the parameter by which it is narrowed.
fn listed(template: &str) -> Option<(&'static str, &'static [&'static str])> {
    Some(match template {
        "/v1/customers" => ("cus", &["email"]),
        "/v1/payment_intents" => ("pi", &["customer"]),
        "/v1/refunds" => ("re", &["payment_intent", "charge"]),
        "/v1/charges" => ("ch", &["customer", "payment_intent"]),
        "/v1/disputes" => ("dp", &["payment_intent", "charge"]),
        "/v1/events" => ("evt", &["type"]),
        "/v1/balance_transactions" => ("txn", &["source", "type"]),
        _ => return None,
    })
}

/// What the ids at an address begin with.
fn prefix(template: &str) -> (&'static str, &'static str) {
    match template.split('/').nth(2).unwrap_or_default() {
        "customers" => ("cus_", "customer"),
        "payment_methods" => ("pm_", "PaymentMethod"),
        "setup_intents" => ("seti_", "setupintent"),
        "payment_intents" => ("pi_", "payment_intent"),
        "refunds" => ("re_", "refund"),
        "charges" => ("ch_", "charge"),
        "disputes" => ("dp_", "dispute"),
        "events" => ("evt_", "event"),
        _ => ("txn_", "balance transaction"),
    }
}

impl State {
    /// Carries a request out.
    pub fn carry_out(&mut self, endpoint: &Endpoint, params: &Value) -> Answer {
        let (status, body) = match &endpoint.id {
            None => self.on_all(endpoint, params),
            Some(id) => {
                let (prefix, kind) = prefix(endpoint.template);
                if !id.starts_with(prefix) || self.get(id).is_none() {
                    return missing(kind, id);
                }
                self.on_one(endpoint, id, params)
            }
        };
        let Some(paths) = params["expand"].as_array().filter(|_| status == 200) else {
            return (status, self.shown(body));
        };
        let mut body = self.shown(body);
        for path in paths {
            let path = path.as_str().unwrap_or_default();
            if self.expand(&mut body, path).is_none() {
                let message = format!("This property cannot be expanded ({path}).");
                return bad("", &message, "expand");
            }
        }
        (status, body)
    }

    fn on_all(&mut self, endpoint: &Endpoint, params: &Value) -> Answer {
        let now = self.now_s;
        // Since the version we speak.
        if endpoint.method == "POST" && !params["payment_method_types"].is_null() {
            return bad(
                "payment_method_types_no_longer_supported",
                "payment_method_types is no longer supported",
                "payment_method_types",
            );
        }
        match (endpoint.method, endpoint.template) {
            ("POST", "/v1/customers") => {
                let id = self.id("cus");
                (200, self.insert(objects::customer(&id, now, params)))
            }
            ("POST", "/v1/setup_intents") => {
                if let Some(customer) = params["customer"].as_str()
                    && self.get(customer).is_none()
                {
                    return missing("customer", customer);
                }
                let id = self.id("seti");
                (200, self.insert(objects::setup_intent(&id, now, params)))
            }
            ("POST", "/v1/payment_intents") => self.create_intent(params),
            ("POST", "/v1/refunds") => self.create_refund(params),
            (method, template) => match listed(template) {
                Some((prefix, filters)) => self.list(template, prefix, filters, params),
                None => no_route(method, template),
            },
        }
    }

    fn on_one(&mut self, endpoint: &Endpoint, id: &str, params: &Value) -> Answer {
        match endpoint.template.rsplit('/').next().unwrap_or_default() {
            "attach" => {
                if !self.get(id).unwrap()["customer"].is_null() {
                    return bad(
                        "payment_method_already_attached",
                        "The payment method is already attached",
                        "",
                    );
                }
                (200, self.set(id, json!({ "customer": params["customer"] })))
            }
            "detach" => {
                if self.get(id).unwrap()["customer"].is_null() {
                    return bad(
                        "payment_method_not_attached",
                        "The payment method is not attached to a customer",
                        "",
                    );
                }
                let card = self.set(id, json!({ "customer": null }));
                self.tell("payment_method.detached", card.clone());
                (200, card)
            }
            "cancel" => self.cancel_intent(id, params),
            "confirm" if id.starts_with("seti_") => {
                let intent = self.get(id).cloned().unwrap();
                match params["payment_method"].as_str() {
                    Some(method) => (200, self.confirm_setup_with(id, method)),
                    None => unexpected_state("setup_intent", &intent),
                }
            }
            "confirm" => self.confirm_intent(id),
            _ => (200, self.get(id).cloned().unwrap()),
        }
    }

    /// A card of nobody yet.
    pub fn add_card(&mut self, customer: Option<&str>, script: CardScript) -> String {
        let id = self.id("pm");
        let card = objects::card(&id, self.now_s, customer, &script);
        self.insert(card);
        self.cards.insert(id.clone(), script);
        id
    }

    pub fn confirm_setup_with(&mut self, id: &str, method: &str) -> Value {
        let customer = self.get(id).unwrap()["customer"].clone();
        self.set(method, json!({ "customer": customer }));
        let fields = json!({ "status": "succeeded", "payment_method": method });
        let intent = self.set(id, fields);
        self.tell("setup_intent.succeeded", intent.clone());
        intent
    }

    fn list(&self, url: &str, prefix: &str, filters: &[&str], params: &Value) -> Answer {
        let number = |value: &Value| value.as_str().and_then(|text| text.parse::<i64>().ok());
        let created = &params["created"];
        let fits = |object: &&Value| {
            let at = object["created"].as_i64().unwrap();
            number(&created["gte"]).is_none_or(|from| at >= from)
                && number(&created["gt"]).is_none_or(|from| at > from)
                && number(&created["lte"]).is_none_or(|to| at <= to)
                && number(&created["lt"]).is_none_or(|to| at < to)
                && filters
                    .iter()
                    .all(|name| params[name].is_null() || object[name] == params[name])
        };
        if let Some(customer) = params["customer"].as_str()
            && self.get(customer).is_none()
        {
            return missing("customer", customer);
        }
        let mut all: Vec<&Value> = self.all(prefix).filter(fits).collect();
        if let Some(after) = params["starting_after"].as_str() {
            match all.iter().position(|object| object["id"] == after) {
                Some(at) => drop(all.drain(..=at)),
                None => return missing(prefix, after),
            }
        }
        let limit = match number(&params["limit"]) {
            Some(limit @ 1..=100) => usize::try_from(limit).unwrap(),
            Some(_) => return bad("parameter_invalid_integer", "Invalid limit", "limit"),
            None => 10,
        };
        let limit = limit.min(self.page_max);
        let has_more = all.len() > limit;
        all.truncate(limit);
        (
            200,
            json!({ "object": "list", "url": url, "has_more": has_more, "data": all }),
        )
    }

    /// The object as it is shown now: a balance transaction may come late.
    fn shown(&mut self, mut body: Value) -> Value {
        self.hide_late(&mut body);
        body
    }

    fn hide_late(&mut self, object: &mut Value) {
        if let Some(items) = object["data"].as_array_mut() {
            for item in items {
                self.hide_late(item);
            }
        } else if object["object"] == "charge"
            && let Some(left) = object["id"].as_str().and_then(|id| self.late.get_mut(id))
            && *left > 0
        {
            *left -= 1;
            object["balance_transaction"] = Value::Null;
        }
    }

    /// Puts objects where their ids are, along a path such as
    /// `data.latest_charge.balance_transaction`.
    fn expand(&mut self, object: &mut Value, path: &str) -> Option<()> {
        let (name, rest) = path
            .split_once('.')
            .map_or((path, None), |(name, rest)| (name, Some(rest)));
        if name == "data" && object["object"] == "list" {
            for item in object["data"].as_array_mut()? {
                self.expand(item, rest?)?;
            }
            return Some(());
        }
        let child = object.as_object_mut()?.get_mut(name)?;
        if let Some(id) = child.as_str() {
            let found = self.get(id)?.clone();
            *child = self.shown(found);
        }
        match rest {
            Some(rest) if !child.is_null() => self.expand(child, rest),
            _ => Some(()),
        }
    }
}
