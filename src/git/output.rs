//! What one run of Git said.

/// What one run of Git said.
#[derive(Debug)]
pub(super) struct Output {
    /// Exit code; `None` when a signal ended it.
    pub(super) code: Option<i32>,
    /// Whether it was a Ctrl-C of the terminal, which reaches Git as well as us.
    pub(super) interrupted: bool,
    /// Standard output, as it is.
    pub(super) stdout: Vec<u8>,
    /// Standard error, as text.
    pub(super) stderr: String,
}

impl Output {
    /// Standard output as text without the line end.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).trim_end_matches(['\n', '\r']).to_owned()
    }

    /// Entries of a `-z` listing.
    pub(super) fn entries(&self) -> Vec<String> {
        let parts = self.stdout.split(|b| *b == 0).filter(|part| !part.is_empty());
        parts.map(|part| String::from_utf8_lossy(part).into_owned()).collect()
    }
}
