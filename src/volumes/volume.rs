//! One volume: made, mounted again, looked at, removed.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::statvfs::statvfs;
use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags, mount_remount, unmount};

use super::geometry::{BLOCK_BYTES, INODE_BYTES};
use super::{Geometry, VolumeError, tool};

/// The user of every process in a sandbox.
const USER: u32 = 1000;

/// How it is mounted. `nobarrier`: see the promise in [`super`]. `noinit_itable`: a fresh sparse file reads as zeros; writing them would only
/// take the disk.
const OPTIONS: &str = "loop,nosuid,nodev,noatime,nobarrier,noinit_itable,errors=remount-ro";

/// Those of [`OPTIONS`] that a mount would lose when it is mounted again without them.
const FLAGS: MountFlags = MountFlags::NOSUID.union(MountFlags::NODEV).union(MountFlags::NOATIME);

/// Features a file system for one container's life can do without.
const FEATURES: &str = "^has_journal,^resize_inode";

/// How long its last user may take to let go of it: a container that has just ended is still being taken apart by the kernel.
const BUSY_PATIENCE: Duration = Duration::from_secs(5);
const BUSY_PAUSE: Duration = Duration::from_millis(20);

/// Left free beside a volume that has become full, in MiB: a database on the same disk needs room to say no.
const SPARE_MB: u64 = 256;

/// Where an ext4 superblock begins to say what it is and how it was left: a magic number and a state, of two bytes each.
const SUPERBLOCK_STATE: u64 = 1024 + 0x38;
const MAGIC: u16 = 0xEF53;

/// The state of one that was unmounted, and in which no error was ever found.
const CLEAN: u16 = 1;

/// A sandbox's volume, or the place for one.
#[derive(Clone, Debug)]
pub struct Volume {
    dir: PathBuf,
}

impl Volume {
    pub(super) fn at(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// The folder that becomes `/workspace`.
    #[must_use]
    pub fn workspace(&self) -> PathBuf {
        self.mount_point().join("workspace")
    }

    /// Makes a fresh one and mounts it. Whatever was made before an error stays for [`Volume::remove`].
    ///
    /// # Errors
    /// [`VolumeError`].
    pub async fn create(&self, geometry: Geometry) -> Result<(), VolumeError> {
        let (this, image) = (self.clone(), self.image());
        blocking(move || this.lay_out(geometry)).await?;
        let [inode, block, inodes, group] =
            [INODE_BYTES, BLOCK_BYTES, geometry.inodes_made(), geometry.blocks_per_group()]
                .map(|number| number.to_string());
        let fixed = ["-q", "-F", "-m", "0", "-E", "lazy_itable_init=1,nodiscard,root_owner=0:0", "-O", FEATURES];
        let sizes = ["-b", &block, "-I", &inode, "-N", &inodes, "-g", &group];
        let arguments = fixed.iter().chain(&sizes).map(AsRef::as_ref).chain([image.as_os_str()]);
        tool::run("mkfs.ext4", arguments).await?;
        self.mount().await?;
        let workspace = self.workspace();
        blocking(move || {
            let make = || {
                fs::create_dir(&workspace)?;
                fs::set_permissions(&workspace, fs::Permissions::from_mode(0o755))?;
                chown(&workspace, Some(USER), Some(USER))
            };
            make().map_err(VolumeError::file("make", &workspace))
        })
        .await
    }

    fn lay_out(&self, geometry: Geometry) -> Result<(), VolumeError> {
        let (image, mount_point) = (self.image(), self.mount_point());
        let make = fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.dir);
        make.and_then(|()| fs::create_dir_all(&mount_point)).map_err(VolumeError::file("make", &mount_point))?;
        self.check_room(geometry)?;
        let sized = File::options().create(true).truncate(true).write(true).open(&image);
        sized.and_then(|file| file.set_len(geometry.bytes())).map_err(VolumeError::file("make", &image))
    }

