//! What the checks say, in each dialect. Pure data and text.

use crate::plugins::{Dialect, Value};

/// A value as a dialect writes it, and as an answer has it in JSON.
pub(super) struct Literal {
    pub(super) class: &'static str,
    pub(super) sql: &'static str,
    pub(super) json: &'static str,
}

/// How a dialect names a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Positional,
    /// By this name.
    Named(&'static str),
}

/// A parameter of a class: the statement that gives it back, what is bound, and the answer's JSON.
pub(super) struct Echo {
    pub(super) class: &'static str,
    pub(super) sql: &'static str,
    pub(super) value: fn() -> Value,
    pub(super) json: &'static str,
}

/// Something that a statement can leave behind in a session.
pub(super) struct Trace {
    pub(super) leave: &'static str,
    pub(super) look: &'static str,
    /// What looking gives while it is there.
    pub(super) json: &'static str,
}

/// One dialect's words.
pub(super) struct Phrases {
    pub(super) literals: &'static [Literal],
    /// No rows, one column `a`.
    pub(super) empty: Option<&'static str>,
    /// Two columns of one name, 1 and 2 or twice the same.
    pub(super) duplicate: Option<&'static str>,
    pub(super) syntax_error: &'static str,
    /// Selects the column `datachat_no_such_column` after text that is not ASCII.
    pub(super) undefined_column: Option<&'static str>,
    /// Computes what has no answer.
    pub(super) bad_value: Option<&'static str>,
    pub(super) style: Style,
    /// A statement with one parameter that gives it back as text.
    pub(super) echoes: &'static [Echo],
    /// Creates the table `datachat_conformance`.
    pub(super) write: &'static str,
    pub(super) trace: Option<Trace>,
    /// Takes some seconds, and passes the policy.
    pub(super) slow: Option<&'static str>,
    /// Sleeps so many seconds; the marker stands in its text.
    pub(super) sleep: Option<fn(seconds: u32, marker: &str) -> String>,
    /// Counts the running statements of a marker, but not itself.
    pub(super) running: Option<fn(marker: &str) -> String>,
    /// So many rows of a number and a text of 1000 bytes.
    pub(super) many: Option<fn(rows: u32) -> String>,
}

impl Phrases {
    pub(super) fn of(dialect: Dialect) -> &'static Self {
        match dialect {
            Dialect::Postgresql => &POSTGRESQL,
            Dialect::Mysql => &MYSQL,
            Dialect::Clickhouse => &CLICKHOUSE,
            Dialect::Generic => &GENERIC,
        }
    }
}

macro_rules! literals {
    ($($class:literal: $sql:literal => $json:literal;)*) => {
        &[$(Literal { class: $class, sql: $sql, json: $json },)*]
    };
}

/// A text that would break out of quotes.
const EVIL: &str = "it's \"odd\" \\ $1 ? {p:String}; DROP TABLE x; --";
const EVIL_JSON: &str = r#""it's \"odd\" \\ $1 ? {p:String}; DROP TABLE x; --""#;

fn evil() -> Value {
    Value::Text(EVIL.to_owned())
}

fn forty_two() -> Value {
    Value::Integer(42)
}

fn null() -> Value {
    Value::Null
}

const POSTGRESQL: Phrases = Phrases {
    literals: literals! {
        "boolean": "true" => "true";
        "small integer": "(-32768)::smallint" => "-32768";
        "integer": "2147483647::integer" => "2147483647";
        "wide integer": "9007199254740993::bigint" => "9007199254740993";
        "decimal": "1.10::numeric(4,2)" => r#""1.10""#;
        "wide decimal": "123456789012345678901234567890.123456789::numeric" => r#""123456789012345678901234567890.123456789""#;
        "float": "1.5::float8" => "1.5";
        "not a number": "'NaN'::float8" => r#""NaN""#;
        "text": "'ünïcödé 🚀'::text" => r#""ünïcödé 🚀""#;
        "empty text": "''::text" => r#""""#;
        "bytes": "'\\x00ff'::bytea" => r#""AP8=""#;
        "date": "DATE '2024-02-29'" => r#""2024-02-29""#;
        "timestamp": "TIMESTAMP '2024-02-29 13:05:00.123456'" => r#""2024-02-29T13:05:00.123456""#;
        "timestamp with a zone": "TIMESTAMPTZ '2024-02-29 13:05:00+02'" => r#""2024-02-29T11:05:00.000000Z""#;
        "time": "TIME '23:59:59.5'" => r#""23:59:59.500000""#;
        "identifier": "'00112233-4455-6677-8899-aabbccddeeff'::uuid" => r#""00112233-4455-6677-8899-aabbccddeeff""#;
        "json": r#"'{"a": 1.10}'::json"# => r#"{"a": 1.10}"#;
        "list": "ARRAY[1, NULL, 3]" => "[1,null,3]";
        "NULL": "NULL::integer" => "null";
        "NULL text": "NULL" => "null";
    },
    empty: Some("SELECT 1 AS a WHERE false"),
    duplicate: Some("SELECT 1 AS a, 2 AS a"),
    syntax_error: "SELECT FROM FROM",
    undefined_column: Some("SELECT 'äöü🚀', datachat_no_such_column"),
    bad_value: Some("SELECT 1 / 0"),
    style: Style::Positional,
    echoes: &[
        Echo {
            class: "text",
            sql: "SELECT $1::text",
            value: evil,
            json: EVIL_JSON,
        },
        Echo {
            class: "integer",
            sql: "SELECT $1::integer",
            value: forty_two,
            json: "42",
        },
        Echo {
            class: "NULL",
            sql: "SELECT $1::text",
            value: null,
            json: "null",
        },
    ],
    write: "CREATE TABLE datachat_conformance (n integer)",
    trace: Some(Trace {
        leave: "SELECT set_config('datachat.trace', 'left', false)",
        look: "SELECT current_setting('datachat.trace', true)",
        json: r#"["left"]"#,
    }),
    slow: Some("SELECT pg_sleep(10)"),
    sleep: Some(|seconds, marker| format!("SELECT pg_sleep({seconds}), '{marker}'")),
    running: Some(|marker| {
        format!(
            "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%{marker}%' \
             AND pid <> pg_backend_pid()"
        )
    }),
    many: Some(|rows| {
        format!("SELECT n, repeat('x', 1000) AS filler FROM generate_series(1, {rows}) AS g(n)")
    }),
};

