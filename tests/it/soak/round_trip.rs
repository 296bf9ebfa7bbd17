//! Trees that people really have: into the workspace in a terminal, away with the sandbox, and back in another, the same to the last byte.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::size;
use crate::support::client::Session;
use crate::support::process::Server;

/// One line for each thing there is: its type, mode, path, target, and what a file holds.
const MANIFEST: &str = "cd /workspace && { find . -mindepth 1 ! -path './.carrel-tmp-*' -printf '%y %m %p %l\\n'; \
                        find . -type f ! -path './.carrel-tmp-*' -print0 | xargs -0 -r sha256sum; } | LC_ALL=C sort > /tmp/manifest";

async fn run(session: &Session, line: &str) -> String {
    let mut terminal = session.program(&["bash", "-c", line]).await;
    let exit = terminal.exit().await;
    assert_eq!(exit["code"], 0, "{line}: {}", terminal.text());
    terminal.text()
}

async fn manifest(session: &Session) -> String {
    run(session, MANIFEST).await;
    String::from_utf8(session.in_sandbox("/tmp/manifest").await).unwrap()
}

/// The first few differences, for whoever wonders.
fn assert_same(before: &str, after: &str) {
    let (had, has): (Vec<_>, Vec<_>) = (before.lines().collect(), after.lines().collect());
    let lost: Vec<_> = had.iter().filter(|line| has.binary_search(line).is_err()).take(5).collect();
    let new: Vec<_> = has.iter().filter(|line| had.binary_search(line).is_err()).take(5).collect();
    assert!(before == after, "{} lines before, {} after; lost {lost:#?}, new {new:#?}", had.len(), has.len());
}

/// Everything is kept here, whatever tools made it.
async fn session() -> (Server, Session) {
    let server = Server::start_with(&[("CARREL_WORKSPACE__IGNORE", "")]).await;
    let session = server.user().await.ready_session().await;
    (server, session)
}

/// Brings a workspace into another sandbox and back; the things in it.
async fn goes_and_comes_back(session: &Session) -> usize {
    let before = manifest(session).await;
    session.stop().await;
    session.start().await;
    assert_same(&before, &manifest(session).await);
    before.lines().count()
}

#[tokio::test]
async fn pythons_own_library_comes_back_in_another_sandbox_as_it_was() {
    let (_server, session) = session().await;
    // Links into /etc would not be kept; their contents are.
    let what = size("json email asyncio unittest encodings", ".");
    let copy = format!(
        "mkdir lib && cd /usr/lib/python3.11 && cp -rL --no-preserve=ownership {what} /workspace/lib && chmod -R u+w /workspace/lib"
    );
    run(&session, &copy).await;
    let lines = goes_and_comes_back(&session).await;
    assert!(lines > size(300, 1500), "{lines}");
    eprintln!("{lines} lines of Python's library");
}

/// A source distribution as PyPI has it; `None` where the index cannot be reached, or pip cannot make out what it has fetched: for that it
/// fetches what the package is built with, and numpy's wants a C compiler.
fn fetched(package: &str, into: &Path) -> Option<Vec<u8>> {
    let name = package.split('=').next()?;
    let fetching = Command::new("python3")
        .args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"])
        .args(["--no-binary", name, "--timeout", "20", "--retries", "1", "--dest"])
        .arg(into)
        .arg(package)
        .status();
    let archive = std::fs::read_dir(into).ok()?.flatten().map(|entry| entry.path());
    let archive = archive.into_iter().find(|path| path.to_string_lossy().ends_with(".tar.gz"));
    if archive.is_none() {
        eprintln!("{package} cannot be fetched ({fetching:?}); left out");
    }
    std::fs::read(archive?).ok()
}

#[tokio::test]
async fn source_distributions_come_back_in_another_sandbox_as_they_were() {
    // Half a minute and the network each: for the soak alone.
    for package in size(&[][..], &["django==4.2.16", "numpy==1.26.4"][..]) {
        let directory = tempfile::tempdir().unwrap();
        let (name, into) = ((*package).to_owned(), directory.path().to_owned());
        let Some(archive) = tokio::task::spawn_blocking(move || fetched(&name, &into)).await.unwrap() else { continue };
        let (_server, session) = session().await;
        session.save("sdist.tar.gz", archive).await;
        run(
            &session,
            "umask 022; tar --no-same-permissions -xzf sdist.tar.gz && chmod -R u+rwX,go-w . && find . -type l -delete",
        )
        .await;
        let lines = tokio::time::timeout(Duration::from_secs(300), goes_and_comes_back(&session)).await.unwrap();
        assert!(lines > 1500, "{package}: {lines}");
        eprintln!("{lines} lines of {package}");
    }
}
