//! Writing to a stream.

use std::io::{ErrorKind, Write};
use std::path::Path;

use crate::error::{Result, io_error};

/// Writes and flushes; ANSI styles are removed where there is no colour. A reader that went away is no error.
pub(super) fn write_all(stream: &mut dyn Write, text: &str, color: bool) -> Result<()> {
    let result = if color {
        stream.write_all(text.as_bytes())
    } else {
        stream.write_all(anstream::adapter::strip_str(text).to_string().as_bytes())
    };
    match result.and_then(|()| stream.flush()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => Err(io_error("writing to", Path::new("standard output"), &e)),
        _ => Ok(()),
    }
}
