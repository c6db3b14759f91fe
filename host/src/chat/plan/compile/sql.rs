//! Small pieces of a statement's syntax tree, per dialect.
//!
//! Where a construct is spelled differently (the first day of a month, a moment as a literal), it is written once
//! as text of the dialect with places in it, parsed, and the places are filled with expressions: nothing that
//! comes from a question, a DataPoint or a database is ever put into a text.

use chrono::NaiveDate;
use sqlparser::ast::{
    Expr, Ident, LimitClause, ObjectName, ObjectNamePart, Query, Select, SetExpr, Statement,
    TableFactor, Value, visit_expressions_mut,
};
use sqlparser::dialect::{
    ClickHouseDialect, Dialect as Grammar, GenericDialect, MySqlDialect, PostgreSqlDialect,
};
use sqlparser::parser::Parser;

use super::super::kind::ColumnKind;
use super::super::model::{Model, Table};
use super::super::{Grain, PlanError};
use crate::plugins::Dialect;
use crate::query::identifier;

fn grammar(dialect: Dialect) -> Box<dyn Grammar> {
    match dialect {
        Dialect::Postgresql => Box::new(PostgreSqlDialect {}),
        Dialect::Mysql => Box::new(MySqlDialect {}),
        Dialect::Clickhouse => Box::new(ClickHouseDialect {}),
        Dialect::Generic => Box::new(GenericDialect {}),
    }
}

fn unfit(what: &str) -> PlanError {
    PlanError::Unfit(what.to_owned())
}

/// An expression of our own writing, with its places filled.
pub fn expression(
    dialect: Dialect,
    text: &str,
    places: &[(&str, &Expr)],
) -> Result<Expr, PlanError> {
    let grammar = grammar(dialect);
    let mut expr = Parser::new(grammar.as_ref())
        .try_with_sql(text)
        .and_then(|mut parser| parser.parse_expr())
        .map_err(|error| PlanError::Unfit(format!("{text} is no expression: {error}")))?;
    let _ = visit_expressions_mut(&mut expr, |found| {
        if let Expr::Identifier(name) = found
            && let Some((_, filling)) = places.iter().find(|(place, _)| *place == name.value)
        {
            *found = (*filling).clone();
        }
        std::ops::ControlFlow::<()>::Continue(())
    });
    Ok(expr)
}

/// A statement of our own writing, to be filled in.
pub fn skeleton() -> Result<(Query, Select), PlanError> {
    let text = "SELECT 1 AS a FROM t";
    let statement = Parser::new(&GenericDialect {})
        .try_with_sql(text)
        .and_then(|mut parser| parser.parse_statement());
    let Ok(Statement::Query(query)) = statement else {
        return Err(unfit("no skeleton of a statement"));
    };
    let SetExpr::Select(select) = query.body.as_ref() else {
        return Err(unfit("no skeleton of a statement"));
    };
    let select = select.as_ref().clone();
    Ok((*query, select))
}

/// A name, quoted only where the dialect needs it.
pub fn ident(dialect: Dialect, name: &str) -> Result<Ident, PlanError> {
    if identifier::quote(dialect, name) == name {
        return Ok(Ident::new(name));
    }
    let quote = match dialect {
        Dialect::Postgresql | Dialect::Generic => '"',
        Dialect::Mysql | Dialect::Clickhouse => '`',
    };
    if name.contains(quote) || name.contains('\\') {
        return Err(PlanError::Unfit(format!(
            "the name {name} has a quote in it"
        )));
    }
    Ok(Ident::with_quote(quote, name))
}

pub fn object_name(dialect: Dialect, table: &Table) -> Result<ObjectName, PlanError> {
    let mut parts = Vec::new();
    if !table.in_default_schema && !table.schema.is_empty() {
        parts.push(ObjectNamePart::Identifier(ident(dialect, &table.schema)?));
    }
    parts.push(ObjectNamePart::Identifier(ident(dialect, &table.name)?));
    Ok(ObjectName(parts))
}

