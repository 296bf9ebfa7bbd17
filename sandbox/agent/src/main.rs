//! `carrel-agent`: PID 1 of a sandbox. Everything is in the library.

use std::process::ExitCode;

use carrel_agent::{Config, run};

fn main() -> ExitCode {
    let config = match Config::from_args(std::env::args_os().skip(1)) {
        Ok(config) => config,
        Err(problem) => {
            eprintln!("carrel-agent: {problem}\nusage: carrel-agent [--link-dir DIR] [--workspace DIR]");
            return ExitCode::from(2);
        }
    };
    match run(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("carrel-agent: {problem}");
            ExitCode::FAILURE
        }
    }
}
