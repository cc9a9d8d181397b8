//! The org's data: tables in memory with indexes, and a log on disk.
//!
//! A call is one transaction. Its changes go to the log as one write that is
//! synced before the call is answered, so that what was acknowledged survives
//! a kill. On start the log is read, and rewritten when it holds much more
//! than what is left of it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use compact_str::CompactString;
use serde_json::Value as Json;

use super::ids::base62;
use super::ids::from_base62;
use super::ids::with_checksum;
use super::index;
use super::index::Index;
use super::log;
use super::log::Damage;
use super::log::Log;
use super::row::Cell;
use super::row::Row;
use super::row::interned;
use super::row::row;
use crate::disk;

/// The fields by which rows are found without a scan.
const INDEXED: [(&str, &[&str]); 15] = [
    ("FieldPermissions", &["ParentId"]),
    ("GroupMember", &["GroupId", "UserOrGroupId"]),
    ("MutingPermissionSet", &["DeveloperName"]),
    ("ObjectPermissions", &["ParentId"]),
    ("PermissionSet", &["Name", "PermissionSetGroupId", "ProfileId"]),
    ("PermissionSetAssignment", &["AssigneeId", "PermissionSetGroupId", "PermissionSetId"]),
    ("PermissionSetGroup", &["DeveloperName"]),
    ("PermissionSetGroupComponent", &["PermissionSetGroupId", "PermissionSetId"]),
    ("PermissionSetLicenseAssign", &["AssigneeId", "PermissionSetLicenseId"]),
    ("Profile", &["Name", "UserLicenseId"]),
    ("SectionEntry", &["ParentId"]),
    ("SetupEntityAccess", &["ParentId"]),
    ("User", &["Username", "ProfileId", "CommunityNickname", "FederationIdentifier"]),
    ("UserLogin", &["UserId"]),
    ("UserPackageLicense", &["PackageLicenseId", "UserId"]),
];

/// The file of the log.
pub const LOG: &str = "org.log";

/// The log is rewritten on start when it has this many times more lines than
/// there are rows.
const COMPACT_FACTOR: u64 = 4;

#[derive(Debug, Default)]
struct Table {
    rows: BTreeMap<CompactString, Row>,
    indexes: HashMap<&'static str, Index>,
}

/// Tables that were opened in a folder.
#[derive(Debug)]
pub struct Opened {
    /// They.
    pub store: Store,
    /// Whether the folder held none.
    pub is_new: bool,
    /// What of their log could not be read.
    pub damage: Option<Damage>,
}

/// All tables.
#[derive(Debug)]
pub struct Store {
    tables: HashMap<&'static str, Table>,
    counters: HashMap<String, u64>,
    active_users: HashMap<String, i64>,
    log: Option<Log>,
    undo: Vec<(&'static str, CompactString, Option<Row>)>,
    pending: Vec<u8>,
}

impl Store {
    /// Tables in memory only.
    pub fn in_memory() -> Self {
        Self {
            tables: HashMap::new(),
            counters: HashMap::new(),
            active_users: HashMap::new(),
            log: None,
            undo: Vec::new(),
            pending: Vec::new(),
        }
    }

    /// Tables kept in a folder.
    ///
    /// # Errors
    /// When the folder or its log can't be read or written, or another
    /// process holds it.
    pub fn open(folder: &Path) -> std::io::Result<Opened> {
        disk::folder(folder)?;
        let path = folder.join(LOG);
        let mut store = Self::in_memory();
        let (log, damage, lines) = Log::open(&path, |line| store.replay(line))?;
        store.log = Some(log);
        let rows: usize = store.tables.values().map(|table| table.rows.len()).sum();
        let rows = rows as u64;
        // What is damaged was set aside: the log begins anew from what could be read.
        if damage.is_some() || (lines > 1000 && lines > rows * COMPACT_FACTOR) {
            store.compact()?;
        }
        // An org whose making was cut off was never there.
        let is_new = lines == 0 && damage.as_ref().is_none_or(|damage| damage.is_torn_end);
        Ok(Opened { store, is_new, damage })
    }

    /// Lets go of its log, for another store to be opened there.
    pub fn end(&mut self) {
        if let Some(log) = &mut self.log {
            log.end();
        }
    }

    /// Where its log is; `None` where it is kept nowhere.
    pub fn place(&self) -> Option<&Path> {
        self.log.as_ref().map(|log| log.path.as_path())
    }

