use proptest::prelude::*;

use super::*;

/// A statement of a corpus file and what its header says about it, up to the first semicolon.
pub(super) struct Sample {
    pub header: &'static str,
    pub sql: &'static str,
}

pub(super) type Verdict = Result<Permitted, Refusal>;

pub(super) fn samples(file: &'static str) -> Vec<Sample> {
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

/// Holds a dialect's policy against its corpus.
pub(super) fn hold_against_corpus(
    verdict: impl Fn(&str) -> Verdict,
    harmful: &'static str,
    legitimate: &'static str,
    engine: &'static str,
) {
    let harmful = samples(harmful);
    let refused = harmful
        .iter()
        .filter_map(|sample| match verdict(sample.sql) {
            Err(refusal) if refusal.reason.as_str() == sample.header => None,
            other => Some(format!(
                "{:?}\n  is not {}: {other:?}",
                sample.sql, sample.header
            )),
        });
    let legitimate = samples(legitimate);
    let enough = harmful.len().min(legitimate.len());
    assert!(enough >= 60, "{enough}");
    // What the engine must stop is not the policy's to refuse.
    let passing = legitimate.into_iter().chain(samples(engine));
    let passed = passing.filter_map(|sample| match verdict(sample.sql) {
        Ok(permitted) if permitted.sql == sample.sql => None,
        other => Some(format!("{:?}\n  gives {other:?}", sample.sql)),
    });
    let wrong: Vec<_> = refused.chain(passed).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Each statement, and where in it the refusal must point.
pub(super) fn hold_places(verdict: impl Fn(&str) -> Verdict, places: &[(&str, u32)]) {
    for (sql, position) in places {
        let refusal = verdict(sql).expect_err(sql);
        assert_eq!(refusal.position, Some(*position), "{sql}: {refusal:?}");
    }
}

/// Refused statements of a corpus file that have no quotes and comments, so that their spaces separate words.
pub(super) fn plainly_refused(file: &'static str) -> Vec<&'static str> {
    let plain = |sql: &&str| {
        !["'", "\"", "`", "--", "/*", "#", "$", "//"]
            .iter()
            .any(|quote| sql.contains(quote))
    };
    samples(file)
        .into_iter()
        .map(|sample| sample.sql)
        .filter(plain)
        .collect()
}

/// The statement with other spaces, and its letters in upper or lower case.
pub(super) fn disguised(sql: &str, spaces: &[&str], upper: &[bool]) -> String {
    let mut spaces = spaces.iter().cycle();
    let mut upper = upper.iter().cycle();
    let mut disguised = String::new();
    for char in sql.trim().chars() {
        match char {
            ' ' => disguised.push_str(spaces.next().unwrap_or(&" ")),
            char if upper.next() == Some(&true) => disguised.push(char.to_ascii_uppercase()),
            char => disguised.push(char.to_ascii_lowercase()),
        }
    }
    disguised
}

/// Little stack sends trees to a thread of their own; with more of it they are judged where they are.
pub(super) fn on_stacks_of_all_sizes(judge: impl Fn() + Sync) {
    for kib in [512, 768, 1_024, 1_536, 2_048] {
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().stack_size(kib << 10);
            let thread = thread.spawn_scoped(scope, &judge).expect("a thread");
            assert!(thread.join().is_ok(), "{kib} KiB");
        });
    }
}

/// Statements that are nested or chained as deeply as a text may be.
pub(super) fn deep_statements() -> Vec<String> {
    let deep = |open: &str, close: &str, times: usize| {
        format!("SELECT {}1{}", open.repeat(times), close.repeat(times))
    };
    let chains =
        [10, 15, 20, 40, 80, 4_900].map(|times| format!("SELECT 1{}", " + 1".repeat(times)));
    let nests = [5, 10, 20, 40, 80].map(|times| deep("f(CASE WHEN ", " THEN 1 END)", times));
    let mut all = vec![
        deep("(", ")", 40_000),
        deep("abs(", ")", 5_000),
        deep("(SELECT ", ")", 5_000),
        deep("[", "]", 40_000),
        deep("CASE WHEN ", " THEN 1 END", 3_000),
        deep("NOT ", "", 20_000),
        deep("- ", "", 40_000),
        deep("CAST(", " AS Array(Int))", 4_000),
        deep("EXISTS (SELECT ", ")", 4_000),
        deep("f(x -> ", ")", 8_000),
        deep("(WITH ", " AS x SELECT 1)", 4_000),
        format!(
            "SELECT * FROM {}t{}",
            "(".repeat(40_000),
            ")".repeat(40_000)
        ),
        format!(
            "SELECT * FROM {}t{}",
            "(SELECT * FROM ".repeat(4_000),
            ") x".repeat(4_000)
        ),
        format!("SELECT 1 FROM t{}", " JOIN u ON 1".repeat(7_000)),
        format!("SELECT 1{}", " + 1".repeat(20_000)),
        format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(5_000)),
        format!("SELECT 1{}", "::int".repeat(15_000)),
        format!("SELECT x{}", "[1]".repeat(20_000)),
        format!("SELECT a{}", " BETWEEN 1 AND 2".repeat(6_000)),
        format!("SELECT a{}", " LIMIT 1 BY a".repeat(7_000)),
        format!("SELECT {}", "(a AS ".repeat(15_000)),
    ];
    all.extend(chains);
    all.extend(nests);
    all
}

fn verdict(sql: &str) -> Verdict {
    judge(Dialect::Postgresql, &[], sql, &Limits::default())
}

#[test]
fn harmful_statements_are_refused_for_their_reason_and_the_others_pass_unchanged() {
    hold_against_corpus(
        verdict,
        include_str!("corpus/postgresql/harmful.sql"),
        include_str!("corpus/postgresql/legitimate.sql"),
        include_str!("corpus/postgresql/engine.sql"),
    );
}

#[test]
fn a_refusal_points_at_the_place_in_characters() {
    let places = [
        ("SELECT 'é', lo_create(1)", 13),
        ("SELECT 1;\n  DROP TABLE x", 13),
        ("SELECT 'ü' AS é; SELECT 2", 18),
        ("  DELETE FROM x", 3),
        ("SELECT 'é' FROM nowhere WHER x = 1", 30),
        ("SELECT * FROM pg_authid", 15),
        ("SELECT * FROM a FOR UPDATE", 1),
        ("WITH d AS (DELETE FROM x RETURNING 1) SELECT 1", 6),
        ("SELECT 1 +", 11),
    ];
    hold_places(verdict, &places);
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
    for sql in deep_statements() {
        if let Err(refusal) = verdict(&sql) {
            let honest = matches!(refusal.reason, Reason::TooDeep | Reason::Syntax);
            assert!(honest, "{sql:.40}: {refusal:?}");
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
