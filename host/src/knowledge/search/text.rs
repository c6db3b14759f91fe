//! From text to the terms that are compared: words of prose and parts of identifiers alike.
//!
//! `orderLines`, `order_lines` and "Order Lines" give the same two terms. Accents fall away, upper case becomes
//! lower case, and a light stem takes plurals together. Writing without spaces (Chinese, Japanese, Korean) gives
//! pairs of neighbouring characters, which need no dictionary. The lexical search also takes the forms of an English
//! word together ([`roots`]); names are compared without that. Nothing else is known of any language: what this misses,
//! vectors find.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Words of a question that say nothing about what is asked for, in order. In a small scope any of them may be rare,
/// and would then count as much as a name.
#[rustfmt::skip]
const STOP: &[&str] = &[
    "a", "about", "above", "after", "again", "against", "all", "almost", "already", "also",
    "always", "am", "among", "an", "and", "another", "any", "anybody", "anyone", "anything", "are",
    "around", "as", "at", "away", "back", "be", "became", "because", "become", "been", "before",
    "being", "below", "between", "both", "but", "by", "came", "can", "cannot", "come", "could",
    "did", "do", "does", "doing", "done", "down", "during", "each", "either", "else", "enough",
    "even", "ever", "every", "everybody", "everyone", "everything", "exactly", "few", "find",
    "first", "for", "from", "further", "gave", "get", "give", "given", "go", "goes", "going",
    "gone", "got", "had", "happen", "happened", "happens", "has", "have", "having", "he", "her",
    "here", "hers", "him", "his", "how", "i", "if", "in", "into", "is", "it", "its", "itself",
    "just", "keep", "keeps", "know", "let", "like", "list", "ll", "look", "looks", "made", "make",
    "makes", "many", "may", "me", "might", "mine", "more", "most", "much", "must", "my", "need",
    "needs", "neither", "never", "no", "nobody", "nor", "not", "nothing", "now", "of", "off",
    "often", "on", "once", "one", "ones", "only", "onto", "or", "other", "others", "our", "ours",
    "out", "over", "own", "part", "perhaps", "please", "put", "quite", "rather", "re", "really",
    "right", "s", "said", "same", "say", "says", "see", "seem", "shall", "she", "should", "show",
    "since", "so", "some", "somebody", "someone", "something", "sometimes", "soon", "still", "such",
    "t", "take", "taken", "takes", "tell", "than", "that", "the", "their", "theirs", "them", "then",
    "there", "these", "they", "thing", "things", "this", "those", "though", "through", "thus", "to",
    "together", "too", "took", "under", "until", "up", "upon", "us", "use", "used", "usually", "ve",
    "very", "want", "wants", "was", "we", "well", "went", "were", "what", "when", "where",
    "whether", "which", "while", "who", "whom", "whose", "why", "will", "with", "within", "without",
    "would", "yes", "yet", "you", "your", "yours",
];

/// The terms of a text, in its order, repeated as often as they occur.
#[must_use]
pub fn terms(text: &str) -> Vec<String> {
    let mut terms = Vec::new();
    for_each_word(text, |word| push_terms(word, &mut terms));
    terms
}

/// The roots of a text's terms, in its order: what the lexical search compares.
#[must_use]
pub fn roots(text: &str) -> Vec<String> {
    terms(text).iter().map(|term| root(term)).collect()
}

/// The roots of a question that can tell entries apart, each once.
#[must_use]
pub fn question_terms(text: &str) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for_each_word(text, |word| {
        if STOP.binary_search(&word.to_lowercase().as_str()).is_ok() {
            return;
        }
        let mut terms = Vec::new();
        push_terms(word, &mut terms);
        for root in terms.iter().map(|term| root(term)) {
            if !kept.contains(&root) {
                kept.push(root);
            }
        }
    });
    kept
}

/// Two names that a reader takes for the same have the same key.
#[must_use]
pub fn name_key(name: &str) -> String {
    terms(name).join(" ")
}

/// Calls `word` with each run of letters and digits, accents removed, case kept.
fn for_each_word(text: &str, mut word: impl FnMut(&str)) {
    // Taken apart to lose the accents, and put together again for scripts such as Korean that are made of parts.
    let folded: String = text
        .nfkd()
        .filter(|character| !is_combining_mark(*character))
        .nfc()
        .collect();
    // An apostrophe inside a word is a part of it: `customers'`, `don't`.
    for run in folded.split(|character: char| !character.is_alphanumeric()) {
        if !run.is_empty() {
            word(run);
        }
    }
}

