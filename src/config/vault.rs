//! `[vault]`: the keys that IBANs are sealed with.

use serde::Deserialize;

use super::raw::Check;
use super::secret::SecretSource;

/// The keys by their ids. New values are sealed with the last; the others open
/// what was sealed before, until it is sealed anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultSettings {
    pub keys: Vec<VaultKey>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultKey {
    /// Such as `2026-11`; stored beside what the key seals.
    pub id: String,
    /// 32 bytes as 64 hex digits.
    pub source: SecretSource,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawVault {
    keys: Vec<RawKey>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKey {
    id: String,
    key: String,
}

impl RawVault {
    pub fn check(&self, check: &mut Check) -> Option<VaultSettings> {
        let mut keys: Vec<VaultKey> = Vec::new();
        for (at, raw) in self.keys.iter().enumerate() {
            let plain =
                |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
            if raw.id.is_empty() || raw.id.len() > 32 || !raw.id.bytes().all(plain) {
                let reason = format!("{:?} is not 1 to 32 letters, digits, - _ .", raw.id);
                check.refuse(&format!("vault.keys[{at}].id"), reason);
            }
            if keys.iter().any(|key| key.id == raw.id) {
                check.refuse(
                    &format!("vault.keys[{at}].id"),
                    format!("{:?} stands twice", raw.id),
                );
            }
            let source = check.take(&format!("vault.keys[{at}].key"), raw.key.parse());
            keys.push(VaultKey {
                id: raw.id.clone(),
                source: source?,
            });
        }
        if keys.is_empty() {
            check.refuse("vault.keys", "must name at least one key");
            return None;
        }
        Some(VaultSettings { keys })
    }
}