    fn replay(&mut self, line: &[u8]) -> bool {
        let Ok(Json::Array(entries)) = serde_json::from_slice::<Json>(line) else { return false };
        for entry in entries {
            let Json::Array(mut parts) = entry else { return false };
            let (Some(object), Some(id)) = (
                parts.first().and_then(Json::as_str).map(str::to_owned),
                parts.get(1).and_then(Json::as_str).map(str::to_owned),
            ) else {
                return false;
            };
            let row = match parts.pop() {
                Some(fields @ Json::Object(_)) => {
                    let mut row = row(fields);
                    row.shrink();
                    Some(row)
                }
                _ => None,
            };
            self.note_id(&id);
            self.write_row(interned(&object), &id, row);
        }
        true
    }

    fn compact(&mut self) -> std::io::Result<()> {
        let Some(log) = &self.log else { return Ok(()) };
        let temporary = log.path.with_extension("log.new");
        let mut file = disk::create(&temporary)?;
        let mut last = 0;
        {
            let mut writer = std::io::BufWriter::new(&mut file);
            for (object, table) in &self.tables {
                for (id, row) in &table.rows {
                    let line = serde_json::to_vec(&[(object, id.as_str(), row)])?;
                    last += 1;
                    writer.write_all(&log::numbered(last, &line))?;
                }
            }
            writer.flush()?;
        }
        file.sync_all()?;
        std::fs::rename(&temporary, &log.path)?;
        // A folder can be synced only where it can be opened as a file.
        #[cfg(unix)]
        if let Some(folder) = log.path.parent() {
            File::open(folder)?.sync_all()?;
        }
        self.log = Some(log.reopened(last)?);
        Ok(())
    }

    /// A new id of that prefix.
    pub fn new_id(&mut self, prefix: &str) -> String {
        let counter = self.counters.entry(prefix.to_owned()).or_default();
        *counter += 1;
        with_checksum(&format!("{prefix}000{}", base62(*counter)))
    }

    /// Counts an id that came from the log, so that it is not given again.
    fn note_id(&mut self, id: &str) {
        let (Some(prefix), Some(digits)) = (id.get(..3), id.get(6..15)) else { return };
        let counter = self.counters.entry(prefix.to_owned()).or_default();
        *counter = (*counter).max(from_base62(digits));
    }

    /// One row.
    pub fn get(&self, object: &str, id: &str) -> Option<&Row> {
        self.tables.get(object)?.rows.get(id)
    }

    /// All rows of an object, in the order of ids.
    pub fn all(&self, object: &str) -> impl Iterator<Item = &Row> {
        self.tables.get(object).into_iter().flat_map(|table| table.rows.values())
    }

    /// How many rows an object has.
    #[cfg(test)]
    pub fn count(&self, object: &str) -> usize {
        self.tables.get(object).map_or(0, |table| table.rows.len())
    }

    /// Whether a field is indexed.
    pub fn is_indexed(object: &str, field: &str) -> bool {
        INDEXED.iter().any(|(held, fields)| *held == object && fields.contains(&field))
    }

    fn index(&self, object: &str, field: &str) -> Option<&Index> {
        self.tables.get(object)?.indexes.get(field)
    }

    /// The ids of rows whose indexed field has this value.
    pub fn ids_by(&self, object: &str, field: &str, value: &str) -> Vec<String> {
        let index = self.index(object, field);
        index.into_iter().flat_map(|index| index.ids(value)).map(ToString::to_string).collect()
    }

    /// How many rows have this value in an indexed field.
    pub fn count_by(&self, object: &str, field: &str, value: &str) -> usize {
        self.index(object, field).map_or(0, |index| index.count(value))
    }

    /// How many active users have a profile, without looking at them.
    pub fn active_users(&self, profile: &str) -> i64 {
        self.active_users.get(profile).copied().unwrap_or(0)
    }

    /// Corrects a field that is computed and not kept.
    pub fn set_computed(&mut self, object: &str, id: &str, field: &str, value: impl Into<Cell>) {
        if let Some(row) = self.tables.get_mut(object).and_then(|table| table.rows.get_mut(id)) {
            row.set(field, value);
        }
    }

    /// The rows whose indexed field has this value.
    pub fn by(&self, object: &str, field: &str, value: &str) -> impl Iterator<Item = &Row> {
        let rows = self.tables.get(object).map(|table| &table.rows);
        let ids = self.index(object, field).into_iter().flat_map(|index| index.ids(value));
        ids.filter_map(move |id| rows?.get(id))
    }

    /// Writes a row within the transaction.
    pub fn put(&mut self, object: &str, mut row: Row) {
        let id = CompactString::from(row.text("Id").unwrap_or_default());
        row.shrink();
        self.change(object, id, Some(row));
    }

    /// Deletes a row within the transaction.
    pub fn delete(&mut self, object: &str, id: &str) {
        self.change(object, CompactString::from(id), None);
    }

    fn change(&mut self, object: &str, id: CompactString, row: Option<Row>) {
        let object = interned(object);
        let before = self.write_row(object, &id, row);
        self.undo.push((object, id, before));
    }

