//! The files of a folder, read whole, or all that keeps them from being read.
//!
//! Every `.json` file counts, in subfolders too; what is hidden (`.git`) does not, nor do files of other kinds.
//! A link is followed to a file that lies in the same folder, as container platforms mount them, and to nothing
//! else. Sizes and numbers are bounded before anything is kept in memory. A file that can't be read is never
//! passed over: a sync would take it for deleted.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::finding::Finding;
use super::tier::Tier;
use crate::limits::Limits;

/// A file's text, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Relative to the folder, with `/`.
    pub path: String,
    pub tier: Tier,
    pub text: String,
}

/// What could be read of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Sorted by path.
    pub files: Vec<SourceFile>,
    /// Everything that is wrong with any of the others.
    pub findings: Vec<Finding>,
    /// Whether every file is among the files or the findings: a folder that can't be read, or is larger than may
    /// be, says nothing of what is not there.
    pub is_whole: bool,
}

/// Reads a folder; files come sorted by path.
///
/// # Errors
/// Everything that is wrong with the folder or any of its files.
pub fn read(folder: &Path, limits: &Limits) -> Result<Vec<SourceFile>, Vec<Finding>> {
    let reading = read_what_is_good(folder, limits);
    if reading.findings.is_empty() {
        Ok(reading.files)
    } else {
        Err(reading.findings)
    }
}

/// Reads what can be read of a folder.
pub fn read_what_is_good(folder: &Path, limits: &Limits) -> Reading {
    let unreadable = |message: String| Reading {
        files: Vec::new(),
        findings: vec![Finding::error("folder", None, message)],
        is_whole: false,
    };
    let root = match fs::canonicalize(folder) {
        Ok(root) if root.is_dir() => root,
        Ok(_) => return unreadable(format!("{} is no folder", folder.display())),
        Err(error) => {
            let shown = folder.display();
            return unreadable(format!("the folder {shown} can't be read: {error}"));
        }
    };
    let mut reader = Reader {
        root: &root,
        limits,
        files: Vec::new(),
        findings: Vec::new(),
        entries: 0,
        bytes: 0,
        hides: false,
    };
    let mut is_whole = reader.folder(&root);
    let Reader {
        mut files,
        findings,
        hides,
        ..
    } = reader;
    is_whole &= !hides;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Reading {
        files,
        findings,
        is_whole,
    }
}

struct Reader<'a> {
    /// Without links.
    root: &'a Path,
    limits: &'a Limits,
    files: Vec<SourceFile>,
    findings: Vec<Finding>,
    entries: u64,
    bytes: u64,
    /// Whether a folder could not be read, so that nobody knows what is in it.
    hides: bool,
}

/// Why a file is not read.
enum Unreadable {
    Io(io::Error),
    TooLarge,
    /// All files together.
    TooMuch,
    NotText {
        line: usize,
    },
    /// A pipe, a device.
    NoFile,
}

