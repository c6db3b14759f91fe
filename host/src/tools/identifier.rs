//! Identifiers as each dialect writes them, quoted where needed.
//!
//! Quoting is always safe; leaving the quotes away is only for readability, and only where PostgreSQL's own
//! scanner says that the bare word is an identifier.

use crate::plugins::Dialect;
use crate::query::policy::parser;

/// Writes `name` so that the dialect reads exactly `name`.
pub fn quote(dialect: Dialect, name: &str) -> String {
    match dialect {
        Dialect::Postgresql if is_bare(name) => name.to_owned(),
        Dialect::Postgresql | Dialect::Generic => format!("\"{}\"", name.replace('"', "\"\"")),
        Dialect::Mysql => format!("`{}`", name.replace('`', "``")),
        // ClickHouse reads escapes inside backticks.
        Dialect::Clickhouse => {
            format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
        }
    }
}

/// Whether PostgreSQL reads the bare word as the identifier of this very spelling.
fn is_bare(name: &str) -> bool {
    let mut bytes = name.bytes();
    let simple = bytes
        .next()
        .is_some_and(|first| first.is_ascii_lowercase() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    simple
        && parser::exclusive(|| pg_query::scan(name)).is_ok_and(|scan| {
            scan.is_ok_and(|scan| {
                scan.tokens.len() == 1
                    && scan.tokens[0].keyword_kind() == pg_query::protobuf::KeywordKind::NoKeyword
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_words_stay_bare_in_postgresql() {
        for (name, expected) in [
            ("orders", "orders"),
            ("order_items2", "order_items2"),
            ("Order Items", "\"Order Items\""),
            ("orderLines", "\"orderLines\""),
            ("user", "\"user\""),
            ("select", "\"select\""),
            ("", "\"\""),
            ("1st", "\"1st\""),
            ("a\"; drop table x; --", "\"a\"\"; drop table x; --\""),
            ("größe", "\"größe\""),
        ] {
            assert_eq!(quote(Dialect::Postgresql, name), expected);
        }
    }

    #[test]
    fn the_other_dialects_quote_always_and_escape_their_quote() {
        assert_eq!(quote(Dialect::Mysql, "a`b"), "`a``b`");
        assert_eq!(quote(Dialect::Clickhouse, "a`b\\"), "`a\\`b\\\\`");
        assert_eq!(quote(Dialect::Generic, "a\"b"), "\"a\"\"b\"");
    }
}
