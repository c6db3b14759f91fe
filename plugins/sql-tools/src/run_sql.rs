//! `run_sql`: one reading statement, its result by column.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::database::{Database, Rows, for_each_row};
use crate::failure::Failure;
use crate::names;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    query: String,
}

/// The shape of a chat's answer; what a statement doesn't have is empty.
#[derive(Serialize)]
struct Outcome<'a> {
    answer: String,
    sql: &'a str,
    data: Data,
    visualization_hint: &'static str,
    validation_errors: [(); 0],
    validation_warnings: Vec<Note>,
    retrieved_datapoints: [(); 0],
    used_datapoints: [(); 0],
    answer_source: &'static str,
    confidence: f64,
}

#[derive(Serialize)]
struct Note {
    warning_type: &'static str,
    message: String,
    suggestion: &'static str,
}

/// Columns in their order, each with its values as the host wrote them.
struct Data(Vec<(String, Vec<Box<RawValue>>)>);

impl Serialize for Data {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, values)| (name, values)))
    }
}

/// Runs the statement.
///
/// # Errors
/// The policy's refusal, or the database's own.
pub fn run(database: &impl Database, arguments: &Arguments) -> Result<String, Failure> {
    let mut result = database.query(&arguments.query)?;
    let mut data: Vec<(String, Vec<Box<RawValue>>)> = names::unique(&result.columns())
        .into_iter()
        .map(|name| (name, Vec::new()))
        .collect();
    let mut row_count = 0_u64;
    for_each_row(&mut result, |row| -> Result<(), Failure> {
        let values: Vec<Box<RawValue>> = serde_json::from_str(row)?;
        if values.len() != data.len() {
            return Err(Failure::Failed(
                "a row has another number of values than the result has columns".to_owned(),
            ));
        }
        row_count += 1;
        for ((_, column), value) in data.iter_mut().zip(values) {
            column.push(value);
        }
        Ok(())
    })?;
    let validation_warnings = result
        .truncated_by()
        .map(|limit| Note {
            warning_type: "truncated",
            message: format!("The result was cut off at {row_count} row(s) by {limit}."),
            suggestion: "Aggregate, filter or add a LIMIT.",
        })
        .into_iter()
        .collect();
    let outcome = Outcome {
        answer: format!("Executed SQL query successfully. Returned {row_count} row(s)."),
        sql: &arguments.query,
        data: Data(data),
        visualization_hint: "table",
        validation_errors: [],
        validation_warnings,
        retrieved_datapoints: [],
        used_datapoints: [],
        answer_source: "sql",
        confidence: 1.0,
    };
    Ok(serde_json::to_string(&outcome)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::fake::Fake;

    #[test]
    fn the_answer_has_every_key_and_the_values_untouched() {
        let fake = Fake::new(vec![]).answering(&["n", "n"], &["[1.10,\"x\"]", "[2.00,null]"]);
        assert_eq!(
            crate::call(&fake, "run_sql", r#"{"query":"SELECT 1"}"#).expect("an answer"),
            concat!(
                r#"{"answer":"Executed SQL query successfully. Returned 2 row(s).","sql":"SELECT 1","#,
                r#""data":{"n":[1.10,2.00],"n_2":["x",null]},"visualization_hint":"table","#,
                r#""validation_errors":[],"validation_warnings":[],"retrieved_datapoints":[],"#,
                r#""used_datapoints":[],"answer_source":"sql","confidence":1.0}"#
            )
        );
    }

    #[test]
    fn a_cut_off_result_says_so() {
        let fake = Fake::new(vec![])
            .answering(&["n"], &["[1]"])
            .cut_by("max_rows");
        let answer = crate::call(&fake, "run_sql", r#"{"query":"SELECT 1"}"#).expect("an answer");
        assert!(
            answer.contains("cut off at 1 row(s) by max_rows"),
            "{answer}"
        );
    }

    #[test]
    fn an_empty_result_keeps_its_columns() {
        let fake = Fake::new(vec![]).answering(&["a", "b"], &[]);
        let answer = crate::call(&fake, "run_sql", r#"{"query":"SELECT 1"}"#).expect("an answer");
        assert!(answer.contains(r#""data":{"a":[],"b":[]}"#), "{answer}");
    }

    #[test]
    fn a_refusal_of_the_database_is_handed_on_whole() {
        let fake = Fake::new(vec![]);
        let error = crate::call(&fake, "run_sql", r#"{"query":"DROP TABLE t"}"#);
        assert!(
            matches!(error, Err(Failure::Database(error)) if error.position == Some(1)),
            "the error of the database"
        );
    }
}