    /// A volume that finds no room on the disk below it would lose what was written to it, and nobody would be told.
    fn check_room(&self, geometry: Geometry) -> Result<(), VolumeError> {
        let stat = statvfs(&self.dir).map_err(|errno| VolumeError::file("look at", &self.dir)(errno.into()))?;
        let free_mb = stat.blocks_available().saturating_mul(stat.fragment_size()) >> 20;
        let needed_mb = (geometry.bytes() >> 20) + SPARE_MB;
        if free_mb < needed_mb {
            return Err(VolumeError::NoRoom { path: self.dir.clone(), free_mb, needed_mb });
        }
        Ok(())
    }

    /// Sees to it that it is mounted and can be written to, with what its last container left in it.
    ///
    /// # Errors
    /// [`VolumeError::Lost`]: it is gone, or was cut off when the machine failed.
    pub async fn reopen(&self) -> Result<(), VolumeError> {
        let this = self.clone();
        let is_mounted = move || match this.is_mounted()? {
            true => this.remount(MountFlags::empty()).map(|()| true),
            false => Ok(false),
        };
        if blocking(is_mounted).await? {
            return Ok(());
        }
        let image = self.image();
        blocking(move || match is_clean(&image) {
            Ok(true) => Ok(()),
            Ok(false) => Err(VolumeError::Lost("the machine failed before it was written to the disk")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(VolumeError::Lost("its file is gone")),
            Err(error) => Err(VolumeError::file("read", &image)(error)),
        })
        .await?;
        self.mount().await
    }

    async fn mount(&self) -> Result<(), VolumeError> {
        let (image, mount_point) = (self.image(), self.mount_point());
        let arguments = ["-n", "-t", "ext4", "-o", OPTIONS].map(AsRef::as_ref);
        tool::run("mount", arguments.into_iter().chain([image.as_os_str(), mount_point.as_os_str()])).await
    }

    /// Whether a process sees this very volume as its workspace.
    #[must_use]
    pub fn is_seen_by(&self, pid: u32) -> bool {
        let identity = |path: &Path| fs::metadata(path).map(|meta| (meta.dev(), meta.ino()));
        let theirs = PathBuf::from(format!("/proc/{pid}/root{}", carrel_protocol::WORKSPACE_DIR));
        matches!((identity(&theirs), identity(&self.workspace())), (Ok(theirs), Ok(ours)) if theirs == ours)
    }

    /// Whether there is anything of it.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.dir.exists()
    }

    /// Notes that the whole workspace is in it.
    ///
    /// # Errors
    /// Of the file system.
    pub fn mark_filled(&self) -> Result<(), VolumeError> {
        let path = self.dir.join("filled");
        fs::write(&path, b"").map_err(VolumeError::file("write", &path))
    }

    /// Whether [`Volume::mark_filled`] was ever called.
    #[must_use]
    pub fn is_filled(&self) -> bool {
        self.dir.join("filled").exists()
    }

    /// Writes all of it to the disk and lets nobody write to it before [`Volume::reopen`]: it is whole even after the machine has failed. It
    /// stays mounted, since another mount namespace may hold on to it, and its file would be no one's to trust. Absent is fine.
    ///
    /// # Errors
    /// [`VolumeError::InUse`] when something of it is still being written to; calling it again is right.
    pub async fn lay_down(&self) -> Result<(), VolumeError> {
        let began = Instant::now();
        loop {
            let this = self.clone();
            match blocking(move || this.try_lay_down()).await {
                Err(VolumeError::InUse(_)) if began.elapsed() < BUSY_PATIENCE => tokio::time::sleep(BUSY_PAUSE).await,
                laid_down => return laid_down,
            }
        }
    }

    fn try_lay_down(&self) -> Result<(), VolumeError> {
        if !self.is_mounted()? {
            return Ok(());
        }
        self.remount(MountFlags::RDONLY)?;
        // What the file system has written is in the kernel's memory of its file so far.
        let image = self.image();
        File::open(&image).and_then(|file| file.sync_all()).map_err(VolumeError::file("write", &image))
    }

