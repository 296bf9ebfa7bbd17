//! The sandboxes' image: found in the engine, or put there from a root file system and the agent.
//!
//! No registry is asked. Our own image is `carrel-sandbox:<hash of recipe and agent>`: an image with the right name is the right
//! image, so a second start does nothing, and a new agent or recipe makes a new image and lets the old ones go.

mod recipe;
mod splice;

use std::collections::HashMap;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use bollard::query_parameters::{CreateImageOptionsBuilder, ListImagesOptionsBuilder, RemoveImageOptions};
use futures_util::TryStreamExt;
use sha2::{Digest, Sha256};

use super::Engine;
use super::error::EngineError;
use super::figures::Call;
use super::spec::{AGENT_PATH, ImageTag, label};
use crate::config::SandboxConfig;

/// Name of our own images, before the colon.
const REPOSITORY: &str = "carrel-sandbox";

/// Hex digits of a hash in names.
const HASH_DIGITS: usize = 16;

/// The largest agent we read, in bytes; ours has about one MiB.
const MAX_AGENT_BYTES: u64 = 64 << 20;

/// Where an image comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageSource {
    /// The operator's own, with the agent in it.
    Configured(String),
    /// Ours.
    Own {
        /// The agent's static binary.
        agent: PathBuf,
        /// Its root file system.
        rootfs: Rootfs,
    },
}

/// Our root file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rootfs {
    /// Made already.
    Made(PathBuf),
    /// To be made by the recipe, in this directory.
    ToBeMade(PathBuf),
}

/// How far [`Engine::ensure_image`] is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageProgress {
    /// A line from the recipe that makes the root file system.
    Building(String),
    /// The engine is being given the image.
    Importing {
        /// Bytes so far.
        done: u64,
        /// Of so many.
        total: u64,
    },
}

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The engine's fault.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// No agent beside this program.
    #[error(
        "the sandboxes' agent is missing (looked for {looked_for}); `make` builds it, or set sandbox.agent to its path"
    )]
    AgentMissing {
        /// Paths.
        looked_for: String,
    },
    /// A file that was named, or found, cannot be used.
    #[error("{path} cannot be used: {why}", path = path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        why: io::Error,
    },
    /// The recipe cannot be run here.
    #[error(
        "the sandboxes' root file system has to be built, which {needs}; or set sandbox.rootfs to one, or sandbox.image to an image"
    )]
    RecipeNeeds {
        /// What it needs and how to get it.
        needs: &'static str,
    },
    /// The recipe has failed.
    #[error("building the sandboxes' root file system failed ({status}); its last words: {last_words}")]
    RecipeFailed {
        /// How it ended.
        status: String,
        /// The end of what it said.
        last_words: String,
    },
    /// The configured image is not there.
    #[error(
        "the engine has no image {image}; fetch it with `docker pull {image}`, or leave sandbox.image unset to use Carrel's own"
    )]
    NotInEngine {
        /// Its name.
        image: String,
    },
    /// The configured image would get a writable volume without limit in every sandbox.
    #[error("the image {image} declares volumes, which would be disk space without a limit; build it without VOLUME")]
    HasVolumes {
        /// Its name.
        image: String,
    },
}

impl ImageSource {
    /// Where the image comes from, by configuration and by what lies beside the program `exe`: first `../sandbox/`, then its own
    /// directory. A root file system that lies nowhere will be made in `data_dir`.
    ///
    /// # Errors
    /// [`ImageError::AgentMissing`].
    pub fn locate(config: &SandboxConfig, exe: &Path, data_dir: &Path) -> Result<Self, ImageError> {
        if let Some(image) = &config.image {
            return Ok(Self::Configured(image.clone()));
        }
        let beside = exe.parent().unwrap_or(Path::new("/"));
        let places = [beside.join("../sandbox"), beside.to_owned()];
        let find = |name: &str| places.iter().map(|place| place.join(name)).find(|path| path.is_file());
        let agent = match &config.agent {
            Some(path) => path.clone(),
            None => find("carrel-agent").ok_or_else(|| ImageError::AgentMissing {
                looked_for: places.each_ref().map(|place| place.join("carrel-agent").display().to_string()).join(", "),
            })?,
        };
        let build_dir = data_dir.join("images");
        let name = recipe::archive_name();
        let built = build_dir.join(&name);
        let rootfs = config
            .rootfs
            .clone()
            .or_else(|| find(&name))
            .or_else(|| built.is_file().then_some(built))
            .map_or(Rootfs::ToBeMade(build_dir), Rootfs::Made);
        Ok(Self::Own { agent, rootfs })
    }
}

impl Engine {
    /// Makes sure the engine has the image and gives its name. Instant when it has; else minutes at the most, told through
    /// `progress`. Older images of this Carrel that no container uses are removed.
    ///
    /// # Errors
    /// With the remedy in the message. After an error nothing half-made has the image's name.
    pub async fn ensure_image(
        &self,
        source: &ImageSource,
        progress: impl Fn(ImageProgress) + Send + Sync,
    ) -> Result<ImageTag, ImageError> {
        let (agent, rootfs) = match source {
            ImageSource::Configured(image) => return self.check_configured(image).await,
            ImageSource::Own { agent, rootfs } => (agent, rootfs),
        };
        let agent = read_agent(agent).await?;
        let tag = tag(recipe::TEXT.as_bytes(), &agent, &stamp(rootfs).await?);
        if !self.has_image(&tag).await? {
            let archive = match rootfs {
                Rootfs::Made(path) => path.clone(),
                Rootfs::ToBeMade(directory) => recipe::run(directory, &progress).await?,
            };
            self.import(&tag, &archive, agent, &progress).await?;
        }
        self.remove_older_images(&tag).await;
        Ok(tag)
    }