/// A table as it stands in FROM.
pub fn factor(
    dialect: Dialect,
    table: &Table,
    alias: Option<&str>,
) -> Result<TableFactor, PlanError> {
    let (_, select) = skeleton()?;
    let mut factor = select
        .from
        .into_iter()
        .next()
        .map(|from| from.relation)
        .ok_or_else(|| unfit("no skeleton of a table"))?;
    if let TableFactor::Table {
        name, alias: own, ..
    } = &mut factor
    {
        *name = object_name(dialect, table)?;
        *own = match alias {
            Some(alias) => Some(sqlparser::ast::TableAlias {
                explicit: true,
                name: ident(dialect, alias)?,
                columns: Vec::new(),
                at: None,
            }),
            None => None,
        };
    }
    Ok(factor)
}

/// A statement as a table.
pub fn derived(query: Query) -> Result<TableFactor, PlanError> {
    let statement = Parser::new(&GenericDialect {})
        .try_with_sql("SELECT 1 AS a FROM (SELECT 1 AS a) AS ranked")
        .and_then(|mut parser| parser.parse_query());
    let from = statement.ok().and_then(|outer| match *outer.body {
        SetExpr::Select(select) => select.from.into_iter().next(),
        _ => None,
    });
    match from.map(|from| from.relation) {
        Some(mut factor @ TableFactor::Derived { .. }) => {
            if let TableFactor::Derived { subquery, .. } = &mut factor {
                **subquery = query;
            }
            Ok(factor)
        }
        _ => Err(unfit("no skeleton of a table")),
    }
}

pub fn number(digits: &str) -> Result<Expr, PlanError> {
    let plain = digits.strip_prefix('-').unwrap_or(digits);
    let parts: Vec<&str> = plain.split('.').collect();
    let all_digits =
        |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if parts.len() > 2 || !parts.iter().all(all_digits) || plain.len() > 40 {
        return Err(PlanError::Unfit(format!("{digits} is no number")));
    }
    Ok(Expr::Value(Value::Number(digits.to_owned(), false).into()))
}

/// A text that every engine reads as it is.
pub fn text(value: &str) -> Result<Expr, PlanError> {
    // Backslashes are escapes in some; of doubled quotes the tree's writer can't tell what they stand for.
    if value.contains('\\') || value.contains("''") || value.contains('\0') {
        return Err(PlanError::Unfit(format!("the text {value:?}")));
    }
    Ok(Expr::Value(
        Value::SingleQuotedString(value.to_owned()).into(),
    ))
}

/// The beginning of a day, to be compared with a column of this kind.
pub fn day(dialect: Dialect, day: NaiveDate, kind: ColumnKind) -> Result<Expr, PlanError> {
    let date = text(&day.format("%Y-%m-%d").to_string())?;
    let moment = |offset: &str| text(&format!("{} 00:00:00{offset}", day.format("%Y-%m-%d")));
    let cast = |template: &str, value: &Expr| expression(dialect, template, &[("x", value)]);
    match (dialect, kind) {
        (Dialect::Clickhouse, ColumnKind::Moment { .. }) => {
            cast("toDateTime(x, 'UTC')", &moment("")?)
        }
        (Dialect::Clickhouse, _) => cast("toDate(x)", &date),
        (Dialect::Postgresql, ColumnKind::Moment { zoned: true }) => {
            cast("CAST(x AS TIMESTAMP WITH TIME ZONE)", &moment("+00")?)
        }
        (Dialect::Mysql, ColumnKind::Moment { .. }) => cast("CAST(x AS DATETIME)", &moment("")?),
        (_, ColumnKind::Moment { .. }) => cast("CAST(x AS TIMESTAMP)", &moment("")?),
        _ => cast("CAST(x AS DATE)", &date),
    }
}

