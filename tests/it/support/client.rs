//! A user's browser without a page: requests with cookies and `Origin`, and what tests do with a session.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::cookie::{CookieStore, Jar};
use reqwest::header::{HeaderMap, HeaderValue, ORIGIN};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use uuid::Uuid;

use super::events::Events;
use super::terminal::Terminal;

/// A password that is good enough.
pub const PASSWORD: &str = "correct horse battery";

/// How long a session may take to become ready.
pub const READY: Duration = Duration::from_secs(60);

/// A signed-in user.
#[derive(Clone)]
pub struct Client {
    /// The server.
    pub url: String,
    http: reqwest::Client,
    jar: Arc<Jar>,
}

impl Client {
    /// Nobody yet.
    pub fn new(url: &str) -> Self {
        let origin = HeaderMap::from_iter([(ORIGIN, HeaderValue::from_str(url).unwrap())]);
        let jar = Arc::new(Jar::default());
        let http = reqwest::Client::builder().default_headers(origin).cookie_provider(Arc::clone(&jar));
        Self { url: url.to_owned(), http: http.build().unwrap(), jar }
    }

    /// Somebody of whom nobody has heard before.
    pub async fn register(url: &str) -> Self {
        let client = Self::new(url);
        let name = format!("u{}", &Uuid::new_v4().simple().to_string()[..12]);
        let account = json!({ "username": name, "email": format!("{name}@example.org"), "password": PASSWORD });
        let answer = client.request(Method::POST, "/api/v1/auth/register").json(&account).send().await.unwrap();
        assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap());
        client
    }

    /// A request of any kind.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    /// A WebSocket handshake with everything that belongs in it, for tests to spoil.
    pub fn handshake(&self, path: &str, protocol: &str) -> Request {
        let mut request = format!("{}{path}", self.url.replacen("http", "ws", 1)).into_client_request().unwrap();
        let headers = request.headers_mut();
        headers.insert("origin", self.url.parse().unwrap());
        headers.insert("sec-websocket-protocol", protocol.parse().unwrap());
        if let Some(cookie) = self.jar.cookies(&self.url.parse().unwrap()) {
            headers.insert("cookie", cookie.to_str().unwrap().parse().unwrap());
        }
        request
    }

    /// A new session.
    pub async fn session(&self) -> Session {
        let answer = self.request(Method::POST, "/api/v1/sessions").json(&json!({ "name": "Test" })).send().await;
        let id = ok(answer.unwrap(), 201).await["id"].as_str().unwrap().to_owned();
        Session { client: self.clone(), id }
    }

    /// A new session that is ready to be worked in.
    pub async fn ready_session(&self) -> Session {
        let session = self.session().await;
        session.start().await;
        session
    }
}

/// A user's session.
#[derive(Clone)]
pub struct Session {
    /// Its owner.
    pub client: Client,
    /// Its id.
    pub id: String,
}

impl Session {
    /// The path of something of it.
    pub fn path(&self, rest: &str) -> String {
        format!("/api/v1/sessions/{}{rest}", self.id)
    }

    /// The path of a file of it.
    pub fn file(&self, path: &str) -> String {
        self.path(&format!("/files/{}", encoded(path)))
    }

    /// A request for something of it.
    pub fn request(&self, method: Method, rest: &str) -> RequestBuilder {
        self.client.request(method, &self.path(rest))
    }

    /// The session as the API tells it.
    pub async fn get(&self) -> Value {
        ok(self.request(Method::GET, "").send().await.unwrap(), 200).await
    }

    /// A command such as `/start`; the answer.
    pub async fn post(&self, rest: &str, body: &Value) -> Response {
        self.request(Method::POST, rest).json(body).send().await.unwrap()
    }

    /// Opens it and waits until it is ready.
    pub async fn start(&self) {
        let mut events = self.events().await;
        ok(self.request(Method::POST, "/start").send().await.unwrap(), 202).await;
        events.state("ready", READY).await;
    }

    /// Ends its sandbox and waits until it is cold.
    pub async fn stop(&self) {
        let mut events = self.events().await;
        ok(self.request(Method::POST, "/stop").send().await.unwrap(), 202).await;
        events.state("cold", READY).await;
    }

    /// What happens to it from now on.
    pub async fn events(&self) -> Events {
        Events::open(self).await
    }

    /// Saves a file; its item.
    pub async fn save(&self, path: &str, content: impl Into<Vec<u8>>) -> Value {
        let answer = self.put(path, content, &[]).await;
        assert!(answer.status().is_success(), "{path:?}: {}", answer.text().await.unwrap());
        answer.json().await.unwrap()
    }

