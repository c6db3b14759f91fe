//! From the server's spelling of a type to a [`Type`].
//!
//! Reads what servers write, in one line or indented: `Nullable(DateTime64(3, 'Asia/Tokyo'))`. Members of
//! tuples have names or none; names stand in backquotes or double quotes where they have to. What stands in
//! the brackets of `JSON`, `Dynamic` and `AggregateFunction` does not change how values look and is kept as
//! text. Aliases (`VARCHAR`) are not read: servers resolve them.

use super::{Element, Enum, Geo, Type};

/// How deeply types may nest.
const MAX_DEPTH: usize = 64;

/// How many bytes the spelling of a type may have: an `Enum16` with all its names.
const MAX_LENGTH: usize = 4 << 20;

/// The longest `FixedString` that servers have, in bytes.
const MAX_FIXED_STRING: u32 = 0x00ff_ffff;

/// Why a text is no type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadType {
    #[error("there is no type {0}")]
    Unknown(String),
    #[error("{expected} is missing at byte {at} of the type")]
    Expected { expected: &'static str, at: usize },
    #[error("a number at byte {at} of the type is out of range")]
    Range { at: usize },
    #[error("the type is nested more than {MAX_DEPTH} deep")]
    TooDeep,
    #[error("the type's name has more than {MAX_LENGTH} bytes")]
    TooLong,
}

