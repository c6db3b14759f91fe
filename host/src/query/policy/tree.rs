//! A parse tree as the parser writes it, in JSON, laid out flat.
//!
//! Trees may be thousands of levels deep. Reading, walking and dropping this one never recurses, so depth
//! costs memory in proportion to the text and no stack.

use std::borrow::Cow;

/// The tree.
#[derive(Debug)]
pub struct Tree<'a> {
    values: Vec<Entry<'a>>,
}

/// A value of the tree. 0 is the root.
pub type Id = u32;

/// No value: the end of a list of siblings.
const NONE: Id = Id::MAX;

#[derive(Debug)]
struct Entry<'a> {
    /// The name of the member; empty in lists.
    key: &'a str,
    value: Value<'a>,
    /// The next member of the same object or list.
    next: Id,
}

/// What stands in a place.
#[derive(Debug)]
pub enum Value<'a> {
    Object(Id),
    List(Id),
    Text(Cow<'a, str>),
    Number(i64),
    /// `true`.
    True,
    /// `false` or `null`: nothing is said.
    Nothing,
}

/// The text is not what a parser writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unexpected text at byte {0} of the parse tree")]
pub struct NotATree(usize);

impl<'a> Tree<'a> {
    /// Reads a tree.
    ///
    /// # Errors
    /// Anything that is not JSON of objects, lists, texts, whole numbers and words.
    pub fn read(json: &'a str) -> Result<Self, NotATree> {
        Reader {
            json,
            at: 0,
            tree: Tree { values: Vec::new() },
        }
        .read()
    }

    pub fn value(&self, id: Id) -> &Value<'a> {
        &self.values[id as usize].value
    }

    pub fn key(&self, id: Id) -> &'a str {
        self.values[id as usize].key
    }

    /// The members of an object or a list; nothing for anything else.
    pub fn members(&self, id: Id) -> impl Iterator<Item = Id> {
        let first = match self.value(id) {
            Value::Object(first) | Value::List(first) => *first,
            _ => NONE,
        };
        let some = |id: Id| (id != NONE).then_some(id);
        std::iter::successors(some(first), move |id| some(self.values[*id as usize].next))
    }

    /// A member of an object.
    pub fn member(&self, id: Id, key: &str) -> Option<Id> {
        self.members(id).find(|member| self.key(*member) == key)
    }

    /// The members of a list in an object; nothing if there is none.
    pub fn list(&self, id: Id, key: &str) -> impl Iterator<Item = Id> {
        self.member(id, key)
            .into_iter()
            .flat_map(|list| self.members(list))
    }

    /// A text in an object; empty if there is none.
    pub fn text(&self, id: Id, key: &str) -> &str {
        match self.member(id, key).map(|member| self.value(member)) {
            Some(Value::Text(text)) => text,
            _ => "",
        }
    }

    /// A number in an object.
    pub fn number(&self, id: Id, key: &str) -> Option<i64> {
        match self.member(id, key).map(|member| self.value(member)) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        }
    }

    /// Kind and fields of a node: an object with one member, named like a type, that is an object.
    pub fn node(&self, id: Id) -> Option<(&'a str, Id)> {
        let mut members = self.members(id);
        let (only, None) = (members.next()?, members.next()) else {
            return None;
        };
        let kind = self.key(only);
        let named = kind.starts_with(|first: char| first.is_ascii_uppercase());
        (named && matches!(self.value(only), Value::Object(_))).then_some((kind, only))
    }

    /// The text of a `String` node.
    pub fn string(&self, id: Id) -> Option<&str> {
        match self.node(id)? {
            ("String", fields) => Some(self.text(fields, "sval")),
            _ => None,
        }
    }
}

struct Reader<'a> {
    json: &'a str,
    at: usize,
    tree: Tree<'a>,
}

