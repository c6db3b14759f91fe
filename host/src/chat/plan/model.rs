//! What can be asked of one connection: its live tables and how they join, and the metrics, values and templates
//! that are known of it.
//!
//! Tables and columns come from the live catalogue alone. A join is followed in one direction only, from the many
//! to the one: along foreign keys and the relationships that Schema DataPoints declare. So a figure of a table is
//! never multiplied by what is joined to it.

use std::collections::VecDeque;
use std::sync::Arc;

use sqlparser::ast::Expr;

use super::kind::ColumnKind;
use super::{ColumnRef, PlanError};
use crate::knowledge::datapoint::DataPoint;
use crate::knowledge::{Kind, Scope};
use crate::plugins::Dialect;

/// Two ways are as ambiguous as a hundred.
const MOST_WAYS: usize = 4;

/// The model of a connection at one moment.
#[derive(Debug, Default)]
pub struct Model {
    pub tables: Vec<Table>,
    pub joins: Vec<Join>,
    pub metrics: Vec<Metric>,
    pub templates: Vec<Template>,
    pub values: Vec<Value>,
    pub dialect: Option<Dialect>,
    /// Canonical: `postgresql`.
    pub database_type: String,
}

/// A table or view.
#[derive(Debug, Clone)]
pub struct Table {
    pub schema: String,
    pub name: String,
    /// Whether a bare name reaches it.
    pub in_default_schema: bool,
    pub columns: Vec<Column>,
    pub primary_key: Vec<String>,
    /// Kept to what its rows are a summary of: nothing is joined to it.
    pub is_view: bool,
    pub row_estimate: Option<u64>,
    /// What people call it, beside its own name: the names of the DataPoints that describe it, and what its rows
    /// are counted as.
    pub names: Vec<String>,
    pub source: Option<Source>,
}

#[derive(Debug, Clone)]
pub struct Column {
    pub name: String,
    pub kind: ColumnKind,
    pub nullable: bool,
}

/// From the many to the one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Join {
    pub from: usize,
    /// Pairs of columns, of `from` and of `to`.
    pub on: Vec<(String, String)>,
    pub to: usize,
    /// Whether a row of `from` may have none of `to`.
    pub optional: bool,
}

/// A DataPoint that something is known from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    pub id: String,
    pub name: String,
    pub kind: Kind,
    pub scope: Scope,
}

/// A figure that a Business DataPoint declares and that can be computed here.
#[derive(Debug, Clone)]
pub struct Metric {
    pub source: Source,
    pub synonyms: Vec<String>,
    pub unit: Option<String>,
    /// Aggregates over columns that are written as `table.column`, as the model spells them.
    pub calculation: Expr,
    /// The table whose rows are aggregated.
    pub base: usize,
    /// Whether parts of it add up to the whole.
    pub additive: bool,
    /// The table of which it is just the number of rows.
    pub counts: Option<usize>,
    pub time: TimeRule,
}

/// Which column says when a metric's rows happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimeRule {
    /// Declared, or the only one that the calculation looks at.
    Column(usize, String),
    /// Declared to have none: it is a state, of now.
    State,
    /// Nothing is said: the base's only one, if there is only one.
    Unsaid,
}

/// A Query DataPoint.
#[derive(Debug, Clone)]
pub struct Template {
    pub source: Source,
    pub point: Arc<DataPoint>,
}

/// A value that a column holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    pub table: usize,
    pub column: String,
    pub text: String,
}

impl Table {
    /// The name for people, with its schema where it is needed.
    pub fn shown(&self) -> String {
        if self.in_default_schema {
            self.name.clone()
        } else {
            format!("{}.{}", self.schema, self.name)
        }
    }

    pub fn column(&self, name: &str) -> Option<&Column> {
        let same = |column: &&Column| column.name.eq_ignore_ascii_case(name);
        let exact = self.columns.iter().find(|column| column.name == name);
        exact.or_else(|| self.columns.iter().find(same))
    }

