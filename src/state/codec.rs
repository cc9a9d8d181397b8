//! How a record looks in sled: a version byte, the digest of its attributes,
//! its standing, then JSON. Equality and order need no decoding.
//!
//! sled has known space bugs with large values, so that a value beyond
//! [`PART`] bytes is cut, and its further parts go to a tree of their own.

use crate::model::Digest;
use crate::model::Record;
use crate::model::Standing;

/// The version of this layout.
const VERSION: u8 = 1;
/// Bytes in front of the JSON.
const HEAD: usize = 1 + 16 + 1;
/// The most bytes of one value in sled.
pub const PART: usize = 6_000;

/// A record as bytes.
pub fn encode(record: &Record) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256);
    bytes.push(VERSION);
    bytes.extend_from_slice(&record.attributes.digest().0);
    bytes.push(match record.standing {
        Standing::Live => 0,
        Standing::Retired => 1,
    });
    // A record is made of texts, flags and lists: it always encodes.
    let _ = serde_json::to_writer(&mut bytes, record);
    bytes
}

/// The front of a record: digest and standing.
///
/// # Errors
/// When the bytes are no record of a version that is known.
pub fn front(bytes: &[u8]) -> Result<(Digest, Standing), String> {
    if bytes.len() < HEAD {
        return Err("a record is cut short".to_owned());
    }
    if bytes[0] != VERSION {
        return Err(format!("a record has layout {}, and this version knows {VERSION}", bytes[0]));
    }
    let mut digest = [0; 16];
    digest.copy_from_slice(&bytes[1..17]);
    let standing = if bytes[17] == 1 { Standing::Retired } else { Standing::Live };
    Ok((Digest(digest), standing))
}

/// A whole record.
///
/// # Errors
/// When the bytes are no record.
pub fn decode(bytes: &[u8]) -> Result<Record, String> {
    front(bytes)?;
    serde_json::from_slice(&bytes[HEAD..]).map_err(|error| error.to_string())
}

/// A value in sled's parts: the first with how many follow in front, then the
/// rest.
pub fn split(value: &[u8]) -> (Vec<u8>, Vec<&[u8]>) {
    let (first, rest) = value.split_at(value.len().min(PART));
    let rest: Vec<&[u8]> = rest.chunks(PART).collect();
    let mut head = Vec::with_capacity(first.len() + 2);
    head.extend_from_slice(&u16::try_from(rest.len()).unwrap_or(u16::MAX).to_be_bytes());
    head.extend_from_slice(first);
    (head, rest)
}

/// How many parts follow, and the first part.
pub fn head(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let (count, first) = bytes.split_at_checked(2)?;
    Some((u16::from_be_bytes([count[0], count[1]]), first))
}

/// The key of a further part.
pub fn part_key(tree: u8, key: &[u8], number: u16) -> Vec<u8> {
    let mut part = Vec::with_capacity(key.len() + 4);
    part.push(tree);
    part.extend_from_slice(key);
    part.push(0);
    part.extend_from_slice(&number.to_be_bytes());
    part
}

#[cfg(test)]
mod tests {
    use super::PART;
    use super::decode;
    use super::encode;
    use super::front;
    use super::head;
    use super::split;
    use crate::model::Ownership;
    use crate::model::Record;
    use crate::model::Standing;
    use crate::model::Value;

    #[test]
    fn a_record_survives_and_its_front_is_read_alone() {
        let mut record = Record::new(Ownership::Created);
        record.attributes.set("label", Value::Text("x".into()));
        record.standing = Standing::Retired;
        let bytes = encode(&record);
        assert_eq!(front(&bytes), Ok((record.attributes.digest(), Standing::Retired)));
        assert_eq!(decode(&bytes), Ok(record));
        decode(&bytes[..10]).expect_err("is cut short");
    }

    #[test]
    fn a_large_value_is_cut_and_put_together_again() {
        let value: Vec<u8> = (0..=255).cycle().take(20_000).collect();
        let (first, rest) = split(&value);
        let (count, start) = head(&first).expect("a head");
        assert_eq!((usize::from(count), start.len()), (rest.len(), PART));
        let mut whole = start.to_vec();
        for part in rest {
            whole.extend_from_slice(part);
        }
        assert_eq!(whole, value);
    }
}
