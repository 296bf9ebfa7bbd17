//! A blocking WebSocket client for the server's terminals and for the bare relay, the same code for both: what the client costs, it costs both.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Bytes, Message, WebSocket, client};

/// Something is broken when nothing comes for so long.
const SILENCE: Duration = Duration::from_secs(60);

/// Tags of `carrel.terminal.v1`.
const INPUT: u8 = 0;
const ACK: u8 = 1;
const OUTPUT: u8 = 0;

/// Tag and sequence number before the bytes of an output frame.
const OUTPUT_HEAD: usize = 9;

/// An open connection to a terminal.
pub struct Socket {
    web: WebSocket<TcpStream>,
    /// Acknowledge every so many bytes; `None`: the relay, whose frames are bare bytes.
    ack_step: Option<u64>,
    seen: u64,
    acked: u64,
}

impl Socket {
    /// Of the server. `origin` is its own address.
    pub fn to_carrel(url: &str, origin: &str, cookie: &str) -> anyhow::Result<Self> {
        let mut request = url.into_client_request()?;
        for (name, value) in [("origin", origin), ("cookie", cookie), ("sec-websocket-protocol", "carrel.terminal.v1")]
        {
            request.headers_mut().insert(name, HeaderValue::from_str(value)?);
        }
        let (web, _) = client(request, connect(url)?)?;
        let mut socket = Self { web, ack_step: Some(u64::MAX), seen: 0, acked: 0 };
        let Message::Binary(hello) = socket.web.read()? else { bail!("no greeting") };
        let hello: serde_json::Value = serde_json::from_slice(hello.get(1..).unwrap_or_default())?;
        let number = |key: &str| hello[key].as_u64().with_context(|| format!("no {key} in {hello}"));
        (socket.seen, socket.acked) = (number("seq")?, number("seq")?);
        socket.ack_step = Some(number("window")? / 4);
        Ok(socket)
    }

    /// Of the relay.
    pub fn to_relay(url: &str) -> anyhow::Result<Self> {
        let (web, _) = client(url, connect(url)?)?;
        Ok(Self { web, ack_step: None, seen: 0, acked: 0 })
    }

    /// Types.
    pub fn input(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let frame = match self.ack_step {
            Some(_) => [&[INPUT], bytes].concat(),
            None => bytes.to_vec(),
        };
        Ok(self.web.send(Message::Binary(frame.into()))?)
    }

    /// Waits for output.
    pub fn output(&mut self) -> anyhow::Result<Bytes> {
        loop {
            match (self.web.read()?, self.ack_step) {
                (Message::Binary(bytes), None) => return Ok(bytes),
                (Message::Binary(mut frame), Some(step)) if frame.first() == Some(&OUTPUT) => {
                    let bytes = frame.split_off(OUTPUT_HEAD.min(frame.len()));
                    self.seen += bytes.len() as u64;
                    if self.seen - self.acked >= step {
                        self.acked = self.seen;
                        let ack = [&[ACK], &self.seen.to_le_bytes()[..]].concat();
                        self.web.send(Message::Binary(ack.into()))?;
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
