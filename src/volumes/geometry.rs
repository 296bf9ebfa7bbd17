//! How large a file system has to be for what is to fit into it.

/// Bytes of a block, and of an inode. An inode of 128 bytes would have times in whole seconds, by which no torn file shows.
pub(super) const BLOCK_BYTES: u64 = 4096;
pub(super) const INODE_BYTES: u64 = 256;

const BLOCKS_PER_MIB: u64 = (1 << 20) / BLOCK_BYTES;
const INODES_PER_BLOCK: u64 = BLOCK_BYTES / INODE_BYTES;

/// Blocks one bitmap of one block describes: a group.
const BLOCKS_PER_GROUP: u64 = BLOCK_BYTES * 8;

/// Inodes the file system keeps for itself, `lost+found` among them, and blocks of the first folders.
const RESERVED_INODES: u64 = 16;
const RESERVED_BLOCKS: u64 = 16;

/// Most blocks the kernel keeps back, of the fiftieth part it does.
const MOST_KEPT_BACK: u64 = 4096;

/// What a volume has room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Content of files in MiB, at the least. Folders beyond their first block, and what says where a file's blocks are, have room besides.
    pub disk_mb: u64,
    /// Files and folders.
    pub inodes: u64,
}

impl Geometry {
    /// What is asked of `mkfs`.
    pub(super) fn inodes_made(self) -> u64 {
        self.inodes + RESERVED_INODES
    }

    /// Bytes of the whole file system.
    pub(super) fn bytes(self) -> u64 {
        let content = self.disk_mb * BLOCKS_PER_MIB;
        // A thirty-second part and a MiB: entries of 180 bytes for each of 50,000 files in 256 MiB.
        let content = content + content / 32 + BLOCKS_PER_MIB;
        let inodes = self.inodes_made().div_ceil(INODES_PER_BLOCK);
        let groups = (content + inodes).div_ceil(BLOCKS_PER_GROUP) + 1;
        // Per group two bitmaps, perhaps copies of the superblock and of the groups' table, and a table of inodes that ends in the middle
        // of a block.
        let blocks = content + inodes + groups * 5 + RESERVED_BLOCKS;
        (blocks + (blocks / 49).min(MOST_KEPT_BACK)) * BLOCK_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_is_larger_than_what_is_to_fit_and_not_by_much() {
        for (disk_mb, inodes) in [(4, 64), (16, 1024), (256, 65_536), (4096, 1_000_000)] {
            let geometry = Geometry { disk_mb, inodes };
            let (content, tables) = (disk_mb << 20, inodes * INODE_BYTES);
            let over = geometry.bytes() - content - tables;
            assert!(over > content / 32 && over < content / 16 + (3 << 20), "{geometry:?}: {over} bytes over");
        }
    }
}
