//! What each frame from the server sets in motion.

use carrel_protocol::{
    AgentError, MAX_BUNDLE_FILES, MAX_CHUNK_BYTES, MAX_REQUESTS_IN_FLIGHT, MAX_VIEWERS, Reply, Request, RequestId,
    ToAgent, ToServer, Usage, ViewerId,
};
use tokio::time::Instant;
use uuid::Uuid;

use crate::agent::Agent;
use crate::lanes::{Caller, ReadJob, TreeJob, WriteJob};
use crate::link::LinkError;
use crate::search::SearchJob;

impl Agent {
    /// Acts on one frame.
    ///
    /// # Errors
    /// [`LinkError::Protocol`] when the server breaks the rules; the link is then closed.
    pub(crate) fn handle(&mut self, frame: ToAgent, now: Instant) -> Result<(), LinkError> {
        let welcomed = self.link.up().is_some();
        match frame {
            ToAgent::Welcome(limits) if !welcomed => {
                self.welcome(&limits);
                if let Some(connection) = self.link.up() {
                    self.lanes.set_connection(connection);
                }
            }
            _ if !welcomed => return Err(LinkError::Protocol("a frame before welcome")),
            ToAgent::Welcome(_) => return Err(LinkError::Protocol("welcome twice")),
            ToAgent::Request { id, request } => self.request(id, request, now),
            ToAgent::Input { viewer, bytes } => {
                // A viewer just detached may still be typing.
                let Some(from) = self.viewers.get(viewer) else { return Ok(()) };
                let Some(terminal) = self.terminals.get_mut(from.terminal) else { return Ok(()) };
                if bytes.len() > MAX_CHUNK_BYTES || from.queue_input(bytes.len()).is_err() {
                    return Err(LinkError::Protocol("input past its window"));
                }
                self.typed_bytes += bytes.len() as u64;
                let taken = terminal.input(viewer, bytes);
                if taken > 0 {
                    from.input_taken(taken, now);
                    self.eager.typed(now.into_std());
                }
            }
            ToAgent::Ack { viewer, offset } => {
                if let Some(viewer) = self.viewers.get(viewer) {
                    viewer.ack(offset);
                }
            }
            ToAgent::Resize { viewer, size } => {
                if let Some(terminal) = self.viewers.get(viewer).map(|viewer| viewer.terminal) {
                    self.terminals.resize(terminal, size, &self.viewers, &mut |frame| self.link.send(&frame));
                }
            }
            ToAgent::Detach { viewer } => self.viewers.detach(viewer),
            ToAgent::ChangesTaken { batch } => self.changes.taken(batch, now, &self.lanes),
        }
        Ok(())
    }

    fn request(&mut self, id: RequestId, request: Request, now: Instant) {
        let answer = match request {
            Request::Ping => Ok(Reply::Done),
            Request::OpenTerminal { .. } if self.ending.is_going_on() => {
                Err(AgentError::BadRequest("programs are being ended".to_owned()))
            }
            Request::OpenTerminal { .. } => self.terminals.open(&self.workspace, request).map(Reply::Opened),
            Request::CloseTerminal { terminal } => self.close_terminal(terminal, now),
            Request::RenameTerminal { terminal, name } => self.terminals.rename(terminal, name).map(|()| Reply::Done),
            Request::StopProcess { pid } => self.stopping_one.ask(pid, now).map(|()| Reply::Done),
            Request::Attach { terminal, viewer, since, window } => self.attach(terminal, viewer, since, window),
            Request::StopSearch { search } => {
                self.lanes.stop_search(search);
                Ok(Reply::Done)
            }
            Request::Shutdown => {
                self.stop(now);
                Ok(Reply::Done)
            }
            _ => {
                if let Err(refusal) = self.queue(id, request, now) {
                    self.reply(id, Err(refusal));
                }
                return;
            }
        };
        self.reply(id, answer);
    }

    fn reply(&mut self, id: RequestId, result: Result<Reply, AgentError>) {
        self.link.send(&ToServer::Reply { id, result });
    }

    fn close_terminal(&mut self, terminal: Uuid, now: Instant) -> Result<Reply, AgentError> {
        self.terminals.close(terminal, &self.lanes, now)?;
        self.viewers.close(terminal, &mut |frame| self.link.send(&frame));
        Ok(Reply::Done)
    }

    fn attach(
        &mut self,
        terminal: Uuid,
        viewer: ViewerId,
        since: Option<u64>,
        window: u32,
    ) -> Result<Reply, AgentError> {
        let seen = self.terminals.get(terminal).ok_or(AgentError::NotFound)?;
        if self.viewers.get(viewer).is_some() {
            return Err(AgentError::BadRequest("this viewer is attached already".to_owned()));
        }
        if self.viewers.len() >= MAX_VIEWERS {
            return Err(AgentError::TooMany);
        }
        let (oldest, end) = (seen.ring.start(), seen.ring.end());
        let kept = since.filter(|since| (oldest..=end).contains(since));
        let start = kept.unwrap_or(oldest);
        // A window wider than the ring would let output overtake its own viewer.
        let window = window.min(u32::try_from(self.terminals.ring_bytes()).unwrap_or(u32::MAX));
        self.viewers.attach(viewer, terminal, start, window);
        Ok(Reply::Attached { start, end, reset: since.is_some() && kept.is_none(), terminal: seen.info() })
    }

    /// Hands a request to its lane.
    fn queue(&mut self, id: RequestId, request: Request, now: Instant) -> Result<(), AgentError> {
        if self.in_flight >= MAX_REQUESTS_IN_FLIGHT {
            return Err(AgentError::TooMany);
        }
        let (files, bytes) = match &request {
            Request::WriteFile { bytes, .. } | Request::UploadChunk { bytes, .. } => (1, bytes.len()),
            Request::WriteFiles { files } => (files.len(), files.iter().map(|file| file.bytes.len()).sum()),
            _ => (0, 0),
        };
        if bytes > MAX_CHUNK_BYTES || files > MAX_BUNDLE_FILES {
            return Err(AgentError::BadRequest("a chunk over the limit".to_owned()));
        }
        self.hand_over(id, request, now)
    }

    fn hand_over(&mut self, id: RequestId, request: Request, now: Instant) -> Result<(), AgentError> {
        let caller = Caller { connection: self.link.up().unwrap_or_default(), id };
        self.in_flight += 1;
        match request {
            Request::ReadFile { .. } => self.lanes.read(ReadJob::Answer(caller, request)),
            Request::Processes => self.lanes.read(ReadJob::Processes(caller, self.terminals.leaders())),
            Request::Usage => {
                let counted = Usage {
                    output_bytes: self.terminals.output_bytes(),
                    input_bytes: self.typed_bytes,
                    viewers: u32::try_from(self.viewers.len()).unwrap_or(u32::MAX),
                    ..Usage::default()
                };
                self.lanes.read(ReadJob::Usage(caller, counted));
            }
            Request::EndPrograms => self.ending.begin(id, now),
            Request::Search { search, query } => {
                self.lanes.search(SearchJob { caller, search, query, asked: now.into_std() });
            }
            Request::Scan => self.lanes.tree(TreeJob::Scan(caller)),
            Request::AreGone { items } => self.lanes.tree(TreeJob::AreGone(caller, items)),
            Request::FinishRestore => {
                let untouched = !self.terminals.opened_any();
                self.lanes.tree(TreeJob::FinishRestore { caller, untouched });
            }
            _ => self.lanes.write(WriteJob::Answer(caller, request)),
        }
        Ok(())
    }
}
