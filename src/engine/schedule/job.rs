//! The jobs of the schedule.

use std::fmt;
use std::num::NonZeroUsize;

use crate::domain::money::Money;
use crate::domain::payment::Trigger;
use crate::engine::collect::Request;
use crate::engine::reconcile::Reconciliation;
use crate::engine::run::Engine;
use crate::store::rows::InvoiceScope;

/// Something that is done again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Job {
    /// Bills the months that ended, and announces their invoices.
    MonthRun,
    /// Finishes payments, refunds, purchases and disputes whose outcome is out.
    Reconcile,
    /// Charges what is due: on the retry ladder, and what credit can pay.
    Collect,
    /// Takes the steps of accounts that do not pay.
    Dunning,
    /// Tells customers whose card is about to expire, whose contact about health data
    /// is to be looked at again, and whose budget is used up in part.
    Cards,
    /// Lets accounts that leave go on: settled, erased, forgotten.
    Deletion,
    /// Mails customers, and tells the platform what to do.
    Deliver,
}

impl Job {
    /// In the order in which one round does them: what is known of payments before
    /// anyone is charged, and that before anyone is warned.
    pub const ALL: [Self; 7] = [
        Self::MonthRun,
        Self::Reconcile,
        Self::Collect,
        Self::Dunning,
        Self::Cards,
        Self::Deletion,
        Self::Deliver,
    ];

    /// The name that settings and commands know.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::MonthRun => "month_run",
            Self::Reconcile => "reconcile",
            Self::Collect => "collect",
            Self::Dunning => "dunning",
            Self::Cards => "cards",
            Self::Deletion => "deletion",
            Self::Deliver => "deliver",
        }
    }

    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|job| job.code() == code)
    }
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// What a job did, for people: nothing where it had nothing to do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobReport {
    pub did: Vec<String>,
    /// What a person has to look at. The rest of the job was done.
    pub problems: Vec<String>,
}

impl JobReport {
    pub(super) fn did(&mut self, what: impl ToString) {
        self.did.push(what.to_string());
    }

    pub(super) fn problem(&mut self, what: impl ToString) {
        self.problems.push(what.to_string());
    }
}

impl Engine {
    /// Does whatever of a job is due now. What one part of it meets does not keep
    /// the others from being done; it stands in the report.
    pub async fn do_job(&self, job: Job) -> JobReport {
        let mut report = JobReport::default();
        match job {
            Job::MonthRun => self.bill_ended_months(&mut report).await,
            Job::Reconcile => self.reconcile_all(&mut report).await,
            Job::Collect => self.collect_due(&mut report).await,
            Job::Dunning => self.take_due_steps(&mut report).await,
            Job::Cards => {
                self.tell_of_cards(&mut report).await;
                self.ask_about_contacts(&mut report).await;
                self.alert_of_budgets(&mut report).await;
            }
            Job::Deletion => self.advance_leaving(&mut report).await,
            Job::Deliver => self.deliver_due(&mut report).await,
        }
        report
    }

    async fn reconcile_all(&self, report: &mut JobReport) {
        let Reconciliation {
            cards,
            refunds,
            purchases,
            disputes,
        } = self.reconcile().await;
        match cards {
            Ok(done) => {
                for (fate, payments) in &done.fates {
                    report.did(format!("{}: {fate}", counted(*payments, "payment")));
                }
                for (payment, problem) in &done.problems {
                    report.problem(format!("payment {payment}: {problem}"));
                }
            }
            Err(error) => report.problem(error),
        }
        match refunds {
            Ok(done) => {
                for refund in &done.refunds {
                    report.did(format!("refund {}: {}", refund.id, refund.state));
                }
                for (refund, problem) in &done.problems {
                    report.problem(format!("refund {refund}: {problem}"));
                }
            }
            Err(error) => report.problem(error),
        }
        match purchases {
            Ok(done) => {
                if done.asked > 0 {
                    report.did(format!(
                        "purchases and refunds of credit: {} asked for, {} finished",
                        done.asked, done.finished
                    ));
                }
                for unfinished in &done.unfinished {
                    report.problem(format!("{}: {}", unfinished.what, unfinished.error));
                }
            }
            Err(error) => report.problem(error),
        }
        match disputes {
            Ok(done) => {
                for (dispute, problem) in &done.problems {
                    report.problem(format!("dispute {dispute}: {problem}"));
                }
            }
            Err(error) => report.problem(error),
        }
    }

