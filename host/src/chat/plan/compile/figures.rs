//! The figures, and what the rows of a trend are told apart by.

use sqlparser::ast::{BinaryOperator, Expr, visit_expressions_mut};

use super::super::calculation;
use super::super::kind::ColumnKind;
use super::super::{Figure, Period, Plan, PlanError, Select};
use super::{Compiler, binary, joined, snake, sql};

impl Compiler<'_> {
    pub(super) fn figure(&mut self, figure: &Figure) -> Result<Expr, PlanError> {
        match figure {
            Figure::Metric(id) => self.metric(id),
            Figure::Count(_) => sql::expression(self.dialect, "COUNT(*)", &[]),
            Figure::Distinct(column) => {
                let (expr, _) = self.column(column)?;
                sql::expression(self.dialect, "COUNT(DISTINCT x)", &[("x", &expr)])
            }
            Figure::Aggregate(aggregate, column) => {
                let (expr, known) = self.column(column)?;
                if known.kind != ColumnKind::Number {
                    let what = format!("the {} of {}", aggregate.name(), known.name);
                    return Err(PlanError::Unfit(what));
                }
                let template = format!("{}(x)", aggregate.function());
                sql::expression(self.dialect, &template, &[("x", &expr)])
            }
        }
    }

    /// The only figure of groups, if it counts some rows only: as a figure of those, and which they are.
    pub(super) fn conditional(&mut self, plan: &Plan) -> Result<Option<(Expr, Expr)>, PlanError> {
        let Select::Figures(figures) = &plan.select else {
            return Ok(None);
        };
        let grouped = !plan.dimensions.is_empty() || plan.grain.is_some();
        let ([Figure::Metric(id)], true) = (figures.as_slice(), grouped) else {
            return Ok(None);
        };
        let parts = self
            .model
            .metric(id)
            .and_then(|metric| calculation::conditional(&metric.calculation));
        match parts {
            Some((figure, condition)) => {
                Ok(Some((self.written(figure)?, self.written(condition)?)))
            }
            None => Ok(None),
        }
    }

    pub(super) fn metric(&mut self, id: &str) -> Result<Expr, PlanError> {
        let metric = self.model.metric(id).ok_or_else(|| PlanError::Unknown {
            name: id.to_owned(),
        })?;
        self.written(metric.calculation.clone())
    }

    /// A calculation, or a part of it, in the names of this statement.
    pub(super) fn written(&mut self, mut calculation: Expr) -> Result<Expr, PlanError> {
        let mut failed = None;
        let _ = visit_expressions_mut(&mut calculation, |expr| {
            let replaced = match expr {
                Expr::CompoundIdentifier(parts) => {
                    calculation::marked(parts).map(|(table, column)| {
                        let way = self.way_to(table)?;
                        let node = self.node(&way);
                        self.at_node(node, column)
                    })
                }
                Expr::BinaryOp {
                    left,
                    op: BinaryOperator::Divide,
                    right,
                } => {
                    let left = sql::dividend(self.dialect, left);
                    let right = right.clone();
                    Some(left.map(|left| Expr::BinaryOp {
                        left: Box::new(left),
                        op: BinaryOperator::Divide,
                        right,
                    }))
                }
                _ => None,
            };
            match replaced {
                None => {}
                Some(Ok(replaced)) => *expr = replaced,
                Some(Err(error)) => {
                    failed = Some(error);
                    return std::ops::ControlFlow::Break(());
                }
            }
            std::ops::ControlFlow::Continue(())
        });
        match failed {
            Some(error) => Err(error),
            None => Ok(calculation),
        }
    }

    pub(super) fn figure_name(&self, figure: &Figure) -> String {
        match figure {
            Figure::Metric(id) => {
                let name = self
                    .model
                    .metric(id)
                    .map(|metric| metric.source.name.as_str());
                snake(name.unwrap_or(id))
            }
            Figure::Count(table) => {
                let bare = table.rsplit('.').next().unwrap_or(table);
                format!("{}_count", snake(bare))
            }
            Figure::Distinct(column) => format!("distinct_{}", snake(&column.column)),
            Figure::Aggregate(aggregate, column) => {
                format!(
                    "{}_{}",
                    aggregate.function().to_lowercase(),
                    snake(&column.column)
                )
            }
        }
    }

    /// What the rows of a trend or a comparison are told apart by.
    pub(super) fn time_column(
        &mut self,
        plan: &Plan,
    ) -> Result<Option<(&'static str, Expr)>, PlanError> {
        let Some(time) = &plan.time else {
            if plan.grain.is_some() || !plan.periods.is_empty() {
                return Err(PlanError::Unfit("a time without its column".to_owned()));
            }
            return Ok(None);
        };
        let (expr, column) = self.column(time)?;
        if !column.kind.is_temporal() {
            return Err(PlanError::Unfit(format!("{} as a time", column.name)));
        }
        if let Some(grain) = plan.grain {
            let start = sql::start_of(self.dialect, grain, &expr, column.kind)?;
            return Ok(Some((grain.name(), start)));
        }
        if plan.periods.len() < 2 || matches!(plan.select, Select::Rows { .. }) {
            return Ok(None);
        }
        let mut case: Option<Expr> = None;
        for period in plan.periods.iter().rev() {
            let Some(from) = period.from else {
                return Err(PlanError::Unfit(
                    "a comparison with an open span".to_owned(),
                ));
            };
            let within = self.within(&expr, *period, column.kind)?;
            let first = sql::day(self.dialect, from, ColumnKind::Day)?;
            let places = [("within_it", &within), ("first_day", &first)];
            case = Some(match &case {
                None => sql::expression(
                    self.dialect,
                    "CASE WHEN within_it THEN first_day END",
                    &places,
                )?,
                Some(rest) => sql::expression(
                    self.dialect,
                    "CASE WHEN within_it THEN first_day ELSE the_rest END",
                    &[places[0], places[1], ("the_rest", rest)],
                )?,
            });
        }
        Ok(case.map(|case| ("period", case)))
    }

    pub(super) fn within(
        &self,
        column: &Expr,
        period: Period,
        kind: ColumnKind,
    ) -> Result<Expr, PlanError> {
        let mut all = Vec::new();
        if let Some(from) = period.from {
            let from = sql::day(self.dialect, from, kind)?;
            all.push(binary(column.clone(), BinaryOperator::GtEq, from));
        }
        if let Some(to) = period.to {
            let to = sql::day(self.dialect, to, kind)?;
            all.push(binary(column.clone(), BinaryOperator::Lt, to));
        }
        joined(all, &BinaryOperator::And)
            .ok_or_else(|| PlanError::Unfit("a span that is open at both ends".to_owned()))
    }
}
