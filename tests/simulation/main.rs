//! Up to fourteen months of a house with everything that goes wrong, played by a seed, and
//! an auditor that knows only what anyone can see.
//!
//! - [`world`]: the days; [`profile`]: what kind of a year it is
//! - [`hands`]: who does what on a day; [`people`]: customers and staff, [`desk`]: those
//!   of them who send files to the bank and import its own
//! - [`line`]: the way to Stripe and PayPal; [`cardholders`], [`purchases`]: what happens
//!   there by itself; [`bank`]: the bank; [`post`]: the mail server and the platform,
//!   [`platform`]: what it says of the steps of deletions
//! - [`table`]: whose move is next, and who crashes
//! - [`auditor`]: what should not have happened
//!
//! A failure prints how to play its seed again. `SIMULATION_SEEDS=1000` plays so many
//! seeds, `SIMULATION_SEED=7` that one; `SIMULATION_DAYS=424` plays each to its end,
//! where most are shorter otherwise; `SIMULATION_LOG=1` prints all that happens.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod auditor;
mod bank;
mod cardholders;
mod desk;
mod dice;
#[path = "../fakes/mod.rs"]
mod fakes;
mod hands;
mod line;
mod log;
mod people;
mod platform;
mod post;
mod profile;
mod purchases;
mod table;
mod world;

use std::cmp::Reverse;
use std::sync::atomic::{AtomicUsize, Ordering};

use dice::Dice;
use profile::Profile;
use world::World;

const SEEDS: u64 = 200;

/// Plays a seed; the digest of all that happened, or what should not have.
fn play(seed: u64) -> Result<(String, u64), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let days =
        profile::whole_days().map_or_else(String::new, |days| format!("SIMULATION_DAYS={days} "));
    runtime.block_on(async {
        let mut world = World::open(seed).await;
        match world.live().await {
            Ok(()) => Ok(world.log.digest()),
            Err(violation) => Err(format!(
                "{}\n{}: {}\n\nplay it again: {days}SIMULATION_SEED={seed} cargo test --release --test simulation\n",
                world.log.end_about(&violation.about),
                violation.rule,
                violation.what,
            )),
        }
    })
}

fn number(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().expect("a number"))
}

/// Plays seeds on every core; the first that fails, the smallest of them.
fn play_all(first: u64, last: u64) {
    // The longest first, so that no core waits for another at the end.
    let mut seeds: Vec<u64> = (first..=last).collect();
    seeds.sort_by_key(|seed| Reverse(Profile::draw(&mut Dice::new(*seed, "world")).effort()));
    let next = AtomicUsize::new(0);
    let cores = std::thread::available_parallelism().unwrap().get();
    let failed = std::sync::Mutex::new(std::collections::BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(&seed) = seeds.get(at) else { return };
                    if !failed.lock().unwrap().is_empty() {
                        return;
                    }
                    let played = std::panic::catch_unwind(|| play(seed));
                    let failure = match played {
                        Ok(Ok(_)) => continue,
                        Ok(Err(violation)) => violation,
                        Err(_) => format!("it panicked: SIMULATION_SEED={seed}"),
                    };
                    failed.lock().unwrap().insert(seed, failure);
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    if let Some((seed, failure)) = failed.first_key_value() {
        panic!("seed {seed}:\n{failure}");
    }
}

#[test]
fn no_seed_breaks_a_rule() {
    match number("SIMULATION_SEED") {
        Some(seed) => play_all(seed, seed),
        None => play_all(1, number("SIMULATION_SEEDS").unwrap_or(SEEDS)),
    }
}

#[test]
fn a_seed_is_played_again_exactly() {
    // Years in which much happens.
    for seed in [13, 25] {
        let first = play(seed).unwrap_or_else(|failure| panic!("{failure}"));
        let again = play(seed).unwrap_or_else(|failure| panic!("{failure}"));
        assert_eq!(first, again, "seed {seed}");
        assert!(first.1 > 500, "hardly anything happened: {}", first.1);
    }
}
