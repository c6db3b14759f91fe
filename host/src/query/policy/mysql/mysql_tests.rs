use proptest::prelude::*;

use super::super::tests::{
    Verdict, deep_statements, disguised, hold_against_corpus, hold_places, on_stacks_of_all_sizes,
    plainly_refused,
};
use super::super::{Reason, judge};
use crate::limits::Limits;
use crate::plugins::Dialect;

const HARMFUL: &str = include_str!("../corpus/mysql/harmful.sql");

fn in_mode(sql_mode: &str, sql: &str) -> Verdict {
    let reading = [("sql_mode".to_owned(), sql_mode.to_owned())];
    judge(Dialect::Mysql, &reading, sql, &Limits::default())
}

fn verdict(sql: &str) -> Verdict {
    in_mode("STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION", sql)
}

fn in_any_mode(sql: &str) -> Verdict {
    judge(Dialect::Mysql, &[], sql, &Limits::default())
}

fn reason(verdict: Verdict) -> Option<Reason> {
    verdict.err().map(|refusal| refusal.reason)
}

#[test]
fn harmful_statements_are_refused_for_their_reason_and_the_others_pass_unchanged() {
    hold_against_corpus(
        verdict,
        HARMFUL,
        include_str!("../corpus/mysql/legitimate.sql"),
        include_str!("../corpus/mysql/engine.sql"),
    );
}

#[test]
fn a_refusal_points_at_the_place_in_characters() {
    let places = [
        ("SELECT 'é', LOAD_FILE('x')", 13),
        ("SELECT 1;\n  DROP TABLE x", 13),
        ("  DELETE FROM x", 3),
        ("SELECT 'é' FROM nowhere WHER x = 1", 30),
        ("SELECT * FROM mysql.user", 15),
        ("SELECT * FROM a FOR UPDATE", 17),
        ("SELECT 'é' /*! , 2 */", 12),
        ("SELECT 'é", 8),
        ("SELECT 1 INTO @a", 10),
    ];
    hold_places(verdict, &places);
}

#[test]
fn a_text_is_read_in_the_sessions_sql_mode_and_in_all_if_that_is_unknown() {
    // One literal, or a literal and a call.
    let escape = r"SELECT '\', LOAD_FILE(''/etc/passwd'') -- '";
    assert_eq!(reason(verdict(escape)), None);
    for mode in [
        "NO_BACKSLASH_ESCAPES",
        "strict_trans_tables,no_backslash_escapes",
    ] {
        assert_eq!(reason(in_mode(mode, escape)), Some(Reason::Function));
    }
    assert_eq!(reason(in_any_mode(escape)), Some(Reason::Function));
    // A literal, or an identifier that hides where the literal begins.
    let quotes = r#"SELECT "'", LOAD_FILE("/etc/passwd"), "'""#;
    assert_eq!(reason(verdict(quotes)), Some(Reason::Function));
    let name = r#"SELECT "load_file"('/etc/passwd')"#;
    for mode in ["ANSI_QUOTES", "ANSI", "ORACLE"] {
        assert_eq!(reason(in_mode(mode, name)), Some(Reason::Function));
    }
    let backslash = r#"SELECT "\", LOAD_FILE('/etc/passwd') -- ""#;
    assert_eq!(reason(verdict(backslash)), None);
    assert_eq!(
        reason(in_mode("ANSI_QUOTES", backslash)),
        Some(Reason::Function)
    );
    assert_eq!(reason(in_any_mode(backslash)), Some(Reason::Function));
    assert_eq!(reason(in_any_mode(r#"SELECT "plain", 'text'"#)), None);
}

#[test]
fn a_sequence_is_not_advanced_as_a_column_in_oracle_mode() {
    assert_eq!(
        reason(in_mode("ORACLE", "SELECT s.nextval")),
        Some(Reason::Function)
    );
    assert_eq!(reason(verdict("SELECT s.nextval FROM s")), None);
    assert_eq!(
        reason(in_any_mode("SELECT s.NextVal FROM s")),
        Some(Reason::Function)
    );
}

#[test]
fn words_are_told_from_comments_and_numbers_as_the_server_tells_them() {
    for (sql, expected) in [
        ("SELECT 1--LOAD_FILE('x')", Some(Reason::Function)),
        ("SELECT 1 --\tLOAD_FILE('x')", None),
        ("SELECT 1 --", None),
        ("SELECT 1 #LOAD_FILE('x')", None),
        ("SELECT 1 /*/ LOAD_FILE('x') */", None),
        (
            "SELECT 1 /* /* */ , LOAD_FILE('x') # */",
            Some(Reason::Function),
        ),
        ("SELECT 1.INTO @a", Some(Reason::Statement)),
        ("SELECT 1e5INTO @a", Some(Reason::Statement)),
        ("SELECT .5INTO @a", Some(Reason::Statement)),
        ("SELECT 0x41 INTO @a", Some(Reason::Statement)),
        ("SELECT t.into FROM t", Some(Reason::Statement)),
        ("SELECT t.`into` FROM t", None),
        ("SELECT a.1b, 1c, a.2 FROM a", None),
        ("SELECT @a.b, @@c.d, @`e f`, @'g'", None),
        ("SELECT x'4g'", Some(Reason::Syntax)),
        ("SELECT \u{a0}1", None),
        ("SELECT {fn LOAD_FILE('x')}", Some(Reason::Syntax)),
        ("SELECT \\N", Some(Reason::Syntax)),
        ("SELECT 1 /*", Some(Reason::Syntax)),
        ("SELECT 1\0", Some(Reason::Syntax)),
        ("SELECT @", Some(Reason::Syntax)),
        ("", Some(Reason::EmptySql)),
        (" ; ", Some(Reason::EmptySql)),
        ("-- only a comment", Some(Reason::EmptySql)),
    ] {
        assert_eq!(reason(verdict(sql)), expected, "{sql}: {:?}", verdict(sql));
    }
}

#[test]
fn deep_nesting_is_an_answer_and_never_a_crash() {
    for sql in [
        format!("SELECT {}1{}", "(".repeat(400), ")".repeat(400)),
        format!("SELECT 1{}", " + 1".repeat(4_000)),
        format!("SELECT 1{}", " OR a = 1".repeat(2_000)),
        format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(1_500)),
        format!("SELECT 1 IN (1{})", ", -1".repeat(20_000)),
    ] {
        assert!(verdict(&sql).is_ok(), "{sql:.40}: {:?}", verdict(&sql));
    }
    let hidden = format!(
        "SELECT {}LOAD_FILE('x'){}",
        "(".repeat(30_000),
        ")".repeat(30_000)
    );
    assert_eq!(reason(verdict(&hidden)), Some(Reason::Function));
    on_stacks_of_all_sizes(|| {
        for sql in deep_statements() {
            let _ = verdict(&sql);
        }
    });
}

/// Pieces that reach deeper into the lexer and the grammar than random text.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "SELECT",
            "FROM",
            "WHERE",
            "(",
            ")",
            ",",
            "*",
            "1",
            "'a'",
            "\"b\"",
            "`c`",
            "a.b",
            "WITH x AS (",
            "DELETE",
            "UNION",
            "ORDER BY",
            "LIMIT",
            "?",
            "--\n",
            "-- ",
            "#",
            "/*",
            "/*!",
            "/*+",
            "*/",
            ";",
            "'\\",
            "\\",
            "@",
            "@@",
            "@`",
            "x'",
            "b'1",
            "n'",
            "0x",
            "1e",
            "1.",
            ".",
            "INTERVAL",
            "DAY",
            "CASE WHEN",
            "END",
            "LOAD_FILE(",
            "FOR UPDATE",
            "INTO",
            "VALUES ROW(",
            "EXPLAIN",
            "SHOW TABLES WHERE",
            "TABLE",
            "USING a)",
            "FOR SYSTEM_TIME AS OF",
            "ROWS EXAMINED",
            "CHARACTER SET",
            "é",
            "\u{0}",
        ])
        .prop_map(str::to_owned),
        any::<String>(),
    ]
}

