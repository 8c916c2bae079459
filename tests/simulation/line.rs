//! The line to Stripe and PayPal: what is sent over it may not arrive, arrive twice, or
//! its answer may not come back.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use quittance::pace::Turns as _;
use quittance::providers::http::{Brought, Carrier, Request};

use crate::dice::Dice;
use crate::fakes::paypal::PayPalFake;
use crate::fakes::stripe::StripeFake;
use crate::log::Log;
use crate::table::Table;

pub struct Line {
    pub stripe: Arc<StripeFake>,
    pub paypal: Arc<PayPalFake>,
    pub table: Arc<Table>,
    pub log: Arc<Log>,
    pub dice: Mutex<Dice>,
    /// How many of a thousand requests are in trouble.
    pub trouble_permille: AtomicUsize,
}

#[derive(Debug, Clone, Copy)]
enum Trouble {
    NoConnection,
    TooMany,
    LostOnTheWay,
    LostOnTheWayBack,
    ErrorBefore,
    ErrorAfter,
    Twice,
}

impl Line {
    fn trouble(&self) -> Option<Trouble> {
        let often = self.trouble_permille.load(Ordering::SeqCst);
        let mut dice = self.dice.lock().unwrap();
        let happens = often > 0 && dice.permille(often);
        happens.then(|| {
            dice.pick(&[
                Trouble::NoConnection,
                Trouble::TooMany,
                Trouble::LostOnTheWay,
                Trouble::LostOnTheWayBack,
                Trouble::ErrorBefore,
                Trouble::ErrorAfter,
                Trouble::Twice,
            ])
        })
    }

    async fn ask(&self, provider: &str, request: &Request) -> Brought {
        let query = request.query.as_deref();
        let uri = query.map_or_else(
            || request.path.clone(),
            |query| format!("{}?{query}", request.path),
        );
        let mut asked = axum::http::Request::builder()
            .method(request.method.clone())
            .uri(uri);
        *asked.headers_mut().unwrap() = request.headers.clone();
        let body = request.body.clone().map_or_else(Body::empty, Body::from);
        let asked = asked.body(body).unwrap();
        let answer = match provider {
            "Stripe" => self.stripe.answer(asked).await,
            "PayPal" => self.paypal.answer(asked).await,
            other => panic!("nobody plays {other}"),
        };
        let (parts, body) = answer.into_parts();
        Brought::Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: to_bytes(body, usize::MAX).await.unwrap().to_vec(),
        }
    }

    async fn carry_once(&self, provider: &str, request: &Request) -> Brought {
        // A crash here: committed, and never sent.
        self.table.turn().await;
        let trouble = self.trouble();
        if let Some(trouble) = trouble {
            self.log
                .say(format!("{trouble:?}: {} {}", request.method, request.path));
        }
        let mut keys = ["idempotency-key", "paypal-request-id"].into_iter();
        let key = keys.find_map(|name| request.headers.get(name)?.to_str().ok());
        let broken = |status| Brought::Answer {
            status,
            headers: axum::http::HeaderMap::new(),
            body: br#"{"error":{"type":"api_error","message":"played"}}"#.to_vec(),
        };
        match trouble {
            Some(Trouble::NoConnection) => return Brought::NotSent("played".to_owned()),
            Some(Trouble::TooMany) => return broken(429),
            Some(Trouble::LostOnTheWay) => return Brought::Lost("played".to_owned()),
            Some(Trouble::ErrorBefore) => return broken(500),
            // A network that repeats what was under way.
            Some(Trouble::Twice) if key.is_some() => {
                self.ask(provider, request).await;
            }
            _ => {}
        }
        let answer = self.ask(provider, request).await;
        if request.method == "POST" {
            let Brought::Answer { status, .. } = &answer else {
                unreachable!("it answers")
            };
            let key = key.unwrap_or_default();
            self.log
                .say(format!("{provider}: POST {} {key}: {status}", request.path));
        }
        // A crash here: done, and nobody knows.
        self.table.turn().await;
        match trouble {
            Some(Trouble::LostOnTheWayBack) => Brought::Lost("played".to_owned()),
            Some(Trouble::ErrorAfter) => broken(500),
            _ => answer,
        }
    }
}

impl Carrier for Line {
    fn carry<'a>(
        &'a self,
        provider: &'static str,
        request: &'a Request,
    ) -> Pin<Box<dyn Future<Output = Brought> + Send + 'a>> {
        Box::pin(self.carry_once(provider, request))
    }
}
