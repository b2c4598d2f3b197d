//! The file of the state: read whole, appended to, written anew when most of it is out of date.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, Permissions, set_permissions};
use std::io::{self, Read, Write};
use std::ops::Range;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::entry::{self, Entry, Key, identity};
use super::frame::{self, Found};
use super::kept::{self, Kept};
use crate::error::{Code, Error, Result, io_error};
use crate::replace::replace;

const FILE: &str = "state";
const MAGIC: &str = "dpb simulated cluster ";
const VERSION: &str = "1";
/// Compacted when more than this lies in the file in excess of twice what is needed.
const SLACK: u64 = 4 * 1024 * 1024;

/// The file, open for appending.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    file: File,
    length: u64,
    /// Where the record of each key that is not gone lies, head included.
    live: BTreeMap<String, Range<u64>>,
    live_bytes: u64,
    slack: u64,
    /// The newest version, which also lies in the file when its object is gone.
    version: u64,
    /// A write failed and could not be taken back: nothing more is written.
    broken: bool,
}

/// A file that was looked through.
struct Scan {
    end: u64,
    live: BTreeMap<String, Range<u64>>,
    version: u64,
}

fn header() -> String {
    format!("{MAGIC}{VERSION}\n")
}

/// The key of the record that only keeps the newest version.
fn newest() -> Key {
    Key::Part(String::new())
}

impl Log {
    /// Opens it, dropping what a cut write left at its end.
    pub(super) fn open(folder: &Path) -> Result<(Self, Kept)> {
        let path = folder.join(FILE);
        let io = |doing: &'static str| {
            let path = path.clone();
            move |error: io::Error| io_error(doing, &path, &error)
        };
        if !path.exists() {
            let made = replace(&path, header().as_bytes());
            // Secrets lie in it. The mode stays when the file is written anew.
            made.and_then(|()| set_permissions(&path, Permissions::from_mode(0o600))).map_err(io("making"))?;
        }
        let mut file = open(&path).map_err(io("opening"))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(io("reading"))?;
        let scan = scan(&path, &bytes)?;
        let kept = scan.kept(&path, &bytes)?;
        file.set_len(scan.end).map_err(io("cutting"))?;
        let live_bytes = scan.live.values().map(|range| range.end - range.start).sum();
        let (length, version, live) = (scan.end, scan.version, scan.live);
        Ok((Self { path, file, length, live, live_bytes, slack: SLACK, version, broken: false }, kept))
    }

    /// Where it lies.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Says what a key is from now on; nothing: that it is gone.
    pub(super) fn append(&mut self, key: &Key, version: u64, value: Option<&serde_json::Value>) -> io::Result<()> {
        if self.broken {
            return Err(io::Error::other("an earlier write failed half way"));
        }
        let text = key.text();
        let mut record = Vec::new();
        frame::write(&entry::write(&text, version, value)?, &mut record)?;
        if let Err(error) = self.file.write_all(&record) {
            self.broken = self.file.set_len(self.length).is_err();
            return Err(error);
        }
        let range = self.length..self.length + record.len() as u64;
        self.length = range.end;
        self.version = self.version.max(version);
        self.account(identity(&text).to_owned(), value.is_some().then_some(range));
        if self.length > 2 * self.live_bytes + self.slack && self.compact().is_err() {
            // The change is in the file all the same; this is tried again when the file has grown.
            self.slack *= 2;
        }
        Ok(())
    }

    fn account(&mut self, key: String, range: Option<Range<u64>>) {
        let size = |range: &Range<u64>| range.end - range.start;
        self.live_bytes += range.as_ref().map_or(0, size);
        let old = match range {
            Some(range) => self.live.insert(key, range),
            None => self.live.remove(&key),
        };
        self.live_bytes -= old.as_ref().map_or(0, size);
    }

    /// Writes what is needed of the file beside it, and puts that in its place.
    fn compact(&mut self) -> io::Result<()> {
        let old = std::fs::read(&self.path)?;
        let mut new = header().into_bytes();
        let newest = newest().text();
        frame::write(&entry::write(&newest, self.version, Some(&serde_json::Value::Null))?, &mut new)?;
        let mut live = BTreeMap::new();
        let first = header().len() as u64;
        live.insert(newest.clone(), first..new.len() as u64);
        for (key, range) in self.live.iter().filter(|(key, _)| **key != newest) {
            let from = new.len() as u64;
            new.extend_from_slice(old.get(bounds(range)).unwrap_or_default());
            live.insert(key.clone(), from..new.len() as u64);
        }
        let replaced = replace(&self.path, &new);
        // Whichever file lies there now is the one to go on with: appends to a replaced one would be lost.
        self.broken = true;
        let file = open(&self.path)?;
        let is_old = file.metadata()?.len() == self.length;
        self.file = file;
        self.broken = false;
        if is_old {
            return replaced;
        }
        self.length = new.len() as u64;
        self.live_bytes = self.length - first;
        self.live = live;
        Ok(())
    }

    /// Waits for the disk.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Compacts sooner, for tests.
    #[cfg(test)]
    pub(super) fn set_slack(&mut self, slack: u64) {
        self.slack = slack;
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).append(true).open(path)
}

