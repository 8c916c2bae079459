//! The access token: fetched once, shared until shortly before it expires.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, InvalidHeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::call::refusal;
use super::lost;
use crate::providers::CallError;
use crate::providers::http::{Http, Request, secret_header};

/// A token is not used in the last of its time: a request under way must not
/// meet its end.
const MARGIN: Duration = Duration::from_secs(60);

pub struct Tokens {
    /// `Basic` with the client's id and secret.
    basic: HeaderValue,
    /// Held while one is fetched, so that everyone else waits for it.
    current: Mutex<Option<Token>>,
}

#[derive(Clone)]
struct Token {
    /// `Bearer` with the token.
    bearer: HeaderValue,
    until: Instant,
}

/// Never printed: it has no Debug.
#[derive(Deserialize)]
struct TokenBody {
    access_token: String,
    expires_in: u64,
}

impl Tokens {
    pub fn new(id: &SecretString, secret: &SecretString) -> Result<Self, InvalidHeaderValue> {
        let pair = format!("{}:{}", id.expose_secret(), secret.expose_secret());
        Ok(Self {
            basic: secret_header(&format!("Basic {}", STANDARD.encode(pair)))?,
            current: Mutex::new(None),
        })
    }

    /// The header of a request. Of many that ask at once, one fetches.
    pub async fn bearer(&self, http: &Http) -> Result<HeaderValue, CallError> {
        let mut current = self.current.lock().await;
        if let Some(token) = current.as_ref()
            && Instant::now() < token.until
        {
            return Ok(token.bearer.clone());
        }
        let token = self.fetch(http).await?;
        let bearer = token.bearer.clone();
        *current = Some(token);
        Ok(bearer)
    }

    /// Forgets a token that PayPal took no more, unless another is there by now.
    pub async fn forget(&self, refused: &HeaderValue) {
        let mut current = self.current.lock().await;
        if current
            .as_ref()
            .is_some_and(|token| token.bearer == refused)
        {
            *current = None;
        }
    }

    async fn fetch(&self, http: &Http) -> Result<Token, CallError> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, self.basic.clone());
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(CONTENT_TYPE, form);
        let asked = Instant::now();
        let sent = http
            .send(&Request {
                method: Method::POST,
                path: "/v1/oauth2/token".to_owned(),
                query: None,
                headers,
                body: Some("grant_type=client_credentials".to_owned()),
                repeatable: true,
            })
            .await;
        // Whatever became of it, the request that needs the token was not sent.
        let reply = sent.map_err(not_sent)?;
        if !reply.is_success() {
            return Err(not_sent(refusal(&reply)));
        }
        let body: TokenBody = serde_json::from_slice(&reply.body)
            .map_err(|_| not_sent(lost("the answer holds no access token")))?;
        let bearer = secret_header(&format!("Bearer {}", body.access_token))
            .map_err(|_| not_sent(lost("the access token is no header")))?;
        let lifetime = Duration::from_secs(body.expires_in).saturating_sub(MARGIN);
        Ok(Token {
            bearer,
            until: asked + lifetime.min(Duration::from_secs(86_400)),
        })
    }
}

/// Without a token nothing was asked: what is lost of it is only the token.
fn not_sent(error: CallError) -> CallError {
    match error {
        CallError::Lost { provider, reason }
        | CallError::Unbookable {
            provider, reason, ..
        } => CallError::NotSent {
            provider,
            reason: format!("no access token: {reason}"),
        },
        CallError::Refused {
            provider,
            code,
            reason,
        } => CallError::Denied {
            provider,
            reason: format!("no access token: {code}: {reason}"),
        },
        error @ (CallError::NotSent { .. } | CallError::Denied { .. }) => error,
    }
}
