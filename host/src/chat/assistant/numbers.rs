//! Whether every number of a text is one that was computed.
//!
//! A number may be shown with fewer digits, with separators, as a percentage, or with a word such as million; it may
//! not be another one. A sum, a difference or a growth that nobody computed is another one, right or wrong.

/// The numbers that a text may hold.
#[derive(Debug, Clone, Default)]
pub struct Known {
    values: Vec<f64>,
}

/// How much a shown number may differ from its value: shown with fewer digits it is still the same.
const ROUNDING: f64 = 0.005;

impl Known {
    /// Every number in a text: of a question, of a cell, of a DataPoint.
    pub fn text(&mut self, text: &str) {
        // An exact number, with a sign and an exponent.
        if let Ok(value) = text.trim().parse::<f64>() {
            self.values.push(value);
            return;
        }
        let whole = shown(text).into_iter().filter(|shown| !shown.is_glued);
        self.values.extend(whole.map(|shown| shown.value));
        // Parts of dates and of names, and not those of an id such as a UUID, which would let any number pass.
        let bytes = text.as_bytes();
        let ends = |at: Option<usize>| {
            let byte = at.and_then(|at| bytes.get(at));
            byte.is_none_or(|byte| !byte.is_ascii_alphabetic() || matches!(byte, b'T' | b'Z'))
        };
        let mut at = 0;
        while at < bytes.len() {
            let from = at;
            while bytes.get(at).is_some_and(u8::is_ascii_digit) {
                at += 1;
            }
            if at > from && ends(from.checked_sub(1)) && ends(Some(at)) {
                self.values.extend(text[from..at].parse::<f64>());
            }
            at += usize::from(at == from);
        }
    }

    pub fn number(&mut self, value: f64) {
        self.values.push(value);
    }

    /// The first number of a text that is none of these.
    pub fn stranger(&self, text: &str) -> Option<String> {
        if let Some(word) = word(text) {
            let value = WORDS.iter().find(|(name, _)| *name == word)?.1;
            if !self.values.iter().any(|known| (known - value).abs() < 1e-9) {
                return Some(word);
            }
        }
        shown(text)
            .into_iter()
            .find(|shown| !self.values.iter().any(|known| shown.is(*known)))
            .map(|shown| shown.text)
    }
}

/// A number as a text shows it.
#[derive(Debug, Clone, PartialEq)]
struct Shown {
    text: String,
    value: f64,
    /// The unit of the last digit.
    unit: f64,
    percent: bool,
    /// Whether a letter follows at once that is no word for a scale: `3f25`, and also `5kg`.
    is_glued: bool,
}

impl Shown {
    fn is(&self, known: f64) -> bool {
        // A text says "fell by 3 %" of -3.
        let near = |known: f64| {
            let distance = (self.value.abs() - known.abs()).abs();
            let rounds = distance <= self.unit / 2.0 * (1.0 + 1e-9);
            let same = distance <= 1e-9 * known.abs().max(1.0);
            same || (rounds && distance <= ROUNDING * known.abs())
        };
        near(known) || (self.percent && near(known * 100.0))
    }
}

/// Words that stand for numbers; "one" is mostly none.
const WORDS: &[(&str, f64)] = &[
    ("two", 2.0),
    ("three", 3.0),
    ("four", 4.0),
    ("five", 5.0),
    ("six", 6.0),
    ("seven", 7.0),
    ("eight", 8.0),
    ("nine", 9.0),
    ("ten", 10.0),
    ("eleven", 11.0),
    ("twelve", 12.0),
    ("dozen", 12.0),
    ("twenty", 20.0),
    ("thirty", 30.0),
    ("forty", 40.0),
    ("fifty", 50.0),
    ("sixty", 60.0),
    ("seventy", 70.0),
    ("eighty", 80.0),
    ("ninety", 90.0),
    ("hundred", 100.0),
    ("half", 0.5),
    ("twice", 2.0),
    ("double", 2.0),
    ("doubled", 2.0),
    ("triple", 3.0),
    ("tripled", 3.0),
];

/// The first word that stands for a number.
fn word(text: &str) -> Option<String> {
    text.split(|character: char| !character.is_alphabetic())
        .map(str::to_lowercase)
        .find(|word| WORDS.iter().any(|(name, _)| name == word))
}

