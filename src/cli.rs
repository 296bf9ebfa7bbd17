//! The commands of `carrel`, and how they are read.

use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::{Args, Parser, Subcommand};

use crate::accounts::{self, NewAccount};
use crate::app::{self, App};
use crate::config::{Config, Loaded, load::Flag};
use crate::db::Db;
use crate::model::{Role, UserQuotas};
use crate::{http, telemetry};

/// Signals that come within this time are one wish to stop.
const ONE_WISH: Duration = Duration::from_secs(1);

/// Isolated Python workspaces in the browser, and code review that runs the submission.
#[derive(Debug, Parser)]
#[command(version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server until SIGTERM or SIGINT; sandboxes keep running for the next start.
    Serve(Settings),
    /// Stop everything a server has left running in its data directory: sandboxes, engine, database. What programs have written is
    /// collected first.
    Down(Down),
    /// Look at the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Manage accounts.
    #[command(subcommand)]
    User(UserCommand),
    /// Print the OpenAPI document of the HTTP interface.
    Openapi,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Validate the configuration and print every value with where it came from.
    Check(Settings),
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// Make an account; the password is read from standard input.
    Create(CreateUser),
    /// Give a user's sandboxes quotas of their own, from their next start on; what is not given is as for everybody.
    Quota(QuotaOfUser),
}

/// Where settings come from. Flags win over `CARREL_SECTION__KEY` variables, those over the file.
#[derive(Debug, Args)]
struct Settings {
    /// A TOML file; `carrel.example.toml` shows every key.
    #[arg(long, value_name = "FILE", env = "CARREL_CONFIG")]
    config: Option<PathBuf>,
    /// Address and port to listen on [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Where everything Carrel keeps lies [default: data].
    #[arg(long, value_name = "DIRECTORY")]
    data_dir: Option<String>,
}

#[derive(Debug, Args)]
struct Down {
    /// Give up what programs have written since the server stopped, instead of collecting it.
    #[arg(long)]
    discard: bool,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Args)]
struct CreateUser {
    /// What the user signs in with.
    #[arg(long)]
    username: String,
    /// Their e-mail address.
    #[arg(long)]
    email: String,
    /// What others see [default: the username].
    #[arg(long)]
    display_name: Option<String>,
    /// Make them an operator.
    #[arg(long)]
    admin: bool,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Args)]
struct QuotaOfUser {
    /// Username or e-mail address.
    #[arg(long)]
    username: String,
    /// Memory in MiB.
    #[arg(long)]
    memory_mb: Option<u64>,
    /// CPUs, fractions allowed.
    #[arg(long)]
    cpus: Option<f64>,
    /// Processes and threads.
    #[arg(long)]
    pids: Option<i64>,
    #[command(flatten)]
    settings: Settings,
}

impl Settings {
    fn load(&self) -> anyhow::Result<Loaded> {
        let flags: [(&'static str, &'static str, &Option<String>); 2] =
            [("--listen", "listen", &self.listen), ("--data-dir", "data_dir", &self.data_dir)];
        let flags: Vec<Flag> = flags
            .into_iter()
            .filter_map(|(flag, key, value)| Some((flag, "server", key, toml::Value::String(value.clone()?))))
            .collect();
        Ok(Loaded::load(self.config.as_deref(), std::env::vars(), flags)?)
    }
}

impl Cli {
    /// Does what was asked for.
    ///
    /// # Errors
    /// In words for the person at the terminal.
    pub fn run(self) -> anyhow::Result<()> {
        match self.command {
            Command::Serve(settings) => {
                let config = settings.load()?.config;
                telemetry::start(&config.server)?;
                in_system(serve(config))
            }
            Command::Down(down) => {
                let config = down.settings.load()?.config;
                telemetry::start(&config.server)?;
                in_system(end(config, down.discard))
            }
            Command::Config(ConfigCommand::Check(settings)) => print(&settings.load()?.report()),
            Command::User(UserCommand::Create(create)) => {
                let config = create.settings.load()?.config;
                telemetry::start(&config.server)?;
                in_system(create_user(config, create))
            }
            Command::User(UserCommand::Quota(quota)) => {
                let config = quota.settings.load()?.config;
                telemetry::start(&config.server)?;
                in_system(set_quotas(config, quota))
            }
            Command::Openapi => print(&format!("{}\n", http::openapi().to_pretty_json()?)),
        }
    }
}

/// Runs `work` in an actix system on a multi-threaded runtime, which does all I/O.
fn in_system(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    // Connection drivers and link readers wake each other less often on few threads; half the cores serve HTTP and actors.
    let threads = (cores / 2).max(1);
    let system = actix::System::with_tokio_rt(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("carrel-io")
            .enable_all()
            .build()
            .expect("the system has threads to give")
    });
    system.block_on(work)
}

