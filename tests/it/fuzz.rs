//! The bodies of `tests/fuzz` over their corpus and ten seconds of its mutations each: no
//! text from outside makes anything panic, or take far more than itself.

use std::path::Path;
use std::time::Duration;

#[path = "../fuzz/bodies.rs"]
mod bodies;

/// How long each is mutated.
const TIME: Duration = Duration::from_secs(10);
/// What one text may take: its size so many times, and what a body needs by itself.
const TIMES: u64 = 400;
const BASE: u64 = 48 << 20;

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(name);
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("a corpus")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).expect("reads")).collect()
}

/// Pieces that parsers care for.
const PIECES: [&[u8]; 26] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"'",
    b":",
    b",",
    b"- ",
    b"\n",
    b"  ",
    b"&a ",
    b"*a",
    b"|\n",
    b"#",
    b"${",
    b"}",
    b"<",
    b">",
    b"</a>",
    b"<![CDATA[",
    b"&#0;",
    b"\\u0000",
    b"\xef\xbb\xbf",
    b"\xe2\x80\xae",
    b"99999999999999999999",
];

fn mutated(random: &mut fastrand::Rng, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut text = corpus[random.usize(..corpus.len())].clone();
    for _ in 0..random.usize(1..6) {
        let at = random.usize(..=text.len());
        match random.u8(..7) {
            0 if at < text.len() => text[at] ^= 1 << random.u8(..8),
            1 if at < text.len() => text[at] = random.u8(..),
            2 => {
                let end = (at + random.usize(..40)).min(text.len());
                text.drain(at..end);
            }
            3 => {
                let end = (at + random.usize(..60)).min(text.len());
                let part = text[at..end].repeat(random.usize(1..5));
                text.splice(at..at, part);
            }
            4 => text.truncate(at),
            5 => {
                let other = &corpus[random.usize(..corpus.len())];
                let from = random.usize(..=other.len());
                text.truncate(at);
                text.extend_from_slice(&other[from..]);
            }
            _ => {
                let piece = PIECES[random.usize(..PIECES.len())];
                text.splice(at..at, piece.iter().copied());
            }
        }
        text.truncate(64 << 10);
    }
    text
}

#[expect(clippy::disallowed_methods, reason = "how long is gone on, and nothing else")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}

fn fuzz(name: &str) {
    let (_, body) = bodies::ALL.iter().find(|(held, _)| *held == name).expect("a body");
    let corpus = corpus(name);
    assert!(!corpus.is_empty(), "{name} has a corpus");
    let check = |what: &str, text: &[u8]| {
        let seen = std::panic::catch_unwind(|| allocation_counter::measure(|| body(text)));
        let seen = seen.unwrap_or_else(|_| panic!("{name} {what}: {}", text.escape_ascii()));
        let most = BASE + TIMES * text.len() as u64;
        assert!(
            seen.bytes_max <= most,
            "{name} {what} took {}: {}",
            seen.bytes_max,
            text.escape_ascii()
        );
    };
    for (number, text) in corpus.iter().enumerate() {
        check(&format!("file {number}"), text);
    }
    let started = now();
    for seed in 0.. {
        if now().duration_since(started) > TIME {
            break;
        }
        let text = mutated(&mut fastrand::Rng::with_seed(seed), &corpus);
        check(&format!("seed {seed}"), &text);
    }
}

macro_rules! fuzzed {
    ($($test:ident: $name:literal),+ $(,)?) => {
        $(#[test]
        fn $test() {
            fuzz($name);
        })+

        #[test]
        fn every_body_is_fuzzed() {
            let names: Vec<&str> = bodies::ALL.iter().map(|(name, _)| *name).collect();
            assert_eq!(names, [$($name),+]);
        }
    };
}

fuzzed! {
    files_of_people: "yaml",
    rows_of_a_loop: "csv",
    saved_plans: "plan",
    files_of_a_state: "state",
    answers_in_json: "json",
    answers_in_soap: "soap",
    queries_of_the_local_org: "soql",
    envelopes_for_the_local_org: "xml",
}
