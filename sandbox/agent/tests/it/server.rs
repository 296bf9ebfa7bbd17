//! What a test says and hears as the server.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use bytes::BytesMut;
use carrel_protocol::{
    AgentError, Entry, EntryKind, ExitState, Expect, FrameCodec, Hello, Reply, Request, TerminalInfo, ToAgent,
    ToServer, ViewerEvent, ViewerId, WriteOptions, codec,
};
use uuid::Uuid;

use crate::harness::{PATIENCE, SIZE, at};

/// One frame as it goes over the wire.
pub fn wire(frame: &ToAgent) -> BytesMut {
    let mut bytes = BytesMut::new();
    codec::encode(frame, &mut bytes).expect("a frame within its limits");
    bytes
}

/// The server's end of one connection.
pub struct Link {
    pub hello: Hello,
    stream: UnixStream,
    buffer: BytesMut,
    /// Frames that came while something else was waited for.
    pub stash: VecDeque<ToServer>,
    next_id: u64,
}

impl Link {
    /// Takes a connection over and waits for the agent's greeting.
    pub fn greeted(stream: UnixStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).expect("timeout");
        let hello = Hello { version: 0, token: String::new(), terminals: Vec::new(), restored: false };
        let mut link = Self { hello, stream, buffer: BytesMut::new(), stash: VecDeque::new(), next_id: 1 };
        let ToServer::Hello(hello) = link.read("the greeting") else { panic!("the first frame is no greeting") };
        Self { hello, ..link }
    }

    pub fn send(&mut self, frame: &ToAgent) {
        self.send_raw(&wire(frame));
    }

    pub fn send_raw(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the agent is there");
    }

    /// `false` when the agent has closed the link.
    pub fn try_send_raw(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    fn read(&mut self, awaited: &str) -> ToServer {
        self.read_or_end(awaited).unwrap_or_else(|| panic!("the agent closed the link; awaited {awaited}"))
    }

    fn read_or_end(&mut self, awaited: &str) -> Option<ToServer> {
        loop {
            if let Some(frame) = FrameCodec::default().decode(&mut self.buffer).expect("a frame") {
                return Some(frame);
            }
            let mut bytes = [0; 64 * 1024];
            match self.stream.read(&mut bytes) {
                Ok(0) => return None,
                Ok(count) => self.buffer.extend_from_slice(&bytes[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("{error}; awaited {awaited}"),
            }
        }
    }

    /// Whether a frame is there or comes within `time`; for showing that nothing comes.
    pub fn hears_within(&mut self, time: Duration) -> bool {
        self.stream.set_read_timeout(Some(time)).expect("timeout");
        let mut bytes = [0; 64 * 1024];
        let heard = match self.stream.read(&mut bytes) {
            Ok(count) => {
                self.buffer.extend_from_slice(&bytes[..count]);
                true
            }
            Err(_) => false,
        };
        self.stream.set_read_timeout(Some(PATIENCE)).expect("timeout");
        heard || !self.stash.is_empty()
    }

    /// Reads until the agent closes the link.
    pub fn closed(&mut self) {
        while self.read_or_end("the end of the link").is_some() {}
    }

    /// Takes the first frame, stashed or to come, for which `pick` answers something; the others are stashed.
    pub fn find<T>(&mut self, awaited: &str, mut pick: impl FnMut(&ToServer) -> Option<T>) -> T {
        for index in 0..self.stash.len() {
            if let Some(found) = pick(&self.stash[index]) {
                self.stash.remove(index);
                return found;
            }
        }
        loop {
            let frame = self.read(awaited);
            match pick(&frame) {
                Some(found) => return found,
                None => self.stash.push_back(frame),
            }
        }
    }

    pub fn request(&mut self, request: Request) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.send(&ToAgent::Request { id, request });
        id
    }

    pub fn answer(&mut self, id: u64) -> Result<Reply, AgentError> {
        self.find("an answer", |frame| match frame {
            ToServer::Reply { id: answered, result } if *answered == id => Some(result.clone()),
            _ => None,
        })
    }

    pub fn ask(&mut self, request: Request) -> Result<Reply, AgentError> {
        let id = self.request(request);
        self.answer(id)
    }

    pub fn open(&mut self, command: &[&str]) -> TerminalInfo {
        let command = command.iter().map(ToString::to_string).collect();
        let terminal = Uuid::new_v4();
        let request = Request::OpenTerminal { terminal, name: "t".to_owned(), size: SIZE, cwd: None, command };
        let Ok(Reply::Opened(info)) = self.ask(request) else { panic!("not opened") };
        info
    }

    /// Answers start, end and reset.
    pub fn attach(&mut self, terminal: Uuid, viewer: ViewerId, since: Option<u64>, window: u32) -> (u64, u64, bool) {
        match self.ask(Request::Attach { terminal, viewer, since, window }) {
            Ok(Reply::Attached { start, end, reset, .. }) => (start, end, reset),
            other => panic!("not attached: {other:?}"),
        }
    }

    pub fn event(&mut self, viewer: ViewerId, awaited: &str) -> ViewerEvent {
        self.find(awaited, |frame| match frame {
            ToServer::Viewer { viewer: of, event } if *of == viewer => Some(event.clone()),
            _ => None,
        })
    }

    pub fn input(&mut self, viewer: ViewerId, text: &[u8]) {
        self.send(&ToAgent::Input { viewer, bytes: text.to_vec().into() });
    }

    pub fn ack(&mut self, viewer: ViewerId, offset: u64) {
        self.send(&ToAgent::Ack { viewer, offset });
    }

    /// Acknowledges output as it comes and collects it until `enough`; the sequence must be unbroken.
    pub fn collect(&mut self, viewer: ViewerId, from: u64, mut enough: impl FnMut(&[u8]) -> bool) -> Vec<u8> {
        let mut collected = Vec::new();
        while !enough(&collected) {
            let awaited =
                format!("output after {:?}", String::from_utf8_lossy(&collected[collected.len().saturating_sub(80)..]));
            if let ViewerEvent::Output { seq, bytes } = self.event(viewer, &awaited) {
                assert_eq!(seq, from + collected.len() as u64, "no byte twice, none missing");
                collected.extend_from_slice(&bytes);
                self.ack(viewer, from + collected.len() as u64);
            }
        }
        collected
    }

    pub fn collect_until(&mut self, viewer: ViewerId, from: u64, text: &str) -> String {
        let found = self.collect(viewer, from, |bytes| String::from_utf8_lossy(bytes).contains(text));
        String::from_utf8_lossy(&found).into_owned()
    }

    /// All output from `from` to the end of the program, and how it ended.
    pub fn collect_to_exit(&mut self, viewer: ViewerId, from: u64) -> (Vec<u8>, ExitState) {
        let mut collected = Vec::new();
        loop {
            match self.event(viewer, "output or exit") {
                ViewerEvent::Output { seq, bytes } => {
                    assert_eq!(seq, from + collected.len() as u64, "no byte twice, none missing");
                    collected.extend_from_slice(&bytes);
                    self.ack(viewer, from + collected.len() as u64);
                }
                ViewerEvent::Exited(exit) => return (collected, exit),
                ViewerEvent::InputTaken { .. } => {}
                other => panic!("unexpected {other:?}"),
            }
        }
    }

    pub fn exit_of(&mut self, terminal: Uuid) -> ExitState {
        self.find("a terminal's end", |frame| match frame {
            ToServer::TerminalExited { terminal: of, exit } if *of == terminal => Some(*exit),
            _ => None,
        })
    }

    pub fn write(&mut self, path: &str, bytes: &[u8], expect: Expect) -> Result<Reply, AgentError> {
        let options = WriteOptions { executable: false, durable: true, expect };
        self.ask(Request::WriteFile { path: at(path), options, bytes: bytes.to_vec().into() })
    }

    pub fn read_all(&mut self, path: &str) -> Result<Vec<u8>, AgentError> {
        let mut content = Vec::new();
        loop {
            match self.ask(Request::ReadFile { path: at(path), offset: content.len() as u64 })? {
                Reply::Chunk { bytes, stamp } => {
                    content.extend_from_slice(&bytes);
                    if content.len() as u64 == stamp.size {
                        return Ok(content);
                    }
                }
                other => panic!("unexpected {other:?}"),
            }
        }
    }

    /// All entries of a listing, checked against its end marker.
    pub fn scan(&mut self) -> Result<Vec<Entry>, AgentError> {
        let id = self.request(Request::Scan);
        let mut entries = Vec::new();
        let mut hasher = blake3::Hasher::new();
        loop {
            let (page, end) = self.find("a page", |frame| match frame {
                ToServer::ScanPage { id: of, entries } if *of == id => Some((entries.clone(), None)),
                ToServer::Reply { id: of, result } if *of == id => Some((Vec::new(), Some(result.clone()))),
                _ => None,
            });
            for entry in &page {
                hasher.update(&postcard::to_stdvec(entry).expect("entry"));
            }
            entries.extend(page);
            match end {
                None => {}
                Some(Ok(Reply::Scanned { count, hash, .. })) => {
                    assert_eq!((count, hash), (entries.len() as u64, *hasher.finalize().as_bytes()));
                    return Ok(entries);
                }
                Some(Err(error)) => return Err(error),
                Some(other) => panic!("unexpected {other:?}"),
            }
        }
    }

    /// The next batch of changes, taken: its entries and whether a listing is asked for.
    pub fn changes(&mut self) -> (Vec<Entry>, bool) {
        let (batch, entries, rescan) = self.find("changes", |frame| match frame {
            ToServer::Changed { batch, entries, rescan } => Some((*batch, entries.clone(), *rescan)),
            _ => None,
        });
        self.send(&ToAgent::ChangesTaken { batch });
        (entries, rescan)
    }

    /// Takes batches, the last word on each path counting, until `told` is content.
    pub fn changes_until(&mut self, mut told: impl FnMut(&dyn Fn(&str) -> Option<EntryKind>) -> bool) {
        let mut known = std::collections::HashMap::new();
        while !told(&|path: &str| known.get(path).cloned()) {
            let (entries, rescan) = self.changes();
            assert!(!rescan, "no listing is needed");
            known.extend(entries.into_iter().map(|entry| (entry.path, entry.kind)));
        }
    }
}
