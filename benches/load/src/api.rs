//! Carrel's HTTP interface, as far as driving it needs it.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{COOKIE, ORIGIN, RETRY_AFTER, SET_COOKIE};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};

/// How long an answer may take: a session that waits for a place may wait half a minute by itself.
const PATIENCE: Duration = Duration::from_secs(90);

/// A server to be driven.
#[derive(Clone, Debug)]
pub struct Server {
    client: Client,
    url: String,
}

/// Why something did not work. The cause is short and the same for everything that failed alike, so that it can be counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Such as `429 session_limit` or `no answer in time`.
    pub cause: String,
    /// When the server says to try again.
    pub retry_after: Option<Duration>,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.cause)
    }
}

impl std::error::Error for Failure {}

impl Failure {
    /// With this cause, and no use in trying again.
    pub fn because(cause: impl Into<String>) -> Self {
        Self { cause: cause.into(), retry_after: None }
    }

    fn unsent(error: &reqwest::Error) -> Self {
        let cause = match () {
            () if error.is_timeout() => "no answer in time",
            () if error.is_connect() => "no connection",
            () => "the connection broke",
        };
        Self::because(cause)
    }
}

impl Server {
    /// The server at this address, `http://HOST:PORT` without a path.
    ///
    /// # Errors
    ///
    /// No client can be made, which is a fault of this machine.
    pub fn at(url: &str) -> anyhow::Result<Self> {
        let client = Client::builder().tcp_nodelay(true).timeout(PATIENCE).build()?;
        Ok(Self { client, url: url.trim_end_matches('/').to_owned() })
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether it can open sessions.
    pub async fn is_ready(&self) -> bool {
        let answer = self.client.get(format!("{}/readyz", self.url)).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    /// Makes an account, which signs in.
    ///
    /// # Errors
    ///
    /// What the server says; `409 username_taken` for somebody who has one.
    pub async fn register(&self, name: &str, password: &str) -> Result<Account, Failure> {
        let body = json!({ "username": name, "email": format!("{name}@example.org"), "password": password });
        self.enter("auth/register", &body).await
    }

    /// Signs in.
    ///
    /// # Errors
    ///
    /// What the server says.
    pub async fn sign_in(&self, name: &str, password: &str) -> Result<Account, Failure> {
        self.enter("auth/login", &json!({ "login": name, "password": password })).await
    }

    async fn enter(&self, path: &str, body: &Value) -> Result<Account, Failure> {
        let request = self.client.post(format!("{}/api/v1/{path}", self.url)).header(ORIGIN, &self.url).json(body);
        let answer = accepted(request.send().await.map_err(|error| Failure::unsent(&error))?).await?;
        let cookie = answer.headers().get(SET_COOKIE).and_then(|value| value.to_str().ok()?.split(';').next());
        let cookie = cookie.ok_or_else(|| Failure::because("signed in without a cookie"))?.to_owned();
        Ok(Account { server: self.clone(), cookie })
    }
}

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub struct Account {
    server: Server,
    cookie: String,
}

/// A terminal that is open.
#[derive(Clone, Debug)]
pub struct Terminal {
    /// Its session.
    pub session: String,
    /// Its own id.
    pub id: String,
}

impl Account {
    /// The server.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The cookie of the login.
    #[must_use]
    pub fn cookie(&self) -> &str {
        &self.cookie
    }

    /// Where a terminal's socket is, from byte `since` on.
    #[must_use]
    pub fn socket_url(&self, terminal: &Terminal, since: Option<u64>) -> String {
        let Terminal { session, id } = terminal;
        let (url, since) = (self.server.url.replacen("http", "ws", 1), since.map(|since| format!("?since={since}")));
        format!("{url}/api/v1/sessions/{session}/terminals/{id}/socket{}", since.unwrap_or_default())
    }

    /// Ends the login.
    ///
    /// # Errors
    ///
    /// What the server says.
    pub async fn sign_out(&self) -> Result<(), Failure> {
        self.call(Method::POST, "auth/logout", None).await.map(drop)
    }

    /// A new, cold session; its id.
    ///
    /// # Errors
    ///
    /// What the server says.
    pub async fn new_session(&self, name: &str) -> Result<String, Failure> {
        id_of(&self.call(Method::POST, "sessions", Some(&json!({ "name": name }))).await?)
    }

    /// The ids of the sessions of that name, of the first few hundred.
    ///
    /// # Errors
    ///
    /// What the server says.
    pub async fn sessions_called(&self, name: &str) -> Result<Vec<String>, Failure> {
        let list = self.call(Method::GET, "sessions?limit=200", None).await?;
        let items = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        items.iter().filter(|session| session["name"] == name).map(id_of).collect()
    }

    /// Deletes a session; its sandbox goes in a moment.
    ///
    /// # Errors
    ///
    /// What the server says.
    pub async fn delete_session(&self, session: &str) -> Result<(), Failure> {
        self.call(Method::DELETE, &format!("sessions/{session}"), None).await.map(drop)
    }

    /// Opens a terminal, and its session if need be; no words mean a login shell.
    ///
    /// # Errors
    ///
    /// What the server says.
    pub async fn open_terminal(&self, session: &str, command: &[String]) -> Result<Terminal, Failure> {
        let command = (!command.is_empty()).then_some(command);
        let body = json!({ "cols": 80, "rows": 24, "command": command });
        let made = self.call(Method::POST, &format!("sessions/{session}/terminals"), Some(&body)).await?;
        Ok(Terminal { session: session.to_owned(), id: id_of(&made)? })
    }

    /// Ends what runs in a terminal and forgets it.
    ///
    /// # Errors
    ///
    /// What the server says.
    pub async fn close_terminal(&self, terminal: &Terminal) -> Result<(), Failure> {
        let Terminal { session, id } = terminal;
        self.call(Method::DELETE, &format!("sessions/{session}/terminals/{id}"), None).await.map(drop)
    }

    /// Saves a file.
    ///
    /// # Errors
    ///
    /// What the server says.
    pub async fn save(&self, session: &str, path: &str, content: Bytes) -> Result<(), Failure> {
        let request = self.request(Method::PUT, &format!("sessions/{session}/files/{path}")).body(content);
        send(request).await.map(drop)
    }

    /// How many items and bytes a session's workspace holds, as the database knows it.
    ///
    /// # Errors
    ///
    /// What the server says.
    pub async fn usage(&self, session: &str) -> Result<(u64, u64), Failure> {
        let usage = &self.call(Method::GET, &format!("sessions/{session}"), None).await?["usage"];
        let figure = |name: &str| usage[name].as_u64().ok_or_else(|| Failure::because("an answer without its usage"));
        Ok((figure("items")?, figure("bytes")?))
    }

    /// Stops a session; what its programs changed is collected before the answer.
    ///
    /// # Errors
    ///
    /// What the server says.
    pub async fn stop_session(&self, session: &str) -> Result<(), Failure> {
        self.call(Method::POST, &format!("sessions/{session}/stop"), None).await.map(drop)
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}/api/v1/{path}", self.server.url);
        self.server.client.request(method, url).header(ORIGIN, &self.server.url).header(COOKIE, &self.cookie)
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.json(body);
        }
        let text = send(request).await?;
        if text.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&text).map_err(|_| Failure::because("an answer that is not JSON"))
    }
}

async fn send(request: RequestBuilder) -> Result<Bytes, Failure> {
    let answer = request.send().await.map_err(|error| Failure::unsent(&error))?;
    accepted(answer).await?.bytes().await.map_err(|error| Failure::unsent(&error))
}

/// The answer, if it is not a refusal.
async fn accepted(answer: Response) -> Result<Response, Failure> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let pause = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let problem: Value = answer.json().await.unwrap_or_default();
    let code = problem["code"].as_str().unwrap_or("without a code");
    Err(Failure { cause: format!("{} {code}", status.as_u16()), retry_after: pause.map(Duration::from_secs) })
}

fn id_of(made: &Value) -> Result<String, Failure> {
    made["id"].as_str().map(str::to_owned).ok_or_else(|| Failure::because("an answer without an id"))
}
