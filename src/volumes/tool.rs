//! Programs that make and mount file systems: run with a deadline, with nothing of our environment.

use std::ffi::OsStr;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::VolumeError;

/// How long one may take; measured at 12 ms each, on a machine that may be very busy.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where they are, whatever our own PATH says.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Bytes of an error message that are kept.
const LAST_WORDS_BYTES: usize = 400;

pub(super) async fn run<A: AsRef<OsStr>>(
    program: &'static str,
    arguments: impl IntoIterator<Item = A>,
) -> Result<(), VolumeError> {
    let failed = |why| VolumeError::Tool { program, why };
    let mut command = Command::new(program);
    command.args(arguments).env_clear().env("PATH", PATH).env("LC_ALL", "C").current_dir("/");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let output = match tokio::time::timeout(PATIENCE, command.output()).await {
        Ok(Ok(output)) => output,
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(failed("it is not installed (Debian: apt-get install e2fsprogs mount)".into()));
        }
        Ok(Err(error)) => return Err(failed(error.to_string())),
        Err(_) => return Err(VolumeError::Stuck { program, patience: PATIENCE }),
    };
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().replace('\n', " | ");
    let said: String = said.chars().take(LAST_WORDS_BYTES).collect();
    Err(failed(if said.is_empty() { output.status.to_string() } else { said }))
}
