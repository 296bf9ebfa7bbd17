//! The floor: a bare relay between one WebSocket and one PTY, in a process of its own, with one thread and nothing else to do.
//!
//! Frames are the terminal's bytes as they are. No sessions, no container, no scrollback, no windows: TCP holds back what the client does not
//! read. What it does, Carrel has to do too.

use std::io::{BufRead, BufReader};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use anyhow::Context;
use futures_util::{SinkExt, StreamExt};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::pty::{Winsize, openpty};
use nix::unistd::{read, write};
use tokio::io::unix::AsyncFd;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::{Bytes, Message};

use crate::socket::Socket;

/// Makes this program the relay.
pub const FLAG: &str = "--relay";

/// Read from the PTY before it is sent on; the kernel gives at most 4 KiB at a time.
const READ_BYTES: usize = 64 * 1024;

/// A running relay; ended when dropped.
pub struct Relay {
    child: Child,
    address: String,
}

impl Relay {
    /// Starts it.
    pub fn start() -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?).arg(FLAG).stdout(Stdio::piped()).spawn()?;
        let mut address = String::new();
        BufReader::new(child.stdout.take().context("no output")?).read_line(&mut address)?;
        Ok(Self { child, address: address.trim().to_owned() })
    }

    /// A terminal that runs `script`.
    pub fn open(&self, script: &str) -> anyhow::Result<Socket> {
        let path: String = script.bytes().map(|byte| format!("{byte:02x}")).collect();
        Socket::to_relay(&format!("ws://{}/{path}", self.address))
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.child
            .kill()
            .and_then(|()| self.child.wait())
            .map(drop)
            .unwrap_or_else(|error| eprintln!("the relay: {error}"));
    }
}

/// What the process does.
pub fn serve() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        loop {
            let (stream, _) = listener.accept().await?;
            tokio::spawn(async move {
                if let Err(error) = relay(stream).await {
                    eprintln!("the relay: {error:#}");
                }
            });
        }
    })
}

async fn relay(stream: TcpStream) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let script = Mutex::new(Vec::new());
    #[expect(clippy::result_large_err, reason = "the library's own type")]
    let note = |request: &Request, response: Response| {
        let digits = request.uri().path().trim_start_matches('/');
        if let Ok(mut script) = script.lock() {
            *script = hex::decode(digits).unwrap_or_default();
        }
        Ok(response)
    };
    let mut web = tokio_tungstenite::accept_hdr_async(stream, note).await?;
    let script = String::from_utf8(script.into_inner().unwrap_or_default())?;
    let (master, mut child) = spawn(&script)?;
    let relayed = pass_on(&mut web, &master).await;
    child.kill()?;
    child.wait()?;
    relayed
}

fn spawn(script: &str) -> anyhow::Result<(AsyncFd<OwnedFd>, Child)> {
    let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
    let pty = openpty(Some(&size), None)?;
    let flags = OFlag::from_bits_retain(fcntl(&pty.master, FcntlArg::F_GETFL)?);
    fcntl(&pty.master, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    fcntl(&pty.master, FcntlArg::F_SETFD(nix::fcntl::FdFlag::FD_CLOEXEC))?;
    let (input, output) = (Stdio::from(pty.slave.try_clone()?), Stdio::from(pty.slave.try_clone()?));
    let child = Command::new("setsid")
        .args(["--ctty", "sh", "-c", script])
        .stdin(input)
        .stdout(output)
        .stderr(pty.slave)
        .spawn()?;
    // SAFETY: an `OwnedFd` is open and stays the same descriptor for as long as the `AsyncFd` owns it.
    Ok((unsafe { AsyncFd::register(pty.master) }?, child))
}

async fn pass_on(web: &mut WebSocketStream<TcpStream>, master: &AsyncFd<OwnedFd>) -> anyhow::Result<()> {
    let mut buffer = vec![0; READ_BYTES];
    loop {
        tokio::select! {
            message = web.next() => match message {
                Some(Ok(Message::Binary(bytes))) => type_in(master, &bytes).await?,
                Some(Ok(_)) => {}
                // Hung up, politely or not.
                Some(Err(_)) | None => return Ok(()),
            },
            ready = master.readable() => {
                let (mut ready, mut filled, mut ended) = (ready?, 0, false);
                while filled < buffer.len() {
                    match read(master.get_ref(), &mut buffer[filled..]) {
                        Ok(0) | Err(Errno::EIO) => { ended = true; break }
                        Ok(count) => filled += count,
                        Err(Errno::EAGAIN) => { ready.clear_ready(); break }
                        Err(error) => return Err(error.into()),
                    }
                }
                if filled > 0 {
                    web.send(Message::Binary(Bytes::copy_from_slice(&buffer[..filled]))).await?;
                }
                if ended {
                    web.close(None).await?;
                    return Ok(());
                }
            }
        }
    }
}

async fn type_in(master: &AsyncFd<OwnedFd>, mut bytes: &[u8]) -> anyhow::Result<()> {
    while !bytes.is_empty() {
        match write(master.get_ref(), bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::EAGAIN) => master.writable().await?.clear_ready(),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
