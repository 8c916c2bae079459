//! The errors that every route may answer.

use std::collections::BTreeMap;

use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, Schema};
use utoipa::{IntoResponses, PartialSchema, ToSchema};

use crate::http::answer::Refused;

/// What is wrong, in words; with a code where a program is to tell it from others.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what `Refused` writes")]
struct Error {
    error: String,
    code: Option<String>,
}

/// An unpaid account: where its invoices are.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what `Refused` writes")]
struct PaymentRequired {
    name: String,
    error: String,
    url: String,
}

/// There is no such resource of this account.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what `Refused` writes")]
struct NotFound {
    resource: String,
    error: String,
}

/// Every field that is wrong, and why; `base` for what no single field is to blame for.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what `Refused` writes")]
struct FieldErrors {
    errors: BTreeMap<String, Vec<String>>,
}

const ALL: [(&str, &str, &str, &str); 12] = [
    ("400", "Malformed", "It cannot be read.", "Error"),
    ("401", "Unauthorized", "Nobody is let in by it.", "Error"),
    (
        "402",
        "PaymentRequired",
        "Invoices have to be paid before.",
        "PaymentRequired",
    ),
    (
        "403",
        "Forbidden",
        "The token or the account may not.",
        "Error",
    ),
    ("404", "NotFound", "There is no such resource.", "NotFound"),
    (
        "409",
        "Conflict",
        "It is not as it would have to be.",
        "Error",
    ),
    ("413", "TooLarge", "Too much at once.", "Error"),
    (
        "415",
        "MediaType",
        "Written in no way that is read.",
        "Error",
    ),
    ("422", "FieldErrors", "A field is wrong.", "FieldErrors"),
    (
        "429",
        "TooOften",
        "Too often: again after `Retry-After` seconds.",
        "Error",
    ),
    ("500", "Internal", "Our fault.", "Error"),
    (
        "503",
        "Unavailable",
        "A provider does not answer: again in a few minutes.",
        "Error",
    ),
];

/// Each of them by its name.
pub fn responses() -> impl Iterator<Item = (String, RefOr<Response>)> {
    ALL.into_iter().map(|(_, name, description, schema)| {
        let schema = Ref::from_schema_name(schema);
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let response = ResponseBuilder::new()
            .description(description)
            .content("application/json", content)
            .build();
        (name.to_owned(), RefOr::T(response))
    })
}

pub fn schemas() -> [(String, RefOr<Schema>); 4] {
    [
        ("Error".to_owned(), Error::schema()),
        ("PaymentRequired".to_owned(), PaymentRequired::schema()),
        ("NotFound".to_owned(), NotFound::schema()),
        ("FieldErrors".to_owned(), FieldErrors::schema()),
    ]
}

impl IntoResponses for Refused {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        ALL.into_iter()
            .map(|(status, name, ..)| {
                let named = Ref::from_response_name(name);
                (status.to_owned(), RefOr::Ref(named))
            })
            .collect()
    }
}
