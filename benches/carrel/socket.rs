//! A blocking WebSocket client for the server's terminals and for the bare relay, the same code for both: what the client costs, it costs both.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use carrel_load::frames::{self, Progress, ServerFrame};
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::{Bytes, Message, WebSocket, client};

/// Something is broken when nothing comes for so long.
const SILENCE: Duration = Duration::from_secs(60);

/// An open connection to a terminal.
pub struct Socket {
    web: WebSocket<TcpStream>,
    /// What was seen and acknowledged; `None`: the relay, whose frames are bare bytes.
    progress: Option<Progress>,
}

impl Socket {
    /// Of the server, with its handshake.
    pub fn to_carrel(handshake: Request) -> anyhow::Result<Self> {
        let stream = connect(&handshake.uri().to_string())?;
        let (mut web, _) = client(handshake, stream)?;
        let Message::Binary(greeting) = web.read()? else { bail!("no greeting") };
        let Some(ServerFrame::Control(hello)) = ServerFrame::parse(greeting) else { bail!("no greeting") };
        let progress = Progress::begin(&hello).with_context(|| format!("no greeting: {hello}"))?;
        Ok(Self { web, progress: Some(progress) })
    }

    /// Of the relay.
    pub fn to_relay(url: &str) -> anyhow::Result<Self> {
        let (web, _) = client(url, connect(url)?)?;
        Ok(Self { web, progress: None })
    }

    /// The number of the byte that comes next; 0 of the relay.
    pub fn next_seq(&self) -> u64 {
        self.progress.map_or(0, |progress| progress.next_seq())
    }

    /// Types.
    pub fn input(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let frame = if self.progress.is_some() { frames::input(bytes) } else { Bytes::copy_from_slice(bytes) };
        Ok(self.web.send(Message::Binary(frame))?)
    }

    /// Waits for output.
    pub fn output(&mut self) -> anyhow::Result<Bytes> {
        loop {
            match (self.web.read()?, &mut self.progress) {
                (Message::Binary(bytes), None) => return Ok(bytes),
                (Message::Binary(frame), Some(progress)) => {
                    let Some(ServerFrame::Output { bytes, .. }) = ServerFrame::parse(frame) else { continue };
                    if let Some(ack) = progress.saw(bytes.len()) {
                        self.web.send(Message::Binary(ack))?;
                    }
                    return Ok(bytes);
                }
                (Message::Close(reason), _) => bail!("closed: {reason:?}"),
                _ => {}
            }
        }
    }

    /// Waits for at least `count` bytes of output; gives their number.
    pub fn skip(&mut self, count: usize) -> anyhow::Result<usize> {
        let mut skipped = 0;
        while skipped < count {
            skipped += self.output()?.len();
        }
        Ok(skipped)
    }

    /// Waits until `text` has come.
    pub fn wait_for(&mut self, text: &[u8]) -> anyhow::Result<()> {
        let mut seen = Vec::new();
        while !seen.windows(text.len()).any(|window| window == text) {
            seen.extend_from_slice(&self.output()?);
        }
        Ok(())
    }

    /// Types a key and waits for all of its echo, which has `echo` bytes.
    pub fn echo(&mut self, key: u8, echo: usize) -> anyhow::Result<Duration> {
        let start = Instant::now();
        self.input(&[key])?;
        let came = self.skip(echo)?;
        let took = start.elapsed();
        anyhow::ensure!(came == echo, "{came} bytes of echo instead of {echo}");
        Ok(took)
    }
}

fn connect(url: &str) -> anyhow::Result<TcpStream> {
    let address = url.split('/').nth(2).with_context(|| format!("no address in {url}"))?;
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(SILENCE))?;
    Ok(stream)
}
