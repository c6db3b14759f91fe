//! Sets of questions with gold statements, in the formats in which others publish theirs, from a folder of the user's.
//!
//! Nothing of such a set is kept here: its questions are read where they lie ([`read`]), its databases are copied one
//! after the other into a PostgreSQL that is thrown away ([`copy`], [`run`]). Whatever is wrong with a set is told with
//! file and line.

pub mod copy;
mod gold;
mod json;
pub mod run;
mod sql_eval;

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};

/// How a set is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `dev.json`, `tables.json`, `database/<id>/<id>.sqlite`.
    Spider,
    /// `dev.json` with evidence, `dev_databases/<id>/<id>.sqlite`.
    Bird,
    /// `questions_gen_postgres.csv`, databases as dumps of PostgreSQL.
    SqlEval,
}

impl Format {
    pub const ALL: [Self; 3] = [Self::Spider, Self::Bird, Self::SqlEval];

    pub fn name(self) -> &'static str {
        match self {
            Self::Spider => "spider",
            Self::Bird => "bird",
            Self::SqlEval => "sql-eval",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// What the files of a folder say.
    ///
    /// # Errors
    /// When they say nothing.
    pub fn of(folder: &Path) -> Result<Self> {
        if sql_eval::questions(folder).is_some() {
            return Ok(Self::SqlEval);
        }
        if folder.join("dev.json").is_file() {
            if folder.join("dev_databases").is_dir() {
                return Ok(Self::Bird);
            }
            if folder.join("database").is_dir() {
                return Ok(Self::Spider);
            }
        }
        bail!(
            "{} is no set that is known: it has neither dev.json beside `database` (spider) or `dev_databases` (bird) \
             nor questions_gen_postgres.csv (sql-eval); `--format` names the format",
            folder.display()
        )
    }
}

/// A place in a file of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Relative to the set's folder.
    pub file: PathBuf,
    /// From 1.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

/// One question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    pub place: Place,
    pub database: String,
    pub text: String,
    /// What the set tells beside the question.
    pub evidence: Option<String>,
    /// Statements of which any gives the right rows.
    pub gold: Vec<String>,
    /// Whether the order of rows counts.
    pub ordered: bool,
}

/// A set.
#[derive(Debug, Clone)]
pub struct Set {
    pub folder: PathBuf,
    pub format: Format,
    pub questions: Vec<Question>,
}

/// Where a database of a set is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    Sqlite(PathBuf),
    Dump(PathBuf),
}

/// Reads the questions of a set, in the order of the file.
///
/// # Errors
/// With file and line, when the set is none, or a database that it asks about is not there.
pub fn read(folder: &Path, format: Option<Format>) -> Result<Set> {
    ensure!(folder.is_dir(), "there is no folder {}", folder.display());
    let format = match format {
        Some(format) => format,
        None => Format::of(folder)?,
    };
    let questions = match format {
        Format::Spider => json::questions(folder, "query", None)?,
        Format::Bird => json::questions(folder, "SQL", Some("evidence"))?,
        Format::SqlEval => sql_eval::read(folder)?,
    };
    ensure!(!questions.is_empty(), "the set has no questions");
    let set = Set {
        folder: folder.to_owned(),
        format,
        questions,
    };
    for question in &set.questions {
        set.source(question)?;
    }
    Ok(set)
}

impl Set {
    /// The database that a question is about.
    ///
    /// # Errors
    /// With file and line of the question, when it is not there.
    pub fn source(&self, question: &Question) -> Result<Source> {
        let (name, place) = (&question.database, &question.place);
        let is_name = !name.is_empty()
            && name
                .chars()
                .all(|char| char.is_alphanumeric() || matches!(char, '_' | '-' | ' '));
        ensure!(is_name, "{place}: {name:?} can't be the name of a database");
        let candidates: Vec<PathBuf> = match self.format {
            Format::Spider => vec![format!("database/{name}/{name}.sqlite").into()],
            Format::Bird => vec![format!("dev_databases/{name}/{name}.sqlite").into()],
            Format::SqlEval => sql_eval::dumps(name),
        };
        let found = candidates
            .iter()
            .map(|path| self.folder.join(path))
            .find(|path| path.is_file());
        match found {
            Some(path) if self.format == Format::SqlEval => Ok(Source::Dump(path)),
            Some(path) => Ok(Source::Sqlite(path)),
            None => {
                let shown: Vec<String> = candidates
                    .iter()
                    .map(|path| path.display().to_string())
                    .collect();
                bail!("{place}: there is no {}", shown.join(" or "))
            }
        }
    }

    /// The foreign keys of a database that the set declares outside of it.
    ///
    /// # Errors
    /// With the file, when it can't be read.
    pub fn keys(&self, database: &str) -> Result<Vec<copy::ForeignKey>> {
        let file = match self.format {
            Format::Spider => "tables.json",
            Format::Bird => "dev_tables.json",
            Format::SqlEval => return Ok(Vec::new()),
        };
        json::keys(&self.folder, file, database)
    }
}
