//! The statements that a session has prepared on its server, so that they run in one round trip.
//!
//! Keyed by the text and by the types that were given to parameters; the least recently used goes first. A
//! statement that goes is closed on the server with the next message that is sent anyway.

use std::collections::VecDeque;
use std::rc::Rc;

use crate::types::Plan;

/// How many statements a session keeps. A chat repeats few, and each costs the server memory.
const CAPACITY: usize = 64;

/// A statement that the server knows by name.
pub struct Prepared {
    pub name: String,
    /// The types of its parameters, as the server described them.
    pub parameters: Vec<u32>,
    /// How its rows become Arrow.
    pub plan: Plan,
}

struct Entry {
    sql: String,
    hints: Vec<u32>,
    prepared: Rc<Prepared>,
}

/// Prepared statements, the most recently used last.
#[derive(Default)]
pub struct Statements {
    entries: VecDeque<Entry>,
    made: u64,
}

impl Statements {
    /// The statement of this text whose parameters had these types given (none: the server's choice).
    pub fn find(&mut self, sql: &str, hints: &[u32]) -> Option<Rc<Prepared>> {
        let index = self
            .entries
            .iter()
            .rposition(|entry| entry.sql == sql && entry.hints == hints)?;
        let entry = self.entries.remove(index)?;
        let prepared = Rc::clone(&entry.prepared);
        self.entries.push_back(entry);
        Some(prepared)
    }

    /// A name that no other statement of this session has had.
    pub fn new_name(&mut self) -> String {
        self.made += 1;
        format!("datachat_{}", self.made)
    }

    /// Keeps a statement. Gives the name of the one that had to go for it.
    pub fn insert(&mut self, sql: &str, hints: Vec<u32>, prepared: Rc<Prepared>) -> Option<String> {
        let gone = if self.entries.len() >= CAPACITY {
            self.entries.pop_front()
        } else {
            None
        };
        self.entries.push_back(Entry {
            sql: sql.to_owned(),
            hints,
            prepared,
        });
        gone.map(|entry| entry.prepared.name.clone())
    }

    /// Forgets all of them: the server has, too.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// Forgets all of them. Gives their names.
    pub fn take_names(&mut self) -> Vec<String> {
        self.entries
            .drain(..)
            .map(|entry| entry.prepared.name.clone())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{TypeCatalog, plan};

    fn prepared(statements: &mut Statements) -> Rc<Prepared> {
        Rc::new(Prepared {
            name: statements.new_name(),
            parameters: Vec::new(),
            plan: plan(&TypeCatalog::new(), &[]),
        })
    }

    #[test]
    fn the_least_recently_used_statement_goes_first() {
        let mut statements = Statements::default();
        for n in 0..CAPACITY {
            let new = prepared(&mut statements);
            assert_eq!(statements.insert(&n.to_string(), Vec::new(), new), None);
        }
        assert!(statements.find("0", &[]).is_some());
        let new = prepared(&mut statements);
        assert_eq!(
            statements.insert("new", Vec::new(), new).as_deref(),
            Some("datachat_2")
        );
        assert!(statements.find("0", &[]).is_some());
        assert!(statements.find("1", &[]).is_none());
    }

    #[test]
    fn the_same_text_with_other_types_is_another_statement() {
        let mut statements = Statements::default();
        let new = prepared(&mut statements);
        statements.insert("SELECT $1", vec![20], new);
        assert!(statements.find("SELECT $1", &[]).is_none());
        assert!(statements.find("SELECT $1", &[20]).is_some());
    }
}
