//! Spider and BIRD: an array of objects, and SQLite files.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use serde_json::Value;
use serde_json::value::RawValue;

use super::copy::ForeignKey;
use super::{Place, Question, gold};

/// Reads `dev.json`.
pub fn questions(folder: &Path, sql: &str, evidence: Option<&str>) -> Result<Vec<Question>> {
    let file = Path::new("dev.json");
    let text = text(folder, file)?;
    objects(file, &text)?
        .into_iter()
        .map(|(place, object)| {
            let member = |name: &str| {
                let text = object[name].as_str().map(str::trim);
                text.filter(|text| !text.is_empty())
                    .map(str::to_owned)
                    .with_context(|| format!("{place}: `{name}` must be a text that is not empty"))
            };
            let gold = member(sql)?;
            Ok(Question {
                database: member("db_id")?,
                text: member("question")?,
                evidence: evidence.and_then(|name| member(name).ok()),
                ordered: gold::is_ordered(&gold),
                gold: vec![gold],
                place,
            })
        })
        .collect()
}

/// Reads the foreign keys of a database from the description of all schemas; none without such a file.
pub fn keys(folder: &Path, file: &str, database: &str) -> Result<Vec<ForeignKey>> {
    let file = Path::new(file);
    if !folder.join(file).is_file() {
        return Ok(Vec::new());
    }
    let text = text(folder, file)?;
    let objects = objects(file, &text)?;
    let Some((place, schema)) = objects
        .iter()
        .find(|(_, schema)| schema["db_id"] == database)
    else {
        return Ok(Vec::new());
    };
    let column = |index: &Value| {
        let index = usize::try_from(index.as_u64()?).ok()?;
        let column = &schema["column_names_original"][index];
        let table = usize::try_from(column[0].as_u64()?).ok()?;
        let table = schema["table_names_original"][table].as_str()?;
        Some((table.to_owned(), column[1].as_str()?.to_owned()))
    };
    let pairs = schema["foreign_keys"].as_array().into_iter().flatten();
    pairs
        .map(|pair| {
            let (Some((table, from)), Some((target, to))) = (column(&pair[0]), column(&pair[1]))
            else {
                return Err(anyhow!(
                    "{place}: {pair} in `foreign_keys` names no two columns"
                ));
            };
            Ok(ForeignKey {
                table,
                columns: vec![from],
                target,
                target_columns: vec![to],
            })
        })
        .collect()
}

fn text(folder: &Path, file: &Path) -> Result<String> {
    fs::read_to_string(folder.join(file))
        .with_context(|| format!("{} can't be read", file.display()))
}

/// The objects of an array, and where each begins.
fn objects(file: &Path, text: &str) -> Result<Vec<(Place, Value)>> {
    let file = file.to_owned();
    let broken = |error: serde_json::Error| {
        anyhow!(
            "{}:{}: no array of JSON objects: {error}",
            file.display(),
            error.line()
        )
    };
    let items: Vec<&RawValue> = serde_json::from_str(text).map_err(broken)?;
    items
        .into_iter()
        .map(|item| {
            // It is a part of the text.
            let start = item.get().as_ptr().addr() - text.as_ptr().addr();
            let line = text[..start].matches('\n').count() + 1;
            let place = Place {
                file: file.clone(),
                line,
            };
            let value: Value = serde_json::from_str(item.get())?;
            Ok((place, value))
        })
        .collect()
}
