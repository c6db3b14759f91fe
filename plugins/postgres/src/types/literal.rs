//! Array and record literals: `{1,NULL,"a b"}`, `(1,,"a ""b""")`.
//!
//! For what the server can only send as text. The parsers read what PostgreSQL writes, which is less
//! than what it reads.

use super::array::{Lengths, MAX_DIMENSIONS};
use super::error::Fault;

const BROKEN_ARRAY: Fault = Fault::Malformed("an array literal is broken");
const BROKEN_RECORD: Fault = Fault::Malformed("a record literal is broken");

/// Calls `each` with every element, null as `None`, and returns the lengths of the dimensions. `scratch`
/// is only memory to reuse.
pub(super) fn array(
    literal: &[u8],
    delimiter: u8,
    scratch: &mut Vec<u8>,
    mut each: impl FnMut(Option<&[u8]>) -> Result<(), Fault>,
) -> Result<Lengths, Fault> {
    let body = &literal[skip_bounds(literal)?..];
    if body == b"{}" {
        return Ok(Lengths::default());
    }
    // All arrays at a depth have the same length, and elements stand only at the greatest depth.
    let dimensions = body.iter().take_while(|byte| **byte == b'{').count();
    if dimensions == 0 || dimensions > MAX_DIMENSIONS {
        return Err(BROKEN_ARRAY);
    }
    let mut expected: [Option<i32>; MAX_DIMENSIONS] = [None; MAX_DIMENSIONS];
    let mut counts = [0; MAX_DIMENSIONS];
    let mut depth = 0;
    let mut at = 0;
    loop {
        while depth < dimensions {
            if body.get(at) != Some(&b'{') {
                return Err(BROKEN_ARRAY);
            }
            counts[depth] = 0;
            depth += 1;
            at += 1;
        }
        if body.get(at) == Some(&b'"') {
            at = quoted(body, at + 1, scratch, false).ok_or(BROKEN_ARRAY)?;
            each(Some(scratch))?;
        } else {
            let rest = body.get(at..).unwrap_or_default();
            let length = rest
                .iter()
                .position(|byte| *byte == delimiter || matches!(byte, b'{' | b'}'))
                .filter(|length| *length > 0)
                .ok_or(BROKEN_ARRAY)?;
            let element = &rest[..length];
            each((element != b"NULL").then_some(element))?;
            at += length;
        }
        counts[depth - 1] += 1;
        while body.get(at) == Some(&b'}') {
            depth -= 1;
            at += 1;
            if *expected[depth].get_or_insert(counts[depth]) != counts[depth] {
                return Err(BROKEN_ARRAY);
            }
            if depth == 0 {
                if at != body.len() {
                    return Err(BROKEN_ARRAY);
                }
                let mut lengths = Lengths::default();
                for length in &counts[..dimensions] {
                    lengths.push(*length)?;
                }
                return Ok(lengths);
            }
            counts[depth - 1] += 1;
        }
        if body.get(at) != Some(&delimiter) {
            return Err(BROKEN_ARRAY);
        }
        at += 1;
    }
}

/// Calls `each` with every field, null as `None`.
pub(super) fn record(
    literal: &[u8],
    scratch: &mut Vec<u8>,
    mut each: impl FnMut(Option<&[u8]>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    if literal.first() != Some(&b'(') {
        return Err(BROKEN_RECORD);
    }
    let mut at = 1;
    loop {
        if literal.get(at) == Some(&b'"') {
            at = quoted(literal, at + 1, scratch, true).ok_or(BROKEN_RECORD)?;
            each(Some(scratch))?;
        } else {
            let length = literal[at..]
                .iter()
                .position(|byte| matches!(byte, b',' | b')'))
                .ok_or(BROKEN_RECORD)?;
            let field = &literal[at..at + length];
            each((!field.is_empty()).then_some(field))?;
            at += length;
        }
        match literal.get(at) {
            Some(b',') => at += 1,
            Some(b')') if at + 1 == literal.len() => return Ok(()),
            _ => return Err(BROKEN_RECORD),
        }
    }
}

/// `[2:3][0:1]=` before the braces.
fn skip_bounds(literal: &[u8]) -> Result<usize, Fault> {
    if literal.first() != Some(&b'[') {
        return Ok(0);
    }
    let end = literal
        .iter()
        .position(|byte| *byte == b'=')
        .ok_or(BROKEN_ARRAY)?;
    let known = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'[' | b']' | b':' | b'-');
    if literal[..end].iter().all(known) {
        Ok(end + 1)
    } else {
        Err(BROKEN_ARRAY)
    }
}

