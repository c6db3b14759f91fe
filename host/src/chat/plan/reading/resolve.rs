//! Completes a draft by what the model has: which of the columns of a name is meant, and how it is reached.
//!
//! Everything is seen from one table, the base: the one whose rows are aggregated or listed. A name means the
//! column that is nearest to it. What is equally near is equally meant, and gives as many plans.

use super::super::model::{Model, TimeRule};
use super::super::{Aggregate, ColumnRef, Figure, Filter, Order, Plan, Select};
use super::Refusal;
use super::draft::{Dimension, Draft, DraftFigure, Named};

/// More plans than this are none that anybody would choose from.
pub(super) const MOST_PLANS: usize = 8;
/// Groups that a ranking without a number shows.
const RANKED: u32 = 100;

/// The plans of a draft.
///
/// # Errors
/// Why there is none.
pub(super) fn plans(draft: &Draft, model: &Model) -> Result<Vec<Plan>, Refusal> {
    let direct = plans_of(draft, model);
    let ([DraftFigure::Count(table)], Err(Refusal::Unreachable { .. })) =
        (draft.figures.as_slice(), &direct)
    else {
        return direct;
    };
    let counted = counted_from_afar(draft, *table, model);
    if counted.is_empty() {
        direct
    } else {
        Ok(counted)
    }
}

/// The rows of a table that rows of another one lead to, each counted once: what is asked for may be known of those
/// only. The nearest such tables count.
fn counted_from_afar(draft: &Draft, table: usize, model: &Model) -> Vec<Plan> {
    let mut found: Vec<(usize, Plan)> = Vec::new();
    for (base, known) in model.tables.iter().enumerate() {
        if base == table || known.is_view {
            continue;
        }
        for way in model.ways(base, table) {
            let Some(join) = way.last().map(|step| &model.joins[*step]) else {
                continue;
            };
            let [(_, key)] = join.on.as_slice() else {
                continue;
            };
            let mut draft = draft.clone();
            draft
                .mentions
                .retain(|mention| *mention != base && *mention != table);
            let figure = Figure::Distinct(model.column_ref(&way, table, key));
            let resolver = Resolver {
                model,
                draft: &draft,
                base,
            };
            // The figure is given, so that it is not looked for.
            let plans = resolver.plans_with(&[figure], false);
            let seen_from = known.shown();
            found.extend(plans.into_iter().flatten().map(|plan| {
                let base = Some(seen_from.clone());
                (way.len(), Plan { base, ..plan })
            }));
        }
    }
    let nearest = found.iter().map(|(length, _)| *length).min();
    found.retain(|(length, _)| Some(*length) == nearest);
    found.into_iter().map(|(_, plan)| plan).collect()
}

fn plans_of(draft: &Draft, model: &Model) -> Result<Vec<Plan>, Refusal> {
    let mut all = Vec::new();
    let bases = bases(draft, model)?;
    let mut first = None;
    for base in bases {
        match (Resolver { model, draft, base }).plans() {
            Ok(plans) => all.extend(plans),
            Err(refusal) => {
                first.get_or_insert(refusal);
            }
        }
    }
    match (all.is_empty(), first) {
        (true, Some(refusal)) => Err(refusal),
        (true, None) => Err(Refusal::NoFigure),
        _ => Ok(all),
    }
}

/// The tables that a draft may be seen from.
fn bases(draft: &Draft, model: &Model) -> Result<Vec<usize>, Refusal> {
    if draft.figures.is_empty() {
        return Ok(draft.rows_of.into_iter().collect());
    }
    let mut common: Option<Vec<usize>> = None;
    for figure in &draft.figures {
        let own: Vec<usize> = match figure {
            DraftFigure::Metric(at) => vec![model.metrics[*at].base],
            DraftFigure::Count(table) => vec![*table],
            DraftFigure::Distinct(named) | DraftFigure::Aggregate(_, named) => {
                let mut tables: Vec<usize> = columns(named).map(|(table, _)| *table).collect();
                // A summary repeats what its tables have.
                if tables.iter().any(|table| !model.tables[*table].is_view) {
                    tables.retain(|table| !model.tables[*table].is_view);
                }
                let mentioned: Vec<usize> = tables
                    .iter()
                    .copied()
                    .filter(|table| draft.mentions.contains(table))
                    .collect();
                if mentioned.is_empty() {
                    tables
                } else {
                    mentioned
                }
            }
        };
        common = Some(match common {
            None => own,
            Some(before) => {
                let both: Vec<usize> = before
                    .iter()
                    .copied()
                    .filter(|at| own.contains(at))
                    .collect();
                if both.is_empty() {
                    let name = |tables: &[usize]| {
                        tables
                            .first()
                            .map_or_else(String::new, |at| model.tables[*at].shown())
                    };
                    return Err(Refusal::Unsupported(format!(
                        "figures of {} and of {} at once",
                        name(&before),
                        name(&own)
                    )));
                }
                both
            }
        });
    }
    Ok(common.unwrap_or_default())
}

