//! The files of a bundle.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use datachat_tests::examples::folder;
use datachat_tests::stage::text;
use serde_json::Value;

/// The types of DataPoints and the folders that hold them.
pub const TYPES: [(&str, &str); 4] = [
    ("Schema", "schema"),
    ("Business", "business"),
    ("Process", "process"),
    ("Query", "query"),
];

/// A file of a bundle.
pub struct DataPoint {
    pub path: PathBuf,
    pub body: Value,
}

impl DataPoint {
    pub fn id(&self) -> &str {
        self.body["datapoint_id"].as_str().unwrap_or_default()
    }

    pub fn is(&self, kind: &str) -> bool {
        self.body["type"] == kind
    }
}

/// The DataPoints of an example database.
pub fn of(database: &str) -> Result<Vec<DataPoint>> {
    read(&folder().join("examples").join(database))
}

/// The DataPoints of every database.
pub fn shared() -> Result<Vec<DataPoint>> {
    read(&folder().join("shared"))
}

/// All bundles, by the name of their folder.
pub fn all() -> Result<Vec<(&'static str, Vec<DataPoint>)>> {
    Ok(vec![
        ("fintech_bank", of("fintech_bank")?),
        ("grocery_store", of("grocery_store")?),
        ("shared", shared()?),
    ])
}

fn read(bundle: &Path) -> Result<Vec<DataPoint>> {
    let mut datapoints = Vec::new();
    for (_, name) in TYPES {
        let folder = bundle.join(name);
        // `shared` describes no table.
        if !folder.exists() {
            continue;
        }
        for file in fs::read_dir(&folder)? {
            let path = file?.path();
            let source = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            let body = serde_json::from_str(&source).with_context(|| path.display().to_string())?;
            datapoints.push(DataPoint { path, body });
        }
    }
    datapoints.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(datapoints)
}

/// The texts of an array; none if it is missing.
pub fn texts(value: &Value) -> Result<Vec<String>> {
    value.as_array().into_iter().flatten().map(text).collect()
}

/// The parameters that a template names.
pub fn placeholders(template: &str) -> BTreeSet<&str> {
    template
        .split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}'))
        .map(|(name, _)| name)
        .collect()
}
