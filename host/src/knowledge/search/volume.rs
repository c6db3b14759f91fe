//! The entries of one scope, indexed for every way in which they are found. Never changed: a change makes the
//! next one.
//!
//! A volume can be searched only through [`retrieve`](super::retrieve::retrieve), which decides whose volumes a
//! question may see.

use std::collections::HashMap;
use std::sync::Arc;

use super::embed::{Identity, Vector};
use super::entry::{Entry, Link, TableName};
use super::facets::{Facets, Probe};
use super::lexical::Postings;
use super::names::{self, Names};
use super::text;
use super::vectors::{IndexError, Near, Vectors};
use crate::knowledge::{Kind, Scope};

/// A term of the name counts as often as this many of the text.
const NAME: usize = 2;

/// Why entries make no volume.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("{id} belongs to {found}, not to {expected}")]
    Foreign {
        id: String,
        found: Scope,
        expected: Scope,
    },
    #[error("{scope} holds {id} twice")]
    Duplicate { scope: Scope, id: String },
    #[error("{scope} holds more entries than can be numbered")]
    TooMany { scope: Scope },
    #[error(transparent)]
    Index(#[from] IndexError),
}

/// See the module.
#[derive(Debug)]
pub struct Volume {
    scope: Scope,
    /// By row. Their vectors are in `vectors`.
    entries: Vec<Arc<Entry>>,
    /// By row, beside each other: every candidate is asked for its kind.
    kinds: Vec<Kind>,
    names: Names,
    postings: Postings,
    vectors: Option<Meanings>,
    by_id: HashMap<String, u32>,
    /// By the table's name without its schema: those that are about it.
    by_table: HashMap<String, Vec<u32>>,
    /// In the same way: those that lead to it.
    by_link: HashMap<String, Vec<u32>>,
}

/// The vectors of the entries that have some.
#[derive(Debug)]
struct Meanings {
    embedder: Arc<Identity>,
    wholes: Vectors,
    facets: Facets,
}

impl Volume {
    /// Indexes all entries of a scope. Of the embeddings only those of `embedder` are used: vectors of two
    /// embedders can't be compared. Takes microseconds an entry, and milliseconds beyond
    /// [`EXACT_UP_TO`](super::vectors::EXACT_UP_TO).
    ///
    /// # Errors
    /// See [`BuildError`].
    pub fn build(
        scope: Scope,
        mut entries: Vec<Entry>,
        embedder: Option<&Identity>,
    ) -> Result<Self, BuildError> {
        if u32::try_from(entries.len()).is_err() {
            return Err(BuildError::TooMany { scope });
        }
        let mut wholes: Vec<(u32, Vector)> = Vec::new();
        let mut facets = Facets::new(embedder.map_or(0, |embedder| embedder.dimensions));
        let mut identity = None;
        let mut by_id = HashMap::with_capacity(entries.len());
        let mut names = Names::default();
        let mut by_table: HashMap<_, Vec<u32>> = HashMap::new();
        let mut by_link: HashMap<_, Vec<u32>> = HashMap::new();
        for (row, entry) in (0..).zip(&mut entries) {
            if entry.scope != scope {
                return Err(BuildError::Foreign {
                    id: entry.id.clone(),
                    found: entry.scope,
                    expected: scope,
                });
            }
            if by_id.insert(entry.id.clone(), row).is_some() {
                return Err(BuildError::Duplicate {
                    scope,
                    id: entry.id.clone(),
                });
            }
            names.push(entry);
            let note = |index: &mut HashMap<String, Vec<u32>>, table: &TableName| {
                let rows = index.entry(table.bare().to_owned()).or_default();
                if rows.last() != Some(&row) {
                    rows.push(row);
                }
            };
            for table in &entry.tables {
                note(&mut by_table, table);
            }
            for link in &entry.links {
                if let Link::Table(table) = link {
                    note(&mut by_link, table);
                }
            }
            // The indexes have their own copies.
            let mut embeddings = std::mem::take(&mut entry.embeddings);
            embeddings.retain(|embedding| {
                embedder.is_some_and(|embedder| *embedder == *embedding.identity)
            });
            facets.push(embeddings.iter().skip(1).map(|facet| &facet.vector));
            if let Some(whole) = embeddings.into_iter().next() {
                identity = Some(whole.identity);
                wholes.push((row, whole.vector));
            }
        }
        let postings = Postings::build(entries.iter().map(terms));
        let vectors = match identity {
            None => None,
            Some(embedder) => {
                let rows = wholes.iter().map(|(row, vector)| (*row, vector));
                Some(Meanings {
                    wholes: Vectors::build(embedder.dimensions, rows)?,
                    facets,
                    embedder,
                })
            }
        };
        Ok(Self {
            scope,
            kinds: entries.iter().map(|entry| entry.kind).collect(),
            entries: entries.into_iter().map(Arc::new).collect(),
            names,
            postings,
            vectors,
            by_id,
            by_table,
            by_link,
        })
    }

