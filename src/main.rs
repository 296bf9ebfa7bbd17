//! The `carrel` command.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match carrel::cli::Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("carrel: {error:#}");
            ExitCode::FAILURE
        }
    }
}