/// Reads up to the closing quote into `out` and returns where the literal goes on.
fn quoted(literal: &[u8], start: usize, out: &mut Vec<u8>, doubles: bool) -> Option<usize> {
    out.clear();
    let mut at = start;
    loop {
        let length = literal
            .get(at..)?
            .iter()
            .position(|byte| matches!(byte, b'"' | b'\\'))?;
        out.extend_from_slice(&literal[at..at + length]);
        at += length;
        let escaped = literal[at] == b'\\' || (doubles && literal.get(at + 1) == Some(&b'"'));
        if !escaped {
            return Some(at + 1);
        }
        out.push(*literal.get(at + 1)?);
        at += 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(element: Option<&[u8]>) -> Option<String> {
        element.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
    }

    fn read_array(literal: &str) -> Result<(Vec<i32>, Vec<Option<String>>), Fault> {
        let mut elements = Vec::new();
        let lengths = array(literal.as_bytes(), b',', &mut Vec::new(), |element| {
            elements.push(owned(element));
            Ok(())
        })?;
        Ok((lengths.as_slice().to_vec(), elements))
    }

    fn read_record(literal: &str) -> Result<Vec<Option<String>>, Fault> {
        let mut fields = Vec::new();
        record(literal.as_bytes(), &mut Vec::new(), |field| {
            fields.push(owned(field));
            Ok(())
        })?;
        Ok(fields)
    }

    #[expect(
        clippy::unnecessary_wraps,
        reason = "what the literals are compared with"
    )]
    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn an_array_literal_gives_its_elements_in_order() {
        assert_eq!(read_array("{}"), Ok((vec![], vec![])));
        assert_eq!(
            read_array(r#"{a,NULL,"NULL","","x,\"}\\"}"#),
            Ok((
                vec![5],
                vec![some("a"), None, some("NULL"), some(""), some(r#"x,"}\"#)]
            ))
        );
        assert_eq!(
            read_array("[2:3]={a,b}"),
            Ok((vec![2], vec![some("a"), some("b")]))
        );
        assert_eq!(
            read_array("[0:1][-1:0]={{1,2},{3,4}}"),
            Ok((vec![2, 2], vec![some("1"), some("2"), some("3"), some("4")]))
        );
        assert_eq!(
            read_array("{{{1}},{{2}}}"),
            Ok((vec![2, 1, 1], vec![some("1"), some("2")]))
        );
    }

    #[test]
    fn a_record_literal_tells_null_from_empty_text() {
        assert_eq!(
            read_record(r#"(1,,"","a ""b"" \\c")"#),
            Ok(vec![some("1"), None, some(""), some(r#"a "b" \c"#)])
        );
        assert_eq!(read_record("()"), Ok(vec![None]));
        assert_eq!(read_record("(,)"), Ok(vec![None, None]));
    }

    #[test]
    fn broken_literals_are_malformed() {
        for literal in [
            "",
            "{",
            "}",
            "a",
            "{a",
            "{a}}",
            "{a}b",
            "{a,}",
            "{,a}",
            "{\"a}",
            "{\"a\\",
            "[1:2",
            "[1:2]=",
            "[x]={a}",
            "{{{{{{{a}}}}}}}",
            "{a{b}}",
            "{{a},{b,c}}",
            "{{a},b}",
            "{a,{b}}",
            "{{}}",
            "{{a}",
            "{\"a\"b}",
        ] {
            assert!(read_array(literal).is_err(), "{literal}");
        }
        for literal in ["", "(", ")", "a", "(a", "(a)b", "(\"a)", "(\"a\"b)", "a)"] {
            assert!(read_record(literal).is_err(), "{literal}");
        }
    }
}
