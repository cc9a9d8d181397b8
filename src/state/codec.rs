//! How a record looks in sled: a version byte, the digest of its attributes,
//! a byte of bits, then JSON. Equality and order need no decoding.

use crate::model::Digest;
use crate::model::Record;
use crate::model::RecordError;
use crate::model::Standing;

/// The version of this layout.
const VERSION: u8 = 1;
/// Bytes in front of the JSON.
const HEAD: usize = 1 + 16 + 1;
/// Bits of the byte that follows the digest.
const RETIRED: u8 = 1;
const PROTECTED: u8 = 2;

/// What is known of a record without decoding it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The digest of its attributes.
    pub digest: Digest,
    /// Whether it is in use.
    pub standing: Standing,
    /// Whether it is protected from being taken away.
    pub protected: bool,
}

/// A record as bytes.
pub fn encode(record: &Record) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256);
    bytes.push(VERSION);
    bytes.extend_from_slice(&record.attributes.digest().0);
    let standing = match record.standing {
        Standing::Live => 0,
        Standing::Retired => RETIRED,
    };
    bytes.push(if record.protected { standing | PROTECTED } else { standing });
    // A record is made of texts, flags and lists: it always encodes.
    let _ = serde_json::to_writer(&mut bytes, record);
    bytes
}

/// The header of a record.
///
/// # Errors
/// When the bytes are no record of a version that is known.
pub fn header(bytes: &[u8]) -> Result<Header, RecordError> {
    if bytes.len() < HEAD {
        return Err(RecordError::CutShort);
    }
    if bytes[0] != VERSION {
        return Err(RecordError::Layout { found: bytes[0], known: VERSION });
    }
    let mut digest = [0; 16];
    digest.copy_from_slice(&bytes[1..17]);
    let bits = bytes[17];
    let standing = if bits & RETIRED == 0 { Standing::Live } else { Standing::Retired };
    Ok(Header { digest: Digest(digest), standing, protected: bits & PROTECTED != 0 })
}

/// A whole record.
///
/// # Errors
/// When the bytes are no record.
pub fn decode(bytes: &[u8]) -> Result<Record, RecordError> {
    header(bytes)?;
    serde_json::from_slice(&bytes[HEAD..])
        .map_err(|error| RecordError::Unreadable(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::Header;
    use super::decode;
    use super::encode;
    use super::header;
    use crate::model::Ownership;
    use crate::model::Record;
    use crate::model::Standing;
    use crate::model::Value;

    #[test]
    fn a_record_survives_and_its_header_is_read_alone() {
        let mut record = Record::new(Ownership::Created);
        record.attributes.set("label", Value::Text("x".into()));
        record.standing = Standing::Retired;
        record.protected = true;
        let bytes = encode(&record);
        let digest = record.attributes.digest();
        let expected = Header { digest, standing: Standing::Retired, protected: true };
        assert_eq!(header(&bytes), Ok(expected));
        assert_eq!(decode(&bytes), Ok(record));
        decode(&bytes[..10]).expect_err("is cut short");
    }
}
