//! `datachat dp export`
//!
//! Files are laid out so that a sync with the scope `auto` reads the same back: `<tier>/<scope>/<id>.json`, and each
//! names its scope. Nothing that is there already is written over.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;
use uuid::Uuid;

use super::Selection;
use crate::cli::failure::Failure;
use crate::cli::output::Printer;
use crate::cli::server::Server;
use crate::knowledge::{Scope, Tier, datapoint};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// A folder that is empty, or not there yet
    #[arg(long, value_name = "DIR")]
    datapoints_dir: PathBuf,

    #[command(flatten)]
    selection: Selection,
}

pub async fn run(server: &Server, args: Args, printer: Printer) -> Result<(), Failure> {
    let folder = &args.datapoints_dir;
    fs::create_dir_all(folder).map_err(|error| at(folder, &error))?;
    let mut entries = fs::read_dir(folder).map_err(|error| at(folder, &error))?;
    if entries.next().is_some() {
        return Err(Failure::new(format!("{} is not empty", folder.display()))
            .hint("A folder of its own keeps what is exported apart from what was there."));
    }
    let all = args.selection.all(server, &[("bodies", "true")]).await?;
    for entry in &all {
        let (path, text) = file(entry).ok_or_else(|| {
            Failure::new("the server gave a DataPoint that this version can't read")
        })?;
        write(&folder.join(path), &text)?;
    }
    let shown = folder.display();
    printer.say(&format!("{} DataPoint(s) are in {shown}.", all.len()))?;
    Ok(())
}

/// The relative path and the text of the file for an entry of a list.
fn file(entry: &Value) -> Option<(PathBuf, String)> {
    let tier = Tier::from_name(entry["source_tier"].as_str()?)?;
    let scope = match (entry["scope"].as_str()?, entry["connection_id"].as_str()) {
        ("global", None) => Scope::Global,
        ("unscoped", None) => Scope::Unscoped,
        ("connection", Some(id)) => Scope::Connection(Uuid::try_parse(id).ok()?),
        _ => return None,
    };
    // Read, so that its id is surely one and no path.
    let mut point = datapoint::read(&entry["datapoint"].to_string()).ok()?;
    if Scope::named_in(&point.metadata) == Ok(Scope::Unscoped) {
        scope.write_into(&mut point.metadata);
    }
    let of = match scope {
        Scope::Connection(id) => format!("connection-{id}"),
        Scope::Global | Scope::Unscoped => scope.to_string(),
    };
    let path = PathBuf::from(tier.name())
        .join(of)
        .join(format!("{}.json", point.id));
    let mut text = serde_json::to_string_pretty(&point.to_json()).ok()?;
    text.push('\n');
    Some((path, text))
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| at(folder, &error))?;
    }
    let file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| {
        if error.kind() == ErrorKind::AlreadyExists {
            Failure::new(format!("{} is there already", path.display()))
        } else {
            at(path, &error)
        }
    })
}

fn at(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(id: &str, scope: &str, connection: Option<&str>) -> Value {
        json!({
            "source_tier": "user",
            "scope": scope,
            "connection_id": connection,
            "datapoint": {
                "datapoint_id": id,
                "type": "Business",
                "name": "Revenue",
                "owner": "a@example.com",
                "metadata": {},
                "calculation": "SUM(a)",
            },
        })
    }

    #[test]
    fn a_file_says_whose_its_datapoint_is() {
        let id = "00000000-0000-0000-0000-00000000000a";
        let (path, text) = file(&entry("metric_a", "connection", Some(id))).expect("a file");
        let expected = format!("user/connection-{id}/metric_a.json");
        assert_eq!(path, Path::new(&expected));
        let read = datapoint::read(&text).expect("right");
        assert_eq!(read.metadata["connection_id"], id);
        let (path, text) = file(&entry("metric_a", "global", None)).expect("a file");
        assert_eq!(path, Path::new("user/global/metric_a.json"));
        let read = datapoint::read(&text).expect("right");
        assert_eq!(Scope::named_in(&read.metadata), Ok(Scope::Global));
    }

    #[test]
    fn an_id_that_is_a_path_is_no_file() {
        for id in ["../../etc/passwd", "a/b_c", "."] {
            assert_eq!(file(&entry(id, "global", None)), None, "{id}");
        }
        assert_eq!(file(&entry("metric_a", "connection", Some("../x"))), None);
    }
}
