//! The conditions of a draft on the columns of the model.

use super::super::kind::ColumnKind;
use super::super::{ColumnRef, Comparison, Condition, Filter};
use super::Refusal;
use super::draft::{DraftFigure, DraftFilter};
use super::resolve::{MOST_PLANS, Resolver};

/// Filters, and the columns whose values are compared with each other.
pub(super) type Filtered = (Vec<Filter>, Vec<ColumnRef>);

impl Resolver<'_> {
    /// A table that is named beside what is counted. One that every row leads to says nothing; of one whose rows lead
    /// here it says that there are some.
    pub(super) fn mention(&self, table: usize) -> Result<Vec<Filter>, Refusal> {
        let known = &self.model.tables[table];
        let ways = self.model.ways(self.base, table);
        let Some(way) = ways.first() else {
            let plain = self
                .draft
                .figures
                .iter()
                .all(|figure| matches!(figure, DraftFigure::Count(_)));
            let used = if plain { self.used(table, true) } else { None };
            return used.ok_or_else(|| self.unreachable(&known.shown()));
        };
        if way.iter().any(|step| self.model.joins[*step].optional) {
            return Err(Refusal::Unsupported(format!(
                "whether only those with one of {} are meant",
                known.shown()
            )));
        }
        Ok(Vec::new())
    }

    /// Every choice of columns for the filters.
    pub(super) fn filters(&self) -> Result<Vec<Filtered>, Refusal> {
        let mut choices: Vec<Filtered> = vec![(Vec::new(), Vec::new())];
        let mut all: Vec<(Vec<Filter>, bool)> = Vec::new();
        for filter in &self.draft.filters {
            let compared =
                self.draft.versus && matches!(filter, DraftFilter::Value { not: false, .. });
            all.push((self.filter(filter)?, compared));
        }
        for mention in &self.draft.mentions {
            let own = self.mention(*mention)?;
            if !own.is_empty() {
                all.push((own, false));
            }
        }
        for (own, compared) in all {
            let mut next = Vec::new();
            for (filters, columns) in &choices {
                for filter in &own {
                    let (mut filters, mut columns) = (filters.clone(), columns.clone());
                    if compared && !columns.contains(&filter.column) {
                        columns.push(filter.column.clone());
                    }
                    merge(&mut filters, filter.clone());
                    next.push((filters, columns));
                }
            }
            choices = next;
            if choices.len() > MOST_PLANS {
                return Err(Refusal::Unsupported("so many meanings at once".to_owned()));
            }
        }
        Ok(choices)
    }

    fn filter(&self, filter: &DraftFilter) -> Result<Vec<Filter>, Refusal> {
        let of = |columns: Vec<ColumnRef>, condition: &dyn Fn() -> Condition| {
            let filters = columns.into_iter().map(|column| Filter {
                column,
                condition: condition(),
            });
            Ok(filters.collect())
        };
        match filter {
            DraftFilter::Value {
                values,
                within,
                not,
                raw,
            } => {
                let known = |at: &usize| &self.model.values[*at];
                let candidates = values
                    .iter()
                    .map(known)
                    .filter(|value| within.is_none_or(|within| within == value.table));
                let found =
                    self.places(candidates.map(|value| (value.table, value.column.as_str())));
                if found.is_empty() {
                    return Err(self.unreachable(raw));
                }
                let mut filters = Vec::new();
                for (column, table, name) in found {
                    // The same word in another case is the same value to who asks.
                    let texts: Vec<String> = values
                        .iter()
                        .map(known)
                        .filter(|value| value.table == table && value.column == name)
                        .map(|value| value.text.clone())
                        .collect();
                    let condition = if *not {
                        Condition::NotIn(texts)
                    } else {
                        Condition::In(texts)
                    };
                    let filter = Filter { column, condition };
                    if !filters.contains(&filter) {
                        filters.push(filter);
                    }
                }
                Ok(filters)
            }
            DraftFilter::Compare(named, comparison, digits) => of(self.nearest(named)?, &|| {
                Condition::Compare(*comparison, digits.clone())
            }),
            DraftFilter::Between(named, low, high) => of(self.nearest(named)?, &|| {
                Condition::Between(low.clone(), high.clone())
            }),
            DraftFilter::Present(named) => of(self.nearest(named)?, &|| Condition::Present),
            DraftFilter::Missing(named) => of(self.nearest(named)?, &|| Condition::Missing),
            DraftFilter::Is(named, truth) => {
                let columns = self.nearest(named)?;
                if !truth {
                    for column in &columns {
                        let found = self.model.resolve(self.base, column);
                        if found.is_ok_and(|(_, _, column)| column.nullable) {
                            return Err(Refusal::Neither(named.raw.clone()));
                        }
                    }
                }
                of(columns, &|| Condition::Is(*truth))
            }
            DraftFilter::Key(table, digits) => {
                let known = &self.model.tables[*table];
                let [key] = known.primary_key.as_slice() else {
                    return Err(Refusal::Unsupported(format!("the number {digits}")));
                };
                if known.column(key).map(|column| column.kind) != Some(ColumnKind::Number) {
                    return Err(Refusal::Unsupported(format!("the number {digits}")));
                }
                let found = self.places(std::iter::once((*table, key.as_str())));
                if found.is_empty() {
                    return Err(self.unreachable(&known.shown()));
                }
                let columns = found.into_iter().map(|(column, ..)| column).collect();
                of(columns, &|| {
                    Condition::Compare(Comparison::Equal, digits.clone())
                })
            }
            DraftFilter::Related { table, present } => {
                let joins =
                    self.model.joins.iter().filter(|join| {
                        join.from == self.base && join.to == *table && join.optional
                    });
                let columns: Vec<ColumnRef> = joins
                    .filter_map(|join| join.on.first())
                    .map(|(own, _)| self.model.column_ref(&[], self.base, own))
                    .collect();
                if columns.is_empty() {
                    let used = self.used(*table, *present);
                    return used
                        .ok_or_else(|| self.unreachable(&self.model.tables[*table].shown()));
                }
                of(columns, &|| {
                    if *present {
                        Condition::Present
                    } else {
                        Condition::Missing
                    }
                })
            }
        }
    }

    /// A verb without a time asks for what has happened at all: `customers who left`.
    pub(super) fn happened(&self) -> Result<Option<Filter>, Refusal> {
        let draft = self.draft;
        if draft.events.is_empty() || !draft.periods.is_empty() || draft.grain.is_some() {
            return Ok(None);
        }
        let events = draft.events.iter();
        let found = self.places(events.map(|(table, column)| (*table, column.as_str())));
        match found.as_slice() {
            [] => Err(self.unreachable("when it happened")),
            [(column, table, name)] => {
                let known = self.model.tables[*table].column(name);
                let always = known.is_some_and(|column| !column.nullable);
                Ok((!always).then(|| Filter {
                    column: column.clone(),
                    condition: Condition::Present,
                }))
            }
            several => Err(Refusal::WhichTime(
                several
                    .iter()
                    .map(|(_, _, name)| (*name).to_owned())
                    .collect(),
            )),
        }
    }

    /// Rows of the base to which rows of a table lead directly, or lead not. Each such join is one way to mean it.
    pub(super) fn used(&self, table: usize, present: bool) -> Option<Vec<Filter>> {
        let joins = self
            .model
            .joins
            .iter()
            .filter(|join| join.from == table && join.to == self.base);
        let filters: Vec<Filter> = joins
            .filter_map(|join| match join.on.as_slice() {
                [(own, key)] => Some(Filter {
                    column: self.model.column_ref(&[], self.base, key),
                    condition: Condition::Used {
                        by: self.model.column_ref(&[], table, own),
                        present,
                    },
                }),
                _ => None,
            })
            .collect();
        (!filters.is_empty()).then_some(filters)
    }
}

/// Adds a filter; two values of one column are alternatives.
fn merge(filters: &mut Vec<Filter>, filter: Filter) {
    if let Condition::In(more) = &filter.condition {
        for known in filters.iter_mut() {
            if known.column == filter.column
                && let Condition::In(texts) = &mut known.condition
            {
                for text in more {
                    if !texts.contains(text) {
                        texts.push(text.clone());
                    }
                }
                return;
            }
        }
    }
    if !filters.contains(&filter) {
        filters.push(filter);
    }
}
