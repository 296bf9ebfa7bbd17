//! A tar archive with one more member at its end, streamed: the engine imports root file system and agent in one go, and neither
//! a second archive nor the first one's bytes are ever held.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use bytes::Bytes;
use futures_util::Stream;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;

use super::AGENT_PATH;

/// A tar archive's unit.
const BLOCK: u64 = 512;

/// Bytes per piece: large enough that handing them over costs nothing.
const CHUNK: u64 = 1 << 20;

/// Pieces read ahead of the engine.
const AHEAD: usize = 4;

/// The archive's bytes with `agent` added, and how many of them have been handed over, of how many.
pub(super) async fn stream(
    archive: &Path,
    agent: Vec<u8>,
) -> io::Result<(impl Stream<Item = io::Result<Bytes>> + Send + 'static, watch::Receiver<(u64, u64)>)> {
    let path = archive.to_owned();
    let (file, end) = spawn_blocking(move || {
        let mut file = File::open(path)?;
        let end = end_of_members(&mut file)?;
        Ok((file, end))
    })
    .await?;
    let tail = tail(&agent)?;
    let total = end + tail.len() as u64;
    let (sender, receiver) = mpsc::channel(AHEAD);
    let (count, counts) = watch::channel((0, total));
    // Ends by itself when the receiver is dropped.
    tokio::task::spawn_blocking(move || {
        if let Err(error) = send(file, end, tail, &sender, |done| _ = count.send_replace((done, total))) {
            // Without it the engine would take a shortened archive for a whole one.
            let _ = sender.blocking_send(Err(error));
        }
    });
    Ok((ReceiverStream::new(receiver), counts))
}

fn send(
    mut file: File,
    end: u64,
    tail: Vec<u8>,
    sender: &mpsc::Sender<io::Result<Bytes>>,
    progress: impl Fn(u64),
) -> io::Result<()> {
    file.seek(SeekFrom::Start(0))?;
    let mut done = 0;
    while done < end {
        let length = CHUNK.min(end - done);
        let mut piece = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        if (&mut file).take(length).read_to_end(&mut piece)? as u64 != length {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the archive got shorter while it was read"));
        }
        if sender.blocking_send(Ok(piece.into())).is_err() {
            return Ok(());
        }
        done += length;
        progress(done);
    }
    let length = tail.len() as u64;
    if sender.blocking_send(Ok(tail.into())).is_ok() {
        progress(done + length);
    }
    Ok(())
}

/// Where the last member ends. Found by walking the headers: looking for zeros from the end would cut a last file of zeros short.
fn end_of_members(file: &mut File) -> io::Result<u64> {
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(0))?;
    let mut end = 0;
    for entry in tar::Archive::new(&mut *file).entries_with_seek()? {
        let entry = entry?;
        end = entry.raw_file_position() + entry.size().next_multiple_of(BLOCK);
    }
    if end == 0 || end > length {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "not a whole tar archive"));
    }
    // What follows must be the end mark; anything else means that we have misjudged the last member.
    let mut next = Vec::new();
    file.seek(SeekFrom::Start(end))?;
    file.take(BLOCK).read_to_end(&mut next)?;
    if next.iter().any(|&byte| byte != 0) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a tar archive of a kind that cannot be added to"));
    }
    Ok(end)
}

/// The agent as a member, and the end mark.
fn tail(agent: &[u8]) -> io::Result<Vec<u8>> {
    let mut header = tar::Header::new_ustar();
    header.set_size(agent.len() as u64);
    header.set_mode(0o755);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    let mut builder = tar::Builder::new(Vec::with_capacity(agent.len() + 4096));
    builder.append_data(&mut header, AGENT_PATH.trim_start_matches('/'), agent)?;
    builder.into_inner()
}

async fn spawn_blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use futures_util::TryStreamExt;
    use proptest::prelude::*;

    use super::*;

    type Member = (String, Vec<u8>);

    fn archive(members: &[Member], padding: usize) -> tempfile::NamedTempFile {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, content) in members {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            builder.append_data(&mut header, name, content.as_slice()).unwrap();
        }
        let mut bytes = builder.into_inner().unwrap();
        bytes.resize(bytes.len() + padding, 0);
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&bytes).unwrap();
        file
    }

    async fn spliced(path: &Path, agent: &[u8]) -> io::Result<(Vec<u8>, (u64, u64))> {
        let (body, counts) = stream(path, agent.to_vec()).await?;
        let bytes = body.try_fold(Vec::new(), |mut all, piece| async move {
            all.extend_from_slice(&piece);
            Ok(all)
        });
        let bytes = bytes.await?;
        let counts = *counts.borrow();
        Ok((bytes, counts))
    }

    fn members(bytes: &[u8]) -> Vec<Member> {
        let mut archive = tar::Archive::new(bytes);
        let read = archive.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            (entry.path().unwrap().to_string_lossy().into_owned(), content)
        });
        read.collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn every_member_survives_and_the_agent_comes_last(
            // Long names make extension headers; contents of zeros look like an end mark.
            names in proptest::collection::vec("[a-z]{1,160}", 1..6),
            sizes in proptest::collection::vec((0usize..3000, any::<bool>()), 6),
            padding in 0usize..20,
            agent in proptest::collection::vec(any::<u8>(), 0..2000),
        ) {
            let content = |(size, zeros): (usize, bool)| vec![if zeros { 0 } else { 7 }; size];
            let mut expected: Vec<Member> =
                names.into_iter().zip(sizes).map(|(name, size)| (name, content(size))).collect();
            let file = archive(&expected, padding * 512);
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let (bytes, counts) = runtime.block_on(spliced(file.path(), &agent)).unwrap();
            expected.push(("usr/local/bin/carrel-agent".into(), agent));
            prop_assert_eq!(members(&bytes), expected);
            prop_assert_eq!(counts, (bytes.len() as u64, bytes.len() as u64));
        }
    }

    #[tokio::test]
    async fn what_is_no_whole_archive_is_refused() {
        let whole = archive(&[("a".into(), vec![1; 2000])], 0);
        let bytes = std::fs::read(whole.path()).unwrap();
        for (name, content) in
            [("empty", &b""[..]), ("text", &b"not a tar archive".repeat(100)[..]), ("cut", &bytes[..1024])]
        {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(content).unwrap();
            assert!(spliced(file.path(), b"agent").await.is_err(), "{name}");
        }
    }
}
