//! A wire between client and server that can be cut: all connections at once, or each after so many bytes, in the middle of a frame too.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Never cut by itself.
pub const ENDLESS: u64 = u64::MAX;

/// A wire to a server, at an address of its own.
pub struct Wire {
    /// `http://127.0.0.1:…`
    pub url: String,
    cuts: watch::Sender<()>,
    limit: Arc<AtomicU64>,
    accepting: JoinHandle<()>,
}

impl Wire {
    /// A wire to this server.
    pub async fn to(server: &str) -> Self {
        let server: SocketAddr = server.strip_prefix("http://").unwrap().parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (cuts, limit) = (watch::Sender::new(()), Arc::new(AtomicU64::new(ENDLESS)));
        let accepting = tokio::spawn({
            let (cuts, limit) = (cuts.clone(), Arc::clone(&limit));
            async move {
                while let Ok((client, _)) = listener.accept().await {
                    tokio::spawn(carry(client, server, cuts.subscribe(), limit.load(Ordering::Relaxed)));
                }
            }
        });
        Self { url, cuts, limit, accepting }
    }

    /// Cuts every connection there is, both ends at once, without a word.
    pub fn cut(&self) {
        self.cuts.send_replace(());
    }

    /// Connections made from now on are cut when the server has sent so many bytes.
    pub fn limit(&self, bytes: u64) {
        self.limit.store(bytes, Ordering::Relaxed);
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Carries bytes both ways until one end hangs up or the wire is cut.
async fn carry(mut client: TcpStream, server: SocketAddr, mut cut: watch::Receiver<()>, limit: u64) {
    let Ok(mut server) = TcpStream::connect(server).await else { return };
    for end in [&client, &server] {
        end.set_nodelay(true).ok();
        // Closing throws away what has not been sent, and says so: nobody waits for an answer.
        socket2::SockRef::from(end).set_linger(Some(Duration::ZERO)).ok();
    }
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let up = tokio::io::copy(&mut from_client, &mut to_server);
    let down = async {
        let (mut left, mut buffer) = (limit, vec![0; 16 * 1024]);
        while left > 0 {
            let Ok(read @ 1..) = from_server.read(&mut buffer).await else { return };
            let passed = usize::try_from(left).unwrap_or(usize::MAX).min(read);
            if to_client.write_all(&buffer[..passed]).await.is_err() {
                return;
            }
            left -= passed as u64;
        }
        // What has passed arrives: only then is the wire cut.
        socket2::SockRef::from(to_client.as_ref()).set_linger(None).ok();
    };
    tokio::select! {
        _ = up => {}
        () = down => {}
        _ = cut.changed() => {}
    }
}
