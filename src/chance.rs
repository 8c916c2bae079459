//! The one place that asks the machine for chance.

/// What the key of a movement of money, such as an
/// [`AttemptId`](crate::domain::ids::AttemptId), takes of chance.
///
/// # Errors
/// When the machine has none to give.
pub fn bytes() -> Result<[u8; 10], getrandom::Error> {
    fill()
}

/// A nonce for AES-GCM: 96 bits, never used twice with a key.
///
/// # Errors
/// When the machine has none to give.
pub fn nonce() -> Result<[u8; 12], getrandom::Error> {
    fill()
}

fn fill<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}
