//! Names and types of the expressions of a statement.

use std::cell::RefCell;

use datachat_sdk::connector::types::DbError;
use sqlparser::ast::{
    BinaryOperator, CaseWhen, DuplicateTreatment, Expr as Ast, Function as Call, FunctionArg,
    FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident, Spanned, UnaryOperator,
    Value as Literal,
};

use super::aggregate::{Aggregate, Function};
use super::expr::{Comparison, Expr, Operation};
use super::read::Text;
use crate::error::{self, data, undefined, unsupported};
use crate::folder::Table;
use crate::value::{Type, Value};

/// An expression and its type; none where it is always NULL.
pub type Typed = (Expr, Option<Type>);

/// How many expressions may be inside each other.
const DEEPEST: usize = 100;

/// What names mean in a statement.
pub struct Scope<'a> {
    pub text: Text<'a>,
    pub table: Option<&'a Table>,
    pub alias: Option<&'a str>,
    pub params: &'a [Value],
    /// Which columns of the file are read.
    pub used: RefCell<Vec<bool>>,
    /// Of a statement that groups: its keys, and the aggregates met so far.
    pub grouping: Option<Grouping>,
}

/// The row of a group: keys first, then aggregates.
#[derive(Default)]
pub struct Grouping {
    pub keys: Vec<Typed>,
    pub aggregates: RefCell<Vec<Aggregate>>,
}

