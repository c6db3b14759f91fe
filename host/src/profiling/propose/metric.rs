//! Business DataPoints of the columns of a table that measure something.

use super::ids::Ids;
use super::measure::{Measure, Unit, measure};
use super::{OWNER, Proposal, Source};
use crate::knowledge::DataPoint;
use crate::knowledge::datapoint::{Aggregation, Business, Detail};
use crate::plugins::Dialect;
use crate::profiling::table::{ColumnProfile, TableProfile};
use crate::profiling::words::{readable, words};
use crate::query::identifier::quote;

/// The proposals of at most `most` columns, those whose unit is known first.
pub fn propose(source: &Source, table: &TableProfile, most: u64, ids: &mut Ids) -> Vec<Proposal> {
    let mut measured: Vec<(&ColumnProfile, Measure)> = table
        .columns
        .iter()
        .filter_map(|column| Some((column, measure(table, column)?)))
        .collect();
    measured.sort_by_key(|(_, measure)| match measure.unit {
        Unit::Said(_) => 0,
        Unit::Money => 1,
        Unit::Unsaid => 2,
    });
    measured.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    let propose = |(column, measure)| metric(source, table, column, &measure, ids);
    measured.into_iter().map(propose).collect()
}

fn metric(
    source: &Source,
    table: &TableProfile,
    column: &ColumnProfile,
    measure: &Measure,
    ids: &mut Ids,
) -> Proposal {
    let (function, word, said) = match measure.aggregation {
        Aggregation::Sum => ("SUM", "total", ["total", "sum"].as_slice()),
        _ => ("AVG", "average", ["average", "avg", "mean"].as_slice()),
    };
    let named: Vec<String> = words(&column.name)
        .into_iter()
        .filter(|word| !said.contains(&word.as_str()))
        .collect();
    let of_table = of(table);
    let name = match named.join(" ") {
        rest if rest.is_empty() => format!("{word} of {of_table}"),
        rest => format!("{word} {rest} of {of_table}"),
    };
    let doubts = match &measure.unit {
        Unit::Said(_) => "whether it is to be added up is judged by its name",
        Unit::Money => {
            "the name says that it is money and not of which currency: say the unit before you rely on it"
        }
        Unit::Unsaid => "the name says no unit: say it before you rely on it",
    };
    let mut metadata = source.metadata(table, doubts);
    let unit = match &measure.unit {
        Unit::Said(unit) => Some((*unit).to_owned()),
        Unit::Money => {
            let text = "not known: money, of a currency that the name does not say";
            metadata.insert("unit".to_owned(), text.into());
            None
        }
        Unit::Unsaid => {
            metadata.insert("unit".to_owned(), "not known: the name says none".into());
            None
        }
    };
    let mut confidence = 500;
    if unit.is_some() {
        confidence += 150;
    }
    if column.comment.is_some() {
        confidence += 100;
    }
    let dialect = source.dialect.unwrap_or(Dialect::Generic);
    let business = Business {
        calculation: format!(
            "{function}({}.{})",
            quote(dialect, &table.table_name),
            quote(dialect, &column.name)
        ),
        synonyms: Vec::new(),
        business_rules: Vec::new(),
        related_tables: vec![table.qualified_name()],
        unit,
        aggregation: Some(measure.aggregation),
    };
    Proposal {
        point: DataPoint {
            id: ids.take(
                "metric",
                &[&table.schema_name, &table.table_name, word, &column.name],
            ),
            name: super::schema::cut(&name, 200),
            owner: OWNER.to_owned(),
            tags: vec!["generated".to_owned()],
            metadata,
            detail: Detail::Business(business),
        },
        confidence,
    }
}

/// The table as people call it.
fn of(table: &TableProfile) -> String {
    match readable(&table.table_name) {
        name if name.is_empty() => table.table_name.clone(),
        name => name,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::source;
    use super::*;
    use crate::profiling::family::Family;
    use crate::profiling::testing::{column, table};

    #[test]
    fn a_metric_is_named_calculated_and_bounded() {
        let columns = [
            column("id", Family::Integer),
            column("discount", Family::Number),
            column("totalEUR", Family::Number),
            column("quantity", Family::Integer),
        ];
        let table = table("Order Items", &columns).keyed(&["id"]);
        let proposals = propose(&source(), &table, 2, &mut Ids::default());
        let told: Vec<_> = proposals
            .iter()
            .map(|proposal| {
                let Detail::Business(business) = &proposal.point.detail else {
                    panic!("a metric");
                };
                (
                    proposal.point.id.as_str(),
                    proposal.point.name.as_str(),
                    business.calculation.as_str(),
                    business.unit.as_deref(),
                )
            })
            .collect();
        let expected = [
            (
                "metric_shop_order_items_total_total_eur",
                "total eur of order items",
                "SUM(\"Order Items\".\"totalEUR\")",
                Some("EUR"),
            ),
            (
                "metric_shop_order_items_total_quantity",
                "total quantity of order items",
                "SUM(\"Order Items\".quantity)",
                Some("count"),
            ),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn a_unit_that_nobody_says_is_called_unknown() {
        let table = table("orders", &[column("amount", Family::Number)]);
        let proposals = propose(&source(), &table, 3, &mut Ids::default());
        let point = &proposals[0].point;
        let Detail::Business(business) = &point.detail else {
            panic!("a metric");
        };
        assert_eq!(business.unit, None);
        let unit = point.metadata["unit"].as_str().expect("text");
        assert!(unit.starts_with("not known: money"), "{unit}");
    }
}
