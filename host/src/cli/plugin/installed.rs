//! `datachat plugin list`, `install`, `remove` and `grant`.
//!
//! In this process the plugins of the data folder are changed, and running servers on it notice.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use axum::body::Body;
use axum::http::{Method, Request, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::read;
use crate::api::plugins::SIGNATURE;
use crate::cli::failure::Failure;
use crate::cli::output::Printer;
use crate::cli::server::{NOTHING, Server, parse};
use crate::plugins::Folders;

const PATH: &str = "/api/v1/plugins";

#[derive(Debug, clap::Subcommand)]
pub enum Args {
    /// Every plugin and how it is
    List,
    /// Check a component and install it, or upgrade the installed plugin of its name
    Install {
        /// The component
        file: PathBuf,
        /// The digest that it must have
        #[arg(long, value_name = "sha256:…")]
        digest: Option<String>,
        /// Its minisign signature; without it, FILE.minisig if that is there
        #[arg(long, value_name = "FILE")]
        signature: Option<PathBuf>,
        /// Names a component of tools; without it, its first tool does
        #[arg(long)]
        name: Option<String>,
    },
    /// Remove an installed plugin; connections of its type then have no connector
    Remove { name: String },
    /// Let a plugin read folders, or no longer; switch it off and on
    Grant {
        name: String,
        /// A folder by name and absolute path. May be given several times
        #[arg(long, value_name = "NAME=PATH")]
        read: Vec<String>,
        /// The name of a folder that it may no longer read. May be given several times
        #[arg(long, value_name = "NAME")]
        revoke: Vec<String>,
        /// Keep it installed, but don't load it
        #[arg(long, conflicts_with = "enable")]
        disable: bool,
        /// Load it again
        #[arg(long)]
        enable: bool,
    },
}

const COLUMNS: [&str; 9] = [
    "name", "version", "kind", "state", "origin", "digest", "signer", "folders", "detail",
];

pub async fn run(server: &Server, args: Args, printer: Printer) -> Result<(), Failure> {
    match args {
        Args::List => {
            let answer = server.get(PATH).await?;
            printer.records(&COLUMNS, &answer["plugins"])?;
        }
        Args::Install {
            file,
            digest,
            signature,
            name,
        } => {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            let given = [("digest", digest), ("name", name)];
            query.extend_pairs(given.into_iter().filter_map(|(k, v)| Some((k, v?))));
            let mut request = Request::post(format!("{PATH}?{}", query.finish()))
                .header(header::CONTENT_TYPE, "application/wasm");
            if let Some(signature) = read_signature(&file, signature)? {
                request = request.header(SIGNATURE, STANDARD.encode(signature));
            }
            let request = request
                .body(Body::from(read(&file)?))
                .map_err(|error| Failure::new(error.to_string()))?;
            let installed = server.answer(request).await?;
            printer.record(&parse(&installed)?)?;
        }
        Args::Remove { name } => {
            server
                .call(Method::DELETE, &path_of(&name), NOTHING)
                .await?;
            printer.say(&format!("{name} is removed."))?;
        }
        Args::Grant {
            name,
            read,
            revoke,
            disable,
            enable,
        } => {
            let delta = Delta::read(&read, revoke, disable, enable)?;
            let list = server.get(PATH).await?;
            let plugins = list["plugins"].as_array().into_iter().flatten();
            let mut named = plugins.filter(|plugin| plugin["name"] == *name);
            let folders = named.next().map(|plugin| plugin["folders"].clone());
            let folders = serde_json::from_value(folders.unwrap_or_default()).unwrap_or_default();
            let mut body = json!({ "folders": delta.apply(folders) });
            if let Some(enabled) = delta.enabled {
                body["enabled"] = enabled.into();
            }
            let path = format!("{}/grants", path_of(&name));
            let granted = server.call(Method::PUT, &path, Some(&body)).await?;
            printer.record(&parse(&granted)?)?;
        }
    }
    Ok(())
}

/// What changes about a plugin's grants.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Delta {
    read: Folders,
    revoke: Vec<String>,
    enabled: Option<bool>,
}

impl Delta {
    fn read(
        pairs: &[String],
        revoke: Vec<String>,
        disable: bool,
        enable: bool,
    ) -> Result<Self, Failure> {
        let mut read = BTreeMap::new();
        for pair in pairs {
            let (name, path) = pair
                .split_once('=')
                .ok_or_else(|| Failure::usage(format!("{pair:?} is not of the form NAME=PATH")))?;
            if read.insert(name.to_owned(), PathBuf::from(path)).is_some() {
                return Err(Failure::usage(format!(
                    "the folder {name:?} is given twice"
                )));
            }
        }
        let enabled = (disable || enable).then_some(enable);
        if read.is_empty() && revoke.is_empty() && enabled.is_none() {
            return Err(Failure::usage("nothing is granted or revoked")
                .hint("`--read NAME=PATH` grants a folder, `--revoke NAME` takes it back."));
        }
        Ok(Self {
            read,
            revoke,
            enabled,
        })
    }

    /// The folders after it.
    fn apply(&self, mut folders: Folders) -> Folders {
        folders.retain(|name, _| !self.revoke.contains(name));
        folders.extend(self.read.clone());
        folders
    }
}

/// The signature that was named, else the one beside the component, if there is one.
pub fn read_signature(file: &Path, given: Option<PathBuf>) -> Result<Option<String>, Failure> {
    let mut beside = file.as_os_str().to_owned();
    beside.push(".minisig");
    let beside = PathBuf::from(beside);
    let Some(path) = given.or_else(|| beside.exists().then_some(beside)) else {
        return Ok(None);
    };
    let text = String::from_utf8(read(&path)?)
        .map_err(|_| Failure::new(format!("{} is no minisign signature", path.display())))?;
    Ok(Some(text))
}

/// The path of one plugin; whatever was typed stays one segment of it.
fn path_of(name: &str) -> String {
    let name = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
    format!("/api/v1/plugins/{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delta(read: &[&str], revoke: &[&str]) -> Result<Delta, Failure> {
        let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        let read: Vec<String> = owned(read);
        Delta::read(&read, owned(revoke), false, false)
    }

    #[test]
    fn granting_adds_to_what_is_granted_and_revoking_takes_from_it() {
        let before = delta(&["a=/a", "b=/b"], &[]).expect("valid").read;
        let after = delta(&["c=/c=d", "b=/new"], &["a"])
            .expect("valid")
            .apply(before);
        let expected: Folders = [("b", "/new"), ("c", "/c=d")]
            .map(|(name, path)| (name.to_owned(), PathBuf::from(path)))
            .into();
        assert_eq!(after, expected);
    }

    #[test]
    fn a_grant_that_says_nothing_or_twice_the_same_is_not_understood() {
        for (read, revoke) in [
            (&[][..], &[][..]),
            (&["sales"], &[]),
            (&["a=/a", "a=/b"], &[]),
        ] {
            let failure = delta(read, revoke).expect_err("refused");
            assert_eq!(failure.code(), std::process::ExitCode::from(2));
        }
    }

    #[test]
    fn a_name_stays_one_segment_of_a_path() {
        assert_eq!(path_of("a/../b"), "/api/v1/plugins/a%2F%2E%2E%2Fb");
    }
}
