use proptest::prelude::*;

use super::super::tests::{
    Verdict, deep_statements, disguised, hold_against_corpus, hold_places, on_stacks_of_all_sizes,
    plainly_refused,
};
use super::super::{Reason, judge};
use crate::limits::Limits;
use crate::plugins::Dialect;

const HARMFUL: &str = include_str!("../corpus/clickhouse/harmful.sql");

fn verdict(sql: &str) -> Verdict {
    judge(Dialect::Clickhouse, &[], sql, &Limits::default())
}

fn reason(sql: &str) -> Option<Reason> {
    verdict(sql).err().map(|refusal| refusal.reason)
}

#[test]
fn harmful_statements_are_refused_for_their_reason_and_the_others_pass_unchanged() {
    hold_against_corpus(
        verdict,
        HARMFUL,
        include_str!("../corpus/clickhouse/legitimate.sql"),
        include_str!("../corpus/clickhouse/engine.sql"),
    );
}

#[test]
fn a_refusal_points_at_the_place_in_characters() {
    let places = [
        ("SELECT 'é', file('x')", 13),
        ("SELECT 1;\n  DROP TABLE x", 13),
        ("  DROP TABLE x", 3),
        ("SELECT 'é' FROM t WHER x = 1", 24),
        ("SELECT * FROM system.users", 15),
        ("SELECT 'é' FORMAT JSON", 12),
        ("SELECT * FROM url('x')", 15),
        ("SELECT * FROM a_new_one('x')", 15),
        ("SELECT ‘a’", 8),
    ];
    hold_places(verdict, &places);
}

#[test]
fn what_versions_read_in_different_ways_is_not_read() {
    for (sql, expected) in [
        ("SELECT 1--file('x')", None),
        ("SELECT 1 //file('x')", None),
        ("SELECT 1 #!file('x')", None),
        ("SELECT 1 #file('x')", Some(Reason::Syntax)),
        ("SELECT 1 /* /* */ */", Some(Reason::Syntax)),
        ("SELECT 1 /*", Some(Reason::Syntax)),
        ("SELECT $a b$ x $a b$", Some(Reason::Syntax)),
        ("SELECT $a$ x", Some(Reason::Syntax)),
        ("SELECT a$b$ FROM t", Some(Reason::Syntax)),
        ("SELECT 1.5e3, 0x1F, 1_000, t.1.2, 1a FROM t", None),
        ("SELECT 1.5a", Some(Reason::Syntax)),
        ("SELECT x'zz'", Some(Reason::Syntax)),
        ("SELECT `a\\`b`", Some(Reason::Syntax)),
        ("SELECT 'it\\'s', file('x')", Some(Reason::Function)),
        ("SELECT 'a''', file('x'), ''", Some(Reason::Function)),
        ("SELECT 1\0", Some(Reason::Syntax)),
        ("SELECT\u{a0}1", Some(Reason::Syntax)),
        ("", Some(Reason::EmptySql)),
        (";;", Some(Reason::EmptySql)),
    ] {
        assert_eq!(reason(sql), expected, "{sql}: {:?}", verdict(sql));
    }
}

#[test]
fn a_column_may_be_called_like_a_clause_or_a_function() {
    for sql in [
        "SELECT format FROM t",
        "SELECT settings, file, url FROM t ORDER BY format DESC",
        "SELECT a.format, b.settings FROM t",
        "SELECT sum(file), uniq(url) FROM t GROUP BY format",
        "SELECT format AS f, 1 AS settings",
        "SELECT (format, 1)",
    ] {
        assert!(verdict(sql).is_ok(), "{sql}: {:?}", verdict(sql));
    }
}

