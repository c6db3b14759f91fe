//! What a statement does, ready to run: names and types are settled.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

use datachat_sdk::connector::types::DbError;
use sqlparser::ast::{
    Expr as Ast, FunctionArg, FunctionArgExpr, FunctionArguments, OrderByExpr, OrderBySort,
    SelectItem, SelectItemQualifiedWildcardKind, Spanned, Value as Literal,
    WildcardAdditionalOptions,
};

use super::aggregate::{Aggregate, Function};
use super::expr::Expr;
use super::read::{self, Parsed, Text};
use super::resolve::{Grouping, Scope, Typed};
use crate::error::{self, syntax, undefined, unsupported};
use crate::folder::{Folder, Table};
use crate::value::{Type, Value};

/// A statement over one file, or over none.
#[derive(Debug)]
pub struct Plan {
    pub table: Option<Rc<Table>>,
    /// Which of the file's columns are needed.
    pub used: Vec<bool>,
    pub filter: Option<Expr>,
    pub groups: Option<Groups>,
    pub having: Option<Expr>,
    pub items: Vec<Item>,
    pub distinct: bool,
    pub order: Vec<Sort>,
    pub offset: u64,
    pub limit: Option<u64>,
}

/// How rows are put together.
#[derive(Debug)]
pub struct Groups {
    pub keys: Vec<Expr>,
    pub aggregates: Vec<Aggregate>,
}

/// A column of the result.
#[derive(Debug)]
pub struct Item {
    pub name: String,
    pub expr: Expr,
    pub kind: Type,
    pub nullable: bool,
}

/// One key of the order.
#[derive(Debug)]
pub struct Sort {
    pub expr: Expr,
    pub descending: bool,
    pub nulls_first: bool,
}

/// Plans a statement.
///
/// # Errors
/// What is wrong with the statement, or with the file that it names.
pub fn plan(
    sql: &str,
    params: &[Value],
    folder: &mut Folder,
    deadline: Option<Instant>,
) -> Result<Plan, DbError> {
    let parsed = read::read(sql)?;
    let table = match &parsed.from {
        None => None,
        Some(from) => {
            if let Some(schema) = &from.schema
                && schema.to_lowercase() != folder.schema().to_lowercase()
            {
                return Err(undefined(
                    format!(
                        "there is no schema {schema}; the folder is {}",
                        folder.schema()
                    ),
                    from.position,
                ));
            }
            Some(folder.table(&from.table, deadline, from.position)?)
        }
    };
    let columns = table.as_ref().map_or(0, |table| table.columns.len());
    let mut scope = Scope {
        text: Text(sql),
        table: table.as_deref(),
        alias: parsed.from.as_ref().and_then(|from| from.alias.as_deref()),
        params,
        used: RefCell::new(vec![false; columns]),
        grouping: None,
    };
    let filter = match &parsed.filter {
        Some(filter) => Some(scope.condition(filter, false)?),
        None => None,
    };
    if groups(&parsed) {
        let keys = parsed
            .group
            .iter()
            .map(|key| group_key(&scope, key, &parsed.items));
        scope.grouping = Some(Grouping {
            keys: keys.collect::<Result<_, _>>()?,
            ..Grouping::default()
        });
    }
    let items = items(&scope, &parsed.items)?;
    let having = match &parsed.having {
        Some(having) => Some(scope.condition(having, true)?),
        None => None,
    };
    let order = parsed
        .order
        .iter()
        .map(|by| sort(&scope, by, &items, parsed.distinct))
        .collect::<Result<Vec<_>, _>>()?;
    let limit = count(&scope, parsed.limit.as_ref(), "LIMIT")?;
    let offset = count(&scope, parsed.offset.as_ref(), "OFFSET")?.unwrap_or(0);
    let groups = scope.grouping.take().map(|grouping| Groups {
        keys: grouping.keys.into_iter().map(|(key, _)| key).collect(),
        aggregates: grouping.aggregates.into_inner(),
    });
    let used = scope.used.into_inner();
    Ok(Plan {
        used,
        filter,
        groups,
        having,
        items,
        distinct: parsed.distinct,
        order,
        offset,
        limit,
        table,
    })
}

