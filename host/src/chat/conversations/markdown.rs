//! A conversation as a Markdown document.
//!
//! Questions and answers are texts of people and databases: what would be markup in them is escaped, so that no row
//! can put a link, a picture or a heading into the document.

use chrono::SecondsFormat;
use serde_json::Value;

use super::{Conversation, Turn};

/// Writes a conversation down.
pub fn markdown(conversation: &Conversation, turns: &[Turn]) -> String {
    let turns: String = turns.iter().map(section).collect();
    format!("# {}\n{turns}", escaped(&conversation.title))
}

fn section(turn: &Turn) -> String {
    let time = turn.asked_at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let database = turn.database["name"].as_str().unwrap_or_default();
    let mut parts = vec![
        format!("\n## {}", escaped(&turn.question)),
        format!("*{time}, {}*", escaped(database)),
        escaped(&turn.answer),
    ];
    if let Some(sql) = turn.ground("sql").as_str() {
        let fence = fence(sql);
        parts.push(format!("{fence}sql\n{}\n{fence}", sql.trim_end()));
    }
    let points = turn.ground("datapoints").as_array().into_iter().flatten();
    let point = |point: &Value| {
        let text = |name: &str| escaped(point[name].as_str().unwrap_or_default());
        format!("- {} ({})", text("name"), text("datapoint_id"))
    };
    let points: Vec<String> = points.map(point).collect();
    if !points.is_empty() {
        parts.push(points.join("\n"));
    }
    parts.join("\n\n") + "\n"
}

/// A text as one line of Markdown that shows it as it is.
fn escaped(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for char in text
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
    {
        if matches!(
            char,
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '!' | '|' | '&' | '~'
        ) {
            line.push('\\');
        }
        line.push(if char.is_control() { ' ' } else { char });
    }
    line
}

/// More backquotes than a text has anywhere in a row.
fn fence(text: &str) -> String {
    let longest = text
        .split(|char| char != '`')
        .map(str::len)
        .max()
        .unwrap_or(0);
    "`".repeat(longest.max(2) + 1)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::json;

    use super::*;
    use crate::chat::reply::Source;

    #[test]
    fn a_document_shows_texts_as_they_are_and_statements_in_a_fence() {
        let conversation = Conversation {
            id: "conv_1".to_owned(),
            title: "Revenue <b>".to_owned(),
            turns: 1,
            database: json!({"name": "shop"}),
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
        };
        let state = json!({"grounds": {
            "sql": "SELECT '```' FROM `t`\n",
            "datapoints": [{"datapoint_id": "metric_revenue", "name": "Revenue"}],
        }});
        let turn = Turn {
            question: "![x](http://evil)\n# no heading".to_owned(),
            answer: "Revenue: 5.".to_owned(),
            answer_source: Source::Sql,
            session_state: state.as_object().cloned().unwrap_or_default(),
            database: json!({"name": "shop"}),
            position: 1,
            asked_at: DateTime::UNIX_EPOCH,
        };
        let expected = "# Revenue \\<b\\>\n\n## \\!\\[x\\](http://evil) \\# no heading\n\n\
            *1970-01-01T00:00:00Z, shop*\n\nRevenue: 5.\n\n````sql\nSELECT '```' FROM `t`\n````\n\n\
            - Revenue (metric\\_revenue)\n";
        assert_eq!(markdown(&conversation, &[turn]), expected);
    }
}
