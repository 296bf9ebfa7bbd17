//! How large a file system has to be for what is to fit into it.

/// Bytes of a block, and of an inode. An inode of 128 bytes would have times in whole seconds, by which no torn file shows.
pub(super) const BLOCK_BYTES: u64 = 4096;
pub(super) const INODE_BYTES: u64 = 256;

const BLOCKS_PER_MIB: u64 = (1 << 20) / BLOCK_BYTES;
const INODES_PER_BLOCK: u64 = BLOCK_BYTES / INODE_BYTES;

/// Blocks of the inodes of a group, where there is a choice. Without a journal the kernel prefers not to use an inode again within minutes of
/// its file's removal, and looks at all such of the group for each new file: in groups as large as `mkfs` makes them, putting back the 6,600
/// files that were just removed took 5 s, and after that 13 s; in these 0.4 s. A choice, since in every group whole blocks are made: of these
/// one makes the fewest that nobody has asked for.
const INODE_BLOCKS_PER_GROUP: std::ops::RangeInclusive<u64> = 64..=80;

/// Blocks of a group: at most as many as one bitmap of one block describes, and as many as make its tables small beside it. Beyond an eighth
/// of content in all, the tables would leave a small group none.
const BLOCKS_PER_GROUP: std::ops::RangeInclusive<u64> = 1024..=BLOCK_BYTES * 8;
const LEAST_CONTENT: u64 = 8;

/// Bytes of what describes a group. Copies of all that, each behind a copy of the superblock, are in fewer groups than this.
const DESCRIPTOR_BYTES: u64 = 64;
const COPIES: u64 = 16;

/// A last group with fewer blocks than these beside its tables is left out.
const LEAST_LAST_BLOCKS: u64 = 50;

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

    /// Blocks of content, at the least, and of inodes.
    fn blocks(self) -> (u64, u64) {
        let content = self.disk_mb * BLOCKS_PER_MIB;
        // A thirty-second part and a MiB: entries of 180 bytes for each of 50,000 files in 256 MiB.
        let content = content + content / 32 + BLOCKS_PER_MIB;
        (content, self.inodes_made().div_ceil(INODES_PER_BLOCK))
    }

    /// Blocks of a group, as is asked of `mkfs`.
    pub(super) fn blocks_per_group(self) -> u64 {
        let (content, inodes) = self.blocks();
        let (least, most) = BLOCKS_PER_GROUP.into_inner();
        if content * LEAST_CONTENT < content + inodes {
            return most;
        }
        let groups = self.groups_wanted();
        // A whole byte of the bitmap.
        self.blocks_in(groups).div_ceil(groups).next_multiple_of(8).clamp(least, most)
    }

    /// Bytes of the whole file system.
    pub(super) fn bytes(self) -> u64 {
        let (content, inodes) = self.blocks();
        let (least, most) = BLOCKS_PER_GROUP.into_inner();
        let per_group = self.blocks_per_group();
        let groups = if least < per_group && per_group < most {
            self.groups_wanted()
        } else {
            (content + inodes).div_ceil(per_group) + 1
        };
        self.blocks_in(groups) * BLOCK_BYTES
    }

    /// Groups with the fewest inodes beyond those that are asked for.
    fn groups_wanted(self) -> u64 {
        let groups = |blocks: u64| self.inodes_made().div_ceil(blocks * INODES_PER_BLOCK);
        let fewest = INODE_BLOCKS_PER_GROUP.min_by_key(|blocks| groups(*blocks) * blocks);
        groups(fewest.unwrap_or(*INODE_BLOCKS_PER_GROUP.start()))
    }

    /// Blocks of the whole file system if it has so many groups.
    fn blocks_in(self, groups: u64) -> u64 {
        let (content, inodes) = self.blocks();
        // Per group two bitmaps, and a table of inodes that ends in the middle of a block.
        let described = (groups * DESCRIPTOR_BYTES).div_ceil(BLOCK_BYTES) + 1;
        let tables = groups * 3 + described * COPIES.min(groups);
        let last = inodes.div_ceil(groups) + LEAST_LAST_BLOCKS;
        let blocks = content + inodes + tables + last + RESERVED_BLOCKS;
        blocks + (blocks / 49).min(MOST_KEPT_BACK)
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

    #[test]
    fn a_group_has_few_inodes_and_room_beside_them_and_not_many_are_made_that_nobody_asked_for() {
        for (disk_mb, inodes, most) in [
            (256, 65_536, 1280),
            (1024, 65_536, 1280),
            (4096, 1_000_000, 1280),
            // Larger than one bitmap describes; tables that would be the most of small groups.
            (16_384, 65_536, 1280),
            (100, 200_000, 6000),
            (4, 1_000_000, 1_000_016),
        ] {
            let geometry = Geometry { disk_mb, inodes };
            let groups = (geometry.bytes() / BLOCK_BYTES).div_ceil(geometry.blocks_per_group());
            let in_each = geometry.inodes_made().div_ceil(groups).next_multiple_of(INODES_PER_BLOCK);
            assert!(in_each <= most, "{geometry:?}: {in_each} in each of {groups} groups");
            let unasked = groups * in_each - geometry.inodes_made();
            assert!(unasked <= inodes / 150, "{geometry:?}: {unasked} that nobody asked for");
        }
    }
}
