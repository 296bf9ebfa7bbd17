//! Uploads that come in chunks, over restarts and mistakes.

use bytes::Bytes;

use super::*;
use crate::model::WorkspacePath;

const BOUNDS: StagingBounds = StagingBounds { bytes: 4000, uploads: 3 };

fn new(session: SessionId, user: UserId, size: u64) -> NewUpload {
    let path = WorkspacePath::new("a/b").expect("a path");
    NewUpload { session, user, path, size, executable: Some(true), replace: false }
}

#[tokio::test]
async fn an_upload_goes_on_after_a_restart_where_it_was() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let root = dir.path().join("staging");
    let (session, user) = (SessionId::new(), UserId::new());
    let staging = Staging::open(&root, BOUNDS).expect("made");
    let begun = staging.begin(new(session, user, 6)).await.expect("room");
    let mut held = staging.hold(begun.id, session, user).expect("there");
    assert!(matches!(staging.upload(begun.id, session, user), Err(StagingError::Busy)));
    assert_eq!(held.append(0, Bytes::from_static(b"abc")).await.expect("written"), 3);
    assert!(matches!(held.append(0, Bytes::from_static(b"abc")).await, Err(StagingError::WrongOffset(3))));
    assert!(matches!(held.append(3, Bytes::from_static(b"defg")).await, Err(StagingError::TooLong)));
    drop((held, staging));
    std::fs::write(root.join(format!("{}.new", Uuid::new_v4())), "x").expect("written");
    std::fs::write(root.join(format!("{}.upload", Uuid::new_v4())), "x").expect("written");
    std::fs::write(root.join(format!("{}.json", Uuid::new_v4())), "x").expect("written");

    let staging = Staging::open(&root, BOUNDS).expect("found");
    assert_eq!(std::fs::read_dir(&root).expect("a folder").count(), 2, "what belongs to nothing has gone");
    let found = staging.upload(begun.id, session, user).expect("there");
    assert_eq!((found.offset, &found.new), (3, &begun.new));
    for (session, user) in [(SessionId::new(), user), (session, UserId::new())] {
        assert!(matches!(staging.hold(begun.id, session, user), Err(StagingError::NotFound)));
    }
    let mut held = staging.hold(begun.id, session, user).expect("there");
    assert!(!held.is_whole());
    held.append(3, Bytes::from_static(b"def")).await.expect("written");
    assert!(held.is_whole() && held.content().await.expect("read") == "abcdef");
    held.finish(serde_json::json!({ "said": 1 })).await;
    assert!(matches!(staging.hold(begun.id, session, user), Err(StagingError::NotFound)));
    drop(staging);

    let staging = Staging::open(&root, BOUNDS).expect("found");
    assert_eq!(staging.finished(begun.id, session, user).expect("kept").answer, serde_json::json!({ "said": 1 }));
    assert!(matches!(staging.finished(begun.id, session, UserId::new()), Err(StagingError::NotFound)));
    let answer = root.join(format!("{}.done", begun.id));
    let file = std::fs::File::options().write(true).open(&answer).expect("kept");
    file.set_modified(SystemTime::now() - ANSWERS_KEPT).expect("aged");
    let staging = Staging::open(&root, BOUNDS).expect("found");
    assert!(matches!(staging.finished(begun.id, session, user), Err(StagingError::NotFound)));
    assert_eq!(std::fs::read_dir(&root).expect("a folder").count(), 0);
}

#[tokio::test]
async fn what_nobody_touches_for_a_day_goes_and_gives_its_room_back() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let (session, user) = (SessionId::new(), UserId::new());
    let staging = Staging::open(dir.path(), BOUNDS).expect("made");
    let old = staging.begin(new(session, user, 900)).await.expect("room");
    let young = staging.begin(new(session, user, 100)).await.expect("room");
    assert!(matches!(staging.begin(new(session, user, 1)).await, Err(StagingError::TooManyBytes)));
    let staged = staging.find(old.id, session, user).expect("there");
    *lock(&staged.touched) -= KEPT;
    drop(staged);
    assert_eq!(staging.sweep().await, 1);
    assert!(staging.upload(young.id, session, user).is_ok());
    assert!(matches!(staging.upload(old.id, session, user), Err(StagingError::NotFound)));
    staging.begin(new(session, user, 900)).await.expect("room");
}

#[tokio::test]
async fn an_archive_is_gone_with_its_request() {
    use std::io::Read;
    let dir = tempfile::tempdir().expect("temporary folder");
    let staging = Staging::open(dir.path(), BOUNDS).expect("made");
    let mut import = staging.import(UserId::new()).await.expect("room");
    import.append(Bytes::from_static(b"abc")).await.expect("room");
    import.append(Bytes::from_static(b"def")).await.expect("room");
    let mut text = String::new();
    import.reader().expect("a file").read_to_string(&mut text).expect("read");
    assert_eq!(text, "abcdef");
    assert!(matches!(import.append(vec![0; 1000].into()).await, Err(StagingError::TooManyBytes)));
    assert_eq!(std::fs::read_dir(dir.path()).expect("a folder").count(), 0, "nothing is left however the server ends");
}