/// Whether a statement puts rows together.
fn groups(parsed: &Parsed) -> bool {
    let in_item = |item: &SelectItem| match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => aggregates(expr),
        _ => false,
    };
    !parsed.group.is_empty()
        || parsed.having.is_some()
        || parsed.items.iter().any(in_item)
        || parsed.order.iter().any(|by| aggregates(&by.expr))
}

/// Whether an aggregate stands in an expression.
fn aggregates(ast: &Ast) -> bool {
    match ast {
        Ast::Function(call) => match call.name.0.as_slice() {
            [part] => part
                .as_ident()
                .is_some_and(|name| Function::named(&name.value).is_some()),
            _ => match &call.args {
                FunctionArguments::List(list) => list.args.iter().any(|arg| match arg {
                    FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => aggregates(expr),
                    _ => false,
                }),
                _ => false,
            },
        },
        Ast::Nested(inner)
        | Ast::IsNull(inner)
        | Ast::IsNotNull(inner)
        | Ast::UnaryOp { expr: inner, .. } => aggregates(inner),
        Ast::BinaryOp { left, right, .. } => aggregates(left) || aggregates(right),
        Ast::Between {
            expr, low, high, ..
        } => aggregates(expr) || aggregates(low) || aggregates(high),
        Ast::InList { expr, list, .. } => aggregates(expr) || list.iter().any(aggregates),
        Ast::Like { expr, pattern, .. } | Ast::ILike { expr, pattern, .. } => {
            aggregates(expr) || aggregates(pattern)
        }
        Ast::Case {
            operand,
            conditions,
            else_result,
            ..
        } => {
            let inside = |ast: &Option<Box<Ast>>| ast.as_deref().is_some_and(aggregates);
            let branch = conditions
                .iter()
                .any(|when| aggregates(&when.condition) || aggregates(&when.result));
            branch || inside(operand) || inside(else_result)
        }
        _ => false,
    }
}

/// A key of GROUP BY: the number or the alias of an item, or an expression.
fn group_key(scope: &Scope<'_>, key: &Ast, items: &[SelectItem]) -> Result<Typed, DbError> {
    let position = || scope.text.position(key.span());
    if let Some(number) = ordinal(key) {
        let item = number.checked_sub(1).and_then(|at| items.get(at));
        return match item {
            Some(SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) => {
                scope.resolve_ungrouped(expr)
            }
            _ => Err(syntax(
                format!("there is no column {number} in the result"),
                position(),
            )),
        };
    }
    let resolved = scope.resolve_ungrouped(key);
    if let (Err(_), Ast::Identifier(name)) = (&resolved, key) {
        for item in items {
            if let SelectItem::ExprWithAlias { expr, alias } = item
                && alias.value == name.value
            {
                return scope.resolve_ungrouped(expr);
            }
        }
    }
    resolved
}

fn items(scope: &Scope<'_>, asked: &[SelectItem]) -> Result<Vec<Item>, DbError> {
    let mut items = Vec::new();
    for item in asked {
        let position = || scope.text.position(item.span());
        match item {
            SelectItem::UnnamedExpr(expr) => items.push(one(scope, expr, None)?),
            SelectItem::ExprWithAlias { expr, alias } => {
                items.push(one(scope, expr, Some(alias.value.clone()))?);
            }
            SelectItem::Wildcard(options) => all(scope, options, position(), &mut items)?,
            SelectItem::QualifiedWildcard(
                SelectItemQualifiedWildcardKind::ObjectName(name),
                options,
            ) => {
                let table = scope.table.map(|table| table.name.as_str());
                let known = scope.alias.or(table).unwrap_or_default();
                let same = match name.0.as_slice() {
                    [part] => part
                        .as_ident()
                        .is_some_and(|name| name.value.to_lowercase() == known.to_lowercase()),
                    _ => false,
                };
                if !same {
                    return Err(undefined(format!("there is no table {name}"), position()));
                }
                all(scope, options, position(), &mut items)?;
            }
            SelectItem::QualifiedWildcard(..) | SelectItem::ExprWithAliases { .. } => {
                return Err(unsupported("this kind of column", position()));
            }
        }
    }
    Ok(items)
}