fn bounds(range: &Range<u64>) -> Range<usize> {
    let index = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
    index(range.start)..index(range.end)
}

/// What lies in the file now; nothing if there is none.
pub(super) fn read(folder: &Path) -> Result<Kept> {
    let path = folder.join(FILE);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Kept::default()),
        Err(error) => return Err(io_error("reading", &path, &error)),
    };
    scan(&path, &bytes)?.kept(&path, &bytes)
}

/// Removes the file; says whether there was one.
pub(super) fn remove(folder: &Path) -> Result<bool> {
    let path = folder.join(FILE);
    match std::fs::remove_file(&path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(io_error("removing", &path, &error)),
    }
}

fn unusable(path: &Path, what: &str) -> Error {
    Error::new(Code::Invalid, format!("the state of the simulated cluster in {} {what}", path.display()))
        .hint("Start over with an empty one: dpb sim reset")
}

fn scan(path: &Path, bytes: &[u8]) -> Result<Scan> {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let version = std::str::from_utf8(line).ok().and_then(|line| line.strip_prefix(MAGIC));
    match version {
        Some(VERSION) if bytes.len() > line.len() => {}
        Some(other) => {
            return Err(unusable(path, &format!("is of version {other}, and this dpb knows version {VERSION}")));
        }
        None => return Err(unusable(path, "is no such state")),
    }
    let mut scan = Scan { end: 0, live: BTreeMap::new(), version: 0 };
    let mut at = line.len() + 1;
    loop {
        match frame::at(bytes, at) {
            Found::End => break,
            Found::Damaged => return Err(unusable(path, &format!("is damaged at byte {at}"))),
            Found::Record(length) => {
                let end = at + frame::HEAD + length;
                let entry = bytes.get(at + frame::HEAD..end).and_then(Entry::parse);
                let entry =
                    entry.ok_or_else(|| unusable(path, &format!("has a record of no known form at byte {at}")))?;
                scan.version = scan.version.max(entry.version);
                let key = identity(entry.key).to_owned();
                if entry.value.is_empty() {
                    scan.live.remove(&key);
                } else {
                    scan.live.insert(key, at as u64..end as u64);
                }
                at = end;
            }
        }
    }
    scan.end = at as u64;
    Ok(scan)
}

impl Scan {
    fn kept(&self, path: &Path, bytes: &[u8]) -> Result<Kept> {
        let content = |range: &Range<u64>| {
            let range = bounds(range);
            Entry::parse(bytes.get(range.start + frame::HEAD..range.end)?)
        };
        let entries: Vec<Entry<'_>> = self.live.values().filter_map(content).collect();
        let values = kept::values(&entries)
            .map_err(|key| unusable(path, &format!("holds something that cannot be read under {key:?}")))?;
        let newest = newest();
        let values = values.into_iter().filter(|(key, _)| *key != newest).collect();
        Ok(Kept::of(self.version, values))
    }
}
