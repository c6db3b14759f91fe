//! Which chart shows a result, by rule from the types of its columns and its shape.
//!
//! Time and a measure make lines; few categories bars; two categories stacked bars; two measures a scatter
//! plot; one value is a number and needs none. A pie only when asked for, and only for parts of a whole. Whatever
//! fits no rule stays a table. Numbers that end in `id` count nothing and are no measures.

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::rows::{Rows, distinct_names};

/// More categories than this are no bars.
const MOST_BARS: usize = 30;
/// More parts than this are no pie.
const MOST_PARTS: usize = 8;
/// A specification holds no more rows than this; a larger result stays a table.
const MOST_ROWS: usize = 1_000;

/// The hint of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Hint {
    Table,
    BarChart,
    LineChart,
    PieChart,
    Scatter,
    None,
}

/// A hint, and what it stands for in full.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    pub hint: Hint,
    /// `{"reason": …}`, and the Vega-Lite specification as `vega_lite` where there is a chart.
    pub metadata: Option<Value>,
}

impl Chart {
    pub fn none() -> Self {
        Self {
            hint: Hint::None,
            metadata: None,
        }
    }

    /// A table, if there is anything to show.
    pub fn table(rows: &Rows) -> Self {
        if rows.cells.is_empty() {
            return Self::none();
        }
        Self {
            hint: Hint::Table,
            metadata: None,
        }
    }

    fn plain(hint: Hint, reason: &str) -> Self {
        Self {
            hint,
            metadata: Some(json!({ "reason": reason })),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Time,
    Measure,
    Category,
    /// Lists, bytes, geometries, ids.
    Other,
}

/// Chooses; `asked` is the question, which may want a pie.
pub fn choose(rows: &Rows, asked: &str) -> Chart {
    let roles: Vec<Role> = rows
        .columns
        .iter()
        .map(|column| role(&column.name, &column.arrow_type))
        .collect();
    let count = rows.cells.len();
    if count == 0 {
        return Chart::none();
    }
    if count == 1 && roles.len() == 1 {
        return Chart::plain(Hint::None, "one value is a number");
    }
    if count == 1 || count > MOST_ROWS || roles.contains(&Role::Other) {
        return Chart::plain(Hint::Table, "no chart shows this better than a table");
    }
    let at = |wanted: Role| -> Vec<usize> {
        let all = roles.iter().enumerate();
        all.filter(|(_, role)| **role == wanted)
            .map(|(at, _)| at)
            .collect()
    };
    let (times, measures, categories) = (at(Role::Time), at(Role::Measure), at(Role::Category));
    let draw = Draw::new(rows, &roles);
    match (times.as_slice(), categories.as_slice(), measures.as_slice()) {
        ([time], [], [measure]) => draw.line(*time, *measure, None),
        ([time], [category], [measure]) => draw.line(*time, *measure, Some(*category)),
        ([time], [], [_, _, ..]) => draw.lines(*time, &measures),
        ([], [category], [measure])
            if wants_pie(asked) && draw.is_whole(*measure) && count <= MOST_PARTS =>
        {
            draw.pie(*category, *measure)
        }
        ([], [category], [measure, ..]) if count <= MOST_BARS => {
            draw.bars(*category, *measure, None)
        }
        ([], [category, group], [measure]) if draw.kinds(*category) <= MOST_BARS => {
            draw.bars(*category, *measure, Some(*group))
        }
        ([], [], [x, y]) if count > 2 => draw.scatter(*x, *y),
        _ => Chart::plain(Hint::Table, "no chart shows this better than a table"),
    }
}

fn wants_pie(asked: &str) -> bool {
    let words = asked.split(|char: char| !char.is_alphanumeric());
    words
        .into_iter()
        .any(|word| word.eq_ignore_ascii_case("pie"))
}

fn role(name: &str, arrow_type: &str) -> Role {
    let number = ["int", "uint", "float", "decimal"]
        .iter()
        .any(|kind| arrow_type.starts_with(kind));
    if arrow_type.starts_with("date") || arrow_type.starts_with("timestamp") {
        Role::Time
    } else if number {
        let lower = name.to_lowercase();
        let id = lower == "id" || lower.ends_with("_id") || name.ends_with("Id");
        if id { Role::Other } else { Role::Measure }
    } else if arrow_type == "bool" || arrow_type.contains("utf8") && !arrow_type.contains("list") {
        Role::Category
    } else {
        Role::Other
    }
}

/// Writes specifications over one result.
struct Draw<'a> {
    rows: &'a Rows,
    roles: &'a [Role],
    names: Vec<String>,
}

impl<'a> Draw<'a> {
    fn new(rows: &'a Rows, roles: &'a [Role]) -> Self {
        Self {
            rows,
            roles,
            names: distinct_names(&rows.columns),
        }
    }