    /// The column by which a reader tells its rows apart.
    pub fn label(&self) -> Option<&Column> {
        let text = |column: &&Column| column.kind == ColumnKind::Text;
        let named = |wanted: &str| {
            let mut columns = self.columns.iter().filter(text);
            columns.find(|column| column.name.eq_ignore_ascii_case(wanted))
        };
        ["name", "full_name", "fullname", "title", "label"]
            .into_iter()
            .find_map(named)
            .or_else(|| {
                let mut columns = self.columns.iter().filter(text);
                columns.find(|column| column.name.to_lowercase().ends_with("name"))
            })
    }
}

impl Model {
    pub fn dialect(&self) -> Dialect {
        self.dialect.unwrap_or(Dialect::Generic)
    }

    /// The table of a name, with or without its schema, in any case. `None` if there is none or more than one.
    pub fn table(&self, name: &str) -> Option<usize> {
        let fits = |table: &Table, same: &dyn Fn(&str, &str) -> bool| {
            same(&table.name, name) || same(&format!("{}.{}", table.schema, table.name), name)
        };
        let find = |same: &dyn Fn(&str, &str) -> bool| -> Vec<usize> {
            let tables = self.tables.iter().enumerate();
            tables
                .filter(|(_, table)| fits(table, same))
                .map(|(at, _)| at)
                .collect()
        };
        let mut found = find(&|a, b| a == b);
        if found.is_empty() {
            found = find(&|a, b| a.eq_ignore_ascii_case(b));
        }
        if found.len() > 1 {
            found.retain(|at| self.tables[*at].in_default_schema);
        }
        match found.as_slice() {
            [one] => Some(*one),
            _ => None,
        }
    }

    /// The table of a name whose schema may be that of another database's layout: where no table has the schema
    /// that is named, the bare name counts.
    pub fn table_of(&self, schema: &str, name: &str) -> Option<usize> {
        let full = format!("{schema}.{name}");
        self.table(&full).or_else(|| {
            let known = self
                .tables
                .iter()
                .any(|table| table.schema.eq_ignore_ascii_case(schema));
            if known { None } else { self.table(name) }
        })
    }

    /// The table that a DataPoint names, with or without a schema; as [`Model::table_of`].
    pub fn table_named(&self, name: &str) -> Option<usize> {
        self.table(name).or_else(|| {
            let (schema, name) = name.rsplit_once('.')?;
            self.table_of(schema, name)
        })
    }

    /// The shortest ways from a table to another, as indexes into the joins; a few of them, if there are many. One
    /// empty way leads to itself.
    pub fn ways(&self, from: usize, to: usize) -> Vec<Vec<usize>> {
        let mut distance = vec![usize::MAX; self.tables.len()];
        distance[from] = 0;
        let mut queue = VecDeque::from([from]);
        while let Some(at) = queue.pop_front() {
            for join in self.joins.iter().filter(|join| join.from == at) {
                if distance[join.to] == usize::MAX {
                    distance[join.to] = distance[at] + 1;
                    queue.push_back(join.to);
                }
            }
        }
        let mut found = Vec::new();
        if distance[to] != usize::MAX {
            self.follow(to, &distance, &mut Vec::new(), &mut found);
        }
        found
    }

    /// Goes back from a table, each step one nearer to where the distances begin.
    fn follow(
        &self,
        at: usize,
        distance: &[usize],
        back: &mut Vec<usize>,
        found: &mut Vec<Vec<usize>>,
    ) {
        if distance[at] == 0 {
            found.push(back.iter().rev().copied().collect());
            return;
        }
        for (index, join) in self.joins.iter().enumerate() {
            if found.len() == MOST_WAYS {
                return;
            }
            let before = distance[join.from];
            if join.to == at && before != usize::MAX && before + 1 == distance[at] {
                back.push(index);
                self.follow(join.from, distance, back, found);
                back.pop();
            }
        }
    }

    /// Every table that can be joined to one without multiplying its rows, nearest first, itself included.
    pub fn reachable(&self, from: usize) -> Vec<usize> {
        let mut found = vec![from];
        let mut at = 0;
        while at < found.len() {
            let here = found[at];
            for join in self.joins.iter().filter(|join| join.from == here) {
                if !found.contains(&join.to) {
                    found.push(join.to);
                }
            }
            at += 1;
        }
        found
    }

