//! Files that only their owner reads: tokens and keys are in them.

use std::fs::OpenOptions;

/// How such a file is opened.
pub fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options
}
