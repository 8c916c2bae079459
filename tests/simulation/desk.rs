//! The staff's desk for direct debits: files are made, released or taken back, and what
//! the bank sent is imported.

use std::cell::RefCell;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use chrono::NaiveDate;
use quittance::engine::bank::ReadProgress;
use quittance::engine::run::Engine;
use quittance::store::rows::BatchState;

use crate::bank::Bank;
use crate::dice::Dice;
use crate::log::Log;
use crate::people::BY;

struct Silent;

impl ReadProgress for Silent {
    fn read(&self, _bytes: u64) {}
}

/// What the desk has a mind to on a day.
#[derive(Debug, Clone, Copy)]
pub struct Mood {
    /// A file that waits since another day is taken back, not released.
    cancels: bool,
    /// The new file is left for another day.
    leaves: bool,
}

impl Mood {
    pub fn draw(dice: &mut Dice, is_quiet: bool) -> Self {
        Self {
            cancels: dice.permille(100) && !is_quiet,
            leaves: dice.permille(150) && !is_quiet,
        }
    }
}

/// Whoever sits at the desk.
pub struct Clerk {
    pub engine: Engine,
    pub log: Arc<Log>,
    /// What no log may name, for it is another one each time.
    pub folder: PathBuf,
}

impl Clerk {
    fn say(&self, what: impl std::fmt::Display) {
        let folder = self.folder.display().to_string();
        self.log.say(format!("desk: {what}").replace(&folder, ""));
    }

    /// `sepa batch` and `sepa release`, and what was left of another day first.
    pub async fn make_files(self, mood: Mood) {
        let batches = match self.engine.batches().await {
            Ok(batches) => batches,
            Err(error) => return self.say(error),
        };
        for batch in batches {
            if batch.state != BatchState::Made {
                continue;
            }
            if mood.cancels {
                self.cancel(&batch.id).await;
            } else {
                self.release(&batch.id).await;
            }
        }
        match self.engine.make_batch(None, None).await {
            Ok(made) => {
                let Some(id) = made.id else {
                    return;
                };
                self.say(format!("made {id} of {} debits", made.debits));
                for left_out in made.left_out {
                    self.say(format!("  left out: {left_out:?}"));
                }
                if !mood.leaves {
                    self.release(&id).await;
                }
            }
            Err(error) => self.say(format!("no file: {error}")),
        }
    }

    async fn release(&self, id: &str) {
        match self.engine.release_batch(id, BY).await {
            Ok(_) => self.say(format!("released {id}")),
            Err(error) => {
                self.say(format!("does not release {id}: {error}"));
                self.cancel(id).await;
            }
        }
    }

    async fn cancel(&self, id: &str) {
        match self.engine.cancel_batch(id, BY).await {
            Ok(_) => self.say(format!("took {id} back")),
            Err(error) => self.say(format!("does not take {id} back: {error}")),
        }
    }

    /// `sepa import` of what the bank sent: by its name, and where it is.
    pub async fn import(self, files: Vec<(String, PathBuf)>, read: Rc<RefCell<Vec<String>>>) {
        for (name, path) in files {
            match self
                .engine
                .import_bank_answer(&path, Arc::new(Silent))
                .await
            {
                Ok(report) => {
                    self.say(format!(
                        "{name}: {:?}, {} known, {} unmatched",
                        report.outcomes, report.known, report.unmatched
                    ));
                    read.borrow_mut().push(name);
                }
                Err(error) => self.say(format!("{name}: {error}")),
            }
        }
    }
}

/// The files that were released, each taken to the bank once.
#[derive(Default)]
pub struct Courier {
    brought: HashSet<String>,
}

impl Courier {
    pub async fn go(
        &mut self,
        engine: &Engine,
        bank: &mut Bank,
        folder: &Path,
        on: NaiveDate,
    ) -> Vec<String> {
        let mut batches = engine.batches().await.unwrap();
        batches.retain(|batch| {
            batch.state == BatchState::Released && !self.brought.contains(&batch.id)
        });
        batches.reverse();
        let mut brought = Vec::new();
        for batch in batches {
            let out = folder.join(format!("{}.xml", batch.id));
            engine.batch_file(&batch.id, &out).await.unwrap();
            bank.receive(&std::fs::read_to_string(&out).unwrap(), on);
            std::fs::remove_file(&out).unwrap();
            self.brought.insert(batch.id.clone());
            brought.push(batch.id);
        }
        brought
    }
}
