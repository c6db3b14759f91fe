//! The files of a folder, as tables.
//!
//! Each `*.csv` directly in the folder is one table, named like the file without the extension. Types are
//! inferred by reading the whole file; what was found is kept until the file's size or time changes.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Instant, SystemTime};

use csv::{ErrorKind, Reader, ReaderBuilder, StringRecord};
use datachat_sdk::connector::types::{DbError, ErrorCode};
use datachat_sdk::error::db_error;

use crate::error;
use crate::infer::{Column, Inference, names};

/// How many rows are read between two looks at the clock.
pub const ROWS_PER_LOOK: u64 = 1024;

/// What a file was when it was looked at.
type Stamp = (u64, Option<SystemTime>);

/// The folder of a connection.
pub struct Folder {
    path: PathBuf,
    schema: String,
    delimiter: u8,
    known: HashMap<String, (Stamp, Rc<Table>)>,
}

/// A file whose columns are known.
#[derive(Debug)]
pub struct Table {
    pub schema: String,
    pub name: String,
    pub columns: Vec<Column>,
    /// Rows when it was looked at.
    pub rows: u64,
    path: PathBuf,
    delimiter: u8,
}

impl Folder {
    /// The folder at `path`; its tables are in the schema `schema`.
    ///
    /// # Errors
    /// `database-missing` when there is no such folder, or it was not granted.
    pub fn open(path: PathBuf, schema: &str, delimiter: u8) -> Result<Self, DbError> {
        let folder = Self {
            path,
            schema: schema.to_owned(),
            delimiter,
            known: HashMap::new(),
        };
        match fs::read_dir(&folder.path) {
            Ok(_) => Ok(folder),
            Err(error) => Err(db_error(
                ErrorCode::DatabaseMissing,
                format!(
                    "there is no folder {} to read: {error}",
                    folder.path.display()
                ),
            )),
        }
    }

