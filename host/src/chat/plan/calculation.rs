//! The calculation of a metric as an expression over live columns.
//!
//! A Business DataPoint says it in words or in SQL. It can be computed if it is an expression of a small grammar:
//! arithmetic, comparisons, CASE and a few functions over aggregates of columns that are there. Everything else
//! is prose to us, and the metric can be defined but not computed. Columns are written as the model knows them:
//! `table.column`, where the table is its number.

use sqlparser::ast::{
    BinaryOperator, CaseWhen, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments,
    Ident, UnaryOperator, Value, ValueWithSpan,
};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use super::model::Model;

const AGGREGATES: [&str; 5] = ["SUM", "AVG", "COUNT", "MIN", "MAX"];
const SCALARS: [&str; 4] = ["COALESCE", "NULLIF", "ABS", "ROUND"];
/// Deeper expressions are no metrics.
const DEPTH: usize = 30;

/// A calculation that was understood.
#[derive(Debug, Clone)]
pub struct Calculation {
    pub expr: Expr,
    /// Every table that it looks at, each once.
    pub tables: Vec<usize>,
    /// The columns of time that it looks at, each once.
    pub moments: Vec<(usize, String)>,
    pub additive: bool,
    /// It is the number of rows of this table, and nothing else.
    pub counts: Option<usize>,
}

/// Reads a calculation; `related` are the tables that a column without a table may be of. `None` if it is none
/// that can be computed.
pub fn read(text: &str, related: &[usize], model: &Model) -> Option<Calculation> {
    let dialect = PostgreSqlDialect {};
    let mut parser = Parser::new(&dialect)
        .with_recursion_limit(DEPTH)
        .try_with_sql(text)
        .ok()?;
    let mut expr = parser.parse_expr().ok()?;
    if parser.peek_token().token != Token::EOF {
        return None;
    }
    let mut reader = Reader {
        model,
        related,
        tables: Vec::new(),
        moments: Vec::new(),
        aggregates: 0,
    };
    reader.visit(&mut expr, false)?;
    if reader.aggregates == 0 {
        return None;
    }
    if reader.tables.is_empty() {
        // `COUNT(*)`
        let [only] = related else { return None };
        reader.tables.push(*only);
    }
    let (additive, counts) = shape(&expr, &reader.tables, model);
    Some(Calculation {
        expr,
        tables: reader.tables,
        moments: reader.moments,
        additive,
        counts,
    })
}

/// How a column of a calculation is written.
pub fn marker(table: usize, column: &str) -> Expr {
    Expr::CompoundIdentifier(vec![
        Ident::new(table.to_string()),
        Ident::with_quote('"', column),
    ])
}

/// The table and column of a [`marker`].
pub fn marked(parts: &[Ident]) -> Option<(usize, &str)> {
    match parts {
        [table, column] => Some((table.value.parse().ok()?, &column.value)),
        _ => None,
    }
}

struct Reader<'a> {
    model: &'a Model,
    related: &'a [usize],
    tables: Vec<usize>,
    moments: Vec<(usize, String)>,
    aggregates: usize,
}

