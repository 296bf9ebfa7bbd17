//! One embedded engine for the whole test binary, and engines of their own for tests that end them.

use std::path::{Path, PathBuf};

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::exec::{StartExecOptions, StartExecResults};
use bollard::models::ExecConfig;
use carrel::config::{EngineConfig, SandboxConfig};
use carrel::engine::image::Rootfs;
use carrel::engine::{ContainerId, EmbeddedEngine, Engine, ImageSource, ImageTag, SandboxSpec};
use carrel::model::{Quotas, SandboxId};
use futures_util::StreamExt;
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::janitor::{Estate, Janitor};

static SHARED: OnceCell<TestEngine> = OnceCell::const_new();

static PYTHON: OnceCell<ImageTag> = OnceCell::const_new();

/// An embedded engine with a janitor behind it.
pub struct TestEngine {
    /// It.
    pub embedded: EmbeddedEngine,
    /// Its address.
    pub host: String,
    /// Everything of it is below; gone when the tests are.
    pub directory: PathBuf,
    _janitor: Janitor,
}

impl TestEngine {
    /// The one all tests share. They keep apart by instance: [`TestEngine::carrel`].
    pub async fn shared() -> &'static Self {
        SHARED.get_or_init(Self::start).await
    }

    /// One more, for a test that ends it.
    pub async fn start() -> Self {
        let directory = std::env::temp_dir().join(format!("carrel-it-{}", &Uuid::new_v4().simple().to_string()[..8]));
        std::fs::create_dir_all(&directory).unwrap();
        let (data, run) = (directory.join("data"), directory.join("run"));
        let estate = Estate {
            directories: vec![directory.clone()],
            engine: Some((data.clone(), run.clone())),
            ..Estate::default()
        };
        let janitor = Janitor::post(&estate);
        let (embedded, host) = EmbeddedEngine::start(&data, &run).await.expect("an engine of our own");
        Self { embedded, host, directory, _janitor: janitor }
    }

    /// A client as of a Carrel that nobody has heard of.
    pub async fn carrel(&self) -> Carrel {
        let instance = Uuid::new_v4();
        let engine = Engine::connect(&EngineConfig::default(), &self.host, instance).await.expect("a client");
        Carrel { engine, instance, directory: self.directory.join(instance.simple().to_string()) }
    }
}

/// Runs its first argument as a program in a file, which multiprocessing needs.
const RUN_AS_A_FILE: &str = "import os, sys
open('/dev/shm/program.py', 'w').write(sys.argv[1])
os.execvp('python3', ['python3', '/dev/shm/program.py', *sys.argv[2:]])";

/// One Carrel's view of an engine.
pub struct Carrel {
    /// Its client.
    pub engine: Engine,
    /// Its name.
    pub instance: Uuid,
    directory: PathBuf,
}

impl Carrel {
    /// A sandbox that has just been created in `image`.
    pub async fn create(&self, image: &ImageTag) -> (SandboxId, ContainerId) {
        let spec = self.spec(image);
        let container = self.engine.create(&spec).await.expect("a container");
        (container.sandbox, container.id)
    }

    /// A sandbox that runs.
    pub async fn run(&self, image: &ImageTag) -> (SandboxId, ContainerId) {
        let (sandbox, container) = self.create(image).await;
        self.engine.start(&container).await.expect("a start");
        (sandbox, container)
    }

    /// A small sandbox to be, with its link directory made.
    pub fn spec(&self, image: &ImageTag) -> SandboxSpec {
        let sandbox = SandboxId::new();
        let link_dir = self.directory.join(sandbox.to_string());
        std::fs::create_dir_all(&link_dir).unwrap();
        SandboxSpec {
            sandbox,
            image: image.clone(),
            quotas: Quotas { memory_mb: 256, cpus: 1.0, pids: 64, disk_mb: 32 },
            inodes: 1024,
            tmp_mb: 16,
            open_files: 1024,
            link_dir,
            volume_dir: None,
            runtime: None,
        }
    }