    /// How a plan writes a column that a way leads to.
    pub fn column_ref(&self, way: &[usize], table: usize, column: &str) -> ColumnRef {
        ColumnRef {
            table: self.tables[table].shown(),
            column: column.to_owned(),
            via: way
                .iter()
                .filter_map(|step| self.joins[*step].on.first())
                .map(|(column, _)| column.clone())
                .collect(),
        }
    }

    /// The way and the table and column that a plan means; without `via` the only shortest way.
    ///
    /// # Errors
    /// [`PlanError::Unknown`], [`PlanError::Unreachable`], [`PlanError::Ambiguous`].
    pub fn resolve(
        &self,
        base: usize,
        wanted: &ColumnRef,
    ) -> Result<(Vec<usize>, usize, &Column), PlanError> {
        let unknown = |what: &str| PlanError::Unknown {
            name: what.to_owned(),
        };
        let table = self
            .table(&wanted.table)
            .ok_or_else(|| unknown(&wanted.table))?;
        let column = self.tables[table]
            .column(&wanted.column)
            .ok_or_else(|| unknown(&format!("{}.{}", wanted.table, wanted.column)))?;
        let unreachable = || PlanError::Unreachable {
            from: self.tables[base].shown(),
            to: wanted.table.clone(),
        };
        let way = if wanted.via.is_empty() {
            let mut ways = self.ways(base, table);
            match ways.len() {
                0 => return Err(unreachable()),
                1 => ways.swap_remove(0),
                _ => {
                    return Err(PlanError::Ambiguous {
                        name: wanted.table.clone(),
                    });
                }
            }
        } else {
            let mut way = Vec::new();
            let mut at = base;
            for step in &wanted.via {
                let join = self.joins.iter().position(|join| {
                    join.from == at && join.on.first().is_some_and(|(column, _)| column == step)
                });
                let join = join.ok_or_else(unreachable)?;
                at = self.joins[join].to;
                way.push(join);
            }
            if at != table {
                return Err(unreachable());
            }
            way
        };
        Ok((way, table, column))
    }

    pub fn metric(&self, id: &str) -> Option<&Metric> {
        self.metrics.iter().find(|metric| metric.source.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tables by number, and joins between them.
    fn joined(tables: usize, joins: &[(usize, usize)]) -> Model {
        let table = |at: usize| Table {
            schema: String::new(),
            name: format!("t{at}"),
            in_default_schema: true,
            columns: Vec::new(),
            primary_key: Vec::new(),
            is_view: false,
            row_estimate: None,
            names: Vec::new(),
            source: None,
        };
        let join = |(from, to): &(usize, usize)| Join {
            from: *from,
            on: vec![("a".to_owned(), "b".to_owned())],
            to: *to,
            optional: false,
        };
        Model {
            tables: (0..tables).map(table).collect(),
            joins: joins.iter().map(join).collect(),
            ..Model::default()
        }
    }

    #[test]
    fn the_shortest_ways_are_found_and_no_other() {
        let model = joined(5, &[(0, 1), (1, 2), (0, 3), (3, 2), (0, 0), (2, 0), (0, 2)]);
        assert_eq!(model.ways(0, 0), [Vec::<usize>::new()]);
        assert_eq!(model.ways(0, 2), [[6]]);
        assert_eq!(model.ways(1, 3), [[1, 5, 2]]);
        assert!(model.ways(0, 4).is_empty());
        let two = joined(4, &[(0, 1), (1, 2), (0, 3), (3, 2)]);
        assert_eq!(two.ways(0, 2), [[0, 1], [2, 3]]);
    }

    #[test]
    fn many_ways_take_no_long_time() {
        let all: Vec<(usize, usize)> = (0..60)
            .flat_map(|from| (0..60).map(move |to| (from, to)))
            .filter(|(from, to)| from / 6 + 1 == to / 6)
            .collect();
        let model = joined(61, &all);
        assert_eq!(model.ways(0, 59).len(), MOST_WAYS);
        assert!(model.ways(0, 60).is_empty());
    }
}
