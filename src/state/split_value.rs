//! Values in sled: one beyond [`CHUNK`] bytes is split, since sled has known space
//! bugs with large values, and its further chunks go to a tree of their own.

use crate::model::RecordError;
use sled::transaction::ConflictableTransactionError;
use sled::transaction::TransactionalTree;

/// The most bytes of one value in sled.
const CHUNK: usize = 6_000;

/// A value split for sled: the first with how many follow in front, then the
/// rest.
fn split(value: &[u8]) -> (Vec<u8>, Vec<&[u8]>) {
    let (first, rest) = value.split_at(value.len().min(CHUNK));
    let rest: Vec<&[u8]> = rest.chunks(CHUNK).collect();
    let mut head = Vec::with_capacity(first.len() + 2);
    head.extend_from_slice(&u16::try_from(rest.len()).unwrap_or(u16::MAX).to_be_bytes());
    head.extend_from_slice(first);
    (head, rest)
}

/// How many chunks follow, and the first chunk.
pub fn head(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let (count, first) = bytes.split_at_checked(2)?;
    Some((u16::from_be_bytes([count[0], count[1]]), first))
}

/// The key of a further chunk.
fn chunk_key(tree: u8, key: &[u8], number: u16) -> Vec<u8> {
    let mut chunk = Vec::with_capacity(key.len() + 4);
    chunk.push(tree);
    chunk.extend_from_slice(key);
    chunk.push(0);
    chunk.extend_from_slice(&number.to_be_bytes());
    chunk
}

/// Puts a value together from its chunks.
pub fn whole(
    chunks: &sled::Tree,
    tree: u8,
    key: &[u8],
    value: &[u8],
) -> Result<Vec<u8>, RecordError> {
    let (count, first) = head(value).ok_or(RecordError::CutShort)?;
    let mut bytes = first.to_vec();
    for number in 0..count {
        let chunk = chunks
            .get(chunk_key(tree, key, number))
            .map_err(|error| RecordError::Refused(error.to_string()))?
            .ok_or(RecordError::ChunkMissing)?;
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Writes or removes a value with its chunks.
pub fn write_value(
    tree: &TransactionalTree,
    chunks: &TransactionalTree,
    name: u8,
    key: &[u8],
    value: Option<&[u8]>,
) -> Result<(), ConflictableTransactionError<()>> {
    let before = tree.get(key)?.and_then(|held| head(&held).map(|(count, _)| count)).unwrap_or(0);
    let mut written = 0;
    match value {
        Some(value) => {
            let (first, rest) = split(value);
            for chunk in rest {
                chunks.insert(chunk_key(name, key, written), chunk)?;
                written += 1;
            }
            tree.insert(key, first)?;
        }
        None => {
            tree.remove(key)?;
        }
    }
    for number in written..before {
        chunks.remove(chunk_key(name, key, number))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::CHUNK;
    use super::head;
    use super::split;

    #[test]
    fn a_large_value_is_cut_and_put_together_again() {
        let value: Vec<u8> = (0..=255).cycle().take(20_000).collect();
        let (first, rest) = split(&value);
        let (count, start) = head(&first).expect("a head");
        assert_eq!((usize::from(count), start.len()), (rest.len(), CHUNK));
        let mut whole = start.to_vec();
        for chunk in rest {
            whole.extend_from_slice(chunk);
        }
        assert_eq!(whole, value);
    }
}
