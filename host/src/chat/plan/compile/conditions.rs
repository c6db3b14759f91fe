//! WHERE: the plan's filters, and its spans of time.

use sqlparser::ast::{BinaryOperator, Expr, SelectItem, SetExpr, TableWithJoins};

use super::super::kind::ColumnKind;
use super::super::{ColumnRef, Comparison, Condition, Filter, Plan, PlanError};
use super::{Compiler, binary, joined, sql};

impl Compiler<'_> {
    pub(super) fn filtered(&mut self, plan: &Plan) -> Result<Option<Expr>, PlanError> {
        let mut all = Vec::new();
        for filter in &plan.filters {
            all.push(self.filter(filter)?);
        }
        Ok(joined(all, &BinaryOperator::And))
    }

    pub(super) fn in_time(&mut self, plan: &Plan) -> Result<Option<Expr>, PlanError> {
        let Some(time) = &plan.time else {
            return Ok(None);
        };
        let (expr, column) = self.column(time)?;
        let mut periods = Vec::new();
        for period in &plan.periods {
            periods.push(self.within(&expr, *period, column.kind)?);
        }
        // What has not happened makes no step of a trend.
        if plan.grain.is_some() && periods.is_empty() && column.nullable {
            return Ok(Some(Expr::IsNotNull(Box::new(expr))));
        }
        let several = periods.len() > 1;
        Ok(joined(periods, &BinaryOperator::Or).map(|any| {
            if several {
                Expr::Nested(Box::new(any))
            } else {
                any
            }
        }))
    }

    fn filter(&mut self, filter: &Filter) -> Result<Expr, PlanError> {
        let (expr, column) = self.column(&filter.column)?;
        let needs = |kind: ColumnKind| {
            if column.kind == kind {
                Ok(())
            } else {
                Err(PlanError::Unfit(format!(
                    "such a condition on {}",
                    column.name
                )))
            }
        };
        Ok(match &filter.condition {
            Condition::In(texts) => one_of(expr, texts, false)?,
            Condition::NotIn(texts) => one_of(expr, texts, true)?,
            Condition::Compare(comparison, digits) => {
                needs(ColumnKind::Number)?;
                let operator = match comparison {
                    Comparison::Less => BinaryOperator::Lt,
                    Comparison::AtMost => BinaryOperator::LtEq,
                    Comparison::Equal => BinaryOperator::Eq,
                    Comparison::AtLeast => BinaryOperator::GtEq,
                    Comparison::Greater => BinaryOperator::Gt,
                };
                binary(expr, operator, sql::number(digits)?)
            }
            Condition::Between(low, high) => {
                needs(ColumnKind::Number)?;
                Expr::Between {
                    expr: Box::new(expr),
                    negated: false,
                    low: Box::new(sql::number(low)?),
                    high: Box::new(sql::number(high)?),
                }
            }
            Condition::Is(truth) => {
                needs(ColumnKind::Boolean)?;
                let word = if *truth { "x = TRUE" } else { "x = FALSE" };
                sql::expression(self.dialect, word, &[("x", &expr)])?
            }
            Condition::Used { by, present } => self.used(expr, by, *present)?,
            Condition::Missing => Expr::IsNull(Box::new(expr)),
            Condition::Present => Expr::IsNotNull(Box::new(expr)),
        })
    }

    /// Whether rows of another table lead here.
    fn used(&self, key: Expr, by: &ColumnRef, present: bool) -> Result<Expr, PlanError> {
        let unknown = || PlanError::Unknown {
            name: format!("{}.{}", by.table, by.column),
        };
        let table = self.model.table(&by.table).ok_or_else(unknown)?;
        let table = &self.model.tables[table];
        let column = table.column(&by.column).ok_or_else(unknown)?;
        let column = Expr::Identifier(sql::ident(self.dialect, &column.name)?);
        let (mut query, mut select) = sql::skeleton()?;
        select.projection = vec![SelectItem::UnnamedExpr(column.clone())];
        select.from = vec![TableWithJoins {
            relation: sql::factor(self.dialect, table, None)?,
            joins: Vec::new(),
        }];
        // `NOT IN` of a list with a NULL holds for nothing.
        select.selection = Some(Expr::IsNotNull(Box::new(column)));
        *query.body = SetExpr::Select(Box::new(select));
        Ok(Expr::InSubquery {
            expr: Box::new(key),
            subquery: Box::new(query),
            negated: !present,
        })
    }
}

fn one_of(expr: Expr, texts: &[String], negated: bool) -> Result<Expr, PlanError> {
    let list: Vec<Expr> = texts
        .iter()
        .map(|text| sql::text(text))
        .collect::<Result<_, _>>()?;
    match list.as_slice() {
        [] => Err(PlanError::Unfit("a condition without a value".to_owned())),
        [only] => {
            let operator = if negated {
                BinaryOperator::NotEq
            } else {
                BinaryOperator::Eq
            };
            Ok(binary(expr, operator, only.clone()))
        }
        _ => Ok(Expr::InList {
            expr: Box::new(expr),
            list,
            negated,
        }),
    }
}
