//! Ids of proposals: made of names, different within a generation, the same in the next one.

use std::collections::HashSet;

use sha2::{Digest, Sha256};

use crate::profiling::words::words;

/// The most characters of an id.
const MOST: usize = 100;

/// The ids that are taken.
#[derive(Debug, Default)]
pub struct Ids(HashSet<String>);

impl Ids {
    /// An id that begins with `kind` and says the names, as far as its letters and its length allow; of names that
    /// it can't tell in full it has a part of their hash.
    pub fn take(&mut self, kind: &str, names: &[&str]) -> String {
        let said: Vec<String> = names
            .iter()
            .flat_map(|name| words(name))
            .map(|word| word.chars().filter(char::is_ascii_alphanumeric).collect())
            .filter(|word: &String| !word.is_empty())
            .collect();
        let plain = format!("{kind}_{}", said.join("_"));
        let is_told =
            names.iter().all(|name| !name.is_empty() && name.is_ascii()) && !said.is_empty();
        if is_told && plain.len() <= MOST && self.0.insert(plain.clone()) {
            return plain;
        }
        let hash = format!("{:x}", Sha256::digest(names.join("\0")));
        let hash = &hash[..12];
        let stem: String = plain.chars().take(MOST - hash.len() - 1).collect();
        let id = format!("{}_{hash}", stem.trim_end_matches('_'));
        self.0.insert(id.clone());
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_the_names_and_no_two_are_the_same() {
        let mut ids = Ids::default();
        assert_eq!(
            ids.take("table", &["shop", "orderItems"]),
            "table_shop_order_items"
        );
        let second = ids.take("table", &["shop", "order_items"]);
        assert!(second.starts_with("table_shop_order_items_"), "{second}");
        assert_eq!(
            Ids::default().take("table", &["größen"]),
            Ids::default().take("table", &["größen"]),
            "the same in every generation"
        );
        let signs = ids.take("table", &["", "§"]);
        assert!(signs.starts_with("table_") && signs.len() > 10, "{signs}");
        let long = ids.take("table", &[&"long".repeat(40)]);
        assert_eq!(long.len(), MOST);
    }
}
