//! The one error type: what happened, where, and what to do next.

use std::fmt;

/// Shorthand for results of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of error it is. Scripts match on [`Code::as_str`]; `dpb explain CODE` tells more about each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// An object, file or objective that does not exist.
    NotFound,
    /// A kind that the API server does not serve.
    UnknownKind,
    /// Somebody else changed or owns it.
    Conflict,
    /// The server knows who we are and refuses.
    Forbidden,
    /// It did not happen in time.
    Timeout,
    /// Input that is wrong in itself: a manifest, an argument, a field.
    Invalid,
    /// The server does not know who we are (401), or a jail refused.
    Denied,
    /// Nobody answered, or the server answered 5xx.
    Unavailable,
    /// Wrong command line.
    Usage,
    /// Ctrl-C.
    Interrupted,
    /// Another run holds the lock.
    Locked,
    /// A gate is closed: triggers, prerequisites, platform, room, budget.
    NotReady,
    /// Git refused.
    Git,
    /// A file could not be read or written.
    Io,
    /// `goals.json` is broken.
    Ledger,
    /// `dpb.yaml` is broken.
    Settings,
    /// A script is wrong.
    Script,
    /// A template is wrong.
    Template,
    /// A kustomization can't be built, or uses what we do not know.
    Kustomize,
    /// What was delivered can no longer become ready, or failed its proof.
    Failed,
    /// A fault of dpb itself.
    Internal,
}

impl Code {
    /// Every code, in the order of `dpb explain`.
    pub const ALL: [Self; 21] = [
        Self::NotFound,
        Self::UnknownKind,
        Self::Conflict,
        Self::Forbidden,
        Self::Timeout,
        Self::Invalid,
        Self::Denied,
        Self::Unavailable,
        Self::Usage,
        Self::Interrupted,
        Self::Locked,
        Self::NotReady,
        Self::Git,
        Self::Io,
        Self::Ledger,
        Self::Settings,
        Self::Script,
        Self::Template,
        Self::Kustomize,
        Self::Failed,
        Self::Internal,
    ];

    /// The word that scripts and `dpb explain` use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::UnknownKind => "unknown_kind",
            Self::Conflict => "conflict",
            Self::Forbidden => "forbidden",
            Self::Timeout => "timeout",
            Self::Invalid => "invalid",
            Self::Denied => "denied",
            Self::Unavailable => "unavailable",
            Self::Usage => "usage",
            Self::Interrupted => "interrupted",
            Self::Locked => "locked",
            Self::NotReady => "not_ready",
            Self::Git => "git",
            Self::Io => "io",
            Self::Ledger => "ledger",
            Self::Settings => "settings",
            Self::Script => "script",
            Self::Template => "template",
            Self::Kustomize => "kustomize",
            Self::Failed => "failed",
            Self::Internal => "internal",
        }
    }

    /// The exit code of a command that ends with this error before any effect (README, "Exit codes").
    pub fn exit(self) -> u8 {
        match self {
            Self::Usage => 2,
            Self::NotReady => 3,
            Self::Locked => 7,
            Self::Timeout => 8,
            Self::Interrupted => 130,
            _ => 1,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A place in a text file. Lines and columns count from 1; columns count characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Path as the user would write it: relative to the repository where it lies in there.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// How many characters the caret underlines; at least 1.
    pub length: usize,
    /// The text of the whole file, where it is at hand, so that the line can be shown.
    pub source: Option<String>,
    /// What stands beside the caret.
    pub label: Option<String>,
}

impl Place {
    /// A place without source text or label.
    pub fn new(file: impl Into<String>, line: usize, column: usize) -> Self {
        Self { file: file.into(), line, column, length: 1, source: None, label: None }
    }

    /// Adds the file's text, so that the line can be shown with a caret.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<String>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Sets how many characters the caret underlines.
    #[must_use]
    pub fn with_length(mut self, length: usize) -> Self {
        self.length = length.max(1);
        self
    }

    /// Adds what stands beside the caret.
    #[must_use]
    pub fn with_label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }
}

/// An object of the cluster that an error is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectRef {
    /// Kind, as the API writes it (`Deployment`).
    pub kind: String,
    /// Namespace; `None` for cluster-scoped kinds.
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(ns) => write!(f, "{} {ns}/{}", self.kind, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}

/// What happened, where, and what to do next. Built by chaining: `Error::new(code, text).at(place).hint(text)`.
#[derive(Clone, Debug)]
pub struct Error(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    code: Code,
    message: String,
    places: Vec<Place>,
    object: Option<ObjectRef>,
    notes: Vec<String>,
    hint: Option<String>,
}

impl Error {
    /// An error with its one-line message: lower case, no full stop.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            code,
            message: message.into(),
            places: Vec::new(),
            object: None,
            notes: Vec::new(),
            hint: None,
        }))
    }

    /// Adds a place; the first is where it happened, later ones are callers, innermost first.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.0.places.push(place);
        self
    }

    /// Names the object of the cluster that it is about.
    #[must_use]
    pub fn object(mut self, kind: &str, namespace: Option<&str>, name: &str) -> Self {
        self.0.object = Some(ObjectRef { kind: kind.into(), namespace: namespace.map(Into::into), name: name.into() });
        self
    }

    /// Adds a fact that helps: one line or a block of lines.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.0.notes.push(note.into());
        self
    }

    /// Sets what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Puts what was being done before the message: `reading goals.json: …`.
    #[must_use]
    pub fn context(mut self, doing: impl fmt::Display) -> Self {
        self.0.message = format!("{doing}: {}", self.0.message);
        self
    }

    /// The same error under another code.
    #[must_use]
    pub fn with_code(mut self, code: Code) -> Self {
        self.0.code = code;
        self
    }

    /// Its code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// Its one-line message.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where it happened, then its callers.
    pub fn places(&self) -> &[Place] {
        &self.0.places
    }

    /// The object of the cluster that it is about.
    pub fn object_ref(&self) -> Option<&ObjectRef> {
        self.0.object.as_ref()
    }

    /// Facts that help.
    pub fn notes(&self) -> &[String] {
        &self.0.notes
    }

    /// What to do next.
    pub fn hint_text(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Error {}

/// Turns an I/O error into ours: what was done to which path, and the system's reason.
pub fn io_error(doing: &str, path: &std::path::Path, source: &std::io::Error) -> Error {
    let error = Error::new(Code::Io, format!("{doing} {}: {source}", path.display()));
    match source.kind() {
        std::io::ErrorKind::StorageFull => error.hint("The disk is full: free some room, then run it again"),
        std::io::ErrorKind::PermissionDenied => error.hint("Check the owner and the mode of that path"),
        _ => error,
    }
}
