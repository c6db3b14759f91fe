//! Writes a plan as a statement of the connection's dialect.
//!
//! Everything is seen from the base table; others are joined to it from the many to the one, so that no row of the
//! base is counted twice. A join that a row may lack is an outer one. Texts, numbers and days of the plan become
//! literals of the syntax tree, and the tree's own writer makes the text.

mod conditions;
mod figures;
mod joins;
mod rank;
pub(super) mod sql;
#[cfg(test)]
mod tests;

use sqlparser::ast::{BinaryOperator, Expr, GroupByExpr, Ident, Query, SelectItem, SetExpr};

use super::model::Model;
use super::words::stems;
use super::{Figure, Plan, PlanError, Select};
use crate::plugins::Dialect;

/// Rows of a table that are shown.
pub const MOST_ROWS: u32 = 100;
/// Groups that are shown, where the plan does not say.
pub const MOST_GROUPS: u32 = 1_000;

/// The name of a group's place in a ranking.
const PLACE: &str = "place_of_group";

/// A statement and what its columns are.
#[derive(Debug, Clone, PartialEq)]
pub struct Compiled {
    pub sql: String,
    pub columns: Vec<Output>,
    /// The most rows that are to be shown, where the plan does not say: the statement gives one more, so that it is
    /// known whether there are more.
    pub most: Option<u64>,
}

/// A column of the result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    pub name: String,
    pub role: Role,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Time,
    Dimension,
    /// By its place among the plan's figures.
    Figure(usize),
    Share(usize),
}

/// Compiles a plan.
///
/// # Errors
/// The plan names what is not there, or asks for what can't be put into one statement.
pub fn compile(plan: &Plan, model: &Model) -> Result<Compiled, PlanError> {
    let base = base(plan, model)?;
    let mut compiler = Compiler {
        model,
        dialect: model.dialect(),
        base,
        nodes: vec![Node {
            table: base,
            alias: String::new(),
            parent: None,
            outer: false,
        }],
        qualified: false,
    };
    compiler.plant(plan)?;
    compiler.statement(plan)
}

/// The table that a plan is seen from.
pub fn base(plan: &Plan, model: &Model) -> Result<usize, PlanError> {
    let table = |name: &str| {
        model.table(name).ok_or_else(|| PlanError::Unknown {
            name: name.to_owned(),
        })
    };
    match &plan.select {
        Select::Rows { table: name } => table(name),
        Select::Figures(figures) => {
            let mut base = plan.base.as_deref().map(table).transpose()?;
            for figure in figures {
                let own = match figure {
                    Figure::Metric(id) => {
                        let metric = model.metric(id);
                        metric
                            .map(|metric| metric.base)
                            .ok_or_else(|| PlanError::Unknown { name: id.clone() })?
                    }
                    Figure::Count(name) => table(name)?,
                    // Seen from elsewhere, things are counted each once.
                    Figure::Distinct(_) if plan.base.is_some() => continue,
                    Figure::Distinct(column) | Figure::Aggregate(_, column) => {
                        table(&column.table)?
                    }
                };
                if *base.get_or_insert(own) != own {
                    return Err(PlanError::SeveralBases(format!(
                        "{} and {}",
                        model.tables[base.unwrap_or(own)].shown(),
                        model.tables[own].shown()
                    )));
                }
            }
            base.ok_or_else(|| PlanError::Unfit("a plan without a figure".to_owned()))
        }
    }
}

/// A table in FROM.
struct Node {
    table: usize,
    alias: String,
    /// The node that it is joined to, and by which join.
    parent: Option<(usize, usize)>,
    /// Whether a row may lack it.
    outer: bool,
}

struct Compiler<'a> {
    model: &'a Model,
    dialect: Dialect,
    base: usize,
    nodes: Vec<Node>,
    /// Whether columns need their table before them.
    qualified: bool,
}

