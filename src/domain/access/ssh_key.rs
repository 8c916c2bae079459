//! A public key that code is pushed with (RFC 4253 section 6.6, RFC 5656, RFC 8709).

use std::fmt::Write as _;

use md5::{Digest as _, Md5};
use sha2::Sha256;
use ssh_key::{Algorithm, PublicKey};

use crate::domain::invoice::fingerprint::Digest;

/// Shorter ones are broken, or soon will be (ANSSI, RGS B1: 2048 bits until 2030).
const RSA_BITS_MIN: usize = 2_048;
/// RSA of 16,384 bits, with its comment.
const CONTENT_BYTES_MAX: usize = 4_096;

/// A public key, looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshKey {
    /// As it was given, without space around it.
    pub content: String,
    /// MD5 of the key, as hex pairs with colons between them: what clients show.
    pub fingerprint: String,
    /// SHA-256 of the key without its comment: what tells keys apart.
    pub digest: Digest,
}

/// A text is no key that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SshKeyError {
    #[error("is no public SSH key: one line such as \"ssh-ed25519 AAAA...\"")]
    Malformed,
    #[error("is longer than 4096 characters")]
    TooLong,
    #[error("is a private key: keep it to yourself, and make another")]
    Private,
    #[error("is of a kind that is not taken: ed25519, ecdsa or rsa")]
    Kind,
    #[error("is an RSA key of {0} bits: at least 2048")]
    TooShort(usize),
}

impl SshKey {
    /// The key of a text.
    ///
    /// # Errors
    /// When it is none, or none that is taken.
    pub fn parse(text: &str) -> Result<Self, SshKeyError> {
        let content = text.trim();
        if content.contains("PRIVATE KEY-----") {
            return Err(SshKeyError::Private);
        }
        if content.len() > CONTENT_BYTES_MAX {
            return Err(SshKeyError::TooLong);
        }
        if content.contains(['\n', '\r', '\0']) {
            return Err(SshKeyError::Malformed);
        }
        let key = PublicKey::from_openssh(content).map_err(|_| SshKeyError::Malformed)?;
        match key.algorithm() {
            Algorithm::Ed25519 | Algorithm::Ecdsa { .. } => {}
            Algorithm::Rsa { .. } => {
                let modulus = key
                    .key_data()
                    .rsa()
                    .and_then(|rsa| rsa.n.as_positive_bytes());
                let bits = bits_of(modulus.ok_or(SshKeyError::Malformed)?);
                if bits < RSA_BITS_MIN {
                    return Err(SshKeyError::TooShort(bits));
                }
            }
            _ => return Err(SshKeyError::Kind),
        }
        let bytes = key.to_bytes().map_err(|_| SshKeyError::Malformed)?;
        Ok(Self {
            content: content.to_owned(),
            fingerprint: colons(&Md5::digest(&bytes)),
            digest: Digest(Sha256::digest(&bytes).into()),
        })
    }
}

/// How many bits a number has, its highest byte first.
fn bits_of(number: &[u8]) -> usize {
    let significant = number.iter().skip_while(|byte| **byte == 0);
    significant
        .enumerate()
        .fold(0, |bits, (at, byte)| match at {
            0 => (1..=8)
                .rev()
                .find(|bit| byte >> (bit - 1) == 1)
                .unwrap_or(0),
            _ => bits + 8,
        })
}

