//! What a letter tells, read when it is written: the account's present address and
//! language, and what of the invoice is open now.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};

use super::OutboxError;
use super::claim::Fate;
use super::house::house;
use super::upcoming;
use crate::config::MailSettings;
use crate::documents::PdfRenderer;
use crate::domain::calendar::Instant;
use crate::domain::hds::review_before;
use crate::domain::ids::AccountId;
use crate::domain::invoice::InvoiceNumber;
use crate::domain::money::Money;
use crate::domain::notice::{DisputeTold, LinkTold, PaymentTold, Told, Topic};
use crate::domain::payment::refund::RefundPurpose;
use crate::engine::issued::IssuedBooks;
use crate::engine::run::Engine;
use crate::mail::letter::Attachment;
use crate::mail::message::{self, MessageError, MessageKey, Outgoing};
use crate::mail::occasion::{
    Disputed, InvoiceFacts, Link, LinkFacts, Moment, Occasion, PaymentFacts, Refusal, Upcoming,
};
use crate::mail::wording::{self, Addressee, House};
use crate::on;
use crate::store::rows::{ClaimedMessage, FileState, InvoiceStanding, MailAddress};
use crate::store::{StoreError, Tx};

/// What a row came to.
pub enum Written {
    Letter(Outgoing),
    /// It is not sent.
    Not(Fate),
}

/// Why a letter is not written.
pub enum Unwritten {
    Not(Fate),
    Error(OutboxError),
}

impl<E: Into<OutboxError>> From<E> for Unwritten {
    fn from(error: E) -> Self {
        match error.into() {
            // Of this row alone: a person has to look at it.
            error @ (OutboxError::Store(StoreError::Inconsistent { .. })
            | OutboxError::Message(MessageError::Address(_) | MessageError::NotText)
            | OutboxError::Document(_)
            | OutboxError::Date) => Self::Not(Fate::Refused(error.to_string())),
            error => Self::Error(error),
        }
    }
}

fn obsolete<T>(why: &str) -> Result<T, Unwritten> {
    Err(Unwritten::Not(Fate::Obsolete(why.to_owned())))
}

pub fn refused<T>(why: impl ToString) -> Result<T, Unwritten> {
    Err(Unwritten::Not(Fate::Refused(why.to_string())))
}

/// Where letters are written.
pub struct Desk<'a> {
    pub engine: &'a Engine,
    settings: &'a MailSettings,
    house: House,
    /// Made when the first invoice is attached; it keeps its fonts.
    renderer: Option<PdfRenderer>,
}

/// What the letters of a batch share.
struct Batch {
    addresses: HashMap<AccountId, MailAddress>,
    invoices: HashMap<InvoiceNumber, InvoiceStanding>,
    /// What invoices refer to, where some are attached.
    books: Option<IssuedBooks>,
}

impl<'a> Desk<'a> {
    pub fn new(engine: &'a Engine, settings: &'a MailSettings) -> Self {
        Self {
            engine,
            settings,
            house: house(&engine.config.issuer, Some(settings)),
            renderer: None,
        }
    }

    /// Writes the letters of these rows, by their place among them.
    pub async fn write(
        &mut self,
        rows: &[ClaimedMessage],
    ) -> Result<HashMap<usize, Written>, OutboxError> {
        let mut written = HashMap::with_capacity(rows.len());
        let mut told = Vec::with_capacity(rows.len());
        for (at, row) in rows.iter().enumerate() {
            match read(row) {
                Ok(read) => told.push((at, read)),
                Err(problem) => {
                    written.insert(at, Written::Not(Fate::Refused(problem)));
                }
            }
        }
        let mut tx = self.engine.store.snapshot().await?;
        let batch = load(&mut tx, rows, &told).await?;
        for (at, told) in told {
            let Some(row) = rows.get(at) else { continue };
            let letter = match self.write_one(&mut tx, &batch, row, told).await {
                Ok(message) => Written::Letter(message),
                Err(Unwritten::Not(fate)) => Written::Not(fate),
                Err(Unwritten::Error(error)) => return Err(error),
            };
            written.insert(at, letter);
        }
        tx.rollback().await?;
        Ok(written)
    }

