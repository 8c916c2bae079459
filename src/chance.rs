//! The one place that asks the machine for chance.

/// What an [`AttemptId`](crate::domain::ids::AttemptId) takes of chance.
///
/// # Errors
/// When the machine has none to give.
pub fn bytes() -> Result<[u8; 10], getrandom::Error> {
    let mut bytes = [0; 10];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}