    fn line(&self, time: usize, measure: usize, series: Option<usize>) -> Chart {
        let mut encoding = json!({
            "x": self.channel(time, "temporal"),
            "y": self.channel(measure, "quantitative"),
        });
        if let Some(series) = series {
            encoding["color"] = self.channel(series, "nominal");
        }
        self.chart(
            Hint::LineChart,
            "a measure over time",
            &json!({"type": "line", "point": true}),
            &encoding,
        )
    }

    fn lines(&self, time: usize, measures: &[usize]) -> Chart {
        let fields: Vec<&String> = measures.iter().map(|at| &self.names[*at]).collect();
        let encoding = json!({
            "x": self.channel(time, "temporal"),
            "y": {"field": "value", "type": "quantitative"},
            "color": {"field": "measure", "type": "nominal"},
        });
        let mut chart = self.chart(
            Hint::LineChart,
            "measures over time",
            &json!({"type": "line", "point": true}),
            &encoding,
        );
        if let Some(metadata) = &mut chart.metadata {
            metadata["vega_lite"]["transform"] =
                json!([{"fold": fields, "as": ["measure", "value"]}]);
        }
        chart
    }

    fn bars(&self, category: usize, measure: usize, group: Option<usize>) -> Chart {
        let mut x = self.channel(category, "nominal");
        // The order of the rows is that of the question.
        x["sort"] = Value::Null;
        let mut encoding = json!({"x": x, "y": self.channel(measure, "quantitative")});
        if let Some(group) = group {
            encoding["color"] = self.channel(group, "nominal");
            return self.chart(
                Hint::BarChart,
                "a measure by two categories",
                &json!("bar"),
                &encoding,
            );
        }
        self.chart(
            Hint::BarChart,
            "a measure by few categories",
            &json!("bar"),
            &encoding,
        )
    }

    fn pie(&self, category: usize, measure: usize) -> Chart {
        let encoding = json!({
            "theta": self.channel(measure, "quantitative"),
            "color": self.channel(category, "nominal"),
        });
        self.chart(
            Hint::PieChart,
            "a pie was asked for",
            &json!("arc"),
            &encoding,
        )
    }

    fn scatter(&self, x: usize, y: usize) -> Chart {
        let encoding = json!({
            "x": self.channel(x, "quantitative"),
            "y": self.channel(y, "quantitative"),
        });
        self.chart(Hint::Scatter, "two measures", &json!("point"), &encoding)
    }

    fn channel(&self, at: usize, kind: &str) -> Value {
        let name = &self.names[at];
        // Vega reads dots and brackets in a field as a path.
        let field = name
            .replace('\\', "\\\\")
            .replace('.', "\\.")
            .replace('[', "\\[")
            .replace(']', "\\]");
        json!({"field": field, "type": kind, "title": name})
    }

    fn chart(&self, hint: Hint, reason: &str, mark: &Value, encoding: &Value) -> Chart {
        let values: Vec<Value> = self.rows.cells.iter().map(|row| self.value(row)).collect();
        let specification = json!({
            "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
            "data": {"values": values},
            "mark": mark,
            "encoding": encoding,
        });
        Chart {
            hint,
            metadata: Some(json!({"reason": reason, "vega_lite": specification})),
        }
    }

    /// A row as an object; measures that came as strings, to lose no digit, are numbers here.
    fn value(&self, row: &[Box<RawValue>]) -> Value {
        let mut object = Map::new();
        for (at, cell) in row.iter().enumerate() {
            let value: Value = serde_json::from_str(cell.get()).unwrap_or_default();
            let value = match (self.roles[at], &value) {
                (Role::Measure, Value::String(digits)) => {
                    digits.parse::<f64>().ok().map_or(Value::Null, Value::from)
                }
                _ => value,
            };
            object.insert(self.names[at].clone(), value);
        }
        Value::Object(object)
    }

