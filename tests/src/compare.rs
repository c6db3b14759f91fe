//! Whether an answer has the rows of a gold statement.
//!
//! Each gold column must be found in the answer; further columns, their names and their order don't count. Rows are
//! compared as multisets, or as lists where the question asks for an order. Numbers may differ by a ten-thousandth,
//! for engines divide and average with different digits; a share may be a fraction or a percentage; a day may be
//! written as its first moment.

use serde_json::Value;

/// The relative difference that two numbers may have.
const TOLERANCE: f64 = 1e-4;

/// A value as it is compared.
#[derive(Debug, Clone, PartialEq)]
enum Cell {
    Null,
    Number(f64),
    Text(String),
}

/// Rows, all of one width.
#[derive(Debug, Clone, PartialEq)]
pub struct Table(Vec<Vec<Cell>>);

impl Table {
    /// From rows of values.
    pub fn of_rows(rows: &Value) -> Self {
        let array = |value: &Value| value.as_array().cloned().unwrap_or_default();
        Self(
            array(rows)
                .iter()
                .map(|row| array(row).iter().map(cell).collect())
                .collect(),
        )
    }

    /// From columns of values, by name.
    pub fn of_columns(columns: &Value) -> Self {
        let columns: Vec<Vec<Cell>> = columns
            .as_object()
            .into_iter()
            .flatten()
            .map(|(_, values)| values.as_array().into_iter().flatten().map(cell).collect())
            .collect();
        let height = columns.iter().map(Vec::len).max().unwrap_or(0);
        let row = |at: usize| {
            let cells = columns.iter().map(|column| column.get(at).cloned());
            cells.map(|cell| cell.unwrap_or(Cell::Null)).collect()
        };
        Self((0..height).map(row).collect())
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn column(&self, at: usize) -> Vec<&Cell> {
        self.0.iter().filter_map(|row| row.get(at)).collect()
    }

    fn width(&self) -> usize {
        self.0.first().map_or(0, Vec::len)
    }

    /// Whether this has all that `gold` has.
    pub fn answers(&self, gold: &Self, ordered: bool) -> bool {
        if self.len() != gold.len() {
            return false;
        }
        if gold.is_empty() {
            return true;
        }
        let candidates: Vec<Vec<usize>> = (0..gold.width())
            .map(|wanted| {
                let wanted = gold.column(wanted);
                let fits = |own: &usize| same_column(&wanted, &self.column(*own), ordered);
                (0..self.width()).filter(fits).collect()
            })
            .collect();
        self.assign(gold, ordered, &candidates, &mut Vec::new())
    }

    /// Tries each way to find the gold columns among these.
    fn assign(
        &self,
        gold: &Self,
        ordered: bool,
        candidates: &[Vec<usize>],
        chosen: &mut Vec<usize>,
    ) -> bool {
        let Some(own) = candidates.get(chosen.len()) else {
            return self.has_rows(gold, ordered, chosen);
        };
        for at in own {
            if !chosen.contains(at) {
                chosen.push(*at);
                if self.assign(gold, ordered, candidates, chosen) {
                    return true;
                }
                chosen.pop();
            }
        }
        false
    }

    fn has_rows(&self, gold: &Self, ordered: bool, columns: &[usize]) -> bool {
        let mut own: Vec<Vec<&Cell>> = self
            .0
            .iter()
            .map(|row| columns.iter().map(|at| &row[*at]).collect())
            .collect();
        let mut wanted: Vec<Vec<&Cell>> = gold.0.iter().map(|row| row.iter().collect()).collect();
        if !ordered {
            let key = |row: &Vec<&Cell>| row.iter().map(|cell| sort_key(cell)).collect::<Vec<_>>();
            own.sort_by_cached_key(key);
            wanted.sort_by_cached_key(key);
        }
        own.iter()
            .zip(&wanted)
            .all(|(own, wanted)| own.iter().zip(wanted).all(|(a, b)| same(a, b)))
    }
}

fn cell(value: &Value) -> Cell {
    match value {
        Value::Null => Cell::Null,
        Value::Bool(value) => Cell::Number(f64::from(u8::from(*value))),
        Value::Number(number) => number.as_f64().map_or(Cell::Null, Cell::Number),
        Value::String(text) => {
            let moment = text.strip_suffix('Z').unwrap_or(text);
            let moment = moment.strip_suffix(".000000").unwrap_or(moment);
            let day = ["T00:00:00", " 00:00:00"]
                .into_iter()
                .find_map(|midnight| moment.strip_suffix(midnight));
            match text.parse::<f64>() {
                Ok(number) if number.is_finite() => Cell::Number(number),
                _ => Cell::Text(day.unwrap_or(moment).to_owned()),
            }
        }
        other => Cell::Text(other.to_string()),
    }
}

fn same(one: &Cell, other: &Cell) -> bool {
    match (one, other) {
        (Cell::Number(one), Cell::Number(other)) => {
            let near = |a: f64, b: f64| (a - b).abs() <= TOLERANCE * a.abs().max(b.abs());
            near(*one, *other) || near(*one * 100.0, *other) || near(*one, *other * 100.0)
        }
        _ => one == other,
    }
}

fn same_column(one: &[&Cell], other: &[&Cell], ordered: bool) -> bool {
    let (mut one, mut other) = (one.to_vec(), other.to_vec());
    if !ordered {
        one.sort_by_cached_key(|cell| sort_key(cell));
        other.sort_by_cached_key(|cell| sort_key(cell));
    }
    one.len() == other.len() && one.iter().zip(&other).all(|(a, b)| same(a, b))
}

/// An order in which equal values stand together; numbers in that of four digits, as they are compared.
fn sort_key(cell: &Cell) -> (u8, String) {
    match cell {
        Cell::Null => (0, String::new()),
        // Negative ones in whatever order: it is the same on both sides.
        Cell::Number(number) => (1, format!("{number:+.4e}")),
        Cell::Text(text) => (2, text.clone()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answers(columns: Value, gold: Value, ordered: bool) -> bool {
        Table::of_columns(&columns).answers(&Table::of_rows(&gold), ordered)
    }

    #[test]
    fn more_columns_other_names_and_another_order_of_rows_are_the_same_answer() {
        let columns = json!({"id": [1, 2], "city": ["A", "B"], "sum": ["10.00001", "20"]});
        assert!(answers(
            columns.clone(),
            json!([["20.0", "B"], ["10", "A"]]),
            false
        ));
        assert!(!answers(
            columns.clone(),
            json!([["20.0", "B"], ["10", "A"]]),
            true
        ));
        assert!(!answers(
            columns.clone(),
            json!([["20.0", "A"], ["10", "B"]]),
            false
        ));
        assert!(!answers(columns.clone(), json!([["10", "A"]]), false));
        assert!(!answers(columns, json!([["10", "C"], ["20", "B"]]), false));
    }

    #[test]
    fn a_share_may_be_in_percent_and_a_day_a_moment() {
        assert!(answers(json!({"a": [25]}), json!([["0.25"]]), false));
        assert!(answers(
            json!({"a": ["2026-01-01"]}),
            json!([["2026-01-01T00:00:00Z"]]),
            false
        ));
        assert!(!answers(
            json!({"a": ["2026-01-01"]}),
            json!([["2026-01-01T00:00:01Z"]]),
            false
        ));
        assert!(answers(
            json!({"a": [null, 1]}),
            json!([[1], [null]]),
            false
        ));
        assert!(!answers(json!({"a": [0]}), json!([[null]]), false));
    }
}
