//! What may run on an engine whose grammar the host does not know: one plain SELECT.
//!
//! Solves: a connector for something else entirely declares the dialect `generic`. The host can't know what
//! its functions do or how it reads odd text, so it lets through only what means reading in any SQL: one
//! SELECT over named tables, subqueries and joins, with operators, CASE, CAST and functions of the standard.
//!
//! How it decides: the statement is parsed by `sqlparser`'s widest grammar, and each part of the tree must be
//! one that is known here; structures are taken apart without `..`, so that a clause of a later parser does
//! not compile until it is judged. Text that lexers read differently (comments, backslashes, dollar quotes) is
//! refused, so that the engine sees the tree that was judged.
//!
//! Chains of operators nest as deeply as they are long, and trees are walked and dropped by recursion. So their
//! number is bounded, and a thread with a stack of its own does the work.
//!
//! What it does not do: keep an engine from writing on its own account. There is no second layer but the
//! connector, which must run statements read-only as the contract asks of it.

use sqlparser::ast::{
    AccessExpr, BinaryOperator, CaseWhen, Cte, Distinct, Expr, Function, FunctionArg,
    FunctionArgExpr, FunctionArgumentList, FunctionArguments, GroupByExpr, Join, JoinConstraint,
    JoinOperator, LimitClause, OrderBy, OrderByExpr, OrderByKind, Query, Select, SelectFlavor,
    SelectItem, SelectItemQualifiedWildcardKind, SetExpr, Spanned, Statement, TableFactor,
    UnaryOperator, WildcardAdditionalOptions, With,
};
use sqlparser::dialect::GenericDialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan, Tokenizer, Whitespace};

use super::{Reason, Refusal};

/// Functions that only compute, whatever engine has them. Sorted.
const FUNCTIONS: &[&str] = &[
    "abs", "avg", "ceil", "ceiling", "char_length", "character_length", "coalesce", "concat",
    "count", "cume_dist", "dense_rank", "exp", "first_value", "floor", "greatest", "lag",
    "last_value", "lead", "least", "length", "ln", "lower", "ltrim", "max", "min", "mod", "ntile",
    "nullif", "octet_length", "percent_rank", "power", "rank", "replace", "round", "row_number",
    "rtrim", "sign", "sqrt", "stddev_pop", "stddev_samp", "substr", "substring", "sum", "trim",
    "upper", "var_pop", "var_samp",
];

/// The most operators of a statement.
const OPERATORS: usize = 2000;

/// Enough for a chain of [`OPERATORS`] in an unoptimised build, in bytes. Only what is used is ever real.
const STACK: usize = 128 << 20;

/// Judges a statement of an unknown dialect.
///
/// # Errors
/// The first rule that it breaks.
pub(super) fn judge(sql: &str) -> Result<(), Refusal> {
    let judged = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK);
        let judging = thread.spawn_scoped(scope, || judge_here(sql)).ok()?;
        judging.join().ok()
    });
    judged.unwrap_or_else(|| {
        Err(Refusal {
            reason: Reason::TooDeep,
            message: "The statement could not be judged.".to_owned(),
            position: None,
        })
    })
}

fn judge_here(sql: &str) -> Result<(), Refusal> {
    let text = Text(sql);
    let tokens = Tokenizer::new(&GenericDialect {}, sql)
        .tokenize_with_location()
        .map_err(|error| text.refuse_at(Reason::Syntax, error.message, error.location))?;
    for token in &tokens {
        same_for_every_lexer(text, token)?;
    }
    if tokens.iter().filter(|token| chains(&token.token)).count() > OPERATORS {
        return Err(Refusal {
            reason: Reason::TooDeep,
            message: format!("The statement has more than {OPERATORS} operators."),
            position: None,
        });
    }
    let statements = Parser::new(&GenericDialect {})
        .with_tokens_with_locations(tokens)
        .parse_statements()
        .map_err(|error| malformed(text, &error))?;
    match statements.as_slice() {
        [] => Err(Refusal {
            reason: Reason::EmptySql,
            message: "There is no statement.".to_owned(),
            position: None,
        }),
        [Statement::Query(query)] => Judge { text }.query(query),
        [other] => Err(text.refuse(Reason::Statement, "Only a SELECT may run.", other.span())),
        [_, second, ..] => Err(text.refuse(
            Reason::MultipleStatements,
            "Only one statement may run.",
            second.span(),
        )),
    }
}