    /// Whether all values are there and none is negative.
    fn is_whole(&self, measure: usize) -> bool {
        self.rows.cells.iter().all(|row| {
            let digits = row[measure].get().trim_matches('"');
            digits.parse::<f64>().is_ok_and(|value| value >= 0.0)
        })
    }

    /// How many different values a column has.
    fn kinds(&self, column: usize) -> usize {
        let cells = self.rows.cells.iter().map(|row| row[column].get());
        cells.collect::<std::collections::HashSet<_>>().len()
    }
}

#[cfg(test)]
mod tests {
    use super::super::rows::tests::rows;
    use super::*;

    fn hint(columns: &[(&str, &str)], cells: &[&[&str]], asked: &str) -> Hint {
        choose(&rows(columns, cells), asked).hint
    }

    /// Columns, rows, the question, and the hint.
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a [&'a [&'a str]], &'a str, Hint);

    #[test]
    fn types_and_shape_decide() {
        let month = ("month", "date32");
        let city = ("city", "utf8");
        let kind = ("kind", "dictionary<utf8>");
        let (total, average) = (("total", "decimal128(10,2)"), ("average", "float64"));
        let id = ("customer_id", "int64");
        let cases: &[Case] = &[
            (&[total], &[&["\"1.00\""]], "", Hint::None),
            (&[total], &[], "", Hint::None),
            (
                &[month, total],
                &[&["\"2026-01-01\"", "\"1\""], &["\"2026-02-01\"", "\"2\""]],
                "",
                Hint::LineChart,
            ),
            (
                &[month, city, total],
                &[
                    &["\"2026-01-01\"", "\"A\"", "\"1\""],
                    &["\"2026-02-01\"", "\"B\"", "\"2\""],
                ],
                "",
                Hint::LineChart,
            ),
            (
                &[month, total, average],
                &[
                    &["\"2026-01-01\"", "\"1\"", "2"],
                    &["\"2026-02-01\"", "\"2\"", "3"],
                ],
                "",
                Hint::LineChart,
            ),
            (
                &[city, total],
                &[&["\"A\"", "\"1\""], &["\"B\"", "\"2\""]],
                "",
                Hint::BarChart,
            ),
            (
                &[city, kind, total],
                &[&["\"A\"", "\"x\"", "\"1\""], &["\"B\"", "\"y\"", "\"2\""]],
                "",
                Hint::BarChart,
            ),
            (
                &[city, total],
                &[&["\"A\"", "\"1\""], &["\"B\"", "\"2\""]],
                "as a pie chart",
                Hint::PieChart,
            ),
            (
                &[city, total],
                &[&["\"A\"", "\"1\""], &["\"B\"", "\"-2\""]],
                "as a pie chart",
                Hint::BarChart,
            ),
            (
                &[city, total],
                &[&["\"A\"", "\"1\""], &["\"B\"", "\"2\""]],
                "a piece of cake",
                Hint::BarChart,
            ),
            (
                &[total, average],
                &[&["\"1\"", "2"], &["\"2\"", "3"], &["\"3\"", "4"]],
                "",
                Hint::Scatter,
            ),
            (
                &[id, total],
                &[&["1", "\"2\""], &["2", "\"3\""], &["3", "\"4\""]],
                "",
                Hint::Table,
            ),
            (
                &[city, kind],
                &[&["\"A\"", "\"x\""], &["\"B\"", "\"y\""]],
                "",
                Hint::Table,
            ),
        ];
        for (columns, cells, asked, expected) in cases {
            assert_eq!(
                hint(columns, cells, asked),
                *expected,
                "{columns:?} {asked}"
            );
        }
    }

    #[test]
    fn a_specification_has_numbers_as_numbers_and_escapes_paths() {
        let chart = choose(
            &rows(
                &[("a.b", "utf8"), ("sum", "decimal128(10,2)")],
                &[&["\"x\"", "\"1.50\""], &["\"y\"", "null"]],
            ),
            "",
        );
        let metadata = chart.metadata.expect("a chart");
        let vega = &metadata["vega_lite"];
        assert_eq!(vega["data"]["values"][0], json!({"a.b": "x", "sum": 1.5}));
        assert_eq!(vega["data"]["values"][1]["sum"], Value::Null);
        assert_eq!(vega["encoding"]["x"]["field"], "a\\.b");
        assert_eq!(vega["encoding"]["x"]["title"], "a.b");
    }
}
