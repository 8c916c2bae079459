//! `quittance method`.

use std::io::Read as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, anyhow, bail};
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use serde::Serialize;

use super::Global;
use super::card;
use super::credit::print_outcome;
use super::person::{PersonArgs, by_person};
use super::print::{counted, short, table};
use crate::domain::account::Language;
use crate::domain::ids::{AccountId, PaymentMethodId};
use crate::domain::sepa::bic::Bic;
use crate::domain::sepa::iban::Iban;
use crate::domain::sepa::mandate::MandateUse;
use crate::domain::sepa::message::Scheme;
use crate::engine::methods::{MandateRequest, OwnMethod, Signature};
use crate::engine::run::Engine;
use crate::store::rows::MethodDetails;
use crate::{on, say};

/// More than any IBAN with its spaces and line end.
const IBAN_FILE_BYTES_MAX: u64 = 256;

#[derive(Debug, Args)]
pub struct MethodArgs {
    #[command(subcommand)]
    command: MethodCommand,
}

#[derive(Debug, Subcommand)]
enum MethodCommand {
    /// List an account's cards and mandates
    List {
        /// The account's id
        account: String,
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
    /// Begin to put a card on file: the customer enters it at Stripe
    AddCard {
        /// The account's id
        account: String,
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    /// Put a card on file that was entered, and pay by it what is unpaid
    FinishCard {
        /// What `add-card` printed, such as seti_1Mm8s8LkdIwHu7ix0OXBfTRG
        setup_intent: String,
    },
    /// Put a signed SEPA mandate on file; without --signed-at show the text to be signed
    AddMandate(AddMandateArgs),
    /// Give a mandate another account of the same debtor
    ChangeIban(ChangeIbanArgs),
    /// Take a card or mandate out of use for good
    Remove(ChosenArgs),
    /// Charge this card or mandate before every other of its kind
    Prefer(ChosenArgs),
}

/// Where an account number is read from.
#[derive(Debug, Args)]
struct IbanArgs {
    /// A file that holds the IBAN and nothing else, or - for standard input: what stands on a command line
    /// is seen by every user of the machine
    #[arg(long, value_name = "FILE")]
    iban_file: PathBuf,
    /// The bank's BIC; within SEPA the IBAN is enough
    #[arg(long, value_name = "BIC")]
    bic: Option<String>,
}

impl IbanArgs {
    fn read(&self) -> Result<(Iban, Option<Bic>)> {
        let name = self.iban_file.display();
        let text = if self.iban_file == Path::new("-") {
            read_short(std::io::stdin().lock())
        } else {
            std::fs::File::open(&self.iban_file).and_then(read_short)
        };
        let text = text.with_context(|| format!("--iban-file {name} cannot be read"))?;
        let iban = text
            .parse::<Iban>()
            .map_err(|error| anyhow!("--iban-file {name} {error}"))?;
        let bic = self.bic.as_deref().map(str::parse::<Bic>).transpose();
        Ok((iban, bic.map_err(|error| anyhow!("--bic {error}"))?))
    }
}

fn read_short(input: impl std::io::Read) -> std::io::Result<String> {
    let mut text = String::new();
    input
        .take(IBAN_FILE_BYTES_MAX)
        .read_to_string(&mut text)
        .map_err(|error| match error.kind() {
            // Its words would be of no use, and must not quote the number.
            std::io::ErrorKind::InvalidData => std::io::Error::other("it is no text"),
            _ => error,
        })?;
    Ok(text)
}

fn scheme(text: &str) -> Result<Scheme, &'static str> {
    Scheme::from_code(text).ok_or("is none of CORE, B2B")
}

#[derive(Debug, Args)]
struct AddMandateArgs {
    /// The account's id
    account: String,
    /// The debtor's name, as the bank knows it
    #[arg(long)]
    name: String,
    #[command(flatten)]
    iban: IbanArgs,
    /// When it was signed, such as 2026-11-02T09:30:00+01:00
    #[arg(long, value_name = "TIME", requires_all = ["signed_from", "reason", "by"])]
    signed_at: Option<DateTime<Utc>>,
    /// The IP address it was signed from
    #[arg(long, value_name = "IP", requires = "signed_at")]
    signed_from: Option<IpAddr>,
    /// Refuse it unless the text that was signed names this reference
    #[arg(long, value_name = "REF", requires = "signed_at")]
    reference: Option<String>,
    /// The language of the text [default: that of the customer's invoices]
    #[arg(long, value_name = "en|fr")]
    lang: Option<Language>,
    /// CORE, or B2B between companies, without a right to a refund
    #[arg(long, default_value = "CORE", value_parser = scheme)]
    scheme: Scheme,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
    /// Why; kept with who did it
    #[arg(long, value_name = "TEXT", requires = "signed_at")]
    reason: Option<String>,
    /// Who does it
    #[arg(long, env = "USER", value_name = "NAME")]
    by: Option<String>,
}

#[derive(Debug, Args)]
struct ChangeIbanArgs {
    #[command(flatten)]
    chosen: ChosenArgs,
    #[command(flatten)]
    iban: IbanArgs,
}

#[derive(Debug, Args)]
struct ChosenArgs {
    /// The account's id
    account: String,
    /// The number of the card or mandate, as `method list` shows it
    id: i64,
    #[command(flatten)]
    by: PersonArgs,
}

impl ChosenArgs {
    const fn id(&self) -> PaymentMethodId {
        PaymentMethodId(self.id)
    }

