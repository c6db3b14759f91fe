//! Whether the SQL of a Query DataPoint only reads.
//!
//! Each template is judged by the policy that statements are judged by, with a value of the right type in the
//! place of each parameter: a variant in the dialect of its database type, the general template in that of the
//! connection whose it is. Where no dialect is known (a DataPoint of all connections), the general template must
//! be plain SQL for the dialect `generic`, or else a reading statement in at least one dialect, and in none may it
//! call, read or lock what is not for readers; dialects that have a variant don't count. What runs later is judged
//! again, as the very text that is sent.

use super::datapoint::{Parameter, ParameterType, Problem, Query};
use super::template::{Place, Template};
use crate::limits::Limits;
use crate::plugins::Dialect;
use crate::query::policy::{self, Reason, Refusal};
use crate::registry::Engine;

/// The dialects that the host has a grammar of.
const KNOWN: [Dialect; 3] = [Dialect::Postgresql, Dialect::Mysql, Dialect::Clickhouse];

/// What is wrong with the templates of a query that is for `engine`, or for whatever comes. `dialect_of` tells
/// the dialect of a database type, if a connector serves it.
pub fn check(
    query: &Query,
    engine: Option<&Engine>,
    dialect_of: &dyn Fn(&str) -> Option<Dialect>,
    limits: &Limits,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    // A connection whose type has a variant never sees the general template.
    let engine =
        engine.filter(|engine| !query.backend_variants.contains_key(&engine.database_type));
    let variants: Vec<Option<Dialect>> = query
        .backend_variants
        .keys()
        .map(|database_type| dialect_of(database_type))
        .collect();
    let meant = match engine.and_then(|engine| engine.dialect) {
        Some(dialect) => Meant::For(dialect),
        None => Meant::ForAll(
            KNOWN
                .into_iter()
                .filter(|dialect| !variants.contains(&Some(*dialect)))
                .collect(),
        ),
    };
    let sql = &query.sql_template;
    judge_template(query, "sql_template", sql, &meant, limits, &mut problems);
    for ((database_type, sql), dialect) in query.backend_variants.iter().zip(variants) {
        let field = format!("backend_variants.{database_type}");
        let meant = dialect.map_or_else(|| Meant::ForAll(KNOWN.to_vec()), Meant::For);
        judge_template(query, &field, sql, &meant, limits, &mut problems);
    }
    problems
}

/// Which dialects a template is written for.
enum Meant {
    For(Dialect),
    /// Whichever of these understands it.
    ForAll(Vec<Dialect>),
}

fn judge_template(
    query: &Query,
    field: &str,
    sql: &str,
    meant: &Meant,
    limits: &Limits,
    problems: &mut Vec<Problem>,
) {
    let template = Template::parse(sql);
    let before = problems.len();
    for (name, place) in template.parameters() {
        if !query.parameters.contains_key(name) {
            let message = format!("has a parameter {{{name}}} that `parameters` does not describe");
            problems.push(Problem::of(field, "undescribed_parameter", message));
        } else if place == Place::Name {
            let message =
                format!("has the parameter {{{name}}} in a quoted name, where no value can stand");
            problems.push(Problem::of(field, "misplaced_parameter", message));
        }
    }
    if problems.len() > before {
        return;
    }
    let filled = template.fill(|name, place| {
        let parameter = query.parameters.get(name);
        parameter.map_or_else(String::new, |parameter| sample(parameter, place))
    });
    if let Err(refusal) = judge(meant, &filled, limits) {
        let message = format!("must only read: {}", refusal.message);
        problems.push(Problem::of(field, refusal.reason.as_str(), message));
    }
}

fn judge(meant: &Meant, sql: &str, limits: &Limits) -> Result<(), Refusal> {
    let in_dialect = |dialect| policy::judge(dialect, &[], sql, limits).map(|_| ());
    let dialects = match meant {
        Meant::For(dialect) => return in_dialect(*dialect),
        Meant::ForAll(dialects) => dialects,
    };
    let Err(plain) = in_dialect(Dialect::Generic) else {
        return Ok(());
    };
    let mut reads = false;
    for dialect in dialects {
        match in_dialect(*dialect) {
            Ok(()) => reads = true,
            // It is no statement of this one.
            Err(refusal) if matches!(refusal.reason, Reason::Syntax | Reason::Statement) => {}
            Err(refusal) => return Err(refusal),
        }
    }
    if reads { Ok(()) } else { Err(plain) }
}

