//! ORDER BY, and rankings within groups.

use sqlparser::ast::{
    BinaryOperator, Expr, Ident, OrderBy, OrderByExpr, OrderByKind, OrderByOptions, OrderBySort,
    Query, SelectItem, SetExpr, TableWithJoins,
};

use super::super::{Order, Plan, PlanError, Select};
use super::{Compiler, Output, PLACE, Role, binary, sql};
use crate::plugins::Dialect;

impl Compiler<'_> {
    pub(super) fn order(
        &self,
        plan: &Plan,
        columns: &[Output],
        items: &[SelectItem],
    ) -> Result<Option<OrderBy>, PlanError> {
        let mut keys: Vec<OrderByExpr> = Vec::new();
        let by = |role: fn(Role) -> bool| columns.iter().filter(move |column| role(column.role));
        let is_figure = |role| role == Role::Figure(0);
        let is_time = |role| role == Role::Time;
        let is_dimension = |role| role == Role::Dimension;
        if let Select::Rows { .. } = plan.select {
            let table = &self.model.tables[self.base];
            let first = table.columns.first().map(|column| column.name.clone());
            let mut names = table.primary_key.clone();
            if names.is_empty() {
                names.extend(first);
            }
            for name in names {
                keys.push(plain_key(self.at_node(0, &name)?));
            }
        } else {
            let grouped = by(is_dimension).next().is_some();
            let direction = match plan.order {
                Some(Order::Descending) => Some(false),
                Some(Order::Ascending) => Some(true),
                None if grouped && by(is_time).next().is_none() => Some(false),
                None => None,
            };
            if let Some(ascending) = direction {
                let figures = columns.iter().zip(items);
                for (figure, item) in figures.filter(|(column, _)| is_figure(column.role)) {
                    let name = Expr::Identifier(sql::ident(self.dialect, &figure.name)?);
                    if self.dialect == Dialect::Mysql {
                        // It has no NULLS LAST, and puts them first in ascending order. Of a figure's second name it
                        // can ask nothing.
                        if let (true, SelectItem::ExprWithAlias { expr, .. }) = (ascending, item) {
                            keys.push(plain_key(Expr::IsNull(Box::new(expr.clone()))));
                        }
                        keys.push(key(name, ascending, None));
                    } else {
                        keys.push(key(name, ascending, Some(false)));
                    }
                }
            }
            for column in by(is_time).chain(by(is_dimension)) {
                let name = Expr::Identifier(sql::ident(self.dialect, &column.name)?);
                keys.push(plain_key(name));
            }
        }
        Ok((!keys.is_empty()).then_some(OrderBy {
            kind: OrderByKind::Expressions(keys),
            interpolate: None,
        }))
    }

    /// The place of a group within those that the plan ranks it with.
    pub(super) fn place(
        &self,
        plan: &Plan,
        groups: &[Expr],
        items: &[SelectItem],
    ) -> Result<Option<Expr>, PlanError> {
        if plan.within.is_empty() {
            return Ok(None);
        }
        let figure = items.get(groups.len()).and_then(|item| match item {
            SelectItem::ExprWithAlias { expr, .. } => Some(expr),
            _ => None,
        });
        let (Some(order), Some(figure)) = (plan.order, figure) else {
            return Err(PlanError::Unfit(
                "a rank within groups without an order".to_owned(),
            ));
        };
        let mut names = Vec::new();
        let mut places: Vec<(String, &Expr)> = Vec::new();
        for column in &plan.within {
            let at = plan
                .dimensions
                .iter()
                .position(|dimension| dimension == column);
            let group = at.and_then(|at| groups.get(at + groups.len() - plan.dimensions.len()));
            let group = group.ok_or_else(|| PlanError::Unknown {
                name: format!("{}.{}", column.table, column.column),
            })?;
            let name = format!("__group{}", names.len());
            places.push((name.clone(), group));
            names.push(name);
        }
        // Groups that are equal take their places in the order of their names, the same every time.
        let others: Vec<&Expr> = groups
            .iter()
            .filter(|group| !places.iter().any(|(_, own)| own == group))
            .collect();
        let direction = match order {
            Order::Descending => "DESC",
            Order::Ascending => "ASC",
        };
        let mut keys = vec![format!("__figure {direction}")];
        for (number, other) in others.into_iter().enumerate() {
            let name = format!("__other{number}");
            keys.push(name.clone());
            places.push((name, other));
        }
        places.push(("__figure".to_owned(), figure));
        let text = format!(
            "ROW_NUMBER() OVER (PARTITION BY {} ORDER BY {})",
            names.join(", "),
            keys.join(", ")
        );
        let places: Vec<(&str, &Expr)> = places
            .iter()
            .map(|(name, expr)| (name.as_str(), *expr))
            .collect();
        Ok(Some(sql::expression(self.dialect, &text, &places)?))
    }

    /// The groups of a query that are among the first of theirs.
    pub(super) fn ranked(
        &self,
        inner: Query,
        plan: &Plan,
        columns: &[Output],
    ) -> Result<Query, PlanError> {
        let (mut query, mut select) = sql::skeleton()?;
        let name = |column: &Output| -> Result<Expr, PlanError> {
            Ok(Expr::Identifier(sql::ident(self.dialect, &column.name)?))
        };
        select.projection = columns
            .iter()
            .map(|column| Ok(SelectItem::UnnamedExpr(name(column)?)))
            .collect::<Result<_, PlanError>>()?;
        select.from = vec![TableWithJoins {
            relation: sql::derived(inner)?,
            joins: Vec::new(),
        }];
        let most = sql::number(&plan.limit.unwrap_or(1).to_string())?;
        let place = Expr::Identifier(Ident::new(PLACE));
        select.selection = Some(binary(place.clone(), BinaryOperator::LtEq, most));
        *query.body = SetExpr::Select(Box::new(select));
        let dimensions: Vec<&Output> = columns
            .iter()
            .filter(|column| column.role == Role::Dimension)
            .collect();
        let mut keys = Vec::new();
        for column in plan.within.iter().zip(dimensions).map(|(_, output)| output) {
            keys.push(plain_key(name(column)?));
        }
        keys.push(plain_key(place));
        query.order_by = Some(OrderBy {
            kind: OrderByKind::Expressions(keys),
            interpolate: None,
        });
        Ok(query)
    }
}

fn key(expr: Expr, ascending: bool, nulls_first: Option<bool>) -> OrderByExpr {
    let sort = if ascending {
        None
    } else {
        Some(OrderBySort::Desc)
    };
    OrderByExpr {
        expr,
        options: OrderByOptions { sort, nulls_first },
        with_fill: None,
    }
}

fn plain_key(expr: Expr) -> OrderByExpr {
    key(expr, true, None)
}