    async fn check_configured(&self, image: &str) -> Result<ImageTag, ImageError> {
        let found = match self.call(Call::InspectImage, self.docker().inspect_image(image)).await {
            Err(EngineError::ImageMissing { .. }) => {
                return Err(ImageError::NotInEngine { image: image.to_owned() });
            }
            found => found?,
        };
        if found.config.and_then(|config| config.volumes).is_some_and(|volumes| !volumes.is_empty()) {
            return Err(ImageError::HasVolumes { image: image.to_owned() });
        }
        Ok(ImageTag(image.to_owned()))
    }

    async fn has_image(&self, tag: &ImageTag) -> Result<bool, EngineError> {
        match self.call(Call::InspectImage, self.docker().inspect_image(tag.as_str())).await {
            Ok(_) => Ok(true),
            Err(EngineError::ImageMissing { .. }) => Ok(false),
            Err(other) => Err(other),
        }
    }

    async fn import(
        &self,
        tag: &ImageTag,
        archive: &Path,
        agent: Vec<u8>,
        progress: &(impl Fn(ImageProgress) + Send + Sync),
    ) -> Result<(), ImageError> {
        let (body, mut counts) =
            splice::stream(archive, agent).await.map_err(|why| ImageError::File { path: archive.to_owned(), why })?;
        let options = CreateImageOptionsBuilder::new()
            .from_src("-")
            .repo(REPOSITORY)
            .tag(tag.as_str().rsplit(':').next().unwrap_or_default())
            .changes(self.image_changes())
            .build();
        let import = async {
            self.call(
                Call::Import,
                self.docker()
                    .create_image(Some(options), Some(bollard::body_try_stream(body)), None)
                    .try_for_each(|_| async { Ok(()) }),
            )
            .await
        };
        tokio::pin!(import);
        loop {
            tokio::select! {
                result = &mut import => return Ok(result?),
                Ok(()) = counts.changed() => {
                    let (done, total) = *counts.borrow_and_update();
                    progress(ImageProgress::Importing { done, total });
                }
            }
        }
    }

    /// What the image says of itself; a sandbox's own request says most of it again ([`super::SandboxSpec`]).
    fn image_changes(&self) -> Vec<String> {
        vec![
            format!("ENTRYPOINT [\"{AGENT_PATH}\"]"),
            "USER 1000:1000".to_owned(),
            format!("WORKDIR {}", carrel_protocol::WORKSPACE_DIR),
            "ENV PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8 HOME=/home/carrel".to_owned(),
            format!("LABEL {}={}", label::INSTANCE, self.instance()),
        ]
    }

    /// Only images this Carrel has imported: another one on the same engine may be of another version. Failing leaves an image
    /// for the next start to remove, so it is only told.
    async fn remove_older_images(&self, current: &ImageTag) {
        let filters = HashMap::from([("label", vec![format!("{}={}", label::INSTANCE, self.instance())])]);
        let options = ListImagesOptionsBuilder::new().filters(&filters).build();
        let images = match self.call(Call::ListImages, self.docker().list_images(Some(options))).await {
            Ok(images) => images,
            Err(error) => {
                tracing::warn!(%error, "could not look for older sandbox images");
                return;
            }
        };
        let prefix = format!("{REPOSITORY}:");
        for old in images.into_iter().flat_map(|image| image.repo_tags) {
            if !old.starts_with(&prefix) || old == current.as_str() {
                continue;
            }
            let removal = self.docker().remove_image(&old, None::<RemoveImageOptions>, None);
            match self.call(Call::RemoveImage, removal).await {
                Ok(_) => tracing::info!(image.tag = %old, "removed an older sandbox image"),
                Err(EngineError::Conflict { .. } | EngineError::NotFound) => {}
                Err(error) => tracing::warn!(image.tag = %old, %error, "could not remove an older sandbox image"),
            }
        }
    }
}

async fn read_agent(path: &Path) -> Result<Vec<u8>, ImageError> {
    let read = async {
        let size = tokio::fs::metadata(path).await?.len();
        if size == 0 || size > MAX_AGENT_BYTES {
            return Err(io::Error::other(format!("{size} bytes cannot be the agent")));
        }
        tokio::fs::read(path).await
    };
    read.await.map_err(|why| ImageError::File { path: path.to_owned(), why })
}

/// What tells a root file system of the operator's own from another; nothing for the recipe's, which the recipe tells.
async fn stamp(rootfs: &Rootfs) -> Result<String, ImageError> {
    match rootfs {
        Rootfs::Made(path) if path.file_name() != Some(recipe::archive_name().as_ref()) => {
            let read = tokio::fs::metadata(path).await;
            let metadata = read.map_err(|why| ImageError::File { path: path.clone(), why })?;
            Ok(format!("{} {}.{}", metadata.len(), metadata.mtime(), metadata.mtime_nsec()))
        }
        _ => Ok(String::new()),
    }
}

fn tag(recipe: &[u8], agent: &[u8], stamp: &str) -> ImageTag {
    let digest = Sha256::new().chain_update(recipe).chain_update(agent).chain_update(stamp).finalize();
    ImageTag(format!("{REPOSITORY}:{}", &hex::encode(digest)[..HASH_DIGITS]))
}

#[cfg(test)]
mod tests;