impl Scope<'_> {
    /// An expression over the rows that the statement has where it stands: those of the file, or groups.
    pub fn resolve(&self, ast: &Ast) -> Result<Typed, DbError> {
        self.expr(ast, self.grouping.as_ref(), 0)
    }

    /// An expression over the rows of the file.
    pub fn resolve_ungrouped(&self, ast: &Ast) -> Result<Typed, DbError> {
        self.expr(ast, None, 0)
    }

    /// As [`Scope::resolve`], of a condition.
    pub fn condition(&self, ast: &Ast, grouped: bool) -> Result<Expr, DbError> {
        let typed = if grouped {
            self.resolve(ast)?
        } else {
            self.resolve_ungrouped(ast)?
        };
        self.boolean(typed, ast)
    }

    fn expr(&self, ast: &Ast, groups: Option<&Grouping>, depth: usize) -> Result<Typed, DbError> {
        if depth > DEEPEST {
            return Err(error::limit("the statement is nested too deeply"));
        }
        if let Some(groups) = groups
            && let Some(key) = self.key(ast, groups)
        {
            return Ok(key);
        }
        let sub = |ast: &Ast| self.expr(ast, groups, depth + 1);
        let here = || self.text.position(ast.span());
        match ast {
            Ast::Nested(inner) => sub(inner),
            Ast::Identifier(name) => self.column(std::slice::from_ref(name), groups.is_some()),
            Ast::CompoundIdentifier(names) => self.column(names, groups.is_some()),
            Ast::Value(value) => self.literal(&value.value, here()),
            Ast::BinaryOp { left, op, right } => {
                self.binary(sub(left)?, op, sub(right)?, left, right, here())
            }
            Ast::UnaryOp { op, expr } => match op {
                UnaryOperator::Not => {
                    let inner = self.boolean(sub(expr)?, expr)?;
                    Ok((Expr::Not(Box::new(inner)), Some(Type::Boolean)))
                }
                UnaryOperator::Minus => negate(sub(expr)?, here()),
                UnaryOperator::Plus => sub(expr),
                _ => Err(unsupported("this operator", here())),
            },
            Ast::IsNull(inner) => Ok((is_null(sub(inner)?.0), Some(Type::Boolean))),
            Ast::IsNotNull(inner) => Ok((not(is_null(sub(inner)?.0)), Some(Type::Boolean))),
            Ast::Between {
                expr,
                negated,
                low,
                high,
            } => {
                let from = compare(Comparison::GreaterOrEqual, sub(expr)?, sub(low)?, here())?;
                let to = compare(Comparison::LessOrEqual, sub(expr)?, sub(high)?, here())?;
                let both = Expr::And(Box::new(from), Box::new(to));
                Ok((negated_if(*negated, both), Some(Type::Boolean)))
            }
            Ast::InList {
                expr,
                list,
                negated,
            } => {
                let (mut wanted, mut kind) = sub(expr)?;
                let mut items = Vec::with_capacity(list.len());
                for item in list {
                    let (left, right) = agree((wanted, kind), sub(item)?, here())?;
                    (wanted, kind) = left;
                    items.push(right.0);
                }
                let inside = Expr::In(Box::new(wanted), items);
                Ok((negated_if(*negated, inside), Some(Type::Boolean)))
            }
            Ast::Like {
                negated,
                any: false,
                expr,
                pattern,
                escape_char: None,
            } => like(sub(expr)?, sub(pattern)?, false, *negated, here()),
            Ast::ILike {
                negated,
                any: false,
                expr,
                pattern,
                escape_char: None,
            } => like(sub(expr)?, sub(pattern)?, true, *negated, here()),
            Ast::Case {
                case_token: _,
                end_token: _,
                operand,
                conditions,
                else_result,
            } => {
                let operand = operand.as_deref().map(&sub).transpose()?;
                self.case(
                    operand.as_ref(),
                    conditions,
                    else_result.as_deref(),
                    &sub,
                    here(),
                )
            }
            Ast::Function(call) => self.call(call, groups, here()),
            _ => Err(unsupported("this expression", here())),
        }
    }

    /// The key of a group that an expression is, read over the file.
    fn key(&self, ast: &Ast, groups: &Grouping) -> Option<Typed> {
        // What does not resolve is none; its error is found again where it belongs.
        let (expr, kind) = self.expr(ast, None, 0).ok()?;
        let at = groups.keys.iter().position(|(key, _)| *key == expr)?;
        (!matches!(expr, Expr::Literal(_))).then_some((Expr::Column(at), kind))
    }

    fn column(&self, names: &[Ident], grouped: bool) -> Result<Typed, DbError> {
        let position = names.first().and_then(|name| self.text.position(name.span));
        let shown = || {
            let names: Vec<&str> = names.iter().map(|name| name.value.as_str()).collect();
            names.join(".")
        };
        let missing = || undefined(format!("there is no column {}", shown()), position);
        let table = self.table.ok_or_else(missing)?;
        let (name, qualifier) = names.split_last().ok_or_else(missing)?;
        let same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
        let qualified = match qualifier {
            [] => true,
            [one] => same(&one.value, self.alias.unwrap_or(&table.name)),
            [schema, one] => {
                self.alias.is_none()
                    && same(&schema.value, &table.schema)
                    && same(&one.value, &table.name)
            }
            _ => false,
        };
        if !qualified {
            return Err(missing());
        }
        let columns = || table.columns.iter().enumerate();
        let exact = columns().find(|(_, column)| column.name == name.value);
        let mut alike = columns().filter(|(_, column)| same(&column.name, &name.value));
        let (at, column) = match (exact, alike.next(), alike.next()) {
            (Some(exact), ..) => exact,
            (None, Some(only), None) => only,
            (None, Some(_), Some(_)) => {
                return Err(undefined(
                    format!("several columns differ from {} in case only", shown()),
                    position,
                ));
            }
            (None, None, _) => return Err(missing()),
        };
        if grouped {
            return Err(error::syntax(
                format!("{} must be in GROUP BY or inside an aggregate", shown()),
                position,
            ));
        }
        if let Some(used) = self.used.borrow_mut().get_mut(at) {
            *used = true;
        }
        Ok((Expr::Column(at), Some(column.kind)))
    }

    fn literal(&self, literal: &Literal, position: Option<u32>) -> Result<Typed, DbError> {
        let value = match literal {
            Literal::Null => Value::Null,
            Literal::Boolean(value) => Value::Boolean(*value),
            Literal::SingleQuotedString(text) => Value::Text(text.clone()),
            Literal::Number(text, _) => number(text)
                .ok_or_else(|| error::syntax(format!("{text} is no number"), position))?,
            Literal::Placeholder(name) => {
                let at = name.strip_prefix('$').and_then(|n| n.parse::<usize>().ok());
                let value = at.and_then(|at| self.params.get(at.checked_sub(1)?));
                value.cloned().ok_or_else(|| {
                    let given = self.params.len();
                    error::syntax(
                        format!("there is no parameter {name}; {given} were given"),
                        position,
                    )
                })?
            }
            _ => return Err(unsupported("this kind of literal", position)),
        };
        let kind = value.kind();
        Ok((Expr::Literal(value), kind))
    }

    fn binary(
        &self,
        left: Typed,
        op: &BinaryOperator,
        right: Typed,
        left_ast: &Ast,
        right_ast: &Ast,
        position: Option<u32>,
    ) -> Result<Typed, DbError> {
        let comparison = match op {
            BinaryOperator::Eq => Some(Comparison::Equal),
            BinaryOperator::NotEq => Some(Comparison::NotEqual),
            BinaryOperator::Lt => Some(Comparison::Less),
            BinaryOperator::LtEq => Some(Comparison::LessOrEqual),
            BinaryOperator::Gt => Some(Comparison::Greater),
            BinaryOperator::GtEq => Some(Comparison::GreaterOrEqual),
            _ => None,
        };
        if let Some(comparison) = comparison {
            let expr = compare(comparison, left, right, position)?;
            return Ok((expr, Some(Type::Boolean)));
        }
        if matches!(op, BinaryOperator::And | BinaryOperator::Or) {
            let left = Box::new(self.boolean(left, left_ast)?);
            let right = Box::new(self.boolean(right, right_ast)?);
            let expr = if *op == BinaryOperator::And {
                Expr::And(left, right)
            } else {
                Expr::Or(left, right)
            };
            return Ok((expr, Some(Type::Boolean)));
        }
        let operation = match op {
            BinaryOperator::Plus => Operation::Add,
            BinaryOperator::Minus => Operation::Subtract,
            BinaryOperator::Multiply => Operation::Multiply,
            BinaryOperator::Divide => Operation::Divide,
            BinaryOperator::Modulo => Operation::Remainder,
            _ => return Err(unsupported("this operator", position)),
        };
        let kind = match (left.1, right.1) {
            (None, None) => None,
            (a, b) if a.is_none_or(Type::is_number) && b.is_none_or(Type::is_number) => {
                let float = [a, b].contains(&Some(Type::Float));
                Some(if float { Type::Float } else { Type::Integer })
            }
            _ => return Err(mismatch("arithmetic takes numbers", position)),
        };
        let expr = Expr::Arithmetic(operation, Box::new(left.0), Box::new(right.0));
        Ok((expr, kind))
    }

    fn case(
        &self,
        operand: Option<&Typed>,
        conditions: &[CaseWhen],
        otherwise: Option<&Ast>,
        sub: &dyn Fn(&Ast) -> Result<Typed, DbError>,
        position: Option<u32>,
    ) -> Result<Typed, DbError> {
        let mut branches = Vec::with_capacity(conditions.len());
        let mut kind = None;
        let mut results = Vec::with_capacity(conditions.len() + 1);
        for CaseWhen { condition, result } in conditions {
            let condition = match operand {
                Some(operand) => compare(
                    Comparison::Equal,
                    operand.clone(),
                    sub(condition)?,
                    position,
                )?,
                None => self.boolean(sub(condition)?, condition)?,
            };
            branches.push(condition);
            results.push(sub(result)?);
        }
        results.push(match otherwise {
            Some(otherwise) => sub(otherwise)?,
            None => (Expr::Literal(Value::Null), None),
        });
        for (_, of_result) in &results {
            kind = match (kind, *of_result) {
                (None, kind) | (kind, None) => kind,
                (Some(a), Some(b)) if a == b => Some(a),
                (Some(a), Some(b)) if a.is_number() && b.is_number() => Some(Type::Float),
                _ => return Err(mismatch("the results of CASE differ in type", position)),
            };
        }
        let mut results: Vec<Expr> = results.into_iter().map(|(expr, _)| expr).collect();
        let last = results.pop().unwrap_or(Expr::Literal(Value::Null));
        let branches = branches.into_iter().zip(results).collect();
        Ok((Expr::Case(branches, Box::new(last)), kind))
    }

    fn call(
        &self,
        call: &Call,
        groups: Option<&Grouping>,
        position: Option<u32>,
    ) -> Result<Typed, DbError> {
        let Call {
            name,
            uses_odbc_syntax,
            parameters,
            args,
            within_group,
            filter,
            null_treatment,
            over,
        } = call;
        let plain = !uses_odbc_syntax
            && *parameters == FunctionArguments::None
            && within_group.is_empty()
            && filter.is_none()
            && null_treatment.is_none()
            && over.is_none();
        let function = match name.0.as_slice() {
            [part] => part
                .as_ident()
                .and_then(|name| Function::named(&name.value)),
            _ => None,
        };
        let (Some(function), true, FunctionArguments::List(list)) = (function, plain, args) else {
            return Err(unsupported(&format!("the function {name}"), position));
        };
        let FunctionArgumentList {
            duplicate_treatment,
            args,
            clauses,
        } = list;
        let distinct = *duplicate_treatment == Some(DuplicateTreatment::Distinct);
        let argument = match (args.as_slice(), clauses.is_empty()) {
            ([FunctionArg::Unnamed(FunctionArgExpr::Wildcard)], true)
                if function == Function::Count && !distinct =>
            {
                None
            }
            ([FunctionArg::Unnamed(FunctionArgExpr::Expr(argument))], true) => Some(argument),
            _ => return Err(unsupported("these arguments of an aggregate", position)),
        };
        let Some(groups) = groups else {
            return Err(error::syntax("an aggregate can't stand here", position));
        };
        // Inside it, columns are those of the file, and no other aggregate may stand.
        let argument = argument
            .map(|argument| self.resolve_ungrouped(argument))
            .transpose()?;
        let kind = argument.as_ref().and_then(|(_, kind)| *kind);
        if matches!(function, Function::Sum | Function::Avg) && !kind.is_none_or(Type::is_number) {
            return Err(mismatch("sum and avg take numbers", position));
        }
        let aggregate = Aggregate {
            function,
            argument: argument.map(|(expr, _)| expr),
            kind,
            distinct,
        };
        let result = aggregate.result();
        let mut known = groups.aggregates.borrow_mut();
        let at = known.iter().position(|other| *other == aggregate);
        let at = at.unwrap_or_else(|| {
            known.push(aggregate);
            known.len() - 1
        });
        Ok((Expr::Column(groups.keys.len() + at), result))
    }

    fn boolean(&self, (expr, kind): Typed, ast: &Ast) -> Result<Expr, DbError> {
        if kind.is_none_or(|kind| kind == Type::Boolean) {
            return Ok(expr);
        }
        Err(mismatch(
            "a condition must be true or false",
            self.text.position(ast.span()),
        ))
    }
}

