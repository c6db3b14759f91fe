//! Sentences: every number in them is one of the rows.

use super::intent::SmallTalk;
use super::rows::Rows;
use super::tables::Table;

/// Tables that a sentence names.
const NAMED_TABLES: usize = 10;
/// Columns that a sentence names.
const NAMED_COLUMNS: usize = 50;

pub fn small_talk(small: SmallTalk) -> &'static str {
    match small {
        SmallTalk::Goodbye => "Goodbye.",
        SmallTalk::Hello => {
            "Hello. Ask about the data of this connection: \"list tables\", \"describe orders\" or \"how many rows \
             in orders?\", for instance."
        }
        SmallTalk::SetUp => {
            "Register a database with `datachat connect URL --name NAME` or `POST /api/v1/databases`; then ask, \
             and name it in `target_database` or make it the default."
        }
        SmallTalk::OffTopic => {
            "I answer questions about the data of this connection, and nothing else."
        }
        SmallTalk::DataPoints => {
            "DataPoints say what tables, metrics and processes mean. `GET /api/v1/datapoints` lists them."
        }
    }
}

/// `names` are in the order of the rows.
pub fn tables(names: &[String]) -> String {
    match names.len() {
        0 => "Found 0 table(s).".to_owned(),
        count => format!("Found {count} table(s): {}.", listed(names, NAMED_TABLES)),
    }
}

pub fn columns(table: &Table, names: &[String]) -> String {
    match names.len() {
        0 => format!("The `{}` table has 0 column(s).", table.name()),
        count => format!(
            "The `{}` table has {count} column(s): {}.",
            table.name(),
            listed(names, NAMED_COLUMNS)
        ),
    }
}

pub fn count(table: &Table, rows: &Rows) -> String {
    let cell = rows.cells.first().and_then(|row| row.first());
    let count = cell.map_or("0", |cell| cell.get().trim_matches('"'));
    format!("Table `{}` has {count} row(s).", table.name())
}

pub fn sample(table: &Table, rows: &Rows) -> String {
    format!(
        "Returned {} row(s) from `{}`.",
        rows.cells.len(),
        table.name()
    )
}

pub fn direct(rows: &Rows) -> String {
    let done = format!(
        "Executed SQL query successfully. Returned {} row(s).",
        rows.cells.len()
    );
    match rows.summary.truncated_by {
        Some(limit) => format!("{done} There are more: the result was cut off at `{limit}`."),
        None => done,
    }
}

pub fn unknown_table(name: &str) -> String {
    format!("There is no table `{name}` in this database. Which table do you mean?")
}

pub fn ambiguous_table(name: &str, candidates: &[String]) -> String {
    format!(
        "`{name}` may be {}. Which one do you mean?",
        candidates.join(" or ")
    )
}

fn listed(names: &[String], most: usize) -> String {
    let shown = names[..names.len().min(most)].join(", ");
    match names.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown} (and {more} more)"),
    }
}
