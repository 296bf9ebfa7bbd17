//! Names and places; importing itself is tested with a real engine.

use super::*;

#[test]
fn a_tag_changes_with_everything_that_makes_the_image() {
    // printf 'ab' | sha256sum
    assert_eq!(tag(b"a", b"b", "").as_str(), "carrel-sandbox:fb8e20fc2e4c3f24");
    for (recipe, agent, stamp) in [(b"a", b"c", ""), (b"x", b"b", ""), (b"a", b"b", "10 3.0")] {
        assert_ne!(tag(recipe, agent, stamp), tag(b"a", b"b", ""));
    }
}

#[tokio::test]
async fn only_a_root_file_system_of_one_s_own_is_told_by_its_stamp() {
    let dir = tempfile::tempdir().unwrap();
    let ours = Rootfs::Made(touch(&dir.path().join(recipe::archive_name())));
    assert_eq!(stamp(&ours).await.unwrap(), "");
    assert_eq!(stamp(&Rootfs::ToBeMade(dir.path().to_owned())).await.unwrap(), "");
    let path = touch(&dir.path().join("mine.tar"));
    let before = stamp(&Rootfs::Made(path.clone())).await.unwrap();
    std::fs::write(&path, "longer").unwrap();
    assert_ne!(stamp(&Rootfs::Made(path)).await.unwrap(), before);
    assert!(matches!(stamp(&Rootfs::Made("/nowhere".into())).await, Err(ImageError::File { .. })));
}

fn touch(path: &Path) -> PathBuf {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, "x").unwrap();
    path.to_owned()
}

#[test]
fn products_are_found_beside_the_program_and_settings_win() {
    let dir = tempfile::tempdir().unwrap();
    let (exe, data) = (dir.path().join("release/carrel"), dir.path().join("data"));
    std::fs::create_dir_all(dir.path().join("release")).unwrap();
    let mut config = SandboxConfig::default();

    let missing = ImageSource::locate(&config, &exe, &data).unwrap_err().to_string();
    assert!(missing.contains("release/carrel-agent") && missing.contains("sandbox.agent"), "{missing}");

    touch(&dir.path().join("release/carrel-agent"));
    let source = ImageSource::locate(&config, &exe, &data).unwrap();
    let agent = dir.path().join("release/carrel-agent");
    assert_eq!(source, ImageSource::Own { agent, rootfs: Rootfs::ToBeMade(data.join("images")) });

    let built = touch(&data.join("images").join(recipe::archive_name()));
    touch(&dir.path().join("sandbox/carrel-agent"));
    let source = ImageSource::locate(&config, &exe, &data).unwrap();
    let agent = dir.path().join("release/../sandbox/carrel-agent");
    assert_eq!(source, ImageSource::Own { agent: agent.clone(), rootfs: Rootfs::Made(built) });

    touch(&dir.path().join("sandbox").join(recipe::archive_name()));
    let beside = dir.path().join("release/../sandbox").join(recipe::archive_name());
    let source = ImageSource::locate(&config, &exe, &data).unwrap();
    assert_eq!(source, ImageSource::Own { agent, rootfs: Rootfs::Made(beside) });

    config.agent = Some("/a".into());
    config.rootfs = Some("/r".into());
    let source = ImageSource::locate(&config, &exe, &data).unwrap();
    assert_eq!(source, ImageSource::Own { agent: "/a".into(), rootfs: Rootfs::Made("/r".into()) });

    config.image = Some("mine:1".into());
    assert_eq!(ImageSource::locate(&config, &exe, &data).unwrap(), ImageSource::Configured("mine:1".into()));
}
