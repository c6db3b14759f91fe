//! The walk over one cut of a question, from left to right.
//!
//! Words of the grammar say what the next name is taken for; names fill the draft. There is no going back: a cut
//! that does not work out is given up, and the next one is tried.

use super::super::lattice::{Item, What};
use super::super::lexicon::{Meaning, Word};
use super::super::model::Model;
use super::super::period::Phrase;
use super::super::{Aggregate, Grain};
use super::Refusal;
use super::draft::{Draft, DraftFigure};

/// What the next name is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expect {
    Nothing,
    Dimension,
    Count,
    Distinct,
    Aggregate(Aggregate),
    /// The figure that ranks.
    Ranking,
}

/// The walk over one cut.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is set by a word and used up by another"
)]
pub(super) struct Walk<'a> {
    pub model: &'a Model,
    pub items: Vec<&'a Item>,
    pub at: usize,
    pub draft: Draft,
    pub expect: Expect,
    pub which: bool,
    /// Whether the singular was asked for: `which store has the most …`.
    pub single: bool,
    /// The last thing was a dimension, so that `and` may add another.
    pub after_dimension: bool,
    pub not: bool,
    trend: bool,
    /// The dimension before this place was introduced by `each`.
    each: bool,
    pub within: Within,
    pub numbers: Vec<u32>,
}

/// Whether the next dimension divides a ranking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Within {
    No,
    Next,
}

impl<'a> Walk<'a> {
    pub(super) fn new(model: &'a Model, items: &'a [Item]) -> Self {
        let neutral = What::Meaning(Meaning::Word(Word::Neutral));
        Self {
            model,
            items: items.iter().filter(|item| item.what != neutral).collect(),
            at: 0,
            draft: Draft::default(),
            expect: Expect::Nothing,
            which: false,
            single: false,
            after_dimension: false,
            not: false,
            trend: false,
            each: false,
            within: Within::No,
            numbers: Vec::new(),
        }
    }

