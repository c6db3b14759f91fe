//! What is remembered of installed plugins: `<data_dir>/plugins/installed.json`.
//!
//! One entry a plugin: which bytes were installed under its name, when, and what it was granted. What an entry
//! says is checked when it is read, because people edit files; one that can't be right makes the whole record
//! unreadable, for the next write would lose it. Reading and writing the file is [`super::shelf`]'s.

use std::path::Path;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::folders::Folders;
use super::loader::is_name;

/// The form that this server writes.
const VERSION: u32 = 1;

/// All entries, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    version: u32,
    pub(crate) plugins: Vec<Recorded>,
}

/// One installed plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recorded {
    pub(crate) name: String,
    /// The name of its file, beside the record.
    pub(crate) file: String,
    /// `sha256:` and 64 hex digits.
    pub(crate) digest: String,
    pub(crate) installed_at: DateTime<Utc>,
    /// The id of the trusted key that had signed it then.
    pub(crate) signer: Option<String>,
    /// What it may read.
    pub(crate) folders: Folders,
    /// Whether it is loaded.
    pub(crate) enabled: bool,
}

impl Default for Record {
    fn default() -> Self {
        Self {
            version: VERSION,
            plugins: Vec::new(),
        }
    }
}

impl Record {
    /// Reads the text of the file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let record: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if record.version != VERSION {
            return Err(format!(
                "it has the form {}, this server knows {VERSION}",
                record.version
            ));
        }
        for (at, plugin) in record.plugins.iter().enumerate() {
            let Recorded { name, file, .. } = plugin;
            if !is_name(name, &['-', '_']) {
                return Err(format!("{name:?} can't name a plugin"));
            }
            if !is_file(file) {
                return Err(format!("{file:?} can't be a plugin's file"));
            }
            let others = &record.plugins[..at];
            if others.iter().any(|o| o.name == *name || o.file == *file) {
                return Err(format!("{name} or its file is there twice"));
            }
        }
        Ok(record)
    }

    /// The text of the file.
    pub(crate) fn text(&self) -> String {
        // Strings, numbers and maps of strings: nothing that JSON lacks.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    pub(crate) fn named(&self, name: &str) -> Option<&Recorded> {
        self.plugins.iter().find(|plugin| plugin.name == name)
    }

    pub(crate) fn named_mut(&mut self, name: &str) -> Option<&mut Recorded> {
        self.plugins.iter_mut().find(|plugin| plugin.name == name)
    }

    pub(crate) fn of_file(&self, file: &str) -> Option<&Recorded> {
        self.plugins.iter().find(|plugin| plugin.file == file)
    }

    /// Puts an entry in the place of the one of its name, and gives that.
    pub(crate) fn put(&mut self, new: Recorded) -> Option<Recorded> {
        let old = self.take(&new.name);
        self.plugins.push(new);
        self.plugins.sort_by(|a, b| a.name.cmp(&b.name));
        old
    }

    /// Takes an entry out.
    pub(crate) fn take(&mut self, name: &str) -> Option<Recorded> {
        let at = self.plugins.iter().position(|plugin| plugin.name == name)?;
        Some(self.plugins.remove(at))
    }
}

/// A plain file name that ends in `.wasm`.
pub(crate) fn is_file(name: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|extension| extension == "wasm")
        && !name.starts_with('.')
        && !name.contains(['/', '\\', '\0'])
}

/// The file that a plugin is stored in: another one for other bytes, so that an upgrade never changes a file.
pub(crate) fn file_name(name: &str, digest: &str) -> String {
    let hex = digest.strip_prefix("sha256:").unwrap_or(digest);
    format!("{name}-{}.wasm", hex.get(..16).unwrap_or(hex))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn recorded(name: &str, digest: &str) -> Recorded {
        Recorded {
            name: name.to_owned(),
            file: file_name(name, digest),
            digest: digest.to_owned(),
            installed_at: DateTime::UNIX_EPOCH,
            signer: None,
            folders: Folders::new(),
            enabled: true,
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut record = Record::default();
        assert_eq!(record.put(recorded("csv", "sha256:ab")), None);
        let mut second = recorded("adbc", "sha256:cd");
        second.folders.insert("sales".to_owned(), "/srv/s".into());
        second.signer = Some("EEB0D8FF3A231A73".to_owned());
        record.put(second);
        assert_eq!(Record::parse(&record.text()), Ok(record.clone()));
        let old = record.put(recorded("csv", "sha256:ef"));
        assert_eq!(old, Some(recorded("csv", "sha256:ab")));
        assert_eq!(record.plugins.len(), 2);
    }

    #[test]
    fn a_record_that_leads_out_of_its_folder_or_contradicts_itself_is_refused() {
        let text = |change: fn(&mut Record)| {
            let mut record = Record::default();
            record.put(recorded("csv", "sha256:ab"));
            change(&mut record);
            record.text()
        };
        for bad in [
            text(|record| record.version = 2),
            text(|record| record.plugins[0].name = "../csv".to_owned()),
            text(|record| record.plugins[0].file = "../csv.wasm".to_owned()),
            text(|record| record.plugins[0].file = "/etc/passwd".to_owned()),
            text(|record| record.plugins[0].file = ".csv.wasm".to_owned()),
            text(|record| record.plugins.push(record.plugins[0].clone())),
            text(|_| ()).replace("\"enabled\"", "\"eanbled\""),
            "[]".to_owned(),
            String::new(),
        ] {
            assert!(Record::parse(&bad).is_err(), "{bad}");
        }
    }
}