const MYSQL: Phrases = Phrases {
    literals: literals! {
        "integer": "CAST(-1 AS SIGNED)" => "-1";
        "wide integer": "CAST(9007199254740993 AS SIGNED)" => "9007199254740993";
        "unsigned": "CAST(18446744073709551615 AS UNSIGNED)" => "18446744073709551615";
        "decimal": "CAST(1.10 AS DECIMAL(4,2))" => r#""1.10""#;
        "float": "1.5e0" => "1.5";
        "text": "'ünïcödé 🚀'" => r#""ünïcödé 🚀""#;
        "empty text": "''" => r#""""#;
        "bytes": "CAST(x'00ff' AS BINARY)" => r#""AP8=""#;
        "date": "DATE '2024-02-29'" => r#""2024-02-29""#;
        "timestamp": "TIMESTAMP '2024-02-29 13:05:00.123456'" => r#""2024-02-29T13:05:00.123456""#;
        "NULL": "CAST(NULL AS SIGNED)" => "null";
        "NULL without a type": "NULL" => "null";
    },
    empty: Some("SELECT 1 AS a FROM DUAL WHERE 1 = 0"),
    duplicate: Some("SELECT 1 AS a, 2 AS a"),
    syntax_error: "SELECT FROM FROM",
    undefined_column: Some("SELECT 'äöü🚀', datachat_no_such_column"),
    bad_value: Some("SELECT CAST(18446744073709551615 AS UNSIGNED) + 1"),
    style: Style::Positional,
    echoes: &[
        Echo {
            class: "text",
            sql: "SELECT CONCAT(?)",
            value: evil,
            json: EVIL_JSON,
        },
        Echo {
            class: "integer",
            sql: "SELECT CAST(? AS SIGNED)",
            value: forty_two,
            json: "42",
        },
        Echo {
            class: "NULL",
            sql: "SELECT CONCAT(?)",
            value: null,
            json: "null",
        },
    ],
    write: "CREATE TABLE datachat_conformance (n integer)",
    trace: Some(Trace {
        leave: "SELECT @datachat_trace := 'left'",
        look: "SELECT @datachat_trace",
        json: r#"["left"]"#,
    }),
    slow: Some("SELECT SLEEP(10)"),
    sleep: Some(|seconds, marker| format!("SELECT SLEEP({seconds}), '{marker}'")),
    running: Some(|marker| {
        format!(
            "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE '%{marker}%' \
             AND id <> CONNECTION_ID()"
        )
    }),
    many: Some(|rows| {
        let side = rows.div_ceil(900);
        format!(
            "WITH RECURSIVE a (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM a WHERE n < 900), \
             b (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM b WHERE n < {side}) \
             SELECT a.n, REPEAT('x', 1000) AS filler FROM a, b LIMIT {rows}"
        )
    }),
};

