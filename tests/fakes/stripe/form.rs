//! Forms as Stripe reads them: `metadata[attempt]=x&expand[0]=y`.

use serde_json::{Map, Value};

/// What a form or query says, all leaves as text.
pub fn decode(text: &str) -> Value {
    let url = reqwest::Url::parse(&format!("http://fake/?{text}")).unwrap();
    let mut root = Map::new();
    for (name, value) in url.query_pairs() {
        let mut parts = name.split('[');
        let first = parts.next().unwrap_or_default().to_owned();
        let rest: Vec<String> = parts
            .map(|part| part.trim_end_matches(']').to_owned())
            .collect();
        put(&mut root, first, &rest, &value);
    }
    listed(Value::Object(root))
}

fn put(node: &mut Map<String, Value>, name: String, rest: &[String], value: &str) {
    // `expand[]=` counts on.
    let name = if name.is_empty() {
        node.len().to_string()
    } else {
        name
    };
    match rest.split_first() {
        None => {
            node.insert(name, value.into());
        }
        Some((next, rest)) => {
            let child = node
                .entry(name)
                .or_insert_with(|| Value::Object(Map::new()));
            if let Some(child) = child.as_object_mut() {
                put(child, next.clone(), rest, value);
            }
        }
    }
}

/// Objects whose names are numbers become lists.
fn listed(value: Value) -> Value {
    let Value::Object(map) = value else {
        return value;
    };
    let is_list = !map.is_empty()
        && map
            .keys()
            .all(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
    if is_list {
        let mut items: Vec<(usize, Value)> = map
            .into_iter()
            .map(|(name, value)| (name.parse().unwrap(), listed(value)))
            .collect();
        items.sort_by_key(|(no, _)| *no);
        Value::Array(items.into_iter().map(|(_, value)| value).collect())
    } else {
        map.into_iter()
            .map(|(name, value)| (name, listed(value)))
            .collect()
    }
}
