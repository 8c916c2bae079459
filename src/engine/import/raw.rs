//! What both formats of usage are read to, before any check.

use std::borrow::Cow;

/// A usage event as text, from either format.
#[derive(Debug)]
pub struct RawUsage<'a> {
    pub id: Cow<'a, str>,
    pub account: Cow<'a, str>,
    pub app: Cow<'a, str>,
    pub kind: Cow<'a, str>,
    pub resource_type: Cow<'a, str>,
    pub plan: Cow<'a, str>,
    pub quantity: Cow<'a, str>,
    pub started_at: Cow<'a, str>,
    pub ended_at: Cow<'a, str>,
}
