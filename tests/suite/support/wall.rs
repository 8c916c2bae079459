//! A statement that no process gets past, so that where one is killed is not left to
//! chance.

use std::os::unix::process::ExitStatusExt as _;
use std::process::Child;

use super::{House, Watch};

const SIGKILL: i32 = 9;
/// A trigger may not recurse, but may read a view that does.
const ENDLESS: &str = "CREATE VIEW endless AS \
     WITH RECURSIVE again (n) AS (SELECT 1 UNION ALL SELECT n FROM again) SELECT n FROM again";

/// Whoever writes a row of a table stays there, within its transaction.
pub struct Wall {
    watch: Watch,
    url: String,
    is_sqlite: bool,
}

impl Wall {
    pub fn before(house: &House, table: &str) -> Self {
        let (mut watch, is_sqlite) = (house.watch(), house.is_sqlite());
        if is_sqlite {
            watch.execute(ENDLESS);
            for event in ["INSERT", "UPDATE"] {
                watch.execute(&format!(
                    "CREATE TRIGGER wall_{event} BEFORE {event} ON {table} \
                     BEGIN SELECT COUNT(*) FROM endless; END"
                ));
            }
        } else {
            // A row that refers to the table, or may, only shares its lock, and passes.
            watch.execute(&format!("BEGIN; LOCK TABLE {table} IN SHARE MODE"));
        }
        Self {
            watch,
            url: house.url().to_owned(),
            is_sqlite,
        }
    }

    /// Kills a process that came to the wall, and takes the wall down. On SQLite nobody
    /// tells which statement a process is at: it has come once it is in a transaction
    /// after `stands` is so, which looks at what was there before.
    #[track_caller]
    pub fn kill(mut self, child: &mut Child, stands: impl Fn(&mut Watch) -> bool) {
        // What others do is told once a transaction, and the wall is one.
        let mut beside = Watch::on(&self.url);
        let mut has_come = || {
            stands(&mut beside)
                && match self.is_sqlite {
                    true => beside.is_written_to(),
                    false => beside.someone_waits(),
                }
        };
        while !has_come() {
            assert_eq!(child.try_wait().unwrap(), None, "it came past the wall");
            std::thread::yield_now();
        }
        drop(beside);
        kill(child);
        if self.is_sqlite {
            self.watch.execute("DROP TRIGGER wall_INSERT");
            self.watch.execute("DROP TRIGGER wall_UPDATE");
            self.watch.execute("DROP VIEW endless");
        } else {
            self.watch.execute("ROLLBACK");
        }
        self.watch.until_alone();
    }
}

/// Kills a process that has not ended by itself.
#[track_caller]
pub fn kill(child: &mut Child) {
    child.kill().unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.signal(), Some(SIGKILL), "it had ended: {status}");
}
