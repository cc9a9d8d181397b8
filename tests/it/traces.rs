//! Writes down every call that the tests make, where somebody asks for it, so that the
//! calls of two commits can be compared byte by byte.
//!
//! ```text
//! ORGFORM_TRACES=/tmp/before cargo test --test it
//! ```
//!
//! Each world of each test has a file of its own there. A line is one call: its method,
//! its path and its body. Calls that were in flight together may come in either order,
//! so that files are sorted before they are compared.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;

use orgform::org::Answering;
use orgform::org::Wire;
use orgform::org::WireRequest;

/// Another wire, of which every request is written down.
struct Traced {
    inner: Arc<dyn Wire>,
    file: Mutex<File>,
}

impl Wire for Traced {
    fn send(&self, request: WireRequest) -> Answering<'_> {
        let path = request.url.splitn(4, '/').nth(3).unwrap_or_default();
        let body = String::from_utf8_lossy(&request.body).replace('\n', "\\n");
        let line = format!("{} /{path} {body}\n", request.method);
        let mut file = self.file.lock().expect("no panic");
        file.write_all(line.as_bytes()).expect("the call is written down");
        drop(file);
        self.inner.send(request)
    }
}

/// The folder that somebody asked for.
fn folder() -> Option<&'static PathBuf> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOLDER.get_or_init(|| std::env::var_os("ORGFORM_TRACES").map(PathBuf::from)).as_ref()
}

/// The same wire; written down where that is asked for.
pub fn traced(wire: Arc<dyn Wire>) -> Arc<dyn Wire> {
    static WORLDS: Mutex<BTreeMap<String, usize>> = Mutex::new(BTreeMap::new());
    let Some(folder) = folder() else { return wire };
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("unnamed").replace("::", ".");
    let mut worlds = WORLDS.lock().expect("no panic");
    let number = worlds.entry(test.clone()).or_default();
    *number += 1;
    std::fs::create_dir_all(folder).expect("a folder");
    let file = File::create(folder.join(format!("{test}.{number:03}"))).expect("a file");
    Arc::new(Traced { inner: wire, file: Mutex::new(file) })
}
