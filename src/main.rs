//! The `dpb` binary: see [`dpb::commands::main`].

fn main() -> std::process::ExitCode {
    dpb::commands::main()
}
