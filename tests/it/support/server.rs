//! The whole server as `carrel serve` builds it, on the shared PostgreSQL and engine, in a thread of its own.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::thread::JoinHandle;

use carrel::actors::Sessions;
use carrel::app::App;
use carrel::config::{Config, Storage};
use reqwest::header::{HeaderMap, HeaderValue, ORIGIN};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::engine::TestEngine;
use super::postgres;

/// A WebSocket to a test's server.
pub type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A password that is good enough.
pub const PASSWORD: &str = "correct horse";

/// A server; stopped when dropped.
pub struct TestServer {
    /// `http://127.0.0.1:…`
    pub url: String,
    /// The door to its sessions.
    pub sessions: Sessions,
    /// The URL of its database, for whoever stands in its way there.
    pub database: String,
    stop: Mutex<Option<oneshot::Sender<()>>>,
    thread: Option<JoinHandle<()>>,
    _data: tempfile::TempDir,
}

impl TestServer {
    /// With settings fit for tests.
    pub async fn start() -> Self {
        Self::start_with(|_| ()).await
    }

    /// With settings that `change` has changed.
    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let database = tokio::task::spawn_blocking(postgres::url).await.unwrap();
        let engine = TestEngine::shared().await;
        let data = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.server.listen = "127.0.0.1:0".into();
        config.server.data_dir = data.path().to_owned();
        config.server.workers = 2;
        config.database = postgres::config();
        let database = postgres::fresh_schema(database).await;
        config.database.url = Some(database.clone());
        config.engine.host = Some(engine.host.clone());
        config.pool.size = 0;
        // Its data directory goes while its sandboxes may still be there.
        config.sandbox.storage = Storage::Memory;
        config.auth.bcrypt_cost = 8;
        config.auth.attempts_per_account = 1000;
        config.auth.attempts_per_address = 1000;
        change(&mut config);
        let (tell, told) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || run(config, tell, stopped));
        let (address, sessions) = told.await.expect("the server starts");
        let (url, stop) = (format!("http://{address}"), Mutex::new(Some(stop)));
        Self { url, sessions, database, stop, thread: Some(thread), _data: data }
    }

    /// Somebody who has just registered.
    pub async fn user(&self, name: &str) -> Browser<'_> {
        let browser = self.browser();
        let account = json!({ "username": name, "email": format!("{name}@example.org"), "password": PASSWORD });
        let answer = browser.post("/api/v1/auth/register", &account).await;
        assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap());
        browser
    }

    /// Somebody who has not.
    pub fn browser(&self) -> Browser<'_> {
        let mut headers = HeaderMap::new();
        headers.insert(ORIGIN, HeaderValue::from_str(&self.url).unwrap());
        let jar = std::sync::Arc::new(reqwest::cookie::Jar::default());
        let client = Client::builder().default_headers(headers).cookie_provider(jar.clone());
        Browser { server: self, client: client.build().unwrap(), jar }
    }

    /// Begins to stop the server and returns at once.
    pub fn begin_stop(&self) {
        drop(self.stop.lock().unwrap().take());
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.begin_stop();
        if let Some(thread) = self.thread.take() {
            // Its panic has been printed already.
            thread.join().ok();
        }
    }
}

fn run(config: Config, tell: oneshot::Sender<(SocketAddr, Sessions)>, stopped: oneshot::Receiver<()>) {
    let runtime = || tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    actix::System::with_tokio_rt(runtime).block_on(async move {
        let app = App::build(config).await.unwrap();
        assert!(tell.send((app.address(), app.sessions().clone())).is_ok());
        stopped.await.ok();
        app.stop(false).await;
    });
}

/// A browser with its cookies.
pub struct Browser<'a> {
    server: &'a TestServer,
    /// Sends `Origin` by itself.
    pub client: Client,
    jar: std::sync::Arc<reqwest::cookie::Jar>,
}

impl Browser<'_> {
    /// A request of any method.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.server.url))
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }

    /// POST of JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Response {
        self.request(Method::POST, path).json(body).send().await.unwrap()
    }

    /// A new session's id.
    pub async fn session(&self, name: &str) -> String {
        let answer = self.post("/api/v1/sessions", &json!({ "name": name })).await;
        assert_eq!(answer.status(), 201);
        answer.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned()
    }

    /// The cookies it would send.
    pub fn cookie(&self) -> Option<HeaderValue> {
        use reqwest::cookie::CookieStore;
        self.jar.cookies(&self.server.url.parse().unwrap())
    }

    /// A WebSocket handshake with everything that belongs in it, for tests to spoil.
    pub fn handshake(&self, path: &str, protocol: &str) -> Request {
        let url = format!("{}{path}", self.server.url.replacen("http", "ws", 1));
        let mut request = url.into_client_request().unwrap();
        let headers = request.headers_mut();
        headers.insert("origin", self.server.url.parse().unwrap());
        headers.insert("sec-websocket-protocol", protocol.parse().unwrap());
        if let Some(cookie) = self.cookie() {
            headers.insert("cookie", cookie.to_str().unwrap().parse().unwrap());
        }
        request
    }

    /// An open WebSocket.
    pub async fn socket(&self, path: &str, protocol: &str) -> Socket {
        tokio_tungstenite::connect_async(self.handshake(path, protocol)).await.unwrap().0
    }
}

/// The code of a problem, and that it is one.
pub async fn problem(answer: Response) -> String {
    let kind = answer.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap();
    assert_eq!(kind.as_deref(), Some("application/problem+json"), "{body}");
    assert_eq!(body["status"], status, "{body}");
    for field in ["type", "title", "detail"] {
        assert!(body[field].is_string(), "{body}");
    }
    body["code"].as_str().unwrap().to_owned()
}
