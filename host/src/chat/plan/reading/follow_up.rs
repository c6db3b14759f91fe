//! A question that changes the one before it: `and by channel?`, `only Paris`, `the same for last year`.
//!
//! What it says is read as any question is, and completed for the figures of the plan before it. Groups, spans of
//! time and ranks that it names take the place of those that there were; a condition takes the place of the one on
//! the same column, or joins the others.

use chrono::NaiveDate;

use super::super::compile::base;
use super::super::lattice;
use super::super::lexicon::Lexicon;
use super::super::model::Model;
use super::super::words;
use super::super::{Figure, Plan, Select};
use super::draft::{Draft, DraftFigure, Named};
use super::walk::Walk;
use super::{MOST_CUTS, MOST_READINGS, Reading, Refusal, resolve};

/// Reads a question as a change of a plan.
pub fn follow_up(
    question: &str,
    before: &Plan,
    model: &Model,
    lexicon: &Lexicon,
    today: NaiveDate,
) -> Reading {
    let tokens = words::tokens(question);
    let mut first = None;
    for cut in lattice::cuts(&tokens, lexicon, today, MOST_CUTS) {
        if cut.price >= lattice::UNKNOWN {
            break;
        }
        let changed = Walk::new(model, &cut.items)
            .change()
            .and_then(|draft| completed(draft, before, model))
            .and_then(|draft| resolve::plans(&draft, model));
        match changed {
            Ok(plans) => {
                let mut plans: Vec<Plan> = plans
                    .into_iter()
                    .map(|change| merged(before, change))
                    .collect();
                plans.dedup();
                plans.truncate(MOST_READINGS);
                return match plans.len() {
                    1 => Reading::Certain(plans.swap_remove(0)),
                    _ => Reading::Several(plans),
                };
            }
            Err(refusal) => {
                first.get_or_insert(refusal);
            }
        }
    }
    Reading::Refused(first.unwrap_or(Refusal::Unrelated))
}

/// The change with the figures that it is about.
fn completed(mut draft: Draft, before: &Plan, model: &Model) -> Result<Draft, Refusal> {
    let says_something = !draft.dimensions.is_empty()
        || !draft.filters.is_empty()
        || !draft.periods.is_empty()
        || draft.grain.is_some()
        || draft.ranked.is_some()
        || draft.share;
    // Things that are counted from afar have no base of their own to change.
    if !draft.figures.is_empty()
        || draft.rows_of.is_some()
        || !says_something
        || before.base.is_some()
    {
        return Err(Refusal::NoFigure);
    }
    match &before.select {
        Select::Rows { table } => {
            if !draft.dimensions.is_empty() || draft.grain.is_some() || draft.share {
                return Err(Refusal::NoFigure);
            }
            draft.rows_of = model.table(table);
        }
        Select::Figures(figures) => {
            for figure in figures {
                let figure = drafted(figure, model).ok_or(Refusal::NoFigure)?;
                draft.figures.push(figure);
            }
        }
    }
    // A rank of the groups that there were.
    if draft.ranked.is_some() && draft.dimensions.is_empty() {
        if before.dimensions.is_empty() {
            return Err(Refusal::NoFigure);
        }
        let base = base(before, model).map_err(|_| Refusal::NoFigure)?;
        for column in &before.dimensions {
            let Ok((_, table, known)) = model.resolve(base, column) else {
                return Err(Refusal::NoFigure);
            };
            draft
                .dimensions
                .push(super::draft::Dimension::Column(Named {
                    columns: vec![(table, known.name.clone())],
                    within: Some(table),
                    raw: known.name.clone(),
                }));
        }
    }
    Ok(draft)
}

