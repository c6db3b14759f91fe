//! The words that a name is made of.

/// The words of a name, in lower case: `orderLines`, `order_lines` and `Order Lines` are two each.
pub fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let letters: Vec<char> = name.chars().collect();
    for (at, &letter) in letters.iter().enumerate() {
        if !letter.is_alphanumeric() {
            end(&mut word, &mut words);
            continue;
        }
        let before = at.checked_sub(1).map(|at| letters[at]);
        let after = letters.get(at + 1);
        // `orderID` and `HTTPServer` have two words, `ORDERS` has one.
        let begins = letter.is_uppercase()
            && before.is_some_and(|before| {
                before.is_lowercase()
                    || before.is_ascii_digit()
                    || (before.is_uppercase() && after.is_some_and(|after| after.is_lowercase()))
            });
        if begins {
            end(&mut word, &mut words);
        }
        word.extend(letter.to_lowercase());
    }
    end(&mut word, &mut words);
    words
}

fn end(word: &mut String, words: &mut Vec<String>) {
    if !word.is_empty() {
        words.push(std::mem::take(word));
    }
}

/// A name as people read it: `order lines`.
pub fn readable(name: &str) -> String {
    words(name).join(" ")
}

/// The singular of an English word, as far as its ending tells.
pub fn singular(word: &str) -> String {
    let cut = |ending: &str, put: &str| {
        word.strip_suffix(ending)
            .filter(|stem| stem.len() > 1)
            .map(|stem| format!("{stem}{put}"))
    };
    if ["ss", "us", "is", "news", "series"]
        .iter()
        .any(|ending| word.ends_with(ending))
    {
        return word.to_owned();
    }
    cut("ies", "y")
        .or_else(|| cut("sses", "ss"))
        .or_else(|| cut("shes", "sh"))
        .or_else(|| cut("ches", "ch"))
        .or_else(|| cut("xes", "x"))
        .or_else(|| cut("s", ""))
        .unwrap_or_else(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_taken_apart_at_signs_and_at_capitals() {
        for (name, expected) in [
            ("order_items", "order items"),
            ("orderItems", "order items"),
            ("Order Items", "order items"),
            ("ORDERS", "orders"),
            ("orderID", "order id"),
            ("HTTPServer2Name", "http server2 name"),
            ("größe_m2", "größe m2"),
            ("__", ""),
        ] {
            assert_eq!(readable(name), expected, "{name}");
        }
    }

    #[test]
    fn the_singular_is_found_by_the_ending() {
        for (word, expected) in [
            ("orders", "order"),
            ("categories", "category"),
            ("addresses", "address"),
            ("branches", "branch"),
            ("boxes", "box"),
            ("status", "status"),
            ("address", "address"),
            ("analysis", "analysis"),
            ("s", "s"),
        ] {
            assert_eq!(singular(word), expected, "{word}");
        }
    }
}