impl<'a> Reader<'a> {
    fn read(mut self) -> Result<Tree<'a>, NotATree> {
        // The containers that are open, each with its last member.
        let mut open: Vec<(Id, Id)> = Vec::new();
        loop {
            let in_object = open
                .last()
                .is_some_and(|(id, _)| matches!(self.tree.value(*id), Value::Object(_)));
            let key = if in_object { self.key()? } else { "" };
            let id = self.entry(key)?;
            if let Some((parent, last)) = open.last_mut() {
                if *last == NONE {
                    match &mut self.tree.values[*parent as usize].value {
                        Value::Object(first) | Value::List(first) => *first = id,
                        _ => return Err(NotATree(self.at)),
                    }
                } else {
                    self.tree.values[*last as usize].next = id;
                }
                *last = id;
            }
            let end = match self.tree.value(id) {
                Value::Object(_) => Some(b'}'),
                Value::List(_) => Some(b']'),
                _ => None,
            };
            if let Some(end) = end
                && !self.skip(end)
            {
                open.push((id, NONE));
                continue;
            }
            // The value is complete, and perhaps what it stands in.
            loop {
                let Some((parent, _)) = open.last() else {
                    return if self.at == self.json.len() {
                        Ok(self.tree)
                    } else {
                        Err(NotATree(self.at))
                    };
                };
                if self.skip(b',') {
                    break;
                }
                let end = match self.tree.value(*parent) {
                    Value::Object(_) => b'}',
                    _ => b']',
                };
                if !self.skip(end) {
                    return Err(NotATree(self.at));
                }
                open.pop();
            }
        }
    }

    fn skip(&mut self, byte: u8) -> bool {
        let found = self.json.as_bytes().get(self.at) == Some(&byte);
        self.at += usize::from(found);
        found
    }

    fn key(&mut self) -> Result<&'a str, NotATree> {
        let start = self.at;
        match self.quoted()? {
            Cow::Borrowed(key) if self.skip(b':') => Ok(key),
            _ => Err(NotATree(start)),
        }
    }

    fn entry(&mut self, key: &'a str) -> Result<Id, NotATree> {
        let start = self.at;
        let value = match self.json.as_bytes().get(start) {
            Some(b'{') => {
                self.at += 1;
                Value::Object(NONE)
            }
            Some(b'[') => {
                self.at += 1;
                Value::List(NONE)
            }
            Some(b'"') => Value::Text(self.quoted()?),
            _ => {
                let rest = &self.json[start..];
                let end = rest.find([',', '}', ']']).unwrap_or(rest.len());
                let word = &rest[..end];
                self.at += end;
                match word {
                    "true" => Value::True,
                    "false" | "null" => Value::Nothing,
                    number => Value::Number(number.parse().map_err(|_| NotATree(start))?),
                }
            }
        };
        let id = Id::try_from(self.tree.values.len())
            .ok()
            .filter(|id| *id != NONE);
        let id = id.ok_or(NotATree(start))?;
        self.tree.values.push(Entry {
            key,
            value,
            next: NONE,
        });
        Ok(id)
    }

    fn quoted(&mut self) -> Result<Cow<'a, str>, NotATree> {
        let start = self.at;
        if !self.skip(b'"') {
            return Err(NotATree(start));
        }
        let bytes = self.json.as_bytes();
        let mut escaped = false;
        loop {
            match bytes.get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.at += 2;
                }
                Some(_) => self.at += 1,
                None => return Err(NotATree(start)),
            }
        }
        self.at += 1;
        let quoted = &self.json[start..self.at];
        if !escaped {
            return Ok(Cow::Borrowed(&quoted[1..quoted.len() - 1]));
        }
        serde_json::from_str(quoted)
            .map(Cow::Owned)
            .map_err(|_| NotATree(start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_reads_as_it_was_written() {
        let tree = Tree::read(r#"{"a":[{"String":{"sval":"x\"y"}},-1,true],"b":{},"c":[]}"#);
        let tree = tree.expect("a tree");
        let list: Vec<_> = tree.list(0, "a").collect();
        assert_eq!(list.len(), 3);
        assert_eq!(tree.string(list[0]), Some("x\"y"));
        assert!(matches!(tree.value(list[1]), Value::Number(-1)));
        assert!(matches!(tree.value(list[2]), Value::True));
        assert_eq!(tree.members(tree.member(0, "b").expect("b")).count(), 0);
        assert_eq!(tree.list(0, "c").count(), 0);
        assert_eq!(tree.list(0, "d").count(), 0);
    }

    #[test]
    fn only_one_member_named_like_a_type_makes_a_node() {
        let tree =
            Tree::read(r#"[{"Node":{}},{"node":{}},{"A":{},"B":{}},{"A":1},{}]"#).expect("a tree");
        let nodes: Vec<_> = tree
            .members(0)
            .map(|id| tree.node(id).map(|(kind, _)| kind))
            .collect();
        assert_eq!(nodes, [Some("Node"), None, None, None, None]);
    }

    #[test]
    fn what_no_parser_writes_is_refused() {
        for text in [
            "",
            "{",
            "[1",
            "{\"a\"}",
            "[1,]",
            "{\"a\":1}x",
            "[1.5]",
            "\"a",
            "[}",
            "nul",
            "\"\\",
        ] {
            assert!(Tree::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn depth_costs_no_stack() {
        let text = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        assert!(Tree::read(&text).is_ok());
    }
}
