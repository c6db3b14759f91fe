//! What a reading statement of MySQL or ClickHouse is made of.
//!
//! The tree is that of `sqlparser`, made from tokens that the dialect's own lexer has read. Structs are taken
//! apart without `..` and enums by the variants that are known to read, so what the parser learns later is
//! refused, or does not compile, until somebody has looked at it: data-modifying common table expressions,
//! `SELECT … INTO`, locks, clauses of other dialects.
//!
//! Calls, and relations that must not be read, are judged on the tokens (`tokens.rs`); here only functions in
//! the place of a relation are, for those are allowed by list.
//!
//! A tree may be as deep as its text is long, and reading, walking and dropping it recurses, so what does not
//! surely fit the stack that is left is judged on a thread with enough of it.

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, Expr, Ident, ObjectName, ObjectNamePart, Query, Select, SetExpr, Spanned,
    Statement, TableFactor, Visit, Visitor,
};
use sqlparser::dialect::Dialect;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Span, Token, TokenWithSpan};

use super::tokens::Tokens;
use super::{Reason, Refusal};

/// What a text is judged as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    Query,
    Expression,
    /// What may stand behind `FROM`.
    Relation,
}

/// What differs between dialects.
pub struct Rules {
    pub dialect: &'static (dyn Dialect + Sync),
    /// Functions that may stand in the place of a relation.
    pub table_functions: &'static [&'static str],
}

/// More stack than a level of a tree takes, in bytes. A level of 35 KiB was seen without optimisation.
const LEVEL: usize = if cfg!(debug_assertions) {
    48 << 10
} else {
    8 << 10
};
/// The stack for everything but levels, in bytes, if the parser nests no deeper than [`SHALLOW_NESTING`].
const BASE: usize = 512 << 10;
/// How deep the parser nests on the stack of whoever asks, by its own count.
const SHALLOW_NESTING: usize = 16;
/// Deeper trees than this are not judged.
const DEEPEST: usize = 5_000;
/// How deep the parser nests at most.
const NESTING: usize = 1_000;
/// The stack for deep trees, in bytes. Only what is used of it is taken from memory.
const STACK: usize = 256 << 20;

/// Judges a piece of a statement.
///
/// # Errors
/// It does not parse, or has something that is not known to only read.
pub fn judge(piece: Piece, tokens: &[TokenWithSpan], rules: &Rules) -> Result<(), Refusal> {
    let depth = Tokens(tokens).depth();
    let too_deep = |message: &str| Refusal {
        reason: Reason::TooDeep,
        message: message.to_owned(),
        position: None,
    };
    if depth > DEEPEST {
        return Err(too_deep("The statement is nested too deeply."));
    }
    if stacker::remaining_stack().is_some_and(|left| left > BASE + depth * LEVEL) {
        match judge_here(piece, tokens, SHALLOW_NESTING, rules) {
            Err(refusal) if refusal.reason == Reason::TooDeep => {}
            judged => return judged,
        }
    }
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .stack_size(STACK)
            .spawn_scoped(scope, || judge_here(piece, tokens, NESTING, rules));
        let judged = thread.map(std::thread::ScopedJoinHandle::join);
        match judged {
            Ok(Ok(judged)) => judged,
            _ => Err(too_deep(
                "The statement is nested so deeply that it can't be judged now.",
            )),
        }
    })
}

fn judge_here(
    piece: Piece,
    tokens: &[TokenWithSpan],
    nesting: usize,
    rules: &Rules,
) -> Result<(), Refusal> {
    let mut parser = Parser::new(rules.dialect)
        .with_recursion_limit(nesting)
        .with_tokens_with_locations(tokens.to_vec());
    let mut shape = Shape { rules };
    let judged = match piece {
        Piece::Query => {
            let query = parser.parse_query().map_err(unparsed)?;
            query.visit(&mut shape)
        }
        Piece::Expression => {
            let expression = parser.parse_expr().map_err(unparsed)?;
            expression.visit(&mut shape)
        }
        Piece::Relation => {
            let relation = parser.parse_table_factor().map_err(unparsed)?;
            relation.visit(&mut shape)
        }
    };
    if let ControlFlow::Break(refusal) = judged {
        return Err(refusal);
    }
    let next = parser.peek_token();
    if next.token == Token::EOF {
        return Ok(());
    }
    parser
        .expected::<()>("end of statement", next)
        .map_err(unparsed)
}