    /// The schema that the tables are in.
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// The names of the tables, sorted.
    ///
    /// # Errors
    /// The folder can't be read.
    pub fn names(&self) -> Result<Vec<String>, DbError> {
        let failed = |error: &std::io::Error| error::io("the folder can't be read", error);
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(|error| failed(&error))? {
            let file = PathBuf::from(entry.map_err(|error| failed(&error))?.file_name());
            let is_csv = file
                .extension()
                .is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
            // A name that is not UTF-8 can't be written in a statement.
            if let (true, Some(stem)) = (is_csv, file.file_stem().and_then(|stem| stem.to_str())) {
                names.push(stem.to_owned());
            }
        }
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// The table of a name: exactly, else without regard to case if only one fits.
    ///
    /// # Errors
    /// `undefined-object`, or the file can't be read or is no CSV.
    pub fn table(
        &mut self,
        name: &str,
        deadline: Option<Instant>,
        position: Option<u32>,
    ) -> Result<Rc<Table>, DbError> {
        let names = self.names()?;
        let exact = names.iter().find(|known| *known == name);
        let mut alike = names
            .iter()
            .filter(|known| known.to_lowercase() == name.to_lowercase());
        let found = match (exact, alike.next(), alike.next()) {
            (Some(exact), ..) => exact.clone(),
            (None, Some(only), None) => only.clone(),
            (None, None, _) => {
                return Err(error::undefined(
                    format!("there is no file {name}.csv"),
                    position,
                ));
            }
            (None, Some(_), Some(_)) => {
                return Err(error::undefined(
                    format!("several files differ from {name:?} in case only; quote the name"),
                    position,
                ));
            }
        };
        self.look(found, deadline)
    }

    fn look(&mut self, name: String, deadline: Option<Instant>) -> Result<Rc<Table>, DbError> {
        let path = self.file(&name)?;
        let stamp = stamp(&path)?;
        if let Some((seen, table)) = self.known.get(&name)
            && *seen == stamp
        {
            return Ok(Rc::clone(table));
        }
        let mut reader = reader(&path, self.delimiter)?;
        let header = reader
            .headers()
            .map_err(|error| unreadable(&error))?
            .clone();
        let mut inference = Inference::new(header.len());
        let mut row = StringRecord::new();
        let mut rows = 0;
        while reader
            .read_record(&mut row)
            .map_err(|error| unreadable(&error))?
        {
            inference.see(&row);
            rows += 1;
            check_time(rows, deadline)?;
        }
        let (columns, rows) = inference.finish(names(&without_mark(header)));
        let table = Rc::new(Table {
            schema: self.schema.clone(),
            name: name.clone(),
            columns,
            rows,
            path,
            delimiter: self.delimiter,
        });
        self.known.insert(name, (stamp, Rc::clone(&table)));
        Ok(table)
    }

    /// The file of a table, whatever the case of its extension.
    fn file(&self, name: &str) -> Result<PathBuf, DbError> {
        for extension in ["csv", "CSV", "Csv"] {
            let path = self.path.join(format!("{name}.{extension}"));
            if path.exists() {
                return Ok(path);
            }
        }
        Err(error::undefined(
            format!("the file {name}.csv is gone"),
            None,
        ))
    }
}

impl Table {
    /// The rows of the file from its beginning.
    ///
    /// # Errors
    /// The file can't be opened.
    pub fn scan(&self) -> Result<Reader<File>, DbError> {
        reader(&self.path, self.delimiter)
    }
}

fn reader(path: &Path, delimiter: u8) -> Result<Reader<File>, DbError> {
    let file = File::open(path).map_err(|error| error::io("the file can't be opened", &error))?;
    Ok(ReaderBuilder::new()
        .delimiter(delimiter)
        // A call to the host costs more than copying what it brings.
        .buffer_capacity(256 * 1024)
        .from_reader(file))
}

fn stamp(path: &Path) -> Result<Stamp, DbError> {
    let metadata =
        fs::metadata(path).map_err(|error| error::io("the file can't be read", &error))?;
    Ok((metadata.len(), metadata.modified().ok()))
}

/// Some programs put a byte order mark in front.
fn without_mark(header: StringRecord) -> StringRecord {
    match header
        .get(0)
        .and_then(|first| first.strip_prefix('\u{feff}'))
    {
        Some(first) => std::iter::once(first)
            .chain(header.iter().skip(1))
            .collect(),
        None => header,
    }
}

/// Fails when the time is up; looks only now and then.
///
/// # Errors
/// `timeout`.
pub fn check_time(rows: u64, deadline: Option<Instant>) -> Result<(), DbError> {
    let looks = rows.is_multiple_of(ROWS_PER_LOOK);
    if looks && deadline.is_some_and(|deadline| Instant::now() >= deadline) {
        return Err(error::timeout());
    }
    Ok(())
}

/// What is wrong with a file, without what stands in it.
#[must_use]
pub fn unreadable(error: &csv::Error) -> DbError {
    let line = error.position().map_or_else(String::new, |position| {
        format!(" in line {}", position.line())
    });
    match error.kind() {
        ErrorKind::Io(cause) => error::io("the file can't be read", cause),
        ErrorKind::Utf8 { .. } => error::data(format!("the file is not UTF-8{line}")),
        ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => error::data(format!(
            "the file has {len} cells{line}, and {expected_len} in its header"
        )),
        _ => error::data(format!("the file is not CSV{line}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Type;

    fn folder(files: &[(&str, &[u8])]) -> (tempfile::TempDir, Folder) {
        let place = tempfile::tempdir().expect("a folder");
        for (name, content) in files {
            fs::write(place.path().join(name), content).expect("written");
        }
        let folder = Folder::open(place.path().to_owned(), "shop", b',').expect("there");
        (place, folder)
    }

    #[test]
    fn the_csv_files_are_the_tables_and_a_name_is_found_in_any_case() {
        let (_place, mut folder) = folder(&[
            ("Orders.csv", b"\xef\xbb\xbfid,note\n1,a\n"),
            ("b.CSV", b"x\n"),
            ("readme.md", b"no"),
        ]);
        assert_eq!(folder.names().expect("read"), ["Orders", "b"]);
        let table = folder.table("orders", None, None).expect("found");
        assert_eq!(table.name, "Orders");
        assert_eq!(table.columns[0].name, "id");
        assert_eq!(table.columns[0].kind, Type::Integer);
        let error = folder.table("nowhere", None, Some(15)).expect_err("none");
        assert_eq!(error.code, ErrorCode::UndefinedObject);
        assert_eq!(error.position, Some(15));
    }

    #[test]
    fn a_changed_file_is_looked_at_again() {
        let (place, mut folder) = folder(&[("t.csv", b"a\n1\n")]);
        assert_eq!(folder.table("t", None, None).expect("read").rows, 1);
        fs::write(place.path().join("t.csv"), "a\n1\nx\n").expect("written");
        let table = folder.table("t", None, None).expect("read");
        assert_eq!((table.rows, table.columns[0].kind), (2, Type::Text));
    }

    #[test]
    fn a_broken_file_is_an_error_that_names_the_line_and_no_cell() {
        for (content, message) in [
            (
                &b"a,b\n1,2\nsecret\n"[..],
                "the file has 1 cells in line 3, and 2 in its header",
            ),
            (&b"a\nse\xffcret\n"[..], "the file is not UTF-8 in line 2"),
        ] {
            let (_place, mut folder) = folder(&[("t.csv", content)]);
            let error = folder.table("t", None, None).expect_err("broken");
            assert_eq!(error.code, ErrorCode::DataException);
            assert_eq!(error.message, message);
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_a_missing_database() {
        let error = Folder::open(PathBuf::from("/nowhere/at/all"), "x", b',').map(drop);
        assert_eq!(error.expect_err("none").code, ErrorCode::DatabaseMissing);
    }
}
