//! `quittance serve`.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::Args;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::Global;
use crate::engine::access::AccessKeys;
use crate::engine::schedule::Clockwork;
use crate::http;
use crate::say;

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
    let router = http::router(Arc::clone(&engine), keys)?;
    let listener = TcpListener::bind(args.listen)
        .await
        .with_context(|| format!("{} cannot be listened on", args.listen))?;
    say!("listening on http://{}", listener.local_addr()?);
    let (stop, stopped) = watch::channel(false);
    let clockwork = Clockwork::new(Arc::clone(&engine));
    let schedule = async {
        if !args.no_schedule {
            clockwork.run(stopped).await;
        }
    };
    let listen = async {
        let served = http::serve(listener, router, stop_signal()).await;
        // What a job has begun is ended before the process is.
        stop.send_replace(true);
        served
    };
    let (served, ()) = tokio::join!(listen, schedule);
    served?;
    engine.store.clone().close().await;
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
