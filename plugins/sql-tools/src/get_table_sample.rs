//! `get_table_sample`: a few rows of one table.

use serde::{Deserialize, Serialize};
use serde_json::Number;
use serde_json::value::RawValue;

use crate::database::{Database, Rows, for_each_row};
use crate::failure::Failure;
use crate::{lookup, names};

/// How many rows come when the call doesn't say.
const DEFAULT_ROWS: u64 = 5;
/// The most that a call gets.
const MAX_ROWS: u8 = 100;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    table: String,
    #[serde(default)]
    schema: Option<String>,
    #[serde(default)]
    limit: Option<Number>,
}

#[derive(Serialize)]
struct Answer {
    columns: Vec<String>,
    rows: Vec<Row>,
    row_count: usize,
    limit: u64,
}

/// One row as an object in the order of the columns, its values as the host wrote them.
struct Row(Vec<(String, Box<RawValue>)>);

impl Serialize for Row {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// Reads the sample.
///
/// # Errors
/// An unknown or ambiguous table, or the database's own.
pub fn run(database: &impl Database, arguments: &Arguments) -> Result<String, Failure> {
    let limit = clamp(arguments.limit.as_ref());
    let found = lookup::find(
        database,
        &arguments.table,
        arguments.schema.as_deref(),
        false,
    )?;
    let sql = format!("SELECT * FROM {} LIMIT {limit}", found.sql(database));
    let mut result = database.query(&sql)?;
    let columns = names::unique(&result.columns());
    let mut rows = Vec::new();
    for_each_row(&mut result, |row| -> Result<(), Failure> {
        let values: Vec<Box<RawValue>> = serde_json::from_str(row)?;
        rows.push(Row(columns.iter().cloned().zip(values).collect()));
        Ok(())
    })?;
    let answer = Answer {
        row_count: rows.len(),
        columns,
        rows,
        limit,
    };
    Ok(serde_json::to_string(&answer)?)
}

/// The limit in force: 1 to 100, whatever number was asked for.
fn clamp(limit: Option<&Number>) -> u64 {
    let Some(number) = limit else {
        return DEFAULT_ROWS;
    };
    match (number.as_u64(), number.as_f64()) {
        (Some(n), _) => n.clamp(1, MAX_ROWS.into()),
        // Whole numbers may be written `5.0`, and may be wider than 64 bits.
        (None, Some(n)) => (1..=MAX_ROWS)
            .rev()
            .find(|rows| f64::from(*rows) <= n)
            .map_or(1, u64::from),
        (None, None) => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::fake::{Fake, relation};

    fn sample(fake: &Fake, arguments: &str) -> String {
        crate::call(fake, "get_table_sample", arguments).expect("an answer")
    }

    #[test]
    fn rows_are_objects_whose_values_are_untouched() {
        let fake = Fake::new(vec![relation("public", "Customer Notes")]).answering(
            &["id", "note"],
            &[
                r"[12345678901234567890123, 1.10]",
                "[null,{\"b\":1,\"a\":2}]",
            ],
        );
        assert_eq!(
            sample(&fake, r#"{"table":"Customer Notes"}"#),
            concat!(
                r#"{"columns":["id","note"],"rows":[{"id":12345678901234567890123,"note":1.10},"#,
                r#"{"id":null,"note":{"b":1,"a":2}}],"row_count":2,"limit":5}"#
            )
        );
        assert_eq!(
            fake.statements(),
            ["SELECT * FROM \"public\".\"Customer Notes\" LIMIT 5"]
        );
    }

    #[test]
    fn the_limit_is_clamped() {
        for (given, used) in [
            ("-3", 1),
            ("0", 1),
            ("1", 1),
            ("7", 7),
            ("7.0", 7),
            ("100", 100),
            ("101", 100),
            ("1e300", 100),
            ("-1e300", 1),
        ] {
            let number: Number = given.parse().expect("a number");
            assert_eq!(clamp(Some(&number)), used, "{given}");
        }
        assert_eq!(clamp(None), 5);
    }

    #[test]
    fn a_name_can_not_break_out_of_its_quotes() {
        let evil = "x\"; DROP TABLE y; --";
        let fake = Fake::new(vec![relation("public", evil)]).answering(&[], &[]);
        let arguments = serde_json::json!({ "table": evil }).to_string();
        sample(&fake, &arguments);
        assert_eq!(
            fake.statements(),
            ["SELECT * FROM \"public\".\"x\"\"; DROP TABLE y; --\" LIMIT 5"]
        );
    }
}
