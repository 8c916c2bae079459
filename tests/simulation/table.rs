//! Several hands at one table: workers of the engine, one of which moves at a time.
//! Which of them goes next is drawn, and so is where a process ends for good.
//!
//! A hand gives its turn away before each transaction and on either side of each
//! request to a provider, where it holds nothing. Within its turn it alone runs, and
//! whatever it waits for comes by itself: so the order of all moves is the draw's,
//! however fast the machine is.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use quittance::pace::Turns;

use crate::dice::Dice;

/// No move of a hand takes that long: if one does, it waits for another hand.
const MOVE_MAX: Duration = Duration::from_secs(60);

/// Where the hands give their turns away.
#[derive(Default)]
pub struct Table {
    /// Whether a hand is at its move, and not something beside them.
    moving: AtomicBool,
    /// Whether the hand at its move has given its turn away.
    passed: AtomicBool,
}

impl Turns for Table {
    fn turn(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mut has_passed = false;
        Box::pin(poll_fn(move |cx| {
            let is_over = has_passed && !self.passed.load(Ordering::SeqCst);
            if is_over || !self.moving.load(Ordering::SeqCst) {
                return Poll::Ready(());
            }
            has_passed = true;
            self.passed.store(true, Ordering::SeqCst);
            // Whatever is around it polls again only what woke it.
            cx.waker().wake_by_ref();
            Poll::Pending
        }))
    }
}

/// What somebody does, one move after the other.
pub struct Hand<'a> {
    /// Hands of a process end together when it crashes.
    pub process: usize,
    pub name: String,
    pub moves: Pin<Box<dyn Future<Output = ()> + 'a>>,
}

impl<'a> Hand<'a> {
    pub fn new(
        process: usize,
        name: impl Into<String>,
        moves: impl Future<Output = ()> + 'a,
    ) -> Self {
        Self {
            process,
            name: name.into(),
            moves: Box::pin(moves),
        }
    }
}

impl Table {
    /// Lets the hands move until all are done, or crashed: so often of a thousand
    /// moves a process crashes. The names of those that crashed.
    pub async fn play(
        &self,
        mut hands: Vec<Hand<'_>>,
        dice: &mut Dice,
        crash_permille: usize,
    ) -> Vec<String> {
        let mut crashed = Vec::new();
        let mut at = None;
        let play = poll_fn(|cx| {
            loop {
                if hands.is_empty() {
                    return Poll::Ready(());
                }
                let now = *at.get_or_insert_with(|| dice.below(hands.len()));
                self.moving.store(true, Ordering::SeqCst);
                let moved = hands[now].moves.as_mut().poll(cx);
                self.moving.store(false, Ordering::SeqCst);
                let passed = self.passed.swap(false, Ordering::SeqCst);
                if moved.is_ready() {
                    drop(hands.remove(now));
                    at = None;
                } else if passed {
                    at = None;
                    if crash_permille > 0 && dice.permille(crash_permille) {
                        let process = hands[now].process;
                        let ended = hands.extract_if(.., |hand| hand.process == process);
                        crashed.extend(ended.map(|hand| hand.name));
                    } else if dice.permille(600) {
                        // Mostly one goes on for a while.
                        at = Some(now);
                    }
                } else {
                    return Poll::Pending;
                }
            }
        });
        tokio::time::timeout(MOVE_MAX, play)
            .await
            .expect("a hand holds what another one waits for");
        crashed
    }
}
