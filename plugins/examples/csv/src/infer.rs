//! The types of a file's columns, guessed from every cell.
//!
//! A type is kept as long as each cell is a value of it; of what is left the narrowest wins. A column of
//! nothing but empty cells is text. Every cell is looked at, because a guess from the first rows is wrong in
//! the middle of a result.

use csv::StringRecord;

use crate::value::{Type, Value};

/// In the order of preference.
const CANDIDATES: [Type; 5] = [
    Type::Boolean,
    Type::Integer,
    Type::Float,
    Type::Date,
    Type::Timestamp,
];

/// A column of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub kind: Type,
    /// Some cell is empty.
    pub nullable: bool,
}

/// What is known of a file so far.
pub struct Inference {
    columns: Vec<Guess>,
    rows: u64,
}

struct Guess {
    possible: [bool; CANDIDATES.len()],
    empty: bool,
    filled: bool,
}

impl Inference {
    /// Nothing yet of a file of so many columns.
    pub fn new(columns: usize) -> Self {
        let guess = || Guess {
            possible: [true; CANDIDATES.len()],
            empty: false,
            filled: false,
        };
        Self {
            columns: (0..columns).map(|_| guess()).collect(),
            rows: 0,
        }
    }

    /// Looks at a row.
    pub fn see(&mut self, row: &StringRecord) {
        self.rows += 1;
        for (guess, cell) in self.columns.iter_mut().zip(row) {
            if cell.is_empty() {
                guess.empty = true;
                continue;
            }
            guess.filled = true;
            for (possible, kind) in guess.possible.iter_mut().zip(CANDIDATES) {
                *possible = *possible && Value::parse(cell, kind).is_some();
            }
        }
    }

    /// The columns under these names, and the number of rows.
    pub fn finish(self, names: Vec<String>) -> (Vec<Column>, u64) {
        let columns = names.into_iter().zip(self.columns).map(|(name, guess)| {
            let kind = CANDIDATES
                .into_iter()
                .zip(guess.possible)
                .find(|(_, possible)| *possible && guess.filled)
                .map_or(Type::Text, |(kind, _)| kind);
            Column {
                name,
                kind,
                nullable: guess.empty,
            }
        });
        (columns.collect(), self.rows)
    }
}

/// The names in a header: trimmed, those that are empty numbered, those that repeat told apart.
pub fn names(header: &StringRecord) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(header.len());
    for (at, cell) in header.iter().enumerate() {
        let base = match cell.trim() {
            "" => format!("column_{}", at + 1),
            name => name.to_owned(),
        };
        let mut name = base.clone();
        let mut next = 2;
        while names.contains(&name) {
            name = format!("{base}_{next}");
            next += 1;
        }
        names.push(name);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(rows: &[&[&str]]) -> Vec<(Type, bool)> {
        let mut inference = Inference::new(rows[0].len());
        for row in rows {
            inference.see(&StringRecord::from(row.to_vec()));
        }
        let names = vec![String::new(); rows[0].len()];
        let (columns, count) = inference.finish(names);
        assert_eq!(count, rows.len() as u64);
        columns.iter().map(|c| (c.kind, c.nullable)).collect()
    }

    #[test]
    fn the_narrowest_type_that_holds_every_cell_wins() {
        let rows: &[&[&str]] = &[
            &["1", "1", "true", "2024-01-01", "2024-01-01 10:00", "1", ""],
            &["-2", "2.5", "FALSE", "", "2024-01-01T10:00:00.5", "x", ""],
        ];
        assert_eq!(
            kinds(rows),
            [
                (Type::Integer, false),
                (Type::Float, false),
                (Type::Boolean, false),
                (Type::Date, true),
                (Type::Timestamp, false),
                (Type::Text, false),
                (Type::Text, true),
            ]
        );
    }

    #[test]
    fn one_cell_at_the_end_decides() {
        assert_eq!(kinds(&[&["1"], &["2"], &["03"]]), [(Type::Text, false)]);
    }

    #[test]
    fn header_names_are_made_unique() {
        let header = StringRecord::from(vec![" id ", "", "id", "id_2"]);
        assert_eq!(names(&header), ["id", "column_2", "id_2", "id_2_2"]);
    }
}