async fn serve(config: Config) -> anyhow::Result<()> {
    // Asked for before anything is started, so that a signal during the start is not lost.
    let mut signals = Signals::listen()?;
    let mut again = Signals::listen()?;
    let app = tokio::select! {
        app = App::build_unless(config, signals.next()) => app?,
        () = again.twice() => bail!("told to stop twice: what was not finished is found by the next start"),
    };
    print(&format!("listening on http://{}\n", app.address()))?;
    let fell = tokio::select! {
        () = signals.next() => None,
        why = app.fell_over() => Some(why),
    };
    if let Some(why) = fell {
        tracing::error!(why, "the server cannot go on and stops; sandboxes keep running for the next start");
        app.stop(false).await;
        bail!("{why}");
    }
    tracing::info!("stopping; sandboxes keep running for the next start (carrel down ends them)");
    tokio::select! {
        () = app.stop(false) => Ok(()),
        () = signals.another() => bail!("told to stop twice: what was not finished is found by the next start"),
    }
}

async fn end(config: Config, discard: bool) -> anyhow::Result<()> {
    let place = absolute(&config.server.data_dir);
    match app::down(config, discard).await? {
        Some(0) => print(&format!("nothing runs any more for {}\n", place.display())),
        Some(1) => print(&format!("collected 1 session; nothing runs any more for {}\n", place.display())),
        Some(held) => print(&format!("collected {held} sessions; nothing runs any more for {}\n", place.display())),
        None => print(&format!("there is no data of Carrel in {}; --data-dir names another place\n", place.display())),
    }
}

async fn create_user(config: Config, create: CreateUser) -> anyhow::Result<()> {
    let account = NewAccount {
        username: create.username,
        email: create.email,
        password: read_password()?,
        display_name: create.display_name,
    };
    let role = if create.admin { Role::Admin } else { Role::User };
    app::with_database(&config, async |url| {
        let db = Db::connect(&config.database, url).await?;
        crate::db::schema::apply(&db).await?;
        let user = accounts::create_user(&db, &config.auth, account, role).await?;
        db.close().await;
        // Whoever runs this in another folder than the server has just made another database.
        let place = match &config.database.url {
            Some(_) => "the configured database".to_owned(),
            None => absolute(&config.server.data_dir).display().to_string(),
        };
        print(&format!("made {} {} in {place}\n", user.role.as_str(), user.username))
    })
    .await
}

async fn set_quotas(config: Config, of: QuotaOfUser) -> anyhow::Result<()> {
    let quotas = UserQuotas { memory_mb: of.memory_mb, cpus: of.cpus, pids: of.pids };
    quotas.check(config.sandbox.least_memory_mb())?;
    app::with_database(&config, async |url| {
        let db = Db::connect(&config.database, url).await?;
        crate::db::schema::apply(&db).await?;
        let user = accounts::set_quotas(&db, &of.username, quotas).await?;
        db.close().await;
        let Some(user) = user else { bail!("there is no user {}", of.username) };
        let or = |set: Option<String>| set.unwrap_or_else(|| "as for everybody".to_owned());
        let [memory, cpus, pids] = [
            quotas.memory_mb.map(|mb| format!("{mb} MiB")),
            quotas.cpus.map(|n| n.to_string()),
            quotas.pids.map(|n| n.to_string()),
        ];
        print(&format!(
            "{}: memory {}, CPUs {}, processes {}, from the next start of a session on\n",
            user.username,
            or(memory),
            or(cpus),
            or(pids)
        ))
    })
    .await
}

fn read_password() -> anyhow::Result<String> {
    let input = std::io::stdin();
    let hidden = input.is_terminal().then(HiddenInput::start).transpose()?;
    let mut line = String::new();
    let read = input.lock().read_line(&mut line).context("cannot read the password from standard input");
    drop(hidden);
    read?;
    let password = line.trim_end_matches(['\r', '\n']).to_owned();
    if password.is_empty() {
        bail!("no password was given on standard input");
    }
    Ok(password)
}

/// While this lives the terminal does not show what is typed.
struct HiddenInput {
    before: nix::sys::termios::Termios,
}

impl HiddenInput {
    fn start() -> anyhow::Result<Self> {
        use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};
        eprint!("Password: ");
        std::io::stderr().flush()?;
        let before = tcgetattr(std::io::stdin())?;
        let mut silent = before.clone();
        silent.local_flags.remove(LocalFlags::ECHO);
        tcsetattr(std::io::stdin(), SetArg::TCSAFLUSH, &silent)?;
        Ok(Self { before })
    }
}

impl Drop for HiddenInput {
    fn drop(&mut self) {
        use nix::sys::termios::{SetArg, tcsetattr};
        eprintln!();
        if let Err(error) = tcsetattr(std::io::stdin(), SetArg::TCSAFLUSH, &self.before) {
            tracing::warn!(error = %error, "the terminal may stay silent; type `stty echo`");
        }
    }
}

struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    fn listen() -> anyhow::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// A signal that is not the same once more: a terminal's and a parent's come together.
    async fn another(&mut self) {
        let first = Instant::now();
        while first.elapsed() < ONE_WISH {
            self.next().await;
        }
    }

    /// A signal, and another.
    async fn twice(&mut self) {
        self.next().await;
        self.another().await;
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// A path as it can be found from anywhere.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Prints to standard output; that nobody reads it is no reason to fail.
fn print(text: &str) -> anyhow::Result<()> {
    let mut output = std::io::stdout();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to standard output")
        }
        _ => Ok(()),
    }
}