impl Reader<'_> {
    /// Rewrites the columns; `None` for what is not of the grammar. `inside`: within an aggregate.
    fn visit(&mut self, expr: &mut Expr, inside: bool) -> Option<()> {
        match expr {
            Expr::Identifier(column) => {
                let column = std::slice::from_ref(column).to_vec();
                *expr = self.column(&column, inside)?;
            }
            Expr::CompoundIdentifier(parts) => {
                let parts = parts.clone();
                *expr = self.column(&parts, inside)?;
            }
            Expr::Value(ValueWithSpan { value, .. }) => match value {
                Value::Number(..) | Value::Boolean(_) | Value::Null => {}
                // Engines disagree about what a backslash means.
                Value::SingleQuotedString(text) if !text.contains('\\') => {}
                _ => return None,
            },
            Expr::Nested(inner)
            | Expr::IsNull(inner)
            | Expr::IsNotNull(inner)
            | Expr::IsTrue(inner)
            | Expr::IsFalse(inner)
            | Expr::UnaryOp {
                op: UnaryOperator::Minus | UnaryOperator::Plus | UnaryOperator::Not,
                expr: inner,
            } => self.visit(inner, inside)?,
            Expr::BinaryOp { left, op, right } => {
                if !is_plain(op) {
                    return None;
                }
                self.visit(left, inside)?;
                self.visit(right, inside)?;
            }
            Expr::Between {
                expr, low, high, ..
            } => {
                for part in [expr, low, high] {
                    self.visit(part, inside)?;
                }
            }
            Expr::InList { expr, list, .. } => {
                self.visit(expr, inside)?;
                for item in list {
                    self.visit(item, inside)?;
                }
            }
            Expr::Case {
                operand,
                conditions,
                else_result,
                ..
            } => {
                for part in [operand, else_result].into_iter().flatten() {
                    self.visit(part, inside)?;
                }
                for CaseWhen { condition, result } in conditions {
                    self.visit(condition, inside)?;
                    self.visit(result, inside)?;
                }
            }
            Expr::Function(function) => self.function(function, inside)?,
            _ => return None,
        }
        Some(())
    }

    fn function(&mut self, function: &mut Function, inside: bool) -> Option<()> {
        let name = function.name.to_string().to_uppercase();
        let aggregate = AGGREGATES.contains(&name.as_str());
        let plain = function.over.is_none()
            && function.filter.is_none()
            && function.null_treatment.is_none()
            && function.within_group.is_empty()
            && matches!(function.parameters, FunctionArguments::None);
        if !plain || !aggregate && !SCALARS.contains(&name.as_str()) || aggregate && inside {
            return None;
        }
        self.aggregates += usize::from(aggregate);
        let FunctionArguments::List(list) = &mut function.args else {
            return None;
        };
        if !list.clauses.is_empty() {
            return None;
        }
        for argument in &mut list.args {
            match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => {
                    self.visit(expr, inside || aggregate)?;
                }
                FunctionArg::Unnamed(FunctionArgExpr::Wildcard) if name == "COUNT" => {}
                _ => return None,
            }
        }
        Some(())
    }

    /// A column outside of any aggregate has no one value.
    fn column(&mut self, parts: &[Ident], inside: bool) -> Option<Expr> {
        if !inside {
            return None;
        }
        let (table, name) = match parts {
            [column] => {
                let has =
                    |table: &&usize| self.model.tables[**table].column(&column.value).is_some();
                let mut tables = self.related.iter().filter(has);
                let table = *tables.next()?;
                if tables.next().is_some() {
                    return None;
                }
                (table, &column.value)
            }
            [table, column] => {
                let related = self.related.iter().copied().find(|at| {
                    let name = &self.model.tables[*at].name;
                    name.eq_ignore_ascii_case(&table.value)
                });
                (
                    related.or_else(|| self.model.table(&table.value))?,
                    &column.value,
                )
            }
            [schema, table, column] => (
                self.model.table_of(&schema.value, &table.value)?,
                &column.value,
            ),
            _ => return None,
        };
        let column = self.model.tables[table].column(name)?;
        if !self.tables.contains(&table) {
            self.tables.push(table);
        }
        let moment = (table, column.name.clone());
        if column.kind.is_temporal() && !self.moments.contains(&moment) {
            self.moments.push(moment);
        }
        Some(marker(table, &column.name))
    }
}

/// `SUM(CASE WHEN condition THEN value ELSE 0 END)` as `SUM(value)` and its condition: the same where rows without
/// the condition make no group of their own.
pub fn conditional(expr: &Expr) -> Option<(Expr, Expr)> {
    let Expr::Function(function) = expr else {
        return None;
    };
    let mut function = function.clone();
    if !function.name.to_string().eq_ignore_ascii_case("SUM") {
        return None;
    }
    let FunctionArguments::List(list) = &mut function.args else {
        return None;
    };
    let [FunctionArg::Unnamed(FunctionArgExpr::Expr(argument))] = list.args.as_mut_slice() else {
        return None;
    };
    let Expr::Case {
        operand: None,
        conditions,
        else_result,
        ..
    } = argument
    else {
        return None;
    };
    let [CaseWhen { condition, result }] = conditions.as_slice() else {
        return None;
    };
    let nought = match else_result.as_deref() {
        None => true,
        Some(Expr::Value(ValueWithSpan {
            value: Value::Number(digits, _),
            ..
        })) => digits == "0",
        Some(_) => false,
    };
    if !nought || list.duplicate_treatment.is_some() {
        return None;
    }
    let (condition, result) = (condition.clone(), result.clone());
    *argument = result;
    Some((Expr::Function(function), condition))
}

