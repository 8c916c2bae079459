//! Connections: accepted, kept from waiting for nothing, and ended when the process is
//! told to stop.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::{HeaderValue, header};
use axum::serve::Listener;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::shutdown::Shutdown;

/// What a request's head has to come within; a connection that is kept open waits as
/// long for the next one.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// The same once the process was told to stop: a client that keeps its connection could
/// not know, and would not learn what became of what it just sent.
const LAST_HEAD_WITHIN: Duration = Duration::from_secs(1);

/// Serves until the shutdown begins, and then ends what was begun, but waits no longer
/// than `within`. Whoever comes meanwhile hears that the service is stopping.
pub async fn serve(listener: TcpListener, router: Router, shutdown: &Shutdown, within: Duration) {
    // Connections that are waited for listen.
    let waited_for = watch::Sender::new(());
    let cut_off = watch::Sender::new(false);
    let end = async {
        shutdown.begun().await;
        let rest = async {
            waited_for.closed().await;
            shutdown.work_done().await;
        };
        if tokio::time::timeout(within, rest).await.is_err() {
            tracing::warn!(
                connections = waited_for.receiver_count(),
                "stopping while requests are not answered"
            );
        }
        let work = shutdown.work_left();
        if work > 0 {
            tracing::error!(
                work,
                "stopping while money is being moved: nothing of it is lost, `quittance reconcile` \
                 and `quittance collect` finish it"
            );
        }
    };
    tokio::select! {
        () = accept(listener, router, shutdown, &waited_for, &cut_off) => {}
        () = end => {}
    }
    cut_off.send_replace(true);
}

async fn accept(
    mut listener: TcpListener,
    router: Router,
    shutdown: &Shutdown,
    waited_for: &watch::Sender<()>,
    cut_off: &watch::Sender<bool>,
) {
    loop {
        // It waits until errors pass.
        let (stream, peer) = Listener::accept(&mut listener).await;
        let is_waited_for = (!shutdown.has_begun()).then(|| waited_for.subscribe());
        let (router, shutdown) = (router.clone(), shutdown.clone());
        let is_cut_off = cut_off.subscribe();
        tokio::spawn(async move {
            converse(stream, peer, router, &shutdown, is_cut_off).await;
            drop(is_waited_for);
        });
    }
}

/// Answers what comes on a connection, until its end.
async fn converse(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    shutdown: &Shutdown,
    mut is_cut_off: watch::Receiver<bool>,
) {
    let has_asked = AtomicBool::new(false);
    let asks = &has_asked;
    let router = TowerToHyperService::new(router);
    let service = service_fn(|mut request: Request<Incoming>| {
        asks.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(ConnectInfo(peer));
        let answer = router.call(request);
        async move {
            let mut answer = answer.await?;
            if shutdown.has_begun() {
                // Its client knows by that that it is not to ask here again.
                let close = HeaderValue::from_static("close");
                answer.headers_mut().insert(header::CONNECTION, close);
            }
            Ok::<_, Infallible>(answer)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return note(ended),
        () = shutdown.begun() => {}
    }
    // What its client sent meanwhile is still read, and answered.
    tokio::select! {
        ended = connection.as_mut() => return note(ended),
        () = tokio::time::sleep(LAST_HEAD_WITHIN) => {}
    }
    // Closed at once where it waits for another request, else after this one.
    connection.as_mut().graceful_shutdown();
    if !has_asked.load(Ordering::Relaxed) {
        return;
    }
    tokio::select! {
        ended = connection.as_mut() => note(ended),
        _ = is_cut_off.wait_for(|is_cut_off| *is_cut_off) => {}
    }
}

/// Clients hang up, or stop in the middle: that is theirs.
fn note(ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke off");
    }
}