/// What a character is to the splitting of identifiers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Lower,
    Upper,
    Digit,
    /// Of a script without spaces.
    Dense,
}

fn class(character: char) -> Class {
    match character {
        '\u{2E80}'..='\u{9FFF}'
        | '\u{AC00}'..='\u{D7AF}'
        | '\u{F900}'..='\u{FAFF}'
        | '\u{20000}'..='\u{3FFFF}' => Class::Dense,
        character if character.is_numeric() => Class::Digit,
        character if character.is_uppercase() => Class::Upper,
        _ => Class::Lower,
    }
}

/// Splits a word where an identifier's parts meet, and adds each part's stem.
fn push_terms(word: &str, terms: &mut Vec<String>) {
    let characters: Vec<(usize, char)> = word.char_indices().collect();
    let mut begin = 0;
    for at in 1..=characters.len() {
        if at < characters.len() && !splits(&characters, begin, at) {
            continue;
        }
        let end = characters.get(at).map_or(word.len(), |(offset, _)| *offset);
        push_part(&word[characters[begin].0..end], terms);
        begin = at;
    }
}

/// Whether a part ends before the character `at`; it began at `begin`.
fn splits(characters: &[(usize, char)], begin: usize, at: usize) -> bool {
    let before = class(characters[at - 1].1);
    let here = class(characters[at].1);
    match (before, here) {
        (Class::Dense, other) | (other, Class::Dense) => before != here || other != Class::Dense,
        // `q1`, `h3` and `b2b` are names; `address2` is one with a number.
        (Class::Lower | Class::Upper, Class::Digit) => at - begin > 2,
        (Class::Digit, Class::Lower | Class::Upper) => {
            characters[begin..at]
                .iter()
                .all(|(_, character)| class(*character) == Class::Digit)
                && at - begin > 1
        }
        (Class::Lower, Class::Upper) => true,
        // The last capital of `HTTPServer` begins the next word.
        (Class::Upper, Class::Upper) => characters
            .get(at + 1)
            .is_some_and(|(_, next)| class(*next) == Class::Lower && next.is_alphabetic()),
        _ => false,
    }
}

fn push_part(part: &str, terms: &mut Vec<String>) {
    if part
        .chars()
        .next()
        .is_some_and(|c| class(c) == Class::Dense)
    {
        let characters: Vec<char> = part.chars().collect();
        if let [single] = characters.as_slice() {
            terms.push(single.to_string());
        }
        terms.extend(characters.windows(2).map(|pair| pair.iter().collect()));
        return;
    }
    // Lower case may bring a mark of its own (`İ`).
    let lower: String = part
        .to_lowercase()
        .chars()
        .filter(|character| !is_combining_mark(*character))
        .collect();
    terms.push(stem(&lower));
}

/// Takes English plurals together, and nothing more: Harman's S-stemmer.
fn stem(word: &str) -> String {
    let ends = |suffix: &str| word.ends_with(suffix);
    if word.chars().count() <= 3 || !ends("s") || ends("ss") || ends("us") || ends("is") {
        return word.to_owned();
    }
    if ends("ies") && !ends("eies") && !ends("aies") && word.chars().count() > 4 {
        return format!("{}y", &word[..word.len() - 3]);
    }
    let cut = ["sses", "shes", "ches", "xes", "zes"]
        .iter()
        .any(|suffix| ends(suffix));
    word[..word.len() - if cut { 2 } else { 1 }].to_owned()
}

/// The least that stays of a term whose ending is cut, of forms of one word and of words of one family.
const FORM: usize = 3;
const FAMILY: usize = 4;