/// The first day of the step that a column's value is in.
pub fn start_of(
    dialect: Dialect,
    grain: Grain,
    column: &Expr,
    kind: ColumnKind,
) -> Result<Expr, PlanError> {
    let moment = matches!(kind, ColumnKind::Moment { .. });
    let template = match dialect {
        Dialect::Clickhouse => match (grain, moment) {
            (Grain::Day, true) => "toDate(x, 'UTC')",
            (Grain::Day, false) => "toDate(x)",
            (Grain::Week, true) => "toMonday(x, 'UTC')",
            (Grain::Week, false) => "toMonday(x)",
            (Grain::Month, true) => "toStartOfMonth(x, 'UTC')",
            (Grain::Month, false) => "toStartOfMonth(x)",
            (Grain::Quarter, true) => "toStartOfQuarter(x, 'UTC')",
            (Grain::Quarter, false) => "toStartOfQuarter(x)",
            (Grain::Year, true) => "toStartOfYear(x, 'UTC')",
            (Grain::Year, false) => "toStartOfYear(x)",
        },
        Dialect::Mysql => match grain {
            Grain::Day => "CAST(x AS DATE)",
            Grain::Week => "CAST(DATE_SUB(x, INTERVAL WEEKDAY(x) DAY) AS DATE)",
            Grain::Month => "CAST(DATE_FORMAT(x, '%Y-%m-01') AS DATE)",
            Grain::Quarter => "DATE_ADD(MAKEDATE(YEAR(x), 1), INTERVAL QUARTER(x) - 1 QUARTER)",
            Grain::Year => "MAKEDATE(YEAR(x), 1)",
        },
        Dialect::Postgresql | Dialect::Generic => match (grain, kind) {
            (Grain::Day, ColumnKind::Moment { zoned: true }) => {
                "CAST(x AT TIME ZONE 'UTC' AS DATE)"
            }
            (Grain::Day, _) => "CAST(x AS DATE)",
            (_, ColumnKind::Moment { zoned: true }) => {
                "CAST(DATE_TRUNC(grain, x AT TIME ZONE 'UTC') AS DATE)"
            }
            _ => "CAST(DATE_TRUNC(grain, x) AS DATE)",
        },
    };
    let name = text(grain.name())?;
    expression(dialect, template, &[("x", column), ("grain", &name)])
}

/// A quotient that is none of whole numbers, and nothing where the divisor is nought.
pub fn quotient(dialect: Dialect, left: &Expr, right: &Expr) -> Result<Expr, PlanError> {
    expression(
        dialect,
        "__left / NULLIF(__right, 0)",
        &[("__left", &dividend(dialect, left)?), ("__right", right)],
    )
}

/// What divides exactly: integers, and ClickHouse's decimals, would lose digits.
pub fn dividend(dialect: Dialect, expr: &Expr) -> Result<Expr, PlanError> {
    let template = match dialect {
        Dialect::Clickhouse => "toFloat64(x)",
        // It keeps four digits more than the dividend has.
        Dialect::Mysql => "1.000000 * (x)",
        Dialect::Postgresql | Dialect::Generic => "CAST(x AS NUMERIC)",
    };
    expression(dialect, template, &[("x", expr)])
}

/// `LIMIT n`
pub fn limit(rows: u64) -> LimitClause {
    LimitClause::LimitOffset {
        limit: Some(Expr::Value(Value::Number(rows.to_string(), false).into())),
        offset: None,
        limit_by: Vec::new(),
    }
}

/// Lists the different values of a column; of `part` rows, if that is given. `None` where the name can't be
/// written.
pub fn distinct_values(
    model: &Model,
    table: usize,
    column: &str,
    part: Option<u64>,
    most: usize,
) -> Option<String> {
    let dialect = model.dialect();
    let relation = object_name(dialect, &model.tables[table]).ok()?;
    let column = ident(dialect, column).ok()?;
    let within = match part {
        // Both names were written by the tree's own writer.
        Some(rows) => format!("(SELECT {column} FROM {relation} LIMIT {rows}) AS part"),
        None => relation.to_string(),
    };
    Some(format!(
        "SELECT DISTINCT {column} FROM {within} WHERE {column} IS NOT NULL LIMIT {most}"
    ))
}
