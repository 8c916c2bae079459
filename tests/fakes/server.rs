//! A server of its own for every fake.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use tokio::sync::oneshot;

/// Serves a router on a free port of the loopback until it is dropped.
pub struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub fn start(router: Router) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let serving = axum::serve(listener, router);
                tokio::select! {
                    served = serving => served.unwrap(),
                    _ = stopped => {}
                }
            });
            // Requests that hang on purpose must not keep the thread.
            runtime.shutdown_background();
        });
        Self {
            address,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Such as `http://127.0.0.1:43117`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What goes wrong with one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Declined with this code.
    Decline(&'static str),
    /// 500, and nothing was done.
    ErrorBefore,
    /// It was done, and then 500.
    ErrorAfter,
    /// It was done, and the connection breaks within the answer.
    BrokenOffAfter,
    /// It was done, and no answer ever comes.
    HangAfter,
    /// It was done, and the answer is no JSON.
    MalformedAfter,
    /// It is done, but late.
    Slow(Duration),
    /// 429, and nothing was done.
    TooMany,
}

/// The faults to come, one for each request that moves money.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Mutex<VecDeque<Option<Fault>>>>);

impl Faults {
    /// The next request fares so, after those told before; `None` is no fault.
    pub fn push(&self, fault: impl Into<Option<Fault>>) {
        self.0.lock().unwrap().push_back(fault.into());
    }

    /// Nothing goes wrong any more.
    pub fn clear(&self) {
        self.0.lock().unwrap().clear();
    }

    pub fn next(&self) -> Option<Fault> {
        self.0.lock().unwrap().pop_front().flatten()
    }
}

/// An answer that breaks off.
pub fn broken_off() -> Response {
    let start: Result<&'static [u8], std::io::Error> = Ok(b"{\"id\": \"");
    let broken = Err(std::io::Error::other("broken off on purpose"));
    let body = Body::from_stream(futures_util::stream::iter([start, broken]));
    ([("content-type", "application/json")], body).into_response()
}