const CLICKHOUSE: Phrases = Phrases {
    literals: literals! {
        "boolean": "true" => "true";
        "integer": "toInt32(-1)" => "-1";
        "wide integer": "toUInt64(18446744073709551615)" => "18446744073709551615";
        "wider integer": "toInt128('170141183460469231731687303715884105727')" => r#""170141183460469231731687303715884105727""#;
        "decimal": "toDecimal64('1.10', 2)" => r#""1.10""#;
        "float": "toFloat64(1.5)" => "1.5";
        "not a number": "toFloat64('nan')" => r#""NaN""#;
        "text": "'ünïcödé 🚀'" => r#""ünïcödé 🚀""#;
        "empty text": "''" => r#""""#;
        "date": "toDate('2024-02-29')" => r#""2024-02-29""#;
        "timestamp with a zone": "toDateTime('2024-02-29 13:05:00', 'UTC')" => r#""2024-02-29T13:05:00Z""#;
        "identifier": "toUUID('00112233-4455-6677-8899-aabbccddeeff')" => r#""00112233-4455-6677-8899-aabbccddeeff""#;
        "list": "[1, NULL, 3]" => "[1,null,3]";
        "NULL": "CAST(NULL AS Nullable(Int32))" => "null";
        "NULL without a type": "NULL" => "null";
    },
    empty: Some("SELECT 1 AS a WHERE 0"),
    duplicate: Some("SELECT number, number FROM system.numbers LIMIT 1"),
    syntax_error: "SELECT FROM FROM",
    undefined_column: Some("SELECT 'äöü🚀', datachat_no_such_column"),
    bad_value: Some("SELECT intDiv(1, 0)"),
    style: Style::Named("p"),
    echoes: &[
        Echo {
            class: "text",
            sql: "SELECT {p:String}",
            value: evil,
            json: EVIL_JSON,
        },
        Echo {
            class: "integer",
            sql: "SELECT {p:Int32}",
            value: forty_two,
            json: "42",
        },
        Echo {
            class: "NULL",
            sql: "SELECT {p:Nullable(String)}",
            value: null,
            json: "null",
        },
    ],
    write: "CREATE TABLE datachat_conformance (n Int32) ENGINE = Memory",
    // Over HTTP there is no session that could keep anything.
    trace: None,
    slow: Some("SELECT sleep(3)"),
    sleep: Some(|seconds, marker| {
        // It sleeps once a block of 65,536 rows, and between blocks the server looks for a cancel.
        let rows = u64::from(seconds) * 10 * 65_536;
        format!(
            "SELECT sum(s), '{marker}' FROM (SELECT sleep(0.1) AS s FROM system.numbers LIMIT {rows})"
        )
    }),
    running: Some(|marker| {
        format!(
            "SELECT count() FROM system.processes WHERE query LIKE '%{marker}%' \
             AND query NOT LIKE '%system.processes%'"
        )
    }),
    // No table function: some servers refuse every one of them to who may only read.
    many: Some(|rows| {
        format!(
            "SELECT number, arrayStringConcat(arrayMap(n -> 'xxxxxxxxxx', range(100))) AS filler \
             FROM system.numbers LIMIT {rows}"
        )
    }),
};

const GENERIC: Phrases = Phrases {
    literals: literals! {
        "integer": "42" => "42";
        "text": "'ünïcödé 🚀'" => r#""ünïcödé 🚀""#;
        "NULL": "NULL" => "null";
    },
    empty: None,
    duplicate: None,
    syntax_error: "SELECT * FROM",
    undefined_column: None,
    bad_value: None,
    style: Style::Positional,
    echoes: &[],
    write: "CREATE TABLE datachat_conformance (n integer)",
    trace: None,
    slow: None,
    sleep: None,
    running: None,
    many: None,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;
    use crate::query::policy::judge;

    const ALL: [Dialect; 4] = [
        Dialect::Postgresql,
        Dialect::Mysql,
        Dialect::Clickhouse,
        Dialect::Generic,
    ];

    #[test]
    fn what_is_asked_as_a_request_passes_the_policy() {
        for dialect in ALL {
            let phrases = Phrases::of(dialect);
            let literals = phrases
                .literals
                .iter()
                .map(|literal| format!("SELECT {}", literal.sql));
            let fixed = [
                phrases.empty,
                phrases.duplicate,
                phrases.undefined_column,
                phrases.bad_value,
                phrases.slow,
            ];
            let echoes = phrases.echoes.iter().map(|echo| echo.sql.to_owned());
            let many = phrases.many.map(|many| many(10));
            let asked = literals
                .chain(fixed.into_iter().flatten().map(str::to_owned))
                .chain(echoes)
                .chain(many);
            for sql in asked {
                assert!(
                    judge(dialect, &[], &sql, &Limits::default()).is_ok(),
                    "{sql}"
                );
            }
        }
    }

    #[test]
    fn what_must_be_refused_does_not_pass_the_policy() {
        for dialect in ALL {
            let phrases = Phrases::of(dialect);
            for sql in [phrases.write, phrases.syntax_error] {
                assert!(
                    judge(dialect, &[], sql, &Limits::default()).is_err(),
                    "{sql}"
                );
            }
        }
    }
}
