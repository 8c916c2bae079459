//! Databases that have their tables already: they are made once for each build of the
//! tests, and every test begins with a copy.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::UNIX_EPOCH;

use quittance::store::{IfMissing, Store};
use sqlx::{Connection as _, Executor as _};

use super::NOT_DURABLE;
use super::postgres::Cluster;

/// What every test copies.
pub struct Template {
    /// A SQLite file.
    pub sqlite: PathBuf,
    /// The folder of a stopped PostgreSQL server.
    pub postgres: PathBuf,
}

impl Template {
    /// The template of this build; whoever comes first makes it, and the others wait.
    pub fn get() -> &'static Self {
        static TEMPLATE: OnceLock<Template> = OnceLock::new();
        TEMPLATE.get_or_init(|| {
            let root = Path::new(env!("CARGO_TARGET_TMPDIR"));
            let lock = File::create(root.join("templates.lock")).unwrap();
            lock.lock().unwrap();
            let folder = root.join(format!("templates-{}", build()));
            let template = Self {
                sqlite: folder.join("q.sqlite"),
                postgres: folder.join("data"),
            };
            if !folder.exists() {
                remove_older(root);
                // It has its name once it is whole.
                let begun = tempfile::tempdir_in(root).unwrap();
                make_sqlite(&begun.path().join("q.sqlite"));
                make_postgres(&begun.path().join("data"));
                std::fs::rename(begun.keep(), &folder).unwrap();
            }
            template
        })
    }
}

/// Another build may have other tables.
fn build() -> String {
    let program = std::env::current_exe().unwrap().metadata().unwrap();
    let at = program.modified().unwrap().duration_since(UNIX_EPOCH);
    format!("{}-{}", program.len(), at.unwrap().as_nanos())
}

fn remove_older(root: &Path) {
    for entry in std::fs::read_dir(root).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if name.to_string_lossy().starts_with("templates-") {
            std::fs::remove_dir_all(entry.path()).unwrap();
        }
    }
}

fn make_sqlite(file: &Path) {
    wait(make_tables(&format!("sqlite:{}", file.display())));
}

fn make_postgres(data: &Path) {
    let cluster = Cluster::start(NOT_DURABLE, &["--wal-segsize=1"]);
    let url = cluster.url();
    wait(async {
        make_tables(&url).await;
        // Two thirds of the files that every test would copy.
        let mut conn = sqlx::PgConnection::connect(&url).await.unwrap();
        for statement in [
            "UPDATE pg_database SET datistemplate = false, datallowconn = true",
            "DROP DATABASE template0",
            "DROP DATABASE template1",
        ] {
            conn.execute(statement).await.unwrap();
        }
        conn.close().await.unwrap();
    });
    cluster.stop_and_keep(data);
}

async fn make_tables(url: &str) {
    let store = Store::open(url, IfMissing::Create).await.unwrap();
    store.close().await;
}

fn wait(work: impl Future<Output = ()>) {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap().block_on(work);
}
