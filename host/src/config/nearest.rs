//! The known name that a misspelt one most likely meant.

/// The candidate that takes the fewest edits, if it is near enough to be worth naming.
pub fn nearest<'a>(name: &str, candidates: &[&'a str]) -> Option<&'a str> {
    candidates
        .iter()
        .map(|candidate| (distance(name, candidate), *candidate))
        .min()
        .filter(|(edits, candidate)| *edits <= candidate.len() / 3)
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions and replacements from `a` to `b`, in bytes: the names are ASCII.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_finds_its_name_and_nonsense_finds_none() {
        let names = ["DATACHAT_PORT", "DATACHAT_HOST"];
        assert_eq!(nearest("DATACHAT_PROT", &names), Some("DATACHAT_PORT"));
        assert_eq!(nearest("COMPLETELY_ELSE_HERE", &names), None);
    }

    #[test]
    fn distance_counts_single_edits() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", "abc"), 0);
    }
}