    /// Writes or takes out a row, and returns what was there.
    fn write_row(&mut self, object: &'static str, id: &str, row: Option<Row>) -> Option<Row> {
        if object == "User" {
            self.count_active(object, id, row.as_ref());
        }
        let table = self.tables.entry(object).or_default();
        let indexed =
            INDEXED.iter().find(|(held, _)| *held == object).map_or(&[][..], |(_, fields)| fields);
        let before = table.rows.remove(id);
        for field in indexed {
            let key = |row: &Option<Row>| row.as_ref()?.get(field).and_then(index::key);
            let (old, new) = (key(&before), key(&row));
            if old == new {
                continue;
            }
            let index = table.indexes.entry(field).or_default();
            if let Some(old) = old {
                index.remove(&old, id);
            }
            if let Some(new) = new {
                index.add(new, id);
            }
        }
        if let Some(row) = row {
            table.rows.insert(CompactString::from(id), row);
        }
        before
    }

    fn count_active(&mut self, object: &str, id: &str, row: Option<&Row>) {
        let profile_of_active =
            |row: &Row| row.text("ProfileId").filter(|_| row.is_on("IsActive")).map(str::to_owned);
        let before = self.get(object, id).and_then(profile_of_active);
        let after = row.and_then(profile_of_active);
        if let Some(profile) = before {
            *self.active_users.entry(profile).or_default() -= 1;
        }
        if let Some(profile) = after {
            *self.active_users.entry(profile).or_default() += 1;
        }
    }

    /// What the transaction has changed so far: objects, with rows as they are
    /// now or, where they are gone, were.
    pub fn changes(&self) -> impl Iterator<Item = (&str, &Row)> {
        self.undo.iter().filter_map(|(object, id, before)| {
            let row = self.get(object, id).or(before.as_ref())?;
            Some((*object, row))
        })
    }

    /// A point to which the transaction can be taken back.
    pub fn savepoint(&self) -> usize {
        self.undo.len()
    }

    /// Takes the transaction back to a point.
    pub fn roll_back(&mut self, savepoint: usize) {
        while self.undo.len() > savepoint {
            if let Some((object, id, before)) = self.undo.pop() {
                self.write_row(object, &id, before);
            }
        }
    }

    /// Ends the transaction: its changes are on disk when this returns.
    ///
    /// # Errors
    /// When the log can't be written; then nothing of the transaction is left,
    /// and the call must not be acknowledged.
    pub fn commit(&mut self) -> std::io::Result<()> {
        let Some(log) = &mut self.log else {
            self.undo.clear();
            return Ok(());
        };
        if self.undo.is_empty() {
            return Ok(());
        }
        let touched: BTreeSet<(&str, &str)> =
            self.undo.iter().map(|(object, id, _)| (*object, id.as_str())).collect();
        self.pending.clear();
        let entries: Vec<(&str, &str, Option<&Row>)> = touched
            .into_iter()
            .map(|(object, id)| {
                (object, id, self.tables.get(object).and_then(|table| table.rows.get(id)))
            })
            .collect();
        serde_json::to_writer(&mut self.pending, &entries)?;
        let written = log.write(&self.pending);
        if written.is_ok() {
            self.undo.clear();
        } else {
            self.roll_back(0);
        }
        written
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::Row;
    use super::Store;

    fn row(id: &str, name: &str) -> Row {
        super::row(json!({"Id": id, "Name": name}))
    }

    #[test]
    fn a_rolled_back_row_is_gone_from_the_index_too() {
        let mut store = Store::in_memory();
        store.put("Profile", row("00e1", "Old"));
        store.commit().expect("commits");
        let savepoint = store.savepoint();
        store.put("Profile", row("00e1", "New"));
        store.roll_back(savepoint);
        assert_eq!(store.ids_by("Profile", "Name", "old"), ["00e1"]);
        assert!(store.ids_by("Profile", "Name", "new").is_empty());
    }

    fn reopened(folder: &Path) -> super::Opened {
        Store::open(folder).expect("opens")
    }

    #[test]
    fn what_was_committed_is_there_again_and_a_torn_tail_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        {
            let super::Opened { mut store, is_new, .. } = reopened(folder.path());
            assert!(is_new);
            let id = store.new_id("00e");
            store.put("Profile", row(&id, "Kept"));
            store.commit().expect("commits");
        }
        let log = folder.path().join(super::LOG);
        let whole = std::fs::read(&log).expect("reads");
        // Only the end of the line is missing.
        std::fs::write(&log, &whole[..whole.len() - 1]).expect("writes");
        assert_eq!(reopened(folder.path()).store.count("Profile"), 1);
        assert_eq!(std::fs::read(&log).expect("reads"), whole);
        let torn = [whole.as_slice(), b"2 0123456789abcdef [[\"Profile\",\"00e0000000000"].concat();
        std::fs::write(&log, &torn).expect("writes");
        let super::Opened { mut store, is_new, damage } = reopened(folder.path());
        assert_eq!((is_new, store.count("Profile")), (false, 1));
        let kept = damage.expect("it is told").kept;
        assert_eq!(std::fs::read(kept).expect("reads"), torn);
        let next = store.new_id("00e");
        assert_ne!(store.ids_by("Profile", "Name", "Kept"), [next], "ids are not given twice");
    }