    /// Mounted as it is, with other `flags`.
    fn remount(&self, flags: MountFlags) -> Result<(), VolumeError> {
        let mount_point = self.mount_point();
        match mount_remount(&mount_point, FLAGS | flags, c"") {
            Ok(()) => Ok(()),
            Err(Errno::BUSY) => Err(VolumeError::InUse(mount_point)),
            Err(error) => Err(VolumeError::file("remount", &mount_point)(error.into())),
        }
    }

    /// Unmounts it and removes everything; absent is fine.
    ///
    /// # Errors
    /// [`VolumeError`]; calling it again is right.
    pub async fn remove(&self) -> Result<(), VolumeError> {
        self.unmount().await?;
        let this = self.clone();
        blocking(move || match fs::remove_dir_all(&this.dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(VolumeError::file("remove", &this.dir)(error)),
            _ => Ok(()),
        })
        .await
    }

    /// The loop device goes with the last mount of it.
    async fn unmount(&self) -> Result<(), VolumeError> {
        let began = Instant::now();
        loop {
            let (this, detach) = (self.clone(), began.elapsed() >= BUSY_PATIENCE);
            if blocking(move || this.try_unmount(detach)).await? {
                return Ok(());
            }
            tokio::time::sleep(BUSY_PAUSE).await;
        }
    }

    /// Whether nothing is mounted here any more. `detach`: though somebody still uses it; it goes when that ends.
    fn try_unmount(&self, detach: bool) -> Result<bool, VolumeError> {
        let mount_point = self.mount_point();
        let flags = if detach { UnmountFlags::NOFOLLOW | UnmountFlags::DETACH } else { UnmountFlags::NOFOLLOW };
        while self.is_mounted()? {
            match unmount(&mount_point, flags) {
                Ok(()) if detach => tracing::warn!(path = %mount_point.display(), "a volume was still in use"),
                Ok(()) => {}
                Err(Errno::BUSY) => return Ok(false),
                Err(error) => return Err(VolumeError::file("unmount", &mount_point)(error.into())),
            }
        }
        Ok(true)
    }

    fn is_mounted(&self) -> Result<bool, VolumeError> {
        let device = |path: &Path| match fs::symlink_metadata(path) {
            Ok(meta) => Ok(Some(meta.dev())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(VolumeError::file("look at", path)(error)),
        };
        let mounted = device(&self.mount_point())?;
        Ok(mounted.is_some() && mounted != device(&self.dir)?)
    }

    fn image(&self) -> PathBuf {
        self.dir.join("image")
    }

    fn mount_point(&self) -> PathBuf {
        self.dir.join("mnt")
    }
}

/// Whether a file system that is not mounted was unmounted in order.
fn is_clean(image: &Path) -> io::Result<bool> {
    let mut bytes = [0; 4];
    File::open(image)?.read_exact_at(&mut bytes, SUPERBLOCK_STATE)?;
    let [a, b, c, d] = bytes;
    Ok(u16::from_le_bytes([a, b]) == MAGIC && u16::from_le_bytes([c, d]) == CLEAN)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, VolumeError> + Send + 'static,
) -> Result<T, VolumeError> {
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(VolumeError::Stopping))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_counts_as_clean_only_if_it_says_so() {
        let dir = tempfile::tempdir().expect("a folder");
        let image = dir.path().join("image");
        for (state, clean) in [([0x53, 0xEF, 1, 0], true), ([0x53, 0xEF, 0, 0], false), ([0x53, 0xEF, 3, 0], false)] {
            let mut bytes = vec![0; 2048];
            bytes[1024 + 0x38..][..4].copy_from_slice(&state);
            fs::write(&image, bytes).expect("written");
            assert_eq!(is_clean(&image).expect("readable"), clean, "{state:?}");
        }
        fs::write(&image, vec![0; 2048]).expect("written");
        assert!(!is_clean(&image).expect("readable"), "no file system at all");
        fs::write(&image, b"short").expect("written");
        assert!(is_clean(&image).is_err());
    }
}