    async fn write_one(
        &mut self,
        tx: &mut Tx,
        batch: &Batch,
        row: &ClaimedMessage,
        told: Told,
    ) -> Result<Outgoing, Unwritten> {
        let Some(address) = batch.addresses.get(&row.account) else {
            return refused("the account has no address");
        };
        if address.is_erased {
            return obsolete("the account is deleted, and its address with it");
        }
        let standing = match told.invoice() {
            Some(number) => match batch.invoices.get(number) {
                Some(standing) if standing.key.account == row.account => Some(standing),
                _ => return refused(format!("the account has no invoice {number}")),
            },
            None => None,
        };
        let mut attachments = Vec::new();
        if let (Told::InvoiceIssued(told), Some(books)) = (&told, &batch.books) {
            attachments.push(self.pdf(tx, books, &told.invoice).await?);
        }
        let recipient = told.recipient().unwrap_or(&address.email).to_owned();
        let name = if told.is_to_guest() {
            ""
        } else {
            address.full_name.as_str()
        };
        let occasion = self.occasion(tx, row, told, standing).await?;
        let to = Addressee {
            language: address.language,
            name: name.to_owned(),
            account: address.external_id.clone(),
        };
        let letter = wording::letter(&occasion, &self.house, &to, attachments);
        let key = MessageKey::of_row(row.account, &row.key, row.created_at);
        let now = self.engine.clock.now();
        let recipient = (name, recipient.as_str());
        Ok(message::build(
            &letter,
            &self.settings.sender,
            recipient,
            &key,
            now,
        )?)
    }

    async fn pdf(
        &mut self,
        tx: &mut Tx,
        books: &IssuedBooks,
        number: &InvoiceNumber,
    ) -> Result<Attachment, Unwritten> {
        let stored = on!(&mut *tx, conn, q => q::load_invoice(conn, number).await)?;
        let Some(stored) = stored else {
            return refused(format!("there is no invoice {number}"));
        };
        let document = books.document(stored)?;
        let renderer = match &mut self.renderer {
            Some(renderer) => renderer,
            none => none.insert(PdfRenderer::new()?),
        };
        Ok(Attachment {
            name: format!("{number}.pdf"),
            media_type: "application/pdf",
            bytes: renderer.render(&document)?,
        })
    }

