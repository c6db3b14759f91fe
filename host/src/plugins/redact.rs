//! Makes text that comes out of a sandbox safe to show: without the connection's password, without control
//! characters, and short.
//!
//! The password is removed as it is and as a URL spells it. Out of names, which are looked up again, it is removed
//! only if it is too long to be a part of an ordinary word: a role `demo` may read a table `demo_orders`. A plugin that wants to leak it can still encode
//! it in some other way; what it can't do is to leak it by accident or to inject lines into a log.

use std::borrow::Cow;
use std::fmt::Write as _;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Column, DangerousRight, DbError, ForeignKey, Relation, ServerInfo};
use crate::secret::Secret;

/// The most bytes of one text of an error.
const LONGEST: usize = 8 << 10;
/// Dangerous rights that one role may have.
const MOST_RIGHTS: usize = 64;
/// The most characters of the code of a right.
const LONGEST_CODE: usize = 64;
/// A password of fewer bytes stays in names.
const SHORTEST_IN_NAMES: usize = 8;
const PLACEHOLDER: &str = "[redacted]";

/// What must not be seen, in the spellings that are looked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Redactor {
    needles: Vec<Secret<String>>,
}

impl Redactor {
    pub(crate) fn new(password: Option<&Secret<String>>) -> Self {
        let mut needles = Vec::new();
        if let Some(password) = password.filter(|p| !p.reveal().is_empty()) {
            let encoded = utf8_percent_encode(password.reveal(), NON_ALPHANUMERIC).to_string();
            if encoded != *password.reveal() {
                needles.push(Secret::new(encoded));
            }
            needles.push(password.clone());
        }
        Self { needles }
    }

    /// Replaces every occurrence of the password.
    pub(crate) fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(text);
        for needle in &self.needles {
            if text.contains(needle.reveal().as_str()) {
                text = Cow::Owned(text.replace(needle.reveal().as_str(), PLACEHOLDER));
            }
        }
        text
    }

    /// Text for a person: redacted, cut, control characters other than line ends and tabs replaced.
    pub(crate) fn clean(&self, text: &str) -> String {
        printable(&self.redact(text))
    }

    /// One line for a log, of at most `max` bytes: redacted, everything unprintable escaped.
    pub(crate) fn line(&self, text: &str, max: usize) -> String {
        let text = self.redact(text);
        let mut line = String::with_capacity(text.len().min(max));
        for c in text.chars() {
            if line.len() >= max {
                line.push('…');
                break;
            }
            if unprintable(c) {
                let _ = write!(line, "{}", c.escape_default());
            } else {
                line.push(c);
            }
        }
        line
    }

    /// What a session says of its server, made safe to store and to show.
    pub(crate) fn server(&self, server: ServerInfo) -> ServerInfo {
        ServerInfo {
            product: self.clean(&server.product),
            version: self.clean(&server.version),
            role: self.clean(&server.role),
            database: server.database.map(|name| printable(&self.name(name))),
            default_schema: server
                .default_schema
                .map(|name| printable(&self.name(name))),
            dangerous_rights: server
                .dangerous_rights
                .into_iter()
                .take(MOST_RIGHTS)
                .map(|right| DangerousRight {
                    code: code(&right.code),
                    message: self.clean(&right.message),
                })
                .collect(),
            // Compared, never shown.
            reading: server.reading,
        }
    }

    /// A name without the password, unless that may well be a part of the name.
    pub(crate) fn name(&self, name: String) -> String {
        let long = |needle: &Secret<String>| needle.reveal().len() >= SHORTEST_IN_NAMES;
        if self.needles.iter().all(long) {
            self.redact(&name).into_owned()
        } else {
            name
        }
    }

    /// A relation without the password.
    pub(crate) fn relation(&self, relation: Relation) -> Relation {
        if self.needles.is_empty() {
            return relation;
        }
        let name = |text: String| self.name(text);
        let names = |texts: Vec<String>| texts.into_iter().map(name).collect();
        let text = |text: Option<String>| text.map(|text| self.redact(&text).into_owned());
        Relation {
            schema: name(relation.schema),
            name: name(relation.name),
            kind: relation.kind,
            comment: text(relation.comment),
            row_estimate: relation.row_estimate,
            columns: relation
                .columns
                .into_iter()
                .map(|column| Column {
                    name: name(column.name),
                    db_type: name(column.db_type),
                    nullable: column.nullable,
                    default_expression: text(column.default_expression),
                    comment: text(column.comment),
                })
                .collect(),
            primary_key: names(relation.primary_key),
            foreign_keys: relation
                .foreign_keys
                .into_iter()
                .map(|key| ForeignKey {
                    name: name(key.name),
                    columns: names(key.columns),
                    referenced_schema: name(key.referenced_schema),
                    referenced_relation: name(key.referenced_relation),
                    referenced_columns: names(key.referenced_columns),
                })
                .collect(),
        }
    }

    pub(crate) fn error(&self, error: DbError) -> DbError {
        let clean = |text: Option<String>| text.map(|text| self.clean(&text));
        DbError {
            code: error.code,
            message: self.clean(&error.message),
            vendor_code: clean(error.vendor_code),
            detail: clean(error.detail),
            hint: clean(error.hint),
            position: error.position,
            retryable: error.retryable,
        }
    }
}

