//! Header blocks: names and values, compressed over the whole connection with a dictionary known beforehand.

use std::collections::BTreeMap;
use std::io;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};

/// From the specification of SPDY/3, 2.6.10.1.
const DICTIONARY: &[u8] = include_bytes!("dictionary.bin");
/// The largest block that is read.
const LARGEST: usize = 1 << 20;

fn broken(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("SPDY header block: {why}"))
}

/// Reads the blocks of one direction.
pub(super) struct Reader(Decompress);

impl Reader {
    pub(super) fn new() -> Self {
        Self(Decompress::new(true))
    }

    pub(super) fn read(&mut self, block: &[u8]) -> io::Result<BTreeMap<String, String>> {
        let mut out: Vec<u8> = Vec::with_capacity(4096);
        let mut rest = block;
        loop {
            let (read, wrote) = (self.0.total_in(), out.len());
            out.reserve(4096);
            let done = self.0.decompress_vec(rest, &mut out, FlushDecompress::Sync);
            let used = usize::try_from(self.0.total_in() - read).map_err(|_| broken("too long"))?;
            rest = rest.get(used..).unwrap_or_default();
            if let Err(error) = done {
                error.needs_dictionary().ok_or_else(|| broken("cannot be inflated"))?;
                self.0.set_dictionary(DICTIONARY).map_err(|_| broken("another dictionary"))?;
                continue;
            }
            if out.len() > LARGEST {
                return Err(broken("too long"));
            }
            if rest.is_empty() && out.len() < out.capacity() || used == 0 && out.len() == wrote {
                return pairs(&out);
            }
        }
    }
}

fn pairs(mut block: &[u8]) -> io::Result<BTreeMap<String, String>> {
    let mut headers = BTreeMap::new();
    for _ in 0..number(&mut block)? {
        let name = text(&mut block)?;
        // Several values stand in one, with a NUL between them.
        let value = text(&mut block)?.replace('\0', ", ");
        headers.insert(name.to_lowercase(), value);
    }
    Ok(headers)
}

fn number(block: &mut &[u8]) -> io::Result<usize> {
    let (head, rest) = block.split_first_chunk::<4>().ok_or_else(|| broken("ends too early"))?;
    *block = rest;
    usize::try_from(u32::from_be_bytes(*head)).map_err(|_| broken("too long"))
}

fn text(block: &mut &[u8]) -> io::Result<String> {
    let length = number(block)?;
    let (head, rest) = block.split_at_checked(length).ok_or_else(|| broken("ends too early"))?;
    *block = rest;
    Ok(String::from_utf8_lossy(head).into_owned())
}

/// Writes the blocks of the other direction.
pub(super) struct Writer(Compress);

impl Writer {
    pub(super) fn new() -> io::Result<Self> {
        let mut compress = Compress::new(Compression::default(), true);
        compress.set_dictionary(DICTIONARY).map_err(|_| broken("cannot take the dictionary"))?;
        Ok(Self(compress))
    }

    pub(super) fn write(&mut self, headers: &[(&str, &str)]) -> io::Result<Vec<u8>> {
        let length = |length: usize| u32::try_from(length).unwrap_or_default().to_be_bytes();
        let mut block = length(headers.len()).to_vec();
        for part in headers.iter().flat_map(|(name, value)| [name, value]) {
            block.extend(length(part.len()));
            block.extend(part.as_bytes());
        }
        let mut out = Vec::with_capacity(block.len() + 64);
        let before = self.0.total_in();
        loop {
            let used = usize::try_from(self.0.total_in() - before).unwrap_or(block.len());
            out.reserve(256);
            let done = self.0.compress_vec(&block[used.min(block.len())..], &mut out, FlushCompress::Sync);
            done.map_err(|_| broken("cannot be deflated"))?;
            let used = usize::try_from(self.0.total_in() - before).unwrap_or(block.len());
            if used >= block.len() && out.len() < out.capacity() {
                return Ok(out);
            }
        }
    }
}
