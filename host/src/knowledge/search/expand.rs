//! What belongs to what was found: tables to their metrics, joins to tables, processes to what they fill.
//!
//! A metric is of little use without the description of its tables, which may share no word with the question.
//! One step is taken from each of the best hits, first forward (what a hit is about or leads to), then back (what
//! is about a table that was hit). The steps stay within the volumes that were searched.

use std::collections::BTreeSet;

use super::entry::{Entry, Link, TableName};
use super::volume::Volume;
use crate::knowledge::Kind;

/// From how many of the best hits a step is taken. More bring in what is merely near, before the global hits.
const SEEDS: usize = 2;

/// A row of one of the volumes that are searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Which of the volumes.
    pub volume: usize,
    pub row: u32,
}

/// What the first of `found` lead to, in the order of the seeds, each with its seed's score. `keeps` says what
/// may be a hit at all.
#[must_use]
pub fn expand(
    volumes: &[&Volume],
    found: &[(Place, f32)],
    keeps: impl Fn(Place) -> bool,
) -> Vec<(Place, f32)> {
    let mut seen = BTreeSet::new();
    let mut forward = Vec::new();
    let mut back = Vec::new();
    for (seed, score) in found.iter().take(SEEDS) {
        let entry = volumes[seed.volume].entry(seed.row);
        for place in ahead(volumes, entry) {
            if place != *seed && seen.insert(place) && keeps(place) {
                forward.push((place, *score));
            }
        }
    }
    for (seed, score) in found.iter().take(SEEDS) {
        let entry = volumes[seed.volume].entry(seed.row);
        for place in behind(volumes, entry) {
            if place != *seed && seen.insert(place) && keeps(place) {
                back.push((place, *score));
            }
        }
    }
    forward.append(&mut back);
    forward
}

/// The descriptions of the tables that an entry is about or leads to, and the entries that it names.
fn ahead(volumes: &[&Volume], entry: &Entry) -> Vec<Place> {
    let mut places = Vec::new();
    let mut describing = |table: &TableName| {
        for (at, volume) in volumes.iter().enumerate() {
            places.extend(
                volume
                    .describing(table)
                    .map(|row| Place { volume: at, row }),
            );
        }
    };
    for table in &entry.tables {
        describing(table);
    }
    for link in &entry.links {
        if let Link::Table(table) = link {
            describing(table);
        }
    }
    for link in &entry.links {
        let Link::Entry(id) = link else { continue };
        let with_id = |(at, volume): (usize, &&Volume)| {
            Some(Place {
                volume: at,
                row: volume.with_id(id)?,
            })
        };
        places.extend(volumes.iter().enumerate().filter_map(with_id));
    }
    places
}

/// What is about the table that an entry describes, and what leads there.
fn behind(volumes: &[&Volume], entry: &Entry) -> Vec<Place> {
    if entry.kind != Kind::Schema {
        return Vec::new();
    }
    let mut places = Vec::new();
    for table in &entry.tables {
        for (at, volume) in volumes.iter().enumerate() {
            let rows = volume.about(table).chain(volume.leading_to(table));
            places.extend(rows.map(|row| Place { volume: at, row }));
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::Scope;
    use crate::knowledge::search::testing::entry;

    fn about(id: &str, kind: Kind, tables: &[&str], links: &[Link]) -> Entry {
        Entry {
            kind,
            tables: tables.iter().map(|table| TableName::parse(table)).collect(),
            links: links.to_vec(),
            ..entry(Scope::Global, id, "")
        }
    }

    fn ids_from(seed: u32) -> Vec<String> {
        let joins = [Link::Table(TableName::parse("customers"))];
        let waits = [Link::Entry("load_customers".to_owned())];
        let volume = Volume::build(
            Scope::Global,
            vec![
                about("metric_revenue", Kind::Business, &["Orders"], &[]),
                about("table_orders", Kind::Schema, &["sales.orders"], &joins),
                about("table_customers", Kind::Schema, &["sales.customers"], &[]),
                about("load_orders", Kind::Process, &["sales.orders"], &waits),
                about("load_customers", Kind::Process, &["sales.customers"], &[]),
                about("table_archive", Kind::Schema, &["archive.orders"], &[]),
            ],
            None,
        )
        .unwrap();
        let seed = Place {
            volume: 0,
            row: seed,
        };
        expand(&[&volume], &[(seed, 1.0)], |_| true)
            .into_iter()
            .map(|(place, _)| volume.entry(place.row).id.clone())
            .collect()
    }

    #[test]
    fn a_metric_leads_to_its_tables_in_whatever_schema() {
        assert_eq!(ids_from(0), ["table_orders", "table_archive"]);
    }

    #[test]
    fn a_table_leads_to_its_joins_first_and_then_to_what_is_about_it() {
        assert_eq!(
            ids_from(1),
            ["table_customers", "metric_revenue", "load_orders"]
        );
    }

    #[test]
    fn a_process_leads_to_its_table_and_to_what_it_waits_for() {
        assert_eq!(ids_from(3), ["table_orders", "load_customers"]);
    }
}