    pub(super) fn peek(&self, ahead: usize) -> Option<&'a What> {
        self.items.get(self.at + ahead).map(|item| &item.what)
    }

    pub(super) fn peek_word(&self, ahead: usize) -> Option<Word> {
        match self.peek(ahead) {
            Some(What::Meaning(Meaning::Word(word))) => Some(*word),
            _ => None,
        }
    }

    pub(super) fn draft(mut self) -> Result<Draft, Refusal> {
        while let Some(item) = self.items.get(self.at).copied() {
            self.at += 1;
            let dimension = self.after_dimension;
            self.after_dimension = false;
            match &item.what {
                What::Meaning(Meaning::Word(word)) => {
                    self.word(*word, dimension)?;
                }
                What::Meaning(Meaning::Metric(metrics)) => self.metric(metrics, &item.raw)?,
                What::Meaning(Meaning::Table(tables)) => self.table(tables, &item.raw)?,
                What::Meaning(Meaning::Column(columns)) => self.column(columns, &item.raw)?,
                What::Meaning(Meaning::Event(columns)) => {
                    self.draft.events.extend(columns.iter().cloned());
                }
                What::Meaning(Meaning::Value(values)) => self.value(values, &item.raw),
                What::Time(phrase) => self.time(*phrase)?,
                What::Number(digits) => self.number(digits)?,
                What::Text(text) => return Err(Refusal::Unknown(vec![text.clone()])),
                What::Comma => self.after_dimension = dimension,
                What::Unknown => return Err(Refusal::Unknown(vec![item.raw.clone()])),
            }
        }
        self.finish()
    }

    fn word(&mut self, word: Word, after_dimension: bool) -> Result<(), Refusal> {
        match word {
            Word::Count => self.expect = Expect::Count,
            Word::Distinct => self.expect = Expect::Distinct,
            Word::Aggregate(aggregate) => {
                // `by total balance`: the metric follows.
                if self.expect != Expect::Ranking {
                    self.expect = Expect::Aggregate(aggregate);
                }
            }
            Word::By => {
                // What ranks follows what is ranked.
                let ranks = self.draft.ranked.is_some()
                    && self.draft.figures.is_empty()
                    && !self.draft.dimensions.is_empty();
                self.each = false;
                self.expect = if ranks {
                    Expect::Ranking
                } else {
                    Expect::Dimension
                };
            }
            Word::Each => {
                // `the best of each`: what follows divides the ranking.
                if self.draft.ranked.is_some() && !self.draft.dimensions.is_empty() {
                    self.within = Within::Next;
                }
                self.each = true;
                self.expect = Expect::Dimension;
            }
            Word::And => {
                if after_dimension && self.draft_follows_dimension() {
                    self.expect = Expect::Dimension;
                }
            }
            Word::Versus => self.draft.versus = true,
            Word::Not => self.not = true,
            Word::Share => self.draft.share = true,
            Word::Which => {
                self.which = true;
            }
            Word::Rank { descending, picks } => self.rank(descending, picks),
            Word::Grain(grain) => {
                if self.draft.grain.replace(grain).is_some() {
                    return Err(Refusal::Unsupported("two grains at once".to_owned()));
                }
                self.expect = Expect::Nothing;
                self.after_dimension = true;
            }
            Word::Without => self.without()?,
            Word::With => self.with(),
            Word::Between => {
                return Err(Refusal::Unsupported(
                    "`between` without two ends".to_owned(),
                ));
            }
            Word::Compare(_) => {
                return Err(Refusal::Unsupported(
                    "a comparison without a column before it".to_owned(),
                ));
            }
            Word::Trend => self.trend = true,
            Word::Future => return Err(Refusal::Future),
            Word::Of | Word::Neutral => {}
        }
        Ok(())
    }

    fn draft_follows_dimension(&self) -> bool {
        matches!(
            self.peek(0),
            Some(What::Meaning(
                Meaning::Table(_) | Meaning::Column(_) | Meaning::Word(Word::Grain(_))
            ))
        )
    }

    fn rank(&mut self, descending: bool, picks: bool) {
        self.draft.ranked = Some(descending);
        // `for each store the top 3 products`: what was named divides the ranking.
        if (picks || matches!(self.peek(0), Some(What::Number(_))))
            && self.draft.figures.is_empty()
            && !self.draft.dimensions.is_empty()
            && self.each
        {
            self.draft.within = std::mem::take(&mut self.draft.dimensions);
            return;
        }
        match self.peek(0) {
            Some(What::Number(_)) => {}
            // `the highest rate`, with nothing that is ranked: the greatest of all.
            Some(What::Meaning(Meaning::Column(_)))
                if self.draft.dimensions.is_empty() && !self.which && self.numbers.is_empty() => {}
            _ => {
                if !self.draft.dimensions.is_empty() || self.which {
                    self.expect = Expect::Ranking;
                }
            }
        }
    }

    fn time(&mut self, phrase: Phrase) -> Result<(), Refusal> {
        let last = self.draft.periods.last().copied();
        let period = match (phrase, last) {
            (Phrase::Future, _) => return Err(Refusal::Future),
            (Phrase::Period(period), _) => period,
            (Phrase::Before, Some(last)) => last
                .before()
                .ok_or_else(|| Refusal::Unsupported("the time before an open span".to_owned()))?,
            (Phrase::YearEarlier, Some(last)) => last.year_earlier(),
            (Phrase::Before | Phrase::YearEarlier, None) => {
                return Err(Refusal::Unsupported("an earlier time than none".to_owned()));
            }
        };
        self.draft.periods.push(period);
        // `by month in 2025`: the dimension was there already.
        if self.expect == Expect::Dimension {
            return Err(Refusal::Unsupported("groups by a span of time".to_owned()));
        }
        Ok(())
    }

    fn number(&mut self, digits: &str) -> Result<(), Refusal> {
        let whole: Option<u32> = digits.parse().ok().filter(|count| *count > 0);
        let names_follow = matches!(
            self.peek(0),
            Some(What::Meaning(
                Meaning::Table(_)
                    | Meaning::Column(_)
                    | Meaning::Word(Word::Rank { .. })
                    | Meaning::Value(_)
            ))
        );
        match whole {
            Some(count) if self.draft.limit.is_none() && names_follow => {
                if self.draft.ranked.is_none() && !self.ranks_later() {
                    return Err(Refusal::Unsupported(format!(
                        "the number {digits}: the first {digits} by what?"
                    )));
                }
                self.draft.limit = Some(count);
                self.numbers.push(count);
                Ok(())
            }
            _ => Err(Refusal::Unsupported(format!(
                "the number {digits} at this place"
            ))),
        }
    }

    fn finish(mut self) -> Result<Draft, Refusal> {
        if self.not {
            return Err(Refusal::Unsupported("`not` of this".to_owned()));
        }
        let draft = &mut self.draft;
        if self.trend && draft.grain.is_none() {
            draft.grain = Some(Grain::Month);
        }
        if draft.ranked.is_none() {
            // `the highest price per order` ranks nothing after all.
            let within = std::mem::take(&mut draft.within);
            draft.dimensions.splice(0..0, within);
        }
        let groups = !draft.dimensions.is_empty() || draft.grain.is_some();
        match draft.rows_of {
            // `orders by city`: how many of them.
            Some(table)
                if draft.figures.is_empty()
                    && draft.ranked.is_none()
                    && (groups || draft.share) =>
            {
                draft.rows_of = None;
                draft.figures.push(DraftFigure::Count(table));
            }
            Some(table) if !draft.figures.is_empty() => {
                draft.rows_of = None;
                draft.mentions.push(table);
            }
            Some(_) if draft.ranked.is_none() => {}
            _ if draft.figures.is_empty() => return Err(Refusal::NoFigure),
            _ => {}
        }
        match self.expect {
            Expect::Nothing => {}
            Expect::Dimension => return Err(Refusal::Unsupported("groups by nothing".to_owned())),
            _ if draft.figures.is_empty() => return Err(Refusal::NoFigure),
            _ => return Err(Refusal::Unsupported("a figure of nothing".to_owned())),
        }
        if draft.ranked.is_some() && draft.dimensions.is_empty() && draft.grain.is_none() {
            return Err(Refusal::Unsupported("a rank among nothing".to_owned()));
        }
        if draft.versus && draft.figures.is_empty() {
            return Err(Refusal::Unsupported(
                "a comparison without a figure".to_owned(),
            ));
        }
        if !draft.within.is_empty()
            && (draft.grain.is_some() || draft.share || draft.periods.len() > 1)
        {
            return Err(Refusal::Unsupported(
                "a ranking within each of these".to_owned(),
            ));
        }
        if draft.ranked.is_some() && draft.limit.is_none() && self.single {
            draft.limit = Some(1);
        }
        Ok(self.draft)
    }
}