    /// The answer to saving a file with these headers.
    pub async fn put(&self, path: &str, content: impl Into<Vec<u8>>, headers: &[(&str, &str)]) -> Response {
        let request = self.client.request(Method::PUT, &self.file(path)).body(content.into());
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).send().await.unwrap()
    }

    /// A file's content in the database; `None` when there is no such file.
    pub async fn read(&self, path: &str) -> Option<Vec<u8>> {
        let answer = self.client.request(Method::GET, &self.file(path)).send().await.unwrap();
        match answer.status() {
            StatusCode::NOT_FOUND => None,
            StatusCode::OK => Some(answer.bytes().await.unwrap().to_vec()),
            status => panic!("{path:?}: {status} {}", answer.text().await.unwrap()),
        }
    }

    /// Removes a file or folder.
    pub async fn remove(&self, path: &str) {
        let answer = self.client.request(Method::DELETE, &self.file(path)).send().await.unwrap();
        assert_eq!(answer.status(), 204, "{}", answer.text().await.unwrap());
    }

    /// Every item, by path.
    pub async fn tree(&self) -> BTreeMap<String, Value> {
        let (mut items, mut cursor) = (BTreeMap::new(), String::new());
        loop {
            let page =
                ok(self.request(Method::GET, &format!("/tree?limit=5000{cursor}")).send().await.unwrap(), 200).await;
            let found = page["items"].as_array().unwrap().iter();
            items.extend(found.map(|item| (item["path"].as_str().unwrap().to_owned(), item.clone())));
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={}", encoded(next)),
                None => return items,
            }
        }
    }

    /// A terminal with a shell at its first prompt.
    pub async fn shell(&self) -> Terminal {
        let mut terminal = self.terminal(&json!({ "cols": 80, "rows": 24 })).await;
        terminal.expect("$ ").await;
        terminal
    }

    /// A terminal in which this runs.
    pub async fn program(&self, command: &[&str]) -> Terminal {
        self.terminal(&json!({ "cols": 80, "rows": 24, "command": command })).await
    }

    /// A new terminal, attached.
    pub async fn terminal(&self, new: &Value) -> Terminal {
        let terminal = ok(self.post("/terminals", new).await, 201).await;
        Terminal::attach(self, terminal["id"].as_str().unwrap(), None).await
    }

    /// Its terminals.
    pub async fn terminals(&self) -> Vec<Value> {
        let list = ok(self.request(Method::GET, "/terminals").send().await.unwrap(), 200).await;
        list["items"].as_array().unwrap().clone()
    }

    /// Closes a terminal; a session has only so many.
    pub async fn close_terminal(&self, id: &str) {
        let answer = self.request(Method::DELETE, &format!("/terminals/{id}")).send().await.unwrap();
        assert_eq!(answer.status(), 204, "{}", answer.text().await.unwrap());
    }

    /// The content `cat` prints in the sandbox, without a terminal's translation of it.
    pub async fn in_sandbox(&self, path: &str) -> Vec<u8> {
        let program =
            format!("import sys,base64; sys.stdout.write(base64.b64encode(open({path:?},'rb').read()).decode())");
        let mut terminal = self.program(&["python3", "-c", &program]).await;
        terminal.exit().await;
        self.close_terminal(&terminal.id).await;
        let text: String = terminal.text().split_whitespace().collect();
        base64(&text).unwrap_or_else(|| panic!("{}", terminal.text()))
    }
}

/// The JSON of an answer with the expected status.
pub async fn ok(answer: Response, status: u16) -> Value {
    let (got, text) = (answer.status(), answer.text().await.unwrap());
    assert_eq!(got, status, "{text}");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The status and code of a problem, and that it is one.
pub async fn problem(answer: Response) -> (u16, String) {
    let status = answer.status().as_u16();
    let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
    let body: Value = answer.json().await.unwrap();
    assert_eq!((kind.as_str(), &body["status"]), ("application/problem+json", &json!(status)), "{body}");
    (status, body["code"].as_str().unwrap().to_owned())
}

/// Asks again and again, at most for `patience`, until the answer is `Some`.
pub async fn eventually<T>(patience: Duration, what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(began.elapsed() < patience, "not within {patience:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A path as it stands in a URL; slashes stay.
pub fn encoded(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte);
    path.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn base64(text: &str) -> Option<Vec<u8>> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let text = text.trim_end_matches('=').as_bytes();
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    for group in text.chunks(4) {
        let mut value = 0_u32;
        for index in 0..4 {
            let digit = group.get(index).map_or(Some(0), |digit| DIGITS.iter().position(|d| d == digit))?;
            value = value << 6 | u32::try_from(digit).ok()?;
        }
        bytes.extend_from_slice(&value.to_be_bytes()[1..group.len()]);
    }
    Some(bytes)
}