#[test]
fn what_is_moved_out_of_a_statement_is_judged_too() {
    for sql in [
        "WITH a_new_one('x') AS x, (SELECT * FROM a_new_one('x')) AS y SELECT x",
        "SELECT 1 FROM t ARRAY JOIN (SELECT a FROM a_new_one('x')) AS a",
        "SELECT a FROM t LIMIT 1 BY (SELECT a FROM a_new_one('x'))",
        "SELECT a FROM t LIMIT (SELECT a FROM a_new_one('x')) BY a",
        "SELECT * APPLY(x -> (SELECT a FROM a_new_one('x'))) FROM t",
        "SELECT COLUMNS('a') REPLACE ((SELECT a FROM a_new_one('x')) AS a) FROM t",
        "SELECT COLUMNS('a') EXCEPT (SELECT a FROM a_new_one('x'))",
        "SELECT sum(a) FILTER (WHERE (SELECT a FROM a_new_one('x'))) FROM t",
        "WITH (WITH (SELECT a FROM a_new_one('x')) AS y SELECT y) AS z SELECT z",
        "SELECT * FROM view(SELECT * FROM a_new_one('x'))",
        "SELECT a ? (SELECT a FROM a_new_one('x')) : 2 FROM t",
    ] {
        assert!(reason(sql).is_some(), "{sql}");
        assert!(reason(&sql.replace("a_new_one('x')", "numbers(1)")) != Some(Reason::Function));
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
        "SELECT {}file('x'){}",
        "(".repeat(30_000),
        ")".repeat(30_000)
    );
    assert_eq!(reason(&hidden), Some(Reason::Function));
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
            "PREWHERE",
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            ",",
            "*",
            "1",
            "'a'",
            "\"b\"",
            "`c`",
            "a.b",
            "WITH x AS (",
            "WITH 1 AS",
            "INSERT",
            "UNION ALL",
            "ORDER BY",
            "LIMIT 1 BY",
            "LIMIT",
            "WITH TIES",
            "::",
            "->",
            "?",
            ":",
            "--",
            "//",
            "# ",
            "/*",
            "*/",
            ";",
            "'\\",
            "$$",
            "$a$",
            "x'",
            "0x",
            "1e",
            "1.",
            ".",
            ".1",
            "INTERVAL '1 day'",
            "CASE WHEN",
            "END",
            "file(",
            "FORMAT",
            "SETTINGS a = 1",
            "INTO",
            "values(",
            "EXPLAIN",
            "SHOW TABLES",
            "DESCRIBE",
            "EXISTS",
            "ARRAY JOIN",
            "GLOBAL ANY LEFT JOIN",
            "APPLY",
            "COLUMNS('a')",
            "EXCEPT",
            "REPLACE",
            "FINAL",
            "SAMPLE 1",
            "FILTER (WHERE",
            "USING",
            "AS",
            "view(SELECT",
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
        let _ = verdict(&pieces.join(" "));
        let _ = verdict(&pieces.concat());
    }

    #[test]
    fn what_is_refused_stays_so_in_other_case_and_with_other_spaces(
        sql in prop::sample::select(plainly_refused(HARMFUL)),
        spaces in prop::collection::vec(
            prop::sample::select(vec![" ", "\n", "\t", " /* a ' b */ ", " -- c\n", " # d\n", " // e\n"]), 1..8),
        upper in prop::collection::vec(any::<bool>(), 1..20),
    ) {
        let sql = disguised(sql, &spaces, &upper);
        prop_assert!(verdict(&sql).is_err(), "{}", sql);
    }

    #[test]
    fn a_function_that_reaches_out_is_refused_wherever_it_stands(
        call in prop::sample::select(vec![
            "url('x')", "`remote` ('a', b.c)", "file('x')", "s3('x')", "merge('system', 'x')", "mysql('a')",
            "a_new_one(1)", "db.numbers(1)",
        ]),
        frame in prop::sample::select(vec![
            "SELECT * FROM {}", "SELECT * FROM a, {}", "SELECT * FROM a JOIN {} ON 1", "SELECT * FROM ({})",
            "SELECT * FROM (SELECT * FROM {})", "SELECT 1 WHERE 1 IN (SELECT 1 FROM {})", "DESCRIBE {}",
            "DESCRIBE TABLE {}", "EXPLAIN SELECT * FROM {}", "WITH x AS (SELECT * FROM {}) SELECT 1",
            "WITH (SELECT 1 FROM {}) AS x SELECT 1", "FROM {} SELECT 1", "SELECT 1 UNION ALL SELECT 1 FROM {}",
            "SELECT (SELECT 1 FROM {} LIMIT 1)", "SELECT * FROM a ANY LEFT JOIN {} USING b",
            "SELECT * FROM {} FINAL", "SELECT * FROM {} AS x ARRAY JOIN y", "SELECT * FROM view(SELECT 1 FROM {})",
        ]),
    ) {
        let sql = frame.replace("{}", call);
        prop_assert!(verdict(&sql).is_err(), "{}", sql);
    }
}