/// A statement's text, for places in it.
#[derive(Clone, Copy)]
struct Text<'a>(&'a str);

impl Text<'_> {
    fn refuse(self, reason: Reason, message: impl Into<String>, span: Span) -> Refusal {
        self.refuse_at(reason, message, span.start)
    }

    fn refuse_at(self, reason: Reason, message: impl Into<String>, at: Location) -> Refusal {
        Refusal {
            reason,
            message: message.into(),
            position: self.position(at),
        }
    }

    fn position(self, at: Location) -> Option<u32> {
        let line = usize::try_from(at.line).ok()?.checked_sub(1)?;
        let lines = self.0.split('\n').take(line);
        let before: usize = lines.map(|line| line.chars().count() + 1).sum();
        let column = u32::try_from(at.column).ok()?.checked_sub(1)?;
        u32::try_from(before).ok()?.checked_add(column)?.checked_add(1)
    }
}

fn malformed(text: Text<'_>, error: &ParserError) -> Refusal {
    let message = match error {
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => message,
        ParserError::RecursionLimitExceeded => {
            return Refusal {
                reason: Reason::TooDeep,
                message: "The statement is nested too deeply.".to_owned(),
                position: None,
            };
        }
    };
    // The parser's errors end with their place.
    let (message, place) = message.split_once(" at Line: ").unwrap_or((message, ""));
    let position = place.split_once(", Column: ").and_then(|(line, column)| {
        text.position(Location {
            line: line.trim().parse().ok()?,
            column: column.trim().parse().ok()?,
        })
    });
    Refusal {
        reason: Reason::Syntax,
        message: format!("The statement does not parse: {message}."),
        position,
    }
}

fn same_for_every_lexer(text: Text<'_>, token: &TokenWithSpan) -> Result<(), Refusal> {
    let odd = match &token.token {
        Token::Whitespace(
            Whitespace::SingleLineComment { .. } | Whitespace::MultiLineComment(_),
        ) => "a comment",
        Token::Word(word) if word.value.contains('\\') => "a backslash in a name",
        Token::SingleQuotedString(inner) | Token::DoubleQuotedString(inner)
            if inner.contains('\\') =>
        {
            "a backslash in a text"
        }
        Token::Whitespace(_)
        | Token::Word(_)
        | Token::SingleQuotedString(_)
        | Token::DoubleQuotedString(_)
        | Token::Number(..)
        | Token::Placeholder(_)
        | Token::Question
        | Token::Comma
        | Token::Eq
        | Token::Neq
        | Token::Lt
        | Token::Gt
        | Token::LtEq
        | Token::GtEq
        | Token::Plus
        | Token::Minus
        | Token::Mul
        | Token::Div
        | Token::Mod
        | Token::StringConcat
        | Token::LParen
        | Token::RParen
        | Token::Period
        | Token::SemiColon
        | Token::EOF => return Ok(()),
        _ => "this sign",
    };
    Err(text.refuse(
        Reason::Syntax,
        format!("Databases of this kind don't agree on how {odd} is read; leave it out."),
        token.span,
    ))
}

/// Whether a token may join two trees to a deeper one.
fn chains(token: &Token) -> bool {
    match token {
        Token::Word(word) => matches!(
            word.keyword,
            Keyword::AND
                | Keyword::OR
                | Keyword::NOT
                | Keyword::IS
                | Keyword::IN
                | Keyword::LIKE
                | Keyword::ILIKE
                | Keyword::BETWEEN
                | Keyword::UNION
                | Keyword::EXCEPT
                | Keyword::INTERSECT
        ),
        Token::Eq
        | Token::Neq
        | Token::Lt
        | Token::Gt
        | Token::LtEq
        | Token::GtEq
        | Token::Plus
        | Token::Minus
        | Token::Mul
        | Token::Div
        | Token::Mod
        | Token::StringConcat
        | Token::Period => true,
        _ => false,
    }
}

struct Judge<'a> {
    text: Text<'a>,
}

