//! Links that are mailed and work once. What is kept of one is a digest: whoever reads
//! the database cannot use it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::domain::calendar::Instant;
use crate::domain::ids::AccountId;
use crate::domain::invoice::fingerprint::Digest;
use crate::domain::notice::Topic;
use crate::engine::run::Engine;
use crate::store::rows::{ByPerson, LinkPurpose, NewLink, NewNotice};

/// Whoever follows a link.
pub(super) const BY_LINK: ByPerson<'_> = ByPerson {
    actor: "customer",
    reason: "by a link that was mailed to it",
};

/// A link that is to be mailed.
pub(super) struct Drawn {
    pub link: NewLink,
    token: String,
}

/// What is kept of the token in a link. It is good for one purpose only.
pub(super) fn digest_of(purpose: LinkPurpose, token: &str) -> Digest {
    Digest::of_fields([purpose.code(), token])
}

impl Engine {
    /// A link that nobody guesses, and that works for a time.
    ///
    /// # Errors
    /// When the machine gives no chance.
    pub(super) fn draw_link(
        &self,
        purpose: LinkPurpose,
        lasting: Duration,
    ) -> Result<Drawn, getrandom::Error> {
        let token = self.chance.token()?;
        Ok(Drawn {
            link: NewLink {
                digest: digest_of(purpose, &token),
                until: later(self.clock.now(), lasting),
            },
            token,
        })
    }
}

impl Drawn {
    /// The mail that it goes with. A link of its own has a row of its own.
    pub fn notice(&self, account: AccountId, topic: Topic, about: &str) -> NewNotice {
        let payload = json!({ "token": self.token, "until": self.link.until.0 });
        self.with(account, topic, about, &payload)
    }

    /// The same, to an address that is not the account's.
    pub fn notice_to(&self, to: &str, account: AccountId, topic: Topic, about: &str) -> NewNotice {
        let payload = json!({ "token": self.token, "until": self.link.until.0, "to": to });
        self.with(account, topic, about, &payload)
    }

    fn with(&self, account: AccountId, topic: Topic, about: &str, payload: &Value) -> NewNotice {
        let nth: String = self.link.digest.to_string().chars().take(16).collect();
        NewNotice {
            account,
            key: format!("{topic}:{about}:{nth}"),
            topic,
            payload: payload.to_string(),
        }
    }
}

/// A time after another. Past the end of time there is none.
pub(super) fn later(now: Instant, by: Duration) -> Instant {
    let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
    Instant(now.0.saturating_add(micros))
}