    /// What the letter is about, or why it is not sent any more.
    async fn occasion(
        &self,
        tx: &mut Tx,
        row: &ClaimedMessage,
        told: Told,
        standing: Option<&InvoiceStanding>,
    ) -> Result<Occasion, Unwritten> {
        let zone = self.engine.config.zone();
        let on = row.created_at.date_in(zone).ok_or(OutboxError::Date)?;
        let today = self.engine.clock.today(zone);
        let invoice = standing.map(invoice_facts);
        let debt = || match &invoice {
            Some(invoice) if invoice.open.minor > 0 => Ok(invoice.clone()),
            Some(_) => obsolete("the invoice is paid"),
            None => refused("it names no invoice"),
        };
        let payment = |told: &PaymentTold| match &invoice {
            Some(invoice) => Ok(PaymentFacts {
                invoice: invoice.clone(),
                amount: told.amount(),
                method: told.method,
                on,
            }),
            None => refused("it names no invoice"),
        };
        let disputed = |told: &DisputeTold| {
            let (about, amount) = match (told, &invoice) {
                (DisputeTold::Payment(told), Some(invoice)) => (
                    Disputed::Payment {
                        invoice: invoice.clone(),
                    },
                    told.amount(),
                ),
                (DisputeTold::Payment(told), None) => (Disputed::Credit, told.amount()),
                (DisputeTold::Purchase(told), _) => (Disputed::Credit, told.amount()),
            };
            (about, amount)
        };
        Ok(match told {
            Told::InvoiceIssued(_) => match (standing, invoice) {
                (Some(standing), Some(invoice)) => {
                    let (how, from_credit) = self.how_paid(tx, standing, &invoice).await?;
                    Occasion::InvoiceIssued {
                        invoice,
                        how,
                        from_credit,
                    }
                }
                _ => return refused("it names no invoice"),
            },
            Told::PaymentSucceeded(told) => Occasion::PaymentSucceeded(payment(&told)?),
            Told::PaymentFailed(told) => {
                debt()?;
                Occasion::PaymentFailed {
                    payment: payment(&told)?,
                    refusal: refusal(&told),
                    upcoming: self.upcoming(tx, standing).await?,
                }
            }
            Told::AuthenticationNeeded(told) => {
                debt()?;
                Occasion::AuthenticationNeeded {
                    payment: payment(&told)?,
                    upcoming: self.upcoming(tx, standing).await?,
                }
            }
            Told::PaymentReturned(told) => Occasion::PaymentReturned {
                payment: payment(&told)?,
                refusal: refusal(&told),
                upcoming: self.upcoming(tx, standing).await?,
            },
            Told::ChargebackOpened(told) => {
                let (about, amount) = disputed(&told);
                Occasion::ChargebackOpened { about, amount, on }
            }
            Told::ChargebackWon(told) => {
                let (about, amount) = disputed(&told);
                Occasion::ChargebackWon { about, amount, on }
            }
            Told::CreditBought(told) => Occasion::CreditBought {
                amount: told.amount(),
                on,
                invoices_paid: told.invoices_paid,
            },
            Told::CreditPurchaseFailed(told) => Occasion::CreditPurchaseFailed {
                amount: told.amount(),
                on,
            },
            Told::Refunded(told) => {
                let purpose = RefundPurpose::ALL
                    .into_iter()
                    .find(|purpose| purpose.code() == told.purpose);
                let Some(purpose) = purpose else {
                    return refused(format!("{:?} is no purpose of a refund", told.purpose));
                };
                Occasion::Refunded {
                    amount: told.amount(),
                    purpose,
                    on,
                }
            }
            Told::RefundFailed(told) => Occasion::RefundFailed {
                amount: told.amount(),
                on,
            },
            Told::SuspensionWarning(told) => Occasion::SuspensionWarning {
                invoice: debt()?,
                days_left: days_left(told.suspension_on, today)?,
                suspension_on: told.suspension_on,
            },
            Told::Suspended(told) => Occasion::Suspended {
                invoice: debt()?,
                on,
                deletion_on: told.deletion_on,
            },
            Told::Restored => Occasion::Restored { on },
            Told::DeletionWarning(told) => Occasion::DeletionWarning {
                invoice: debt()?,
                days_left: days_left(told.deletion_on, today)?,
                deletion_on: told.deletion_on,
            },
            Told::DeletionConfirmation(told) => {
                let address = Some(&self.settings.deletion_url);
                Occasion::DeletionConfirmation(self.link(&told, address)?)
            }
            Told::LoginLocked(told) => {
                let address = self.settings.unlock_url.as_ref();
                Occasion::LoginLocked(self.link(&told, address)?)
            }
            Told::PasswordReset(told) => {
                let address = self.settings.password_url.as_ref();
                Occasion::PasswordReset(self.link(&told, address)?)
            }
            Told::PasswordChanged(told) => Occasion::PasswordChanged {
                at: moment(Instant(told.at), zone)?,
            },
            Told::EmailConfirmation(told) => {
                let address = self.settings.email_url.as_ref();
                Occasion::EmailConfirmation {
                    link: self.link(&told.link, address)?,
                    email: told.to,
                }
            }
            Told::EmailChangeAsked(told) => Occasion::EmailChangeAsked {
                at: moment(Instant(told.at), zone)?,
                email: told.email,
            },
            Told::EmailChanged(told) => Occasion::EmailChanged {
                at: moment(Instant(told.at), zone)?,
                email: told.email,
            },
            Told::TfaEnabled(told) => Occasion::TfaEnabled {
                at: moment(Instant(told.at), zone)?,
            },
            Told::TfaDisabled(told) => Occasion::TfaDisabled {
                at: moment(Instant(told.at), zone)?,
            },
            Told::EmailInUse(told) => Occasion::EmailInUse {
                at: moment(Instant(told.at), zone)?,
            },
            Told::HdsReview(told) => {
                let (account, app) = (row.account, told.app.as_str());
                let found = on!(&mut *tx, conn, q => q::hds_contact_of(conn, account, app).await)?;
                let before = review_before(self.engine.clock.now()).ok_or(OutboxError::Date)?;
                let Some(found) = found.filter(|found| found.updated_at <= before) else {
                    return obsolete("the contact was looked at again");
                };
                let on = found.updated_at.date_in(zone).ok_or(OutboxError::Date)?;
                Occasion::HdsReview { app: told.app, on }
            }
            Told::AccountantInvited(told) => {
                let account = row.account;
                let profile = on!(&mut *tx, conn, q => q::current_profile(conn, account).await)?;
                let all = on!(&mut *tx, conn, q => q::accountants_of(conn, account).await)?;
                if !all.iter().any(|accountant| accountant.id == told.id) {
                    return obsolete("the invitation was taken back");
                }
                let Some(address) = &self.settings.accountant_url else {
                    return refused("[mail] does not say where such a link leads");
                };
                Occasion::AccountantInvited {
                    customer: profile.0.legal_name().to_owned(),
                    link: Link(address.replace("{token}", &told.token.0)),
                    on,
                }
            }
            Told::BudgetReached(told) => Occasion::BudgetReached {
                period: told.period,
                percent: told.percent,
                spent: Money::new(told.spent_minor, told.currency),
                budget: Money::new(told.budget_minor, told.currency),
            },
            Told::DeletionBegun(told) => Occasion::DeletionBegun {
                cause: told.cause,
                on,
            },
            Told::Deleted(told) => Occasion::Deleted {
                cause: told.cause,
                on,
            },
            Told::CardExpiring(told) => {
                let account = row.account;
                let methods = on!(&mut *tx, conn, q => {
                    q::stored_methods(conn, (account, account)).await
                })?;
                let is_used = methods
                    .iter()
                    .any(|method| method.id == told.method() && method.state != FileState::Removed);
                if !is_used {
                    return obsolete("the card is not on file any more");
                }
                Occasion::CardExpiring {
                    label: told.label,
                    expires: told.expires,
                }
            }
        })
    }

