//! `quittance serve`.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;
use tokio::net::TcpListener;

use super::Global;
use crate::engine::access::AccessKeys;
use crate::engine::schedule::Clockwork;
use crate::http::{self, Shutdown};
use crate::say;

const CLOSE_WITHIN: Duration = Duration::from_secs(5);

#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Where to listen; put a proxy with TLS before it
    #[arg(
        long,
        env = "QUITTANCE_LISTEN",
        default_value = "127.0.0.1:8080",
        value_name = "ADDRESS:PORT"
    )]
    listen: SocketAddr,
    /// Only listen: something else runs `quittance tick`
    #[arg(long)]
    no_schedule: bool,
}

pub async fn serve(global: &Global, args: ServeArgs) -> Result<ExitCode> {
    let engine = Arc::new(global.open_to_bill().await?);
    let keys = match engine.config.vault {
        Some(_) => Some(AccessKeys::open(&engine.config)?),
        None => {
            tracing::warn!("there is no [vault] in the settings: the account API is not answered");
            None
        }
    };
    let shutdown = Shutdown::default();
    let router = http::router(Arc::clone(&engine), keys, &shutdown)?;
    let listener = TcpListener::bind(args.listen)
        .await
        .with_context(|| format!("{} cannot be listened on", args.listen))?;
    say!("listening on http://{}", listener.local_addr()?);
    let clockwork = Clockwork::new(Arc::clone(&engine));
    let schedule = async {
        if !args.no_schedule {
            clockwork.run(shutdown.subscribe()).await;
        }
    };
    // What a job has begun is ended before the process is, while requests are.
    let stop = async {
        stop_signal().await;
        shutdown.begin();
    };
    let within = Duration::from_secs(engine.config.api.shutdown_seconds.into());
    let listen = http::serve(listener, router, &shutdown, within);
    tokio::join!(listen, schedule, stop);
    // Whatever was not waited for may still be at the database.
    let closed = tokio::time::timeout(CLOSE_WITHIN, engine.store.clone().close());
    if closed.await.is_err() {
        tracing::warn!("stopping before the database is closed");
    }
    Ok(ExitCode::SUCCESS)
}

/// Waits to be told to stop: by Ctrl-C, or by the service manager.
async fn stop_signal() {
    let interrupt = async {
        // Where signals cannot be heard, the process is ended from outside.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending::<()>().await,
        }
    };
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}
