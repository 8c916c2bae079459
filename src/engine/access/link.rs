//! Links that are good for a few minutes to whoever has them: a download that a
//! browser follows without the bearer token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;

use super::AccessError;
use crate::domain::calendar::Instant;
use crate::vault::Signer;

const VALID_S: i64 = 5 * 60;
const MICROS_PER_S: i64 = 1_000_000;

/// The keys by their ids: the newest signs, each verifies.
#[derive(Clone)]
pub struct LinkKeys(Vec<(String, Signer)>);

/// What makes a path a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Seconds since 1970 UTC.
    pub expires: i64,
    /// Which key signed: the id of the vault's key it comes from.
    pub key: String,
    pub signature: String,
}

impl LinkKeys {
    #[must_use]
    pub const fn new(keys: Vec<(String, Signer)>) -> Self {
        Self(keys)
    }

    /// What makes a link of a path.
    ///
    /// # Errors
    /// When there is no key.
    pub fn sign(&self, path: &str, now: Instant) -> Result<Signature, AccessError> {
        let (key, signer) = self.0.last().ok_or(AccessError::NoKey)?;
        let expires = now.0.div_euclid(MICROS_PER_S).saturating_add(VALID_S);
        let signature = signer.sign(&[path.as_bytes(), b"\n", expires.to_string().as_bytes()]);
        Ok(Signature {
            expires,
            key: key.clone(),
            signature: BASE64URL.encode(signature),
        })
    }

    /// Whether a path was signed here for now.
    #[must_use]
    pub fn is_good(&self, path: &str, link: &Signature, now: Instant) -> bool {
        let Some((_, signer)) = self.0.iter().find(|(key, _)| *key == link.key) else {
            return false;
        };
        let Ok(signature) = BASE64URL.decode(&link.signature) else {
            return false;
        };
        let expires = link.expires.to_string();
        now.0.div_euclid(MICROS_PER_S) < link.expires
            && signer.verify(&[path.as_bytes(), b"\n", expires.as_bytes()], &signature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant(1_795_766_400_000_000);

    fn keys(ids: &[(&str, u8)]) -> LinkKeys {
        let keys = ids.iter();
        LinkKeys::new(
            keys.map(|(id, byte)| ((*id).to_owned(), Signer::new(&[*byte; 32])))
                .collect(),
        )
    }

    #[test]
    fn a_link_is_good_for_its_path_and_time_alone() {
        let keys = keys(&[("a", 1), ("b", 2)]);
        let link = keys.sign("/x/1", NOW).unwrap();
        let later = |seconds: i64| Instant(NOW.0 + seconds * MICROS_PER_S);
        assert_eq!(link.key, "b");
        assert!(keys.is_good("/x/1", &link, NOW));
        assert!(keys.is_good("/x/1", &link, later(299)));
        assert!(!keys.is_good("/x/1", &link, later(300)));
        assert!(!keys.is_good("/x/2", &link, NOW));
        let altered = |alter: fn(&mut Signature)| {
            let mut link = link.clone();
            alter(&mut link);
            link
        };
        for wrong in [
            altered(|link| link.expires += 1),
            altered(|link| link.key = "a".to_owned()),
            altered(|link| link.key = "c".to_owned()),
            altered(|link| link.signature.clear()),
            altered(|link| link.signature.push('!')),
        ] {
            assert!(!keys.is_good("/x/1", &wrong, NOW), "{wrong:?}");
        }
    }

    #[test]
    fn a_key_that_is_replaced_still_verifies() {
        let old = keys(&[("a", 1)]).sign("/x", NOW).unwrap();
        assert!(keys(&[("a", 1), ("b", 2)]).is_good("/x", &old, NOW));
        assert!(!keys(&[("b", 2)]).is_good("/x", &old, NOW));
    }
}