fn one(scope: &Scope<'_>, ast: &Ast, alias: Option<String>) -> Result<Item, DbError> {
    let (expr, kind) = scope.resolve(ast)?;
    let column = match (&expr, &scope.grouping, scope.table) {
        (Expr::Column(at), None, Some(table)) => table.columns.get(*at),
        _ => None,
    };
    let name = alias.unwrap_or_else(|| match (column, ast) {
        (Some(column), _) => column.name.clone(),
        (None, Ast::Function(call)) => call.name.to_string().to_lowercase(),
        (None, Ast::Identifier(name)) => name.value.clone(),
        (None, other) => other.to_string(),
    });
    Ok(Item {
        name,
        nullable: column.is_none_or(|column| column.nullable),
        expr,
        kind: kind.unwrap_or(Type::Text),
    })
}

/// `*`: every column of the file, in its order.
fn all(
    scope: &Scope<'_>,
    options: &WildcardAdditionalOptions,
    position: Option<u32>,
    items: &mut Vec<Item>,
) -> Result<(), DbError> {
    let plain = WildcardAdditionalOptions {
        wildcard_token: options.wildcard_token.clone(),
        ..WildcardAdditionalOptions::default()
    };
    if *options != plain {
        return Err(unsupported("an option of *", position));
    }
    if scope.grouping.is_some() {
        return Err(syntax(
            "* can't stand beside GROUP BY or an aggregate",
            position,
        ));
    }
    let table = scope
        .table
        .ok_or_else(|| syntax("* needs a table", position))?;
    scope.used.borrow_mut().fill(true);
    items.extend(table.columns.iter().enumerate().map(|(at, column)| Item {
        name: column.name.clone(),
        expr: Expr::Column(at),
        kind: column.kind,
        nullable: column.nullable,
    }));
    Ok(())
}

/// A key of ORDER BY: the number or the name of a column of the result, or an expression.
fn sort(
    scope: &Scope<'_>,
    by: &OrderByExpr,
    items: &[Item],
    distinct: bool,
) -> Result<Sort, DbError> {
    let position = scope.text.position(by.expr.span());
    let named = |name: &str| items.iter().find(|item| item.name == name);
    let expr = match (ordinal(&by.expr), &by.expr) {
        (Some(number), _) => number
            .checked_sub(1)
            .and_then(|at| items.get(at))
            .map(|item| item.expr.clone())
            .ok_or_else(|| {
                syntax(
                    format!("there is no column {number} in the result"),
                    position,
                )
            })?,
        (None, Ast::Identifier(name)) if named(&name.value).is_some() => {
            named(&name.value).map_or(Expr::Literal(Value::Null), |item| item.expr.clone())
        }
        (None, ast) => scope.resolve(ast)?.0,
    };
    if distinct && !items.iter().any(|item| item.expr == expr) {
        return Err(syntax(
            "with DISTINCT, ORDER BY takes columns of the result",
            position,
        ));
    }
    let descending = match by.options.sort {
        None | Some(OrderBySort::Asc) => false,
        Some(OrderBySort::Desc) => true,
        Some(OrderBySort::Using(_)) => return Err(unsupported("ORDER BY … USING", position)),
    };
    Ok(Sort {
        expr,
        descending,
        nulls_first: by.options.nulls_first.unwrap_or(descending),
    })
}

/// A whole number that stands for a column of the result.
fn ordinal(ast: &Ast) -> Option<usize> {
    match ast {
        Ast::Value(value) => match &value.value {
            Literal::Number(text, _) => text.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

fn count(scope: &Scope<'_>, ast: Option<&Ast>, what: &str) -> Result<Option<u64>, DbError> {
    let Some(ast) = ast else { return Ok(None) };
    match scope.resolve_ungrouped(ast)?.0 {
        Expr::Literal(Value::Null) => Ok(None),
        Expr::Literal(Value::Integer(n)) if n >= 0 => Ok(u64::try_from(n).ok()),
        _ => Err(DbError {
            position: scope.text.position(ast.span()),
            ..error::data(format!("{what} takes a whole number from 0 up"))
        }),
    }
}
