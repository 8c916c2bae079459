//! Chance that can be drawn again.

use std::sync::Mutex;

use proptest::prelude::Rng as _;
use proptest::test_runner::{RngAlgorithm, TestRng};
use quittance::chance::Draw;
use sha2::{Digest as _, Sha256};

/// A stream of chance. The streams of a seed do not touch each other: what one part
/// of the world draws more or less changes nothing for the others.
pub struct Dice(TestRng);

impl Dice {
    pub fn new(seed: u64, stream: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(seed.to_be_bytes());
        hash.update(stream);
        let bytes: [u8; 32] = hash.finalize().into();
        Self(TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
    }

    /// A number from 0 on, below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap();
        usize::try_from(self.0.next_u64() % end).unwrap()
    }

    /// A number of a range, both ends included.
    pub fn between(&mut self, first: usize, last: usize) -> usize {
        first + self.below(last - first + 1)
    }

    /// Whether something happens that happens so often of a thousand times.
    pub fn permille(&mut self, often: usize) -> bool {
        self.below(1_000) < often
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// The engine's chance.
pub struct Drawn(pub Mutex<Dice>);

impl Draw for Drawn {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().unwrap().0.fill_bytes(bytes);
    }
}
