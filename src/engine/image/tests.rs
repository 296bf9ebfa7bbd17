//! Names and places; importing itself is tested with a real engine.

use super::*;

#[test]
fn a_tag_changes_with_the_recipe_and_with_the_agent() {
    // printf 'ab' | sha256sum
    assert_eq!(tag(b"a", b"b").as_str(), "carrel-sandbox:fb8e20fc2e4c3f24");
    assert_ne!(tag(b"a", b"c"), tag(b"a", b"b"));
    assert_ne!(tag(b"x", b"b"), tag(b"a", b"b"));
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
