//! Parsing, and refusing what is not part of the supported SELECT.
//!
//! Syntax trees are taken apart field by field, without `..`: a clause that a later parser adds does not
//! compile until somebody has said what becomes of it.

use sqlparser::ast::{
    Distinct, Expr, GroupByExpr, Ident, LimitClause, Offset, OrderBy, OrderByExpr, OrderByKind,
    Query, Select, SelectFlavor, SelectItem, SetExpr, Spanned, Statement, TableAlias, TableFactor,
    TableWithJoins,
};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Span};

use datachat_sdk::connector::types::{DbError, ErrorCode};
use datachat_sdk::error::db_error;

use crate::error::{syntax, unsupported};

/// How deeply a statement may nest: the stack of a component is small.
const DEEPEST: usize = 24;

/// The parts of a statement, each known to be of a kind that can be planned.
#[derive(Debug)]
pub struct Parsed {
    pub items: Vec<SelectItem>,
    pub distinct: bool,
    /// None: one row of expressions, without a file.
    pub from: Option<From>,
    pub filter: Option<Expr>,
    pub group: Vec<Expr>,
    pub having: Option<Expr>,
    pub order: Vec<OrderByExpr>,
    pub limit: Option<Expr>,
    pub offset: Option<Expr>,
}

/// The file that a statement reads.
#[derive(Debug, Clone)]
pub struct From {
    pub schema: Option<String>,
    pub table: String,
    /// What columns may be qualified with instead of the table's name.
    pub alias: Option<String>,
    pub position: Option<u32>,
}

/// Places of a statement's syntax tree, as offsets into its text.
#[derive(Debug, Clone, Copy)]
pub struct Text<'a>(pub &'a str);

impl Text<'_> {
    /// The 1-based offset in characters at which a part begins.
    pub fn position(self, span: Span) -> Option<u32> {
        self.offset(span.start)
    }

    fn offset(self, at: Location) -> Option<u32> {
        if at.line == 0 || at.column == 0 {
            return None;
        }
        let line = usize::try_from(at.line).ok()?;
        let before: usize = self
            .0
            .split('\n')
            .take(line - 1)
            .map(|line| line.chars().count() + 1)
            .sum();
        u32::try_from(before)
            .ok()?
            .checked_add(u32::try_from(at.column).ok()?)
    }
}

/// Reads one statement.
///
/// # Errors
/// `syntax`, or `unsupported` with what is supported.
pub fn read(sql: &str) -> Result<Parsed, DbError> {
    let text = Text(sql);
    let mut statements = Parser::new(&GenericDialect {})
        .with_recursion_limit(DEEPEST)
        .try_with_sql(sql)
        .and_then(|mut parser| parser.parse_statements())
        .map_err(|error| malformed(text, &error))?;
    let statement = match (statements.pop(), statements.is_empty()) {
        (Some(statement), true) => statement,
        (None, _) => return Err(syntax("there is no statement", None)),
        (Some(second), false) => {
            let position = text.position(second.span());
            return Err(syntax("there is more than one statement", position));
        }
    };
    match statement {
        Statement::Query(query) => read_query(text, *query),
        other => Err(unsupported("this statement", text.position(other.span()))),
    }
}

fn malformed(text: Text<'_>, error: &ParserError) -> DbError {
    let message = match error {
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => message,
        ParserError::RecursionLimitExceeded => {
            return db_error(
                ErrorCode::ResourceLimit,
                "the statement is nested too deeply",
            );
        }
    };
    let Some((message, place)) = message.split_once(" at Line: ") else {
        return syntax(message.clone(), None);
    };
    let position = place.split_once(", Column: ").and_then(|(line, column)| {
        text.offset(Location {
            line: line.trim().parse().ok()?,
            column: column.trim().parse().ok()?,
        })
    });
    syntax(message, position)
}

