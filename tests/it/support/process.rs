//! The real program, `carrel serve`, as a process of its own: started, killed, asked to end, started again.

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use bollard::Docker;
use bollard::query_parameters::{InspectContainerOptions, KillContainerOptions, ListContainersOptionsBuilder};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reqwest::Method;
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::client::{Client, ok};
use super::engine::TestEngine;
use super::janitor::{Estate, Janitor};
use super::postgres;

/// How long a server may take from its start to its line, on a machine with better things to do.
const START: Duration = Duration::from_secs(120);

/// How long until it is ready: its image may have to be imported.
const READY: Duration = Duration::from_secs(240);

static SHARED: OnceCell<Server> = OnceCell::const_new();

/// A server. It and everything it started are gone some time after it is dropped.
pub struct Server {
    /// `http://127.0.0.1:PORT`, the same after each start.
    pub url: String,
    /// Its data directory.
    pub data: PathBuf,
    directory: PathBuf,
    log: PathBuf,
    variables: BTreeMap<String, String>,
    child: Mutex<Option<Child>>,
    _janitor: Janitor,
}

impl Server {
    /// The one that tests share who do it no harm.
    pub async fn shared() -> &'static Self {
        SHARED.get_or_init(async || Self::start_with(&[("CARREL_POOL__SIZE", "2")]).await).await
    }

    /// One on the shared PostgreSQL, in a schema of its own, and the shared engine.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// The same with other settings.
    pub async fn start_with(settings: &[(&str, &str)]) -> Self {
        let database = tokio::task::spawn_blocking(postgres::url).await.unwrap();
        let engine = TestEngine::shared().await;
        // Half a gigabyte is imported once for all servers.
        engine.carrel().await.python_image().await;
        let variables = [
            ("CARREL_DATABASE__URL", postgres::fresh_schema(database).await),
            ("CARREL_ENGINE__HOST", engine.host.clone()),
            ("CARREL_DATABASE__INTERACTIVE_CONNECTIONS", "4".into()),
            ("CARREL_DATABASE__BULK_CONNECTIONS", "2".into()),
            ("CARREL_POOL__SIZE", "0".into()),
        ];
        Self::launch(variables, settings, false).await
    }

    /// Another one with this one's settings: the same database, the same engine, a data directory of its own.
    pub async fn beside(&self) -> Self {
        let same = self.variables.iter().map(|(key, value)| (key.as_str(), value.clone()));
        Self::launch(same, &[], false).await
    }

    /// One that runs its own PostgreSQL and its own engine.
    pub async fn embedded() -> Self {
        Self::launch([("CARREL_ENGINE__EMBEDDED", "always".into()), ("CARREL_POOL__SIZE", "1".into())], &[], true).await
    }

    async fn launch<'a>(
        variables: impl IntoIterator<Item = (&'a str, String)>,
        settings: &[(&'a str, &str)],
        embedded: bool,
    ) -> Self {
        let directory = std::env::temp_dir().join(format!("carrel-it-{}", &Uuid::new_v4().simple().to_string()[..8]));
        let data = directory.join("data");
        open_directory(&directory);
        let mut all: BTreeMap<String, String> =
            variables.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        for (key, value) in [
            ("CARREL_AUTH__BCRYPT_COST", "8"),
            ("CARREL_AUTH__ATTEMPTS_PER_ADDRESS", "100000"),
            ("CARREL_AUTH__ATTEMPTS_PER_ACCOUNT", "100000"),
            ("CARREL_SERVER__WORKERS", "2"),
            ("CARREL_SERVER__LOG_FILTER", "info,carrel=debug"),
        ]
        .iter()
        .chain(settings)
        {
            all.insert((*key).to_owned(), (*value).to_owned());
        }
        let down =
            ["down".to_owned(), "--discard".to_owned(), "--data-dir".to_owned(), data.to_str().unwrap().to_owned()];
        let estate = Estate {
            directories: vec![directory.clone()],
            engine: embedded.then(|| (data.clone(), data.join("run"))),
            down: Some((down.to_vec(), all.clone())),
        };
        let janitor = Janitor::post(&estate);
        static NEXT: AtomicU32 = AtomicU32::new(1);
        // Kept after the run, for whoever wants to know.
        let log = format!("server-{}.log", NEXT.fetch_add(1, Ordering::Relaxed));
        let log = Path::new(env!("CARGO_TARGET_TMPDIR")).join(log);
        std::fs::write(&log, "").unwrap();
        let (url, child) = (String::new(), Mutex::new(None));
        let mut server = Self { url, data, directory, log, variables: all, child, _janitor: janitor };
        server.url = server.spawn("127.0.0.1:0").await;
        server.until_ready().await;
        server
    }

    /// Changes a setting for the next start.
    pub fn set(&mut self, variable: &str, value: &str) {
        self.variables.insert(variable.to_owned(), value.to_owned());
    }

    /// Takes a setting back for the next start.
    pub fn unset(&mut self, variable: &str) {
        self.variables.remove(variable);
    }

    /// Somebody who has just registered here.
    pub async fn user(&self) -> Client {
        Client::register(&self.url).await
    }

    /// Somebody who runs it.
    pub async fn operator(&self) -> Client {
        let client = self.user().await;
        let me = ok(client.request(Method::GET, "/api/v1/me").send().await.unwrap(), 200).await;
        self.sql(&format!("update users set role = 'admin' where id = '{}'", me["id"].as_str().unwrap())).await;
        client
    }

    /// Runs SQL in its schema of the shared PostgreSQL, behind its back.
    pub async fn sql(&self, text: &str) {
        let url = &self.variables["CARREL_DATABASE__URL"];
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
        let driver = tokio::spawn(connection);
        client.batch_execute(text).await.unwrap();
        drop(client);
        driver.await.unwrap().unwrap();
    }

    /// The address of its engine.
    pub fn engine_host(&self) -> String {
        let own = || format!("unix://{}", self.data.join("run/engine/docker.sock").display());
        self.variables.get("CARREL_ENGINE__HOST").cloned().unwrap_or_else(own)
    }

    /// The process ids of the agents in its sandboxes.
    pub async fn agents(&self) -> Vec<i32> {
        let docker = self.docker().await;
        let mut agents = Vec::new();
        for container in self.running(&docker).await {
            let inspected = docker.inspect_container(&container, None::<InspectContainerOptions>).await.unwrap();
            agents.extend(inspected.state.and_then(|state| state.pid).and_then(|pid| i32::try_from(pid).ok()));
        }
        agents
    }

    /// Has its engine kill its sandboxes.
    pub async fn kill_sandboxes(&self) {
        let docker = self.docker().await;
        for container in self.running(&docker).await {
            docker.kill_container(&container, None::<KillContainerOptions>).await.unwrap();
        }
    }

    async fn docker(&self) -> Docker {
        let socket = self.engine_host();
        let docker =
            Docker::connect_with_unix(socket.trim_start_matches("unix://"), 60, bollard::API_DEFAULT_VERSION).unwrap();
        docker.negotiate_version().await.unwrap()
    }

    /// Its containers that run.
    async fn running(&self, docker: &Docker) -> Vec<String> {
        let instance = std::fs::read_to_string(self.data.join("instance")).unwrap();
        let filters = HashMap::from([("label", vec![format!("carrel.instance={}", instance.trim())])]);
        let options = ListContainersOptionsBuilder::new().filters(&filters).build();
        let running = docker.list_containers(Some(options)).await.unwrap();
        running.into_iter().filter_map(|container| container.id).collect()
    }

    /// A command of the program with this server's settings and data directory.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_carrel"));
        command.args(arguments).arg("--data-dir").arg(&self.data);
        // Whatever the caller's own server is told to use is not for tests.
        let theirs = std::env::vars_os().map(|(name, _)| name);
        for name in theirs.filter(|name| name.to_string_lossy().starts_with("CARREL_")) {
            command.env_remove(name);
        }
        command.current_dir(&self.directory).env_remove("DOCKER_HOST").envs(&self.variables);
        command
    }

    /// Runs such a command to its end.
    pub async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(arguments);
        tokio::task::spawn_blocking(move || command.stdin(Stdio::null()).output().unwrap()).await.unwrap()
    }

    /// The process id, while it runs.
    pub fn pid(&self) -> u32 {
        self.child.lock().unwrap().as_ref().expect("it runs").id()
    }

    /// Kills it as the kernel would, and waits until it is gone.
    pub async fn kill_9(&self) {
        self.signal(Signal::SIGKILL);
        self.wait().await;
    }

    /// Asks it to end, and says how it ended and how long that took.
    pub async fn terminate(&self) -> (ExitStatus, Duration) {
        let began = Instant::now();
        self.signal(Signal::SIGTERM);
        (self.wait().await, began.elapsed())
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid().try_into().unwrap()), signal).unwrap();
    }

    /// Waits for its end.
    pub async fn wait(&self) -> ExitStatus {
        let mut child = self.child.lock().unwrap().take().expect("it runs");
        tokio::task::spawn_blocking(move || child.wait().unwrap()).await.unwrap()
    }

    /// Starts it again in the same place, and waits until it is ready.
    pub async fn start_again(&self) {
        let address = self.url.strip_prefix("http://").unwrap();
        assert_eq!(self.spawn(address).await, self.url);
        self.until_ready().await;
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap()).into_owned()
    }

    /// Its resident memory in KiB.
    pub fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    async fn spawn(&self, listen: &str) -> String {
        let log = std::fs::File::options().append(true).open(&self.log).unwrap();
        let mut command = self.command(&["serve", "--listen", listen]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).process_group(0);
        let mut child = command.spawn().unwrap();
        let output = child.stdout.take().unwrap();
        *self.child.lock().unwrap() = Some(child);
        let reading = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            BufReader::new(output).read_line(&mut line).unwrap();
            line
        });
        let line = tokio::time::timeout(START, reading).await.expect("a line in time").unwrap();
        let url = line.trim_end().strip_prefix("listening on ");
        url.unwrap_or_else(|| panic!("{line:?} is no address; the log says:\n{}", self.log())).to_owned()
    }

    async fn until_ready(&self) {
        let began = Instant::now();
        loop {
            let answer = reqwest::get(format!("{}/readyz", self.url)).await;
            if answer.is_ok_and(|answer| answer.status() == 200) {
                return;
            }
            assert!(began.elapsed() < READY, "not ready; the log says:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<_> = log.lines().collect();
            eprintln!("── the server's log ends:\n{}", lines[lines.len().saturating_sub(60)..].join("\n"));
        }
        // Reaped here; the janitor ends whatever it leaves.
        if let Some(child) = self.child.lock().unwrap().as_mut() {
            let _ = (child.kill(), child.wait());
        }
    }
}

/// A directory in which a database's own user can get about.
fn open_directory(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::create_dir_all(path).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}
