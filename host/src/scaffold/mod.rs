//! The sources of a new plugin, complete in one folder: its own crate, the SDK and the contract.
//!
//! Solves: somebody outside of this project wants to start. [`files`] gives every file of a crate that builds
//! with nothing but crates.io, works, and has a test. The SDK's sources and the contract are those that this
//! program was built with, so that what they make is served by it. Pure: [`write()`] alone touches the disk.
//!
//! How it decides: the manifest has its own workspace, so that a folder inside another project is not taken
//! for a member of it; versions of dependencies are those of this project.

use std::fs;
use std::io;
use std::path::Path;

include!(concat!(env!("OUT_DIR"), "/vendored.rs"));

/// What kind of plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Connector,
    Tool,
}

/// The name of a plugin: a letter, then letters, digits and single dashes, all lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum ScaffoldError {
    #[error(
        "{given:?} can't name a plugin: a letter, then letters, digits and single dashes, all lower case, at \
         most 40 of them"
    )]
    Name { given: String },
    #[error("{path} is there already and not empty")]
    Occupied { path: String },
    #[error("{path} can't be written: {source}")]
    Io { path: String, source: io::Error },
}

impl Name {
    /// Reads a name.
    ///
    /// # Errors
    /// [`ScaffoldError::Name`]
    pub fn parse(given: &str) -> Result<Self, ScaffoldError> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let fits = given.len() <= 40
            && given.starts_with(|c: char| c.is_ascii_lowercase())
            && given.split('-').all(|part| !part.is_empty() && part.chars().all(plain))
            // Names of crates that the new one depends on.
            && !["core", "std", "test", "proc-macro", "datachat-sdk", "serde"].contains(&given);
        if fits {
            Ok(Self(given.to_owned()))
        } else {
            Err(ScaffoldError::Name {
                given: given.to_owned(),
            })
        }
    }

    /// As it was given: `my-store`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As Rust and tools write it: `my_store`.
    pub fn identifier(&self) -> String {
        self.0.replace('-', "_")
    }
}

const CONNECTOR: &[(&str, &str)] = &[
    (
        "Cargo.toml",
        include_str!("templates/connector/Cargo.toml.txt"),
    ),
    (
        "README.md",
        include_str!("templates/connector/README.md.txt"),
    ),
    (
        "src/lib.rs",
        include_str!("templates/connector/src/lib.rs.txt"),
    ),
    (
        "src/component.rs",
        include_str!("templates/connector/src/component.rs.txt"),
    ),
    (
        "src/statement.rs",
        include_str!("templates/connector/src/statement.rs.txt"),
    ),
    (
        "src/table.rs",
        include_str!("templates/connector/src/table.rs.txt"),
    ),
];

const TOOL: &[(&str, &str)] = &[
    ("Cargo.toml", include_str!("templates/tool/Cargo.toml.txt")),
    ("README.md", include_str!("templates/tool/README.md.txt")),
    ("src/lib.rs", include_str!("templates/tool/src/lib.rs.txt")),
    (
        "src/component.rs",
        include_str!("templates/tool/src/component.rs.txt"),
    ),
];

const COMMON: &[(&str, &str)] = &[
    ("build.sh", include_str!("templates/build.sh.txt")),
    (".gitignore", "/target\n/*.wasm\n"),
    ("sdk/Cargo.toml", include_str!("templates/sdk.toml.txt")),
];

/// Every file of a new plugin: its path in the plugin's folder, and its text.
pub fn files(kind: Kind, name: &Name) -> Vec<(String, String)> {
    let own = match kind {
        Kind::Connector => CONNECTOR,
        Kind::Tool => TOOL,
    };
    let filled = own.iter().chain(COMMON).map(|(path, text)| {
        let text = text
            .replace("{{name}}", name.as_str())
            .replace("{{identifier}}", &name.identifier())
            .replace("{{edition}}", EDITION)
            .replace("{{rust_version}}", RUST_VERSION)
            .replace("{{sdk_dependencies}}", SDK_DEPENDENCIES)
            .replace("{{arrow_array}}", ARROW_ARRAY)
            .replace("{{arrow_schema}}", ARROW_SCHEMA)
            .replace("{{serde}}", SERDE)
            .replace("{{serde_json}}", SERDE_JSON);
        ((*path).to_owned(), text)
    });
    // In this project the SDK stands one folder deeper.
    let vendored = FILES.iter().map(|(path, text)| {
        (
            (*path).to_owned(),
            text.replace("\"../../wit/", "\"../wit/"),
        )
    });
    filled.chain(vendored).collect()
}

