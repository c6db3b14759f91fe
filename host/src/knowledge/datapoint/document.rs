//! JSON text taken apart member by member, with every complaint's path and line.
//!
//! Solves: whoever writes DataPoints wants all that is wrong with a file at once, and where. Values stay slices
//! of the text, so a line can be told for each; what nobody asks for is a complaint of its own.
//!
//! Names that are given twice are refused: which one counts would be a guess.

use std::cell::RefCell;

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::problem::Problem;
use crate::query::members;

/// Complaints that are kept of one text; a file of garbage shall not fill the memory.
const MOST_PROBLEMS: usize = 100;

/// One text, and what was found wrong in it.
pub(super) struct Document<'a> {
    text: &'a str,
    problems: RefCell<Vec<Problem>>,
}

/// An object of the text: the members that have not been asked for yet.
pub(super) struct Object<'d, 'a> {
    document: &'d Document<'a>,
    path: String,
    whole: &'a RawValue,
    members: Vec<(String, &'a RawValue)>,
}

impl<'a> Document<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            problems: RefCell::new(Vec::new()),
        }
    }

    /// The text as one value; `None`, with a complaint, if it is no JSON.
    pub(super) fn value(&self) -> Option<&'a RawValue> {
        match serde_json::from_str(self.text) {
            Ok(value) => Some(value),
            Err(error) => {
                self.problems.borrow_mut().push(Problem {
                    field: String::new(),
                    code: "invalid_json",
                    message: format!("is not valid JSON (column {})", error.column()),
                    line: Some(error.line().max(1)),
                });
                None
            }
        }
    }

    /// A value as an object.
    pub(super) fn object(&self, path: &str, value: &'a RawValue) -> Option<Object<'_, 'a>> {
        if !value.get().starts_with('{') {
            self.reject(path, "type", "must be a JSON object", value);
            return None;
        }
        let members = members::read(value);
        for (at, (name, repeated)) in members.iter().enumerate() {
            if members[..at].iter().any(|(known, _)| known == name) {
                self.reject(
                    &join(path, name),
                    "repeated",
                    "must not be given twice",
                    repeated,
                );
            }
        }
        Some(Object {
            document: self,
            path: path.to_owned(),
            whole: value,
            members,
        })
    }

    /// A value as the items of an array.
    pub(super) fn items(&self, path: &str, value: &'a RawValue) -> Option<Vec<&'a RawValue>> {
        let items = serde_json::from_str::<Vec<&'a RawValue>>(value.get()).ok();
        if items.is_none() {
            self.reject(path, "type", "must be an array", value);
        }
        items
    }

    /// Notes that something is wrong at a value.
    pub(super) fn reject(
        &self,
        path: &str,
        code: &'static str,
        message: impl Into<String>,
        at: &RawValue,
    ) {
        let mut problems = self.problems.borrow_mut();
        if problems.len() >= MOST_PROBLEMS {
            return;
        }
        // A name in the path is the writer's text; an endless one is of no help to anybody.
        let field: String = path.chars().take(200).collect();
        problems.push(Problem {
            field,
            code,
            message: message.into(),
            line: self.line(at),
        });
    }

    pub(super) fn is_fine(&self) -> bool {
        self.problems.borrow().is_empty()
    }

    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems.into_inner()
    }

    /// The line that a value of the text begins in.
    fn line(&self, value: &RawValue) -> Option<usize> {
        let start = value
            .get()
            .as_ptr()
            .addr()
            .checked_sub(self.text.as_ptr().addr())?;
        Some(self.text.get(..start)?.split('\n').count())
    }
}

/// The path of a member.
pub(super) fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

/// How long a text may be, in characters.
#[derive(Clone, Copy)]
pub(super) struct Length {
    pub least: usize,
    pub most: usize,
}

impl Length {
    /// Any text but an empty one.
    pub(super) const SOME: Self = Self::least(1);

    pub(super) const fn least(least: usize) -> Self {
        Self {
            least,
            most: usize::MAX,
        }
    }

    fn complaint(self, text: &str) -> Option<String> {
        let length = text.chars().count();
        if length < self.least {
            let least = self.least;
            return Some(if least == 1 {
                "must not be empty".to_owned()
            } else {
                format!("must have at least {least} characters")
            });
        }
        (length > self.most).then(|| format!("must have at most {} characters", self.most))
    }
}

impl<'d, 'a> Object<'d, 'a> {
    /// The full path of a member.
    pub(super) fn path_of(&self, name: &str) -> String {
        join(&self.path, name)
    }