impl Reader<'_> {
    /// Reads a folder and those below it; false when a limit is reached and nothing more is to be read.
    fn folder(&mut self, folder: &Path) -> bool {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                self.refuse(folder, &Unreadable::Io(error));
                self.hides = true;
                return true;
            }
        };
        for entry in entries {
            self.entries += 1;
            if self.entries > self.limits.sync_files {
                let limit = self.limits.sync_files;
                let message = format!("the folder has more than {limit} entries (sync_files)");
                let remedy = "sync its subfolders one by one, or raise DATACHAT_SYNC_FILES";
                self.findings
                    .push(Finding::error("too_many_files", None, message).remedy(remedy));
                return false;
            }
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    self.refuse(folder, &Unreadable::Io(error));
                    self.hides = true;
                    continue;
                }
            };
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_symlink() => self.link(&path),
                Ok(kind) if kind.is_dir() => {
                    if !self.folder(&path) {
                        return false;
                    }
                }
                Ok(_) if is_json(&path) => self.file(&path, &path),
                Ok(_) => {}
                Err(error) => self.refuse(&path, &Unreadable::Io(error)),
            }
            if self.bytes > self.limits.sync_bytes {
                return false;
            }
        }
        true
    }

    fn link(&mut self, link: &Path) {
        match fs::canonicalize(link) {
            Ok(target) if !target.starts_with(self.root) => {
                if target.is_dir() || is_json(link) {
                    let remedy = "put the file itself into the folder";
                    let message = "is a link that leads out of the folder";
                    let path = self.shown(link);
                    self.findings
                        .push(Finding::error("link", Some(&path), message).remedy(remedy));
                }
            }
            Ok(target) if target.is_dir() => {
                let remedy = "remove it; the files are read where they are";
                let path = self.shown(link);
                self.findings.push(
                    Finding::error("link", Some(&path), "is a link to a folder").remedy(remedy),
                );
            }
            Ok(target) if is_json(link) => self.file(link, &target),
            Ok(_) => {}
            Err(error) => self.refuse(link, &Unreadable::Io(error)),
        }
    }

    /// Reads a file that is shown as `path` and lies at `place`.
    fn file(&mut self, path: &Path, place: &Path) {
        match self.text(place) {
            Ok(text) => {
                let relative = path.strip_prefix(self.root).unwrap_or(path);
                let file = SourceFile {
                    path: self.shown(path),
                    tier: Tier::of(self.root, relative),
                    text,
                };
                self.files.push(file);
            }
            Err(unreadable) => self.refuse(path, &unreadable),
        }
    }

    fn text(&mut self, place: &Path) -> Result<String, Unreadable> {
        // Opening a pipe would wait for somebody to write.
        if !fs::metadata(place).map_err(Unreadable::Io)?.is_file() {
            return Err(Unreadable::NoFile);
        }
        let file = fs::File::open(place).map_err(Unreadable::Io)?;
        let most = self.limits.datapoint_bytes;
        let mut bytes = Vec::new();
        file.take(most.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(Unreadable::Io)?;
        if bytes.len() as u64 > most {
            return Err(Unreadable::TooLarge);
        }
        self.bytes += bytes.len() as u64;
        if self.bytes > self.limits.sync_bytes {
            return Err(Unreadable::TooMuch);
        }
        // Some editors begin a file with a byte order mark.
        let start = if bytes.starts_with(b"\xEF\xBB\xBF") {
            3
        } else {
            0
        };
        match std::str::from_utf8(&bytes[start..]) {
            Ok(text) => Ok(text.to_owned()),
            Err(error) => {
                let before = &bytes[..start + error.valid_up_to()];
                let line = before.split(|byte| *byte == b'\n').count();
                Err(Unreadable::NotText { line })
            }
        }
    }

    fn refuse(&mut self, path: &Path, unreadable: &Unreadable) {
        let path = self.shown(path);
        let path = Some(path.as_str());
        let limits = self.limits;
        let finding = match unreadable {
            Unreadable::Io(error) if error.kind() == io::ErrorKind::NotFound => Finding::error(
                "vanished",
                path,
                "was listed in the folder and is not there",
            )
            .remedy(
                "run the sync again when nobody changes the folder; a link must lead somewhere",
            ),
            Unreadable::Io(error) => {
                Finding::error("unreadable", path, format!("can't be read: {error}"))
            }
            Unreadable::TooLarge => {
                let most = limits.datapoint_bytes;
                let message = format!("is larger than {most} bytes (datapoint_bytes)");
                Finding::error("too_large", path, message).remedy(
                    "a DataPoint is a description, not data; DATACHAT_DATAPOINT_BYTES allows more",
                )
            }
            Unreadable::TooMuch => {
                let most = limits.sync_bytes;
                let message =
                    format!("is where the files come to more than {most} bytes (sync_bytes)");
                Finding::error("too_large", path, message)
                    .remedy("sync subfolders one by one, or raise DATACHAT_SYNC_BYTES")
            }
            Unreadable::NotText { line } => Finding {
                line: Some(*line),
                ..Finding::error("invalid_utf8", path, "is not UTF-8").remedy("save it as UTF-8")
            },
            Unreadable::NoFile => Finding::error("no_file", path, "is neither a file nor a folder"),
        };
        self.findings.push(finding);
    }

    fn shown(&self, path: &Path) -> String {
        let relative = path.strip_prefix(self.root).unwrap_or(path);
        let shown: PathBuf = relative.components().collect();
        shown.to_string_lossy().into_owned()
    }
}

