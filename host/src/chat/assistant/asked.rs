//! A plan as a model is asked for it: flat, columns as `table.column`, every word from a list.
//!
//! It says no more than a [`Plan`] can, and becomes one by looking its names up. What it names and is not there, and
//! any member that is not known, is an error that says what to do instead: the model gets it back.

use chrono::{Days, NaiveDate};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::chat::plan::compile::base;
use crate::chat::plan::kind::ColumnKind;
use crate::chat::plan::model::{Model, TimeRule};
use crate::chat::plan::{
    Aggregate, ColumnRef, Comparison, Condition, Figure, Filter, Grain, Order, Period, Plan,
    PlanError, Select,
};

/// What a model may ask for.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedPlan {
    #[serde(default)]
    figures: Option<Vec<AskedFigure>>,
    #[serde(default)]
    rows_of: Option<String>,
    #[serde(default)]
    group_by: Option<Vec<String>>,
    #[serde(default)]
    filters: Option<Vec<AskedFilter>>,
    #[serde(default)]
    time_column: Option<String>,
    #[serde(default)]
    periods: Option<Vec<AskedPeriod>>,
    #[serde(default)]
    grain: Option<Grain>,
    #[serde(default)]
    order: Option<AskedOrder>,
    #[serde(default)]
    limit: Option<u32>,
    #[serde(default)]
    within: Option<Vec<String>>,
    #[serde(default)]
    share: Option<bool>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedFigure {
    kind: FigureKind,
    of: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FigureKind {
    Metric,
    Count,
    Distinct,
    Sum,
    Avg,
    Min,
    Max,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedFilter {
    column: String,
    is: Test,
    #[serde(default)]
    values: Option<Vec<Scalar>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Test {
    OneOf,
    NoneOf,
    Less,
    AtMost,
    Equal,
    AtLeast,
    Greater,
    Between,
    True,
    False,
    Missing,
    Present,
}

/// Models write numbers as texts and texts as numbers.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
enum Scalar {
    Text(String),
    Number(serde_json::Number),
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedPeriod {
    #[serde(default)]
    from: Option<NaiveDate>,
    /// The last day.
    #[serde(default)]
    until: Option<NaiveDate>,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AskedOrder {
    HighestFirst,
    LowestFirst,
}

/// Why an asked plan is none. The words are for the model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error("{0:?} is no column; write it as table.column")]
    NotAColumn(String),
    #[error(
        "there is no metric {0:?}; use the id of one in the data, or a kind of figure over a column"
    )]
    NoMetric(String),
    #[error("give either figures or rows_of")]
    NothingSelected,
    #[error("name the time_column that periods and grain are of")]
    WhichTime,
    #[error("the filter on {0} needs {1}")]
    Values(String, &'static str),
    #[error("there are several ways to {0}; write the column as `table.column via joining_column`")]
    Ambiguous(String),
    #[error(transparent)]
    Plan(PlanError),
}

impl From<PlanError> for Unfit {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::Ambiguous { name } => Self::Ambiguous(name),
            other => Self::Plan(other),
        }
    }
}

impl AskedPlan {
    /// Looks the names up.
    ///
    /// # Errors
    /// [`Unfit`].
    pub fn resolve(&self, model: &Model) -> Result<Plan, Unfit> {
        let figures = self.figures.as_deref().unwrap_or_default();
        let select = match (figures, &self.rows_of) {
            ([], Some(table)) => Select::Rows {
                table: table.clone(),
            },
            ([], None) | ([_, ..], Some(_)) => return Err(Unfit::NothingSelected),
            (figures, None) => Select::Figures(
                figures
                    .iter()
                    .map(|figure| figure.resolve(model))
                    .collect::<Result<_, _>>()?,
            ),
        };
        let columns = |names: &Option<Vec<String>>| -> Result<Vec<ColumnRef>, Unfit> {
            let names = names.as_deref().unwrap_or_default();
            names.iter().map(|name| column(name)).collect()
        };
        let filters = self.filters.as_deref().unwrap_or_default();
        let periods = self.periods.as_deref().unwrap_or_default();
        let mut plan = Plan {
            select,
            base: None,
            dimensions: columns(&self.group_by)?,
            filters: filters
                .iter()
                .map(|filter| filter.resolve(model))
                .collect::<Result<_, _>>()?,
            time: self.time_column.as_deref().map(column).transpose()?,
            periods: periods.iter().map(AskedPeriod::resolve).collect(),
            grain: self.grain,
            order: self.order.map(|order| match order {
                AskedOrder::HighestFirst => Order::Descending,
                AskedOrder::LowestFirst => Order::Ascending,
            }),
            limit: self.limit.filter(|limit| *limit > 0),
            within: columns(&self.within)?,
            share: self.share.unwrap_or_default(),
        };
        let in_time = plan.grain.is_some() || !plan.periods.is_empty();
        if in_time && plan.time.is_none() {
            plan.time = Some(usual_time(&plan, model)?);
        } else if !in_time {
            plan.time = None;
        }
        // A ranking within something ranks its groups, so it is one of them.
        for outer in &plan.within {
            if !plan.dimensions.contains(outer) {
                plan.dimensions.insert(0, outer.clone());
            }
        }
        Ok(plan)
    }
}

impl AskedFigure {
    fn resolve(&self, model: &Model) -> Result<Figure, Unfit> {
        let aggregate = |aggregate| Ok(Figure::Aggregate(aggregate, column(&self.of)?));
        match self.kind {
            FigureKind::Metric => {
                let mut metrics = model.metrics.iter();
                let metric = metrics.find(|metric| {
                    metric.source.id == self.of || metric.source.name.eq_ignore_ascii_case(&self.of)
                });
                metric
                    .map(|metric| Figure::Metric(metric.source.id.clone()))
                    .ok_or_else(|| Unfit::NoMetric(self.of.clone()))
            }
            FigureKind::Count => Ok(Figure::Count(self.of.clone())),
            FigureKind::Distinct => Ok(Figure::Distinct(column(&self.of)?)),
            FigureKind::Sum => aggregate(Aggregate::Sum),
            FigureKind::Avg => aggregate(Aggregate::Avg),
            FigureKind::Min => aggregate(Aggregate::Min),
            FigureKind::Max => aggregate(Aggregate::Max),
        }
    }
}

impl AskedFilter {
    fn resolve(&self, model: &Model) -> Result<Filter, Unfit> {
        let column = column(&self.column)?;
        let kind = model
            .table(&column.table)
            .and_then(|table| model.tables[table].column(&column.column))
            .map(|column| column.kind);
        let values: Vec<String> = self
            .values
            .iter()
            .flatten()
            .map(|value| match value {
                Scalar::Text(text) => text.clone(),
                Scalar::Number(number) => number.to_string(),
            })
            .collect();
        let needs = |what| Unfit::Values(self.column.clone(), what);
        let one = || match values.as_slice() {
            [one] => Ok(one.clone()),
            _ => Err(needs("one value")),
        };
        let some = || {
            if values.is_empty() {
                Err(needs("values"))
            } else {
                Ok(values.clone())
            }
        };
        let compare = |comparison| Ok(Condition::Compare(comparison, one()?));
        let condition = match self.is {
            Test::OneOf => match (kind, values.as_slice()) {
                // A list of texts; one number is an equation.
                (Some(ColumnKind::Number), [_]) => compare(Comparison::Equal),
                _ => Ok(Condition::In(some()?)),
            },
            Test::NoneOf => Ok(Condition::NotIn(some()?)),
            Test::Equal if kind == Some(ColumnKind::Text) => Ok(Condition::In(vec![one()?])),
            Test::Equal => compare(Comparison::Equal),
            Test::Less => compare(Comparison::Less),
            Test::AtMost => compare(Comparison::AtMost),
            Test::AtLeast => compare(Comparison::AtLeast),
            Test::Greater => compare(Comparison::Greater),
            Test::Between => match values.as_slice() {
                [low, high] => Ok(Condition::Between(low.clone(), high.clone())),
                _ => Err(needs("two values")),
            },
            Test::True => Ok(Condition::Is(true)),
            Test::False => Ok(Condition::Is(false)),
            Test::Missing => Ok(Condition::Missing),
            Test::Present => Ok(Condition::Present),
        }?;
        Ok(Filter { column, condition })
    }
}

impl AskedPeriod {
    fn resolve(&self) -> Period {
        Period {
            from: self.from,
            to: self
                .until
                .map(|day| day.checked_add_days(Days::new(1)).unwrap_or(day)),
        }
    }
}

/// `table.column`, with a schema before and the joining columns behind where they are needed.
fn column(text: &str) -> Result<ColumnRef, Unfit> {
    let (name, via) = text.split_once(" via ").unwrap_or((text, ""));
    let (table, column) = name
        .trim()
        .rsplit_once('.')
        .filter(|(table, column)| !table.is_empty() && !column.is_empty())
        .ok_or_else(|| Unfit::NotAColumn(text.to_owned()))?;
    Ok(ColumnRef {
        table: table.to_owned(),
        column: column.to_owned(),
        via: via
            .split(',')
            .map(str::trim)
            .filter(|step| !step.is_empty())
            .map(str::to_owned)
            .collect(),
    })
}

/// The time that a metric is declared to be seen in, or the only one that its table has.
fn usual_time(plan: &Plan, model: &Model) -> Result<ColumnRef, Unfit> {
    let base = base(plan, model)?;
    if let Select::Figures(figures) = &plan.select {
        for figure in figures {
            if let Figure::Metric(id) = figure
                && let Some(metric) = model.metric(id)
                && let TimeRule::Column(table, column) = &metric.time
            {
                return Ok(model.column_ref(&[], *table, column));
            }
        }
    }
    let mut moments = model.tables[base]
        .columns
        .iter()
        .filter(|column| column.kind.is_temporal());
    match (moments.next(), moments.next()) {
        (Some(only), None) => Ok(model.column_ref(&[], base, &only.name)),
        _ => Err(Unfit::WhichTime),
    }
}

/// The JSON schema of an [`AskedPlan`], strict: every member is required, and null where it says nothing.
pub fn schema() -> Value {
    let columns = |about: &str| json!({"type": ["array", "null"], "items": {"type": "string"}, "description": about});
    let object = |properties: Value| {
        let required: Vec<String> = properties
            .as_object()
            .map(|members| members.keys().cloned().collect())
            .unwrap_or_default();
        json!({
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        })
    };
    let nullable = |mut schema: Value, kind: &str| {
        schema["type"] = json!([kind, "null"]);
        schema
    };
    let figure = object(json!({
        "kind": {"type": "string", "enum": ["metric", "count", "distinct", "sum", "avg", "min", "max"]},
        "of": {"type": "string", "description": "the id of a metric, the table that is counted, or table.column"},
    }));
    let filter = object(json!({
        "column": {"type": "string", "description": "table.column"},
        "is": {"type": "string", "enum": [
            "one_of", "none_of", "less", "at_most", "equal", "at_least", "greater", "between", "true", "false",
            "missing", "present",
        ]},
        "values": {"type": ["array", "null"], "items": {"type": "string"}},
    }));
    let period = object(json!({
        "from": {"type": ["string", "null"], "description": "first day, YYYY-MM-DD"},
        "until": {"type": ["string", "null"], "description": "last day, YYYY-MM-DD"},
    }));
    nullable(
        object(json!({
            "figures": {"type": ["array", "null"], "items": figure, "description": "what is computed; null to list rows"},
            "rows_of": {"type": ["string", "null"], "description": "the table whose rows are listed; null for figures"},
            "group_by": columns("table.column; with ` via joining_column` where several ways lead there"),
            "filters": {"type": ["array", "null"], "items": filter, "description": "all of them hold"},
            "time_column": {"type": ["string", "null"], "description": "table.column that periods and grain are of"},
            "periods": {"type": ["array", "null"], "items": period, "description": "one restricts; several are compared"},
            "grain": {"type": ["string", "null"], "enum": ["day", "week", "month", "quarter", "year", null]},
            "order": {"type": ["string", "null"], "enum": ["highest_first", "lowest_first", null]},
            "limit": {"type": ["integer", "null"], "description": "how many groups or rows"},
            "within": columns("for the best of each: the columns that limit counts within"),
            "share": {"type": ["boolean", "null"], "description": "figures also as parts of their sum"},
        })),
        "object",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::chat::plan::compile::compile;
    use crate::chat::plan::testing::shop;
    use crate::plugins::Dialect;

    fn asked(json: Value) -> AskedPlan {
        serde_json::from_value(json).expect("a plan")
    }

    #[test]
    fn what_a_model_asks_for_becomes_a_plan_that_compiles() {
        let (model, _) = shop(Dialect::Postgresql);
        let plan = asked(json!({
            "figures": [{"kind": "count", "of": "orders"}],
            "group_by": ["customers.city"],
            "filters": [
                {"column": "orders.channel", "is": "equal", "values": ["web"]},
                {"column": "orders.gift", "is": "false", "values": null},
            ],
            "time_column": null,
            "periods": [{"from": "2026-01-01", "until": "2026-03-31"}],
            "grain": null,
            "order": "highest_first",
            "limit": 3,
        }))
        .resolve(&model)
        .expect("a plan");
        let sql = compile(&plan, &model).expect("a statement").sql;
        for part in [
            "COUNT(*)",
            "o.channel = 'web'",
            "o.gift = false",
            "2026-04-01",
            "GROUP BY c.city",
            "LIMIT 3",
        ] {
            assert!(sql.contains(part), "{part}: {sql}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_so_that_a_model_can_mend_it() {
        let (model, _) = shop(Dialect::Postgresql);
        let count = json!([{"kind": "count", "of": "orders"}]);
        for (json, words) in [
            (json!({}), "either figures or rows_of"),
            (
                json!({"figures": count, "group_by": ["city"]}),
                "\"city\" is no column",
            ),
            (
                json!({"figures": [{"kind": "metric", "of": "nps"}]}),
                "no metric \"nps\"",
            ),
            (
                json!({"figures": count, "filters": [{"column": "orders.channel", "is": "between", "values": ["1"]}]}),
                "orders.channel needs two values",
            ),
            (
                json!({"figures": [{"kind": "count", "of": "customers"}], "grain": "month"}),
                "name the time_column",
            ),
        ] {
            let error = asked(json.clone()).resolve(&model).expect_err("unfit");
            assert!(error.to_string().contains(words), "{json}: {error}");
        }
        let odd = serde_json::from_value::<AskedPlan>(json!({"figures": count, "having": "x"}));
        assert!(
            odd.is_err(),
            "a member that means something must not be lost"
        );
    }

    #[test]
    fn the_schema_names_exactly_the_members_that_are_read() {
        let schema = schema();
        let named: Vec<&String> = schema["properties"]
            .as_object()
            .expect("members")
            .keys()
            .collect();
        let mut all = serde_json::Map::new();
        for name in &named {
            all.insert((*name).clone(), Value::Null);
        }
        assert_eq!(asked(Value::Object(all)), AskedPlan::default());
        assert_eq!(named.len(), 11);
        assert_eq!(schema["required"].as_array().map(Vec::len), Some(11));
    }
}