impl Judge<'_> {
    fn refused<T>(&self, what: &str, span: Span) -> Result<T, Refusal> {
        Err(self.text.refuse(
            Reason::Statement,
            format!("{what} is not known to be harmless on this kind of database."),
            span,
        ))
    }

    fn only(&self, absent: bool, what: &str, span: Span) -> Result<(), Refusal> {
        if absent {
            Ok(())
        } else {
            self.refused(what, span)
        }
    }

    fn query(&self, query: &Query) -> Result<(), Refusal> {
        let span = query.span();
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
        if !locks.is_empty() {
            return Err(self.text.refuse(
                Reason::Locking,
                "A locking clause may not run.",
                span,
            ));
        }
        self.only(for_clause.is_none(), "FOR", span)?;
        self.only(settings.is_none(), "SETTINGS", span)?;
        self.only(format_clause.is_none(), "FORMAT", span)?;
        self.only(pipe_operators.is_empty(), "A pipe operator", span)?;
        if let Some(With {
            with_token: _,
            recursive: _,
            cte_tables,
        }) = with
        {
            for cte in cte_tables {
                let Cte {
                    alias: _,
                    query,
                    from,
                    materialized: _,
                    closing_paren_token: _,
                } = cte;
                self.only(from.is_none(), "FROM in WITH", span)?;
                self.query(query)?;
            }
        }
        self.set(body)?;
        self.order(order_by.as_ref())?;
        match limit_clause {
            None => {}
            Some(LimitClause::LimitOffset {
                limit,
                offset,
                limit_by,
            }) => {
                self.only(limit_by.is_empty(), "LIMIT BY", span)?;
                self.all(limit.iter().chain(offset.as_ref().map(|offset| &offset.value)))?;
            }
            Some(LimitClause::OffsetCommaLimit { offset, limit }) => {
                self.all([offset, limit])?;
            }
        }
        match fetch.as_ref().and_then(|fetch| fetch.quantity.as_ref()) {
            Some(quantity) => self.expr(quantity),
            None => Ok(()),
        }
    }

    fn set(&self, body: &SetExpr) -> Result<(), Refusal> {
        match body {
            SetExpr::Select(select) => self.select(select),
            SetExpr::Query(query) => self.query(query),
            SetExpr::SetOperation {
                op: _,
                set_quantifier: _,
                left,
                right,
            } => {
                self.set(left)?;
                self.set(right)
            }
            SetExpr::Values(values) => {
                values.rows.iter().try_for_each(|row| self.all(row.content.iter()))
            }
            other => self.refused("This statement", other.span()),
        }
    }

    fn select(&self, select: &Select) -> Result<(), Refusal> {
        let span = select.span();
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
        self.only(into.is_none(), "INTO", span)?;
        let plain = optimizer_hints.is_empty()
            && select_modifiers.is_none()
            && top.is_none()
            && exclude.is_none()
            && lateral_views.is_empty()
            && prewhere.is_none()
            && connect_by.is_empty()
            && cluster_by.is_empty()
            && distribute_by.is_empty()
            && sort_by.is_empty()
            && named_window.is_empty()
            && qualify.is_none()
            && value_table_mode.is_none()
            && *flavor == SelectFlavor::Standard;
        self.only(plain, "A clause of this SELECT", span)?;
        match distinct {
            None | Some(Distinct::All | Distinct::Distinct) => {}
            Some(Distinct::On(keys)) => self.all(keys)?,
        }
        for item in projection {
            self.item(item)?;
        }
        for table in from {
            self.table(&table.relation)?;
            for join in &table.joins {
                self.join(join)?;
            }
        }
        self.all(selection.iter().chain(having))?;
        match group_by {
            GroupByExpr::Expressions(keys, modifiers) if modifiers.is_empty() => self.all(keys),
            _ => self.refused("This form of GROUP BY", span),
        }
    }

    fn item(&self, item: &SelectItem) -> Result<(), Refusal> {
        let no_options = |options: &WildcardAdditionalOptions| {
            let plain = WildcardAdditionalOptions {
                wildcard_token: options.wildcard_token.clone(),
                ..WildcardAdditionalOptions::default()
            };
            self.only(*options == plain, "An option of *", item.span())
        };
        match item {
            SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, alias: _ } => {
                self.expr(expr)
            }
            SelectItem::Wildcard(options)
            | SelectItem::QualifiedWildcard(
                SelectItemQualifiedWildcardKind::ObjectName(_),
                options,
            ) => no_options(options),
            _ => self.refused("This kind of column", item.span()),
        }
    }

    fn table(&self, table: &TableFactor) -> Result<(), Refusal> {
        match table {
            TableFactor::Table {
                name,
                alias: _,
                args: None,
                with_hints,
                version: None,
                with_ordinality: false,
                partitions,
                json_path: None,
                sample: None,
                index_hints,
            } if with_hints.is_empty()
                && partitions.is_empty()
                && index_hints.is_empty()
                && name.0.iter().all(|part| part.as_ident().is_some()) =>
            {
                Ok(())
            }
            TableFactor::Derived {
                lateral: false,
                subquery,
                alias: _,
                sample: None,
            } => self.query(subquery),
            TableFactor::NestedJoin {
                table_with_joins,
                alias: _,
            } => {
                self.table(&table_with_joins.relation)?;
                table_with_joins
                    .joins
                    .iter()
                    .try_for_each(|join| self.join(join))
            }
            other => Err(self.text.refuse(
                Reason::Function,
                "Only a named table or a subquery may stand in FROM.",
                other.span(),
            )),
        }
    }

    fn join(&self, join: &Join) -> Result<(), Refusal> {
        let span = join.span();
        let Join {
            relation,
            global,
            join_operator,
        } = join;
        self.only(!global, "GLOBAL", span)?;
        self.table(relation)?;
        let (JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint)
        | JoinOperator::Right(constraint)
        | JoinOperator::RightOuter(constraint)
        | JoinOperator::FullOuter(constraint)
        | JoinOperator::CrossJoin(constraint)) = join_operator
        else {
            return self.refused("This kind of join", span);
        };
        match constraint {
            JoinConstraint::On(condition) => self.expr(condition),
            JoinConstraint::Using(_) | JoinConstraint::Natural | JoinConstraint::None => Ok(()),
        }
    }

    fn order(&self, order: Option<&OrderBy>) -> Result<(), Refusal> {
        match order {
            None => Ok(()),
            Some(OrderBy {
                kind: OrderByKind::Expressions(keys),
                interpolate: None,
            }) => keys.iter().try_for_each(|key| self.order_key(key)),
            Some(other) => self.refused("This form of ORDER BY", other.span()),
        }
    }

    fn order_key(&self, key: &OrderByExpr) -> Result<(), Refusal> {
        self.only(key.with_fill.is_none(), "WITH FILL", key.span())?;
        self.expr(&key.expr)
    }

    fn all<'e>(&self, exprs: impl IntoIterator<Item = &'e Expr>) -> Result<(), Refusal> {
        exprs.into_iter().try_for_each(|expr| self.expr(expr))
    }

    fn expr(&self, expr: &Expr) -> Result<(), Refusal> {
        match expr {
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) | Expr::Value(_) => Ok(()),
            Expr::TypedString(_) => Ok(()),
            Expr::Nested(inner)
            | Expr::IsNull(inner)
            | Expr::IsNotNull(inner)
            | Expr::IsTrue(inner)
            | Expr::IsNotTrue(inner)
            | Expr::IsFalse(inner)
            | Expr::IsNotFalse(inner)
            | Expr::IsUnknown(inner)
            | Expr::IsNotUnknown(inner)
            | Expr::Extract { expr: inner, .. }
            | Expr::Ceil { expr: inner, .. }
            | Expr::Floor { expr: inner, .. }
            | Expr::Cast {
                expr: inner,
                format: None,
                ..
            } => self.expr(inner),
            Expr::IsDistinctFrom(a, b) | Expr::IsNotDistinctFrom(a, b) => {
                self.all([a.as_ref(), b])
            }
            Expr::BinaryOp { left, op, right } => {
                self.operator(op, expr.span())?;
                self.all([left.as_ref(), right])
            }
            Expr::UnaryOp {
                op: UnaryOperator::Plus | UnaryOperator::Minus | UnaryOperator::Not,
                expr,
            } => self.expr(expr),
            Expr::Between {
                expr, low, high, ..
            } => self.all([expr.as_ref(), low, high]),
            Expr::InList { expr, list, .. } => {
                self.expr(expr)?;
                self.all(list)
            }
            Expr::InSubquery { expr, subquery, .. } => {
                self.expr(expr)?;
                self.query(subquery)
            }
            Expr::Exists { subquery, .. } | Expr::Subquery(subquery) => self.query(subquery),
            Expr::Like { expr, pattern, .. } | Expr::ILike { expr, pattern, .. } => {
                self.all([expr.as_ref(), pattern])
            }
            Expr::Substring {
                expr,
                substring_from,
                substring_for,
                ..
            } => {
                self.expr(expr)?;
                self.all(substring_from.iter().chain(substring_for).map(AsRef::as_ref))
            }
            Expr::Trim {
                expr,
                trim_what,
                trim_characters: None,
                ..
            } => {
                self.expr(expr)?;
                self.all(trim_what.iter().map(AsRef::as_ref))
            }
            Expr::Position { expr, r#in } => self.all([expr.as_ref(), r#in]),
            Expr::Tuple(items) => self.all(items),
            Expr::Case {
                operand,
                conditions,
                else_result,
                ..
            } => {
                self.all(operand.iter().chain(else_result).map(AsRef::as_ref))?;
                let inside = conditions.iter();
                inside
                    .flat_map(|CaseWhen { condition, result }| [condition, result])
                    .try_for_each(|expr| self.expr(expr))
            }
            Expr::CompoundFieldAccess { root, access_chain }
                if access_chain
                    .iter()
                    .all(|access| matches!(access, AccessExpr::Dot(Expr::Identifier(_)))) =>
            {
                self.expr(root)
            }
            Expr::Function(call) => self.call(call, expr.span()),
            other => self.refused("This expression", other.span()),
        }
    }

    fn operator(&self, op: &BinaryOperator, span: Span) -> Result<(), Refusal> {
        let known = matches!(
            op,
            BinaryOperator::Plus
                | BinaryOperator::Minus
                | BinaryOperator::Multiply
                | BinaryOperator::Divide
                | BinaryOperator::Modulo
                | BinaryOperator::StringConcat
                | BinaryOperator::Gt
                | BinaryOperator::Lt
                | BinaryOperator::GtEq
                | BinaryOperator::LtEq
                | BinaryOperator::Eq
                | BinaryOperator::NotEq
                | BinaryOperator::And
                | BinaryOperator::Or
        );
        self.only(known, "This operator", span)
    }

    fn call(&self, call: &Function, span: Span) -> Result<(), Refusal> {
        let Function {
            name,
            uses_odbc_syntax,
            parameters,
            args,
            within_group,
            filter,
            null_treatment: _,
            over,
        } = call;
        let known = match name.0.as_slice() {
            [part] => part.as_ident().is_some_and(|name| {
                FUNCTIONS
                    .binary_search(&name.value.to_lowercase().as_str())
                    .is_ok()
            }),
            _ => false,
        };
        if !known || *uses_odbc_syntax || *parameters != FunctionArguments::None {
            return Err(self.text.refuse(
                Reason::Function,
                format!(
                    "The function {name} is not one that is known to only compute on any database."
                ),
                span,
            ));
        }
        let over_named_window = matches!(over, Some(sqlparser::ast::WindowType::NamedWindow(_)));
        self.only(!over_named_window, "A named window", span)?;
        if let Some(sqlparser::ast::WindowType::WindowSpec(window)) = over {
            self.only(window.window_name.is_none(), "A named window", span)?;
            self.all(&window.partition_by)?;
            window.order_by.iter().try_for_each(|key| self.order_key(key))?;
        }
        within_group.iter().try_for_each(|key| self.order_key(key))?;
        self.all(filter.iter().map(AsRef::as_ref))?;
        let FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: _,
            args,
            clauses,
        }) = args
        else {
            return self.refused("This form of a call", span);
        };
        self.only(clauses.is_empty(), "A clause in a call", span)?;
        for arg in args {
            match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => self.expr(expr)?,
                FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => {}
                _ => return self.refused("This form of an argument", span),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;
    use crate::plugins::Dialect;

    fn reason(sql: &str) -> Option<Reason> {
        judge(sql).err().map(|refusal| refusal.reason)
    }

    #[test]
    fn plain_reading_passes() {
        for sql in [
            "SELECT 1",
            "select * from t",
            "SELECT t.*, a AS b, \"Odd Name\" FROM s.t AS t WHERE a = 'it''s' AND b IS NOT NULL;",
            "SELECT count(*), sum(CASE WHEN a >= 1.5 AND a < 2 THEN 1 ELSE 0 END) FROM t",
            "SELECT a, count(DISTINCT b) FROM t GROUP BY a HAVING count(*) > 1 ORDER BY 2 DESC LIMIT 5 OFFSET 1",
            "SELECT x.a FROM (SELECT a FROM t UNION ALL SELECT b FROM u) x LEFT JOIN v ON v.a = x.a",
            "WITH c AS (SELECT 1 AS n) SELECT n FROM c WHERE n IN (SELECT a FROM t) AND EXISTS (SELECT 1 FROM u)",
            "SELECT a FROM t WHERE b = $1 AND c = ? AND d LIKE 'x%' AND e BETWEEN 1 AND 2",
            "SELECT row_number() OVER (PARTITION BY a ORDER BY b), CAST(a AS INTEGER), UPPER(a) || 'x' FROM t",
            "SELECT EXTRACT(YEAR FROM d), TRIM(a), SUBSTRING(a FROM 1 FOR 2), -a FROM t",
            "VALUES (1, 'a'), (2, 'b')",
        ] {
            assert_eq!(judge(sql), Ok(()), "{sql}");
        }
    }

    #[test]
    fn what_may_write_reach_out_or_lock_is_refused() {
        for (sql, wanted) in [
            ("DELETE FROM t", Reason::Statement),
            ("INSERT INTO t VALUES (1)", Reason::Statement),
            ("EXPLAIN ANALYZE DELETE FROM t", Reason::Statement),
            ("WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d", Reason::Statement),
            ("SELECT * INTO u FROM t", Reason::Statement),
            ("SELECT a FROM t FOR UPDATE", Reason::Locking),
            ("SELECT * FROM url('http://169.254.169.254/')", Reason::Function),
            ("SELECT * FROM t, LATERAL f(t.a)", Reason::Function),
            ("SELECT load_file('/etc/passwd')", Reason::Function),
            ("SELECT pg_catalog.count(*)", Reason::Function),
            ("SELECT \"nextval\"('s')", Reason::Function),
            ("SELECT count(load_file('x'))", Reason::Function),
            ("SELECT 1 ORDER BY setval('s', 1)", Reason::Function),
            ("SELECT 1 LIMIT setval('s', 1)", Reason::Function),
            ("SELECT sum(1) OVER (ORDER BY setval('s', 1))", Reason::Function),
            ("SELECT sum(1) FILTER (WHERE setval('s', 1) > 0)", Reason::Function),
            ("SELECT 1 UNION SELECT sleep(10)", Reason::Function),
            ("SELECT (SELECT sleep(10))", Reason::Function),
            ("SELECT CASE WHEN sleep(1) THEN 1 END", Reason::Function),
            ("SELECT a FROM t JOIN u ON sleep(1)", Reason::Function),
            ("SELECT 1; DELETE FROM t", Reason::MultipleStatements),
            ("SELECT a FROM t SETTINGS readonly = 0", Reason::Statement),
            ("SELECT a FROM t FORMAT Null", Reason::Statement),
            ("", Reason::EmptySql),
            (";", Reason::EmptySql),
            ("SELEC 1", Reason::Syntax),
        ] {
            assert_eq!(reason(sql), Some(wanted), "{sql}");
        }
    }

    #[test]
    fn text_that_lexers_read_differently_is_refused() {
        for sql in [
            "SELECT 1 -- x",
            "SELECT 1 /* x */",
            "SELECT /*!50000 1 */",
            "SELECT 'a\\' OR f(1) -- '",
            "SELECT \"a\\\"\"",
            "SELECT `a\\`",
            "SELECT $$ x $$",
            "SELECT @a",
            "SELECT {fn now()}",
            "SELECT E'a'",
            "SELECT x'00'",
            "SELECT a::int",
        ] {
            assert_eq!(reason(sql), Some(Reason::Syntax), "{sql}");
        }
    }

    #[test]
    fn a_place_is_counted_in_characters_over_lines() {
        let refusal = judge("SELECT 'ä',\n  load_file('x')").expect_err("refused");
        assert_eq!(refusal.position, Some(15));
    }

    #[test]
    fn deep_and_long_statements_answer_quickly() {
        assert_eq!(
            reason(&format!("SELECT {}1{}", "(".repeat(10_000), ")".repeat(10_000))),
            Some(Reason::TooDeep)
        );
        let long = format!("SELECT 1{}", " + 1".repeat(24_000));
        let began = std::time::Instant::now();
        let judged = super::super::judge(Dialect::Generic, &long, &Limits::default());
        assert!(began.elapsed() < std::time::Duration::from_secs(5));
        drop(judged);
    }

    #[test]
    fn the_list_of_functions_is_sorted() {
        assert!(FUNCTIONS.is_sorted());
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(sql in ".{0,200}") {
            let _ = judge(&sql);
        }
    }
}