fn is_json(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("json"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for (path, bytes) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            fs::write(path, bytes).expect("written");
        }
        folder
    }

    fn codes(folder: &Path, limits: &Limits) -> Vec<(String, Option<String>)> {
        let findings = read(folder, limits).expect_err("refused");
        let mut codes: Vec<_> = findings
            .into_iter()
            .map(|finding| (finding.code, finding.path))
            .collect();
        codes.sort();
        codes
    }

    fn code(code: &str, path: &str) -> (String, Option<String>) {
        (code.to_owned(), Some(path.to_owned()))
    }

    #[test]
    fn every_json_file_is_read_wherever_it_lies_and_nothing_else() {
        let folder = folder(&[
            ("b.json", b"1"),
            ("a/deep/er/x.JSON", b"\xEF\xBB\xBF2"),
            ("managed/c.json", "ä".as_bytes()),
            ("README.md", b"\xFF"),
            (".git/d.json", b"\xFF"),
            (".hidden.json", b"\xFF"),
        ]);
        let files = read(folder.path(), &Limits::default()).expect("read");
        let read: Vec<_> = files
            .iter()
            .map(|file| (file.path.as_str(), file.tier, file.text.as_str()))
            .collect();
        let expected = [
            ("a/deep/er/x.JSON", Tier::Custom, "2"),
            ("b.json", Tier::Custom, "1"),
            ("managed/c.json", Tier::Managed, "ä"),
        ];
        assert_eq!(read, expected);
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let folder = folder(&[
            ("fine.json", b"1"),
            ("latin.json", b"{\n\"a\": \"\xE4\"}"),
            ("large.json", &[b' '; 200]),
        ]);
        symlink("/etc/hostname", folder.path().join("out.json")).expect("linked");
        symlink("nowhere.json", folder.path().join("dangling.json")).expect("linked");
        symlink("/etc", folder.path().join("etc")).expect("linked");
        let limits = Limits {
            datapoint_bytes: 100,
            ..Limits::default()
        };
        let expected = [
            code("invalid_utf8", "latin.json"),
            code("link", "etc"),
            code("link", "out.json"),
            code("too_large", "large.json"),
            code("vanished", "dangling.json"),
        ];
        assert_eq!(codes(folder.path(), &limits), expected);
        let findings = read(folder.path(), &limits).expect_err("refused");
        let latin = findings
            .iter()
            .find(|finding| finding.code == "invalid_utf8");
        assert_eq!(latin.and_then(|finding| finding.line), Some(2));
    }

    #[test]
    fn a_link_within_the_folder_is_followed_as_containers_mount_files() {
        let folder = folder(&[("..2026_01/a.json", b"1")]);
        symlink("..2026_01", folder.path().join("..data")).expect("linked");
        symlink("..data/a.json", folder.path().join("a.json")).expect("linked");
        let files = read(folder.path(), &Limits::default()).expect("read");
        assert_eq!(files.len(), 1);
        assert_eq!(
            (files[0].path.as_str(), files[0].text.as_str()),
            ("a.json", "1")
        );
    }

    #[test]
    fn a_link_to_a_folder_is_no_way_round_in_circles() {
        let folder = folder(&[("a/b.json", b"1")]);
        symlink("..", folder.path().join("a/up")).expect("linked");
        assert_eq!(
            codes(folder.path(), &Limits::default()),
            [code("link", "a/up")]
        );
    }

    #[test]
    fn the_number_of_files_and_their_bytes_are_bounded() {
        let folder = folder(&[("a.json", b"12"), ("b.json", b"12"), ("c.json", b"12")]);
        let few = Limits {
            sync_files: 2,
            ..Limits::default()
        };
        assert_eq!(
            codes(folder.path(), &few),
            [("too_many_files".to_owned(), None)]
        );
        let little = Limits {
            sync_bytes: 3,
            ..Limits::default()
        };
        let found = codes(folder.path(), &little);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, "too_large");
    }

    #[test]
    fn a_folder_that_is_none_is_refused() {
        let folder = folder(&[("a.json", b"1")]);
        for path in ["missing", "a.json"] {
            let found = codes(&folder.path().join(path), &Limits::default());
            assert_eq!(found, [("folder".to_owned(), None)]);
        }
    }
}
