//! Answers that come at the same time, recorded: together where there is one
//! writer, and each once.

use std::sync::Arc;

use futures_util::future::join_all;
use quittance::clock::Clock;
use quittance::config::Config;
use quittance::domain::ids::AttemptId;
use quittance::domain::payment::{AttemptEvent, AttemptState, News};
use quittance::engine::run::Engine;
use quittance::engine::settle::SettleError;
use quittance::on;
use quittance::store::{IfMissing, Store};

use crate::bank_import::{debited, id, owed_and_held, rows};
use crate::on_both;
use crate::support::{House, NOW};

on_both!(many_answers_at_once_are_recorded_once_and_one_stops_no_other);

const DEBITS: usize = 24;

fn many_answers_at_once_are_recorded_once_and_one_stops_no_other(house: &House) {
    debited(house, DEBITS);
    let (owed, _) = owed_and_held(house);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .unwrap();
    let answers = runtime.block_on(async {
        let store = Store::open(house.url(), IfMissing::Refuse).await.unwrap();
        let clock = Clock::Fixed(NOW.parse().unwrap());
        let engine = Arc::new(Engine::new(store, Config::sample().unwrap(), clock));
        // Every second is told twice, and one is of nobody.
        let ids = (1..=DEBITS).chain((1..=DEBITS).step_by(2)).chain([0]);
        let tasks = ids.map(|n| {
            let engine = Arc::clone(&engine);
            tokio::spawn(async move {
                let id: AttemptId = id(n).parse().unwrap();
                let mut tx = engine.store.snapshot().await.unwrap();
                let found = on!(&mut tx, conn, q => q::find_attempt(conn, id).await).unwrap();
                tx.rollback().await.unwrap();
                let account = found.map_or(quittance::domain::ids::AccountId(-1), |attempt| {
                    attempt.invoice.account
                });
                let news = News::free(AttemptEvent::Succeeded);
                engine.settle_attempt(account, id, &news, None).await
            })
        });
        let answers: Vec<_> = join_all(tasks.collect::<Vec<_>>()).await;
        let engine = Arc::into_inner(engine).unwrap();
        engine.store.close().await;
        answers
    });
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    let (last, good) = answers.split_last().unwrap();
    for answer in good {
        assert!(matches!(answer, Ok(AttemptState::Succeeded)), "{answer:?}");
    }
    assert!(matches!(last, Err(SettleError::NoAttempt(_))), "{last:?}");
    assert_eq!(owed_and_held(house), (0, owed));
    let [entries, postings, .., decided] = rows(house);
    let debits = i64::try_from(DEBITS).unwrap();
    assert_eq!((entries, postings, decided), (debits, 2 * debits, debits));
    house.run(&["verify"]);
}
