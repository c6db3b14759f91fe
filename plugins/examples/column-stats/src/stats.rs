//! The questions, in their order, and what becomes of an engine that can't answer one.

use datachat_sdk::tool::types::{DbError, ErrorCode};
use serde_json::Value;

use crate::answer::{Answer, Arguments, BUCKETS, Failure, MOST_BUCKETS};
use crate::column::{self, Found, Kind};
use crate::database::Database;
use crate::histogram;

/// How many values of a time are read for its histogram.
const SAMPLE: u64 = 10_000;

const STEPS: u32 = 5;

/// Answers a call.
///
/// # Errors
/// See [`Failure`].
pub fn run(database: &impl Database, arguments: &Arguments) -> Result<Answer, Failure> {
    let buckets = arguments.buckets.unwrap_or(BUCKETS).clamp(1, MOST_BUCKETS);
    database.progress(0, STEPS, "finding the column");
    let found = column::find(database, arguments)?;
    let (table, column) = (found.table_sql(database), found.column_sql(database));
    let mut notes = Vec::new();

    database.progress(1, STEPS, "counting rows");
    let counts = one_row(
        database,
        &format!("SELECT COUNT(*), COUNT({column}) FROM {table}"),
    )?;
    let (rows, filled) = (count(&counts, 0)?, count(&counts, 1)?);

    database.progress(2, STEPS, "counting distinct values");
    let sql = format!("SELECT COUNT(DISTINCT {column}) FROM {table}");
    let distinct = match tolerated(one_row(database, &sql), &mut notes, "distinct values")? {
        Some(row) => Some(count(&row, 0)?),
        None => None,
    };

    database.progress(3, STEPS, "finding the least and the greatest");
    let sql = format!("SELECT MIN({column}), MAX({column}) FROM {table}");
    let ends = tolerated(
        one_row(database, &sql),
        &mut notes,
        "the least and greatest value",
    )?;
    let end = |at: usize| ends.as_ref().and_then(|row| row.get(at)).cloned();
    let (min, max) = (
        scalar(end(0).unwrap_or(Value::Null)),
        scalar(end(1).unwrap_or(Value::Null)),
    );

    database.progress(4, STEPS, "counting the histogram");
    let mut answer = Answer {
        table: if found.schema.is_empty() {
            found.table.clone()
        } else {
            format!("{}.{}", found.schema, found.table)
        },
        column: found.column.clone(),
        db_type: found.db_type.clone(),
        rows,
        nulls: rows.saturating_sub(filled),
        distinct,
        min,
        max,
        histogram: Vec::new(),
        histogram_rows: None,
        notes,
    };
    match found.kind() {
        _ if filled == 0 => {}
        Kind::Number => numbers(database, &found, buckets, filled, &mut answer)?,
        Kind::Time => times(database, &found, buckets, filled, &mut answer)?,
        Kind::Other => answer.notes.push(format!(
            "A column of type {} has no histogram.",
            found.db_type
        )),
    }
    database.progress(STEPS, STEPS, "done");
    Ok(answer)
}

fn numbers(
    database: &impl Database,
    found: &Found,
    buckets: u32,
    filled: u64,
    answer: &mut Answer,
) -> Result<(), Failure> {
    let (Some(from), Some(to)) = (number(&answer.min), number(&answer.max)) else {
        answer
            .notes
            .push("Without finite ends there is no histogram.".to_owned());
        return Ok(());
    };
    let bounds = if from < to {
        histogram::bounds(from, to, buckets)
    } else {
        vec![from, to]
    };
    let sql = histogram::count_sql(
        &found.column_sql(database),
        &found.table_sql(database),
        &bounds,
    );
    let row = one_row(database, &sql)?;
    let counts = (0..row.len())
        .map(|at| count(&row, at))
        .collect::<Result<Vec<_>, _>>()?;
    answer.histogram = histogram::of_numbers(&bounds, &counts);
    answer.histogram_rows = Some(filled);
    Ok(())
}

fn times(
    database: &impl Database,
    found: &Found,
    buckets: u32,
    filled: u64,
    answer: &mut Answer,
) -> Result<(), Failure> {
    let (table, column) = (found.table_sql(database), found.column_sql(database));
    let sql = format!("SELECT {column} FROM {table} WHERE {column} IS NOT NULL LIMIT {SAMPLE}");
    let mut values = Vec::new();
    for row in database.rows(&sql, SAMPLE)? {
        match parse(&row)?.into_iter().next() {
            Some(Value::String(text)) => values.push(text),
            _ => return Err(odd("a time is not a text")),
        }
    }
    let read = values.len() as u64;
    match histogram::of_times(&values, buckets) {
        Some(histogram) => {
            answer.histogram = histogram;
            answer.histogram_rows = Some(read);
            if read < filled {
                answer
                    .notes
                    .push(format!("The histogram is of the first {read} values."));
            }
        }
        None => answer
            .notes
            .push("Some values are beyond the calendar; there is no histogram.".to_owned()),
    }
    Ok(())
}

/// What an engine can't tell for a type is noted; any other error ends the call.
fn tolerated(
    outcome: Result<Vec<Value>, Failure>,
    notes: &mut Vec<String>,
    what: &str,
) -> Result<Option<Vec<Value>>, Failure> {
    match outcome {
        Ok(row) => Ok(Some(row)),
        Err(Failure::Database(DbError {
            code:
                ErrorCode::UndefinedObject
                | ErrorCode::DataException
                | ErrorCode::Syntax
                | ErrorCode::Unsupported,
            message,
            ..
        })) => {
            notes.push(format!("The database can't tell {what}: {message}"));
            Ok(None)
        }
        Err(other) => Err(other),
    }
}

