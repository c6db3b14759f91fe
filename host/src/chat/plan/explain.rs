//! A plan in one sentence, so that a reader can tell whether it is what was asked for.

use super::model::Model;
use super::{ColumnRef, Condition, Figure, Filter, Order, Plan, Select};

/// Says what a plan computes, without an end mark.
pub fn sentence(plan: &Plan, model: &Model) -> String {
    let subject = match &plan.select {
        Select::Rows { table } => format!("The rows of {table}"),
        Select::Figures(figures) => {
            let names: Vec<String> = figures.iter().map(|figure| name(figure, model)).collect();
            let names = names.join(" and ");
            if plan.share {
                format!("{names} and its share of the whole")
            } else {
                names
            }
        }
    };
    let mut parts = vec![subject];
    let mut groups: Vec<String> = Vec::new();
    if let Some(grain) = plan.grain {
        groups.push(grain.name().to_owned());
    } else if plan.periods.len() > 1 {
        groups.push("period".to_owned());
    }
    groups.extend(plan.dimensions.iter().map(shown));
    if !groups.is_empty() {
        parts.push(format!("by {}", groups.join(", ")));
    }
    let mut parts = vec![parts.join(" ")];
    if !plan.filters.is_empty() {
        let filters: Vec<String> = plan.filters.iter().map(filter).collect();
        parts.push(format!("where {}", filters.join(" and ")));
    }
    if !plan.periods.is_empty() {
        let periods: Vec<String> = plan.periods.iter().map(|period| period.words()).collect();
        let column = plan.time.as_ref().map(shown).unwrap_or_default();
        parts.push(format!("with {column} {}", periods.join(" or ")));
    } else if let (Some(_), Some(time)) = (plan.grain, &plan.time) {
        parts.push(format!("by {}", shown(time)));
    }
    if !plan.within.is_empty() {
        let within: Vec<String> = plan.within.iter().map(shown).collect();
        parts.push(format!("within each {}", within.join(", ")));
    }
    match (plan.order, plan.limit) {
        (Some(order), limit) => {
            let way = match order {
                Order::Descending => "highest",
                Order::Ascending => "lowest",
            };
            match limit {
                Some(1) => parts.push(format!("the {way} one")),
                Some(limit) => parts.push(format!("the {way} {limit}")),
                None => parts.push(format!("the {way} first")),
            }
        }
        (None, Some(limit)) => parts.push(format!("{limit} at most")),
        (None, None) => {}
    }
    parts.join(", ")
}

/// What people call a figure.
pub fn name(figure: &Figure, model: &Model) -> String {
    match figure {
        Figure::Metric(id) => model
            .metric(id)
            .map_or_else(|| id.clone(), |metric| metric.source.name.clone()),
        Figure::Count(table) => format!("Number of {table}"),
        Figure::Distinct(column) => format!("Number of different {}", shown(column)),
        Figure::Aggregate(aggregate, column) => {
            let name = aggregate.name();
            let mut capital = name[..1].to_uppercase();
            capital.push_str(&name[1..]);
            format!("{capital} {}", shown(column))
        }
    }
}

/// `customers.country`, with the way there where it is not the plain one.
fn shown(column: &ColumnRef) -> String {
    format!("{}.{}", column.table, column.column)
}

fn filter(filter: &Filter) -> String {
    let column = shown(&filter.column);
    match &filter.condition {
        Condition::In(texts) => format!("{column} is {}", texts.join(" or ")),
        Condition::NotIn(texts) => format!("{column} is not {}", texts.join(" or ")),
        Condition::Compare(comparison, digits) => {
            format!("{column} {} {digits}", comparison.sign())
        }
        Condition::Between(low, high) => format!("{column} is between {low} and {high}"),
        Condition::Is(true) => format!("{column} is true"),
        Condition::Is(false) => format!("{column} is false"),
        Condition::Used { by, present } => {
            let how = if *present {
                "there are"
            } else {
                "there are no"
            };
            format!("{how} {} of {column}", by.table)
        }
        Condition::Missing => format!("{column} is missing"),
        Condition::Present => format!("{column} is there"),
    }
}
