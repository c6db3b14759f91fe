//! `pg_query`'s parse tree as a tree of one kind of node.
//!
//! The parser gives about 270 structs. A policy that names the few it allows must still see every field of
//! every other one, and keep seeing them when a new version of the grammar adds some. All of them can be
//! serialised, so a serialiser that builds [`Tree`] visits the whole tree by construction: there is no
//! list of children to forget. Fields that hold their default (0, empty, absent) are left out.

use std::fmt;

use serde::ser::{self, Serialize};

/// A node, or a value in one.
#[derive(Debug, PartialEq)]
pub enum Tree {
    /// Absent, 0, empty or false.
    Default,
    Number(i64),
    True,
    Text(String),
    List(Vec<Tree>),
    /// The struct's name and its fields that are not [`Tree::Default`].
    Node(&'static str, Vec<(&'static str, Tree)>),
}

impl Tree {
    /// Builds the tree of a message.
    pub fn of(message: &impl Serialize) -> Result<Self, NotATree> {
        message.serialize(Builder)
    }

    /// A field of a node.
    pub fn field(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Node(_, fields) => fields
                .iter()
                .find(|(field, _)| *field == name)
                .map(|(_, v)| v),
            _ => None,
        }
    }

    /// The members of a list field; nothing if it is empty.
    pub fn list(&self, name: &str) -> &[Self] {
        match self.field(name) {
            Some(Self::List(items)) => items,
            _ => &[],
        }
    }

    /// A text field; empty if it is absent.
    pub fn text(&self, name: &str) -> &str {
        match self.field(name) {
            Some(Self::Text(text)) => text,
            _ => "",
        }
    }

    /// The name of the struct.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Node(kind, _) => kind,
            _ => "",
        }
    }

    /// The value of a `String` node.
    pub fn string(&self) -> Option<&str> {
        (self.kind() == "String").then(|| self.text("sval"))
    }
}

/// Taking a tree apart must not recurse: it may be as deep as the parser lets it be.
impl Drop for Tree {
    fn drop(&mut self) {
        let mut waiting = Vec::new();
        fn children(tree: &mut Tree, waiting: &mut Vec<Tree>) {
            match tree {
                Tree::List(items) => waiting.append(items),
                Tree::Node(_, fields) => waiting.extend(fields.drain(..).map(|(_, tree)| tree)),
                _ => {}
            }
        }
        children(self, &mut waiting);
        while let Some(mut tree) = waiting.pop() {
            children(&mut tree, &mut waiting);
        }
    }
}

/// A value that parse trees do not hold.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotATree(String);

impl ser::Error for NotATree {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

fn unexpected<T>(what: &str) -> Result<T, NotATree> {
    Err(NotATree(format!("a parse tree does not hold {what}")))
}

struct Builder;

struct Items(Vec<Tree>);

struct Fields(&'static str, Vec<(&'static str, Tree)>);

impl ser::SerializeSeq for Items {
    type Ok = Tree;
    type Error = NotATree;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotATree> {
        self.0.push(value.serialize(Builder)?);
        Ok(())
    }

    fn end(self) -> Result<Tree, NotATree> {
        Ok(if self.0.is_empty() {
            Tree::Default
        } else {
            Tree::List(self.0)
        })
    }
}

impl ser::SerializeStruct for Fields {
    type Ok = Tree;
    type Error = NotATree;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), NotATree> {
        let value = value.serialize(Builder)?;
        if value != Tree::Default {
            self.1.push((key, value));
        }
        Ok(())
    }

    fn end(mut self) -> Result<Tree, NotATree> {
        // `Node` only wraps: its one field is the node.
        if self.0 == "Node" {
            return Ok(self.1.pop().map_or(Tree::Default, |(_, tree)| tree));
        }
        Ok(Tree::Node(self.0, self.1))
    }
}

impl ser::Serializer for Builder {
    type Ok = Tree;
    type Error = NotATree;
    type SerializeSeq = Items;
    type SerializeTuple = ser::Impossible<Tree, NotATree>;
    type SerializeTupleStruct = ser::Impossible<Tree, NotATree>;
    type SerializeTupleVariant = ser::Impossible<Tree, NotATree>;
    type SerializeMap = ser::Impossible<Tree, NotATree>;
    type SerializeStruct = Fields;
    type SerializeStructVariant = ser::Impossible<Tree, NotATree>;

    fn serialize_bool(self, value: bool) -> Result<Tree, NotATree> {
        Ok(if value { Tree::True } else { Tree::Default })
    }

    fn serialize_i64(self, value: i64) -> Result<Tree, NotATree> {
        Ok(if value == 0 {
            Tree::Default
        } else {
            Tree::Number(value)
        })
    }

    fn serialize_i8(self, value: i8) -> Result<Tree, NotATree> {
        self.serialize_i64(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<Tree, NotATree> {
        self.serialize_i64(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<Tree, NotATree> {
        self.serialize_i64(value.into())
    }

    fn serialize_u8(self, value: u8) -> Result<Tree, NotATree> {
        self.serialize_i64(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<Tree, NotATree> {
        self.serialize_i64(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<Tree, NotATree> {
        self.serialize_i64(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<Tree, NotATree> {
        self.serialize_i64(i64::try_from(value).unwrap_or(i64::MAX))
    }

    fn serialize_str(self, value: &str) -> Result<Tree, NotATree> {
        Ok(if value.is_empty() {
            Tree::Default
        } else {
            Tree::Text(value.to_owned())
        })
    }

    fn serialize_none(self) -> Result<Tree, NotATree> {
        Ok(Tree::Default)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Tree, NotATree> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<Tree, NotATree> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Tree, NotATree> {
        // The variants of `Node` hold structs, which bring their own name; those of `A_Const` may hold
        // plain values.
        match value.serialize(self)? {
            tree @ Tree::Node(..) => Ok(tree),
            tree => Ok(Tree::Node(variant, vec![("value", tree)])),
        }
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Items, NotATree> {
        Ok(Items(Vec::with_capacity(length.unwrap_or(0))))
    }

    fn serialize_struct(self, name: &'static str, _length: usize) -> Result<Fields, NotATree> {
        Ok(Fields(name, Vec::new()))
    }

    fn serialize_f32(self, _: f32) -> Result<Tree, NotATree> {
        unexpected("floats")
    }

    fn serialize_f64(self, _: f64) -> Result<Tree, NotATree> {
        unexpected("floats")
    }

    fn serialize_char(self, _: char) -> Result<Tree, NotATree> {
        unexpected("characters")
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<Tree, NotATree> {
        unexpected("bytes")
    }

    fn serialize_unit(self) -> Result<Tree, NotATree> {
        unexpected("units")
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Tree, NotATree> {
        unexpected("units")
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
    ) -> Result<Tree, NotATree> {
        unexpected("enumerations")
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, NotATree> {
        unexpected("tuples")
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, NotATree> {
        unexpected("tuples")
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, NotATree> {
        unexpected("tuples")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, NotATree> {
        unexpected("maps")
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, NotATree> {
        unexpected("struct variants")
    }
}
