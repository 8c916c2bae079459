//! What a request asks for in its query.

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt::Display;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::answer::Refused;

/// A query, not looked at yet: who asks is looked at before.
pub struct Query(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.uri.query().unwrap_or_default().to_owned()))
    }
}

impl Query {
    /// A value that has to be one of its kind, where it is there.
    ///
    /// # Errors
    /// When it is there twice, or is none.
    pub fn parsed<T: FromStr<Err: Display>>(
        &self,
        name: &'static str,
    ) -> Result<Option<T>, Refused> {
        let value = self.value(name)?;
        let parsed = value.map(|value| value.parse());
        parsed
            .transpose()
            .map_err(|error: T::Err| Refused::field(name, error.to_string()))
    }

    /// A value, where it is there. What else the query has is left to others.
    ///
    /// # Errors
    /// When it is there twice: nobody knows which one is meant.
    pub fn value(&self, name: &'static str) -> Result<Option<Cow<'_, str>>, Refused> {
        let mut values = form_urlencoded::parse(self.0.as_bytes())
            .filter_map(|(key, value)| (key == name).then_some(value));
        let value = values.next();
        if values.next().is_some() {
            return Err(Refused::field(name, "is there twice"));
        }
        Ok(value)
    }
}
