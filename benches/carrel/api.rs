//! The server's HTTP interface, as far as a bench needs it: blocking calls of one signed-in user.

use std::time::{Duration, SystemTime};

use anyhow::{Context, bail};
use bytes::Bytes;
use reqwest::header::{COOKIE, ORIGIN, SET_COOKIE};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::socket::Socket;

/// How long a session may take to be ready or gone.
const PATIENCE: Duration = Duration::from_secs(60);

/// Somebody with a browser.
pub struct User {
    runtime: Runtime,
    client: Client,
    url: String,
    cookie: String,
}

/// A terminal that is open.
pub struct Terminal {
    session: String,
    id: String,
}

impl User {
    /// Somebody who has not signed in.
    pub fn nobody(url: &str) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let client = Client::builder().tcp_nodelay(true).timeout(PATIENCE).build()?;
        Ok(Self { runtime, client, url: url.to_owned(), cookie: String::new() })
    }

    /// Somebody who has just registered.
    pub fn register(url: &str) -> anyhow::Result<Self> {
        let mut user = Self::nobody(url)?;
        let name = format!("b{}", SystemTime::UNIX_EPOCH.elapsed()?.as_nanos());
        let account =
            json!({ "username": name, "email": format!("{name}@example.org"), "password": "correct horse battery" });
        let answer =
            user.runtime.block_on(async { user.request(Method::POST, "auth/register").json(&account).send().await })?;
        let cookie = answer.headers().get(SET_COOKIE).and_then(|value| value.to_str().ok());
        let cookie = cookie.with_context(|| format!("registering: {}", answer.status()))?;
        user.cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        Ok(user)
    }

    /// Whether the server is ready.
    pub fn is_ready(&self) -> anyhow::Result<bool> {
        let answer = self.runtime.block_on(async { self.client.get(format!("{}/readyz", self.url)).send().await })?;
        Ok(answer.status().is_success())
    }

    /// A new, cold session.
    pub fn new_session(&self) -> anyhow::Result<String> {
        let made = self.call(Method::POST, "sessions", Some(json!({ "name": "bench" })))?;
        Ok(made["id"].as_str().context("no id")?.to_owned())
    }

    /// Deletes a session; its sandbox goes in a moment.
    pub fn delete_session(&self, session: &str) -> anyhow::Result<()> {
        self.call(Method::DELETE, &format!("sessions/{session}"), None).map(drop)
    }

    /// Opens a terminal, and its session if need be; no `script` means a login shell.
    pub fn open_terminal(&self, session: &str, script: Option<&str>) -> anyhow::Result<Terminal> {
        let command = script.map(|script| json!(["sh", "-c", script]));
        let body = json!({ "cols": 80, "rows": 24, "command": command });
        let made = self.call(Method::POST, &format!("sessions/{session}/terminals"), Some(body))?;
        Ok(Terminal { session: session.to_owned(), id: made["id"].as_str().context("no id")?.to_owned() })
    }

    /// Ends what runs in a terminal and forgets it.
    pub fn close_terminal(&self, terminal: &Terminal) -> anyhow::Result<()> {
        let Terminal { session, id } = terminal;
        self.call(Method::DELETE, &format!("sessions/{session}/terminals/{id}"), None).map(drop)
    }

    /// Looks at a terminal.
    pub fn attach(&self, terminal: &Terminal) -> anyhow::Result<Socket> {
        let Terminal { session, id } = terminal;
        let url = self.url.replacen("http", "ws", 1);
        let url = format!("{url}/api/v1/sessions/{session}/terminals/{id}/socket");
        Socket::to_carrel(&url, &self.url, &self.cookie)
    }

    /// Saves a file.
    pub fn save(&self, session: &str, path: &str, content: Bytes) -> anyhow::Result<()> {
        let request = self.request(Method::PUT, &format!("sessions/{session}/files/{path}")).body(content);
        self.runtime.block_on(async {
            let answer = request.send().await?.error_for_status()?;
            answer.bytes().await?;
            Ok(())
        })
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}/api/v1/{path}", self.url);
        self.client.request(method, url).header(ORIGIN, &self.url).header(COOKIE, &self.cookie)
    }

    fn call(&self, method: Method, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
        let mut request = self.request(method.clone(), path);
        if let Some(body) = body {
            request = request.json(&body);
        }
        self.runtime.block_on(async {
            let answer = request.send().await?;
            let (status, text) = (answer.status(), answer.text().await?);
            if !status.is_success() {
                bail!("{method} {path}: {status} {text}");
            }
            Ok(if text.is_empty() { Value::Null } else { serde_json::from_str(&text)? })
        })
    }
}
