//! A connector that may read one folder, and tries everything else with it.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use datachat::limits::Limits;
use datachat::plugins::{Components, PluginError, Plugins, Target};
use datachat_tests::sandbox::{self, ask};

use crate::{component, data_dir};

/// A granted folder with a file, and beside it one with a secret that links in the first lead to.
struct Scene {
    place: tempfile::TempDir,
    plugins: Plugins,
}

impl Scene {
    async fn new() -> Self {
        let place = tempfile::tempdir().expect("a folder");
        let inside = place.path().join("inside");
        let outside = place.path().join("outside");
        for folder in [&inside.join("deeper"), &outside] {
            std::fs::create_dir_all(folder).expect("made");
        }
        std::fs::write(inside.join("a.csv"), "id\n1\n").expect("written");
        std::fs::write(inside.join("deeper/b.csv"), "id\n2\n").expect("written");
        std::fs::write(outside.join("secret"), "canary").expect("written");
        for (target, link) in [
            (PathBuf::from("a.csv"), "link-inside"),
            (PathBuf::from("../outside/secret"), "link-relative"),
            (outside.join("secret"), "link-absolute"),
            (outside.clone(), "link-folder"),
            (PathBuf::from("/"), "link-root"),
            (PathBuf::from("/proc/self/root"), "link-proc"),
        ] {
            symlink(target, inside.join(link)).expect("linked");
        }
        let components = Components::Trial {
            file: component("files"),
            folders: BTreeMap::from([("sales".to_owned(), inside)]),
        };
        let plugins = sandbox::load(data_dir(), components, Limits::default()).await;
        Self { place, plugins }
    }

    async fn ask(&self, sql: &str) -> String {
        let connector = self.plugins.connector("files").expect("loaded");
        let answer = ask(&connector, &target("sales"), sql).await.expect(sql);
        String::from_utf8(answer).expect("text")
    }
}

fn target(host: &str) -> Target {
    Target {
        host: host.to_owned(),
        ..sandbox::target(0, "", "", "")
    }
}

#[tokio::test]
async fn what_lies_in_the_granted_folder_is_read_under_its_name() {
    let scene = Scene::new().await;
    assert_eq!(scene.ask("folders").await, "/sales");
    assert_eq!(scene.ask("read a.csv").await, "id\n1\n");
    assert_eq!(scene.ask("read deeper/b.csv").await, "id\n2\n");
    assert_eq!(scene.ask("read deeper/../a.csv").await, "id\n1\n");
    assert_eq!(scene.ask("read link-inside").await, "id\n1\n");
    assert_eq!(scene.ask("list .").await, "done");
}

#[tokio::test]
async fn nothing_outside_the_folder_is_read_seen_or_listed() {
    let scene = Scene::new().await;
    let absolute = scene.place.path().join("outside/secret");
    for path in [
        "../outside/secret",
        "deeper/../../outside/secret",
        "link-relative",
        "link-absolute",
        "link-folder/secret",
        "link-root/etc/passwd",
        "link-proc/etc/passwd",
        "/etc/passwd",
        "..",
        absolute.to_str().expect("text"),
    ] {
        for verb in ["read", "stat", "list"] {
            let answer = scene.ask(&format!("{verb} {path}")).await;
            // The link to a file is no folder, wherever it leads.
            assert!(
                answer.contains("\"not-permitted\"") || answer.contains("\"not-directory\""),
                "{verb} {path}: {answer}"
            );
        }
    }
}

#[tokio::test]
async fn nothing_is_written_made_moved_or_removed() {
    let scene = Scene::new().await;
    let snapshot = || {
        let mut all = Vec::new();
        let mut folders = vec![scene.place.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                let data = std::fs::symlink_metadata(&path).expect("there");
                if data.is_dir() {
                    folders.push(path.clone());
                }
                all.push((path, data.len(), data.modified().expect("a time")));
            }
        }
        all.sort();
        all
    };
    let before = snapshot();
    for attempt in [
        "create new.csv",
        "truncate a.csv",
        "write a.csv",
        "shrink a.csv",
        "touch a.csv",
        "mkdir new",
        "remove a.csv",
        "rename a.csv",
        "link a.csv",
        "symlink a.csv",
        "symlink /etc/passwd",
        "write link-relative",
        "create ../outside/new",
    ] {
        let answer = scene.ask(attempt).await;
        let refused = ["\"not-permitted\"", "\"read-only\"", "\"bad-descriptor\""];
        assert!(
            refused.iter().any(|error| answer.contains(error)),
            "{attempt}: {answer}"
        );
    }
    assert_eq!(snapshot(), before);
}

#[tokio::test]
async fn a_folder_that_was_not_granted_is_refused_with_the_remedy() {
    let scene = Scene::new().await;
    let connector = scene.plugins.connector("files").expect("loaded");
    for name in ["inside", "127.0.0.1", "..", ""] {
        let error = ask(&connector, &target(name), "folders").await;
        let error = error.expect_err(name);
        let remedy = format!("`datachat plugin grant files --read {name}=");
        assert!(
            matches!(&error, PluginError::FolderNotGranted { .. })
                && error.to_string().contains(&remedy),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_granted_folder_that_is_gone_is_said_to_be_gone() {
    let scene = Scene::new().await;
    std::fs::remove_dir_all(scene.place.path().join("inside")).expect("removed");
    let connector = scene.plugins.connector("files").expect("loaded");
    let error = ask(&connector, &target("sales"), "folders").await;
    let error = error.expect_err("gone");
    assert!(
        matches!(&error, PluginError::FolderMissing { folder, .. } if folder == "sales"),
        "{error}"
    );
}