    #[must_use]
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many entries can be found by their vectors.
    #[must_use]
    pub fn embedded(&self) -> usize {
        self.vectors
            .as_ref()
            .map_or(0, |vectors| vectors.wholes.len())
    }

    /// A row is one of this volume's own.
    pub(super) fn entry(&self, row: u32) -> &Arc<Entry> {
        &self.entries[row as usize]
    }

    /// A row is one of this volume's own.
    pub(super) fn kind(&self, row: u32) -> Kind {
        self.kinds[row as usize]
    }

    pub(super) fn postings(&self) -> &Postings {
        &self.postings
    }

    /// Whether this embedder made the vectors.
    pub(super) fn is_embedded_by(&self, embedder: &Identity) -> bool {
        let vectors = self.vectors.as_ref();
        vectors.is_some_and(|vectors| *vectors.embedder == *embedder)
    }

    /// Of the rows that `keeps` admits the `count` that are nearest as a whole, in the order of how near they are
    /// with their facets; of equally near ones the lower row comes first. The vector is one of the embedder's.
    pub(super) fn nearest(
        &self,
        question: &Vector,
        count: usize,
        keeps: impl Fn(u32) -> bool,
    ) -> Result<Vec<Near>, IndexError> {
        let Some(vectors) = &self.vectors else {
            return Ok(Vec::new());
        };
        let probe = Probe::of(question);
        let mut near = vectors.wholes.nearest(question, count, keeps)?;
        for near in &mut near {
            near.cosine = vectors.facets.judge(near.row, near.cosine, &probe);
        }
        near.sort_unstable_by(|left, right| right.cmp(left));
        Ok(near)
    }

    /// The entry with an id.
    pub(super) fn with_id(&self, id: &str) -> Option<u32> {
        self.by_id.get(id).copied()
    }

    /// The entries that define the same thing as a row of another volume: of its kind, with its id or a name
    /// that reads like its own.
    pub(super) fn namesakes<'a>(
        &'a self,
        other: &'a Self,
        row: u32,
    ) -> impl Iterator<Item = u32> + 'a {
        let theirs = other.entry(row);
        let alike = self.names.alike(&other.names, row);
        alike.filter(|row| names::same(self.entry(*row), theirs))
    }

    /// The Schema entries that describe a table.
    pub(super) fn describing<'a>(&'a self, table: &'a TableName) -> impl Iterator<Item = u32> + 'a {
        self.about(table)
            .filter(|row| self.entry(*row).kind == Kind::Schema)
    }

    /// The entries that are about a table.
    pub(super) fn about<'a>(&'a self, table: &'a TableName) -> impl Iterator<Item = u32> + 'a {
        let rows = self.by_table.get(table.bare());
        rows.into_iter()
            .flatten()
            .copied()
            .filter(move |row| self.entry(*row).tables.iter().any(|ours| ours.fits(table)))
    }

    /// The entries that lead to a table.
    pub(super) fn leading_to<'a>(&'a self, table: &'a TableName) -> impl Iterator<Item = u32> + 'a {
        let rows = self.by_link.get(table.bare());
        rows.into_iter().flatten().copied().filter(move |row| {
            self.entry(*row)
                .links
                .iter()
                .any(|link| matches!(link, Link::Table(ours) if ours.fits(table)))
        })
    }
}

fn terms(entry: &Entry) -> Vec<String> {
    let name = text::roots(&entry.name);
    let mut terms = text::roots(&entry.text);
    for _ in 0..NAME {
        terms.extend(name.iter().cloned());
    }
    terms
}