fn one_row(database: &impl Database, sql: &str) -> Result<Vec<Value>, Failure> {
    let rows = database.rows(sql, 1)?;
    let row = rows.first().ok_or_else(|| odd("a count gave no row"))?;
    parse(row)
}

fn parse(row: &str) -> Result<Vec<Value>, Failure> {
    serde_json::from_str(row).map_err(|_| odd("a row is not a JSON array"))
}

/// A count, whatever type the engine gives it: a wide integer comes as text.
fn count(row: &[Value], at: usize) -> Result<u64, Failure> {
    match row.get(at) {
        Some(Value::Number(number)) => number.as_u64(),
        Some(Value::String(text)) => text.parse().ok(),
        // A sum over no rows.
        Some(Value::Null) => Some(0),
        _ => None,
    }
    .ok_or_else(|| odd("a count is not a whole number"))
}

/// A finite number, as JSON number or text.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
    .filter(|number: &f64| number.is_finite())
}

/// Lists and objects are shown as their JSON text.
fn scalar(value: Value) -> Value {
    match value {
        Value::Array(_) | Value::Object(_) => Value::String(value.to_string()),
        other => other,
    }
}

fn odd(message: &str) -> Failure {
    Failure::Odd(format!("The database's answer is odd: {message}."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::Bucket;
    use crate::database::fake::{Fake, table};

    fn arguments(column: &str) -> Arguments {
        Arguments {
            table: "t".to_owned(),
            column: column.to_owned(),
            schema: None,
            buckets: Some(2),
        }
    }

    fn tables() -> Vec<datachat_sdk::tool::types::Relation> {
        let columns = &[("n", "numeric(9,2)"), ("d", "date"), ("j", "json")];
        vec![table("public", "t", columns)]
    }

    #[test]
    fn a_number_has_its_counts_ends_and_buckets() {
        let fake = Fake::new(
            tables(),
            vec![
                ("COUNT(*)", Ok(vec!["[10, 8]"])),
                ("DISTINCT", Ok(vec!["[5]"])),
                ("MIN", Ok(vec![r#"["1.50", "3.50"]"#])),
                ("SUM", Ok(vec![r#"[3, "5"]"#])),
            ],
        );
        let answer = run(&fake, &arguments("N")).expect("an answer");
        assert_eq!(
            (answer.rows, answer.nulls, answer.distinct),
            (10, 2, Some(5))
        );
        assert_eq!((&answer.min, &answer.max), (&"1.50".into(), &"3.50".into()));
        let bucket = |from: f64, to: f64, count| Bucket {
            from: from.into(),
            to: to.into(),
            count,
        };
        assert_eq!(answer.histogram, [bucket(1.5, 2.5, 3), bucket(2.5, 3.5, 5)]);
        assert_eq!(answer.histogram_rows, Some(8));
        assert!(answer.notes.is_empty());
        assert_eq!(*fake.progress.borrow(), [0, 1, 2, 3, 4, 5]);
        assert!(
            fake.asked
                .borrow()
                .iter()
                .all(|sql| sql.contains("<public>.<t>"))
        );
    }

    #[test]
    fn what_an_engine_cannot_tell_is_null_with_a_note() {
        let fake = Fake::new(
            tables(),
            vec![
                ("COUNT(*)", Ok(vec!["[2, 2]"])),
                ("DISTINCT", Err(ErrorCode::UndefinedObject)),
                ("MIN", Err(ErrorCode::UndefinedObject)),
            ],
        );
        let answer = run(&fake, &arguments("j")).expect("an answer");
        assert_eq!((answer.distinct, answer.min), (None, Value::Null));
        assert_eq!(answer.notes.len(), 3, "{:?}", answer.notes);
    }

    #[test]
    fn a_time_is_counted_from_its_values_and_says_of_how_many() {
        let fake = Fake::new(
            tables(),
            vec![
                ("COUNT(*)", Ok(vec!["[3, 3]"])),
                ("DISTINCT", Ok(vec!["[2]"])),
                ("MIN", Ok(vec![r#"["2024-01-01", "2024-01-03"]"#])),
                ("LIMIT", Ok(vec![r#"["2024-01-01"]"#, r#"["2024-01-03"]"#])),
            ],
        );
        let answer = run(&fake, &arguments("d")).expect("an answer");
        assert_eq!(answer.histogram_rows, Some(2));
        assert_eq!(answer.histogram.iter().map(|b| b.count).sum::<u64>(), 2);
        assert_eq!(answer.notes, ["The histogram is of the first 2 values."]);
    }

    #[test]
    fn an_empty_column_has_no_histogram_and_a_refusal_ends_the_call() {
        let empty = Fake::new(
            tables(),
            vec![
                ("COUNT(*)", Ok(vec!["[4, 0]"])),
                ("DISTINCT", Ok(vec!["[0]"])),
                ("MIN", Ok(vec!["[null, null]"])),
            ],
        );
        let answer = run(&empty, &arguments("n")).expect("an answer");
        assert_eq!(
            (answer.nulls, answer.histogram.len(), answer.histogram_rows),
            (4, 0, None)
        );
        let refused = Fake::new(tables(), vec![("COUNT", Err(ErrorCode::PermissionDenied))]);
        assert!(matches!(
            run(&refused, &arguments("n")),
            Err(Failure::Database(_))
        ));
    }
}
