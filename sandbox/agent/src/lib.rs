//! The agent of a Carrel sandbox: PID 1, as an ordinary user, with the workspace and the terminals in its care.
//!
//! It dials the server's socket, serves the frames of [`carrel_protocol`], and dials again when the server goes
//! away; programs, scrollback and unannounced changes survive that. See docs/agent-protocol.md.
//!
//! **Architecture invariants**: the server is trusted to ask, and still cannot make the agent exceed its bounds;
//! programs in the sandbox are not trusted at all, and can neither end the agent nor lead it out of the
//! workspace. One thread does all that must be quick ([`agent`]), four do what may take long ([`lanes`]).

pub mod config;

pub mod agent;
mod requests;

pub mod link;
pub mod readiness;

pub mod pty;
pub mod ring;
pub mod terminal;
pub mod terminals;
pub mod viewers;

pub mod lanes;

pub mod files;
pub mod search;

pub mod changes;
pub mod dirty;
pub mod tree;
pub mod watch;

pub mod ending;
pub mod processes;
pub mod signals;
pub mod stopping;
pub mod usage;

pub use config::Config;

use std::io;

use rustix::process::{DumpableBehavior, getpid, set_child_subreaper, set_dumpable_behavior};

/// Runs an agent until it is asked to end. Call it once, from a process with a single thread.
///
/// # Errors
/// When it cannot start; once started it never fails.
pub fn run(config: Config) -> io::Result<()> {
    // The link token is in our memory; programs of the same user may neither trace us nor read it.
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    if !getpid().is_init() {
        // As an ordinary process too, orphans of our terminals are ours to reap.
        set_child_subreaper(Some(getpid()))?;
    }
    signals::block()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    runtime.block_on(async {
        agent::Agent::start(config)?.serve().await;
        Ok(())
    })
}
