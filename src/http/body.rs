//! What is asked: JSON, with a root as the Go client and the documents have it, or
//! without as the npm client sends keys and tokens.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::answer::Refused;

/// A request's body, not looked at yet: who asks is looked at before.
pub struct Body(Bytes);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        match Bytes::from_request(request, state).await {
            Ok(bytes) => Ok(Self(bytes)),
            Err(rejection) if is_too_large(&rejection) => Err(Refused::TooLarge),
            Err(rejection) => Err(Refused::Malformed(rejection.body_text())),
        }
    }
}

fn is_too_large(rejection: &BytesRejection) -> bool {
    rejection.status() == StatusCode::PAYLOAD_TOO_LARGE
}

impl Body {
    /// As it came, for what is no resource.
    pub fn bytes(self) -> Bytes {
        self.0
    }

    /// A resource whose fields may all be left out, and the body with them (or `null`):
    /// the npm client sends none where it has nothing to say.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_any<T: DeserializeOwned>(&self, root: &str) -> Result<T, Refused> {
        if matches!(self.0.trim_ascii(), b"" | b"null") {
            return Self(Bytes::from_static(b"{}")).read(root);
        }
        self.read(root)
    }

    /// A resource: what stands below a root, or the whole body where it has none.
    ///
    /// # Errors
    /// When it is no JSON object, or a field of it is of another type: with its name.
    pub fn read<T: DeserializeOwned>(&self, root: &str) -> Result<T, Refused> {
        let mut body: Map<String, Value> = serde_json::from_slice(&self.0)
            .map_err(|error| Refused::Malformed(format!("the body is no JSON object: {error}")))?;
        let fields = match body.remove(root) {
            None => body,
            Some(Value::Object(fields)) => fields,
            Some(_) => return Err(Refused::Malformed(format!("{root:?} is no JSON object"))),
        };
        serde_path_to_error::deserialize(Value::Object(fields)).map_err(|error| {
            let field = match error.path().to_string() {
                path if path == "." => "base".to_owned(),
                path => path,
            };
            Refused::Field(field.into(), error.into_inner().to_string())
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Eq, Deserialize)]
    #[serde(default)]
    #[derive(Default)]
    struct Named {
        name: Option<String>,
        scopes: Option<Vec<String>>,
    }

    fn read(body: &str) -> Result<Named, String> {
        let body = Body(Bytes::copy_from_slice(body.as_bytes()));
        body.read("key").map_err(|refused| match refused {
            Refused::Field(field, message) => format!("{field}: {message}"),
            Refused::Malformed(error) => error,
            other => format!("{other:?}"),
        })
    }

    #[test]
    fn a_body_has_a_root_or_none() {
        let named = |name: &str| {
            let name = Some(name.to_owned());
            Ok(Named { name, scopes: None })
        };
        for (body, expected) in [
            (r#"{"key":{"name":"a"}}"#, named("a")),
            (r#"{"name":"a","other":1}"#, named("a")),
            ("{}", Ok(Named::default())),
            (r#"{"key":{"name":null}}"#, Ok(Named::default())),
            (
                r#"{"key":{"name":5}}"#,
                Err("name: invalid type: integer `5`, expected a string".to_owned()),
            ),
            (
                r#"{"scopes":["a",1]}"#,
                Err("scopes[1]: invalid type: integer `1`, expected a string".to_owned()),
            ),
            (r#"{"key":[]}"#, Err("\"key\" is no JSON object".to_owned())),
        ] {
            assert_eq!(read(body), expected, "{body}");
        }
        for body in ["", "{", "[]", "null", "\"x\""] {
            let refused = read(body).unwrap_err();
            assert!(
                refused.starts_with("the body is no JSON object"),
                "{refused}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_body_is_a_panic(body in any::<String>()) {
            let _ = read(&body);
        }
    }
}
