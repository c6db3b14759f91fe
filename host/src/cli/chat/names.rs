//! What the prompt completes: names of tables and metrics.

use rustyline::completion::Completer;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::Validator;
use rustyline::{Context, Helper};
use serde_json::Value;
use uuid::Uuid;

use super::super::output::cell;
use super::super::server::Server;

/// The names, in the order of the alphabet.
#[derive(Debug, Default)]
pub struct Names(Vec<String>);

impl Names {
    /// Asks the server for them. What can't be had is not completed.
    pub async fn of(server: &Server, connection: Option<Uuid>) -> Self {
        let mut names = Vec::new();
        let mut scopes = vec!["scope=global".to_owned()];
        if let Some(id) = connection {
            scopes.push(format!("connection_id={id}"));
            let schema = server.get(&format!("/api/v1/databases/{id}/schema")).await;
            if let Ok(schema) = schema {
                names.extend(listed(&schema["tables"], "table_name"));
            }
        }
        for scope in scopes {
            let path = format!("/api/v1/datapoints?type=Business&limit=1000&{scope}");
            if let Ok(page) = server.get(&path).await {
                names.extend(listed(&page["datapoints"], "name"));
            }
        }
        names.sort_unstable();
        names.dedup();
        Self(names)
    }

    /// Names that go on from the word, or the words, before the cursor; and where those begin.
    fn fitting(&self, line: &str, cursor: usize) -> (usize, Vec<String>) {
        let typed = &line[..cursor];
        // A name may have several words: the longest beginning that fits counts.
        let starts = std::iter::once(0).chain(typed.match_indices(' ').map(|(at, _)| at + 1));
        for start in starts {
            let begun = typed[start..].to_lowercase();
            if begun.is_empty() {
                continue;
            }
            let fits = |name: &&String| name.to_lowercase().starts_with(&begun);
            let found: Vec<String> = self.0.iter().filter(fits).cloned().collect();
            if !found.is_empty() {
                return (start, found);
            }
        }
        (cursor, Vec::new())
    }
}

fn listed(items: &Value, member: &str) -> Vec<String> {
    let items = items.as_array().into_iter().flatten();
    items.map(|item| cell(&item[member])).collect()
}

impl Completer for Names {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        cursor: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(self.fitting(line, cursor))
    }
}

impl Hinter for Names {
    type Hint = String;
}

impl Highlighter for Names {}
impl Validator for Names {}
impl Helper for Names {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_completed_from_its_beginning_in_any_case() {
        let names = Names(vec!["Fee income".into(), "fees".into(), "orders".into()]);
        let complete = |line: &str| names.fitting(line, line.len());
        assert_eq!(
            complete("total fee"),
            (6, vec!["Fee income".into(), "fees".into()])
        );
        assert_eq!(complete("by month fee inc"), (9, vec!["Fee income".into()]));
        assert_eq!(complete("Ord"), (0, vec!["orders".into()]));
        assert_eq!(complete("what "), (5, vec![]));
        assert_eq!(complete(""), (0, vec![]));
    }
}