    /// A member that is neither absent nor null.
    pub(super) fn take(&mut self, name: &str) -> Option<&'a RawValue> {
        let at = self.members.iter().position(|(known, _)| known == name)?;
        let (_, value) = self.members.remove(at);
        (value.get() != "null").then_some(value)
    }

    /// A member that must be there.
    pub(super) fn require(&mut self, name: &str) -> Option<&'a RawValue> {
        let value = self.take(name);
        if value.is_none() {
            self.document
                .reject(&self.path_of(name), "missing", "is required", self.whole);
        }
        value
    }

    /// A member's value of the type that `expected` describes.
    pub(super) fn read<T: DeserializeOwned>(
        &self,
        name: &str,
        value: &RawValue,
        expected: &str,
    ) -> Option<T> {
        let read = serde_json::from_str(value.get()).ok();
        if read.is_none() {
            let message = format!("must be {expected}");
            self.document
                .reject(&self.path_of(name), "type", message, value);
        }
        read
    }

    /// A text without the blanks around it.
    pub(super) fn text(&mut self, name: &str, length: Length) -> Option<String> {
        let value = self.take(name)?;
        self.as_text(name, value, length)
    }

    /// A text that must be there; an empty one stands for what has been noted.
    pub(super) fn required_text(&mut self, name: &str, length: Length) -> String {
        let value = self.require(name);
        value
            .and_then(|value| self.as_text(name, value, length))
            .unwrap_or_default()
    }

    fn as_text(&self, name: &str, value: &RawValue, length: Length) -> Option<String> {
        let text: String = self.read(name, value, "a string")?;
        let text = text.trim();
        let complaint = if text.contains('\0') {
            Some("must not contain the character U+0000".to_owned())
        } else {
            length.complaint(text)
        };
        match complaint {
            None => Some(text.to_owned()),
            Some(message) => {
                self.document
                    .reject(&self.path_of(name), "length", message, value);
                None
            }
        }
    }

    /// A list of texts, none of them empty; absent is empty.
    pub(super) fn texts(&mut self, name: &str) -> Vec<String> {
        match self.take(name) {
            Some(value) => self.as_texts(name, value),
            None => Vec::new(),
        }
    }

    /// A list of texts that must have at least one.
    pub(super) fn required_texts(&mut self, name: &str) -> Vec<String> {
        let Some(value) = self.require(name) else {
            return Vec::new();
        };
        let texts = self.as_texts(name, value);
        self.require_entries(name, value);
        texts
    }

    /// Refuses an array without entries.
    pub(super) fn require_entries(&self, name: &str, array: &RawValue) {
        let entries = array.get().strip_prefix('[').map(str::trim_start);
        if entries.is_some_and(|entries| entries.starts_with(']')) {
            let message = "must have at least one entry";
            self.document
                .reject(&self.path_of(name), "length", message, array);
        }
    }

    fn as_texts(&self, name: &str, value: &'a RawValue) -> Vec<String> {
        let items = self.document.items(&self.path_of(name), value);
        let items = items.unwrap_or_default().into_iter().enumerate();
        items
            .filter_map(|(at, item)| self.as_text(&format!("{name}[{at}]"), item, Length::SOME))
            .collect()
    }

    /// True or false.
    pub(super) fn flag(&mut self, name: &str) -> Option<bool> {
        let value = self.take(name)?;
        self.read(name, value, "true or false")
    }

    /// A whole number from `least` up.
    pub(super) fn count(&mut self, name: &str, least: u64) -> Option<u64> {
        let value = self.take(name)?;
        let expected = format!("a whole number from {least} up");
        let number = self.read::<i64>(name, value, &expected)?;
        let number = u64::try_from(number).ok().filter(|number| *number >= least);
        if number.is_none() {
            let message = format!("must be {expected}");
            self.document
                .reject(&self.path_of(name), "range", message, value);
        }
        number
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(&mut self, name: &str, words: &[(&str, T)]) -> Option<T> {
        let value = self.take(name)?;
        self.as_word(name, value, words)
    }

    /// One of a few words, which must be there.
    pub(super) fn required_word<T: Copy>(&mut self, name: &str, words: &[(&str, T)]) -> Option<T> {
        let value = self.require(name)?;
        self.as_word(name, value, words)
    }

    fn as_word<T: Copy>(&self, name: &str, value: &RawValue, words: &[(&str, T)]) -> Option<T> {
        let text: String = self.read(name, value, "a string")?;
        let found = words.iter().find(|(word, _)| *word == text.trim());
        if found.is_none() {
            let list: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let message = format!("must be one of {}", list.join(", "));
            self.document
                .reject(&self.path_of(name), "value", message, value);
        }
        found.map(|(_, value)| *value)
    }

    /// A list of objects, each read by `read`; absent is empty.
    pub(super) fn objects<T>(
        &self,
        name: &str,
        value: Option<&'a RawValue>,
        read: impl Fn(&mut Object<'_, 'a>) -> Option<T>,
    ) -> Vec<T> {
        let Some(value) = value else {
            return Vec::new();
        };
        let items = self.document.items(&self.path_of(name), value);
        let items = items.unwrap_or_default().into_iter().enumerate();
        items
            .filter_map(|(at, item)| {
                let path = self.path_of(&format!("{name}[{at}]"));
                let mut object = self.document.object(&path, item)?;
                let read = read(&mut object);
                object.finish();
                read
            })
            .collect()
    }

    /// The members of a member that is an object of free names.
    pub(super) fn entries(&mut self, name: &str) -> Vec<(String, &'a RawValue)> {
        let Some(value) = self.take(name) else {
            return Vec::new();
        };
        let object = self.document.object(&self.path_of(name), value);
        object.map(|object| object.members).unwrap_or_default()
    }

    /// Notes that a member is wrong.
    pub(super) fn reject(
        &self,
        name: &str,
        code: &'static str,
        message: impl Into<String>,
        at: &RawValue,
    ) {
        self.document.reject(&self.path_of(name), code, message, at);
    }

    /// The document that this is a part of.
    pub(super) fn document(&self) -> &'d Document<'a> {
        self.document
    }

    /// Where the object stands.
    pub(super) fn whole(&self) -> &'a RawValue {
        self.whole
    }

    /// Nothing more is read: what nobody asked for is wrong.
    pub(super) fn finish(self) {
        for (name, value) in &self.members {
            self.document.reject(
                &self.path_of(name),
                "unknown_field",
                "is not a known field",
                value,
            );
        }
    }
}