fn colons(bytes: &[u8]) -> String {
    bytes
        .iter()
        .enumerate()
        .fold(String::new(), |mut text, (at, byte)| {
            if at > 0 {
                text.push(':');
            }
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // Made by ssh-keygen, and so their fingerprints.
    const TAKEN: [(&str, &str); 4] = [
        (
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKPIcaZ/q3UgZNVuqmZxT98ujry/kDOF4AyYTbmwhpuS ada@example.org",
            "3f:69:00:28:8b:70:35:3b:d7:49:41:04:c9:8a:8f:67",
        ),
        (
            "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBFGiBE2Fu/GPZRYoTUB75sQK/4n4nkAJRvih75444+kHNzQTC5LhoqzVHWoa5OobgNKEauOrDYT5p+Yz8r3jGHc= ada",
            "83:aa:ac:dd:98:36:dc:d4:42:bc:88:fb:f5:4a:5d:f4",
        ),
        (
            "ecdsa-sha2-nistp521 AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBAAk30taX4k67yZh1xTpRZjt4FHpaLiq5QeExYeZIWCBjOYUChldVGGd4NJXFaTiUDTCQbfpJg4bAptFqacTBhIoVAGV6y0dfxcfMR/TcckfLtt4cCJGcHGiOYLqMfR7ueTMM6l8LVsjSziv8SHMEPoKrvQmniFFyUtbnnUXTU5e3jST2A==",
            "96:88:c8:d1:a9:a6:62:66:31:91:ee:c4:ba:7b:1a:52",
        ),
        (
            "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDmh15LjgGKypL5hUyL6jtxzGeQQv12bS2hSWpSza61oMVLdV0O86OKHea1gvPSTtw0Klh3PxWAsrearGpO43wZFGmFDLXLVXGr98pYUGIjToXi9In6PfBKkXPYDS2OEH4kBLijOjtzEIbHEVC8U+FAcFoDGJYqLREa+83VOVtqm5mNa3mbfTvrwIGXLuJM3Iw8jmzJH0Rm6c0ixaIIKGFKL7QbT8PQvocxlrfxmBUxCGK8d3YeljQ7yLOqgnsBEpCc0/xc3bbBGUZ0rYaFituLLg64v/n8ncEo9kjYDBezuQC5BTqi1nF7X7YhlZcE2EuUtWjfBEd+29eFimrCPPvL ada",
            "d4:ce:39:45:1f:39:ea:3f:e6:c8:09:dc:f8:78:0a:25",
        ),
    ];
    const RSA_1024: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDP683BInXtQcKPG9HBeDic0+NHc5nR1XurcY7JI3DMhB93I3OF4O62ZvW2IgnvkKWDasAtTWZNotVy02x8Y1gpKBh45UUO4Ny5uTjaIKhDVmIqal5HJrpcpGslBTUxWkzYiJc+zc7iH1+/dAYt1CpBOY3qAUyfxygb0PMrdHV8bQ== ada";

    #[test]
    fn keys_are_taken_with_the_fingerprint_that_openssh_shows() {
        for (content, fingerprint) in TAKEN {
            let key = SshKey::parse(content).unwrap();
            assert_eq!(key.fingerprint, fingerprint, "{content}");
            // The contract: content may end in a newline.
            assert_eq!(SshKey::parse(&format!(" {content}\n")).unwrap(), key);
        }
    }

    #[test]
    fn a_comment_makes_no_other_key() {
        let (content, _) = TAKEN[0];
        let other = SshKey::parse(&format!("{content} of another machine")).unwrap();
        assert_eq!(other.digest, SshKey::parse(content).unwrap().digest);
    }

    #[test]
    fn what_is_not_taken_is_said() {
        for (content, error) in [
            ("", SshKeyError::Malformed),
            ("ssh-ed25519", SshKeyError::Malformed),
            ("ssh-ed25519 !!!! a@b", SshKeyError::Malformed),
            (RSA_1024, SshKeyError::TooShort(1024)),
            (
                "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl",
                SshKeyError::Private,
            ),
            (&"a".repeat(4_097), SshKeyError::TooLong),
            (
                &format!("{}\n{}", TAKEN[0].0, TAKEN[1].0),
                SshKeyError::Malformed,
            ),
        ] {
            assert_eq!(SshKey::parse(content), Err(error), "{content}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_a_panic(text in ".*", bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = SshKey::parse(&text);
            let encoded: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            let _ = SshKey::parse(&format!("ssh-rsa {encoded} x"));
            let _ = SshKey::parse(&format!("ssh-ed25519 {encoded}"));
        }
    }
}
