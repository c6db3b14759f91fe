use proptest::prelude::*;

use super::*;

/// A statement of a corpus file and what its header says about it, up to the first semicolon.
struct Sample {
    header: &'static str,
    sql: &'static str,
}

fn samples(file: &'static str) -> Vec<Sample> {
    let (_, first) = file.split_once("\n--!").expect("a first header");
    first
        .split("\n--!")
        .map(|sample| {
            let (header, sql) = sample.split_once('\n').unwrap_or((sample, ""));
            let (header, _) = header.split_once(';').unwrap_or((header, ""));
            Sample {
                header: header.trim(),
                sql,
            }
        })
        .collect()
}

fn verdict(sql: &str) -> Result<Permitted, Refusal> {
    judge(Dialect::Postgresql, &[], sql, &Limits::default())
}

#[test]
fn every_harmful_statement_is_refused_for_its_reason() {
    let samples = samples(include_str!("corpus/harmful.sql"));
    assert!(samples.len() >= 60, "{}", samples.len());
    let wrong: Vec<_> = samples
        .iter()
        .filter_map(|sample| match verdict(sample.sql) {
            Err(refusal) if refusal.reason.as_str() == sample.header => None,
            other => Some(format!(
                "{:?}\n  is not {}: {other:?}",
                sample.sql, sample.header
            )),
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_legitimate_statement_passes_unchanged() {
    let samples = samples(include_str!("corpus/legitimate.sql"));
    assert!(samples.len() >= 60, "{}", samples.len());
    let wrong: Vec<_> = samples
        .iter()
        .filter_map(|sample| match verdict(sample.sql) {
            Ok(permitted) if permitted.sql == sample.sql => None,
            other => Some(format!("{:?}\n  gives {other:?}", sample.sql)),
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_the_engine_must_stop_is_not_the_policys_to_refuse() {
    for sample in samples(include_str!("corpus/engine.sql")) {
        assert!(verdict(sample.sql).is_ok(), "{}", sample.sql);
    }
}

#[test]
fn a_refusal_points_at_the_place_in_characters() {
    for (sql, position) in [
        ("SELECT 'é', lo_create(1)", 13),
        ("SELECT 1;\n  DROP TABLE x", 13),
        ("SELECT 'ü' AS é; SELECT 2", 18),
        ("  DELETE FROM x", 3),
        ("SELECT 'é' FROM nowhere WHER x = 1", 30),
        ("SELECT * FROM pg_authid", 15),
        ("SELECT * FROM a FOR UPDATE", 1),
        ("WITH d AS (DELETE FROM x RETURNING 1) SELECT 1", 6),
        ("SELECT 1 +", 11),
    ] {
        let refusal = verdict(sql).expect_err(sql);
        assert_eq!(refusal.position, Some(position), "{sql}: {refusal:?}");
    }
}

#[test]
fn deep_nesting_is_an_answer_and_never_a_crash() {
    let deep = |open: &str, close: &str, times: usize| {
        format!("SELECT {}1{}", open.repeat(times), close.repeat(times))
    };
    for sql in [
        deep("(", ")", 5_000),
        deep("abs(", ")", 1_000),
        format!("SELECT 1{}", " + 1".repeat(2_000)),
        format!("SELECT 'a'{}", " || 'a'".repeat(2_000)),
        format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(2_000)),
    ] {
        assert!(verdict(&sql).is_ok(), "{sql:.40}");
    }
    let hidden = format!(
        "SELECT {}lo_create(1){}",
        "abs(".repeat(1_000),
        ")".repeat(1_000)
    );
    assert_eq!(
        verdict(&hidden).expect_err("a call").reason,
        Reason::Function
    );
    for sql in [
        deep("(", ")", 40_000),
        deep("abs(", ")", 5_000),
        deep("(SELECT ", ")", 5_000),
        deep("ARRAY[", "]", 5_000),
        deep("CASE WHEN ", " THEN 1 END", 3_000),
        deep("NOT ", "", 20_000),
        deep("- ", "", 40_000),
        format!("SELECT 1{}", " + 1".repeat(20_000)),
        format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(5_000)),
        format!("SELECT 1{}", "::int".repeat(15_000)),
        format!("SELECT x{}", "[1]".repeat(20_000)),
    ] {
        if let Err(refusal) = verdict(&sql) {
            assert_eq!(refusal.reason, Reason::TooDeep, "{sql:.40}: {refusal:?}");
        }
    }
}

#[test]
fn a_statement_that_is_too_long_is_not_parsed() {
    let sql = format!("SELECT '{}'", "x".repeat(102_400));
    assert_eq!(verdict(&sql).expect_err("long").reason, Reason::TooLong);
}

#[test]
fn a_nul_character_is_a_syntax_error() {
    assert_eq!(
        verdict("SELECT 1\0; DROP TABLE x").expect_err("NUL").reason,
        Reason::Syntax
    );
}

#[test]
fn the_message_says_what_the_statement_is() {
    assert!(
        verdict("DROP TABLE x")
            .expect_err("DDL")
            .message
            .contains("not DROP.")
    );
    assert!(
        verdict("CREATE TABLE x AS SELECT 1")
            .expect_err("DDL")
            .message
            .contains("CREATE TABLE AS")
    );
    assert!(
        verdict("SELECT lo_create(1)")
            .expect_err("call")
            .message
            .contains("lo_create")
    );
}

/// Pieces that reach deeper into the grammar than random text.
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
            "a.b",
            "WITH x AS (",
            "DELETE",
            "UNION",
            "ORDER BY",
            "LIMIT",
            "::int",
            "$1",
            "--\n",
            "/*",
            "*/",
            ";",
            "E'\\",
            "U&\"",
            "$$",
            "[1]",
            "CASE WHEN",
            "END",
            "lo_create(1)",
            "FOR UPDATE",
            "INTO",
            "VALUES",
            "EXPLAIN",
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
    }

    #[test]
    fn a_call_that_is_refused_alone_is_refused_wherever_it_stands(
        call in prop::sample::select(vec!["lo_create(1)", "pg_read_file('x')", "(1::oid).lo_unlink"]),
        frame in prop::sample::select(vec![
            "SELECT {}", "SELECT 1 WHERE {} IS NULL", "SELECT (SELECT {})", "VALUES ({})", "SELECT abs({})",
            "SELECT 1 ORDER BY {}", "SELECT CASE WHEN true THEN {} END", "SELECT ARRAY[{}]",
            "SELECT sum({}) OVER (PARTITION BY {})", "SELECT * FROM (SELECT {}) x", "SELECT {}::text",
            "SELECT 1 GROUP BY {}", "SELECT 1 HAVING {} IS NULL", "SELECT coalesce(NULL, {})",
            "SELECT 1 LIMIT {}", "SELECT ROW({})", "SELECT {} COLLATE \"C\"", "SELECT {} BETWEEN 1 AND 2",
            "WITH x AS (SELECT {}) SELECT 1", "SELECT 1 UNION SELECT {}", "EXPLAIN SELECT {}",
            "SELECT jsonb_build_object('a', {})", "SELECT x FROM a JOIN b ON {} IS NULL",
        ]),
    ) {
        let sql = frame.replace("{}", call);
        let refusal = verdict(&sql).expect_err(&sql);
        prop_assert_eq!(refusal.reason, Reason::Function);
    }
}
