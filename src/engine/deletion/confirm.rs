//! The link is used: nothing more may be used, what was is billed, and charged.

use serde_json::json;

use super::DeletionError;
use crate::domain::account::Language;
use crate::domain::calendar::Instant;
use crate::domain::deletion::{DeletionState, decide};
use crate::domain::ids::{AccountId, RunId};
use crate::domain::invoice::InvoiceNumber;
use crate::domain::notice::OrderTopic;
use crate::domain::payment::Trigger;
use crate::engine::collect::Request;
use crate::engine::link::{BY_LINK, digest_of};
use crate::engine::run::{Engine, RunFacts};
use crate::on;
use crate::store::rows::{ByPerson, LinkPurpose, NewOrder, Run, RunState, StoredDeletion};
use crate::store::{StoreError, Tx};

/// How often a confirmation is tried that collides with an import or a batch.
const TRIES: u32 = 5;

/// Whoever uses a link, and what it says of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Consent<'a> {
    pub token: &'a str,
    /// The deletion that it takes the link to be of, where it says.
    pub no: Option<i64>,
    pub reason: Option<&'a str>,
    pub details: Option<&'a str>,
}

/// As long as a line on a screen.
const REASON_CHARS_MAX: usize = 255;
const DETAILS_CHARS_MAX: usize = 2_000;

impl<'a> Consent<'a> {
    /// By a link alone.
    #[must_use]
    pub fn by(token: &'a str) -> Self {
        Self {
            token,
            ..Self::default()
        }
    }

    /// What is kept of why: it goes with the account.
    fn why(self) -> Result<String, DeletionError> {
        let mut why = BY_LINK.reason.to_owned();
        for (field, text, chars_max) in [
            ("reason", self.reason, REASON_CHARS_MAX),
            ("details", self.details, DETAILS_CHARS_MAX),
        ] {
            let text = text.unwrap_or_default().trim();
            if text.chars().count() > chars_max {
                let reason = format!("is too long (maximum is {chars_max} characters)");
                return Err(DeletionError::Said(field, reason));
            }
            let is_odd = |char: char| char.is_control() && !char.is_whitespace();
            if text.contains(is_odd) {
                return Err(DeletionError::Said(
                    field,
                    "has control characters".to_owned(),
                ));
            }
            if !text.is_empty() {
                why.push_str(&format!("; {field}: {text}"));
            }
        }
        Ok(why)
    }
}

/// A deletion that was confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmed {
    pub account: AccountId,
    pub external_id: String,
    /// The invoice of what it used until now, where there was anything.
    pub final_invoice: Option<InvoiceNumber>,
    /// Where it stands now.
    pub state: DeletionState,
}

impl Engine {
    /// Whether a link works now, and its customer's language. Looking changes
    /// nothing: what fetches links in mails deletes nothing.
    ///
    /// # Errors
    /// [`DeletionError::Link`] when it does not, whatever the reason.
    pub async fn deletion_link(&self, token: &str) -> Result<Language, DeletionError> {
        let mut tx = self.store.snapshot().await?;
        let deletion = self.of_link(&mut tx, Consent::by(token)).await?;
        let account = deletion.account;
        Ok(on!(&mut tx, conn, q => q::account_language(conn, account).await)?)
    }

    /// Confirms a deletion by its link, which works once. Apps and addons stop, what
    /// was used this month is billed and charged at once, and where nothing is owed
    /// the erasing begins.
    ///
    /// # Errors
    /// [`DeletionError::Link`] when the link does not work; otherwise as
    /// [`Self::ask_deletion`], and the link still works. That the final invoice is
    /// not paid is no error: settling waits for it.
    pub async fn confirm_deletion(&self, consent: Consent<'_>) -> Result<Confirmed, DeletionError> {
        let why = consent.why()?;
        let mut tries = 0;
        let deletion = loop {
            match self.begin_settling(consent, &why).await {
                Err(error) if is_race(&error) && tries < TRIES => tries += 1,
                done => break done?,
            }
        };
        let account = deletion.account;
        // Whatever keeps it from being charged now, the schedule charges it again.
        let request = Request::of_account(account, Trigger::Person { only: None });
        if let Err(error) = self.charge_account(account, &request).await {
            tracing::error!(%account, %error, "the final invoice is not charged yet");
        }
        if let Err(error) = self.advance_settling(account).await {
            tracing::error!(%account, %error, "the deletion does not go on yet");
        }
        let mut tx = self.store.snapshot().await?;
        let no = deletion.no;
        let now = on!(&mut tx, conn, q => q::find_deletion(conn, account, no).await)?;
        let final_invoice = match deletion.final_period {
            Some(period) => {
                on!(&mut tx, conn, q => q::find_invoice_number(conn, account, period).await)?
            }
            None => None,
        };
        tx.rollback().await?;
        Ok(Confirmed {
            account,
            external_id: deletion.external_id,
            final_invoice,
            state: now.map_or(deletion.state, |now| now.state),
        })
    }

