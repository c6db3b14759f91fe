//! Column names as object keys: a repeated name gets `_2`, `_3`, …

use std::collections::HashSet;

use crate::database::ResultColumn;

/// One key a column, all different; a made-up key never takes the name of a real column.
pub fn unique(columns: &[ResultColumn]) -> Vec<String> {
    let given: HashSet<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    let mut used: HashSet<String> = HashSet::new();
    columns
        .iter()
        .map(|column| {
            let mut key = column.name.clone();
            let mut number = 2;
            while used.contains(&key) || (key != column.name && given.contains(key.as_str())) {
                key = format!("{}_{number}", column.name);
                number += 1;
            }
            used.insert(key.clone());
            key
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(names: &[&str]) -> Vec<String> {
        let columns: Vec<ResultColumn> = names
            .iter()
            .map(|name| ResultColumn {
                name: (*name).to_owned(),
                db_type: String::new(),
                nullable: true,
            })
            .collect();
        unique(&columns)
    }

    #[test]
    fn a_repeated_name_gets_a_number() {
        assert_eq!(keys(&["a", "b", "a", "a"]), ["a", "b", "a_2", "a_3"]);
    }

    #[test]
    fn a_made_up_key_leaves_real_columns_their_names() {
        assert_eq!(keys(&["a", "a", "a_2"]), ["a", "a_3", "a_2"]);
    }
}
