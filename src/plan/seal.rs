//! How it is known that a saved plan is the one that was made: by a key that only the
//! state knows, or by the digest that somebody was shown. Imports nothing of the crate.
//!
//! A digest beside its content proves nothing against who can write the file: it would be
//! written anew with it.

use std::fmt;
use std::str::FromStr;

use secrecy::ExposeSecret as _;
use secrecy::SecretBox;
use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;

/// As many bytes as a key and a digest have.
pub const LENGTH: usize = 32;

/// The key by which a state knows plans that were made with it; never printed.
pub struct PlanKey(SecretBox<[u8; LENGTH]>);

impl PlanKey {
    /// A key of these bytes, which nobody can guess.
    pub fn new(bytes: [u8; LENGTH]) -> Self {
        Self(SecretBox::new(Box::new(bytes)))
    }

    /// The bytes, to be kept where only the state's owner reads them.
    pub fn bytes(&self) -> &[u8; LENGTH] {
        self.0.expose_secret()
    }

    /// What only this key makes of a content.
    pub fn seal(&self, content: &[u8]) -> Seal {
        Seal(blake3::keyed_hash(self.bytes(), content))
    }
}

/// Proves that who knows the key wrote the content. Compared in constant time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seal(blake3::Hash);

/// Says which content it is, for a person to carry elsewhere: 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentDigest(blake3::Hash);

impl ContentDigest {
    /// The digest of a content.
    pub fn of(content: &[u8]) -> Self {
        Self(blake3::hash(content))
    }
}

impl fmt::Display for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.to_hex().as_str())
    }
}

/// A text that is no digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a digest has 64 hexadecimal digits, as `plan --out` printed it")]
pub struct NoDigest;

impl FromStr for ContentDigest {
    type Err = NoDigest;

    fn from_str(text: &str) -> Result<Self, NoDigest> {
        blake3::Hash::from_hex(text.trim()).map(Self).map_err(|_| NoDigest)
    }
}

macro_rules! in_hexadecimal {
    ($type:ident) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.0.to_hex().as_str())
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                blake3::Hash::from_hex(&text).map(Self).map_err(serde::de::Error::custom)
            }
        }
    };
}

in_hexadecimal!(Seal);
in_hexadecimal!(ContentDigest);

#[cfg(test)]
mod tests {
    use super::ContentDigest;
    use super::PlanKey;

    #[test]
    fn a_seal_is_of_one_key_and_one_content() {
        let [one, other] = [1, 2].map(|byte| PlanKey::new([byte; super::LENGTH]));
        assert_eq!(one.seal(b"a"), one.seal(b"a"));
        assert_ne!(one.seal(b"a"), one.seal(b"b"));
        assert_ne!(one.seal(b"a"), other.seal(b"a"));
    }

    #[test]
    fn a_digest_is_read_as_it_is_printed() {
        let digest = ContentDigest::of(b"a");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert_eq!(format!(" {} ", digest.to_string().to_uppercase()).parse(), Ok(digest));
        for wrong in ["", "12", &"x".repeat(64)] {
            assert!(wrong.parse::<ContentDigest>().is_err(), "{wrong}");
        }
    }
}
