//! How the values of a payload are written.

use super::DeletionCause;
use crate::domain::payment::{DeclineClass, PaymentMethod};

/// What is stored under a code of its own.
pub trait Coded: Sized {
    fn code(&self) -> &'static str;
    fn from_code(code: &str) -> Option<Self>;
}

macro_rules! coded {
    ($($name:ident),*) => {$(
        impl Coded for $name {
            fn code(&self) -> &'static str {
                Self::code(*self)
            }

            fn from_code(code: &str) -> Option<Self> {
                Self::from_code(code)
            }
        }
    )*};
}

coded!(PaymentMethod, DeclineClass, DeletionCause);

/// As it prints, and is read.
pub mod text {
    use std::fmt;
    use std::str::FromStr;

    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub fn serialize<T: fmt::Display, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub fn deserialize<'de, T: FromStr<Err: fmt::Display>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// As its code.
pub mod code {
    use super::Coded;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub fn serialize<T: Coded, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(value.code())
    }

    pub fn deserialize<'de, T: Coded, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        let code = String::deserialize(deserializer)?;
        T::from_code(&code).ok_or_else(|| D::Error::custom(format!("{code:?} is no such code")))
    }
}

/// As its code, or nothing.
pub mod optional_code {
    use super::Coded;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de::Error as _};

    pub fn serialize<T: Coded, S: Serializer>(
        value: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.as_ref().map(Coded::code).serialize(serializer)
    }

    pub fn deserialize<'de, T: Coded, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<T>, D::Error> {
        let Some(code) = Option::<String>::deserialize(deserializer)? else {
            return Ok(None);
        };
        let found = T::from_code(&code);
        found
            .map(Some)
            .ok_or_else(|| D::Error::custom(format!("{code:?} is no such code")))
    }
}
