//! `quittance method add-card` and `finish-card`.

use anyhow::{Context as _, Result};
use secrecy::ExposeSecret as _;
use serde::Serialize;

use super::Global;
use super::credit::print_outcome;
use crate::engine::methods::CardAdded;
use crate::on;
use crate::say;

#[derive(Serialize)]
struct SetupJson<'a> {
    setup_intent: &'a str,
    client_secret: &'a str,
}

/// Begins to put a card on file.
pub async fn add(global: &Global, external_id: &str, json: bool) -> Result<()> {
    let engine = global.open().await?;
    let mut tx = engine.store.snapshot().await?;
    let account = on!(&mut tx, conn, q => q::find_account(conn, external_id).await)?
        .with_context(|| format!("there is no account {external_id:?}"))?;
    tx.rollback().await?;
    let setup = engine
        .begin_card(account)
        .await
        .with_context(|| format!("no card of {external_id:?} can be added"))?;
    engine.store.close().await;
    let client_secret = setup.client_secret.expose_secret();
    if json {
        return super::json::print(&SetupJson {
            setup_intent: &setup.setup_intent,
            client_secret,
        });
    }
    say!("setup intent   {}", setup.setup_intent);
    say!("client secret  {client_secret}");
    say!(
        "Give the client secret to the page on which the customer enters the card. The card is on file, and \
         pays what is unpaid, once Stripe tells so, or by: quittance method finish-card {}",
        setup.setup_intent
    );
    Ok(())
}

/// Puts the card on file that the customer entered.
pub async fn finish(global: &Global, setup_intent: &str) -> Result<bool> {
    let engine = global.open().await?;
    let added = engine
        .finish_card(setup_intent)
        .await
        .with_context(|| format!("the card of {setup_intent:?} is not added"))?;
    engine.store.close().await;
    match added {
        CardAdded::NotYet(reason) => {
            say!("not on file: {reason}");
            return Ok(false);
        }
        CardAdded::TakenOff => {
            say!("not on file: its account is being deleted, and the card was taken off again");
            return Ok(false);
        }
        CardAdded::Already(id) => say!("on file already: method {id}"),
        CardAdded::Added { id, invoices } => {
            say!("on file: method {id}");
            invoices.iter().for_each(print_outcome);
        }
    }
    Ok(true)
}