/// The parser says where it stopped at the end of its message. All is in one line here.
fn unparsed(error: ParserError) -> Refusal {
    let message = match error {
        ParserError::RecursionLimitExceeded => {
            return Refusal {
                reason: Reason::TooDeep,
                message: "The statement is nested too deeply.".to_owned(),
                position: None,
            };
        }
        ParserError::ParserError(message) | ParserError::TokenizerError(message) => message,
    };
    let (text, place) = message
        .rsplit_once(" at Line: 1, Column: ")
        .unwrap_or((&message, ""));
    Refusal {
        reason: Reason::Syntax,
        message: format!("The statement can't be judged, so it is not run. {text}"),
        position: place.parse().ok(),
    }
}

struct Shape<'a> {
    rules: &'a Rules,
}

type Verdict = ControlFlow<Refusal>;

fn refuse(reason: Reason, message: impl Into<String>, span: Span) -> Verdict {
    ControlFlow::Break(Refusal {
        reason,
        message: message.into(),
        position: u32::try_from(span.start.column).ok().filter(|at| *at > 0),
    })
}

fn not_reading(what: &str, span: Span) -> Verdict {
    let message = format!("The statement uses something that is not known to only read ({what}).");
    refuse(Reason::Statement, message, span)
}

impl Visitor for Shape<'_> {
    type Break = Refusal;

    fn pre_visit_statement(&mut self, statement: &Statement) -> Verdict {
        not_reading("a statement in a statement", statement.span())
    }

    fn pre_visit_query(&mut self, query: &Query) -> Verdict {
        let Query {
            with: _,
            body,
            order_by: _,
            limit_clause: _,
            fetch: _,
            locks,
            for_clause,
            settings,
            format_clause,
            pipe_operators,
        } = query;
        body_reads(body)?;
        if !locks.is_empty() {
            let message = "Rows must not be locked: leave out FOR UPDATE, FOR SHARE and the like.";
            return refuse(Reason::Locking, message, query.span());
        }
        if settings.is_some() {
            return refuse(Reason::Statement, "Leave out SETTINGS.", query.span());
        }
        if format_clause.is_some() {
            return refuse(Reason::Statement, "Leave out FORMAT.", query.span());
        }
        if for_clause.is_some() || !pipe_operators.is_empty() {
            return not_reading("a clause of another dialect", query.span());
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> Verdict {
        let Select {
            select_token: _,
            optimizer_hints: _,
            distinct: _,
            select_modifiers: _,
            top: _,
            top_before_distinct: _,
            projection: _,
            exclude,
            into,
            from: _,
            lateral_views,
            prewhere: _,
            selection: _,
            connect_by,
            group_by: _,
            cluster_by,
            distribute_by,
            sort_by,
            having: _,
            named_window: _,
            qualify: _,
            window_before_qualify: _,
            value_table_mode,
            flavor: _,
        } = select;
        if into.is_some() {
            return refuse(Reason::Statement, "SELECT … INTO writes.", select.span());
        }
        let foreign = exclude.is_some()
            || !lateral_views.is_empty()
            || !connect_by.is_empty()
            || !cluster_by.is_empty()
            || !distribute_by.is_empty()
            || !sort_by.is_empty()
            || value_table_mode.is_some();
        if foreign {
            return not_reading("a clause of another dialect", select.span());
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> Verdict {
        let named = |part: &ObjectNamePart| matches!(part, ObjectNamePart::Identifier(Ident { quote_style, .. }) if *quote_style != Some('\''));
        if relation.0.iter().all(named) {
            return ControlFlow::Continue(());
        }
        refuse(
            Reason::Relation,
            "A relation must be named by an identifier.",
            relation.span(),
        )
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> Verdict {
        match factor {
            TableFactor::Table {
                name,
                alias: _,
                args,
                with_hints: _,
                version: _,
                with_ordinality: false,
                partitions: _,
                json_path: None,
                sample: _,
                index_hints: _,
            } => match args {
                None => ControlFlow::Continue(()),
                Some(args) if args.settings.is_some() => {
                    refuse(Reason::Statement, "Leave out SETTINGS.", factor.span())
                }
                Some(_) => self.table_function(name),
            },
            TableFactor::Derived { .. }
            | TableFactor::JsonTable { .. }
            | TableFactor::NestedJoin { .. } => ControlFlow::Continue(()),
            _ => not_reading("a relation of another dialect", factor.span()),
        }
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> Verdict {
        match expr {
            Expr::BinaryOp {
                op: BinaryOperator::Assignment,
                ..
            } => not_reading("an assignment", expr.span()),
            Expr::Identifier(_)
            | Expr::CompoundIdentifier(_)
            | Expr::CompoundFieldAccess { .. }
            | Expr::IsFalse(_)
            | Expr::IsNotFalse(_)
            | Expr::IsTrue(_)
            | Expr::IsNotTrue(_)
            | Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::IsUnknown(_)
            | Expr::IsNotUnknown(_)
            | Expr::IsDistinctFrom(..)
            | Expr::IsNotDistinctFrom(..)
            | Expr::InList { .. }
            | Expr::InSubquery { .. }
            | Expr::InUnnest { .. }
            | Expr::Between { .. }
            | Expr::BinaryOp { .. }
            | Expr::Like { .. }
            | Expr::ILike { .. }
            | Expr::RLike { .. }
            | Expr::AnyOp { .. }
            | Expr::AllOp { .. }
            | Expr::UnaryOp { .. }
            | Expr::Convert { .. }
            | Expr::Cast { .. }
            | Expr::AtTimeZone { .. }
            | Expr::Extract { .. }
            | Expr::Ceil { .. }
            | Expr::Floor { .. }
            | Expr::Position { .. }
            | Expr::Substring { .. }
            | Expr::Trim { .. }
            | Expr::Overlay { .. }
            | Expr::Collate { .. }
            | Expr::Nested(_)
            | Expr::Value(_)
            | Expr::Prefixed { .. }
            | Expr::TypedString(_)
            | Expr::Function(_)
            | Expr::Case { .. }
            | Expr::Exists { .. }
            | Expr::Subquery(_)
            | Expr::GroupingSets(_)
            | Expr::Cube(_)
            | Expr::Rollup(_)
            | Expr::Tuple(_)
            | Expr::Named { .. }
            | Expr::Dictionary(_)
            | Expr::Map(_)
            | Expr::Array(_)
            | Expr::Interval(_)
            | Expr::MatchAgainst { .. }
            | Expr::Wildcard(_)
            | Expr::QualifiedWildcard(..)
            | Expr::Lambda(_)
            | Expr::MemberOf(_) => ControlFlow::Continue(()),
            _ => not_reading("an expression of another dialect", expr.span()),
        }
    }
}

impl Shape<'_> {
    fn table_function(&self, name: &ObjectName) -> Verdict {
        let known = match name.0.as_slice() {
            [ObjectNamePart::Identifier(name)] => self
                .rules
                .table_functions
                .iter()
                .any(|known| known.eq_ignore_ascii_case(&name.value)),
            _ => false,
        };
        if known {
            return ControlFlow::Continue(());
        }
        let message = format!(
            "The table function {name} may not be called: it is not known to only read this database."
        );
        refuse(Reason::Function, message, name.span())
    }
}

/// The arms of a set operation may be as many as the text is long.
fn body_reads(body: &SetExpr) -> Verdict {
    let mut waiting = vec![body];
    while let Some(body) = waiting.pop() {
        match body {
            SetExpr::Select(_) | SetExpr::Query(_) | SetExpr::Values(_) | SetExpr::Table(_) => {}
            SetExpr::SetOperation {
                left,
                op: _,
                set_quantifier: _,
                right,
            } => waiting.extend([right.as_ref(), left.as_ref()]),
            SetExpr::Insert(statement)
            | SetExpr::Update(statement)
            | SetExpr::Delete(statement)
            | SetExpr::Merge(statement) => {
                let message = "Only a reading statement may be run, also inside of another one.";
                return refuse(Reason::Statement, message, statement.span());
            }
        }
    }
    ControlFlow::Continue(())
}
