//! What a question asks for, as far as its words alone say.
//!
//! A closed list of forms, each read as a whole: a question that has a word more than its form is none of them.
//! The first form that fits is the reading. Nothing here looks at a database; whether a table of that name
//! exists is found out later (`tables`).

use std::sync::LazyLock;

use regex::Regex;

/// The most rows that a sample shows.
pub const MOST_SAMPLE_ROWS: u64 = 100;
/// The rows of a sample whose number nobody said.
const SAMPLE_ROWS: u64 = 3;

/// What a question asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Intent {
    /// What needs no database.
    Small(SmallTalk),
    ListTables,
    /// About one table; `None`: the question does not say which.
    Table(TableQuestion, Option<String>),
    /// What a term means, how it is calculated, which rules it has.
    Definition(String),
    /// `ok`, `thanks`, `continue`.
    Acknowledgement,
    /// How the answer before came about.
    Why,
    /// Nothing of the list.
    Other,
}

/// What is answered without looking anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmallTalk {
    Goodbye,
    Hello,
    SetUp,
    OffTopic,
    DataPoints,
}

/// What one can ask about a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableQuestion {
    Columns,
    Count,
    /// At most so many rows.
    Sample(u64),
}

impl TableQuestion {
    /// The name that a conversation's state keeps of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Columns => "columns",
            Self::Count => "count",
            Self::Sample(_) => "sample",
        }
    }

    /// What is asked when the table is missing.
    pub fn clarification(self) -> &'static str {
        match self {
            Self::Columns => "Which table should I list columns for?",
            Self::Count => "Which table should I count rows for?",
            Self::Sample(_) => "Which table should I show sample rows from?",
        }
    }

    /// Every one of them, for reading a state back.
    pub fn all() -> [Self; 3] {
        [Self::Columns, Self::Count, Self::Sample(SAMPLE_ROWS)]
    }
}

/// One form: a pattern for the whole question and what it stands for.
struct Form {
    pattern: Regex,
    meaning: Meaning,
}

#[derive(Clone, Copy)]
enum Meaning {
    Small(SmallTalk),
    ListTables,
    Columns,
    Count,
    Sample,
    Definition,
    Acknowledgement,
    Why,
}

/// A name: quoted in any way, or words joined by dots.
const TABLE: &str = r#"(?:the )?(?:table )?(?P<NAME>(?:"[^"]+"|`[^`]+`|'[^']+'|[\p{L}_][\p{L}\p{N}_$]*)(?:\.(?:"[^"]+"|`[^`]+`|[\p{L}_][\p{L}\p{N}_$]*))*)(?: table)?"#;

/// What the places for a table are called, in the order of a form.
const NAMES: [&str; 3] = ["first", "second", "third"];