fn read_query(text: Text<'_>, query: Query) -> Result<Parsed, DbError> {
    let refused = |what: &str, there: bool| refuse(there, what, None);
    let Query {
        with,
        body,
        order_by,
        limit_clause,
        fetch,
        locks,
        for_clause,
        settings,
        format_clause,
        pipe_operators,
    } = query;
    refused("WITH", with.is_some())?;
    refused("FETCH", fetch.is_some())?;
    refused("FOR", !locks.is_empty() || for_clause.is_some())?;
    refused("SETTINGS", settings.is_some())?;
    refused("FORMAT", format_clause.is_some())?;
    refused("a pipe operator", !pipe_operators.is_empty())?;
    let select = match *body {
        SetExpr::Select(select) => *select,
        SetExpr::Query(inner) if order_by.is_none() && limit_clause.is_none() => {
            return read_query(text, *inner);
        }
        SetExpr::SetOperation { .. } => {
            return Err(unsupported("UNION, INTERSECT or EXCEPT", None));
        }
        SetExpr::Values(_) => return Err(unsupported("VALUES", None)),
        SetExpr::Table(_) => return Err(unsupported("TABLE", None)),
        SetExpr::Query(_)
        | SetExpr::Insert(_)
        | SetExpr::Update(_)
        | SetExpr::Delete(_)
        | SetExpr::Merge(_) => return Err(unsupported("this statement", None)),
    };
    let (limit, offset) = read_limit(limit_clause)?;
    let mut parsed = read_select(text, select)?;
    parsed.order = read_order(order_by)?;
    parsed.limit = limit;
    parsed.offset = offset;
    Ok(parsed)
}

fn read_select(text: Text<'_>, select: Select) -> Result<Parsed, DbError> {
    let position = text.position(select.select_token.0.span);
    let refused = |what: &str, there: bool| refuse(there, what, position);
    let Select {
        select_token: _,
        optimizer_hints,
        distinct,
        select_modifiers,
        top,
        top_before_distinct: _,
        projection,
        exclude,
        into,
        from,
        lateral_views,
        prewhere,
        selection,
        connect_by,
        group_by,
        cluster_by,
        distribute_by,
        sort_by,
        having,
        named_window,
        qualify,
        window_before_qualify: _,
        value_table_mode,
        flavor,
    } = select;
    refused("a hint", !optimizer_hints.is_empty())?;
    refused(
        "a modifier of SELECT",
        select_modifiers.is_some() || value_table_mode.is_some(),
    )?;
    refused("TOP", top.is_some())?;
    refused("EXCLUDE", exclude.is_some())?;
    refused("INTO", into.is_some())?;
    refused("LATERAL VIEW", !lateral_views.is_empty())?;
    refused("PREWHERE", prewhere.is_some())?;
    refused("CONNECT BY", !connect_by.is_empty())?;
    refused("CLUSTER BY", !cluster_by.is_empty())?;
    refused("DISTRIBUTE BY", !distribute_by.is_empty())?;
    refused("SORT BY", !sort_by.is_empty())?;
    refused("WINDOW", !named_window.is_empty())?;
    refused("QUALIFY", qualify.is_some())?;
    refused("FROM before SELECT", flavor != SelectFlavor::Standard)?;
    let group = match group_by {
        GroupByExpr::Expressions(group, modifiers) if modifiers.is_empty() => group,
        GroupByExpr::All(_) | GroupByExpr::Expressions(..) => {
            return Err(unsupported("this form of GROUP BY", position));
        }
    };
    let distinct = match distinct {
        None | Some(Distinct::All) => false,
        Some(Distinct::Distinct) => true,
        Some(Distinct::On(_)) => return Err(unsupported("DISTINCT ON", position)),
    };
    Ok(Parsed {
        items: projection,
        distinct,
        from: read_from(text, from)?,
        filter: selection,
        group,
        having,
        order: Vec::new(),
        limit: None,
        offset: None,
    })
}

fn read_from(text: Text<'_>, mut from: Vec<TableWithJoins>) -> Result<Option<From>, DbError> {
    let Some(first) = from.pop() else {
        return Ok(None);
    };
    let position = text.position(first.relation.span());
    if !from.is_empty() || !first.joins.is_empty() {
        return Err(unsupported("a join", position));
    }
    let odd = || unsupported("this kind of table", position);
    let TableFactor::Table {
        name,
        alias,
        args: None,
        with_hints,
        version: None,
        with_ordinality: false,
        partitions,
        json_path: None,
        sample: None,
        index_hints,
    } = first.relation
    else {
        return Err(odd());
    };
    if !with_hints.is_empty() || !partitions.is_empty() || !index_hints.is_empty() {
        return Err(odd());
    }
    let parts: Option<Vec<&Ident>> = name.0.iter().map(|part| part.as_ident()).collect();
    let (schema, table) = match parts.as_deref() {
        Some([table]) => (None, table.value.clone()),
        Some([schema, table]) => (Some(schema.value.clone()), table.value.clone()),
        _ => return Err(odd()),
    };
    let alias = match alias {
        None => None,
        Some(TableAlias {
            explicit: _,
            name,
            columns,
            at: None,
        }) if columns.is_empty() => Some(name.value),
        Some(_) => return Err(unsupported("a list of column aliases", position)),
    };
    Ok(Some(From {
        schema,
        table,
        alias,
        position,
    }))
}