impl Compiler<'_> {
    fn statement(&mut self, plan: &Plan) -> Result<Compiled, PlanError> {
        let filtered = self.filtered(plan)?;
        let in_time = self.in_time(plan)?;
        let conditional = self.conditional(plan)?;
        let condition = conditional.as_ref().map(|(_, condition)| condition.clone());
        // Of a part without groups the whole is what the filter leaves out.
        let whole = if plan.dimensions.is_empty() && plan.grain.is_none() {
            in_time.clone()
        } else {
            let all = [filtered.clone(), in_time.clone(), condition.clone()];
            joined(all.into_iter().flatten().collect(), &BinaryOperator::And)
        };
        let all = [filtered, in_time, condition];
        let selection = joined(all.into_iter().flatten().collect(), &BinaryOperator::And);
        let (mut items, mut columns) = (Vec::new(), Vec::new());
        let mut groups = Vec::new();
        let mut names = Names::default();
        let mut push = |name: String, role: Role, expr: Expr| -> Result<(), PlanError> {
            items.push(SelectItem::ExprWithAlias {
                expr,
                alias: sql::ident(self.model.dialect(), &name)?,
            });
            columns.push(Output { name, role });
            Ok(())
        };
        if let Some((name, expr)) = self.time_column(plan)? {
            groups.push(expr.clone());
            push(names.free(name, ""), Role::Time, expr)?;
        }
        for dimension in &plan.dimensions {
            let (expr, column) = self.column(dimension)?;
            groups.push(expr.clone());
            let name = names.free(&column.name, &dimension.table);
            push(name, Role::Dimension, expr)?;
        }
        match &plan.select {
            Select::Rows { .. } => {
                if !groups.is_empty() {
                    return Err(PlanError::Unfit("rows of a table in groups".to_owned()));
                }
                for column in self.model.tables[self.base].columns.clone() {
                    let expr = self.at_node(0, &column.name)?;
                    push(column.name, Role::Dimension, expr)?;
                }
            }
            Select::Figures(figures) => {
                for (at, figure) in figures.iter().enumerate() {
                    let expr = match &conditional {
                        Some((expr, _)) => expr.clone(),
                        None => self.figure(figure)?,
                    };
                    let name = names.free(&self.figure_name(figure), "");
                    push(name.clone(), Role::Figure(at), expr.clone())?;
                    if plan.share {
                        let whole = self.whole(&expr, whole.as_ref())?;
                        let share = sql::quotient(self.dialect, &expr, &whole)?;
                        push(
                            names.free(&format!("{name}_share"), ""),
                            Role::Share(at),
                            share,
                        )?;
                    }
                }
            }
        }
        let is_rows = matches!(plan.select, Select::Rows { .. });
        let most = match (is_rows, groups.is_empty()) {
            (true, _) => Some(MOST_ROWS),
            (false, true) => None,
            (false, false) => Some(MOST_GROUPS),
        };
        let ranks_within = !plan.within.is_empty();
        let asked = plan.limit.filter(|_| !ranks_within);
        let asked = asked.filter(|asked| most.is_some_and(|most| *asked <= most));
        let limit = most.map(|most| asked.map_or(u64::from(most) + 1, u64::from));
        let order = self.order(plan, &columns, &items)?;
        let place = self.place(plan, &groups, &items)?;
        let (mut query, mut select) = sql::skeleton()?;
        // A listing of one table needs no second names; others may differ from what an engine calls them.
        select.projection = if is_rows && !self.qualified {
            let plain = items.into_iter().map(|item| match item {
                SelectItem::ExprWithAlias { expr, .. } => SelectItem::UnnamedExpr(expr),
                other => other,
            });
            plain.collect()
        } else {
            items
        };
        select.from = vec![self.from()?];
        select.selection = selection;
        select.group_by = GroupByExpr::Expressions(groups, Vec::new());
        if let Some(place) = place {
            select.projection.push(SelectItem::ExprWithAlias {
                expr: place,
                alias: Ident::new(PLACE),
            });
            *query.body = SetExpr::Select(Box::new(select));
            query = self.ranked(query, plan, &columns)?;
        } else {
            *query.body = SetExpr::Select(Box::new(select));
            query.order_by = order;
        }
        query.limit_clause = limit.map(sql::limit);
        Ok(Compiled {
            sql: query.to_string(),
            columns,
            most: most.filter(|_| asked.is_none()).map(u64::from),
        })
    }

    /// The figure over everything, whatever the groups.
    fn whole(&self, figure: &Expr, selection: Option<&Expr>) -> Result<Expr, PlanError> {
        let (mut query, mut select) = sql::skeleton()?;
        select.projection = vec![SelectItem::UnnamedExpr(figure.clone())];
        select.from = vec![self.from()?];
        select.selection = selection.cloned();
        *query.body = SetExpr::Select(Box::new(select));
        let query: Query = query;
        Ok(Expr::Subquery(Box::new(query)))
    }
}

fn binary(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::BinaryOp {
        left: Box::new(left),
        op,
        right: Box::new(right),
    }
}

fn joined(all: Vec<Expr>, op: &BinaryOperator) -> Option<Expr> {
    all.into_iter()
        .reduce(|before, next| binary(before, op.clone(), next))
}

/// Names of the result, each once.
#[derive(Default)]
struct Names(Vec<String>);

impl Names {
    fn free(&mut self, name: &str, table: &str) -> String {
        let mut candidate = name.to_owned();
        if self.0.contains(&candidate) && !table.is_empty() {
            let bare = table.rsplit('.').next().unwrap_or(table);
            candidate = format!("{}_{}", snake(bare), snake(name));
        }
        let mut number = 1;
        while self.0.contains(&candidate) {
            number += 1;
            candidate = format!("{name}_{number}");
        }
        self.0.push(candidate.clone());
        candidate
    }
}

/// Words with `_` between them.
fn snake(name: &str) -> String {
    let plain = name
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect::<Vec<_>>()
        .join("_");
    if plain.is_empty() {
        stems(name).join("_")
    } else {
        plain
    }
}
