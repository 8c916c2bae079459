//! A database of its own for every test, and the binary on it.

pub mod direct_debit;
mod golden;
mod postgres;
mod served;
mod template;
pub mod wall;
mod watch;

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use sqlx::Connection as _;
use tempfile::TempDir;

pub use golden::golden;
pub use served::{Reply, Served};
use template::Template;
pub use watch::Watch;

/// When the tests take place: October 2026 is over.
pub const NOW: &str = "2026-11-02T08:00:00Z";

/// What a test's server does without: nothing of it outlives the test.
const NOT_DURABLE: &str = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off";

/// Runs a test on SQLite and on PostgreSQL.
#[macro_export]
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[test] fn $name() { super::$name(&$crate::support::House::sqlite()); })*
        }
        mod postgres {
            $(#[test] fn $name() { super::$name(&$crate::support::House::postgres()); })*
        }
    };
}

/// A database and a folder for files.
pub struct House {
    folder: TempDir,
    url: String,
    now: RefCell<String>,
    env: RefCell<Vec<(&'static str, String)>>,
    // Stops when the test ends.
    cluster: Option<postgres::Cluster>,
}

/// What a command answered.
#[derive(Debug)]
pub struct Answer {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Answer {
    /// The JSON it printed.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }
}

impl House {
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("q.sqlite");
        std::fs::copy(&Template::get().sqlite, &file).unwrap();
        let url = format!("sqlite:{}", file.display());
        Self::new(folder, url, None)
    }

    pub fn postgres() -> Self {
        let cluster = postgres::Cluster::copy(&Template::get().postgres, NOT_DURABLE);
        Self::new(tempfile::tempdir().unwrap(), cluster.url(), Some(cluster))
    }

    fn new(folder: TempDir, url: String, cluster: Option<postgres::Cluster>) -> Self {
        Self {
            folder,
            url,
            now: RefCell::new(NOW.to_owned()),
            env: RefCell::default(),
            cluster,
        }
    }

    /// Another empty house on a database of the same kind.
    pub fn sibling(&self) -> Self {
        match self.cluster {
            None => Self::sqlite(),
            Some(_) => Self::postgres(),
        }
    }

    /// From now on it is this time, such as `2026-11-03T08:00:00Z`.
    pub fn set_now(&self, now: &str) {
        now.clone_into(&mut self.now.borrow_mut());
    }

    /// The time that it is.
    pub fn now(&self) -> String {
        self.now.borrow().clone()
    }

    /// Commands find this in their environment from now on.
    pub fn set_env(&self, name: &'static str, value: &str) {
        self.env.borrow_mut().push((name, value.to_owned()));
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file into the folder.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// The database's URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quittance"));
        command
            .args(args)
            .current_dir(self.folder.path())
            .env("DATABASE_URL", &self.url)
            .env("QUITTANCE_NOW", self.now.borrow().as_str())
            .env_remove("QUITTANCE_CONFIG")
            .env_remove("QUITTANCE_LOG");
        for (name, value) in self.env.borrow().iter() {
            command.env(name, value);
        }
        command
    }

