//! Hands the process over to the command line.

fn main() -> std::process::ExitCode {
    bellwether::cli::commands::main()
}