/// Writes the files of a new plugin into a folder, which is made.
///
/// # Errors
/// The folder has something in it, or can't be written.
pub fn write(folder: &Path, files: &[(String, String)]) -> Result<(), ScaffoldError> {
    let failed = |path: &Path, source: io::Error| ScaffoldError::Io {
        path: path.display().to_string(),
        source,
    };
    match fs::read_dir(folder) {
        Ok(entries) => {
            if entries.count() > 0 {
                return Err(ScaffoldError::Occupied {
                    path: folder.display().to_string(),
                });
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(folder, error)),
    }
    for (inside, text) in files {
        let path = folder.join(inside);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent).map_err(|error| failed(parent, error))?;
        fs::write(&path, text).map_err(|error| failed(&path, error))?;
        if path.extension().is_some_and(|extension| extension == "sh") {
            executable(&path).map_err(|error| failed(&path, error))?;
        }
    }
    Ok(())
}

fn executable(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn text_of<'a>(files: &'a [(String, String)], path: &str) -> &'a str {
        let file = files.iter().find(|(inside, _)| inside == path);
        file.map_or_else(|| panic!("no {path}"), |(_, text)| text)
    }

    #[test]
    fn a_plugin_has_its_crate_its_sdk_and_the_contract_and_no_gap_is_left() {
        let name = Name::parse("my-store").expect("a name");
        for kind in [Kind::Connector, Kind::Tool] {
            let files = files(kind, &name);
            for (path, text) in &files {
                assert!(!text.contains("{{"), "{path} has a gap");
                assert!(!text.contains("workspace = true"), "{path}");
            }
            assert!(text_of(&files, "Cargo.toml").contains("name = \"my-store\""));
            assert!(text_of(&files, "sdk/src/connector.rs").contains("\"../wit/0.1.0\""));
            assert!(text_of(&files, "wit/0.1.0/types.wit").contains("datachat:plugin@0.1.0"));
            let known = "wit/knowledge/0.1.0/knowledge.wit";
            assert!(text_of(&files, known).contains("datachat:knowledge@0.1.0"));
            assert!(text_of(&files, "sdk/src/knowledge.rs").contains("\"../wit/knowledge/0.1.0\""));
            assert!(text_of(&files, "sdk/Cargo.toml").contains("wit-bindgen"));
            assert!(text_of(&files, "build.sh").contains("my_store"));
        }
    }

    #[test]
    fn names_are_those_that_crates_plugins_and_schemes_can_have() {
        for good in ["a", "my-store", "s3", "a-1-b"] {
            assert!(Name::parse(good).is_ok(), "{good}");
        }
        let long = "a".repeat(41);
        for bad in [
            "", "A", "1a", "-a", "a-", "a--b", "a_b", "ä", "a/b", "std", &long,
        ] {
            assert!(Name::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_folder_that_has_something_in_it_is_left_alone() {
        let place = tempfile::tempdir().expect("a folder");
        let files = [
            ("a/b.txt".to_owned(), "x".to_owned()),
            ("run.sh".to_owned(), String::new()),
        ];
        let folder = place.path().join("new");
        write(&folder, &files).expect("written");
        assert_eq!(
            fs::read_to_string(folder.join("a/b.txt")).expect("there"),
            "x"
        );
        let mode = fs::metadata(folder.join("run.sh"))
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o111, 0o111);
        assert!(matches!(
            write(&folder, &files),
            Err(ScaffoldError::Occupied { .. })
        ));
    }
}