/// A term without the endings that English gives to one word and to its nearest family: `lending` and `lends`,
/// `shipment` and `ships`, `buyers` and `buyer` have one root each. It need not be a word.
fn root(term: &str) -> String {
    if !term.is_ascii() {
        return term.to_owned();
    }
    let mut root = term;
    for ending in ["ing", "ed"] {
        let cut = root
            .strip_suffix(ending)
            .filter(|cut| cut.len() >= FORM && cut.contains(['a', 'e', 'i', 'o', 'u', 'y']));
        if let Some(cut) = cut {
            root = undoubled(cut);
            break;
        }
    }
    for ending in ["ation", "ment", "ness", "ity", "ly", "er", "or", "al"] {
        if let Some(cut) = root.strip_suffix(ending).filter(|cut| cut.len() >= FAMILY) {
            root = cut;
            break;
        }
    }
    if root.len() > FAMILY {
        root = root.strip_suffix('e').unwrap_or(root);
    }
    match root.strip_suffix('y') {
        Some(cut) if cut.len() >= FORM => format!("{cut}i"),
        _ => root.to_owned(),
    }
}

/// `planning` and `planned` are of `plan`; `selling` is of `sell`.
fn undoubled(cut: &str) -> &str {
    match cut.as_bytes() {
        [.., before, last]
            if before == last && cut.len() > FORM && !matches!(last, b'l' | b's' | b'z') =>
        {
            &cut[..cut.len() - 1]
        }
        _ => cut,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_identifier_in_any_style_gives_the_terms_of_its_words() {
        for text in [
            "orderLines",
            "order_lines",
            "Order Lines",
            "ORDER-LINES",
            "OrderLine",
        ] {
            assert_eq!(terms(text), ["order", "line"], "{text}");
        }
        assert_eq!(terms("HTTPServerID"), ["http", "server", "id"]);
    }

    #[test]
    fn digits_part_from_words_but_not_from_short_names() {
        assert_eq!(terms("address2"), ["address", "2"]);
        assert_eq!(terms("2024Revenue"), ["2024", "revenue"]);
        assert_eq!(terms("q1 b2b h3"), ["q1", "b2b", "h3"]);
    }

    #[test]
    fn accents_case_and_plurals_do_not_tell_terms_apart() {
        assert_eq!(terms("Crédits"), terms("CREDIT"));
        assert_eq!(terms("Straßen"), ["straßen"]);
        assert_eq!(terms("İstanbul"), ["istanbul"]);
        for (plural, singular) in [
            ("currencies", "currency"),
            ("branches", "branch"),
            ("taxes", "tax"),
            ("losses", "loss"),
            ("balances", "balance"),
            ("transactions", "transaction"),
        ] {
            assert_eq!(terms(plural), terms(singular), "{plural}");
        }
        for word in ["status", "address", "analysis", "gas"] {
            assert_eq!(terms(word), [word]);
        }
    }

    #[test]
    fn writing_without_spaces_gives_pairs_of_characters() {
        assert_eq!(terms("顧客注文"), ["顧客", "客注", "注文"]);
        assert_eq!(terms("한국어"), ["한국", "국어"]);
        assert_eq!(terms("表a列"), ["表", "a", "列"]);
    }

    #[test]
    fn the_small_words_are_in_order() {
        assert!(STOP.is_sorted());
    }

    #[test]
    fn a_question_keeps_its_content_words_once() {
        assert_eq!(
            question_terms("How many customers do we have, and which customers have loans?"),
            ["custom", "loan"]
        );
        assert_eq!(question_terms("what is it?"), Vec::<String>::new());
    }

    #[test]
    fn the_forms_of_a_word_and_its_nearest_family_have_one_root() {
        for family in [
            "lend lends lending",
            "plan plans planned planning",
            "sell sells selling",
            "store stored storing",
            "shipment shipments ship ships shipped shipping",
            "month months monthly",
            "book booked booking bookings",
            "deliver delivered delivering",
            "customer customers",
        ] {
            let roots = roots(family);
            assert!(roots.iter().all(|root| *root == roots[0]), "{roots:?}");
        }
        for (word, other) in [
            ("king", "k"),
            ("red", "r"),
            ("order", "ord"),
            ("über", "üb"),
        ] {
            assert_ne!(roots(word), roots(other));
        }
    }

    proptest! {
        #[test]
        fn a_root_is_never_empty(text in "\\PC{0,20}") {
            prop_assert!(roots(&text).iter().all(|root| !root.is_empty()));
            prop_assert_eq!(roots(&text).len(), terms(&text).len());
        }

        #[test]
        fn terms_are_lower_case_and_never_empty(text in "\\PC{0,40}") {
            for term in terms(&text) {
                prop_assert!(!term.is_empty());
                prop_assert!(!term.contains(char::is_whitespace));
            }
        }
    }
}