/// Text for a person: cut, control characters other than line ends and tabs replaced.
fn printable(text: &str) -> String {
    let mut clean = String::with_capacity(text.len().min(LONGEST));
    for c in text.chars() {
        if clean.len() >= LONGEST {
            clean.push('…');
            break;
        }
        clean.push(if unprintable(c) && c != '\n' && c != '\t' {
            '\u{fffd}'
        } else {
            c
        });
    }
    clean
}

/// The code of a right, which becomes part of a warning's: lower-case letters, digits, `_` and `-`.
fn code(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-'))
        .take(LONGEST_CODE)
        .collect()
}

/// Control characters, and the marks that turn the direction of text or break lines.
fn unprintable(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{feff}'
        )
        || ('\u{202a}'..='\u{202e}').contains(&c)
        || ('\u{2066}'..='\u{2069}').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugins::ErrorCode;

    fn redactor() -> Redactor {
        Redactor::new(Some(&Secret::new("p@ss/word".to_owned())))
    }

    #[test]
    fn the_password_is_removed_as_it_is_and_as_a_url_spells_it() {
        assert_eq!(
            redactor().redact("u:p@ss/word and u:p%40ss%2Fword"),
            "u:[redacted] and u:[redacted]"
        );
    }

    #[test]
    fn a_log_line_stays_one_line() {
        assert_eq!(
            redactor().line("a\nb\u{1b}[31mc\u{202e}", 100),
            "a\\nb\\u{1b}[31mc\\u{202e}"
        );
        assert_eq!(redactor().line("abcdef", 3), "abc…");
    }

    #[test]
    fn every_text_of_an_error_is_cleaned() {
        let dirty = Some("x p@ss/word".to_owned());
        let error = redactor().error(DbError {
            code: ErrorCode::Syntax,
            message: "m p@ss/word\u{7}".to_owned(),
            vendor_code: dirty.clone(),
            detail: dirty.clone(),
            hint: dirty,
            position: Some(1),
            retryable: false,
        });
        assert_eq!(error.message, "m [redacted]\u{fffd}");
        for text in [error.vendor_code, error.detail, error.hint] {
            assert_eq!(text.as_deref(), Some("x [redacted]"));
        }
    }

    #[test]
    fn what_a_connector_says_of_its_server_and_its_tables_has_no_password() {
        let dirty = || "x p@ss/word".to_owned();
        let server = redactor().server(ServerInfo {
            product: dirty(),
            version: dirty(),
            role: dirty(),
            database: Some(dirty()),
            default_schema: Some(dirty()),
            dangerous_rights: vec![DangerousRight {
                code: "p@ss/word SUPER".to_owned(),
                message: dirty(),
            }],
            reading: Vec::new(),
        });
        assert_eq!(server.dangerous_rights[0].code, "pssword");
        let relation = redactor().relation(Relation {
            schema: dirty(),
            name: dirty(),
            kind: crate::plugins::RelationKind::Table,
            comment: Some(dirty()),
            row_estimate: None,
            columns: vec![Column {
                name: dirty(),
                db_type: dirty(),
                nullable: true,
                default_expression: Some(dirty()),
                comment: Some(dirty()),
            }],
            primary_key: vec![dirty()],
            foreign_keys: vec![ForeignKey {
                name: dirty(),
                columns: vec![dirty()],
                referenced_schema: dirty(),
                referenced_relation: dirty(),
                referenced_columns: vec![dirty()],
            }],
        });
        let all = format!("{server:?} {relation:?}");
        assert!(!all.contains("p@ss/word"), "{all}");
        assert_eq!(all.matches("[redacted]").count(), 6 + 13, "{all}");
    }

    #[test]
    fn a_password_that_is_a_common_word_leaves_names_alone_and_no_comment() {
        let redactor = Redactor::new(Some(&Secret::new("demo".to_owned())));
        let name = || "demo_orders".to_owned();
        let relation = redactor.relation(Relation {
            schema: name(),
            name: name(),
            kind: crate::plugins::RelationKind::Table,
            comment: Some("CONNECTION='mysql://u:demo@h/d'".to_owned()),
            row_estimate: None,
            columns: Vec::new(),
            primary_key: vec![name()],
            foreign_keys: Vec::new(),
        });
        assert_eq!((relation.schema, relation.name), (name(), name()));
        assert_eq!(relation.primary_key, [name()]);
        let comment = relation.comment.expect("a comment");
        assert_eq!(comment, "CONNECTION='mysql://u:[redacted]@h/d'");
    }

    #[test]
    fn long_text_is_cut() {
        let text = redactor().clean(&"y".repeat(100_000));
        assert!(text.len() < LONGEST + 8, "{}", text.len());
    }
}
