//! What a person types; one file a command.

/// Runs the command line of this process and returns its exit code.
pub fn main() -> std::process::ExitCode {
    std::process::ExitCode::from(crate::error::Code::Usage.exit())
}
