//! Where things are: the workspace's root and cargo's target folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::command;

/// The folders that every command needs.
#[derive(Debug, Clone)]
pub struct Workspace {
    pub root: PathBuf,
    /// Cargo's target folder, wherever the user's configuration puts it.
    pub target: PathBuf,
}

impl Workspace {
    /// Asks cargo, which alone knows about `CARGO_TARGET_DIR` and configuration files.
    ///
    /// # Errors
    /// When cargo can't read the workspace.
    pub fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("xtask stands outside a workspace")?
            .to_path_buf();
        let metadata = command::output(
            cargo()
                .args([
                    "metadata",
                    "--no-deps",
                    "--offline",
                    "--format-version",
                    "1",
                ])
                .current_dir(&root),
        )?;
        let target = json_string(&metadata, "target_directory")
            .context("`cargo metadata` names no target_directory")?
            .into();
        Ok(Self { root, target })
    }

    /// Where the built components are collected, and where the server looks for them.
    pub fn plugins(&self) -> PathBuf {
        self.target.join("plugins")
    }

    /// The components that attack the host, for the tests.
    pub fn hostile_plugins(&self) -> PathBuf {
        self.target.join("plugins-hostile")
    }

    /// The example plugins, which no server looks for by itself.
    pub fn example_plugins(&self) -> PathBuf {
        self.target.join("plugins-examples")
    }

    /// Where tests leave what servers logged and answered.
    pub fn test_logs(&self) -> PathBuf {
        self.target.join("test-logs")
    }
}

/// The cargo that runs us, else the one on the path; as if called from a shell.
///
/// `cargo run` tells us about our own package in variables. Build scripts of dependencies look at the same
/// variables, and would be out of date whenever a person calls cargo and xtask by turns.
pub fn cargo() -> Command {
    let program = std::env::var_os("CARGO").map_or_else(|| "cargo".into(), PathBuf::from);
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if [
            "CARGO_PKG_",
            "CARGO_MANIFEST_",
            "CARGO_BIN_",
            "CARGO_CRATE_",
        ]
        .iter()
        .any(|prefix| name.starts_with(prefix))
        {
            command.env_remove(name.as_ref());
        }
    }
    command
}

/// The value of the last string member `key` of a JSON text. Enough for what cargo and
/// our own server say, and spares a JSON parser.
pub fn json_string(json: &str, key: &str) -> Option<String> {
    let start = json.rfind(&format!("\"{key}\":\""))? + key.len() + 4;
    let mut value = String::new();
    let mut characters = json[start..].chars();
    loop {
        match characters.next()? {
            '"' => return Some(value),
            '\\' => value.push(characters.next()?),
            other => value.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::json_string;

    #[test]
    fn a_json_string_is_read_with_its_escapes() {
        let json = r#"{"a":"x","target_directory":"C:\\tmp\\\"t\"","b":"y"}"#;
        assert_eq!(
            json_string(json, "target_directory").as_deref(),
            Some(r#"C:\tmp\"t""#)
        );
        assert_eq!(json_string(json, "missing"), None);
    }
}