    /// A link that still works, at the address where it is used.
    fn link(&self, told: &LinkTold, address: Option<&String>) -> Result<LinkFacts, Unwritten> {
        if told.until() <= self.engine.clock.now() {
            return obsolete("the link does not work any more");
        }
        let Some(address) = address else {
            return refused("[mail] does not say where such a link leads");
        };
        Ok(LinkFacts {
            link: Link(address.replace("{token}", &told.token.0)),
            until: moment(told.until(), self.engine.config.zone())?,
        })
    }

    async fn upcoming(
        &self,
        tx: &mut Tx,
        standing: Option<&InvoiceStanding>,
    ) -> Result<Upcoming, Unwritten> {
        match standing {
            Some(standing) => Ok(upcoming::upcoming(tx, self.engine, standing.key).await?),
            None => refused("it names no invoice"),
        }
    }
}

/// What a row tells, or why nobody can read it.
fn read(row: &ClaimedMessage) -> Result<Told, String> {
    let topic = Topic::from_code(&row.topic)
        .ok_or_else(|| format!("{:?} is no topic that this version knows", row.topic))?;
    Told::read(topic, &row.payload).map_err(|error| error.to_string())
}

async fn load(
    tx: &mut Tx,
    rows: &[ClaimedMessage],
    told: &[(usize, Told)],
) -> Result<Batch, OutboxError> {
    let mut accounts: Vec<AccountId> = rows.iter().map(|row| row.account).collect();
    accounts.sort_unstable();
    accounts.dedup();
    let mut numbers: Vec<InvoiceNumber> = told
        .iter()
        .filter_map(|(_, told)| told.invoice().cloned())
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    let attached = told
        .iter()
        .any(|(_, told)| matches!(told, Told::InvoiceIssued(_)));
    Ok(Batch {
        addresses: on!(&mut *tx, conn, q => q::mail_addresses(conn, &accounts).await)?,
        invoices: on!(&mut *tx, conn, q => q::invoice_standings(conn, &numbers).await)?,
        books: if attached {
            Some(IssuedBooks::load(tx).await?)
        } else {
            None
        },
    })
}

fn invoice_facts(standing: &InvoiceStanding) -> InvoiceFacts {
    let money = |minor| Money::new(minor, standing.currency);
    let open_minor = standing
        .total_minor
        .saturating_sub(standing.allocated_minor);
    InvoiceFacts {
        number: standing.number.to_string(),
        period: standing.key.period,
        due_on: standing.due_on,
        total: money(standing.total_minor),
        open: money(open_minor.max(0)),
    }
}

fn refusal(told: &PaymentTold) -> Refusal {
    Refusal::of(told.decline_code.as_deref(), told.decline_class)
}

/// The days until something announced comes; on the day itself it is still worth
/// telling.
fn days_left(on: NaiveDate, today: NaiveDate) -> Result<i64, Unwritten> {
    let days = on.signed_duration_since(today).num_days();
    if days < 0 {
        return obsolete("its day has passed");
    }
    Ok(days)
}

fn moment(at: Instant, zone: chrono_tz::Tz) -> Result<Moment, Unwritten> {
    let at = local(at, zone).ok_or(OutboxError::Date)?;
    Ok(Moment {
        on: at.date_naive(),
        time: at.format("%H:%M").to_string(),
    })
}

fn local(at: Instant, zone: chrono_tz::Tz) -> Option<DateTime<chrono_tz::Tz>> {
    Some(DateTime::<Utc>::from_timestamp_micros(at.0)?.with_timezone(&zone))
}