    /// The deletion whose link this is, where it works now.
    async fn of_link(
        &self,
        tx: &mut Tx,
        consent: Consent<'_>,
    ) -> Result<StoredDeletion, DeletionError> {
        let digest = digest_of(LinkPurpose::Deletion, consent.token);
        let found = on!(&mut *tx, conn, q => q::deletion_of_link(conn, digest).await)?;
        let now = self.clock.now();
        found
            .filter(|found| consent.no.is_none_or(|no| no == found.no))
            .filter(|found| found.state == DeletionState::Asked)
            .filter(|found| found.link_until.is_some_and(|until| now < until))
            .ok_or(DeletionError::Link)
    }

    /// In one transaction: the link is used up, the month is billed as far as it
    /// went, and the platform is told to stop what runs.
    async fn begin_settling(
        &self,
        consent: Consent<'_>,
        why: &str,
    ) -> Result<StoredDeletion, DeletionError> {
        // The issuer's version is stored in a transaction of its own.
        let mut tx = self.store.snapshot().await?;
        self.of_link(&mut tx, consent).await?;
        tx.rollback().await?;
        let run = Run {
            id: RunId(0),
            period: self.month_now()?,
            state: RunState::Planned,
            paused: false,
            planned_at: self.clock.now(),
        };
        let facts = RunFacts::load(self, run).await?;

        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        // As a batch of the month run does, so that no usage comes in between: and
        // before the account, which an import under way may wait for.
        on!(&mut tx, conn, q => q::close_gate(conn).await)?;
        let asked = self.of_link(&mut tx, consent).await?;
        let (account, no) = (asked.account, asked.no);
        on!(&mut tx, conn, q => q::lock_account(conn, account).await)?;
        // Somebody else may have used the link meanwhile.
        let asked = self.of_link(&mut tx, consent).await?;
        let known = self
            .leaving_facts(&mut tx, account, asked.gives_up_credit)
            .await?;
        decide(&known).map_err(DeletionError::Refused)?;
        self.settle_early(&mut tx, &facts, account).await?;
        let period = facts.run.period.key;
        on!(&mut tx, conn, q => q::begin_settling(conn, account, no, period, now).await)?;
        deactivate(&mut tx, account, no, now).await?;
        let by = ByPerson {
            reason: why,
            ..BY_LINK
        };
        let subject = format!("deletion {no}");
        on!(&mut tx, conn, q => {
            q::write_audit(conn, account, by, "deletion_confirmed", now, Some(&subject), None).await
        })?;
        tx.commit().await?;
        Ok(StoredDeletion {
            state: DeletionState::Settling,
            final_period: Some(period),
            ..asked
        })
    }
}

/// Tells the platform to stop whatever the account runs.
async fn deactivate(
    tx: &mut Tx,
    account: AccountId,
    no: i64,
    now: Instant,
) -> Result<(), StoreError> {
    let order = NewOrder {
        account,
        key: format!("deactivate:{no}"),
        topic: OrderTopic::Suspend,
        payload: json!({ "reason": "deletion" }).to_string(),
    };
    on!(&mut *tx, conn, q => q::insert_orders(conn, &[order], now).await)
}

fn is_race(error: &DeletionError) -> bool {
    match error {
        DeletionError::Store(error)
        | DeletionError::Run(crate::engine::run::RunError::Store(error)) => error.is_race(),
        _ => false,
    }
}