/// In the order in which they are tried.
const FORMS: &[(Meaning, &str)] = &[
    (
        Meaning::Small(SmallTalk::Goodbye),
        r"(?:exit|quit|bye|goodbye|good bye|never mind|nevermind|see you)",
    ),
    (
        Meaning::Small(SmallTalk::Hello),
        r"(?:hi|hello|hey|good (?:morning|afternoon|evening))(?: there)?",
    ),
    (
        Meaning::Small(SmallTalk::SetUp),
        r"(?:help|setup|set up|getting started|what can you do|how do i (?:set up|setup|start|get started|(?:connect|add) (?:a|my) database)(?: datachat)?)",
    ),
    (
        Meaning::Small(SmallTalk::DataPoints),
        r"(?:(?:list|show) (?:me )?(?:all )?(?:the )?|which |what )data ?points(?: (?:are there|exist|do (?:we|you) have))?",
    ),
    (
        Meaning::ListTables,
        r"(?:(?:(?:list|show|display|give)(?: me)?|which|what|what are|which are)(?: all)?(?: the| our)?(?: available)? tables|tables)(?: (?:are (?:there|available)|(?:do|can) (?:we|you|i) (?:have|query|use)|exist|(?:are )?in (?:the|this|my|our) database))?",
    ),
    (
        Meaning::Columns,
        r"(?:(?:(?:list|show|display|give)(?: me)?|which|what|what are)(?: all)?(?: the)? )?(?:columns|fields)(?: (?:of|in|for|from|on|are (?:there )?(?:in|on)) TABLE| (?:does|do) TABLE (?:have|contain)| are there| exist)?",
    ),
    (Meaning::Columns, r"(?:describe|desc)(?: TABLE)?"),
    (
        Meaning::Columns,
        r"(?:(?:show|give)(?: me)? )?(?:the )?(?:structure|schema) of TABLE",
    ),
    (
        Meaning::Count,
        r"how many (?:rows|records|entries)(?: (?:are )?(?:there )?in TABLE| of TABLE(?: are there)?| (?:does|do) TABLE (?:have|contain)| are there)?",
    ),
    (
        Meaning::Count,
        r"(?:(?:show|give|get)(?: me)? )?(?:the )?(?:row count|count of (?:rows|records)|number of (?:rows|records)|total (?:rows|records))(?: (?:of|in|for|from) TABLE)?",
    ),
    (
        Meaning::Count,
        r"count (?:the |all )?(?:rows|records)(?: (?:of|in|for|from) TABLE)?",
    ),
    (
        Meaning::Sample,
        r"(?:show|give|list|display|get|see)(?: me)?(?: the)?(?: first| top| some| a few| any)?(?: (?P<rows>\d{1,9}))?(?: sample| example)? (?:rows|records|entries)(?: (?:of|from|in) TABLE)?",
    ),
    (
        Meaning::Sample,
        r"(?:first|top)(?: (?P<rows>\d{1,9}))? (?:rows|records) (?:of|from|in) TABLE",
    ),
    (
        Meaning::Sample,
        r"(?:(?P<rows>\d{1,9}) )?(?:sample|example) (?:rows|records|data)(?: (?:of|from|in|for) TABLE)?",
    ),
    (
        Meaning::Sample,
        r"(?:show|give|get)(?: me)? (?:a |some )?(?:sample|preview)(?: (?:of|from|in) TABLE)?",
    ),
    (Meaning::Sample, r"preview(?: (?:of )?TABLE)?"),
    (Meaning::Definition, r"define (?P<term>.+)"),
    (
        Meaning::Definition,
        r"(?:what is |what's )?(?:the )?(?:meaning|definition) of (?P<term>.+)",
    ),
    (Meaning::Definition, r"what (?:does|do) (?P<term>.+) mean"),
    (
        Meaning::Definition,
        r"how (?:is|are) (?P<term>.+) (?:calculated|computed|defined)",
    ),
    (
        Meaning::Definition,
        r"(?:(?:what are|show|list|give)(?: me)? )?(?:the )?business rules (?:for|of) (?P<term>.+)",
    ),
    (
        Meaning::Acknowledgement,
        r"(?:ok|okay|thanks|thank you|continue|go on|yes|no|sure|great)",
    ),
    (
        Meaning::Why,
        r"(?:and )?(?:why|how so|how come|why (?:is|was) (?:that|this|it)(?: so)?|explain|explain (?:that|this|it|yourself|(?:that|this|the|the last|your|your last) (?:answer|result|number|figure))(?: to me)?|how (?:did|do) you (?:get|know|compute|calculate|come to|arrive at) (?:that|this|it|there|(?:that|this|the|your) (?:answer|result|number|figure))|where (?:does|do|did) (?:that|this|it|(?:that|this|the) (?:answer|result|number|figure)) come from)",
    ),
];

static READY: LazyLock<Vec<Form>> = LazyLock::new(|| {
    let form = |(meaning, pattern): &(Meaning, &str)| {
        let pattern = with_tables(pattern);
        // A test compiles every one of them.
        let pattern = Regex::new(&format!("(?i)^(?:{pattern})$")).ok()?;
        Some(Form {
            pattern,
            meaning: *meaning,
        })
    };
    FORMS.iter().filter_map(form).collect()
});

/// A form with a pattern in each place for a table.
fn with_tables(form: &str) -> String {
    NAMES.iter().fold(form.to_owned(), |form, name| {
        form.replacen("TABLE", &TABLE.replace("NAME", name), 1)
    })
}

