//! FROM: the tables that a plan needs, each joined once to the one before it.

use sqlparser::ast::{
    BinaryOperator, Expr, Ident, Join as JoinClause, JoinConstraint, JoinOperator, TableWithJoins,
    visit_expressions_mut,
};

use super::super::calculation;
use super::super::model::Column;
use super::super::{ColumnRef, Figure, Plan, PlanError, Select};
use super::{Compiler, Node, binary, sql};
use crate::plugins::Dialect;

impl Compiler<'_> {
    /// Puts every table that the plan needs into FROM.
    pub(super) fn plant(&mut self, plan: &Plan) -> Result<(), PlanError> {
        let columns = plan
            .dimensions
            .iter()
            .chain(plan.filters.iter().map(|filter| &filter.column))
            .chain(&plan.time);
        for column in columns {
            let (way, ..) = self.model.resolve(self.base, column)?;
            self.node(&way);
        }
        if let Select::Figures(figures) = &plan.select {
            for figure in figures {
                match figure {
                    Figure::Metric(id) => {
                        for table in self.metric_tables(id) {
                            let way = self.way_to(table)?;
                            self.node(&way);
                        }
                    }
                    Figure::Distinct(column) | Figure::Aggregate(_, column) => {
                        let (way, ..) = self.model.resolve(self.base, column)?;
                        self.node(&way);
                    }
                    Figure::Count(_) => {}
                }
            }
        }
        self.qualified = self.nodes.len() > 1;
        for at in 0..self.nodes.len() {
            let name = &self.model.tables[self.nodes[at].table].name;
            let first = name.chars().find(char::is_ascii_alphabetic).unwrap_or('t');
            let first = first.to_ascii_lowercase().to_string();
            let taken = |alias: &str| self.nodes.iter().any(|node| node.alias == alias);
            let mut alias = first.clone();
            let mut number = 1;
            while taken(&alias) {
                number += 1;
                alias = format!("{first}{number}");
            }
            self.nodes[at].alias = alias;
        }
        Ok(())
    }

    fn metric_tables(&self, id: &str) -> Vec<usize> {
        let mut tables = Vec::new();
        if let Some(metric) = self.model.metric(id) {
            let mut calculation = metric.calculation.clone();
            let _ = visit_expressions_mut(&mut calculation, |expr| {
                if let Expr::CompoundIdentifier(parts) = expr
                    && let Some((table, _)) = calculation::marked(parts)
                {
                    tables.push(table);
                }
                std::ops::ControlFlow::<()>::Continue(())
            });
        }
        tables
    }

    pub(super) fn way_to(&self, table: usize) -> Result<Vec<usize>, PlanError> {
        let mut ways = self.model.ways(self.base, table);
        match ways.len() {
            1 => Ok(ways.swap_remove(0)),
            0 => Err(PlanError::Unreachable {
                from: self.model.tables[self.base].shown(),
                to: self.model.tables[table].shown(),
            }),
            _ => Err(PlanError::Ambiguous {
                name: self.model.tables[table].shown(),
            }),
        }
    }

    /// The node at the end of a way, added with those before it if it is new.
    pub(super) fn node(&mut self, way: &[usize]) -> usize {
        let mut at = 0;
        for step in way {
            let parent = Some((at, *step));
            let known = self.nodes.iter().position(|node| node.parent == parent);
            at = known.unwrap_or_else(|| {
                let join = &self.model.joins[*step];
                self.nodes.push(Node {
                    table: join.to,
                    alias: String::new(),
                    parent,
                    outer: join.optional || self.nodes[at].outer,
                });
                self.nodes.len() - 1
            });
        }
        at
    }

    pub(super) fn at_node(&self, node: usize, column: &str) -> Result<Expr, PlanError> {
        let name = sql::ident(self.dialect, column)?;
        let bare = if self.qualified {
            let alias = Ident::new(self.nodes[node].alias.clone());
            Expr::CompoundIdentifier(vec![alias, name])
        } else {
            Expr::Identifier(name)
        };
        // ClickHouse fills what an outer join lacks with noughts and empty texts.
        if self.dialect == Dialect::Clickhouse
            && let Some(missing) = self.missing(node)?
        {
            return sql::expression(
                self.dialect,
                "CASE WHEN missing THEN NULL ELSE __column END",
                &[("missing", &missing), ("__column", &bare)],
            );
        }
        Ok(bare)
    }

    /// Whether the row of a node is lacking, as ClickHouse can be asked.
    fn missing(&self, node: usize) -> Result<Option<Expr>, PlanError> {
        let mut at = node;
        let mut all: Option<Expr> = None;
        while let Some((parent, join)) = self.nodes[at].parent {
            let join = &self.model.joins[join];
            if join.optional
                && let Some((own, _)) = join.on.first()
            {
                let column = Expr::CompoundIdentifier(vec![
                    Ident::new(self.nodes[parent].alias.clone()),
                    sql::ident(self.dialect, own)?,
                ]);
                let none = Expr::IsNull(Box::new(column));
                all = Some(match all {
                    Some(before) => binary(none, BinaryOperator::Or, before),
                    None => none,
                });
            }
            at = parent;
        }
        Ok(all)
    }

    pub(super) fn column(&mut self, wanted: &ColumnRef) -> Result<(Expr, Column), PlanError> {
        let (way, _, column) = self.model.resolve(self.base, wanted)?;
        let column = column.clone();
        let node = self.node(&way);
        Ok((self.at_node(node, &column.name)?, column))
    }

    pub(super) fn from(&self) -> Result<TableWithJoins, PlanError> {
        let factor = |node: &Node| {
            let alias = self.qualified.then_some(node.alias.as_str());
            sql::factor(self.dialect, &self.model.tables[node.table], alias)
        };
        let mut joins = Vec::new();
        for node in &self.nodes[1..] {
            let Some((parent, join)) = node.parent else {
                continue;
            };
            let mut on: Option<Expr> = None;
            for (own, other) in &self.model.joins[join].on {
                let side = |alias: &str, column: &str| -> Result<Expr, PlanError> {
                    let name = sql::ident(self.dialect, column)?;
                    Ok(Expr::CompoundIdentifier(vec![Ident::new(alias), name]))
                };
                let same = binary(
                    side(&self.nodes[parent].alias, own)?,
                    BinaryOperator::Eq,
                    side(&node.alias, other)?,
                );
                on = Some(match on {
                    Some(before) => binary(before, BinaryOperator::And, same),
                    None => same,
                });
            }
            let on = on.ok_or_else(|| PlanError::Unfit("a join without columns".to_owned()))?;
            let constraint = JoinConstraint::On(on);
            joins.push(JoinClause {
                relation: factor(node)?,
                global: false,
                join_operator: if node.outer {
                    JoinOperator::Left(constraint)
                } else {
                    JoinOperator::Join(constraint)
                },
            });
        }
        Ok(TableWithJoins {
            relation: factor(&self.nodes[0])?,
            joins,
        })
    }
}
