//! Four threads for work that may take long: changes of files in order, short reads, the whole tree, and searches.
//!
//! They are started with the agent and never end, so that a program that uses up the sandbox's process limit
//! cannot take them away. Results come back through one bounded channel; a lane waits when it is full.

use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;
use std::{io, thread};

use carrel_protocol::{AgentError, Entry, Reply, Request, RequestId, Usage, WorkspacePath};
use rustix::process::Signal;
use tokio::sync::mpsc as results;
use uuid::Uuid;

use crate::files::write::Writer;
use crate::files::{Workspace, read};
use crate::processes;
use crate::search::{self, SearchJob, Stopped};
use crate::tree::{Batch, Tree};
use crate::usage;
use crate::watch::{Drained, Watch};

/// Results waiting for the agent's thread; each at most one chunk or page.
const RESULTS: usize = 16;

/// Quiet time after which the scratch folder is removed.
const TIDY_AFTER: Duration = Duration::from_secs(1);

/// Stack of a lane, in bytes; nothing in them recurses.
const STACK_BYTES: usize = 512 * 1024;

/// Which request of which connection an answer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Number of the connection.
    pub connection: u64,
    /// The request's id.
    pub id: RequestId,
}

/// For the lane of changes.
#[derive(Debug)]
pub enum WriteJob {
    /// Answer a request.
    Answer(Caller, Request),
    /// The server is gone, and with it its uploads.
    AbortUploads,
}

/// For the lane of short reads.
#[derive(Debug)]
pub enum ReadJob {
    /// Answer a request.
    Answer(Caller, Request),
    /// List what runs; the leaders of our terminals and whose they are.
    Processes(Caller, Vec<(u32, Uuid)>),
    /// Measure what is taken; what goes through terminals is counted already.
    Usage(Caller, Usage),
    /// Signal every process of a session.
    Signal {
        /// The session's id: the process id of its leader.
        session: u32,
        /// Sent in this order.
        signals: &'static [Signal],
    },
}

/// For the lane of the whole tree.
#[derive(Debug)]
pub enum TreeJob {
    /// Read what inotify has to say.
    Drain,
    /// Make a batch.
    Batch,
    /// The last batch was taken.
    Taken,
    /// Ask for a listing: some folder cannot be watched.
    LoseTrack,
    /// Answer `Scan`.
    Scan(Caller),
    /// Answer `AreGone`.
    AreGone(Caller, Vec<(WorkspacePath, bool)>),
    /// Answer `FinishRestore`; `untouched` when no program ever ran.
    FinishRestore {
        /// Whom to answer.
        caller: Caller,
        /// What changed so far was the server's own doing.
        untouched: bool,
    },
}

/// What comes back.
#[derive(Debug)]
pub enum Done {
    /// The answer to a request.
    Reply(Caller, Result<Reply, AgentError>),
    /// A page of a listing.
    Page(Caller, Vec<Entry>),
    /// Events were read.
    Drained(Drained),
    /// It was tried again to watch everything.
    Looked(Drained),
    /// A batch is ready.
    Batch(Batch),
    /// The restore is finished.
    Restored {
        /// What changed so far was forgotten.
        untouched: bool,
    },
}

/// The senders to the lanes.
#[derive(Debug)]
pub struct Lanes {
    write: Sender<WriteJob>,
    read: Sender<ReadJob>,
    tree: Sender<TreeJob>,
    search: Sender<SearchJob>,
    stopped: Stopped,
    connection: Arc<AtomicU64>,
    /// Becomes readable when something changes in the workspace.
    pub changes: Option<OwnedFd>,
}

type Results = results::Sender<Done>;

impl Lanes {
    /// Starts the threads.
    ///
    /// # Errors
    /// When the kernel refuses a thread.
    pub fn start(workspace: &Arc<Workspace>, link_dir: PathBuf) -> io::Result<(Self, results::Receiver<Done>)> {
        let (done, finished) = results::channel(RESULTS);
        let (write, jobs) = mpsc::channel();
        let (answers, shared) = (done.clone(), Arc::clone(workspace));
        spawn("write", move || write_lane(Writer::new(shared), &jobs, &answers))?;

        let (read, jobs) = mpsc::channel();
        let (answers, shared) = (done.clone(), Arc::clone(workspace));
        spawn("read", move || read_lane(&shared, &jobs, &answers))?;

        let (tree, jobs) = mpsc::channel();
        let watch = Watch::new(Arc::clone(&workspace.root));
        let (changes, connection) = (watch.readable(), Arc::new(AtomicU64::new(0)));
        let (search, searches) = mpsc::channel();
        let (answers, shared, current) = (done.clone(), Arc::clone(workspace), Arc::clone(&connection));
        let stopped = Stopped::default();
        let given_up = stopped.clone();
        spawn("search", move || {
            search::lane(&shared, &searches, &given_up, &current, &mut |caller, look| {
                let result = guarded(|| look().map(Reply::Found));
                let _ = answers.blocking_send(Done::Reply(caller, result));
            });
        })?;

        let (shared, current) = (Arc::clone(workspace), Arc::clone(&connection));
        spawn("tree", move || {
            let mut lane = Tree::new(shared, watch);
            lane.start(&link_dir);
            tree_lane(&mut lane, &jobs, &done, &current);
        })?;
        Ok((Self { write, read, tree, search, stopped, connection, changes }, finished))
    }

