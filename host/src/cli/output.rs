//! Results on standard output: a table for people, JSON or CSV for programs.

use std::io::{self, Write};

use comfy_table::{ContentArrangement, Table, presets};
use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// `--output`
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    Table,
    Json,
    Csv,
}

/// Writes results in one format.
#[derive(Debug, Clone, Copy)]
pub struct Printer {
    pub format: Format,
}

impl Printer {
    pub fn new(format: Format) -> Self {
        Self { format }
    }

    /// Prints a list of objects: `columns` of each as a table or CSV, all of it as JSON.
    ///
    /// # Errors
    /// When standard output is closed.
    pub fn records(self, columns: &[&str], records: &Value) -> io::Result<()> {
        if self.format == Format::Json {
            return Self::json(records);
        }
        let rows: Vec<Vec<String>> = records
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default()
            .iter()
            .map(|record| columns.iter().map(|name| cell(&record[name])).collect())
            .collect();
        self.rows(columns, &rows)
    }

    /// Prints one object as a list of its members.
    ///
    /// # Errors
    /// When standard output is closed.
    pub fn record(self, record: &Value) -> io::Result<()> {
        if self.format == Format::Json {
            return Self::json(record);
        }
        let rows: Vec<Vec<String>> = record
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| vec![name.clone(), cell(value)])
            .collect();
        self.rows(&["field", "value"], &rows)
    }

    /// Prints rows of text.
    ///
    /// # Errors
    /// When standard output is closed.
    pub fn rows(self, columns: &[impl AsRef<str>], rows: &[Vec<String>]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if self.format == Format::Csv {
            csv_line(&mut out, columns.iter().map(AsRef::as_ref))?;
            for row in rows {
                csv_line(&mut out, row.iter().map(String::as_str))?;
            }
            return out.flush();
        }
        let mut table = Table::new();
        table
            .load_preset(presets::UTF8_FULL_CONDENSED)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_header(columns.iter().map(|name| safe(name.as_ref())));
        for row in rows {
            table.add_row(row.iter().map(|text| safe(text)));
        }
        writeln!(out, "{table}")?;
        out.flush()
    }

    /// Prints a value as JSON; what is raw in it stays as it is.
    ///
    /// # Errors
    /// When standard output is closed.
    pub fn json(value: &impl Serialize) -> io::Result<()> {
        let mut out = io::stdout().lock();
        serde_json::to_writer_pretty(&mut out, value)?;
        writeln!(out)
    }

    /// Prints a document as it is, whatever the format of results.
    ///
    /// # Errors
    /// When standard output is closed.
    pub fn document(text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(safe(text).as_bytes())?;
        out.flush()
    }

    /// A sentence for people; programs see it on standard error.
    ///
    /// # Errors
    /// When standard output is closed.
    pub fn say(self, text: &str) -> io::Result<()> {
        if self.format == Format::Table {
            writeln!(io::stdout().lock(), "{text}")
        } else {
            writeln!(io::stderr().lock(), "{text}")
        }
    }
}

/// A line on standard error, for people. Nobody is left to be told when that is closed.
pub fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", safe(text));
}

/// An object of raw members, written with every digit that they have.
pub struct Object<'a, V>(pub &'a [(String, V)]);

impl<V: Serialize> Serialize for Object<'_, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// A value as the text of one cell.
pub fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.iter().map(cell).collect::<Vec<_>>().join(", ")
        }
        Value::Array(items) if items.iter().all(|item| item["code"].is_string()) => items
            .iter()
            .map(|item| cell(&item["code"]))
            .collect::<Vec<_>>()
            .join(", "),
        other => other.to_string(),
    }
}

/// A raw value as the text of one cell: every digit stays.
pub fn raw_cell(value: &RawValue) -> String {
    match value.get() {
        "null" => String::new(),
        text if text.starts_with('"') => serde_json::from_str(text).unwrap_or_default(),
        text => text.to_owned(),
    }
}

/// Text from a database could steer the terminal; control characters are shown instead.
fn safe(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '\n' => '\n',
            '\t' => ' ',
            c if c.is_control() => '\u{FFFD}',
            c => c,
        })
        .collect()
}

fn csv_line<'a>(out: &mut impl Write, cells: impl Iterator<Item = &'a str>) -> io::Result<()> {
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            out.write_all(b",")?;
        }
        if cell.contains(['"', ',', '\n', '\r']) {
            write!(out, "\"{}\"", cell.replace('"', "\"\""))?;
        } else {
            out.write_all(cell.as_bytes())?;
        }
    }
    out.write_all(b"\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn csv_quotes_what_would_break_a_line() {
        let mut out = Vec::new();
        csv_line(&mut out, ["a", "b,c", "d\"e", "f\ng"].into_iter()).expect("written");
        assert_eq!(
            String::from_utf8(out).expect("text"),
            "a,\"b,c\",\"d\"\"e\",\"f\ng\"\r\n"
        );
    }

    #[test]
    fn a_terminal_gets_no_control_characters() {
        assert_eq!(safe("a\u{1b}[31mb\tc\u{9b}"), "a\u{FFFD}[31mb c\u{FFFD}");
    }

    #[test]
    fn a_raw_cell_keeps_every_digit() {
        let raw = |text: &str| RawValue::from_string(text.to_owned()).expect("JSON");
        assert_eq!(raw_cell(&raw("{\"a\": 1.10}")), "{\"a\": 1.10}");
        assert_eq!(
            raw_cell(&raw("12345678901234567890123")),
            "12345678901234567890123"
        );
        assert_eq!(raw_cell(&raw("\"a\\nb\"")), "a\nb");
        assert_eq!(raw_cell(&raw("null")), "");
    }

    #[test]
    fn cells_are_plain_text() {
        assert_eq!(cell(&json!(null)), "");
        assert_eq!(cell(&json!("x")), "x");
        assert_eq!(cell(&json!(["a", "b"])), "a, b");
        assert_eq!(
            cell(&json!([{"code": "same_url", "message": "…"}])),
            "same_url"
        );
        assert_eq!(cell(&json!({"a": 1})), "{\"a\":1}");
    }
}
