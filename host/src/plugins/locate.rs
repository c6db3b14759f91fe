//! Where the components are found that come with the server.
//!
//! A release that was built with the feature `embed-plugins` carries them in the binary. Otherwise they are looked
//! up beside it: the nearest folder `plugins` with `.wasm` files above the executable, which is the target
//! folder in development (`target/debug/datachat` → `target/plugins`). They are a part of the program and are
//! trusted like it; what an operator installs is [`super::shelf`]'s.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

use super::folders::Folders;

/// One component, not yet judged.
pub(crate) struct Found {
    /// The name of its file, without the extension.
    pub(crate) name: String,
    /// For messages.
    pub(crate) origin: String,
    content: Content,
}

enum Content {
    #[cfg_attr(not(feature = "embed-plugins"), allow(dead_code))]
    Embedded(&'static [u8]),
    File(PathBuf),
}

/// Which components the server starts with.
#[derive(Debug, Clone, Default)]
pub enum Components {
    /// The shipped ones, from the binary or from beside it, and what is installed in the data folder.
    #[default]
    Shipped,
    /// These files and nothing else, as if somebody had installed them.
    Files(Vec<PathBuf>),
    /// This file and nothing else, with these folders: to try a component out.
    Trial { file: PathBuf, folders: Folders },
}

#[cfg(feature = "embed-plugins")]
include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

impl Found {
    fn file(path: PathBuf) -> Self {
        Self {
            name: path
                .file_stem()
                .map(|stem| stem.to_string_lossy().into_owned())
                .unwrap_or_default(),
            origin: path.display().to_string(),
            content: Content::File(path),
        }
    }

    /// The bytes; of a file not more than one beyond `max`.
    pub(crate) fn read(&self, max: u64) -> io::Result<Cow<'static, [u8]>> {
        match &self.content {
            Content::Embedded(bytes) => Ok(Cow::Borrowed(bytes)),
            Content::File(path) => {
                let mut bytes = Vec::new();
                let file = std::fs::File::open(path)?;
                io::Read::read_to_end(
                    &mut io::Read::take(file, max.saturating_add(1)),
                    &mut bytes,
                )?;
                Ok(Cow::Owned(bytes))
            }
        }
    }
}

/// The components that the server starts with, by name; what is installed comes later.
pub(crate) fn find(components: &Components) -> Vec<Found> {
    match components {
        Components::Files(files) => files.iter().cloned().map(Found::file).collect(),
        Components::Trial { file, .. } => vec![Found::file(file.clone())],
        Components::Shipped => shipped(),
    }
}

#[cfg(feature = "embed-plugins")]
fn shipped() -> Vec<Found> {
    EMBEDDED
        .iter()
        .map(|(name, bytes)| Found {
            name: (*name).to_owned(),
            origin: format!("{name}.wasm in this program"),
            content: Content::Embedded(bytes),
        })
        .collect()
}

#[cfg(not(feature = "embed-plugins"))]
fn shipped() -> Vec<Found> {
    let Ok(program) = std::env::current_exe() else {
        return Vec::new();
    };
    program
        .ancestors()
        .skip(1)
        .map(|folder| in_folder(&folder.join("plugins")))
        .find(|found| !found.is_empty())
        .unwrap_or_default()
}

fn in_folder(folder: &Path) -> Vec<Found> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "wasm"))
        .collect();
    files.sort();
    files.into_iter().map(Found::file).collect()
}
