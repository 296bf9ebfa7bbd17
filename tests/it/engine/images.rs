//! Images: made once, made again when something changes, never half.

use std::sync::Mutex;

use carrel::engine::image::Rootfs;
use carrel::engine::{Call, ImageError, ImageProgress, ImageSource, ImageTag};

use crate::support::engine::{Carrel, TestEngine};

fn imports(carrel: &Carrel) -> u64 {
    carrel.engine.figures().iter().find(|line| line.call == Call::Import).unwrap().calls
}

#[tokio::test]
async fn an_image_is_imported_once_and_says_how_far_it_is() {
    let carrel = TestEngine::shared().await.carrel().await;
    // An agent of this test alone, so that nobody else has made the image.
    let mine = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(mine.path(), carrel.instance.as_bytes()).unwrap();
    let source = ImageSource::Own { agent: mine.path().to_owned(), rootfs: Rootfs::Made(carrel.tiny_rootfs()) };

    let last = Mutex::new(None);
    let progress = |progress| *last.lock().unwrap() = Some(progress);
    let tag = carrel.engine.ensure_image(&source, progress).await.unwrap();
    assert!(tag.as_str().starts_with("carrel-sandbox:"));
    let told = last.lock().unwrap().take();
    assert!(matches!(told, Some(ImageProgress::Importing { done, total }) if done == total), "{told:?}");

    assert_eq!(carrel.engine.ensure_image(&source, |_| panic!("nothing to do")).await.unwrap(), tag);
    assert_eq!(imports(&carrel), 1);
}

#[tokio::test]
async fn a_new_agent_makes_a_new_image_and_old_ones_go_when_nobody_uses_them() {
    let carrel = TestEngine::shared().await.carrel().await;
    let mine = tempfile::NamedTempFile::new().unwrap();
    let mut images: Vec<ImageTag> = Vec::new();
    let mut containers = Vec::new();
    for version in ["one", "two", "three"] {
        std::fs::write(mine.path(), format!("{version} {}", carrel.instance)).unwrap();
        let image = carrel.image(mine.path().to_owned(), carrel.tiny_rootfs()).await;
        assert!(!images.contains(&image));
        images.push(image.clone());
        if version == "one" {
            containers.push(carrel.create(&image).await.1);
        }
    }
    let exists = async |image: &ImageTag| {
        carrel.engine.ensure_image(&ImageSource::Configured(image.to_string()), |_| {}).await.is_ok()
    };
    assert!(exists(&images[0]).await, "in use");
    assert!(!exists(&images[1]).await, "not in use");
    assert!(exists(&images[2]).await, "the present one");
    for container in &containers {
        carrel.engine.remove(container).await.unwrap();
    }
}

#[tokio::test]
async fn a_configured_image_has_to_be_there() {
    let carrel = TestEngine::shared().await.carrel().await;
    let error =
        carrel.engine.ensure_image(&ImageSource::Configured("nobody/nothing:1".into()), |_| {}).await.unwrap_err();
    assert!(matches!(error, ImageError::NotInEngine { .. }), "{error:?}");
    assert!(error.to_string().contains("docker pull nobody/nothing:1"), "{error}");
}

#[tokio::test]
async fn a_broken_archive_makes_no_image() {
    let carrel = TestEngine::shared().await.carrel().await;
    let broken = tempfile::NamedTempFile::new().unwrap();
    // It is also the agent, so that nobody else has made the image.
    std::fs::write(broken.path(), format!("not a tar archive {}", carrel.instance).repeat(1000)).unwrap();
    let source = ImageSource::Own { agent: broken.path().to_owned(), rootfs: Rootfs::Made(broken.path().to_owned()) };
    let error = carrel.engine.ensure_image(&source, |_| {}).await.unwrap_err();
    assert!(error.to_string().starts_with(&broken.path().display().to_string()), "{error}");
    assert_eq!(imports(&carrel), 0);
}
