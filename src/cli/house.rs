//! Opens the house as the global options say.

use std::path::Path;

use anyhow::{Context as _, Result};

use super::Global;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::clock::Clock;
use crate::complain;
use crate::config::Config;
use crate::engine::run::Engine;
use crate::store::{IfMissing, Store};

/// Where the settings are looked for when nothing names them.
const CONFIG_FILE: &str = "quittance.toml";

impl Global {
    /// Starts the log. Dependencies log their requests, addresses and all, so
    /// only our own words are written.
    pub fn start_log(&self, default: tracing::Level) {
        let own = Targets::new().with_target("quittance", self.log.unwrap_or(default));
        let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(false);
        let registry = tracing_subscriber::registry().with(own);
        if self.log_json {
            registry.with(lines.json()).init();
        } else {
            registry.with(lines).init();
        }
    }

    pub fn clock(&self) -> Clock {
        self.now.map_or(Clock::System, Clock::Fixed)
    }

    pub fn load_config(&self) -> Result<Config> {
        let path = match &self.config {
            Some(path) => Some(path.as_path()),
            None => Some(Path::new(CONFIG_FILE)).filter(|path| path.exists()),
        };
        Ok(Config::load(path)?)
    }

    /// The engine over the database and settings named.
    pub async fn open(&self) -> Result<Engine> {
        self.open_or(IfMissing::Refuse).await
    }

    /// As [`Self::open`], creating a SQLite file that is not there.
    pub async fn open_or_create(&self) -> Result<Engine> {
        self.open_or(IfMissing::Create).await
    }

    async fn open_or(&self, if_missing: IfMissing) -> Result<Engine> {
        let config = self.load_config()?;
        let url = self.database_url.as_deref().filter(|url| !url.is_empty()).context(
            "no database: pass --database-url or set DATABASE_URL, such as sqlite:quittance.sqlite or \
             postgres://user@host/name",
        )?;
        let store = Store::open(url, if_missing).await?;
        Ok(Engine::new(store, config, self.clock()))
    }

    /// As [`Self::open`], with a word about the sample issuer where invoices
    /// are made in its name.
    pub async fn open_to_bill(&self) -> Result<Engine> {
        let engine = self.open().await?;
        if engine.config.is_sample {
            complain!(
                "warning: no {CONFIG_FILE} here: invoices are issued in the name of the sample issuer {}. \
                 deploy/quittance.toml shows the settings.",
                engine.config.issuer.name
            );
        }
        Ok(engine)
    }
}
