//! The disk of the database is full.

use std::ffi::CStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

use crate::support::client::eventually;
use crate::support::postgres;
use crate::support::process::Server;
use crate::support::terminal::PATIENCE;

/// A disk of its own, gone when dropped.
struct Disk(PathBuf);

impl Disk {
    fn at(path: &Path, size: &CStr) -> Self {
        std::fs::create_dir_all(path).unwrap();
        mount("carrel-it", path, "tmpfs", MountFlags::empty(), size).expect("root may mount");
        Self(path.to_owned())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        unmount(&self.0, UnmountFlags::DETACH).ok();
    }
}

#[tokio::test]
async fn a_full_database_says_so_keeps_what_it_has_and_goes_on_once_there_is_room() {
    const NAME: &str = "full-disk";
    let disk = Disk::at(&postgres::place().data.join(NAME), c"size=400m,mode=0755");
    let (cluster, url) = postgres::start(NAME).await.unwrap();
    let server = Server::start_with(&[("CARREL_DATABASE__URL", &url)]).await;
    let session = server.user().await.ready_session().await;
    let mut noise = vec![0; 4 << 20];
    blake3::Hasher::new().finalize_xof().fill(&mut noise);
    session.save("small.txt", "before").await;
    session.save("large.bin", noise.clone()).await;

    // All but what the database may need for itself.
    let filler = disk.0.join("filler");
    let free = nix::sys::statvfs::statvfs(&disk.0).unwrap();
    let length = free.blocks_available() * free.fragment_size() - (2 << 20);
    std::fs::write(&filler, vec![1; usize::try_from(length).unwrap()]).unwrap();
    noise[0] ^= 1;
    noise.reverse();
    let refused = session.put("large.bin", noise.clone(), &[]).await;
    let text = refused.text().await.unwrap();
    assert!(text.contains("\"unavailable\"") && text.contains("disk is full"), "{text}");
    let was = async || {
        let read = session.client.request(reqwest::Method::GET, &session.file("small.txt")).send().await.ok()?;
        (read.status() == 200 && read.text().await.ok()? == "before").then_some(())
    };
    eventually(PATIENCE, "what there was can be read", was).await;

    std::fs::remove_file(&filler).unwrap();
    let saved = async || session.put("large.bin", noise.clone(), &[]).await.status().is_success().then_some(());
    eventually(Duration::from_secs(60), "saves go on", saved).await;
    assert!(session.read("large.bin").await.unwrap() == noise);
    assert_eq!(session.read("small.txt").await.unwrap(), b"before");
    assert_eq!(session.in_sandbox("small.txt").await, b"before");
    drop(server);
    cluster.stop().await.unwrap();
}
