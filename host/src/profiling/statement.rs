//! The statements of a profiling: plain SQL that every dialect reads, made of quoted names and numbers alone.

use crate::plugins::Dialect;
use crate::query::identifier::quote;

/// A table to ask about.
#[derive(Debug, Clone, Copy)]
pub struct Table<'a> {
    pub dialect: Dialect,
    pub schema: &'a str,
    pub name: &'a str,
}

impl Table<'_> {
    fn sql(&self) -> String {
        let name = quote(self.dialect, self.name);
        if self.schema.is_empty() {
            name
        } else {
            format!("{}.{name}", quote(self.dialect, self.schema))
        }
    }

    fn list(&self, columns: &[&str]) -> String {
        let names: Vec<String> = columns
            .iter()
            .map(|name| quote(self.dialect, name))
            .collect();
        names.join(", ")
    }

    /// Some rows, as they come.
    pub fn sample(&self, columns: &[&str], rows: u64) -> String {
        format!(
            "SELECT {} FROM {} LIMIT {rows}",
            self.list(columns),
            self.sql()
        )
    }

    /// One row: how many there are.
    pub fn count(&self) -> String {
        format!("SELECT COUNT(*) FROM {}", self.sql())
    }

    /// One row: the least and the greatest value of each column.
    pub fn ranges(&self, columns: &[&str]) -> String {
        format!("SELECT {} FROM {}", self.extremes(columns), self.sql())
    }

    /// The same of some rows only.
    pub fn ranges_of_sample(&self, columns: &[&str], rows: u64) -> String {
        format!(
            "SELECT {} FROM ({}) AS sampled",
            self.extremes(columns),
            self.sample(columns, rows)
        )
    }

    fn extremes(&self, columns: &[&str]) -> String {
        let pairs: Vec<String> = columns
            .iter()
            .map(|name| {
                let name = quote(self.dialect, name);
                format!("MIN({name}), MAX({name})")
            })
            .collect();
        pairs.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::limits::Limits;
    use crate::query::policy;

    const DIALECTS: [Dialect; 4] = [
        Dialect::Postgresql,
        Dialect::Mysql,
        Dialect::Clickhouse,
        Dialect::Generic,
    ];

    fn statements(dialect: Dialect, schema: &str, name: &str, columns: &[&str]) -> [String; 4] {
        let table = Table {
            dialect,
            schema,
            name,
        };
        [
            table.sample(columns, 101),
            table.count(),
            table.ranges(columns),
            table.ranges_of_sample(columns, 100),
        ]
    }

    #[test]
    fn names_are_quoted_as_the_dialect_wants_them() {
        let [sample, count, ranges, of_sample] =
            statements(Dialect::Mysql, "my shop", "order", &["customer_id", "from"]);
        assert_eq!(
            sample,
            "SELECT customer_id, `from` FROM `my shop`.`order` LIMIT 101"
        );
        assert_eq!(count, "SELECT COUNT(*) FROM `my shop`.`order`");
        assert_eq!(
            ranges,
            "SELECT MIN(customer_id), MAX(customer_id), MIN(`from`), MAX(`from`) FROM `my shop`.`order`"
        );
        assert_eq!(
            of_sample,
            "SELECT MIN(customer_id), MAX(customer_id), MIN(`from`), MAX(`from`) FROM \
             (SELECT customer_id, `from` FROM `my shop`.`order` LIMIT 100) AS sampled"
        );
    }

    #[test]
    fn the_policy_of_every_dialect_lets_them_through() {
        for dialect in DIALECTS {
            for sql in statements(dialect, "shop", "Order Items", &["id", "unit price"]) {
                let judged = policy::judge(dialect, &[], &sql, &Limits::default());
                assert!(judged.is_ok(), "{dialect:?} {sql}: {judged:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_name_never_becomes_more_than_a_name(name in "[a-zA-Z\"'`\\\\;() .-]{1,12}") {
            for dialect in [Dialect::Postgresql, Dialect::Mysql, Dialect::Clickhouse] {
                for sql in statements(dialect, "shop", &name, &[&name]) {
                    if let Err(refusal) = policy::judge(dialect, &[], &sql, &Limits::default()) {
                        prop_assert!(
                            !matches!(
                                refusal.reason,
                                policy::Reason::MultipleStatements | policy::Reason::Function
                            ),
                            "{dialect:?} {sql}: {refusal:?}"
                        );
                    }
                }
            }
        }
    }
}