fn negate((expr, kind): Typed, position: Option<u32>) -> Result<Typed, DbError> {
    let expr = match (expr, kind) {
        (Expr::Literal(Value::Integer(n)), _) => Expr::Literal(
            n.checked_neg()
                .map(Value::Integer)
                .ok_or_else(|| data("an integer is out of range"))?,
        ),
        (Expr::Literal(Value::Float(n)), _) => Expr::Literal(Value::Float(-n)),
        (expr, kind) if kind.is_none_or(Type::is_number) => {
            let zero = Box::new(Expr::Literal(Value::Integer(0)));
            Expr::Arithmetic(Operation::Subtract, zero, Box::new(expr))
        }
        _ => return Err(mismatch("a sign takes a number", position)),
    };
    Ok((expr, kind))
}

fn like(
    text: Typed,
    pattern: Typed,
    any_case: bool,
    negated: bool,
    position: Option<u32>,
) -> Result<Typed, DbError> {
    let is_text = |kind: Option<Type>| kind.is_none_or(|kind| kind == Type::Text);
    if !is_text(text.1) || !is_text(pattern.1) {
        return Err(mismatch("LIKE takes texts", position));
    }
    let like = Expr::Like {
        text: Box::new(text.0),
        pattern: Box::new(pattern.0),
        any_case,
    };
    Ok((negated_if(negated, like), Some(Type::Boolean)))
}