fn is_plain(op: &BinaryOperator) -> bool {
    use BinaryOperator as Op;
    matches!(
        op,
        Op::Plus
            | Op::Minus
            | Op::Multiply
            | Op::Divide
            | Op::Eq
            | Op::NotEq
            | Op::Lt
            | Op::LtEq
            | Op::Gt
            | Op::GtEq
            | Op::And
            | Op::Or
    )
}

/// Whether parts add up to the whole, and the table whose rows are counted.
fn shape(expr: &Expr, tables: &[usize], model: &Model) -> (bool, Option<usize>) {
    let function = match expr {
        Expr::Nested(inner) => return shape(inner, tables, model),
        Expr::Function(function) => function,
        _ => return (false, None),
    };
    let FunctionArguments::List(list) = &function.args else {
        return (false, None);
    };
    if list.duplicate_treatment.is_some() {
        return (false, None);
    }
    match function.name.to_string().to_uppercase().as_str() {
        "SUM" => (true, None),
        "COUNT" => {
            let counts = match list.args.as_slice() {
                [FunctionArg::Unnamed(FunctionArgExpr::Wildcard)] => tables.first().copied(),
                [FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::CompoundIdentifier(parts)))] => {
                    marked(parts).and_then(|(table, column)| {
                        let column = model.tables[table].column(column)?;
                        (!column.nullable).then_some(table)
                    })
                }
                _ => None,
            };
            (true, counts)
        }
        _ => (false, None),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::shop;
    use super::*;
    use crate::plugins::Dialect;

    #[test]
    fn what_is_an_expression_over_live_columns_can_be_computed_and_nothing_else() {
        let model = shop(Dialect::Postgresql).0;
        let tables: Vec<usize> = ["orders", "customers"]
            .iter()
            .filter_map(|name| model.table(name))
            .collect();
        for (text, computed) in [
            ("COUNT(*)", false),
            ("COUNT(orders.order_id)", true),
            ("COUNT(DISTINCT orders.customer_id)", true),
            ("SUM(CASE WHEN channel = 'online' THEN 1 ELSE 0 END)", true),
            (
                "1.0 * COUNT(left_on) / NULLIF(COUNT(customers.customer_id), 0)",
                true,
            ),
            ("AVG(public.customers.customer_id)", true),
            (
                "COALESCE(MAX(orders.placed_at), MIN(orders.placed_at))",
                true,
            ),
            // Of two tables.
            ("COUNT(customer_id)", false),
            ("COUNT(orders.nothing)", false),
            ("orders.order_id", false),
            ("SUM(orders.order_id) + orders.order_id", false),
            ("SUM(SUM(orders.order_id))", false),
            ("pg_sleep(10)", false),
            ("SUM(pg_sleep(orders.order_id))", false),
            ("SUM((SELECT 1))", false),
            ("COUNT(orders.order_id); DROP TABLE orders", false),
            ("COUNT(orders.order_id) -- the rest", true),
            ("SUM(orders.order_id) OVER ()", false),
            ("SUM(CASE WHEN channel = 'a\\b' THEN 1 END)", false),
            ("Orders, less those that were sent back.", false),
        ] {
            assert_eq!(read(text, &tables, &model).is_some(), computed, "{text}");
        }
    }

    #[test]
    fn a_sum_and_a_count_add_up_and_a_count_of_keys_counts_rows() {
        let model = shop(Dialect::Postgresql).0;
        let orders = model.table("orders").expect("orders");
        let shape = |text: &str| {
            let found = read(text, &[orders], &model).expect(text);
            (found.additive, found.counts)
        };
        assert_eq!(shape("COUNT(*)"), (true, Some(orders)));
        assert_eq!(shape("COUNT(orders.order_id)"), (true, Some(orders)));
        assert_eq!(shape("COUNT(orders.courier_id)"), (true, None));
        assert_eq!(shape("COUNT(DISTINCT orders.customer_id)"), (false, None));
        assert_eq!(shape("SUM(orders.order_id)"), (true, None));
        assert_eq!(shape("AVG(orders.order_id)"), (false, None));
        assert_eq!(shape("SUM(orders.order_id) / COUNT(*)"), (false, None));
    }
}
