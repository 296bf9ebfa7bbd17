//! Tells whether a container was made as one would be made today: of the same image, with the same sizes, by the same rules.

use std::path::PathBuf;

use uuid::Uuid;

use super::spec::SandboxSpec;
use crate::model::{ContentHash, SandboxId};

/// The label that carries it.
pub(super) const LABEL: &str = "carrel.likeness";

/// What two containers have in common that differ in nothing but their names. A hash: compared and never read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Likeness(String);

impl Likeness {
    /// As a label has it.
    pub(super) fn read(label: &str) -> Self {
        Self(label.to_owned())
    }

    /// As a label has it.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl SandboxSpec {
    /// What a container made from this has in common with others made from the like.
    #[must_use]
    pub fn likeness(&self) -> Likeness {
        let volume_dir = self.volume_dir.as_ref().map(|_| PathBuf::new());
        let nobody = Self { sandbox: SandboxId(Uuid::nil()), link_dir: PathBuf::new(), volume_dir, ..self.clone() };
        // By way of a value: its maps are in order, a request's are not.
        let request = serde_json::to_value(nobody.body(Uuid::nil())).unwrap_or_default();
        // A volume's size is not in the request.
        let text = format!("{request} {} {}", self.quotas.disk_mb, self.inodes);
        Likeness(ContentHash::of(text.as_bytes()).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::super::spec::ImageTag;
    use super::*;
    use crate::model::Quotas;

    #[test]
    fn sandboxes_are_alike_that_differ_in_their_names_alone() {
        let quotas = Quotas { memory_mb: 512, cpus: 1.0, pids: 64, disk_mb: 100 };
        let spec = || SandboxSpec {
            sandbox: SandboxId::new(),
            image: ImageTag("carrel-sandbox:1".into()),
            quotas,
            inodes: 1000,
            tmp_mb: 16,
            open_files: 256,
            link_dir: format!("/run/{}", SandboxId::new()).into(),
            volume_dir: None,
            runtime: None,
        };
        let on_volume = || SandboxSpec { volume_dir: Some(format!("/volumes/{}", SandboxId::new()).into()), ..spec() };
        for _ in 0..10 {
            assert_eq!(spec().likeness(), spec().likeness());
            assert_eq!(on_volume().likeness(), on_volume().likeness());
        }
        for other in [
            SandboxSpec { quotas: Quotas { disk_mb: 101, ..quotas }, ..on_volume() },
            SandboxSpec { inodes: 1001, ..on_volume() },
        ] {
            assert_ne!(other.likeness(), on_volume().likeness(), "{other:?}");
        }
        for other in [
            SandboxSpec { image: ImageTag("carrel-sandbox:2".into()), ..spec() },
            SandboxSpec { quotas: Quotas { disk_mb: 101, ..quotas }, ..spec() },
            SandboxSpec { inodes: 1001, ..spec() },
            SandboxSpec { tmp_mb: 17, ..spec() },
            SandboxSpec { open_files: 257, ..spec() },
            SandboxSpec { runtime: Some("runsc".into()), ..spec() },
            on_volume(),
        ] {
            assert_ne!(other.likeness(), spec().likeness(), "{other:?}");
        }
    }
}
