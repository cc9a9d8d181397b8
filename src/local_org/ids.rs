//! Ids: their digits, and the three characters that make 15 into 18.

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A number in the digits of ids, nine of them.
pub fn base62(mut number: u64) -> String {
    let mut digits = [b'0'; 9];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[usize::try_from(number % 62).unwrap_or(0)];
        number /= 62;
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

/// The number that such digits are.
pub fn from_base62(digits: &str) -> u64 {
    digits.bytes().fold(0u64, |number, digit| {
        let value = BASE62.iter().position(|held| *held == digit).unwrap_or(0) as u64;
        number.wrapping_mul(62).wrapping_add(value)
    })
}

/// The 18-character form of a 15-character id.
pub fn with_checksum(id: &str) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
    let mut whole = id.to_owned();
    for chunk in id.as_bytes().chunks(5).take(3) {
        let bits = chunk.iter().enumerate().fold(0usize, |bits, (place, byte)| {
            bits | (usize::from(byte.is_ascii_uppercase()) << place)
        });
        whole.push(char::from(ALPHABET[bits]));
    }
    whole
}

/// An id as given, in 18 characters where it has 15.
pub fn normal_id(id: &str) -> String {
    if id.len() == 15 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        with_checksum(id)
    } else {
        id.to_owned()
    }
}
