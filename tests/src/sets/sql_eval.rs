//! defog's sql-eval: a table of questions, and databases as dumps of PostgreSQL.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};

use super::{Place, Question, gold};

/// Where the questions may be.
const QUESTIONS: [&str; 4] = [
    "questions_gen_postgres.csv",
    "questions_gen.csv",
    "data/questions_gen_postgres.csv",
    "data/questions_gen.csv",
];

/// The file of questions, relative to the folder.
pub fn questions(folder: &Path) -> Option<&'static str> {
    QUESTIONS
        .into_iter()
        .find(|file| folder.join(file).is_file())
}

/// Where the dump of a database may be, relative to the folder.
pub fn dumps(name: &str) -> Vec<PathBuf> {
    let places = [
        format!("data/export/{name}.sql"),
        format!("defog_data/{name}/{name}.sql"),
        format!("{name}/{name}.sql"),
        format!("{name}.sql"),
    ];
    places.into_iter().map(PathBuf::from).collect()
}

/// Reads the questions.
pub fn read(folder: &Path) -> Result<Vec<Question>> {
    let file = questions(folder).with_context(|| format!("there is no {}", QUESTIONS[0]))?;
    let mut reader = csv::Reader::from_path(folder.join(file))
        .with_context(|| format!("{file} can't be read"))?;
    let head = reader.headers().with_context(|| format!("{file}:1"))?;
    let column = |name: &str| {
        let found = head.iter().position(|column| column.trim() == name);
        found.with_context(|| format!("{file}:1: there is no column `{name}`"))
    };
    let (question, query, database) = (column("question")?, column("query")?, column("db_name")?);
    let hint = column("instructions").ok();
    let mut all = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| {
            let line = error.position().map_or(0, csv::Position::line);
            anyhow!("{file}:{line}: {error}")
        })?;
        let line = record.position().map_or(0, csv::Position::line);
        let place = Place {
            file: file.into(),
            line: usize::try_from(line)?,
        };
        let cell = |at: usize, name: &str| {
            let text = record.get(at).map(str::trim).unwrap_or_default();
            if text.is_empty() {
                return Err(anyhow!("{place}: `{name}` is empty"));
            }
            Ok(text.to_owned())
        };
        let text = cell(query, "query")?;
        all.push(Question {
            database: cell(database, "db_name")?,
            text: cell(question, "question")?,
            evidence: hint.and_then(|at| cell(at, "instructions").ok()),
            ordered: gold::is_ordered(&text),
            gold: gold::alternatives(&text).with_context(|| place.to_string())?,
            place,
        });
    }
    Ok(all)
}
