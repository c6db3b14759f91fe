//! Identifiers as each dialect writes them, quoted where needed.
//!
//! Quoting is always safe; leaving the quotes away is only for readability: where PostgreSQL's own scanner says
//! that the bare word is an identifier, and in MySQL and ClickHouse where the word is plain and no keyword of
//! any dialect.

use sqlparser::keywords::ALL_KEYWORDS;

use super::policy::parser;
use crate::plugins::Dialect;

/// Words that MySQL or MariaDB reserve and that are not among [`ALL_KEYWORDS`]. Source: the manual of MySQL 9,
/// "Keywords and Reserved Words", and what MariaDB 10.11 refuses of its `information_schema.KEYWORDS`.
const ALSO_RESERVED: &[&str] = &[
    "ACCESSIBLE",
    "DAY_HOUR",
    "DAY_MICROSECOND",
    "DAY_MINUTE",
    "DAY_SECOND",
    "DELETE_DOMAIN_ID",
    "DO_DOMAIN_IDS",
    "DUAL",
    "ENCLOSED",
    "EXIT",
    "HOUR_MICROSECOND",
    "HOUR_MINUTE",
    "HOUR_SECOND",
    "IGNORE_DOMAIN_IDS",
    "INFILE",
    "INT1",
    "INT3",
    "IO_AFTER_GTIDS",
    "IO_BEFORE_GTIDS",
    "ITERATE",
    "LEAVE",
    "LIBRARY",
    "LINEAR",
    "LOOP",
    "MANUAL",
    "MASTER_BIND",
    "MASTER_DEMOTE_TO_REPLICA",
    "MASTER_DEMOTE_TO_SLAVE",
    "MASTER_SSL_VERIFY_SERVER_CERT",
    "MIDDLEINT",
    "MINUTE_MICROSECOND",
    "MINUTE_SECOND",
    "OPTIONALLY",
    "OUTFILE",
    "PAGE_CHECKSUM",
    "PARSE_VCOL_EXPR",
    "READ_WRITE",
    "REF_SYSTEM_ID",
    "REPEAT",
    "RESIGNAL",
    "SECOND_MICROSECOND",
    "SIGNAL",
    "SQL_AFTER_GTIDS",
    "SQL_BEFORE_GTIDS",
    "SQL_CACHE",
    "SSL",
    "STARTING",
    "UNDO",
    "UTC_DATE",
    "UTC_TIME",
    "UTC_TIMESTAMP",
    "VARCHARACTER",
    "YEAR_MONTH",
    "ZEROFILL",
];

/// Writes `name` so that the dialect reads exactly `name`.
pub fn quote(dialect: Dialect, name: &str) -> String {
    match dialect {
        Dialect::Postgresql if is_bare(name) => name.to_owned(),
        Dialect::Mysql | Dialect::Clickhouse if is_plain(name) => name.to_owned(),
        Dialect::Postgresql | Dialect::Generic => format!("\"{}\"", name.replace('"', "\"\"")),
        Dialect::Mysql => format!("`{}`", name.replace('`', "``")),
        // ClickHouse reads escapes inside backticks.
        Dialect::Clickhouse => {
            format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
        }
    }
}

/// Whether the word is no keyword anywhere and has nothing but ASCII letters, digits and `_`.
fn is_plain(name: &str) -> bool {
    let mut bytes = name.bytes();
    let simple = bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let upper = name.to_ascii_uppercase();
    simple
        && ![ALL_KEYWORDS, ALSO_RESERVED]
            .iter()
            .any(|words| words.contains(&upper.as_str()))
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
    fn words_that_are_reserved_anywhere_and_odd_names_are_quoted_in_the_other_dialects() {
        for (name, mysql, clickhouse) in [
            ("orders", "orders", "orders"),
            ("orderLines2", "orderLines2", "orderLines2"),
            ("order", "`order`", "`order`"),
            ("Zerofill", "`Zerofill`", "`Zerofill`"),
            ("final", "`final`", "`final`"),
            ("1st", "`1st`", "`1st`"),
            ("größe", "`größe`", "`größe`"),
            ("a`b", "`a``b`", "`a\\`b`"),
            ("a\\", "`a\\`", "`a\\\\`"),
            ("", "``", "``"),
        ] {
            assert_eq!(quote(Dialect::Mysql, name), mysql);
            assert_eq!(quote(Dialect::Clickhouse, name), clickhouse);
        }
        assert_eq!(quote(Dialect::Generic, "a\"b"), "\"a\"\"b\"");
        assert_eq!(quote(Dialect::Generic, "orders"), "\"orders\"");
    }
}