fn compare(
    how: Comparison,
    left: Typed,
    right: Typed,
    position: Option<u32>,
) -> Result<Expr, DbError> {
    let (left, right) = agree(left, right, position)?;
    Ok(Expr::Compare(how, Box::new(left.0), Box::new(right.0)))
}

/// Makes two sides comparable: a text literal becomes a value of the other side's type.
fn agree(left: Typed, right: Typed, position: Option<u32>) -> Result<(Typed, Typed), DbError> {
    let moment = |kind| matches!(kind, Type::Date | Type::Timestamp);
    match (left.1, right.1) {
        (Some(a), Some(b)) if a == b => Ok((left, right)),
        (None, _) | (_, None) => Ok((left, right)),
        (Some(a), Some(b)) if a.is_number() && b.is_number() => Ok((left, right)),
        (Some(a), Some(b)) if moment(a) && moment(b) => Ok((left, right)),
        (Some(a), Some(Type::Text)) => {
            let right = reread(right, a, position)?;
            Ok((left, right))
        }
        (Some(Type::Text), Some(b)) => {
            let left = reread(left, b, position)?;
            Ok((left, right))
        }
        (Some(a), Some(b)) => Err(mismatch(
            &format!("{} and {} don't compare", a.name(), b.name()),
            position,
        )),
    }
}

