//! What a statement is, as far as the way to its columns depends on it, and what was learnt about others.

use std::collections::VecDeque;
use std::rc::Rc;

use crate::types::Plan;

/// How many statements a session remembers. A chat repeats few.
const CAPACITY: usize = 64;

/// How the columns of a statement's result become known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The server describes it: `DESCRIBE (SELECT …)`.
    Select,
    /// Only its answer says them: `SHOW`, `EXPLAIN`, ….
    Answer,
}

/// What kind of statement a text begins.
pub fn kind(sql: &str) -> Kind {
    let mut rest = sql;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '(');
        let after = if let Some(comment) = rest.strip_prefix("/*") {
            comment.split_once("*/").map(|(_, after)| after)
        } else if rest.starts_with("--") || rest.starts_with("# ") || rest.starts_with("#!") {
            rest.split_once('\n').map(|(_, after)| after)
        } else {
            break;
        };
        rest = after.unwrap_or_default();
    }
    let end = rest
        .find(|c: char| !c.is_ascii_alphabetic())
        .unwrap_or(rest.len());
    match rest[..end].to_ascii_uppercase().as_str() {
        "SELECT" | "WITH" | "FROM" => Kind::Select,
        _ => Kind::Answer,
    }
}

/// The statement that asks for the columns of another, which reads no row.
pub fn describe(sql: &str) -> String {
    let sql = sql.trim_end_matches(|c: char| c.is_whitespace() || c == ';');
    // On lines of its own: the last one may be a comment.
    format!("DESCRIBE TABLE (\n{sql}\n)")
}

/// The columns of statements, the most recently used last.
#[derive(Default)]
pub struct Plans {
    entries: VecDeque<(String, Rc<Plan>)>,
}

impl Plans {
    /// What is known of the statement.
    pub fn find(&mut self, sql: &str) -> Option<Rc<Plan>> {
        let index = self.entries.iter().rposition(|(known, _)| known == sql)?;
        let entry = self.entries.remove(index)?;
        let plan = Rc::clone(&entry.1);
        self.entries.push_back(entry);
        Some(plan)
    }

    /// Remembers it; the least recently used one is forgotten for it.
    pub fn insert(&mut self, sql: &str, plan: Rc<Plan>) {
        self.forget(sql);
        if self.entries.len() >= CAPACITY {
            self.entries.pop_front();
        }
        self.entries.push_back((sql.to_owned(), plan));
    }

    /// Its tables have changed.
    pub fn forget(&mut self, sql: &str) {
        self.entries.retain(|(known, _)| known != sql);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{Strings, plan};

    #[test]
    fn the_first_word_behind_comments_and_brackets_decides() {
        for sql in [
            "SELECT 1",
            "  with x as (select 1) select * from x",
            "/* SHOW */ -- SHOW\n (\n(select 1))",
            "FROM t SELECT a",
        ] {
            assert_eq!(kind(sql), Kind::Select, "{sql}");
        }
        for sql in ["SHOW TABLES", "explain select 1", "", "/* open", "SELECTED"] {
            assert_eq!(kind(sql), Kind::Answer, "{sql}");
        }
    }

    #[test]
    fn a_comment_at_the_end_does_not_hide_the_bracket() {
        assert_eq!(
            describe("SELECT 1; -- one ; \n"),
            "DESCRIBE TABLE (\nSELECT 1; -- one\n)"
        );
        assert_eq!(describe("SELECT 1 ;\n"), "DESCRIBE TABLE (\nSELECT 1\n)");
    }

    #[test]
    fn the_least_recently_used_statement_goes_first() {
        let mut plans = Plans::default();
        let empty = Rc::new(plan(Vec::new(), Strings::default(), "UTC").expect("a plan"));
        for n in 0..CAPACITY {
            plans.insert(&n.to_string(), Rc::clone(&empty));
        }
        assert!(plans.find("0").is_some());
        plans.insert("new", empty);
        assert!(plans.find("0").is_some());
        assert!(plans.find("1").is_none());
    }
}
