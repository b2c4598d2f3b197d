//! What a person types; one file a command.

mod cli;
mod eval;
mod explain;
mod goals;
mod init;
mod open;
mod run;
mod signals;
mod sim;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

pub use cli::Cli;

use crate::error::{Code, Error, Result};
use crate::ui::{Color, Options, Ui};
use open::Opener;

/// Runs the command line of this process and returns its exit code.
pub fn main() -> ExitCode {
    ExitCode::from(run(std::env::args_os()))
}

/// Runs a command line, `args[0]` being the program's name; returns the exit code.
pub fn run(args: impl IntoIterator<Item = OsString>) -> u8 {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Nobody can be told that the streams are gone.
            let _ = error.print();
            return u8::try_from(error.exit_code()).unwrap_or(2);
        }
    };
    let ui = Ui::new(Options {
        color: match cli.global.color {
            cli::ColorWhen::Auto => Color::Auto,
            cli::ColorWhen::Always => Color::Always,
            cli::ColorWhen::Never => Color::Never,
        },
        quiet: cli.global.quiet,
        no_input: cli.global.no_input,
    });
    trace(cli.global.verbose);
    std::panic::set_hook(Box::new(|info| tracing::debug!("{info}")));
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| dispatch(&cli, &ui)));
    match result.unwrap_or_else(|panic| Err(internal(panic.as_ref()))) {
        Ok(code) => code,
        Err(error) => {
            ui.error(&error);
            error.code().exit()
        }
    }
}

fn dispatch(cli: &Cli, ui: &Ui) -> Result<u8> {
    if let cli::Command::Explain { code } = &cli.command {
        return explain::run(ui, code.as_deref());
    }
    let opener = Opener::new(&cli.global, ui)?;
    match &cli.command {
        cli::Command::Run(command) => run::run(&opener, command),
        cli::Command::Goals(command) => goals::run(&opener, command),
        cli::Command::Init(args) => init::run(&opener, args),
        cli::Command::Eval(args) => eval::run(&opener, args),
        cli::Command::Sim(command) => sim::run(&opener, command),
        cli::Command::Explain { .. } => Ok(0),
    }
}

/// A fault of ours is an error like any other: one message, nothing lost, no backtrace.
fn internal(panic: &(dyn std::any::Any + Send)) -> Error {
    let text =
        panic.downcast_ref::<String>().cloned().or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
    Error::new(Code::Internal, format!("a fault of dpb: {}", text.unwrap_or_else(|| "no message".into())))
        .note("what was journaled is kept: dpb run log")
        .hint("Run it again with -v and report what it says")
}

/// `-v` says what is done, `-vv` every request; `DPB_LOG` takes a filter of its own.
fn trace(verbose: u8) {
    let level = match verbose {
        0 => "off",
        1 => "dpb=debug",
        _ => "dpb=trace",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("DPB_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    // A second subscriber in one process (tests) is refused, and the first goes on.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false)
        .without_time()
        .try_init();
}
