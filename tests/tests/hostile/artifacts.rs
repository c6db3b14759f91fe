//! What lies in the place of a component or of its compiled form.

use datachat::limits::Limits;
use datachat::plugins::Components;
use datachat_tests::sandbox::{self, ask};

use crate::{component, data_dir, target};

#[tokio::test]
async fn a_changed_artifact_is_compiled_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let load = async || {
        let components = Components::Files(vec![component("neighbour")]);
        sandbox::load(folder.path(), components, Limits::default()).await
    };
    load().await;
    let artifact = std::fs::read_dir(folder.path().join("cache"))
        .expect("a cache")
        .flatten()
        .next()
        .expect("an artifact")
        .path();
    let good = std::fs::read(&artifact).expect("readable");
    let mut bad = good.clone();
    let middle = bad.len() / 2;
    bad[middle] ^= 1;
    std::fs::write(&artifact, &bad).expect("written");
    let plugins = load().await;
    let neighbour = plugins.connector("neighbour").expect("loaded all the same");
    assert_eq!(
        ask(&neighbour, &target(2, ""), "").await.expect("pong"),
        b"pong"
    );
    let now = std::fs::read(&artifact).expect("written anew");
    assert_ne!(now, bad, "the changed artifact is still there");
}

#[tokio::test]
async fn what_is_no_component_is_refused_and_harms_no_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let junk = folder.path().join("junk.wasm");
    std::fs::write(&junk, b"\0asm\x0d\0\x01\0 and then nonsense").expect("written");
    let empty = folder.path().join("empty.wasm");
    std::fs::write(&empty, b"\0asm\x0d\0\x01\0").expect("written");
    let big = folder.path().join("big.wasm");
    std::fs::write(&big, vec![0; 3 << 20]).expect("written");
    let limits = Limits {
        plugin_wasm_bytes: 2 << 20,
        ..Limits::default()
    };
    let components = Components::Files(vec![junk, empty, big, component("neighbour")]);
    let plugins = sandbox::load(data_dir(), components, limits).await;
    let detail = |name: &str| {
        let all = plugins.status();
        let one = all.iter().find(|s| s.name == name).expect(name);
        one.detail.clone().unwrap_or_default()
    };
    assert!(detail("junk").contains("no valid WebAssembly component"));
    assert!(detail("empty").contains("neither a connector nor a tool"));
    assert!(detail("big").contains("plugin_wasm_bytes"));
    assert!(plugins.connector("NEIGHBOUR").is_some());
}
