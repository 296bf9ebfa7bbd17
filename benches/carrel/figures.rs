//! The table in which everything ends.

use std::fmt::Display;
use std::time::Duration;

/// One over the other.
pub fn ratio(ours: Duration, floor: Duration) -> f64 {
    ours.as_secs_f64() / floor.as_secs_f64().max(f64::MIN_POSITIVE)
}

/// What was measured.
#[derive(Debug, Default)]
pub struct Report(Vec<[String; 6]>);

impl Report {
    /// A line with a target.
    pub fn judge(
        &mut self,
        what: &str,
        ours: impl Display,
        floor: impl Display,
        ratio: impl Display,
        target: &str,
        met: bool,
    ) {
        let verdict = if met { "met" } else { "MISSED" };
        self.push([what.into(), ours.to_string(), floor.to_string(), ratio.to_string(), target.into(), verdict.into()]);
    }

    /// A line that only informs.
    pub fn note(&mut self, what: &str, ours: impl Display, floor: impl Display) {
        self.push([what.into(), ours.to_string(), floor.to_string(), String::new(), String::new(), String::new()]);
    }

    fn push(&mut self, line: [String; 6]) {
        // Also at once: the table comes minutes later, and not at all after an error.
        eprintln!("  {}", line.join(" | "));
        self.0.push(line);
    }

    /// The table, as Markdown.
    pub fn print(&self) {
        let head = ["", "Carrel", "floor", "ratio", "target", ""].map(str::to_owned);
        let lines: Vec<&[String; 6]> = std::iter::once(&head).chain(&self.0).collect();
        let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
        let widths: [usize; 6] = std::array::from_fn(width);
        println!();
        for (number, line) in lines.iter().enumerate() {
            let cells: Vec<String> = line.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            println!("| {} |", cells.join(" | "));
            if number == 0 {
                println!("|{}|", widths.map(|width| "-".repeat(width + 2)).join("|"));
            }
        }
    }
}

/// On what, of what and when: figures without these mean nothing.
pub fn print_machine() {
    let run = |program: &str, arguments: &[&str]| {
        let output = std::process::Command::new(program).args(arguments).output();
        output.ok().and_then(|output| String::from_utf8(output.stdout).ok()).unwrap_or_default().trim().to_owned()
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu =
        cpu.lines().find_map(|line| line.strip_prefix("model name\t: ")).unwrap_or("unknown processor").to_owned();
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').take(3).collect::<Vec<_>>().join(" ");
    let changed =
        if run("git", &["status", "--porcelain", "--untracked-files=no"]).is_empty() { "" } else { " and changes" };
    println!("machine: {cores} cores ({cpu}), Linux {}", run("uname", &["-r"]));
    println!(
        "commit: {}{changed}; {}; load before the run: {load}",
        run("git", &["rev-parse", "--short", "HEAD"]),
        run("date", &["-uIminutes"])
    );
}
