//! What the kernel says about programs it has ended for their memory: the only one who knows which it was.
//!
//! The engine tells that a container ran out of memory, not who in it had to go; the agent sees only its own children die. The kernel writes
//! a line with the container's control group and the program's name to its log, which root may read at `/dev/kmsg`. Where that cannot be
//! read (no root, no such device, a runtime with a kernel of its own) programs stay without a name.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;

use futures_util::Stream;
use tokio::io::unix::AsyncFd;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::spec::ContainerId;

/// The kernel's log, one record a read.
const KERNEL_LOG: &str = "/dev/kmsg";

/// Longest record, as the kernel promises.
const MAX_RECORD_BYTES: usize = 8192;

/// Victims that may wait to be looked at; more in a moment stay without a name.
const QUEUE: usize = 64;

/// Longest name of a program, as the kernel keeps it.
const MAX_NAME_CHARS: usize = 15;

/// Length of a container's id in hexadecimal digits.
const CONTAINER_ID_DIGITS: usize = 64;

/// A program the kernel has ended because its container had no memory left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Victim {
    /// Which container.
    pub container: ContainerId,
    /// The program's name, as it had called itself: without characters that steer a display.
    pub program: String,
}

/// Victims from now on; what is read is read in `runtime`.
///
/// # Errors
/// When this process may not read the kernel's log.
pub fn victims(runtime: &Handle) -> io::Result<impl Stream<Item = Victim> + Send + use<>> {
    let mut log = OpenOptions::new().read(true).custom_flags(nix::libc::O_NONBLOCK).open(KERNEL_LOG)?;
    // What happened before is nobody's of now.
    log.seek(SeekFrom::End(0))?;
    let log = {
        let _inside = runtime.enter();
        #[expect(
            deprecated,
            reason = "what replaces AsyncFd::new is unsafe; a File keeps its number until it is dropped"
        )]
        AsyncFd::new(log)?
    };
    let (sender, receiver) = mpsc::channel(QUEUE);
    runtime.spawn(async move {
        tokio::select! {
            result = follow(&log, &sender) => if let Err(error) = result {
                tracing::warn!(error = %error, "the kernel's log cannot be read any more: programs ended for their memory have no name");
            },
            () = sender.closed() => {}
        }
    });
    Ok(ReceiverStream::new(receiver))
}

async fn follow(log: &AsyncFd<File>, victims: &mpsc::Sender<Victim>) -> io::Result<()> {
    let mut record = vec![0; MAX_RECORD_BYTES];
    loop {
        let mut ready = log.readable().await?;
        match ready.try_io(|log| log.get_ref().read(&mut record)) {
            Ok(Ok(length)) => {
                let record = record.get(..length).unwrap_or_default();
                if let Some(victim) = read(&String::from_utf8_lossy(record)) {
                    // A full queue costs a name, nothing else.
                    victims.try_send(victim).ok();
                }
            }
            // The log was faster than we are.
            Ok(Err(error)) if error.kind() == io::ErrorKind::BrokenPipe => {}
            Ok(Err(error)) => return Err(error),
            Err(_not_yet) => {}
        }
    }
}

/// The victim a record tells of, if it is such a record:
/// `PRIORITY,SEQUENCE,TIME,-;oom-kill:constraint=…,oom_memcg=/…/ID,task_memcg=/…,task=NAME,pid=N,uid=N`.
fn read(record: &str) -> Option<Victim> {
    let (_, message) = record.split_once(';')?;
    let told = message.lines().next()?.strip_prefix("oom-kill:")?;
    // Programs name themselves, commas included; what stands before their name is the kernel's.
    let (before, rest) = told.split_once(",task=")?;
    let (program, _) = rest.rsplit_once(",pid=")?;
    let group = before.split_once(",oom_memcg=")?.1.split(',').next()?;
    let program: String = program.chars().filter(|c| !c.is_control()).take(MAX_NAME_CHARS).collect();
    (!program.is_empty()).then_some(Victim { container: container(group)?, program })
}

/// The container a control group belongs to: `/docker/ID`, `/system.slice/docker-ID.scope`, and what is below it.
fn container(group: &str) -> Option<ContainerId> {
    let is_id = |text: &&str| text.len() == CONTAINER_ID_DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut parts = group.split(|c: char| !c.is_ascii_alphanumeric());
    parts.rfind(is_id).map(|id| ContainerId(id.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "e7eeb33f6a7fe80af9f86c35b92c5aeb31ae8d683ee8c7d961587791dab6f394";

    fn check(record: &str, expected: Option<&str>) {
        let expected = expected.map(|program| Victim { container: ContainerId(ID.into()), program: program.into() });
        assert_eq!(read(record), expected, "{record}");
    }

    #[test]
    fn the_kernels_line_names_container_and_program() {
        let line = |group: &str, name: &str| {
            format!(
                "6,1234,10950461762,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset={ID},mems_allowed=0,\
                 oom_memcg={group},task_memcg={group},task={name},pid=26672,uid=1000\n SUBSYSTEM=x\n"
            )
        };
        check(&line(&format!("/carrel-409293b87ceb/{ID}"), "python3"), Some("python3"));
        check(&line(&format!("/system.slice/docker-{ID}.scope"), "my job"), Some("my job"));
        // A program that would rather be somebody else's.
        let other = "0".repeat(64);
        let liar = format!("x,oom_memcg=/docker/{other},task=y,pid=1");
        check(&line(&format!("/docker/{ID}"), &liar), Some("x,oom_memcg=/do"));
        check(&line("/", "python3"), None);
        check("6,1,1,-;python3 invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL)", None);
        check("6,1,1,-;Memory cgroup out of memory: Killed process 1 (python3)", None);
        check("nonsense", None);
    }
}