/// Words that ask about something else, as long as no [`DATA_WORDS`] stand beside them.
const OFF_TOPIC_WORDS: &[&str] = &[
    "joke",
    "jokes",
    "weather",
    "poem",
    "story",
    "song",
    "sing",
    "recipe",
    "movie",
    "horoscope",
    "football",
    "lyrics",
];
const DATA_WORDS: &[&str] = &[
    "table", "tables", "column", "columns", "row", "rows", "record", "records", "data", "database",
    "sql", "query", "count", "sum", "average", "total", "many", "much", "list", "top", "metric",
    "per", "by", "from", "in",
];

/// Reads a question.
pub fn read(question: &str) -> Intent {
    let question = plain(question);
    for form in READY.iter() {
        if let Some(found) = form.pattern.captures(&question) {
            let group = |name| found.name(name).map(|text| text.as_str().trim().to_owned());
            let table = NAMES.iter().find_map(|name| group(name));
            return match form.meaning {
                Meaning::Small(small) => Intent::Small(small),
                Meaning::ListTables => Intent::ListTables,
                Meaning::Columns => Intent::Table(TableQuestion::Columns, table),
                Meaning::Count => Intent::Table(TableQuestion::Count, table),
                Meaning::Sample => {
                    let rows = group("rows").and_then(|rows| rows.parse().ok());
                    let rows = rows.unwrap_or(SAMPLE_ROWS).clamp(1, MOST_SAMPLE_ROWS);
                    Intent::Table(TableQuestion::Sample(rows), table)
                }
                Meaning::Definition => {
                    let term = group("term").unwrap_or_default();
                    Intent::Definition(unquote(&term).to_owned())
                }
                Meaning::Acknowledgement => Intent::Acknowledgement,
                Meaning::Why => Intent::Why,
            };
        }
    }
    let words: Vec<String> = question
        .split(|char: char| !char.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    if has(OFF_TOPIC_WORDS) && !has(DATA_WORDS) {
        return Intent::Small(SmallTalk::OffTopic);
    }
    Intent::Other
}

/// The table that a reply names, when a table is what was asked for: nothing but a name.
pub fn bare_table(reply: &str) -> Option<String> {
    static NAME: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(&format!("(?i)^(?:{})$", with_tables("TABLE"))).ok());
    let reply = plain(reply);
    let found = NAME.as_ref()?.captures(&reply)?;
    found.name(NAMES[0]).map(|name| name.as_str().to_owned())
}

/// The two or three questions that a text asks at once, if each of them is one that is understood. A text that
/// is one question gives none.
pub fn several(text: &str) -> Option<Vec<String>> {
    static BORDER: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"(?i)\?\s+(?:and\s+)?|;\s+|\.\s+|\n+|,?\s+and\s+(?:also\s+|then\s+)?").ok()
    });
    let parts: Vec<String> = BORDER
        .as_ref()?
        .split(text.trim())
        .map(plain)
        .filter(|part| !part.is_empty())
        .collect();
    let asked = |part: &String| {
        matches!(
            read(part),
            Intent::ListTables | Intent::Table(_, Some(_)) | Intent::Definition(_)
        )
    };
    ((2..=3).contains(&parts.len()) && parts.iter().all(asked)).then_some(parts)
}

/// The question with single spaces, without what is only polite and without its end mark.
fn plain(question: &str) -> String {
    let mut words: Vec<&str> = question.split_whitespace().collect();
    let lower = |word: &str| word.trim_end_matches(',').to_lowercase();
    if words.len() > 1 && lower(words[0]) == "please" {
        words.remove(0);
    }
    if words.len() > 3 {
        let asks = [lower(words[0]), lower(words[1])];
        if matches!(asks[0].as_str(), "can" | "could" | "would" | "will") && asks[1] == "you" {
            words.drain(..2);
        }
    }
    if words.len() > 1 && lower(words[0]) == "please" {
        words.remove(0);
    }
    if words.len() > 1
        && words
            .last()
            .is_some_and(|word| lower(word.trim_end_matches(['?', '.', '!'])) == "please")
    {
        words.pop();
    }
    let text = words.join(" ");
    text.trim_end_matches([' ', '?', '.', '!', ',', ';'])
        .to_owned()
}

fn unquote(term: &str) -> &str {
    for quote in ['"', '\'', '`'] {
        if let Some(inner) = term
            .strip_prefix(quote)
            .and_then(|rest| rest.strip_suffix(quote))
        {
            return inner;
        }
    }
    term
}

#[cfg(test)]
#[path = "intent_tests.rs"]
mod tests;
