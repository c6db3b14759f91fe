//! What tests of the search share.

use super::entry::Entry;
use crate::knowledge::{Kind, Scope};

/// An entry with the least that there is to it.
pub(super) fn entry(scope: Scope, id: &str, text: &str) -> Entry {
    Entry {
        scope,
        id: id.to_owned(),
        kind: Kind::Business,
        name: id.to_owned(),
        text: text.to_owned(),
        tables: Vec::new(),
        links: Vec::new(),
        facets: Vec::new(),
        embeddings: Vec::new(),
    }
}
