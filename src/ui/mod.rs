//! The only place that prints: streams, colour, progress, questions, error display.

mod ask;
mod error;
mod live;
mod stream;
pub mod style;
mod text;

use std::io::IsTerminal;

pub use live::Live;
pub use text::{width, wrap};

use crate::error::{Error, Result};

use stream::write_all;

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set and not empty.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How to talk to the person.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// When to colour.
    pub color: Color,
    /// Progress and notes are left out; errors and results stay.
    pub quiet: bool,
    /// Questions are errors.
    pub no_input: bool,
}

/// Everything printed goes through here: results on stdout, progress, notes and errors on stderr.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "what each of the three streams can do, and one flag")]
pub struct Ui {
    out_color: bool,
    err_color: bool,
    err_terminal: bool,
    asks: bool,
    quiet: bool,
}

impl Ui {
    /// Looks at the process's streams once.
    pub fn new(options: Options) -> Self {
        let (out, err) = (std::io::stdout().is_terminal(), std::io::stderr().is_terminal());
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
        let colored = |terminal| match options.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && !no_color,
        };
        Self {
            out_color: colored(out),
            err_color: colored(err),
            err_terminal: err && std::env::var_os("TERM").is_none_or(|t| t != "dumb"),
            asks: std::io::stdin().is_terminal() && err && !options.no_input,
            quiet: options.quiet,
        }
    }

    /// Columns to fill: the terminal's, between 72 and 100; 100 elsewhere.
    pub fn columns(&self) -> usize {
        terminal_size::terminal_size().map_or(100, |(w, _)| usize::from(w.0).clamp(72, 100))
    }

    /// Prints a result on stdout. `text` may carry ANSI styles; they are removed where colour is off.
    ///
    /// A reader that went away (`dpb … | head`) is no error.
    pub fn out(&self, text: &str) -> Result<()> {
        write_all(&mut std::io::stdout().lock(), text, self.out_color)
    }

    /// Prints a line of progress or a note on stderr, unless quiet.
    pub fn note(&self, line: &str) {
        if !self.quiet {
            // Nobody can be told that stderr is gone.
            let _ = write_all(&mut std::io::stderr().lock(), &format!("{line}\n"), self.err_color);
        }
    }

    /// Prints a warning on stderr, also when quiet.
    pub fn warning(&self, text: &str) {
        let line = format!("{}: {text}\n", style::paint(style::WARN, "warning"));
        let _ = write_all(&mut std::io::stderr().lock(), &line, self.err_color);
    }

    /// Prints an error with its places, notes and hint on stderr.
    pub fn error(&self, error: &Error) {
        let _ = write_all(&mut std::io::stderr().lock(), &error::render(error), self.err_color);
    }

    /// Asks a yes-or-no question; the default is no. Without a terminal it is an error of usage.
    pub fn confirm(&self, question: &str) -> Result<bool> {
        if self.asks { ask::confirm(question, self.err_color) } else { Err(ask::nobody(question)) }
    }

    /// Whether a question can be asked.
    pub fn can_ask(&self) -> bool {
        self.asks
    }

    /// A line that lives until its step ends: on a terminal it shows the reason for waiting, elsewhere each new
    /// reason is a plain line.
    pub fn live(&self, step: &str) -> Live {
        Live::start(step, self.err_terminal && !self.quiet, self.quiet, self.err_color)
    }
}

/// The error as it is printed, without colour: for golden files and journals.
pub fn plain_error(error: &Error) -> String {
    anstream::adapter::strip_str(&error::render(error)).to_string()
}
