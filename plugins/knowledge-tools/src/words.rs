//! Words, compared as a reader compares them: whole, in any case, a plural like its singular.

/// The words of a text, in its order.
pub fn words(text: &str) -> Vec<String> {
    text.split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| singular(&word.to_lowercase()))
        .collect()
}

/// Whether a phrase stands in a text, word for word; an empty one stands nowhere.
pub fn contains(text: &[String], phrase: &[String]) -> bool {
    !phrase.is_empty() && text.windows(phrase.len()).any(|window| window == phrase)
}

/// Without an `s` that is likely to make a plural.
fn singular(word: &str) -> String {
    match word.strip_suffix('s') {
        Some(stem) if stem.len() > 2 && !stem.ends_with(['s', 'u', 'i']) => stem.to_owned(),
        _ => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phrase_is_found_whole_in_any_case_and_number() {
        let text = words("What does Net-Revenue of our Customers mean?");
        for (phrase, found) in [
            ("net revenue", true),
            ("customer", true),
            ("revenue net", false),
            ("custom", false),
            ("", false),
        ] {
            assert_eq!(contains(&text, &words(phrase)), found, "{phrase}");
        }
    }

    #[test]
    fn what_only_ends_like_a_plural_keeps_its_end() {
        assert_eq!(
            words("status loss basis gas"),
            ["status", "loss", "basis", "gas"]
        );
    }
}
