//! The statements that a session has prepared on its server, so that they run in one round trip.
//!
//! Keyed by the text; the least recently used goes first. A statement that goes is closed on the server with
//! the next message that is sent anyway.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use crate::types::Plan;

/// How many statements a session keeps. A chat repeats few, and each costs the server memory.
const CAPACITY: usize = 64;

/// A statement that the server knows by number.
#[derive(Debug)]
pub struct Prepared {
    pub id: u32,
    /// How many parameters it takes.
    pub parameters: u16,
    /// The columns of its last result.
    pub layout: RefCell<Option<Layout>>,
}

/// How rows become Arrow, for as long as the server describes the columns in the same bytes.
#[derive(Debug, Clone)]
pub struct Layout {
    pub described: Vec<u8>,
    pub plan: Rc<Plan>,
}

/// Prepared statements, the most recently used last.
#[derive(Debug, Default)]
pub struct Statements {
    entries: VecDeque<(String, Rc<Prepared>)>,
}

impl Statements {
    /// The statement of this text.
    pub fn find(&mut self, sql: &str) -> Option<Rc<Prepared>> {
        let index = self.entries.iter().rposition(|(text, _)| text == sql)?;
        let entry = self.entries.remove(index)?;
        let prepared = Rc::clone(&entry.1);
        self.entries.push_back(entry);
        Some(prepared)
    }

    /// Keeps a statement. Gives the number of the one that had to go for it.
    pub fn insert(&mut self, sql: &str, prepared: Rc<Prepared>) -> Option<u32> {
        let gone = if self.entries.len() >= CAPACITY {
            self.entries.pop_front()
        } else {
            None
        };
        self.entries.push_back((sql.to_owned(), prepared));
        gone.map(|(_, prepared)| prepared.id)
    }

    /// Forgets the statement of this text. Gives its number.
    pub fn remove(&mut self, sql: &str) -> Option<u32> {
        let index = self.entries.iter().rposition(|(text, _)| text == sql)?;
        self.entries.remove(index).map(|(_, prepared)| prepared.id)
    }

    /// Forgets all of them: the server has, too.
    pub fn clear(&mut self) {
        self.entries.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(id: usize) -> Rc<Prepared> {
        Rc::new(Prepared {
            id: u32::try_from(id).expect("small"),
            parameters: 0,
            layout: RefCell::new(None),
        })
    }

    #[test]
    fn the_least_recently_used_statement_goes_first() {
        let mut statements = Statements::default();
        for n in 0..CAPACITY {
            assert_eq!(statements.insert(&n.to_string(), prepared(n)), None);
        }
        assert!(statements.find("0").is_some());
        assert_eq!(statements.insert("new", prepared(CAPACITY)), Some(1));
        assert_eq!(statements.find("0").map(|prepared| prepared.id), Some(0));
        assert!(statements.find("1").is_none());
        assert_eq!(statements.remove("0"), Some(0));
        assert!(statements.find("0").is_none());
    }
}
