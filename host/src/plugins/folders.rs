//! Folders of the server that an operator lets a plugin read, each under a name.
//!
//! A connector without a network reads files, and only from folders that were granted to it by name. The name
//! is the host of its URLs (`csv://sales`), so it is what a host name can be and never looks like an address.
//! Paths are kept as they are on the disk, without symbolic links, so that nobody redirects a grant later.
//! What is inside stays contained by the runtime: links that lead out are not followed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Granted folders by name.
pub type Folders = BTreeMap<String, PathBuf>;

/// One granted folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Folder {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

/// Why a folder can't be granted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FolderError {
    #[error(
        "{name:?} can't name a folder: it is the host of URLs, so a letter and then letters, digits, - and _, \
         all lower case"
    )]
    Name { name: String },
    #[error("the path of the folder {name} is not absolute")]
    Relative { name: String },
    #[error("the path of the folder {name} can't be used: {problem}")]
    Path { name: String, problem: String },
    #[error("the path of the folder {name} is not a folder")]
    NotFolder { name: String },
    #[error("the folder {name} has the server's own data folder in it, or lies in it")]
    Own { name: String },
}

/// Checks what is to be granted, and gives it with real paths. `own` is the server's data folder, which holds
/// keys.
///
/// # Errors
/// The first folder that can't be granted.
pub(crate) fn check(wanted: &Folders, own: &Path) -> Result<Folders, FolderError> {
    let own = own.canonicalize().unwrap_or_else(|_| own.to_owned());
    let check_one = |(name, path): (&String, &PathBuf)| {
        let name = name.clone();
        if !is_folder_name(&name) {
            return Err(FolderError::Name { name });
        }
        if !path.is_absolute() {
            return Err(FolderError::Relative { name });
        }
        let real = match path.canonicalize() {
            Ok(real) => real,
            Err(error) => {
                let problem = error.to_string();
                return Err(FolderError::Path { name, problem });
            }
        };
        if !real.is_dir() {
            return Err(FolderError::NotFolder { name });
        }
        if own.starts_with(&real) || real.starts_with(&own) {
            return Err(FolderError::Own { name });
        }
        Ok((name, real))
    };
    wanted.iter().map(check_one).collect()
}

/// What stays the same when a URL's host is read from it.
fn is_folder_name(name: &str) -> bool {
    super::loader::is_name(name, &['-', '_']) && !name.starts_with("xn--")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folders(entries: &[(&str, &Path)]) -> Folders {
        entries
            .iter()
            .map(|(name, path)| ((*name).to_owned(), (*path).to_owned()))
            .collect()
    }

    #[test]
    fn a_folder_is_granted_under_its_real_path() {
        let place = tempfile::tempdir().expect("a folder");
        let real = place.path().canonicalize().expect("a path").join("sales");
        std::fs::create_dir(&real).expect("made");
        let link = place.path().join("link");
        std::os::unix::fs::symlink(&real, &link).expect("linked");
        let own = Path::new("/no/data/here");
        assert_eq!(
            check(&folders(&[("sales", &link)]), own),
            Ok(folders(&[("sales", &real)]))
        );
    }

    #[test]
    fn what_is_no_folder_or_holds_the_servers_keys_is_refused() {
        let place = tempfile::tempdir().expect("a folder");
        let data = place.path().join("data");
        std::fs::create_dir_all(data.join("plugins")).expect("made");
        let file = place.path().join("file");
        std::fs::write(&file, "").expect("written");
        let refused = |name: &str, path: &Path| {
            check(&folders(&[(name, path)]), &data)
                .expect_err("refused")
                .to_string()
        };
        assert!(refused("x", Path::new("relative")).contains("not absolute"));
        assert!(refused("x", &file).contains("not a folder"));
        assert!(refused("x", &place.path().join("gone")).contains("can't be used"));
        for own in [place.path(), &data, &data.join("plugins"), Path::new("/")] {
            assert!(refused("x", own).contains("own data folder"), "{own:?}");
        }
        for name in [
            "", "Sales", "10", "1.2.3.4", "a.b", "a/b", "xn--a", "ä", "a b",
        ] {
            assert!(
                refused(name, place.path()).contains("can't name a folder"),
                "{name}"
            );
        }
    }
}
