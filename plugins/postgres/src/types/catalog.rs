//! What is known about the types of one database.
//!
//! Built-in types need no look-up. Enums, domains, composites and whatever an extension brings have OIDs
//! of their own in every database; the session looks them up and adds them here.

use std::collections::{HashMap, HashSet};

use super::builtin::{self, Form, Scalar};

/// A type of `pg_type`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeInfo {
    pub oid: u32,
    /// As `format_type` spells it: qualified and quoted where the session's search path needs it.
    pub name: String,
    pub kind: TypeKind,
}

/// What a type is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TypeKind {
    /// A scalar with its own input and output functions.
    Base,
    Enum {
        /// In the order of the type.
        labels: Vec<String>,
    },
    Domain {
        /// The type that it restricts, which may be a domain too.
        base: u32,
    },
    Array {
        element: u32,
    },
    Composite {
        /// Name and type of each attribute that is not dropped, in the order of the type.
        fields: Vec<(String, u32)>,
    },
    Range {
        subtype: u32,
    },
    Multirange {
        /// The range type that it is made of.
        range: u32,
    },
    Pseudo,
}

/// The types of one database, as far as they have been needed.
#[derive(Debug, Clone, Default)]
pub struct TypeCatalog {
    added: HashMap<u32, TypeInfo>,
}

/// What a plan needs to know about a type.
#[derive(Debug, Clone, Copy)]
pub(super) enum Known<'a> {
    Scalar(Scalar),
    Enum,
    Domain(u32),
    Array(u32),
    Composite(&'a [(String, u32)]),
    Range(u32),
    Multirange(u32),
    Record,
}

impl TypeCatalog {
    /// A catalog that knows the built-in types.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The OIDs that must be looked up before a result of these types can be planned well. A look-up
    /// may bring more unknown types: add what it gave and ask again, until nothing is missing or the
    /// database has no more to say. A type that stays unknown is planned as text.
    #[must_use]
    pub fn missing(&self, oids: &[u32]) -> Vec<u32> {
        let mut seen = HashSet::new();
        let mut missing = Vec::new();
        let mut open = oids.to_vec();
        while let Some(oid) = open.pop() {
            if oid == 0 || !seen.insert(oid) {
                continue;
            }
            match self.known(oid) {
                None => missing.push(oid),
                Some(
                    Known::Domain(part)
                    | Known::Array(part)
                    | Known::Range(part)
                    | Known::Multirange(part),
                ) => open.push(part),
                Some(Known::Composite(fields)) => open.extend(fields.iter().map(|(_, oid)| *oid)),
                Some(Known::Scalar(_) | Known::Enum | Known::Record) => {}
            }
        }
        missing.sort_unstable();
        missing
    }

    /// Adds a type that was looked up; a later one replaces an earlier one of the same OID.
    pub fn add(&mut self, info: TypeInfo) {
        self.added.insert(info.oid, info);
    }

    pub(super) fn known(&self, oid: u32) -> Option<Known<'_>> {
        if let Some(builtin) = builtin::find(oid) {
            return Some(match builtin.form {
                Form::Scalar(scalar) => Known::Scalar(scalar),
                Form::Vector(element) => Known::Array(element),
                Form::Range(subtype) => Known::Range(subtype),
                Form::Multirange(range) => Known::Multirange(range),
                Form::Record => Known::Record,
            });
        }
        if let Some(element) = builtin::element_of(oid) {
            return Some(Known::Array(element.oid));
        }
        let info = self.added.get(&oid)?;
        Some(match &info.kind {
            TypeKind::Base => Known::Scalar(base(&info.name)),
            TypeKind::Pseudo => Known::Scalar(Scalar::ServerText),
            TypeKind::Enum { .. } => Known::Enum,
            TypeKind::Domain { base } => Known::Domain(*base),
            TypeKind::Array { element } => Known::Array(*element),
            TypeKind::Composite { fields } => Known::Composite(fields),
            TypeKind::Range { subtype } => Known::Range(*subtype),
            TypeKind::Multirange { range } => Known::Multirange(*range),
        })
    }

    /// The name of a type without modifiers.
    pub(super) fn name(&self, oid: u32) -> Option<&str> {
        match builtin::find(oid) {
            Some(builtin) => Some(builtin.name),
            None => self.added.get(&oid).map(|info| info.name.as_str()),
        }
    }
}

/// Of the types that extensions bring, citext is text in every respect, its binary form too.
fn base(name: &str) -> Scalar {
    match name.rsplit('.').next() {
        Some("citext") => Scalar::Text,
        _ => Scalar::ServerText,
    }
}