fn drafted(figure: &Figure, model: &Model) -> Option<DraftFigure> {
    let named = |column: &super::super::ColumnRef| {
        let table = model.table(&column.table)?;
        let known = model.tables[table].column(&column.column)?;
        Some(Named {
            columns: vec![(table, known.name.clone())],
            within: Some(table),
            raw: known.name.clone(),
        })
    };
    Some(match figure {
        Figure::Metric(id) => {
            let at = model
                .metrics
                .iter()
                .position(|metric| metric.source.id == *id)?;
            DraftFigure::Metric(at)
        }
        Figure::Count(table) => DraftFigure::Count(model.table(table)?),
        Figure::Distinct(column) => DraftFigure::Distinct(named(column)?),
        Figure::Aggregate(aggregate, column) => DraftFigure::Aggregate(*aggregate, named(column)?),
    })
}

/// The plan before, with what the change says.
fn merged(before: &Plan, change: Plan) -> Plan {
    let mut plan = before.clone();
    if !change.dimensions.is_empty() {
        plan.dimensions = change.dimensions;
        plan.within = change.within;
    }
    for filter in change.filters {
        plan.filters.retain(|known| known.column != filter.column);
        plan.filters.push(filter);
    }
    plan.time = plan.time.or(change.time);
    if !change.periods.is_empty() {
        plan.periods = change.periods;
    }
    plan.grain = change.grain.or(plan.grain);
    plan.order = change.order.or(plan.order);
    plan.limit = change.limit.or(plan.limit);
    plan.share |= change.share;
    plan
}

#[cfg(test)]
mod tests {
    use super::super::super::{explain, testing::shop};
    use super::*;
    use crate::plugins::Dialect;

    /// What a conversation is at after each of its questions.
    fn said(questions: &[&str]) -> Vec<String> {
        let (model, lexicon) = shop(Dialect::Postgresql);
        let today = NaiveDate::from_ymd_opt(2026, 11, 28).expect("a day");
        let mut plan: Option<Plan> = None;
        questions
            .iter()
            .map(|question| {
                let reading = match &plan {
                    None => super::super::read(question, &model, &lexicon, today),
                    Some(before) => follow_up(question, before, &model, &lexicon, today),
                };
                match reading {
                    Reading::Certain(next) => {
                        let sentence = explain::sentence(&next, &model);
                        plan = Some(next);
                        sentence
                    }
                    other => format!("{other:?}"),
                }
            })
            .collect()
    }

    #[test]
    fn each_question_changes_the_plan_before_it() {
        assert_eq!(
            said(&[
                "revenue last month",
                "and by channel?",
                "only Paris",
                "the same for last year",
                "and in 'New York'",
                "as a monthly trend",
            ]),
            [
                "Revenue, with orders.placed_at from 2026-10-01 to 2026-10-31",
                "Revenue by orders.channel, with orders.placed_at from 2026-10-01 to 2026-10-31",
                "Revenue by orders.channel, where customers.city is Paris, \
                 with orders.placed_at from 2026-10-01 to 2026-10-31",
                "Revenue by orders.channel, where customers.city is Paris, \
                 with orders.placed_at from 2025-01-01 to 2025-12-31",
                "Revenue by orders.channel, where customers.city is New York, \
                 with orders.placed_at from 2025-01-01 to 2025-12-31",
                "Revenue by month, orders.channel, where customers.city is New York, \
                 with orders.placed_at from 2025-01-01 to 2025-12-31",
            ]
        );
        assert_eq!(
            said(&["revenue by city", "the top 3", "only the 2 lowest"])[1..],
            [
                "Revenue by customers.city, the highest 3",
                "Revenue by customers.city, the lowest 2"
            ]
        );
    }

    #[test]
    fn what_says_nothing_or_asks_for_another_figure_is_no_change() {
        let after = |question: &str| said(&["revenue by city", question])[1].clone();
        assert_eq!(after("and?"), "Refused(NoFigure)");
        assert_eq!(after("number of orders"), "Refused(NoFigure)");
        assert_eq!(after("customers"), "Refused(NoFigure)");
        assert!(after("by weather").starts_with("Refused"));
    }
}
