//! What the entries of a volume are called, so that those are found that define the same thing as another volume's:
//! entries of one kind that have one id, or names that read alike.
//!
//! It is asked about every global entry that is near a question, and mostly finds nothing. So ids and names are
//! compared as numbers, which were made of them when the volume was built; only where two numbers are equal are the
//! names themselves compared.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::entry::Entry;
use super::text;

/// See the module.
#[derive(Debug, Default)]
pub struct Names {
    /// By row.
    marks: Vec<Marks>,
    rows: HashMap<u64, Vec<u32>>,
}

/// What stands for an entry's kind and id, and for its kind and name.
#[derive(Debug, Clone, Copy)]
struct Marks {
    id: u64,
    /// A name without a letter says nothing.
    name: Option<u64>,
}

impl Marks {
    fn of(entry: &Entry) -> Self {
        let mark = |what: &str, word: &str| {
            // Of the same numbers in every volume.
            let mut hasher = DefaultHasher::new();
            (entry.kind.name(), what, word).hash(&mut hasher);
            hasher.finish()
        };
        let name = text::name_key(&entry.name);
        Self {
            id: mark("id", &entry.id),
            name: (!name.is_empty()).then(|| mark("name", &name)),
        }
    }

    fn all(self) -> impl Iterator<Item = u64> {
        std::iter::once(self.id).chain(self.name)
    }
}

impl Names {
    /// Adds the next row.
    pub fn push(&mut self, entry: &Entry) {
        let row = u32::try_from(self.marks.len()).unwrap_or(u32::MAX);
        let marks = Marks::of(entry);
        for mark in marks.all() {
            self.rows.entry(mark).or_default().push(row);
        }
        self.marks.push(marks);
    }

    /// The rows that may define the same thing as a row of another volume: certainly all that do.
    pub fn alike<'a>(&'a self, other: &Self, row: u32) -> impl Iterator<Item = u32> + use<'a> {
        let marks = other.marks.get(row as usize).copied();
        let marks = marks.into_iter().flat_map(Marks::all);
        marks.flat_map(|mark| self.rows.get(&mark).into_iter().flatten().copied())
    }
}

/// Whether two entries of different volumes define the same thing.
#[must_use]
pub fn same(ours: &Entry, theirs: &Entry) -> bool {
    let alike = || {
        let key = text::name_key(&ours.name);
        !key.is_empty() && key == text::name_key(&theirs.name)
    };
    ours.kind == theirs.kind && (ours.id == theirs.id || alike())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::search::testing::entry;
    use crate::knowledge::{Kind, Scope};

    fn named(id: &str, name: &str, kind: Kind) -> Entry {
        Entry {
            name: name.to_owned(),
            kind,
            ..entry(Scope::Global, id, "")
        }
    }

    #[test]
    fn the_same_is_what_has_one_kind_and_one_id_or_name_in_whatever_spelling() {
        let ours = [
            named("metric_a", "Net Revenue", Kind::Business),
            named("metric_b", "Margin", Kind::Business),
            named("query_a", "Net Revenue", Kind::Query),
            named("metric_c", "***", Kind::Business),
        ];
        let theirs = [
            (named("metric_x", "net-revenues", Kind::Business), vec![0]),
            (named("metric_b", "Net revenue", Kind::Business), vec![1, 0]),
            (named("metric_a", "Other", Kind::Query), vec![]),
            (named("metric_y", "---", Kind::Business), vec![]),
        ];
        let (mut our_names, mut their_names) = (Names::default(), Names::default());
        for entry in &ours {
            our_names.push(entry);
        }
        for ((entry, expected), row) in theirs.iter().zip(0..) {
            their_names.push(entry);
            let alike: Vec<u32> = our_names.alike(&their_names, row).collect();
            assert_eq!(alike, *expected, "{}", entry.id);
            for (row, ours) in (0..).zip(&ours) {
                assert_eq!(same(ours, entry), expected.contains(&row), "{}", entry.id);
            }
        }
    }
}
