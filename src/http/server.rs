//! The HTTP server itself: sockets, workers, time limits.

use std::any::Any;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_web::dev::{Extensions, Server as ActixServer};
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use socket2::SockRef;

use super::state::{AppParts, HttpState};
use super::{json, observe, origin, routes};

/// How long a client may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client may take to close its side after an answer that ends the connection.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long an idle connection is kept.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// Connections at the same time, all workers together; each idle one costs a few KiB.
const MAX_CONNECTIONS: usize = 20_000;
/// Connections the kernel holds for us: all browsers reconnect at once after a restart.
const BACKLOG: u32 = 2048;
/// After how long a peer that acknowledges nothing is taken for dead, whatever TCP would still try.
const DEAD_PEER: Duration = Duration::from_secs(25);
/// Seconds that requests under way get when the server stops. Sockets have been told before.
const SHUTDOWN_SECONDS: u64 = 3;

/// A server that accepts connections once it is awaited or spawned.
pub struct Server {
    server: ActixServer,
    address: SocketAddr,
}

impl Server {
    /// Serves `parts` on `listener`.
    ///
    /// # Errors
    /// When the listener cannot be used.
    pub fn build(parts: AppParts, listener: TcpListener) -> std::io::Result<Self> {
        let address = listener.local_addr()?;
        let workers = match parts.config.server.workers {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            workers => workers,
        };
        let state = web::Data::new(HttpState::new(parts));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(state.clone())
                .app_data(json::config())
                .configure(routes::configure)
                .wrap(from_fn(origin::check))
                .wrap(from_fn(observe::observe))
        })
        .workers(workers)
        .backlog(BACKLOG)
        .max_connections((MAX_CONNECTIONS / workers).max(1))
        .client_request_timeout(HEAD_TIMEOUT)
        .client_disconnect_timeout(DISCONNECT_TIMEOUT)
        .keep_alive(KEEP_ALIVE)
        .shutdown_timeout(SHUTDOWN_SECONDS)
        .disable_signals()
        .on_connect(prepare)
        .listen(listener)?
        .run();
        Ok(Self { server, address })
    }

    /// The address it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The server as a future that ends when it is stopped; its handle stops it.
    pub fn into_inner(self) -> ActixServer {
        self.server
    }
}

/// Keystrokes are not to wait for company, and peers that vanish are to be noticed.
fn prepare(connection: &dyn Any, _: &mut Extensions) {
    let Some(stream) = connection.downcast_ref::<actix_web::rt::net::TcpStream>() else { return };
    let socket = SockRef::from(stream);
    let prepared = socket.set_tcp_nodelay(true).and_then(|()| socket.set_tcp_user_timeout(Some(DEAD_PEER)));
    if let Err(error) = prepared {
        tracing::debug!(error.cause = %error, "a connection could not be prepared");
    }
}