/// The numbers of a text, in its order. Marks of a numbered list are none.
fn shown(text: &str) -> Vec<Shown> {
    let characters: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < characters.len() {
        if !characters[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let from = at;
        while at < characters.len()
            && (characters[at].is_ascii_digit()
                || (matches!(characters[at], ',' | '.' | '\u{202f}' | '\u{a0}' | '\'')
                    && characters.get(at + 1).is_some_and(char::is_ascii_digit)))
        {
            at += 1;
        }
        let digits: String = characters[from..at].iter().collect();
        let starts_line = characters[..from]
            .iter()
            .rev()
            .take_while(|character| **character != '\n')
            .all(|character| character.is_whitespace());
        let is_mark = starts_line
            && matches!(characters.get(at), Some('.' | ')'))
            && characters
                .get(at + 1)
                .is_some_and(|next| next.is_whitespace());
        // The digits of a name (`sha256`, `q1_2024`) are no number of their own.
        let in_name =
            from > 0 && (characters[from - 1].is_alphabetic() || characters[from - 1] == '_');
        if is_mark || in_name {
            continue;
        }
        let rest: String = characters[at..].iter().take(12).collect();
        if let Some(shown) = read(&digits, &rest) {
            found.push(shown);
        }
    }
    found
}

fn read(digits: &str, rest: &str) -> Option<Shown> {
    let plain: String = digits
        .chars()
        .filter(|character| !matches!(character, '\u{202f}' | '\u{a0}' | '\''))
        .collect();
    let (commas, dots) = (plain.matches(',').count(), plain.matches('.').count());
    // The last of two kinds of mark is the decimal one; several of one kind separate thousands, and so does a comma.
    let decimal = match (commas, dots) {
        (_, 1) if plain.rfind('.') > plain.rfind(',') => Some('.'),
        (1, 1..) => Some(','),
        _ => None,
    };
    let mut clean = String::new();
    let mut decimals = 0_i32;
    for character in plain.chars() {
        if Some(character) == decimal {
            clean.push('.');
        } else if character.is_ascii_digit() {
            if clean.contains('.') {
                decimals += 1;
            }
            clean.push(character);
        }
    }
    let value: f64 = clean.parse().ok()?;
    let is_glued = rest.starts_with(char::is_alphabetic);
    let rest = rest.trim_start().to_lowercase();
    let follows = |words: &[&str]| {
        words.iter().any(|word| {
            rest.strip_prefix(word)
                .is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
        })
    };
    let scale = if follows(&["thousand", "k"]) {
        1e3
    } else if follows(&["million", "millions", "m", "mn"]) {
        1e6
    } else if follows(&["billion", "billions", "bn", "b"]) {
        1e9
    } else if follows(&["trillion"]) {
        1e12
    } else {
        1.0
    };
    Some(Shown {
        text: digits.to_owned(),
        value: value * scale,
        unit: 10_f64.powi(-decimals) * scale,
        is_glued: is_glued && (scale - 1.0).abs() < f64::EPSILON,
        percent: rest.starts_with('%') || follows(&["percent", "per cent"]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(texts: &[&str]) -> Known {
        let mut known = Known::default();
        for text in texts {
            known.text(text);
        }
        known
    }

    #[test]
    fn a_number_may_be_shown_in_other_ways() {
        let known = known(&[
            "1234567.891",
            "0.1234",
            "-3.5",
            "2024-03-01",
            "Top 10",
            "4200000",
        ]);
        for text in [
            "1234567.891",
            "1,234,567.89",
            "about 1.235 million",
            "1 234 567.891".replace(' ', "\u{a0}").as_str(),
            "1.234.567,89",
            "12.3 %",
            "12.34%",
            "a fall of 3.5",
            "in March 2024, on the 1st",
            "the top 10",
            "4.2 million",
            "4,200k",
            "1. first\n2. second: 10",
            "the column q1_2019",
        ] {
            assert_eq!(known.stranger(text), None, "{text}");
        }
    }

    #[test]
    fn another_number_is_found_out() {
        let known = known(&["1234567.891", "0.1234", "4.7"]);
        for (text, stranger) in [
            ("1,234,568.89", "1,234,568.89"),
            ("1.3 million", "1.3"),
            ("1234567.891 thousand", "1234567.891"),
            ("13 %", "13"),
            ("about 5", "5"),
            ("1,235", "1,235"),
            ("five of them", "five"),
            ("It doubled.", "doubled"),
            ("4.7 and 7 more", "7"),
        ] {
            assert_eq!(known.stranger(text).as_deref(), Some(stranger), "{text}");
        }
        let ids = self::known(&[
            "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
            "2026-03-01T08:30:00Z",
        ]);
        assert_eq!(ids.stranger("89 of 11").as_deref(), Some("89"));
        assert_eq!(ids.stranger("in March 2026 at 8:30"), None);
        let mut twelve = known.clone();
        twelve.number(12.0);
        assert_eq!(twelve.stranger("a dozen"), None);
    }
}
