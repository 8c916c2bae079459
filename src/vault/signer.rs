//! Signs with a secret (HMAC-SHA-256, RFC 2104).

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// Whoever has it signs in our name.
#[derive(Clone)]
pub struct Signer(Hmac<Sha256>);

impl Signer {
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        // The block of SHA-256: a shorter key is filled up with zeros (RFC 2104,
        // section 2).
        let mut block = [0; 64];
        for (to, from) in block.iter_mut().zip(secret) {
            *to = *from;
        }
        Self(Hmac::new(&block.into()))
    }

    /// The signature of parts, one after the other.
    #[must_use]
    pub fn sign(&self, parts: &[&[u8]]) -> [u8; 32] {
        self.over(parts).finalize().into_bytes().into()
    }

    /// Whether that is the signature, compared in constant time.
    #[must_use]
    pub fn verify(&self, parts: &[&[u8]], signature: &[u8]) -> bool {
        self.over(parts).verify_slice(signature).is_ok()
    }

    fn over(&self, parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(part);
        }
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn it_signs_as_openssl_does() {
        // printf 'what do ya want' | openssl dgst -sha256 -mac HMAC -macopt hexkey:0b0b...
        let signer = Signer::new(&[0x0b; 32]);
        let signature = signer.sign(&[b"what do ", b"ya want"]);
        assert_eq!(
            hex(&signature),
            "b55f03085982b29d40e09bcec693995c05805846970c13fd6f351cb500dfb585"
        );
        assert!(signer.verify(&[b"what do ya want"], &signature));
        assert!(!signer.verify(&[b"what do ya wan"], &signature));
        assert!(!signer.verify(&[b"what do ya want"], &signature[..31]));
        assert!(!Signer::new(&[0x0c; 32]).verify(&[b"what do ya want"], &signature));
    }
}