proptest! {
    #[test]
    fn no_text_makes_the_policy_panic(pieces in prop::collection::vec(piece(), 0..24)) {
        let _ = in_any_mode(&pieces.join(" "));
        let _ = in_any_mode(&pieces.concat());
    }

    #[test]
    fn what_is_refused_stays_so_in_other_case_and_with_other_spaces(
        sql in prop::sample::select(plainly_refused(HARMFUL)),
        spaces in prop::collection::vec(
            prop::sample::select(vec![" ", "\n", "\t", " /* a ' b */ ", " -- c\n", " # d\n", "/**/ "]), 1..8),
        upper in prop::collection::vec(any::<bool>(), 1..20),
    ) {
        let sql = disguised(sql, &spaces, &upper);
        prop_assert!(verdict(&sql).is_err(), "{}", sql);
    }

    #[test]
    fn a_call_that_is_refused_alone_is_refused_wherever_it_stands(
        call in prop::sample::select(vec!["LOAD_FILE('x')", "`get_lock` ('a', 1)", "LAST_INSERT_ID(1)", "f(NEXTVAL(s))"]),
        frame in prop::sample::select(vec![
            "SELECT {}", "SELECT 1 WHERE {} IS NULL", "SELECT (SELECT {})", "VALUES ({})", "SELECT ABS({})",
            "SELECT 1 ORDER BY {}", "SELECT CASE WHEN TRUE THEN {} END", "SELECT * FROM (SELECT {}) x",
            "SELECT SUM({}) OVER (PARTITION BY {})", "SELECT CAST({} AS CHAR)", "SELECT 1 GROUP BY {} WITH ROLLUP",
            "SELECT 1 HAVING {} IS NULL", "SELECT 1 LIMIT {}", "SELECT ({}, 1)", "SELECT 1 BETWEEN {} AND 2",
            "WITH x AS (SELECT {}) SELECT 1", "SELECT 1 UNION SELECT {}", "EXPLAIN SELECT {}", "ANALYZE SELECT {}",
            "SELECT x FROM a JOIN b ON {} IS NULL", "SHOW STATUS WHERE {}", "SELECT NOW() + INTERVAL {} DAY",
            "SELECT GROUP_CONCAT(a ORDER BY {})", "SELECT MATCH (a) AGAINST ({})", "SELECT 1 COLLATE {}",
        ]),
    ) {
        let sql = frame.replace("{}", call);
        prop_assert_eq!(reason(verdict(&sql)), Some(Reason::Function), "{}", sql);
    }
}
