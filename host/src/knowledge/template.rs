//! SQL with parameters in braces.
//!
//! A parameter is `{name}`. It stands bare (`LIMIT {n}`), as a whole text (`'{day}'`, which means the same as
//! `{day}`), inside a longer text (`'{n} days'`) or, where it can't be bound, inside a quoted name. Comments hold
//! none, nor do other braces, such as ClickHouse's own `{n:UInt8}`.
//!
//! What the scanner takes for a text may be none for a server that reads quotes in another way. Nothing depends
//! on that: whatever is made of a template is judged as a whole.

/// A template, in pieces that make up the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template<'a> {
    pub pieces: Vec<Piece<'a>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// SQL as it is.
    Sql(&'a str),
    Parameter {
        name: &'a str,
        place: Place,
    },
}

/// Where a parameter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A value of its own. The quotes around it, if any, are no part of the pieces beside it.
    Value,
    /// Within a text.
    Text,
    /// Within a quoted name.
    Name,
}

impl<'a> Template<'a> {
    pub fn parse(sql: &'a str) -> Self {
        let bytes = sql.as_bytes();
        let mut pieces = Vec::new();
        // What was not yet put into a piece begins here.
        let mut start = 0;
        let mut quote: Option<u8> = None;
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            match (quote, byte) {
                (None, b'-') if bytes[at..].starts_with(b"--") => {
                    at = after(sql, at, "\n");
                    continue;
                }
                (None, b'/') if bytes[at..].starts_with(b"/*") => {
                    at = after(sql, at + 2, "*/");
                    continue;
                }
                (None, b'\'' | b'"' | b'`') => quote = Some(byte),
                (Some(open), byte) if byte == open => quote = None,
                (_, b'{') => {
                    if let Some(name) = name_at(sql, at + 1) {
                        let end = at + name.len() + 2;
                        let whole = quote == Some(b'\'')
                            && at > start
                            && bytes[at - 1] == b'\''
                            && bytes.get(end) == Some(&b'\'')
                            && bytes.get(end + 1) != Some(&b'\'')
                            && !sql[start..at - 1].ends_with('\'');
                        let place = match quote {
                            None => Place::Value,
                            Some(_) if whole => Place::Value,
                            Some(b'\'') => Place::Text,
                            Some(_) => Place::Name,
                        };
                        let before = if whole { at - 1 } else { at };
                        pieces.push(Piece::Sql(&sql[start..before]));
                        pieces.push(Piece::Parameter { name, place });
                        at = end;
                        if whole {
                            quote = None;
                            at += 1;
                        }
                        start = at;
                        continue;
                    }
                }
                _ => {}
            }
            at += 1;
        }
        pieces.push(Piece::Sql(&sql[start..]));
        pieces.retain(|piece| *piece != Piece::Sql(""));
        Self { pieces }
    }

    /// The text with each parameter replaced by what `fill` gives for it.
    pub fn fill(&self, fill: impl Fn(&str, Place) -> String) -> String {
        let pieces = self.pieces.iter();
        pieces
            .map(|piece| match piece {
                Piece::Sql(sql) => (*sql).to_owned(),
                Piece::Parameter { name, place } => fill(name, *place),
            })
            .collect()
    }

    /// The parameters, in the order of the text.
    pub fn parameters(&self) -> impl Iterator<Item = (&'a str, Place)> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Sql(_) => None,
            Piece::Parameter { name, place } => Some((*name, *place)),
        })
    }
}

/// The place after the next `end`, or the end of the text.
fn after(sql: &str, from: usize, end: &str) -> usize {
    let found = sql.get(from..).and_then(|rest| rest.find(end));
    found.map_or(sql.len(), |found| from + found + end.len())
}

/// The name in braces that begins here.
fn name_at(sql: &str, from: usize) -> Option<&str> {
    let (name, _) = sql.get(from..)?.split_once('}')?;
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let begins = name
        .bytes()
        .next()
        .is_some_and(|byte| !byte.is_ascii_digit());
    (begins && name.bytes().all(word)).then_some(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(sql: &str) -> String {
        Template::parse(sql).fill(|name, place| format!("<{name}:{place:?}>"))
    }

    #[test]
    fn a_parameter_is_found_where_it_stands() {
        for (sql, expected) in [
            ("LIMIT {n}", "LIMIT <n:Value>"),
            ("{a}{b}", "<a:Value><b:Value>"),
            ("d >= '{day}' AND", "d >= <day:Value> AND"),
            ("'{a}''b'", "'<a:Text>''b'"),
            ("'b''{a}'", "'b''<a:Text>'"),
            ("INTERVAL '{n} days'", "INTERVAL '<n:Text> days'"),
            ("\"{c}\" `{d}`", "\"<c:Name>\" `<d:Name>`"),
            (
                "-- {a}\n{b} /* {c} */ {d}",
                "-- {a}\n<b:Value> /* {c} */ <d:Value>",
            ),
            ("{n:UInt8} {} {1} { a }", "{n:UInt8} {} {1} { a }"),
            ("'--' {a} '/*' {b}", "'--' <a:Value> '/*' <b:Value>"),
            ("'{a}'='{b}'", "<a:Value>=<b:Value>"),
            ("-- {a}", "-- {a}"),
            ("{a", "{a"),
        ] {
            assert_eq!(shown(sql), expected, "{sql}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken_apart_and_bare_parameters_put_back(sql in "[a{}'\"`*/\\-\n é]{0,40}") {
            let template = Template::parse(&sql);
            if template.parameters().all(|(_, place)| place != Place::Value) {
                let back = template.fill(|name, _| format!("{{{name}}}"));
                prop_assert_eq!(back, sql);
            }
        }
    }
}
