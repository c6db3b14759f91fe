//! What a term means: quoted from the DataPoint that defines it, never made up.
//!
//! A definition answers only if its name or one of its synonyms is the term, whole. What is merely near is
//! offered as a choice.

use super::reply::{Answer, Evidence, Source, UsedSource};
use crate::knowledge::datapoint::{Business, Detail};
use crate::knowledge::index::{Index, RetrieveError};
use crate::knowledge::library::{Library, Stored, Which};
use crate::knowledge::search::{Hit, ScopeUsed};
use crate::knowledge::{Kind, Scope};
use crate::registry::Connection;

/// How many near definitions are offered.
const OFFERED: usize = 3;
/// How far down the hits a definition is looked for.
const HITS: usize = 20;

/// What was found, before it becomes an answer.
pub struct Found {
    pub answer: Answer,
    pub decision: String,
    pub reason: &'static str,
}

/// Looks for the definition of a term among what this connection may see.
///
/// # Errors
/// [`RetrieveError`].
pub async fn find(
    connection: &Connection,
    index: &Index,
    library: &Library,
    term: &str,
) -> Result<Found, RetrieveError> {
    let found = index.retrieve(connection, term, HITS).await?;
    let wanted = plain(term);
    let mut near = Vec::new();
    for hit in found
        .hits
        .iter()
        .filter(|hit| hit.entry.kind == Kind::Business)
    {
        let stored = library.get(&hit.entry.id, Which::Of(hit.entry.scope)).await;
        // What was deleted a moment ago defines nothing any more.
        let Ok(stored) = stored else { continue };
        let Detail::Business(business) = &stored.point.detail else {
            continue;
        };
        let mut names = std::iter::once(&stored.point.name).chain(&business.synonyms);
        if names.any(|name| plain(name) == wanted) {
            return Ok(Found {
                decision: stored.point.id.clone(),
                reason: "its name or a synonym is the term",
                answer: quoted(hit, &stored, business, found.scope_used),
            });
        }
        near.push(stored.point.name.clone());
    }
    near.truncate(OFFERED);
    let question = if near.is_empty() {
        format!("Nothing defines `{term}` here. Which metric or table do you mean?")
    } else {
        format!(
            "Nothing defines `{term}` here. Do you mean {}?",
            near.join(" or ")
        )
    };
    Ok(Found {
        answer: Answer {
            clarifying_questions: if near.is_empty() {
                vec![question.clone()]
            } else {
                near
            },
            ..Answer::clarification(question)
        },
        decision: "asked back".to_owned(),
        reason: "no definition has this name or synonym",
    })
}

fn quoted(hit: &Hit, stored: &Stored, business: &Business, scope_used: ScopeUsed) -> Answer {
    let point = &stored.point;
    let mut text = format!("{}: {}", point.name, business.calculation);
    let mut add = |part: String| {
        text.push_str(if text.ends_with('.') { " " } else { ". " });
        text.push_str(&part);
    };
    if let Some(unit) = &business.unit {
        add(format!("Unit: {unit}"));
    }
    if !business.business_rules.is_empty() {
        add(format!("Rules: {}", business.business_rules.join("; ")));
    }
    if !business.related_tables.is_empty() {
        add(format!("Tables: {}", business.related_tables.join(", ")));
    }
    if !text.ends_with('.') {
        text.push('.');
    }
    let kind = point.kind().name();
    Answer {
        sources: vec![UsedSource {
            datapoint_id: point.id.clone(),
            kind,
            name: point.name.clone(),
            relevance_score: hit.score,
        }],
        evidence: vec![Evidence {
            datapoint_id: point.id.clone(),
            name: point.name.clone(),
            kind,
            reason: match hit.entry.scope {
                Scope::Connection(_) => "defines the term for this connection",
                Scope::Global => "defines the term for every connection",
                Scope::Unscoped => "defines the term, for no connection in particular",
            },
        }],
        scope_used,
        ..Answer::words(Source::Context, 0.6, text)
    }
}

/// Words in lower case, without articles.
fn plain(text: &str) -> Vec<String> {
    text.split(|char: char| !char.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .filter(|word| !matches!(word.as_str(), "the" | "a" | "an"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_is_compared_by_its_words() {
        assert_eq!(plain("The Net-Revenue"), plain("net revenue"));
        assert_ne!(plain("revenue"), plain("net revenue"));
    }
}
