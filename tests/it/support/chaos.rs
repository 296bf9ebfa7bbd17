//! A proxy in front of a Docker Engine's socket that passes, hangs or fails, as a test wants.

use std::path::{Path, PathBuf};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use uuid::Uuid;

/// What becomes of what comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It is passed on, both ways.
    Pass,
    /// Nothing happens any more, on old connections and new ones.
    Hang,
    /// Every request is answered 500; old connections end.
    Fail,
}

/// The proxy; gone when dropped.
pub struct Chaos {
    /// Where it listens, as an engine's address.
    pub host: String,
    socket: PathBuf,
    mode: watch::Sender<Mode>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Chaos {
    /// In front of the engine at `host`.
    pub fn before(host: &str) -> Self {
        let upstream = PathBuf::from(host.strip_prefix("unix://").unwrap());
        let socket =
            std::env::temp_dir().join(format!("carrel-chaos-{}.sock", &Uuid::new_v4().simple().to_string()[..8]));
        let listener = UnixListener::bind(&socket).unwrap();
        let mode = watch::Sender::new(Mode::Pass);
        let modes = mode.subscribe();
        let accepting = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(client, upstream.clone(), modes.clone()));
            }
        });
        Self { host: format!("unix://{}", socket.display()), socket, mode, accepting }
    }

    /// From now on.
    pub fn become_(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }
}

impl Drop for Chaos {
    fn drop(&mut self) {
        self.accepting.abort();
        // It was there when this was made.
        std::fs::remove_file(&self.socket).ok();
    }
}

async fn serve(mut client: UnixStream, upstream: PathBuf, mut modes: watch::Receiver<Mode>) {
    let mode = *modes.borrow_and_update();
    match mode {
        Mode::Pass => {
            tokio::select! {
                () = pass(&mut client, &upstream) => return,
                // The proxy is gone, or its mode is another.
                changed = modes.changed() => drop(changed),
            }
            if *modes.borrow_and_update() == Mode::Hang {
                modes.changed().await.ok();
            }
        }
        Mode::Hang => drop(modes.changed().await),
        Mode::Fail => fail(&mut client).await,
    }
}

async fn pass(client: &mut UnixStream, upstream: &Path) {
    // A client is cut off when its engine is away, as it would be without us.
    if let Ok(mut engine) = UnixStream::connect(upstream).await {
        copy_bidirectional(client, &mut engine).await.ok();
    }
}

async fn fail(client: &mut UnixStream) {
    let mut head = [0_u8; 4096];
    if client.read(&mut head).await.is_ok_and(|read| read > 0) {
        let body = r#"{"message":"out of sorts"}"#;
        let answer = format!(
            "HTTP/1.1 500 Internal Server Error\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        // Who hangs up first does not care.
        client.write_all(answer.as_bytes()).await.ok();
    }
}
