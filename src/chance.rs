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

/// A key that nobody guesses or makes twice: 32 hex digits.
///
/// # Errors
/// When the machine has none to give.
pub fn key() -> Result<String, getrandom::Error> {
    let bytes: [u8; 16] = fill()?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn fill<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}