/// A value that a parameter may have, as SQL.
fn sample(parameter: &Parameter, place: Place) -> String {
    let (bare, text) = match parameter.kind {
        ParameterType::Integer => ("1", "1"),
        ParameterType::Float => ("1.5", "1.5"),
        ParameterType::Boolean => ("TRUE", "true"),
        ParameterType::Timestamp => ("'2026-01-31 00:00:00'", "2026-01-31 00:00:00"),
        ParameterType::String | ParameterType::Enum => ("'x'", "x"),
    };
    match place {
        Place::Value => bare,
        Place::Text | Place::Name => text,
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::knowledge::Kind;
    use crate::knowledge::datapoint::Detail;
    use crate::knowledge::datapoint::tests::point;

    fn dialect_of(database_type: &str) -> Option<Dialect> {
        match database_type {
            "postgresql" => Some(Dialect::Postgresql),
            "mysql" => Some(Dialect::Mysql),
            "clickhouse" => Some(Dialect::Clickhouse),
            _ => None,
        }
    }

    fn query(sql: &str, variants: &serde_json::Value) -> Query {
        let point = point(Kind::Query, |json| {
            json["sql_template"] = json!(sql);
            json["backend_variants"] = variants.clone();
            json["parameters"] = json!({
                "n": {"type": "integer"},
                "day": {"type": "timestamp"},
                "word": {"type": "string"},
            });
        });
        match point.detail {
            Detail::Query(query) => query,
            other => panic!("{other:?}"),
        }
    }

    fn found(query: &Query, engine: Option<&str>) -> Vec<(String, &'static str)> {
        let engine = engine.map(|name| Engine {
            database_type: name.to_owned(),
            dialect: dialect_of(name),
        });
        let problems = check(query, engine.as_ref(), &dialect_of, &Limits::default());
        problems
            .into_iter()
            .map(|problem| (problem.field, problem.code))
            .collect()
    }

    fn template(sql: &str, engine: Option<&str>) -> Option<&'static str> {
        found(&query(sql, &json!({})), engine)
            .first()
            .map(|(_, code)| *code)
    }

    #[test]
    fn what_reads_is_fine_with_its_parameters_wherever_it_is_for() {
        let plain = "SELECT region, SUM(amount) FROM sales WHERE day >= '{day}' AND w = {word} GROUP BY region LIMIT {n}";
        for engine in [None, Some("postgresql"), Some("mysql"), Some("clickhouse")] {
            assert_eq!(template(plain, engine), None, "{engine:?}");
        }
        let own = "SELECT date_trunc('month', day) AS month, percentile_cont(0.5) WITHIN GROUP (ORDER BY amount) FROM sales GROUP BY 1";
        assert_eq!(template(own, Some("postgresql")), None);
        assert_eq!(template(own, None), None, "at least one engine reads it");
    }

    #[test]
    fn what_writes_or_reaches_out_is_refused_wherever_it_is_for() {
        for engine in [None, Some("postgresql"), Some("mysql"), Some("clickhouse")] {
            assert!(template("DELETE FROM sales WHERE n = {n}", engine).is_some());
            assert!(template("SELECT 1 AS a; DROP TABLE sales", engine).is_some());
        }
        for sql in [
            "SELECT pg_read_file('/etc/passwd')",
            "SELECT load_file('/etc/passwd')",
            "SELECT * FROM url('http://169.254.169.254/', CSV, 'a String')",
            "SELECT a FROM sales FOR UPDATE",
        ] {
            assert!(template(sql, None).is_some(), "{sql}");
        }
    }

    #[test]
    fn each_variant_is_judged_in_its_own_dialect() {
        let variants = json!({
            "mysql": "SELECT sleep({n}) FROM t INTO OUTFILE '/tmp/x'",
            "clickhouse": "SELECT toStartOfMonth(day) FROM sales LIMIT {n}",
        });
        let query = query("SELECT day FROM sales LIMIT {n}", &variants);
        assert_eq!(
            found(&query, None),
            [("backend_variants.mysql".to_owned(), "statement")]
        );
    }

    #[test]
    fn the_general_template_is_not_for_a_type_that_has_a_variant() {
        let variants = json!({"mysql": "SELECT DATE_FORMAT(day, '%Y') FROM sales"});
        let general = "SELECT day::date FROM sales LIMIT {n}";
        let query = query(general, &variants);
        assert_eq!(found(&query, Some("mysql")), []);
        assert_eq!(template(general, Some("mysql")), Some("statement"));
    }

    #[test]
    fn a_dialect_that_has_a_variant_need_not_understand_the_general_template() {
        // More than `generic` takes, so that the dialects are asked.
        let quoted = "SELECT date_trunc('month', day) AS m FROM shop.\"Delivery Slots\" LIMIT {n}";
        let own = "SELECT day FROM shop.`Delivery Slots` LIMIT {n}";
        let variants = json!({"mysql": own, "clickhouse": own});
        assert_eq!(found(&query(quoted, &variants), None), []);
        assert!(
            template(quoted, None).is_some(),
            "MySQL takes no text for a table"
        );
        let file = "SELECT pg_read_file('/etc/passwd') AS a";
        let refused = found(&query(file, &variants), None);
        assert_eq!(refused, [("sql_template".to_owned(), "function")]);
    }

    #[test]
    fn a_parameter_must_be_described_and_stand_where_a_value_can() {
        assert_eq!(
            template("SELECT a FROM t LIMIT {m}", None),
            Some("undescribed_parameter")
        );
        assert_eq!(
            template("SELECT \"{word}\" FROM t", None),
            Some("misplaced_parameter")
        );
        assert_eq!(
            template("SELECT a FROM t WHERE a LIKE '%{word}%'", None),
            None
        );
    }
}
