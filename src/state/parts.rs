//! Values in sled: one beyond [`PART`] bytes is cut, since sled has known space
//! bugs with large values, and its further parts go to a tree of their own.

use sled::transaction::ConflictableTransactionError;
use sled::transaction::TransactionalTree;

/// The most bytes of one value in sled.
const PART: usize = 6_000;

/// A value in sled's parts: the first with how many follow in front, then the
/// rest.
fn split(value: &[u8]) -> (Vec<u8>, Vec<&[u8]>) {
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
fn part_key(tree: u8, key: &[u8], number: u16) -> Vec<u8> {
    let mut part = Vec::with_capacity(key.len() + 4);
    part.push(tree);
    part.extend_from_slice(key);
    part.push(0);
    part.extend_from_slice(&number.to_be_bytes());
    part
}

/// Puts a value together from its parts.
pub fn whole(parts: &sled::Tree, tree: u8, key: &[u8], value: &[u8]) -> Result<Vec<u8>, String> {
    let (count, first) = head(value).ok_or("a value is cut short")?;
    let mut bytes = first.to_vec();
    for number in 0..count {
        let part = parts
            .get(part_key(tree, key, number))
            .map_err(|error| error.to_string())?
            .ok_or("a part of a value is missing")?;
        bytes.extend_from_slice(&part);
    }
    Ok(bytes)
}

/// Writes or removes a value with its parts.
pub fn write_value(
    tree: &TransactionalTree,
    parts: &TransactionalTree,
    name: u8,
    key: &[u8],
    value: Option<&[u8]>,
) -> Result<(), ConflictableTransactionError<()>> {
    let before = tree.get(key)?.and_then(|held| head(&held).map(|(count, _)| count)).unwrap_or(0);
    let mut written = 0;
    match value {
        Some(value) => {
            let (first, rest) = split(value);
            for part in rest {
                parts.insert(part_key(name, key, written), part)?;
                written += 1;
            }
            tree.insert(key, first)?;
        }
        None => {
            tree.remove(key)?;
        }
    }
    for number in written..before {
        parts.remove(part_key(name, key, number))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::PART;
    use super::head;
    use super::split;

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