/// Reads the whole of `text` as a type.
///
/// # Errors
/// [`BadType`], for what no server writes.
pub fn parse(text: &str) -> Result<Type, BadType> {
    if text.len() > MAX_LENGTH {
        return Err(BadType::TooLong);
    }
    let mut parser = Parser { text, at: 0 };
    let ty = parser.ty(0)?;
    parser.space();
    if parser.at < text.len() {
        return Err(parser.expected("the end"));
    }
    Ok(ty)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn expected(&self, expected: &'static str) -> BadType {
        BadType::Expected {
            expected,
            at: self.at,
        }
    }

    /// Takes `wanted` and the space before it, if that comes next.
    fn takes(&mut self, wanted: char) -> bool {
        self.space();
        let found = self.peek() == Some(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    fn take(&mut self, wanted: char, name: &'static str) -> Result<(), BadType> {
        if self.takes(wanted) {
            Ok(())
        } else {
            Err(self.expected(name))
        }
    }

    /// Letters, digits and underscores; maybe none.
    fn word(&mut self) -> &'a str {
        self.space();
        let rest = self.rest();
        let end = rest
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn integer(&mut self) -> Result<i64, BadType> {
        self.space();
        let at = self.at;
        let negative = self.takes('-');
        let rest = self.rest();
        let end = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        if end == 0 {
            return Err(self.expected("a number"));
        }
        self.at += end;
        let number: i64 = rest[..end].parse().map_err(|_| BadType::Range { at })?;
        Ok(if negative { -number } else { number })
    }

    fn number<N: TryFrom<i64>>(&mut self) -> Result<N, BadType> {
        let at = self.at;
        N::try_from(self.integer()?).map_err(|_| BadType::Range { at })
    }

    /// What stands between a pair of `quote`s, without its escapes.
    fn quoted(&mut self, quote: char) -> Result<String, BadType> {
        self.take(quote, "a quotation mark")?;
        let mut text: Vec<u8> = Vec::new();
        let mut characters = self.rest().char_indices();
        while let Some((index, c)) = characters.next() {
            if c == quote {
                // Doubled, it stands for itself.
                if self.rest()[index + 1..].starts_with(quote) {
                    characters.next();
                    text.push(quote as u8);
                    continue;
                }
                self.at += index + 1;
                return Ok(String::from_utf8_lossy(&text).into_owned());
            }
            if c != '\\' {
                let mut buffer = [0; 4];
                text.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
                continue;
            }
            let Some((_, escaped)) = characters.next() else {
                break;
            };
            match escaped {
                'b' => text.push(0x08),
                'f' => text.push(0x0c),
                'n' => text.push(b'\n'),
                'r' => text.push(b'\r'),
                't' => text.push(b'\t'),
                'a' => text.push(0x07),
                'v' => text.push(0x0b),
                '0' => text.push(0),
                'x' => {
                    let mut digit = || characters.next().and_then(|(_, c)| c.to_digit(16));
                    let (Some(high), Some(low)) = (digit(), digit()) else {
                        return Err(self.expected("the end of an escape"));
                    };
                    text.push(u8::try_from(high * 16 + low).unwrap_or_default());
                }
                other => {
                    let mut buffer = [0; 4];
                    text.extend_from_slice(other.encode_utf8(&mut buffer).as_bytes());
                }
            }
        }
        Err(self.expected("the end of a quotation"))
    }

    /// What stands in brackets, as it is; the opening one has been taken.
    fn balanced(&mut self) -> Result<String, BadType> {
        let begin = self.at;
        let mut depth = 0usize;
        loop {
            match self.peek() {
                None => return Err(self.expected("a closing bracket")),
                Some(quote @ ('\'' | '`' | '"')) => {
                    self.quoted(quote)?;
                    continue;
                }
                Some('(') => depth += 1,
                Some(')') if depth == 0 => {
                    let text = self.text[begin..self.at].trim().to_owned();
                    self.at += 1;
                    return Ok(text);
                }
                Some(')') => depth -= 1,
                Some(_) => {}
            }
            self.at += self.peek().map_or(0, char::len_utf8);
        }
    }

    /// The same, where there may be no brackets.
    fn optional(&mut self) -> Result<String, BadType> {
        if self.takes('(') {
            self.balanced()
        } else {
            Ok(String::new())
        }
    }

    fn inner(&mut self, depth: usize) -> Result<Box<Type>, BadType> {
        self.take('(', "an opening bracket")?;
        let inner = self.ty(depth + 1)?;
        self.close()?;
        Ok(Box::new(inner))
    }

    fn close(&mut self) -> Result<(), BadType> {
        self.take(')', "a closing bracket")
    }

    fn ty(&mut self, depth: usize) -> Result<Type, BadType> {
        if depth > MAX_DEPTH {
            return Err(BadType::TooDeep);
        }
        let name = self.word();
        if let Some(ty) = plain(name) {
            return Ok(ty);
        }
        Ok(match name {
            "Decimal" => {
                self.take('(', "an opening bracket")?;
                let precision = self.number()?;
                let scale = if self.takes(',') { self.number()? } else { 0 };
                self.decimal(precision, scale)?
            }
            "Decimal32" => self.sized_decimal(9)?,
            "Decimal64" => self.sized_decimal(18)?,
            "Decimal128" => self.sized_decimal(38)?,
            "Decimal256" => self.sized_decimal(76)?,
            "FixedString" => {
                self.take('(', "an opening bracket")?;
                let at = self.at;
                let length = self.number()?;
                self.close()?;
                if !(1..=MAX_FIXED_STRING).contains(&length) {
                    return Err(BadType::Range { at });
                }
                Type::FixedString(length)
            }
            "DateTime" => {
                let zone = if self.takes('(') {
                    let zone = self.zone()?;
                    self.close()?;
                    zone
                } else {
                    None
                };
                Type::DateTime(zone)
            }
            "DateTime64" => {
                self.take('(', "an opening bracket")?;
                let digits = self.digits()?;
                let zone = if self.takes(',') { self.zone()? } else { None };
                self.close()?;
                Type::DateTime64(digits, zone)
            }
            "Time64" => {
                self.take('(', "an opening bracket")?;
                let digits = self.digits()?;
                self.close()?;
                Type::Time64(digits)
            }
            "Enum8" | "Enum16" => self.enumeration(name == "Enum16")?,
            "LowCardinality" => Type::LowCardinality(self.inner(depth)?),
            "Nullable" => Type::Nullable(self.inner(depth)?),
            "Array" => Type::Array(self.inner(depth)?),
            "Map" => {
                self.take('(', "an opening bracket")?;
                let key = self.ty(depth + 1)?;
                self.take(',', "a comma")?;
                let value = self.ty(depth + 1)?;
                self.close()?;
                Type::Map(Box::new(key), Box::new(value))
            }
            "Tuple" => Type::Tuple(self.elements(depth)?),
            "Nested" => Type::Nested(self.elements(depth)?),
            "Variant" => {
                let members = self.elements(depth)?;
                Type::Variant(members.into_iter().map(|member| member.ty).collect())
            }
            "Dynamic" => Type::Dynamic(self.optional()?),
            "JSON" => Type::Json(self.optional()?),
            "Object" => {
                self.take('(', "an opening bracket")?;
                Type::Object(self.balanced()?)
            }
            "AggregateFunction" => {
                self.take('(', "an opening bracket")?;
                Type::AggregateFunction(self.balanced()?)
            }
            "SimpleAggregateFunction" => {
                self.take('(', "an opening bracket")?;
                let begin = self.at;
                let function = self.word();
                if function.is_empty() {
                    return Err(self.expected("a function"));
                }
                if self.takes('(') {
                    self.balanced()?;
                }
                let function = self.text[begin..self.at].trim().to_owned();
                self.take(',', "a comma")?;
                let ty = self.ty(depth + 1)?;
                self.close()?;
                Type::SimpleAggregateFunction(function, Box::new(ty))
            }
            "QBit" => {
                self.take('(', "an opening bracket")?;
                let element = self.ty(depth + 1)?;
                self.take(',', "a comma")?;
                let length = self.number()?;
                // Newer servers name a stride, which is of no consequence to the values.
                while self.takes(',') {
                    self.integer()?;
                }
                self.close()?;
                Type::QBit(Box::new(element), length)
            }
            "" => return Err(self.expected("a type")),
            other => return Err(BadType::Unknown(other.chars().take(64).collect())),
        })
    }

    fn sized_decimal(&mut self, precision: u8) -> Result<Type, BadType> {
        self.take('(', "an opening bracket")?;
        let scale = self.number()?;
        self.decimal(precision, scale)
    }

    fn decimal(&mut self, precision: u8, scale: u8) -> Result<Type, BadType> {
        self.close()?;
        if !(1..=76).contains(&precision) || scale > precision {
            return Err(BadType::Range { at: self.at });
        }
        Ok(Type::Decimal { precision, scale })
    }

    fn digits(&mut self) -> Result<u8, BadType> {
        let at = self.at;
        let digits: u8 = self.number()?;
        if digits > 9 {
            return Err(BadType::Range { at });
        }
        Ok(digits)
    }

    fn zone(&mut self) -> Result<Option<String>, BadType> {
        self.space();
        self.quoted('\'').map(Some)
    }

    fn enumeration(&mut self, wide: bool) -> Result<Type, BadType> {
        self.take('(', "an opening bracket")?;
        let mut names = Vec::new();
        loop {
            self.space();
            let name = self.quoted('\'')?;
            self.take('=', "a number of the name")?;
            let at = self.at;
            let number: i16 = self.number()?;
            if !wide && i8::try_from(number).is_err() {
                return Err(BadType::Range { at });
            }
            names.push((name, number));
            if !self.takes(',') {
                break;
            }
        }
        self.close()?;
        Ok(Type::Enum(Enum { wide, names }))
    }

    fn elements(&mut self, depth: usize) -> Result<Vec<Element>, BadType> {
        self.take('(', "an opening bracket")?;
        let mut elements = Vec::new();
        if self.takes(')') {
            return Ok(elements);
        }
        loop {
            let name = self.element_name()?;
            let ty = self.ty(depth + 1)?;
            elements.push(Element { name, ty });
            if !self.takes(',') {
                break;
            }
        }
        self.close()?;
        Ok(elements)
    }

    /// A word is a name if another one follows, for no type has two.
    fn element_name(&mut self) -> Result<Option<String>, BadType> {
        self.space();
        if let Some(quote @ ('`' | '"')) = self.peek() {
            return self.quoted(quote).map(Some);
        }
        let begin = self.at;
        let word = self.word();
        let after = self.at;
        self.space();
        let named = !word.is_empty()
            && self.at > after
            && self.peek().is_some_and(|c| c.is_alphabetic() || c == '_');
        if named {
            return Ok(Some(word.to_owned()));
        }
        self.at = begin;
        Ok(None)
    }
}

/// The types that are a word.
fn plain(name: &str) -> Option<Type> {
    let int = |bits, signed| Some(Type::Int { bits, signed });
    match name {
        "Nothing" => Some(Type::Nothing),
        "Bool" => Some(Type::Bool),
        "Int8" => int(8, true),
        "Int16" => int(16, true),
        "Int32" => int(32, true),
        "Int64" => int(64, true),
        "Int128" => int(128, true),
        "Int256" => int(256, true),
        "UInt8" => int(8, false),
        "UInt16" => int(16, false),
        "UInt32" => int(32, false),
        "UInt64" => int(64, false),
        "UInt128" => int(128, false),
        "UInt256" => int(256, false),
        "Float32" => Some(Type::Float32),
        "Float64" => Some(Type::Float64),
        "BFloat16" => Some(Type::BFloat16),
        "String" => Some(Type::String),
        "Date" => Some(Type::Date),
        "Date32" => Some(Type::Date32),
        "Time" => Some(Type::Time),
        "UUID" => Some(Type::Uuid),
        "IPv4" => Some(Type::Ipv4),
        "IPv6" => Some(Type::Ipv6),
        _ => {
            if let Some(unit) = name.strip_prefix("Interval")
                && !unit.is_empty()
            {
                return Some(Type::Interval(unit.to_owned()));
            }
            Geo::ALL
                .iter()
                .find(|(_, known)| *known == name)
                .map(|(geo, _)| Type::Geo(*geo))
        }
    }
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
