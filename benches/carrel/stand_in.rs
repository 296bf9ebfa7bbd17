//! An engine whose containers are ordinary processes: as much of Docker Engine's API as Carrel uses, on a unix socket, for benches that want
//! more sandboxes than a machine has room for. "Creating" notes what was asked, "starting" runs `carrel-agent` with the link directory of
//! the request and a folder of its own as the workspace. Nothing is isolated and nothing limited: never for anything but a bench.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::http::Method;
use actix_web::web::{Bytes, Data, Query};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use anyhow::Context;
use futures_util::StreamExt;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;

/// Makes this program the engine; the agent's path and a folder for everything of it follow.
pub const FLAG: &str = "--engine-stand-in";

/// Where in a sandbox the link directory is mounted.
const LINK_DIR: &str = "/run/carrel";

/// News that may wait for a slow listener.
const EVENTS: usize = 4096;

/// A process that plays the engine. Dropped, it ends its sandboxes and itself.
pub struct StandIn {
    child: Child,
    /// `unix:///…`
    pub host: String,
}

impl StandIn {
    /// Starts one whose sandboxes run this agent, with everything below `directory`.
    pub fn start(agent: &std::path::Path, directory: &std::path::Path) -> anyhow::Result<Self> {
        anyhow::ensure!(agent.is_file(), "no agent at {}; `make agent` builds it", agent.display());
        match std::fs::remove_dir_all(directory) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => std::fs::create_dir_all(directory)?,
        }
        let directory = directory.canonicalize()?;
        let mut child = Command::new(std::env::current_exe()?)
            .arg(FLAG)
            .args([&agent.canonicalize()?, &directory])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        std::io::BufRead::read_line(
            &mut std::io::BufReader::new(child.stdout.take().context("no output")?),
            &mut line,
        )?;
        anyhow::ensure!(line == "ready\n", "the engine's stand-in did not start");
        Ok(Self { child, host: format!("unix://{}", directory.join("engine.sock").display()) })
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        let pid = i32::try_from(self.child.id()).unwrap_or_default();
        if kill(Pid::from_raw(pid), Signal::SIGTERM).is_err() || self.child.wait().is_err() {
            eprintln!("the engine's stand-in could not be ended");
        }
    }
}

/// A sandbox that is none.
struct Sandbox {
    name: String,
    labels: Value,
    link_dir: String,
    workspace: PathBuf,
    pid: Option<u32>,
    exit_code: Option<i32>,
    created: u64,
}

struct Engine {
    agent: PathBuf,
    directory: PathBuf,
    sandboxes: Mutex<HashMap<String, Sandbox>>,
    events: broadcast::Sender<String>,
}

