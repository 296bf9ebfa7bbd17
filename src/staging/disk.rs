//! Files of the staging area. Blocking, but for what says so.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tokio::task::spawn_blocking;
use uuid::Uuid;

use super::{Finished, NewUpload};

/// Nobody else's business.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// An upload an earlier server has left.
pub(super) struct Found {
    pub(super) upload: NewUpload,
    pub(super) written: u64,
    pub(super) touched: SystemTime,
}

pub(super) fn make_root(root: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(root)
}

/// An answer an earlier server has left, and since when it is there.
type Answered = (Uuid, SystemTime, Finished);

/// What an earlier server has left.
#[derive(Default)]
pub(super) struct Left {
    pub(super) uploads: Vec<(Uuid, Found)>,
    pub(super) answers: Vec<Answered>,
}

/// The uploads and answers that are whole in themselves; everything else is removed.
pub(super) fn read_all(root: &Path) -> io::Result<Left> {
    let mut left = Left::default();
    for entry in fs::read_dir(root)? {
        let path = entry?.path();
        let id = path.file_stem().and_then(|stem| stem.to_str()?.parse::<Uuid>().ok());
        if let Some(one) = id.filter(|id| path == answer(root, *id)).and_then(|id| read_answer(root, id)) {
            left.answers.push(one);
            continue;
        }
        let read = id.filter(|_| path.extension().is_some_and(|kind| kind == "json")).and_then(|id| read(root, id));
        match (id, read) {
            (Some(id), Some(upload)) => left.uploads.push((id, upload)),
            // Judged with its description.
            (Some(id), None) if path == content(root, id) && description(root, id).exists() => {}
            // What cannot be removed now is tried again at the next start.
            _ => drop(fs::remove_file(&path)),
        }
    }
    Ok(left)
}

fn read_answer(root: &Path, id: Uuid) -> Option<Answered> {
    let path = answer(root, id);
    let finished = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
    Some((id, fs::metadata(path).ok()?.modified().ok()?, finished))
}

fn read(root: &Path, id: Uuid) -> Option<Found> {
    let upload: NewUpload = serde_json::from_slice(&fs::read(description(root, id)).ok()?).ok()?;
    let meta = fs::metadata(content(root, id)).ok()?;
    let sound = meta.len() <= upload.size;
    sound.then_some(Found { upload, written: meta.len(), touched: meta.modified().ok()? })
}

/// Begins an upload.
pub(super) fn begin(root: &Path, id: Uuid, upload: &NewUpload) -> io::Result<()> {
    create(&content(root, id))?.sync_all()?;
    write_whole(root, id, &serde_json::to_vec(upload)?, &description(root, id))
}

/// A file that is there as a whole or not at all.
fn write_whole(root: &Path, id: Uuid, text: &[u8], path: &Path) -> io::Result<()> {
    let fresh = root.join(format!("{id}.new"));
    let mut file = create(&fresh)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(fresh, path)?;
    File::open(root)?.sync_all()
}

/// Keeps an answer over a restart; away from the caller's thread.
pub(super) async fn write_answer(root: &Path, id: Uuid, finished: &Finished) -> io::Result<()> {
    let (root, text) = (root.to_owned(), serde_json::to_vec(finished)?);
    spawn_blocking(move || write_whole(&root, id, &text, &answer(&root, id))).await.map_err(io::Error::other)?
}

/// Removes an answer; what is left of it is removed at the next start.
pub(super) fn remove_answer(root: &Path, id: Uuid) {
    fs::remove_file(answer(root, id)).ok();
}

/// The same of several, away from the caller's thread.
pub(super) async fn remove_answers(root: &Path, ids: Vec<Uuid>) {
    if !ids.is_empty() {
        let root = root.to_owned();
        // A panic could only have come from a bug in the standard library.
        spawn_blocking(move || ids.into_iter().for_each(|id| remove_answer(&root, id))).await.ok();
    }
}

/// Writes a chunk where the last ended; answers when it is on the disk. What an earlier attempt has left behind that place goes.
pub(super) fn append(root: &Path, id: Uuid, offset: u64, chunk: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(content(root, id))?;
    file.set_len(offset)?;
    file.seek(SeekFrom::Start(offset))?;
    file.write_all(chunk)?;
    file.sync_data()
}

/// All of it.
pub(super) fn read_content(root: &Path, id: Uuid) -> io::Result<Vec<u8>> {
    fs::read(content(root, id))
}

/// Removes an upload; what is left of it is removed at the next start.
pub(super) fn remove(root: &Path, id: Uuid) {
    // First, so that an upload without content is never found.
    fs::remove_file(description(root, id)).ok();
    fs::remove_file(content(root, id)).ok();
}

/// The same away from the caller's thread.
pub(super) async fn remove_later(root: &Path, id: Uuid) {
    let root = root.to_owned();
    // A panic could only have come from a bug in the standard library.
    spawn_blocking(move || remove(&root, id)).await.ok();
}

/// A new file of ours.
fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).mode(FILE_MODE).open(path)
}

fn content(root: &Path, id: Uuid) -> PathBuf {
    root.join(format!("{id}.upload"))
}

fn answer(root: &Path, id: Uuid) -> PathBuf {
    root.join(format!("{id}.done"))
}

fn description(root: &Path, id: Uuid) -> PathBuf {
    root.join(format!("{id}.json"))
}
