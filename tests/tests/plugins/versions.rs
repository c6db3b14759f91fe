//! Components that were built for an earlier version of the contract are served as they were built.

use std::path::Path;

use anyhow::{Context, Result};
use datachat::limits::Limits;
use datachat::plugins::Components;
use datachat::plugins::contract::SERVED;
use datachat_tests::sandbox;

use crate::components_in;

#[tokio::test]
async fn every_prebuilt_component_of_a_served_version_is_loaded() -> Result<()> {
    for version in SERVED {
        let folder = format!("{}/fixtures/wit-{version}", env!("CARGO_MANIFEST_DIR"));
        for file in components_in(Path::new(&folder))? {
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