    /// Runs a command to its end, whatever it answers.
    pub fn try_run(&self, args: &[&str]) -> Answer {
        let output = self.command(args).output().unwrap();
        Answer {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs a command that must succeed.
    #[track_caller]
    pub fn run(&self, args: &[&str]) -> Answer {
        let answer = self.try_run(args);
        assert_eq!(answer.code, Some(0), "{args:?}: {answer:?}");
        answer
    }

    /// Runs a command that must fail.
    #[track_caller]
    pub fn refuse(&self, args: &[&str]) -> Answer {
        let answer = self.try_run(args);
        assert_eq!(answer.code, Some(1), "{args:?}: {answer:?}");
        answer
    }

    pub fn spawn(&self, args: &[&str]) -> Child {
        self.command(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    #[track_caller]
    pub fn import(&self, kind: &str, content: impl AsRef<[u8]>) -> Answer {
        let file = self.file(&format!("{kind}.csv"), content);
        self.run(&["import", kind, file.to_str().unwrap()])
    }

    /// Imports the sample prices.
    pub fn import_catalog(&self) {
        self.import("catalog", include_str!("../../../fixtures/catalog.csv"));
    }

    /// Imports account rows.
    #[track_caller]
    pub fn import_accounts(&self, rows: &str) {
        self.import("accounts", format!("{ACCOUNT_COLUMNS}\n{rows}"));
    }

    /// Imports usage rows.
    #[track_caller]
    pub fn import_usage(&self, rows: &str) -> Answer {
        self.import("usage", format!("{USAGE_COLUMNS}\n{rows}"))
    }

    /// Every invoice of a month, whole.
    pub fn invoices(&self, period: &str) -> Vec<Value> {
        let invoices = self.run(&["invoice", "list", period, "--json"]).json();
        invoices.as_array().unwrap().clone()
    }

    /// Whether the database is SQLite, where an edit has to be put otherwise.
    pub fn is_sqlite(&self) -> bool {
        self.url.starts_with("sqlite:")
    }

    /// Looks into the database behind the binary's back.
    pub fn watch(&self) -> Watch {
        Watch::on(&self.url)
    }

    /// Edits the database behind the binary's back.
    pub fn edit(&self, statement: &str) {
        assert!(self.execute(statement) > 0, "the edit changed nothing");
    }

    /// Runs a statement behind the binary's back; the rows it changed.
    pub fn execute(&self, statement: &str) -> u64 {
        let statement = statement.to_owned();
        let url = self.url.clone();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async move {
            let query = sqlx::AssertSqlSafe(statement);
            if url.starts_with("sqlite:") {
                let mut conn = sqlx::SqliteConnection::connect(&url).await.unwrap();
                sqlx::query(query)
                    .execute(&mut conn)
                    .await
                    .unwrap()
                    .rows_affected()
            } else {
                let mut conn = sqlx::PgConnection::connect(&url).await.unwrap();
                sqlx::query(query)
                    .execute(&mut conn)
                    .await
                    .unwrap()
                    .rows_affected()
            }
        })
    }
}

pub const ACCOUNT_COLUMNS: &str = "id,username,email,full_name,company,country,address_line1,postal_code,city,vat_number,currency,created_at";
pub const USAGE_COLUMNS: &str = "id,account,app,kind,type,plan,quantity,started_at,ended_at";

/// A French company, a Polish consumer, a German company with a VAT number.
pub const THREE_ACCOUNTS: &str = "\
acc-1,ada,ada@example.com,Ada Lovelace,Analytical SAS,FR,1 rue du Pont,67000,Strasbourg,FR40303265045,EUR,2025-01-05T10:00:00Z
acc-2,jan,jan@example.com,Jan Kowalski,,PL,ul. Długa 5,00-238,Warszawa,,EUR,2025-01-05T10:00:00Z
acc-3,jorg,j@example.com,Jörg Brückner,Brückner GmbH,DE,Elbstraße 14,22767,Hamburg,DE136695909,EUR,2025-01-05T10:00:00Z
";

/// Two containers all October (744 h and the hour of the change to winter
/// time), an addon for 19.5 days, and a little of the others.
pub const THREE_USAGES: &str = "\
u1,acc-1,shop,container,web,M,2,2026-09-15T00:00:00+02:00,
u2,acc-1,shop,addon,postgresql,starter,1,2026-10-01T00:00:00+02:00,2026-10-20T12:00:00+02:00
u3,acc-2,blog,container,web,S,1,2026-10-01T00:00:00+02:00,2026-11-01T00:00:00+01:00
u4,acc-3,lager,container,web,XL,1,2026-10-10T00:00:00+02:00,2026-10-20T00:00:00+02:00
";

/// A house with the three accounts and their usage.
pub fn furnish(house: &House) {
    house.import_catalog();
    house.import_accounts(THREE_ACCOUNTS);
    house.import_usage(THREE_USAGES);
}

/// Where the checkers of `scripts/install-test-tools` are.
pub fn checkers() -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/checkers");
    let installed = std::fs::read_to_string(path.join("installed")).unwrap_or_default();
    let wanted = concat!(
        include_str!("../../checkers/requirements.txt"),
        include_str!("../../checkers/npm.txt")
    );
    assert!(
        installed == wanted,
        "the checkers are not there, or others: run scripts/install-test-tools"
    );
    path
}