    /// Work for earlier connections is no longer wanted.
    pub fn set_connection(&self, connection: u64) {
        self.connection.store(connection, Ordering::Relaxed);
    }

    /// Queues a change of files.
    pub fn write(&self, job: WriteJob) {
        // A lane ends only with the agent.
        let _ = self.write.send(job);
    }

    /// Queues a short read.
    pub fn read(&self, job: ReadJob) {
        let _ = self.read.send(job);
    }

    /// Queues a search.
    pub fn search(&self, job: SearchJob) {
        let _ = self.search.send(job);
    }

    /// Nobody waits for a search any more.
    pub fn stop_search(&self, search: u64) {
        self.stopped.stop(search);
    }

    /// Queues work on the whole tree.
    pub fn tree(&self, job: TreeJob) {
        let _ = self.tree.send(job);
    }
}

fn spawn(name: &str, lane: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.to_owned()).stack_size(STACK_BYTES).spawn(lane).map(drop)
}

/// A job that panics costs its caller an error, never the sandbox its agent.
fn guarded(work: impl FnOnce() -> Result<Reply, AgentError>) -> Result<Reply, AgentError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(AgentError::Os(libc::EIO)))
}

fn write_lane(mut writer: Writer, jobs: &Receiver<WriteJob>, done: &Results) {
    loop {
        let job = match jobs.recv_timeout(TIDY_AFTER) {
            Err(RecvTimeoutError::Timeout) => {
                writer.tidy();
                jobs.recv().ok()
            }
            other => other.ok(),
        };
        match job {
            Some(WriteJob::Answer(caller, request)) => {
                let result = guarded(|| writer.handle(request));
                let _ = done.blocking_send(Done::Reply(caller, result));
            }
            Some(WriteJob::AbortUploads) => writer.abort_uploads(),
            None => return,
        }
    }
}

fn read_lane(workspace: &Workspace, jobs: &Receiver<ReadJob>, done: &Results) {
    for job in jobs {
        match job {
            ReadJob::Answer(caller, request) => {
                let result = guarded(|| match request {
                    Request::ReadFile { path, offset } => read::chunk(&workspace.root, &path, offset),
                    _ => Err(AgentError::BadRequest("not a read".to_owned())),
                });
                let _ = done.blocking_send(Done::Reply(caller, result));
            }
            ReadJob::Processes(caller, terminals) => {
                let result = guarded(|| Ok(Reply::Processes(processes::list(&terminals))));
                let _ = done.blocking_send(Done::Reply(caller, result));
            }
            ReadJob::Usage(caller, counted) => {
                let result = guarded(|| Ok(Reply::Usage(usage::measure(&workspace.root, counted))));
                let _ = done.blocking_send(Done::Reply(caller, result));
            }
            ReadJob::Signal { session, signals } => processes::signal_session(session, signals),
        }
    }
}

fn tree_lane(tree: &mut Tree, jobs: &Receiver<TreeJob>, done: &Results, current: &AtomicU64) {
    for job in jobs {
        let outcome = match job {
            TreeJob::Drain => Done::Drained(tree.drain()),
            TreeJob::Batch => Done::Batch(tree.batch()),
            TreeJob::Taken => {
                tree.taken();
                continue;
            }
            TreeJob::LoseTrack => Done::Looked(tree.lose_track()),
            TreeJob::Scan(caller) => Done::Reply(
                caller,
                guarded(|| {
                    tree.scan(&mut |entries| {
                        let wanted = current.load(Ordering::Relaxed) == caller.connection
                            && done.blocking_send(Done::Page(caller, entries)).is_ok();
                        if wanted { Ok(()) } else { Err(AgentError::NotFound) }
                    })
                }),
            ),
            TreeJob::AreGone(caller, items) => Done::Reply(caller, guarded(|| tree.are_gone(&items))),
            TreeJob::FinishRestore { caller, untouched } => {
                if untouched {
                    tree.settle();
                }
                let _ = done.blocking_send(Done::Restored { untouched });
                Done::Reply(caller, Ok(Reply::Done))
            }
        };
        let _ = done.blocking_send(outcome);
    }
}
