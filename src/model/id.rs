//! Salesforce record ids.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

/// A record id in its 18-character form, which compares without regard to how
/// it was written (15 characters are case-sensitive, the last three carry the
/// case as a checksum).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SalesforceId(String);

const CHECKSUM_ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

impl SalesforceId {
    /// Takes 15 or 18 characters; anything else is no id.
    pub fn parse(text: &str) -> Option<Self> {
        if !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return None;
        }
        match text.len() {
            15 => {
                let mut id = String::with_capacity(18);
                id.push_str(text);
                for chunk in text.as_bytes().chunks(5) {
                    let bits = chunk.iter().enumerate().fold(0usize, |bits, (place, byte)| {
                        bits | (usize::from(byte.is_ascii_uppercase()) << place)
                    });
                    id.push(char::from(CHECKSUM_ALPHABET[bits]));
                }
                Some(Self(id))
            }
            18 => Self::parse(&text[..15]),
            _ => None,
        }
    }

    /// The 18 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SalesforceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SalesforceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::SalesforceId;

    #[test]
    fn fifteen_characters_get_the_checksum_that_salesforce_gives() {
        let id = SalesforceId::parse("00D30000000abCD").expect("an id");
        assert_eq!(id.as_str().len(), 18);
        assert_eq!(
            SalesforceId::parse("001A0000006Vm9r").map(|id| id.to_string()),
            Some("001A0000006Vm9rIAC".to_string())
        );
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in ["", "abc", "00D3000000-abCD", "00D30000000abCDEFGHI"] {
            assert_eq!(SalesforceId::parse(text), None, "{text}");
        }
    }
}
