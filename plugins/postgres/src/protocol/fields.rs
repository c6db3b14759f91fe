//! The fields of an error or a notice.

use super::{Malformed, Reader};

/// What a server says about an error or in a notice. Fields that it did not send are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields {
    /// `ERROR`, `FATAL`, `PANIC`, `WARNING`, `NOTICE`, …; never translated (from PostgreSQL 9.6 on).
    pub severity: String,
    /// Five characters.
    pub sqlstate: String,
    pub message: String,
    pub detail: String,
    pub hint: String,
    /// 1-based, in characters.
    pub position: Option<u32>,
    /// Where in nested code it happened.
    pub context: String,
    /// The server's function that raised it: never translated.
    pub routine: String,
}

/// Reads the body of an `ErrorResponse` or `NoticeResponse`.
///
/// Text that is not UTF-8 (an error before the encoding is agreed on) is read lossily.
///
/// # Errors
/// A field without an end.
pub fn parse(tag: u8, body: &[u8]) -> Result<Fields, Malformed> {
    let mut reader = Reader::new(tag, body);
    let mut fields = Fields::default();
    let mut localized = String::new();
    loop {
        let kind = reader.u8()?;
        if kind == 0 {
            break;
        }
        let text = String::from_utf8_lossy(reader.c_bytes()?).into_owned();
        match kind {
            b'S' => localized = text,
            b'V' => fields.severity = text,
            b'C' => fields.sqlstate = text,
            b'M' => fields.message = text,
            b'D' => fields.detail = text,
            b'H' => fields.hint = text,
            b'P' => fields.position = text.parse().ok(),
            b'W' => fields.context = text,
            b'R' => fields.routine = text,
            _ => {}
        }
    }
    if fields.severity.is_empty() {
        fields.severity = localized;
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_untranslated_severity_wins() {
        let fields = parse(
            b'E',
            b"SFEHLER\0VERROR\0C42P01\0MRelation \xc2\xbbx\xc2\xab existiert nicht\0P15\0Zzz\0\0",
        )
        .expect("valid");
        assert_eq!(fields.severity, "ERROR");
        assert_eq!(fields.sqlstate, "42P01");
        assert_eq!(fields.message, "Relation »x« existiert nicht");
        assert_eq!(fields.position, Some(15));
    }

    #[test]
    fn a_field_without_end_is_refused() {
        assert_eq!(parse(b'E', b"SERROR"), Err(Malformed::Truncated(b'E')));
        assert_eq!(parse(b'E', b"SERROR\0"), Err(Malformed::Truncated(b'E')));
        assert_eq!(parse(b'N', b""), Err(Malformed::Truncated(b'N')));
    }
}
