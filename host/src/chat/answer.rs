//! Sentences: every number in them is one of the rows.

use super::intent::SmallTalk;
use super::plan::compile::{Output, Role};
use super::planned;
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
    match cut_off(rows) {
        Some(more) => format!("{done} {more}"),
        None => done,
    }
}

/// The result of a statement that nobody described.
pub fn statement(rows: &Rows) -> String {
    if let ([only], [column]) = (rows.cells.as_slice(), rows.columns.as_slice())
        && let Some(cell) = only.first()
    {
        return format!("{}: {}.", column.name, cell.get().trim_matches('"'));
    }
    let count = format!("{} row(s).", rows.cells.len());
    match cut_off(rows) {
        Some(more) => format!("{count} {more}"),
        None => count,
    }
}

/// The result of a plan; `sentence` says what was computed, `units` those of its figures.
pub fn plan(sentence: &str, rows: &Rows, columns: &[Output], units: &[Option<String>]) -> String {
    let cell = |row: usize, column: usize| {
        let cell = rows.cells.get(row).and_then(|row| row.get(column));
        cell.map_or("null", |cell| cell.get().trim_matches('"'))
    };
    let figures = planned::places(columns, |role| matches!(role, Role::Figure(_)));
    let groups = planned::places(columns, |role| matches!(role, Role::Time | Role::Dimension));
    let unit = |column: usize| match columns[column].role {
        Role::Figure(at) => units
            .get(at)
            .cloned()
            .flatten()
            .filter(|unit| unit != "share"),
        _ => None,
    };
    let value = |row: usize, column: usize| match (cell(row, column), unit(column)) {
        ("null", _) => "no value".to_owned(),
        (digits, Some(unit)) => format!("{digits} {unit}"),
        (digits, None) => digits.to_owned(),
    };
    if groups.is_empty() {
        let values: Vec<String> = figures.iter().map(|at| value(0, *at)).collect();
        return format!("{sentence}: {}.", values.join(" and "));
    }
    let mut parts = vec![format!("{sentence}: {} row(s).", rows.cells.len())];
    // The first row is worth a word where the order says something.
    let ordered = !columns.iter().any(|column| column.role == Role::Time);
    let told = groups
        .iter()
        .rfind(|at| columns[**at].role == Role::Dimension);
    if let (Some(figure), Some(group), true, false) =
        (figures.first(), told, ordered, rows.cells.is_empty())
    {
        parts.push(format!(
            "First: {}, {}.",
            cell(0, *group),
            value(0, *figure)
        ));
    }
    parts.extend(cut_off(rows));
    parts.join(" ")
}

/// The result of a template with its values.
pub fn template(name: &str, values: &[String], rows: &Rows) -> String {
    let with = if values.is_empty() {
        String::new()
    } else {
        format!(" ({})", values.join(", "))
    };
    let mut parts = vec![format!("{name}{with}: {} row(s).", rows.cells.len())];
    parts.extend(cut_off(rows));
    parts.join(" ")
}

/// That there are more rows, if there are.
fn cut_off(rows: &Rows) -> Option<String> {
    let limit = rows.summary.truncated_by?;
    Some(format!(
        "There are more: the result was cut off at `{limit}`."
    ))
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