fn read_order(order: Option<OrderBy>) -> Result<Vec<OrderByExpr>, DbError> {
    match order {
        None => Ok(Vec::new()),
        Some(OrderBy {
            kind: OrderByKind::Expressions(order),
            interpolate: None,
        }) if order.iter().all(|by| by.with_fill.is_none()) => Ok(order),
        Some(_) => Err(unsupported("this form of ORDER BY", None)),
    }
}

fn read_limit(limit: Option<LimitClause>) -> Result<(Option<Expr>, Option<Expr>), DbError> {
    match limit {
        None => Ok((None, None)),
        Some(LimitClause::LimitOffset {
            limit,
            offset,
            limit_by,
        }) if limit_by.is_empty() => Ok((limit, offset.map(|Offset { value, rows: _ }| value))),
        Some(LimitClause::LimitOffset { .. }) => Err(unsupported("LIMIT BY", None)),
        Some(LimitClause::OffsetCommaLimit { offset, limit }) => Ok((Some(limit), Some(offset))),
    }
}

fn refuse(there: bool, what: &str, position: Option<u32>) -> Result<(), DbError> {
    if there {
        return Err(unsupported(what, position));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_ignored_is_refused() {
        for sql in [
            "SELECT a FROM t UNION SELECT b FROM t",
            "WITH x AS (SELECT 1) SELECT * FROM x",
            "SELECT a FROM t FOR UPDATE",
            "SELECT a INTO b FROM t",
            "SELECT a FROM t, u",
            "SELECT a FROM t JOIN u ON true",
            "SELECT a FROM (SELECT 1) x",
            "SELECT a FROM f(1)",
            "SELECT a FROM t TABLESAMPLE (10)",
            "SELECT DISTINCT ON (a) a FROM t",
            "SELECT a FROM t GROUP BY ALL",
            "SELECT a FROM t GROUP BY a WITH ROLLUP",
            "SELECT a FROM t QUALIFY true",
            "SELECT a FROM t LIMIT 1 BY a",
            "SELECT TOP 3 a FROM t",
            "FROM t SELECT a",
            "SELECT a FROM t SETTINGS x = 1",
            "SELECT a FROM t FORMAT JSON",
            "VALUES (1)",
            "DELETE FROM t",
            "EXPLAIN SELECT 1",
        ] {
            let error = read(sql).expect_err(sql);
            assert_eq!(error.code, ErrorCode::Unsupported, "{sql}: {error:?}");
            assert!(error.hint.is_some(), "{sql}");
        }
    }

    #[test]
    fn a_syntax_error_has_its_place_in_characters() {
        let error = read("SELECT 'ß',\n  (1 2) FROM t").expect_err("broken");
        assert_eq!(error.code, ErrorCode::Syntax);
        assert!(error.position.is_some_and(|at| at > 12), "{error:?}");
        for sql in ["", "  -- nothing", "SELECT 1; SELECT 2", "SELECT 'open"] {
            assert_eq!(read(sql).expect_err(sql).code, ErrorCode::Syntax, "{sql}");
        }
    }

    #[test]
    fn the_parts_of_a_statement_are_kept() {
        let parsed =
            read("SELECT DISTINCT a FROM \"Sales\".t x WHERE b ORDER BY 1 LIMIT 2 OFFSET 3;")
                .expect("supported");
        let from = parsed.from.expect("a table");
        assert_eq!(
            (
                from.schema.as_deref(),
                from.table.as_str(),
                from.alias.as_deref()
            ),
            (Some("Sales"), "t", Some("x"))
        );
        assert!(parsed.distinct && parsed.filter.is_some());
        assert!(parsed.limit.is_some() && parsed.offset.is_some());
    }

    #[test]
    fn deep_nesting_is_a_limit_and_no_crash() {
        let sql = format!("SELECT {}1{}", "(".repeat(5000), ")".repeat(5000));
        assert_eq!(read(&sql).expect_err("deep").code, ErrorCode::ResourceLimit);
    }
}