    fn what(&self) -> String {
        format!("method {} of account {:?}", self.id, self.account)
    }
}

pub async fn method(global: &Global, args: MethodArgs) -> Result<ExitCode> {
    match args.command {
        MethodCommand::List { account, json } => list(global, &account, json).await?,
        MethodCommand::AddCard { account, json } => card::add(global, &account, json).await?,
        MethodCommand::FinishCard { setup_intent } => {
            if !card::finish(global, &setup_intent).await? {
                return Ok(ExitCode::FAILURE);
            }
        }
        MethodCommand::AddMandate(args) => add_mandate(global, args).await?,
        MethodCommand::ChangeIban(args) => change_iban(global, args).await?,
        MethodCommand::Remove(args) => remove(global, args).await?,
        MethodCommand::Prefer(args) => prefer(global, args).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn find(engine: &Engine, external_id: &str) -> Result<AccountId> {
    let mut tx = engine.store.snapshot().await?;
    on!(&mut tx, conn, q => q::find_account(conn, external_id).await)?
        .with_context(|| format!("there is no account {external_id:?}"))
}

#[derive(Serialize)]
struct MethodJson {
    id: i64,
    method: &'static str,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    decline_code: Option<String>,
    /// Whether it is the one of its kind that is charged.
    used: bool,
    added_at: String,
    changed_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    card: Option<CardJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mandate: Option<MandateJson>,
}

#[derive(Serialize)]
struct CardJson {
    reference: String,
    brand: String,
    last4: String,
    expires: String,
}

#[derive(Serialize)]
struct MandateJson {
    reference: String,
    scheme: &'static str,
    one_off: bool,
    debtor_name: String,
    iban: String,
    bic: Option<String>,
    signed_on: String,
    signed_at: String,
    signed_from: String,
    signed_text: String,
    account_changed: bool,
    last_sequence: Option<&'static str>,
    last_presented_on: Option<String>,
}

fn json_of(OwnMethod { stored, is_used }: &OwnMethod) -> MethodJson {
    let (mut card, mut mandate) = (None, None);
    match &stored.details {
        MethodDetails::Card(told) => {
            card = Some(CardJson {
                reference: told.reference.clone(),
                brand: told.brand.clone(),
                last4: told.last4.clone(),
                expires: told.good_until(),
            });
        }
        MethodDetails::Mandate(told) => {
            mandate = Some(MandateJson {
                reference: told.reference.clone(),
                scheme: told.scheme.code(),
                one_off: told.usage == MandateUse::OneOff,
                debtor_name: told.debtor_name.clone(),
                iban: told.iban_masked.clone(),
                bic: told.bic.clone(),
                signed_on: told.signed_on.to_string(),
                signed_at: told.signed_at.to_string(),
                signed_from: told.signed_from.to_string(),
                signed_text: told.signed_text.clone(),
                account_changed: told.history.account_changed,
                last_sequence: told.history.last_sequence.map(|last| last.code()),
                last_presented_on: told.history.last_presented_on.map(|on| on.to_string()),
            });
        }
    }
    MethodJson {
        id: stored.id.0,
        method: stored.method().code(),
        state: stored.state.code(),
        decline_code: stored.state.decline_code().map(str::to_owned),
        used: *is_used,
        added_at: stored.added_at.to_string(),
        changed_at: stored.changed_at.to_string(),
        card,
        mandate,
    }
}

async fn list(global: &Global, external_id: &str, json: bool) -> Result<()> {
    let engine = global.open().await?;
    let account = find(&engine, external_id).await?;
    let methods = engine.methods(account).await?;
    if json {
        let all: Vec<MethodJson> = methods.iter().map(json_of).collect();
        return super::json::print(&all);
    }
    if methods.is_empty() {
        say!("{external_id} has no card or mandate.");
        return Ok(());
    }
    let mut rows = table(["id", "method", "of", "reference", "added", "state"], 6);
    for OwnMethod { stored, is_used } in &methods {
        let (of, reference) = match &stored.details {
            MethodDetails::Card(card) => (
                format!("{} …{} to {}", card.brand, card.last4, card.good_until()),
                &card.reference,
            ),
            MethodDetails::Mandate(mandate) => (
                format!("{}, {}", mandate.iban_masked, short(&mandate.debtor_name)),
                &mandate.reference,
            ),
        };
        let mut state = stored.state.code().replace('_', " ");
        if let Some(code) = stored.state.decline_code() {
            state.push_str(&format!(": {code}"));
        }
        if *is_used {
            state.push_str(", used");
        }
        rows.add_row([
            stored.id.to_string(),
            stored.method().to_string(),
            of,
            reference.clone(),
            stored.added_at.to_string(),
            state,
        ]);
    }
    say!("{rows}\n{}", counted(methods.len(), "method"));
    Ok(())
}

#[derive(Serialize)]
struct AddedJson {
    /// None while nothing is signed.
    id: Option<i64>,
    reference: String,
    text: String,
}

async fn add_mandate(global: &Global, args: AddMandateArgs) -> Result<()> {
    let (iban, bic) = args.iban.read()?;
    let engine = global.open().await?;
    let account = find(&engine, &args.account).await?;
    let language = match args.lang {
        Some(language) => language,
        None => {
            let mut tx = engine.store.snapshot().await?;
            on!(&mut tx, conn, q => q::account_language(conn, account).await)?
        }
    };
    let request = MandateRequest {
        debtor_name: &args.name,
        iban: &iban,
        bic: bic.as_ref(),
        scheme: args.scheme,
        language,
    };
    let refused = || format!("account {:?} gets no mandate", args.account);
    let Some(signed_at) = args.signed_at else {
        let offer = engine.offer_mandate(account, &request).await;
        let offer = offer.with_context(refused)?;
        if args.json {
            return super::json::print(&AddedJson {
                id: None,
                reference: offer.reference,
                text: offer.text,
            });
        }
        say!("{}", offer.text);
        say!("Nothing is written: add it with --signed-at and --signed-from once it is signed.");
        return Ok(());
    };
    let (Some(from), Some(by), Some(reason)) = (args.signed_from, &args.by, &args.reason) else {
        bail!("--signed-at goes with --signed-from, --by and --reason");
    };
    let signature = Signature {
        at: signed_at.into(),
        from,
        reference: args.reference.as_deref(),
    };
    let by = by_person(by, reason)?;
    let added = engine.add_mandate(account, &request, signature, by).await;
    let added = added.with_context(refused)?;
    let invoices = engine.charge_by_new_method(account, added.id).await;
    let invoices = invoices.context("the mandate is on file, but what is unpaid is not debited")?;
    engine.store.close().await;
    if args.json {
        return super::json::print(&AddedJson {
            id: Some(added.id.0),
            reference: added.reference,
            text: added.text,
        });
    }
    say!("{}", added.text);
    say!(
        "added to {} as method {}: mandate {}",
        args.account,
        added.id,
        added.reference
    );
    invoices.iter().for_each(print_outcome);
    Ok(())
}

async fn change_iban(global: &Global, args: ChangeIbanArgs) -> Result<()> {
    let by = args.chosen.by.check()?;
    let (iban, bic) = args.iban.read()?;
    let engine = global.open().await?;
    let account = find(&engine, &args.chosen.account).await?;
    let id = args.chosen.id();
    engine
        .change_iban(account, id, &iban, bic.as_ref(), by)
        .await
        .with_context(|| format!("{} keeps its account number", args.chosen.what()))?;
    say!("{} debits {iban} from now on", args.chosen.what());
    Ok(())
}

async fn remove(global: &Global, args: ChosenArgs) -> Result<()> {
    let by = args.by.check()?;
    let engine = global.open().await?;
    let account = find(&engine, &args.account).await?;
    let removed = engine
        .remove_method(account, args.id(), by)
        .await
        .with_context(|| format!("{} is not removed", args.what()))?;
    say!("removed {}", args.what());
    if removed.withdrawn > 0 {
        say!(
            "withdrawn: {} that the bank was not told of",
            counted(removed.withdrawn, "debit")
        );
    }
    Ok(())
}

async fn prefer(global: &Global, args: ChosenArgs) -> Result<()> {
    let by = args.by.check()?;
    let engine = global.open().await?;
    let account = find(&engine, &args.account).await?;
    engine
        .prefer_method(account, args.id(), by)
        .await
        .with_context(|| format!("{} is not preferred", args.what()))?;
    say!("preferred {}", args.what());
    Ok(())
}