    /// The real image, with Python in it, as the server itself would make it; for the shared engine.
    pub async fn python_image(&self) -> ImageTag {
        let beside = products().join("carrel");
        let source = ImageSource::locate(&SandboxConfig::default(), &beside, &self.directory).expect("`make agent`");
        let made = matches!(source, ImageSource::Own { rootfs: Rootfs::Made(_), .. });
        assert!(made, "no root file system of the present recipe in {}: run `make rootfs`", products().display());
        // Half a gigabyte: once is enough, also for tests that run side by side.
        PYTHON.get_or_init(async || self.engine.ensure_image(&source, |_| {}).await.expect("an image")).await.clone()
    }

    /// An image with nothing but the agent in it: made in a moment.
    pub async fn tiny_image(&self) -> ImageTag {
        self.image(agent(), self.tiny_rootfs()).await
    }

    /// An agent that starts and never calls: it looks for the server's socket where there is none.
    pub fn silent_agent(&self) -> PathBuf {
        let mut bytes = std::fs::read(agent()).unwrap();
        let (socket, nowhere) = (b"agent.sock", b"nobody.old");
        let places: Vec<_> = (0..bytes.len() - socket.len()).filter(|&at| bytes[at..].starts_with(socket)).collect();
        assert!(!places.is_empty(), "the agent names its socket");
        places.into_iter().for_each(|at| bytes[at..at + socket.len()].copy_from_slice(nowhere));
        std::fs::create_dir_all(&self.directory).unwrap();
        let path = self.directory.join("silent-agent");
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// The root file system of [`Carrel::tiny_image`].
    pub fn tiny_rootfs(&self) -> PathBuf {
        std::fs::create_dir_all(&self.directory).unwrap();
        let path = self.directory.join("tiny.tar");
        let mut builder = tar::Builder::new(std::fs::File::create(&path).unwrap());
        for name in ["workspace", "tmp", "home/carrel", "run/carrel", "usr/local/bin", "proc", "sys", "dev", "etc"] {
            builder.append_dir(name, "/").unwrap();
        }
        builder.into_inner().unwrap();
        path
    }

    /// An image made of these two.
    pub async fn image(&self, agent: PathBuf, rootfs: PathBuf) -> ImageTag {
        let source = ImageSource::Own { agent, rootfs: Rootfs::Made(rootfs) };
        self.engine.ensure_image(&source, |_| {}).await.expect("an image")
    }

    /// Runs a Python program in a sandbox as its user; gives its output and exit code.
    pub async fn python(&self, container: &ContainerId, program: &str, arguments: &[&str]) -> (String, i64) {
        let path = self.engine.host().trim_start_matches("unix://");
        let docker = Docker::connect_with_unix(path, 600, bollard::API_DEFAULT_VERSION).unwrap();
        let docker = docker.negotiate_version().await.unwrap();
        let command = ["python3", "-c", RUN_AS_A_FILE, program];
        let command = command.iter().chain(arguments).map(|&word| word.to_owned()).collect();
        let config = ExecConfig {
            cmd: Some(command),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            ..ExecConfig::default()
        };
        let exec = docker.create_exec(container.as_str(), config).await.unwrap().id;
        let started = docker.start_exec(&exec, None::<StartExecOptions>).await.unwrap();
        let StartExecResults::Attached { mut output, .. } = started else { panic!("detached") };
        let mut text = Vec::new();
        while let Some(piece) = output.next().await {
            if let LogOutput::StdOut { message } | LogOutput::StdErr { message } = piece.unwrap() {
                text.extend_from_slice(&message);
            }
        }
        let code = docker.inspect_exec(&exec).await.unwrap().exit_code.unwrap();
        (String::from_utf8_lossy(&text).into_owned(), code)
    }

    /// As [`Carrel::python`], for a program that prints one JSON object.
    pub async fn probe(&self, container: &ContainerId, program: &str, arguments: &[&str]) -> serde_json::Value {
        let (output, _) = self.python(container, program, arguments).await;
        serde_json::from_str(&output).unwrap_or_else(|error| panic!("{error}: {output}"))
    }
}

/// Where `make image` puts its products.
fn products() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target"), PathBuf::from);
    target.join("sandbox")
}

/// The agent.
fn agent() -> PathBuf {
    let path = products().join("carrel-agent");
    assert!(path.is_file(), "no agent at {}: run `make agent`", path.display());
    path
}
