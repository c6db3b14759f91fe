//! What a name is in a question: a figure, a group, a condition, or only said along.

use super::super::Aggregate;
use super::super::kind::ColumnKind;
use super::super::lattice::What;
use super::super::lexicon::{Meaning, Word};
use super::super::model::Model;
use super::Refusal;
use super::draft::{Dimension, DraftFigure, DraftFilter, Named};
use super::walk::{Expect, Walk, Within};

impl Walk<'_> {
    pub(super) fn metric(&mut self, metrics: &[usize], raw: &str) -> Result<(), Refusal> {
        let [metric] = metrics else {
            return Err(Refusal::Unsupported(format!(
                "several metrics that are called {raw}"
            )));
        };
        let known = &self.model.metrics[*metric];
        match self.expect {
            Expect::Dimension => {
                return Err(Refusal::Unsupported(format!("groups by the figure {raw}")));
            }
            Expect::Aggregate(Aggregate::Sum) if known.additive => {}
            Expect::Aggregate(aggregate) => {
                return Err(Refusal::Unsupported(format!(
                    "the {} of {raw}",
                    aggregate.name()
                )));
            }
            Expect::Nothing | Expect::Count | Expect::Distinct | Expect::Ranking => {}
        }
        if matches!(self.peek_word(0), Some(Word::Compare(_))) {
            return Err(Refusal::Unsupported(format!(
                "a condition on the figure {raw}"
            )));
        }
        self.expect = Expect::Nothing;
        self.figure(DraftFigure::Metric(*metric));
        Ok(())
    }

    fn dimension(&mut self, dimension: Dimension) {
        match std::mem::replace(&mut self.within, Within::No) {
            Within::Next => self.draft.within.push(dimension),
            Within::No => self.draft.dimensions.push(dimension),
        }
        self.after_dimension = true;
    }

    fn figure(&mut self, figure: DraftFigure) {
        if !self.draft.figures.contains(&figure) {
            self.draft.figures.push(figure);
        }
    }

    pub(super) fn table(&mut self, tables: &[usize], raw: &str) -> Result<(), Refusal> {
        let [table] = tables else {
            return Err(Refusal::Unsupported(format!(
                "several tables that are called {raw}"
            )));
        };
        let table = *table;
        // `branch cities`, `account kind`: a column of that table.
        if let Some(What::Meaning(Meaning::Column(columns))) = self.peek(0)
            && columns.iter().any(|(of, _)| *of == table)
            && !self.compares(1)
        {
            let raw = format!("{raw} {}", self.items[self.at].raw);
            self.at += 1;
            return self.named(Named {
                columns: columns.clone(),
                within: Some(table),
                raw,
            });
        }
        if let Some(What::Number(digits)) = self.peek(0)
            && self.model.tables[table].primary_key.len() == 1
            && self.expect != Expect::Ranking
        {
            self.at += 1;
            self.draft
                .filters
                .push(DraftFilter::Key(table, digits.clone()));
            return Ok(());
        }
        match self.expect {
            Expect::Count | Expect::Distinct | Expect::Ranking => {
                self.figure(DraftFigure::Count(table));
            }
            Expect::Dimension => {
                self.dimension(Dimension::Table(table));
            }
            Expect::Aggregate(_) => {
                // `average customer age` is caught above; `total customers` is how many there are.
                if self.expect == Expect::Aggregate(Aggregate::Sum) {
                    self.figure(DraftFigure::Count(table));
                } else {
                    return Err(Refusal::BareColumn(raw.to_owned()));
                }
            }
            Expect::Nothing => {
                let ranked = self.draft.ranked.is_some() && self.draft.dimensions.is_empty();
                let ranked = ranked && self.draft.figures.is_empty();
                if ranked || self.which && self.draft.rows_of.is_none() && self.ranks_later() {
                    self.single = self.is_singular(raw, table);
                    self.draft.dimensions.push(Dimension::Table(table));
                    self.after_dimension = true;
                } else if self.draft.rows_of.is_none() && self.draft.figures.is_empty() {
                    self.draft.rows_of = Some(table);
                } else {
                    self.draft.mentions.push(table);
                }
            }
        }
        self.expect = Expect::Nothing;
        Ok(())
    }

    /// Whether a rank comes after this place.
    pub(super) fn ranks_later(&self) -> bool {
        self.items[self.at..]
            .iter()
            .any(|item| matches!(item.what, What::Meaning(Meaning::Word(Word::Rank { .. }))))
    }

    fn is_singular(&self, raw: &str, table: usize) -> bool {
        let lower = raw.to_lowercase();
        let name = self.model.tables[table].name.to_lowercase();
        !lower.ends_with('s') || (name == lower && !name.ends_with('s'))
    }

    /// Whether what comes so far ahead compares.
    fn compares(&self, ahead: usize) -> bool {
        matches!(
            self.peek_word(ahead),
            Some(Word::Compare(_) | Word::Between)
        )
    }

    pub(super) fn column(&mut self, columns: &[(usize, String)], raw: &str) -> Result<(), Refusal> {
        let mut within = None;
        // `kind of account`, `country of the customer`.
        if self.peek_word(0) == Some(Word::Of)
            && let Some(What::Meaning(Meaning::Table(tables))) = self.peek(1)
            && let [table] = tables.as_slice()
            && columns.iter().any(|(of, _)| of == table)
        {
            within = Some(*table);
            self.at += 2;
        }
        self.named(Named {
            columns: columns.to_vec(),
            within,
            raw: raw.to_owned(),
        })
    }

    fn named(&mut self, named: Named) -> Result<(), Refusal> {
        let kinds: Vec<ColumnKind> = named
            .columns
            .iter()
            .filter(|(table, _)| named.within.is_none_or(|within| within == *table))
            .filter_map(|(table, column)| Some(self.model.tables[*table].column(column)?.kind))
            .collect();
        let all = |wanted: fn(ColumnKind) -> bool| {
            !kinds.is_empty() && kinds.iter().all(|kind| wanted(*kind))
        };
        let number = |kind| kind == ColumnKind::Number;
        match (self.peek_word(0), self.peek(1)) {
            (Some(Word::Compare(comparison)), Some(What::Number(digits))) if all(number) => {
                self.at += 2;
                self.expect = Expect::Nothing;
                let filter = DraftFilter::Compare(named, comparison, digits.clone());
                self.draft.filters.push(filter);
                return Ok(());
            }
            (Some(Word::Between), Some(What::Number(low))) if all(number) => {
                if self.peek_word(2) == Some(Word::And)
                    && let Some(What::Number(high)) = self.peek(3)
                {
                    self.at += 4;
                    self.expect = Expect::Nothing;
                    let filter = DraftFilter::Between(named, low.clone(), high.clone());
                    self.draft.filters.push(filter);
                    return Ok(());
                }
            }
            _ => {}
        }
        // `department Dairy`, `status: late`: the column of the value.
        if let Some(What::Meaning(Meaning::Value(values))) = self.peek(0)
            && self.expect == Expect::Nothing
        {
            let of_column = of_column(self.model, values, &named);
            if !of_column.is_empty() {
                let raw = self.items[self.at].raw.clone();
                self.at += 1;
                self.push_value(of_column, named.within, raw);
                return Ok(());
            }
        }
        match self.expect {
            Expect::Dimension => {
                self.dimension(Dimension::Column(named));
            }
            Expect::Count | Expect::Distinct => self.figure(DraftFigure::Distinct(named)),
            Expect::Aggregate(aggregate) if all(number) => {
                self.figure(DraftFigure::Aggregate(aggregate, named));
            }
            Expect::Aggregate(_) | Expect::Ranking => return Err(Refusal::BareColumn(named.raw)),
            Expect::Nothing => return self.column_alone(named, &kinds),
        }
        self.expect = Expect::Nothing;
        Ok(())
    }

    fn column_alone(&mut self, named: Named, kinds: &[ColumnKind]) -> Result<(), Refusal> {
        let all =
            |wanted: ColumnKind| !kinds.is_empty() && kinds.iter().all(|kind| *kind == wanted);
        if all(ColumnKind::Boolean) {
            let truth = !std::mem::take(&mut self.not);
            self.draft.filters.push(DraftFilter::Is(named, truth));
            return Ok(());
        }
        // `high severity`: the column of the value before it.
        if let Some(DraftFilter::Value { values, .. }) = self.draft.filters.last_mut() {
            let of_column = of_column(self.model, values, &named);
            if !of_column.is_empty() {
                *values = of_column;
                return Ok(());
            }
        }
        let ranked = self.draft.ranked.is_some() && self.draft.dimensions.is_empty();
        let ranks = |walk: &Self| walk.ranks_later() || !walk.numbers.is_empty();
        if self.draft.figures.is_empty()
            && (ranked && (!all(ColumnKind::Number) || self.draft.limit.is_some())
                || (self.which || ranks(self)) && self.ranks_later())
        {
            self.single = !named.raw.to_lowercase().ends_with('s');
            self.draft.dimensions.push(Dimension::Column(named));
            self.after_dimension = true;
            return Ok(());
        }
        if ranked && all(ColumnKind::Number) && self.draft.figures.is_empty() {
            let aggregate = if self.draft.ranked == Some(true) {
                Aggregate::Max
            } else {
                Aggregate::Min
            };
            self.draft.ranked = None;
            self.figure(DraftFigure::Aggregate(aggregate, named));
            return Ok(());
        }
        if kinds.iter().all(|kind| kind.is_temporal()) && !kinds.is_empty() {
            self.draft.events.extend(named.columns);
            return Ok(());
        }
        Err(Refusal::BareColumn(named.raw))
    }

    pub(super) fn value(&mut self, values: &[usize], raw: &str) {
        let mut within = None;
        // `savings accounts`: a value of that table, if it has it.
        if let Some(What::Meaning(Meaning::Table(tables))) = self.peek(0) {
            within = tables.iter().copied().find(|table| {
                values
                    .iter()
                    .any(|at| self.model.values[*at].table == *table)
            });
        }
        self.push_value(values.to_vec(), within, raw.to_owned());
    }

    fn push_value(&mut self, values: Vec<usize>, within: Option<usize>, raw: String) {
        let not = std::mem::take(&mut self.not);
        self.draft.filters.push(DraftFilter::Value {
            values,
            within,
            not,
            raw,
        });
    }

    /// `without a loyalty card`.
    pub(super) fn without(&mut self) -> Result<(), Refusal> {
        let Some(item) = self.items.get(self.at).copied() else {
            return Err(Refusal::Unsupported("`without` without what".to_owned()));
        };
        self.at += 1;
        if let Some(table) = self.related(&item.what) {
            self.draft.filters.push(DraftFilter::Related {
                table,
                present: false,
            });
            return Ok(());
        }
        match &item.what {
            What::Meaning(Meaning::Column(columns)) => {
                self.draft.filters.push(DraftFilter::Missing(Named {
                    columns: columns.clone(),
                    within: None,
                    raw: item.raw.clone(),
                }));
                Ok(())
            }
            _ => Err(Refusal::Unsupported(format!("`without` {}", item.raw))),
        }
    }

    /// `with a loyalty card`; before a rank or a column with a comparison it says nothing.
    pub(super) fn with(&mut self) {
        let Some(what) = self.peek(0) else {
            return;
        };
        // `with a note`; `with a price above 5` is a condition of its own.
        if let What::Meaning(Meaning::Column(columns)) = what {
            let more = matches!(
                self.peek(1),
                Some(What::Number(_) | What::Meaning(Meaning::Value(_)))
            );
            if !more && !self.compares(1) && self.expect == Expect::Nothing {
                let raw = self.items[self.at].raw.clone();
                self.at += 1;
                self.draft.filters.push(DraftFilter::Present(Named {
                    columns: columns.clone(),
                    within: None,
                    raw,
                }));
            }
            return;
        }
        let subject = self.draft.rows_of.is_some() || !self.draft.figures.is_empty();
        if let (true, Some(table)) = (subject, self.related(what)) {
            let table_column = matches!(self.peek(1), Some(What::Meaning(Meaning::Column(_))));
            if !table_column {
                self.at += 1;
                self.draft.filters.push(DraftFilter::Related {
                    table,
                    present: true,
                });
            }
        }
    }

    /// The table that a phrase names, also as what a metric counts.
    fn related(&self, what: &What) -> Option<usize> {
        match what {
            What::Meaning(Meaning::Table(tables)) if tables.len() == 1 => Some(tables[0]),
            What::Meaning(Meaning::Metric(metrics)) if metrics.len() == 1 => {
                self.model.metrics[metrics[0]].counts
            }
            _ => None,
        }
    }
}

/// Those of some values that are of a column of this name.
fn of_column(model: &Model, values: &[usize], named: &Named) -> Vec<usize> {
    let is_one = |at: &usize| {
        let value = &model.values[*at];
        let mut columns = named.columns.iter();
        columns.any(|(table, column)| *table == value.table && *column == value.column)
    };
    values.iter().copied().filter(is_one).collect()
}