fn reread((expr, _): Typed, kind: Type, position: Option<u32>) -> Result<Typed, DbError> {
    let Expr::Literal(Value::Text(text)) = &expr else {
        return Err(mismatch(
            &format!("a text and {} don't compare", kind.name()),
            position,
        ));
    };
    // A timestamp compares with a date, too.
    let value = Value::parse(text, kind)
        .or_else(|| (kind == Type::Date).then(|| Value::parse(text, Type::Timestamp))?)
        .or_else(|| (kind == Type::Timestamp).then(|| Value::parse(text, Type::Date))?)
        .filter(|value| !matches!(value, Value::Null))
        .ok_or_else(|| DbError {
            position,
            ..data(format!("{text:?} is no {}", kind.name()))
        })?;
    let kind = value.kind();
    Ok((Expr::Literal(value), kind))
}

fn number(text: &str) -> Option<Value> {
    if let Ok(integer) = text.parse::<i64>() {
        return Some(Value::Integer(integer));
    }
    let float: f64 = text.parse().ok()?;
    float.is_finite().then_some(Value::Float(float))
}

fn mismatch(message: &str, position: Option<u32>) -> DbError {
    DbError {
        position,
        ..data(message)
    }
}

fn is_null(expr: Expr) -> Expr {
    Expr::IsNull(Box::new(expr))
}

fn not(expr: Expr) -> Expr {
    Expr::Not(Box::new(expr))
}

fn negated_if(negated: bool, expr: Expr) -> Expr {
    if negated { not(expr) } else { expr }
}