/// What the process does.
pub fn serve(arguments: &[String]) -> anyhow::Result<()> {
    let [agent, directory] = arguments else { anyhow::bail!("{FLAG} AGENT DIRECTORY") };
    let engine = Data::new(Engine {
        agent: agent.into(),
        directory: directory.into(),
        sandboxes: Mutex::default(),
        events: broadcast::Sender::new(EVENTS),
    });
    actix_web::rt::System::new().block_on(async {
        let shared = engine.clone();
        let app = move || App::new().app_data(shared.clone()).default_service(web::to(answer));
        let server = HttpServer::new(app).workers(1).bind_uds(engine.directory.join("engine.sock"))?.run();
        println!("ready");
        // Ends at SIGTERM and SIGINT.
        server.await?;
        for sandbox in lock(&engine.sandboxes).values() {
            sandbox.kill();
        }
        Ok(())
    })
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer(
    request: HttpRequest,
    query: Query<HashMap<String, String>>,
    body: Bytes,
    engine: Data<Engine>,
) -> HttpResponse {
    let mut path: Vec<&str> = request.path().split('/').skip(1).collect();
    // The version the client speaks.
    if path.first().is_some_and(|first| first.starts_with("v1.")) {
        path.remove(0);
    }
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    match (request.method(), path.as_slice()) {
        (_, ["_ping"]) => HttpResponse::Ok().body("OK"),
        (&Method::GET, ["version"]) => HttpResponse::Ok().json(json!({ "Version": "20.10", "ApiVersion": "1.41" })),
        (&Method::GET, ["info"]) => HttpResponse::Ok().json(json!({})),
        (&Method::GET, ["images", "json"]) => HttpResponse::Ok().json(json!([])),
        (&Method::GET, ["images", .., "json"]) => HttpResponse::Ok().json(json!({ "Id": "sha256:0", "Config": {} })),
        (&Method::GET, ["events"]) => engine.news(),
        (&Method::GET, ["containers", "json"]) => HttpResponse::Ok().json(engine.list()),
        (&Method::POST, ["containers", "create"]) => engine.create(query.get("name"), &body),
        (method, ["containers", id, what @ ..]) => engine.about(method, id, what),
        _ => HttpResponse::NotImplemented().json(json!({ "message": "no stand-in for that" })),
    }
}

impl Engine {
    fn create(&self, name: Option<&String>, body: &Value) -> HttpResponse {
        let mounts = body["HostConfig"]["Mounts"].as_array().map(Vec::as_slice).unwrap_or_default();
        let link = mounts.iter().find(|mount| mount["Target"] == LINK_DIR).and_then(|mount| mount["Source"].as_str());
        let Some(link_dir) = link.map(str::to_owned) else {
            return HttpResponse::BadRequest().json(json!({ "message": "no link directory" }));
        };
        let id = format!("{:032x}{:032x}", rand::random::<u128>(), rand::random::<u128>());
        let workspace = self.directory.join("w").join(&id[..16]);
        if let Err(error) = std::fs::create_dir_all(&workspace) {
            return HttpResponse::InternalServerError().json(json!({ "message": error.to_string() }));
        }
        let sandbox = Sandbox {
            name: name.cloned().unwrap_or_default(),
            labels: body["Labels"].clone(),
            link_dir,
            workspace,
            pid: None,
            exit_code: None,
            created: std::time::SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs()),
        };
        lock(&self.sandboxes).insert(id.clone(), sandbox);
        HttpResponse::Created().json(json!({ "Id": id, "Warnings": [] }))
    }

    fn about(self: &Arc<Self>, method: &Method, id: &str, what: &[&str]) -> HttpResponse {
        let mut sandboxes = lock(&self.sandboxes);
        let Some(sandbox) = sandboxes.get_mut(id) else {
            return HttpResponse::NotFound().json(json!({ "message": "no such container" }));
        };
        match (method, what) {
            (&Method::POST, ["start"]) => match self.start(id, sandbox) {
                Ok(()) => HttpResponse::NoContent().finish(),
                Err(error) => HttpResponse::InternalServerError().json(json!({ "message": error.to_string() })),
            },
            (&Method::GET, ["json"]) => HttpResponse::Ok().json(sandbox.inspected(id)),
            (&Method::POST, ["update"]) => HttpResponse::Ok().json(json!({ "Warnings": [] })),
            (&Method::POST, ["kill"]) => {
                sandbox.kill();
                HttpResponse::NoContent().finish()
            }
            (&Method::DELETE, []) => {
                sandbox.kill();
                let labels = sandbox.labels.clone();
                let workspace = sandbox.workspace.clone();
                sandboxes.remove(id);
                drop(sandboxes);
                // What is left of it harms nobody.
                std::fs::remove_dir_all(workspace).ok();
                self.tell("destroy", id, labels, None);
                HttpResponse::NoContent().finish()
            }
            _ => HttpResponse::NotImplemented().json(json!({ "message": "no stand-in for that" })),
        }
    }

    fn start(self: &Arc<Self>, id: &str, sandbox: &mut Sandbox) -> anyhow::Result<()> {
        let mut child = tokio::process::Command::new(&self.agent)
            .args(["--link-dir", &sandbox.link_dir, "--workspace"])
            .arg(&sandbox.workspace)
            .current_dir(&sandbox.workspace)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        sandbox.pid = child.id();
        let (engine, id) = (Arc::clone(self), id.to_owned());
        // On the server's one thread, like everything here.
        actix_web::rt::spawn(async move {
            let code = child.wait().await.ok().and_then(|status| status.code()).unwrap_or(137);
            let labels = lock(&engine.sandboxes).get_mut(&id).map(|sandbox| {
                (sandbox.pid, sandbox.exit_code) = (None, Some(code));
                sandbox.labels.clone()
            });
            if let Some(labels) = labels {
                engine.tell("die", &id, labels, Some(code));
            }
        });
        Ok(())
    }

    fn list(&self) -> Value {
        let sandboxes = lock(&self.sandboxes);
        let listed = sandboxes.iter().map(|(id, sandbox)| {
            let state = if sandbox.pid.is_some() { "running" } else { "exited" };
            let names = [format!("/{}", sandbox.name)];
            json!({ "Id": id, "Names": names, "Labels": sandbox.labels, "State": state, "Created": sandbox.created })
        });
        listed.collect()
    }

    fn tell(&self, action: &str, id: &str, labels: Value, code: Option<i32>) {
        let mut attributes = labels;
        if let Some(code) = code {
            attributes["exitCode"] = code.to_string().into();
        }
        let event = json!({ "Type": "container", "Action": action, "Actor": { "ID": id, "Attributes": attributes } });
        // Nobody may be listening.
        self.events.send(format!("{event}\n")).ok();
    }

    fn news(&self) -> HttpResponse {
        let news = BroadcastStream::new(self.events.subscribe());
        let news = news.filter_map(async |event| event.ok().map(|event| Ok::<_, actix_web::Error>(event.into())));
        HttpResponse::Ok().content_type("application/json").streaming(Box::pin(news))
    }
}

impl Sandbox {
    fn kill(&self) {
        if let Some(pid) = self.pid.and_then(|pid| i32::try_from(pid).ok()) {
            // It may have ended already. Its programs end as their terminals hang up.
            kill(Pid::from_raw(pid), Signal::SIGKILL).ok();
        }
    }

    fn inspected(&self, id: &str) -> Value {
        let status = match (self.pid, self.exit_code) {
            (Some(_), _) => "running",
            (None, Some(_)) => "exited",
            (None, None) => "created",
        };
        json!({ "Id": id, "Name": format!("/{}", self.name), "State": {
            "Status": status,
            "Running": self.pid.is_some(),
            "Pid": self.pid.unwrap_or(0),
            "ExitCode": self.exit_code.unwrap_or(0),
            "StartedAt": if self.pid.is_some() { "2026-01-01T00:00:00Z" } else { "0001-01-01T00:00:00Z" },
        } })
    }
}
