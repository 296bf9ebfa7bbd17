//! Opening a pseudo-terminal and starting a program in it.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use carrel_protocol::TerminalSize;
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{InputModes, OptionalActions, Winsize, tcgetattr, tcsetattr, tcsetwinsize};

/// What every program in a terminal finds in its environment, and nothing else.
const ENVIRONMENT: [(&str, &str); 8] = [
    ("TERM", "xterm-256color"),
    ("COLORTERM", "truecolor"),
    ("LANG", "C.UTF-8"),
    ("HOME", "/home/carrel"),
    ("USER", "carrel"),
    ("SHELL", "/bin/bash"),
    ("PATH", "/usr/local/bin:/usr/bin:/bin:/home/carrel/.local/bin"),
    // Plots go to files: there is no display.
    ("MPLBACKEND", "Agg"),
];

/// Started when no command is given.
const LOGIN_SHELL: [&str; 2] = ["/bin/bash", "-l"];

/// Highest signal number, real-time ones included.
const LAST_SIGNAL: libc::c_int = 64;

/// The kernel's `struct sigaction` for `SIG_DFL`: handler, flags, restorer and mask are all zero.
const DEFAULT_ACTION: [u64; 4] = [0; 4];

/// Size of the kernel's signal mask.
const KERNEL_MASK_BYTES: usize = 8;

/// What programs have in `oom_score_adj`: the kernel ends any of them before the agent, whose scrollback may be larger than each of
/// many small ones. A program may lower it to what the sandbox was started with, never further.
const FIRST_VICTIM: &str = "1000";

/// Starts `command` as the leader of a new session on a new terminal; answers the terminal's non-blocking
/// master end and the process id. The process is reaped by [`crate::signals::reap`].
///
/// # Errors
/// `NOENT` and the like when the program cannot be started; `AGAIN` when the process limit is reached.
pub fn spawn(command: &[String], folder: OwnedFd, size: TerminalSize) -> Result<(OwnedFd, u32), Errno> {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let slave = ioctl_tiocgptpeer(&master, OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    let mut modes = tcgetattr(&slave)?;
    // Backspace erases a whole character of UTF-8.
    modes.input_modes |= InputModes::IUTF8;
    tcsetattr(&slave, OptionalActions::Now, &modes)?;
    resize(&master, size)?;
    fcntl_setfl(&master, fcntl_getfl(&master)? | OFlags::NONBLOCK)?;

    let mut words = command.iter().map(String::as_str);
    let mut shell = LOGIN_SHELL.into_iter();
    let words: &mut dyn Iterator<Item = &str> = if command.is_empty() { &mut shell } else { &mut words };
    let mut child = Command::new(words.next().unwrap_or_default());
    child.args(words).env_clear().envs(ENVIRONMENT);
    child.stdin(Stdio::from(slave.try_clone().map_err(errno)?));
    child.stdout(Stdio::from(slave.try_clone().map_err(errno)?));
    child.stderr(Stdio::from(slave));
    // SAFETY: `prepare` makes only async-signal-safe system calls and allocates nothing.
    unsafe { child.pre_exec(move || prepare(&folder)) };
    let pid = child.spawn().map_err(errno)?.id();
    // By us and not by itself: until it is the new program its files in /proc belong to nobody, as ours do. Where this
    // fails, programs and agent are as likely victims as each other.
    let _ = std::fs::write(format!("/proc/{pid}/oom_score_adj"), FIRST_VICTIM);
    Ok((master, pid))
}

/// Tells the terminal, and through SIGWINCH its program, the new size.
///
/// # Errors
/// Whatever the terminal says.
pub fn resize(master: impl AsFd, size: TerminalSize) -> Result<(), Errno> {
    tcsetwinsize(master, Winsize { ws_col: size.cols, ws_row: size.rows, ws_xpixel: 0, ws_ypixel: 0 })
}

/// Runs in the child between `fork` and `exec`, with the terminal as standard input.
fn prepare(folder: &OwnedFd) -> io::Result<()> {
    // SAFETY: plain system calls on valid arguments, all async-signal-safe.
    unsafe {
        let done = |result: libc::c_int| if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) };
        done(libc::setsid())?;
        done(libc::ioctl(0, libc::TIOCSCTTY, 0))?;
        done(libc::fchdir(folder.as_raw_fd()))?;
        for signal in 1..=LAST_SIGNAL {
            // By the kernel's own call, for libc keeps two signals from us. Refused for SIGKILL and SIGSTOP.
            let nothing = std::ptr::null_mut::<libc::c_void>();
            libc::syscall(libc::SYS_rt_sigaction, signal, DEFAULT_ACTION.as_ptr(), nothing, KERNEL_MASK_BYTES);
        }
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        done(libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut()))?;
        // Our own descriptors all close on exec; this is for those we were started with. Where the call is
        // missing there were none, as in a container.
        libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC);
    }
    Ok(())
}

fn errno(error: io::Error) -> Errno {
    Errno::from_io_error(&error).unwrap_or(Errno::IO)
}