fn columns(named: &Named) -> impl Iterator<Item = &(usize, String)> {
    let within = named.within;
    named
        .columns
        .iter()
        .filter(move |(table, _)| within.is_none_or(|within| within == *table))
}

/// A draft, seen from one table.
pub(super) struct Resolver<'a> {
    pub model: &'a Model,
    pub draft: &'a Draft,
    pub base: usize,
}

impl Resolver<'_> {
    fn plans(&self) -> Result<Vec<Plan>, Refusal> {
        let figures = self.figures()?;
        let adds_up = self.draft.figures.iter().all(|figure| self.adds_up(figure));
        self.plans_with(&figures, adds_up)
    }

    fn plans_with(&self, figures: &[Figure], adds_up: bool) -> Result<Vec<Plan>, Refusal> {
        let within = self.choices(&self.draft.within)?;
        let dimensions = self.choices(&self.draft.dimensions)?;
        let filters = self.filters()?;
        let happened = self.happened()?;
        let times = self.times()?;
        let mut plans = Vec::new();
        for (within, dimensions) in within
            .iter()
            .flat_map(|within| dimensions.iter().map(move |own| (within, own)))
        {
            for (filters, compared) in &filters {
                for time in &times {
                    let own = dimensions.iter().filter(|column| !within.contains(column));
                    let mut dimensions: Vec<ColumnRef> =
                        within.iter().chain(own).cloned().collect();
                    for column in compared {
                        if !dimensions.contains(column) {
                            dimensions.push(column.clone());
                        }
                    }
                    let mut filters = filters.clone();
                    filters.extend(happened.clone());
                    plans.push(Plan {
                        within: within.clone(),
                        ..self.plan(figures, dimensions, filters, time.clone())
                    });
                    if plans.len() > MOST_PLANS {
                        return Err(Refusal::Unsupported("so many meanings at once".to_owned()));
                    }
                }
            }
        }
        let grouped = |plan: &Plan| !plan.dimensions.is_empty() || plan.grain.is_some();
        let ranks = self.draft.ranked.is_some() && !plans.iter().all(grouped);
        // Without groups the part is what one condition leaves.
        let shares = self.draft.share
            && !plans
                .iter()
                .all(|plan| grouped(plan) || plan.filters.len() == 1);
        if ranks || shares {
            return Err(Refusal::Unsupported(
                "parts of a whole without groups".to_owned(),
            ));
        }
        if self.draft.share && !adds_up {
            return Err(Refusal::Unsupported(
                "parts of a figure that does not add up".to_owned(),
            ));
        }
        Ok(plans)
    }

    fn plan(
        &self,
        figures: &[Figure],
        dimensions: Vec<ColumnRef>,
        filters: Vec<Filter>,
        time: Option<ColumnRef>,
    ) -> Plan {
        let draft = self.draft;
        let select = if figures.is_empty() {
            Select::Rows {
                table: self.model.tables[self.base].shown(),
            }
        } else {
            Select::Figures(figures.to_vec())
        };
        let order = draft.ranked.map(|descending| {
            if descending {
                Order::Descending
            } else {
                Order::Ascending
            }
        });
        Plan {
            select,
            base: None,
            dimensions,
            filters,
            time,
            periods: draft.periods.clone(),
            within: Vec::new(),
            grain: draft.grain,
            order,
            limit: draft.limit.or(draft.ranked.map(|_| RANKED)),
            share: draft.share,
        }
    }

    fn adds_up(&self, figure: &DraftFigure) -> bool {
        match figure {
            DraftFigure::Metric(at) => self.model.metrics[*at].additive,
            DraftFigure::Count(_) => true,
            DraftFigure::Aggregate(aggregate, _) => *aggregate == Aggregate::Sum,
            DraftFigure::Distinct(_) => false,
        }
    }

    pub(super) fn unreachable(&self, what: &str) -> Refusal {
        Refusal::Unreachable {
            what: what.to_owned(),
            from: self.model.tables[self.base].shown(),
        }
    }

    fn figures(&self) -> Result<Vec<Figure>, Refusal> {
        let own = |named: &Named| {
            columns(named)
                .find(|(table, _)| *table == self.base)
                .map(|(table, column)| self.model.column_ref(&[], *table, column))
                .ok_or_else(|| self.unreachable(&named.raw))
        };
        let figures = self.draft.figures.iter().map(|figure| {
            Ok(match figure {
                DraftFigure::Metric(at) => {
                    Figure::Metric(self.model.metrics[*at].source.id.clone())
                }
                DraftFigure::Count(table) => Figure::Count(self.model.tables[*table].shown()),
                DraftFigure::Distinct(named) => Figure::Distinct(own(named)?),
                DraftFigure::Aggregate(aggregate, named) => {
                    let column = own(named)?;
                    if self.is_key(self.base, &column.column) {
                        return Err(Refusal::BareColumn(named.raw.clone()));
                    }
                    Figure::Aggregate(*aggregate, column)
                }
            })
        });
        figures.collect()
    }

    /// Whether a column tells rows apart or leads to others, and measures nothing.
    fn is_key(&self, table: usize, column: &str) -> bool {
        let primary = self.model.tables[table]
            .primary_key
            .iter()
            .any(|key| key == column);
        let foreign = self
            .model
            .joins
            .iter()
            .any(|join| join.from == table && join.on.iter().any(|(own, _)| own == column));
        primary || foreign || column.to_lowercase().ends_with("id")
    }

    /// The nearest columns of a name, each by every shortest way.
    pub(super) fn nearest(&self, named: &Named) -> Result<Vec<ColumnRef>, Refusal> {
        let found = self.places(columns(named).map(|(table, column)| (*table, column.as_str())));
        if found.is_empty() {
            return Err(self.unreachable(&named.raw));
        }
        Ok(found.into_iter().map(|(column, ..)| column).collect())
    }

    /// The nearest of some columns, with their tables.
    pub(super) fn places<'b>(
        &self,
        columns: impl Iterator<Item = (usize, &'b str)>,
    ) -> Vec<(ColumnRef, usize, &'b str)> {
        let mut found: Vec<(usize, ColumnRef, usize, &str)> = Vec::new();
        for (table, column) in columns {
            for way in self.model.ways(self.base, table) {
                let reference = self.model.column_ref(&way, table, column);
                found.push((way.len(), reference, table, column));
            }
        }
        let nearest = found.iter().map(|(length, ..)| *length).min();
        found.retain(|(length, ..)| Some(*length) == nearest);
        found
            .into_iter()
            .map(|(_, reference, table, column)| (reference, table, column))
            .collect()
    }

    /// Every choice of columns for some dimensions.
    fn choices(&self, dimensions: &[Dimension]) -> Result<Vec<Vec<ColumnRef>>, Refusal> {
        let mut choices: Vec<Vec<ColumnRef>> = vec![Vec::new()];
        for dimension in dimensions {
            let own: Vec<Vec<ColumnRef>> = match dimension {
                Dimension::Table(table) => self.labels(*table)?,
                Dimension::Column(named) => {
                    let mut own = Vec::new();
                    for column in self.nearest(named)? {
                        own.push(self.followed(column));
                    }
                    own
                }
            };
            choices = product(&choices, &own);
            if choices.len() > MOST_PLANS {
                return Err(Refusal::Unsupported("so many meanings at once".to_owned()));
            }
        }
        Ok(choices)
    }

    /// How the rows of a table are told apart in an answer: by key and name.
    fn labels(&self, table: usize) -> Result<Vec<Vec<ColumnRef>>, Refusal> {
        let ways = self.model.ways(self.base, table);
        if ways.is_empty() {
            return Err(self.unreachable(&self.model.tables[table].shown()));
        }
        Ok(ways
            .iter()
            .map(|way| self.label_columns(way, table))
            .collect())
    }

    fn label_columns(&self, way: &[usize], table: usize) -> Vec<ColumnRef> {
        let known = &self.model.tables[table];
        let mut columns: Vec<ColumnRef> = known
            .primary_key
            .iter()
            .map(|key| self.model.column_ref(way, table, key))
            .collect();
        if columns.is_empty()
            && let Some(join) = way.last()
        {
            // A catalogue without keys: what it is joined by.
            let on = self.model.joins[*join].on.iter();
            columns.extend(on.map(|(_, key)| self.model.column_ref(way, table, key)));
        }
        if let Some(label) = known.label() {
            columns.push(self.model.column_ref(way, table, &label.name));
        }
        columns
    }

    /// A column that leads to another table stands for what it leads to.
    fn followed(&self, column: ColumnRef) -> Vec<ColumnRef> {
        let Ok((mut way, table, _)) = self.model.resolve(self.base, &column) else {
            return vec![column];
        };
        let join = self.model.joins.iter().position(|join| {
            join.from == table && matches!(join.on.as_slice(), [(own, _)] if *own == column.column)
        });
        match join {
            Some(join)
                if self.model.tables[self.model.joins[join].to]
                    .label()
                    .is_some() =>
            {
                way.push(join);
                self.label_columns(&way, self.model.joins[join].to)
            }
            _ => vec![column],
        }
    }

    /// The column of time, if one is needed.
    fn times(&self) -> Result<Vec<Option<ColumnRef>>, Refusal> {
        let draft = self.draft;
        if draft.periods.is_empty() && draft.grain.is_none() {
            return Ok(vec![None]);
        }
        let events = self.places(
            draft
                .events
                .iter()
                .map(|(table, column)| (*table, column.as_str())),
        );
        if let [(column, ..)] = events.as_slice() {
            return Ok(vec![Some(column.clone())]);
        }
        let mut declared: Vec<ColumnRef> = Vec::new();
        let mut unsaid = draft.figures.is_empty();
        for figure in &draft.figures {
            let DraftFigure::Metric(at) = figure else {
                unsaid = true;
                continue;
            };
            let metric = &self.model.metrics[*at];
            match &metric.time {
                TimeRule::State => return Err(Refusal::NoHistory(metric.source.name.clone())),
                TimeRule::Unsaid => unsaid = true,
                TimeRule::Column(table, column) => {
                    let found = self.places(std::iter::once((*table, column.as_str())));
                    for (column, ..) in found {
                        if !declared.contains(&column) {
                            declared.push(column);
                        }
                    }
                }
            }
        }
        if let ([only], false) = (declared.as_slice(), unsaid) {
            return Ok(vec![Some(only.clone())]);
        }
        let mut candidates = declared;
        if unsaid {
            candidates.extend(self.nearest_moments());
            candidates.dedup();
        }
        match candidates.as_slice() {
            [] => Err(Refusal::NoHistory(self.model.tables[self.base].shown())),
            [only] => Ok(vec![Some(only.clone())]),
            several => Err(Refusal::WhichTime(
                several.iter().map(|column| column.column.clone()).collect(),
            )),
        }
    }

    /// The columns of time of the nearest table that has any.
    fn nearest_moments(&self) -> Vec<ColumnRef> {
        let moments = self
            .model
            .reachable(self.base)
            .into_iter()
            .flat_map(|table| {
                let columns = self.model.tables[table].columns.iter();
                let moments = columns.filter(|column| column.kind.is_temporal());
                moments.map(move |column| (table, column.name.as_str()))
            });
        let found = self.places(moments);
        found.into_iter().map(|(column, ..)| column).collect()
    }
}

fn product(choices: &[Vec<ColumnRef>], own: &[Vec<ColumnRef>]) -> Vec<Vec<ColumnRef>> {
    let mut next = Vec::new();
    for before in choices {
        for more in own {
            let mut all = before.clone();
            for column in more {
                if !all.contains(column) {
                    all.push(column.clone());
                }
            }
            next.push(all);
        }
    }
    next
}
