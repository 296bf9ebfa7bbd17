//! `carrel-load`: drives a Carrel as its users would and says how it held. See benches/README.md.

use std::process::ExitCode;
use std::time::Duration;

use carrel_load::drive::drive;
use carrel_load::plan::{Plan, parse_duration};
use clap::Parser;

/// Drives a Carrel through its public API and says how it held: latencies, throughput, disconnects, the server's CPU and memory.
///
/// Users, sessions and terminals are made for the run; the sessions are removed at its end, also after Ctrl-C. The accounts stay.
#[derive(Debug, Parser)]
#[command(name = "carrel-load", version)]
struct Arguments {
    /// The server, http://HOST:PORT.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
    /// Users who sign in.
    #[arg(long, default_value_t = 1)]
    users: usize,
    /// Sessions of each user; each is a sandbox.
    #[arg(long, default_value_t = 1)]
    sessions: usize,
    /// Terminals of each session.
    #[arg(long, default_value_t = 1)]
    terminals: usize,
    /// What each terminal's program prints, in KB (1000 bytes) per second; 0: nothing. Needs Python in the sandbox.
    #[arg(long, default_value = "0", value_parser = parse_rate)]
    rate: u64,
    /// Terminals that print as fast as they are read instead.
    #[arg(long, default_value_t = 0)]
    floods: usize,
    /// How long it runs once everything is open: 60s, 5m.
    #[arg(long, default_value = "60s", value_parser = parse_duration)]
    duration: Duration,
    /// Between two keys typed into each terminal: 1s, 500ms; 0: none.
    #[arg(long, default_value = "1s", value_parser = parse_duration)]
    key_interval: Duration,
    /// Sign-ins and sessions opened at the same time.
    #[arg(long, default_value_t = 16)]
    at_once: usize,
    /// The server's process, when it cannot be found by its port.
    #[arg(long)]
    server_pid: Option<u32>,
    /// Users are called this and a number [default: a name nobody has had before].
    #[arg(long, requires = "password")]
    prefix: Option<String>,
    /// Their password, to use the same accounts again [default: a random one].
    #[arg(long, env = "CARREL_LOAD_PASSWORD", hide_env_values = true)]
    password: Option<String>,
    /// Drives a server that is not on this machine.
    #[arg(long)]
    allow_remote: bool,
    /// Prints one JSON object instead of a table; times are in milliseconds.
    #[arg(long)]
    json: bool,
}

/// KB per second, as bytes per second.
fn parse_rate(text: &str) -> Result<u64, String> {
    let number = text.trim_end_matches("KB/s").parse::<f64>().ok().filter(|number| *number >= 0.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative; a plan has bounds")]
    number.map(|kilobytes| (kilobytes * 1e3) as u64).ok_or_else(|| format!("{text:?} is no rate; write 40 or 0.5"))
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("carrel-load: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Whether everything held.
async fn run(arguments: Arguments) -> anyhow::Result<bool> {
    let nobody = Plan::of(&arguments.url);
    let plan = Plan {
        url: arguments.url,
        users: arguments.users,
        sessions: arguments.sessions,
        terminals: arguments.terminals,
        rate: arguments.rate,
        floods: arguments.floods,
        duration: arguments.duration,
        key_interval: arguments.key_interval,
        at_once: arguments.at_once,
        prefix: arguments.prefix.unwrap_or(nobody.prefix),
        password: arguments.password.unwrap_or(nobody.password),
        server_pid: arguments.server_pid,
    };
    plan.check(arguments.allow_remote)?;
    let outcome = drive(&plan, interrupted(), |text| eprintln!("{text}")).await?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&outcome)?);
    } else {
        print!("{outcome}");
    }
    Ok(outcome.is_clean())
}

/// Ready at the first Ctrl-C; the second ends the program at once.
async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        // Nobody can interrupt it then.
        std::future::pending::<()>().await;
    }
    eprintln!("interrupted: removing the sessions; once more to leave them");
    tokio::spawn(async {
        // A wrapper such as `timeout` sends the first one twice.
        tokio::time::sleep(Duration::from_secs(1)).await;
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(130);
        }
    });
}
