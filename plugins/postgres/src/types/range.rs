//! Ranges and multiranges as PostgreSQL writes them: `[1,10)`, `{[1,3),[5,7)}`.

use super::error::Fault;
use super::text::TextForm;
use super::wire::Reader;

const EMPTY: u8 = 0x01;
const LOWER_INCLUSIVE: u8 = 0x02;
const UPPER_INCLUSIVE: u8 = 0x04;
const LOWER_INFINITE: u8 = 0x08;
const UPPER_INFINITE: u8 = 0x10;

pub(super) fn write(value: &[u8], bound: &TextForm, out: &mut String) -> Result<(), Fault> {
    let mut reader = Reader::new(value);
    let flags = reader.u8()?;
    if flags & EMPTY != 0 {
        out.push_str("empty");
        return reader.end();
    }
    out.push(if flags & LOWER_INCLUSIVE == 0 {
        '('
    } else {
        '['
    });
    if flags & LOWER_INFINITE == 0 {
        write_bound(reader.nullable()?, bound, out)?;
    }
    out.push(',');
    if flags & UPPER_INFINITE == 0 {
        write_bound(reader.nullable()?, bound, out)?;
    }
    out.push(if flags & UPPER_INCLUSIVE == 0 {
        ')'
    } else {
        ']'
    });
    reader.end()
}

pub(super) fn write_multirange(
    value: &[u8],
    bound: &TextForm,
    out: &mut String,
) -> Result<(), Fault> {
    let mut reader = Reader::new(value);
    let count = reader.count()?;
    out.push('{');
    for index in 0..count {
        if index > 0 {
            out.push(',');
        }
        let range = reader
            .nullable()?
            .ok_or(Fault::Malformed("a range is null"))?;
        write(range, bound, out)?;
    }
    out.push('}');
    reader.end()
}

/// A bound is quoted when it is empty or has a character that means something in a range.
fn write_bound(value: Option<&[u8]>, form: &TextForm, out: &mut String) -> Result<(), Fault> {
    let value = value.ok_or(Fault::Malformed("a bound of a range is null"))?;
    let start = out.len();
    form.write(value, out)?;
    let text = &out[start..];
    let special = |c: char| matches!(c, '"' | '\\' | '(' | ')' | '[' | ']' | ',');
    let space = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c');
    if text.is_empty() || text.contains(|c| special(c) || space(c)) {
        let quoted = text.replace('\\', "\\\\").replace('"', "\"\"");
        out.truncate(start);
        out.push('"');
        out.push_str(&quoted);
        out.push('"');
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(flags: u8, bounds: &[&str]) -> Result<String, Fault> {
        let mut bytes = vec![flags];
        for bound in bounds {
            bytes.extend(i32::try_from(bound.len()).unwrap().to_be_bytes());
            bytes.extend(bound.as_bytes());
        }
        let mut out = String::new();
        write(&bytes, &TextForm::Plain, &mut out).map(|()| out)
    }

    #[test]
    fn the_flags_say_which_bounds_there_are() {
        assert_eq!(text(EMPTY, &[]).unwrap(), "empty");
        assert_eq!(text(LOWER_INCLUSIVE, &["a", "b"]).unwrap(), "[a,b)");
        assert_eq!(
            text(UPPER_INCLUSIVE | LOWER_INFINITE, &["b"]).unwrap(),
            "(,b]"
        );
        assert_eq!(text(LOWER_INFINITE | UPPER_INFINITE, &[]).unwrap(), "(,)");
    }

    #[test]
    fn a_bound_that_could_be_misread_is_quoted() {
        assert_eq!(
            text(0, &["", r#"a "b" \c"#]).unwrap(),
            r#"("","a ""b"" \\c")"#
        );
        assert_eq!(text(0, &["1,2", "(3)"]).unwrap(), r#"("1,2","(3)")"#);
    }

    #[test]
    fn a_range_without_its_bounds_or_with_more_is_malformed() {
        assert!(text(0, &["a"]).is_err());
        assert!(text(EMPTY, &["a"]).is_err());
        assert!(text(LOWER_INFINITE, &["a", "b"]).is_err());
    }
}
