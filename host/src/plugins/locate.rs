//! Where components are found.
//!
//! A release that was built with the feature `embed-plugins` carries the shipped ones in the binary. Otherwise they
//! are looked up beside it: the nearest folder `plugins` with `.wasm` files above the executable, which is
//! the target folder in development (`target/debug/datachat` → `target/plugins`). An operator's own lie in
//! `<data_dir>/plugins`, read after the shipped ones.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

/// One component, not yet judged.
pub(crate) struct Found {
    /// The name of its file, without the extension.
    pub(crate) name: String,
    /// For messages.
    pub(crate) origin: String,
    /// It came with the server.
    pub(crate) shipped: bool,
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
    /// The shipped ones, from the binary or from beside it.
    #[default]
    Shipped,
    /// These files and nothing else.
    Files(Vec<PathBuf>),
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
            shipped: false,
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

/// All components, the shipped ones first, each group by name.
pub(crate) fn find(components: &Components, data_dir: &Path, extra: &[PathBuf]) -> Vec<Found> {
    let mut found: Vec<Found> = match components {
        Components::Files(files) => return files.iter().cloned().map(Found::file).collect(),
        Components::Shipped => shipped(),
    };
    found.extend(in_folder(&data_dir.join("plugins")));
    for folder in extra {
        found.extend(in_folder(folder));
    }
    found
}

#[cfg(feature = "embed-plugins")]
fn shipped() -> Vec<Found> {
    EMBEDDED
        .iter()
        .map(|(name, bytes)| Found {
            name: (*name).to_owned(),
            origin: format!("{name}.wasm in this program"),
            shipped: true,
            content: Content::Embedded(bytes),
        })
        .collect()
}

#[cfg(not(feature = "embed-plugins"))]
fn shipped() -> Vec<Found> {
    let Ok(program) = std::env::current_exe() else {
        return Vec::new();
    };
    let mut found = program
        .ancestors()
        .skip(1)
        .map(|folder| in_folder(&folder.join("plugins")))
        .find(|found| !found.is_empty())
        .unwrap_or_default();
    for component in &mut found {
        component.shipped = true;
    }
    found
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