    #[test]
    fn damage_in_the_middle_costs_its_own_lines_and_is_told() {
        for (count, lost) in [(1, 1), (64, 1), (400, 8)] {
            let folder = tempfile::tempdir().expect("a folder");
            {
                let mut store = reopened(folder.path()).store;
                for number in 0..100 {
                    let name = format!("{number}-{}", "x".repeat(30));
                    store.put("Profile", row(&format!("00e{number:012}"), &name));
                    store.commit().expect("commits");
                }
            }
            let log = folder.path().join(super::LOG);
            let mut bytes = std::fs::read(&log).expect("reads");
            let middle = bytes.len() / 2;
            bytes[middle..middle + count].fill(0);
            std::fs::write(&log, &bytes).expect("writes");
            let super::Opened { store, damage, .. } = reopened(folder.path());
            let damage = damage.expect("it is told");
            assert_eq!(damage.lines, 100 - damage.read, "{damage}");
            assert!(damage.lines <= lost, "{damage}");
            assert_eq!(store.count("Profile") as u64, damage.read, "{damage}");
            assert!(store.get("Profile", "00e000000000099").is_some(), "what is behind it counts");
            assert_eq!(std::fs::read(&damage.kept).expect("reads"), bytes);
            drop(store);
            let again = reopened(folder.path());
            assert_eq!(again.damage, None, "told once, and written anew");
        }
    }

    #[test]
    fn an_org_whose_making_was_cut_off_is_made_anew() {
        for (text, is_new) in [("1 0123456789abcdef [[\"Pro", true), ("nonsense\n", false)] {
            let folder = tempfile::tempdir().expect("a folder");
            std::fs::write(folder.path().join(super::LOG), text).expect("writes");
            assert_eq!(reopened(folder.path()).is_new, is_new, "{text}");
        }
    }

    #[test]
    fn a_line_that_was_taken_out_is_missed() {
        for taken in [0, 5] {
            let folder = tempfile::tempdir().expect("a folder");
            {
                let mut store = reopened(folder.path()).store;
                for number in 0..10 {
                    store.put("Profile", row(&format!("00e{number:012}"), "x"));
                    store.commit().expect("commits");
                }
            }
            let log = folder.path().join(super::LOG);
            let text = std::fs::read_to_string(&log).expect("reads");
            let left = text.lines().enumerate().filter(|(number, _)| *number != taken);
            let left: String = left.map(|(_, line)| format!("{line}\n")).collect();
            std::fs::write(&log, left).expect("writes");
            let damage = reopened(folder.path()).damage.expect("it is told");
            assert_eq!((damage.lines, damage.read), (1, 9), "line {taken}");
        }
    }

    #[test]
    fn a_log_of_an_earlier_version_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let line =
            "[[\"Profile\",\"00e000000000001\",{\"Id\":\"00e000000000001\",\"Name\":\"Old\"}]]\n";
        std::fs::write(folder.path().join(super::LOG), line).expect("writes");
        let super::Opened { store, is_new, damage } = reopened(folder.path());
        assert_eq!((store.count("Profile"), is_new, damage), (1, false, None));
    }

    #[test]
    fn a_write_that_fails_is_taken_back_and_costs_no_later_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(super::LOG);
        let mut store = reopened(folder.path()).store;
        store.put("Profile", row("00e1", "First"));
        store.commit().expect("commits");
        // A handle that can only read makes each write fail.
        let reading = std::fs::File::open(&path).expect("opens");
        let writing = store.log.as_mut().map(|log| std::mem::replace(&mut log.file, reading));
        store.put("Profile", row("00e2", "Refused"));
        assert!(store.commit().is_err());
        assert!(store.get("Profile", "00e2").is_none(), "what was refused is not there");
        if let (Some(log), Some(file)) = (store.log.as_mut(), writing) {
            log.file = file;
            log.is_broken = false;
        }
        store.put("Profile", row("00e3", "Later"));
        store.commit().expect("commits");
        drop(store);
        let store = reopened(folder.path()).store;
        assert!(store.get("Profile", "00e1").is_some() && store.get("Profile", "00e3").is_some());
    }
}