    async fn collect_due(&self, report: &mut JobReport) {
        let request = Request {
            scope: InvoiceScope::all_open(),
            trigger: Trigger::Schedule,
            failed_since: None,
        };
        match self.collect(&request, &|| {}).await {
            Ok(tally) => {
                for ((method, fate, currency), sum) in &tally.charged {
                    let amount = Money::new(sum.amount_minor, *currency);
                    report.did(format!(
                        "{} by {method}, {amount}: {fate}",
                        counted(sum.invoices, "invoice")
                    ));
                }
                for (account, problem) in &tally.problems {
                    report.problem(format!("account {account}: {problem}"));
                }
            }
            Err(error) => report.problem(error),
        }
    }

    async fn deliver_due(&self, report: &mut JobReport) {
        match self.deliver_outbox(u64::MAX, &|| {}).await {
            Ok(done) => {
                let counts = [
                    (done.sent, "sent"),
                    (done.retried, "to be tried again"),
                    (done.obsolete, "not so any more"),
                ];
                for (count, what) in counts {
                    if count > 0 {
                        report.did(format!("{}: {what}", counted(count, "message")));
                    }
                }
                if done.refused > 0 {
                    let refused = counted(done.refused, "message");
                    report.problem(format!("{refused} refused: see `quittance outbox list`"));
                }
                for (channel, reason) in &done.stopped {
                    report.problem(format!("{}: {reason}", channel.code()));
                }
            }
            Err(error) => report.problem(error),
        }
    }

    async fn tell_of_cards(&self, report: &mut JobReport) {
        if self.config.stripe.is_none() {
            return;
        }
        match self.tell_of_expiring_cards().await {
            Ok(tally) => {
                if tally.told > 0 {
                    report.did(format!("{} about to expire", counted(tally.told, "card")));
                }
                if tally.renewed > 0 {
                    let renewed = counted(tally.renewed, "card");
                    report.did(format!("{renewed} renewed by the bank"));
                }
                for (account, problem) in &tally.problems {
                    report.problem(format!("account {account}: {problem}"));
                }
            }
            Err(error) => report.problem(error),
        }
    }

    async fn ask_about_contacts(&self, report: &mut JobReport) {
        match self.remind_of_hds_contacts().await {
            Ok(0) => {}
            Ok(asked) => report.did(format!(
                "{} to be looked at again",
                counted(asked, "contact")
            )),
            Err(error) => report.problem(error),
        }
    }

    async fn alert_of_budgets(&self, report: &mut JobReport) {
        match self.tell_of_budgets().await {
            Ok(done) => {
                if done.told > 0 {
                    report.did(format!("{} reached", counted(done.told, "budget")));
                }
                for (account, problem) in &done.problems {
                    report.problem(format!("the budget of account {account}: {problem}"));
                }
            }
            Err(error) => report.problem(error),
        }
    }

    async fn advance_leaving(&self, report: &mut JobReport) {
        match self.advance_deletions().await {
            Ok(done) => {
                let counts = [
                    (done.lapsed, "request", "its link ran out"),
                    (done.begun, "account", "the erasing has begun"),
                    (done.done, "account", "erased"),
                    (done.untold, "account", "the mail that told so was refused"),
                    (
                        done.let_go,
                        "mandate or identity",
                        "kept long enough, erased",
                    ),
                ];
                for (count, one, what) in counts {
                    if count > 0 {
                        report.did(format!("{}: {what}", counted(count, one)));
                    }
                }
                for (account, problem) in &done.problems {
                    report.problem(format!("account {account}: {problem}"));
                }
            }
            Err(error) => report.problem(error),
        }
    }

    async fn take_due_steps(&self, report: &mut JobReport) {
        match self.dunning_round().await {
            Ok(tally) => {
                for (step, accounts) in &tally.taken {
                    report.did(format!("{step}: {}", counted(*accounts, "account")));
                }
                for (account, problem) in &tally.problems {
                    report.problem(format!("account {account}: {problem}"));
                }
            }
            Err(error) => report.problem(error),
        }
    }
}

/// `1 invoice`, `2 invoices`.
pub(super) fn counted(number: u64, one: &str) -> String {
    let many = if number == 1 { "" } else { "s" };
    format!("{number} {one}{many}")
}

/// As many workers as the machine has cores.
pub(super) fn workers() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}
