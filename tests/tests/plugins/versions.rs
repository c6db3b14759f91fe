//! Components that were built for an earlier version of the contract are served as they were built.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use datachat::limits::Limits;
use datachat::plugins::Components;
use datachat::plugins::contract::SERVED;
use datachat_tests::sandbox;

/// The prebuilt components of a version.
fn fixtures(version: &str) -> Result<Vec<PathBuf>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/wit-{version}"));
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "wasm")
        {
            found.push(path);
        }
    }
    Ok(found)
}

#[tokio::test]
async fn every_prebuilt_component_of_a_served_version_is_loaded() -> Result<()> {
    for version in SERVED {
        for file in fixtures(version)? {
            let data = tempfile::tempdir()?;
            let components = Components::Files(vec![file.clone()]);
            let plugins = sandbox::load(data.path(), components, Limits::default()).await;
            let list = plugins.list();
            let plugin = list.first().context("not even refused")?;
            let shown = format!("{}: {:?}", file.display(), plugin.status);
            assert_eq!(plugin.status.state, "ready", "{shown}");
            assert_eq!(plugin.contract, Some(*version), "{shown}");
        }
    }
    Ok(())
}
