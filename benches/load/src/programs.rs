//! What runs in a driven terminal. None of them prints [`KEY`], so that a key's echo is told from their output.

/// Types a key that no program prints, and takes it back, so that the terminal's line stays empty: a line has an end.
pub const KEY: &[u8] = b"#\x15";

/// The echo of [`KEY`] begins with it.
pub const ECHO: u8 = b'#';

/// Lets a program begin.
pub const GO: &[u8] = b"\r";

/// Bytes of a line on the wire, CR LF included.
const LINE_BYTES: u64 = 80;

/// Waits for Enter, then prints at a steady pace, counted from its start so that it holds over hours: what it could not print in time it
/// prints later. Ten times a second, as a program that is watched does. Needs nothing but Python.
const STEADY: &str = "import os, sys, time
rate, line = float(sys.argv[1]), b'a' * 78 + b'\\n'
os.write(1, b'r')
os.read(0, 1)
done, start = 0, time.monotonic()
while True:
    due = int((time.monotonic() - start) * rate)
    while done < due:
        n = min(due - done, 800)
        left = line * n
        while left:
            left = left[os.write(1, left):]
        done += n
    time.sleep(0.1)
";

/// What a driven terminal's program does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// Says nothing.
    Silent,
    /// Prints so many bytes a second.
    Steady(u64),
    /// Prints as fast as it is read.
    Flood,
}

impl Program {
    /// As `POST terminals` wants it. Every program prints one `r` when it is there and waits for [`GO`].
    #[must_use]
    pub fn command(self) -> Vec<String> {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        match self {
            Self::Silent => words(&["/bin/sh", "-c", "printf r; exec cat >/dev/null"]),
            Self::Steady(rate) => {
                let lines = rate as f64 / LINE_BYTES as f64;
                words(&["python3", "-I", "-S", "-c", STEADY, &lines.to_string()])
            }
            Self::Flood => {
                let line = "a".repeat(LINE_BYTES as usize - 2);
                words(&["/bin/sh", "-c", &format!("printf r; read -r _; exec yes {line}")])
            }
        }
    }
}
