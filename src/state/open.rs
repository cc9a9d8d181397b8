//! Opening sled where a panic is an answer: the one place that does.

use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::time::Duration;

/// sled's cache; its default is a gigabyte.
const CACHE_BYTES: u64 = 16 * 1024 * 1024;

/// Why sled does not open.
pub enum OpenFailure {
    /// Another process holds it.
    Held,
    /// The system refused.
    Io(std::io::Error),
    /// What is there is no sound database.
    Broken(String),
}

/// Opens sled on a thread of its own, where a panic is an answer. A lock that
/// a dropped handle still holds for a moment is waited for.
pub fn open_guarded(path: &Path) -> Result<sled::Db, OpenFailure> {
    for attempt in 0..20 {
        let path = path.to_owned();
        let opened = std::thread::Builder::new()
            .name("open-state".to_owned())
            .spawn(move || std::panic::catch_unwind(AssertUnwindSafe(|| open(&path))))
            .map_err(|error| OpenFailure::Broken(error.to_string()))?
            .join();
        match opened {
            Ok(Ok(Ok(db))) => return Ok(db),
            Ok(Ok(Err(sled::Error::Io(error)))) if is_held(&error) && attempt < 19 => {
                std::thread::sleep(Duration::from_millis(50));
            }
            Ok(Ok(Err(sled::Error::Io(error)))) if is_held(&error) => {
                return Err(OpenFailure::Held);
            }
            Ok(Ok(Err(sled::Error::Io(error)))) => return Err(OpenFailure::Io(error)),
            Ok(Ok(Err(error))) => return Err(OpenFailure::Broken(error.to_string())),
            Ok(Err(_)) | Err(_) => {
                return Err(OpenFailure::Broken("sled stopped while opening".to_owned()));
            }
        }
    }
    Err(OpenFailure::Held)
}

fn is_held(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::WouldBlock
        || error.to_string().contains("could not acquire lock")
}

#[expect(clippy::disallowed_methods, reason = "the one place that opens sled")]
fn open(path: &Path) -> Result<sled::Db, sled::Error> {
    sled::Config::default().path(path).cache_capacity(CACHE_BYTES).flush_every_ms(Some(500)).open()
}
