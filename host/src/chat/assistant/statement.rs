//! What a model's statement is, before it runs: which tables it reads, and whether it lists rows.
//!
//! This is no guard; the policy is. It finds what the live schema does not have while the model can still mend it,
//! with the names that there are. What can't be parsed here is left to the engine's own `EXPLAIN`.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::{Expr, ObjectName, Query, SetExpr, Statement, TableFactor, Visit, Visitor};
use sqlparser::dialect::{
    ClickHouseDialect, Dialect as Grammar, GenericDialect, MySqlDialect, PostgreSqlDialect,
};
use sqlparser::parser::Parser;

use crate::chat::plan::model::{Model, Table};
use crate::plugins::Dialect;

/// Deeper statements are left to the engine: the tree is walked by recursion.
const DEPTH: usize = 25;
/// Longer ones, too.
const BYTES: usize = 16 << 10;
/// Tables that a message names.
const NAMED: usize = 30;

/// Functions that make one row of many.
const AGGREGATES: &[&str] = &[
    "count",
    "sum",
    "avg",
    "min",
    "max",
    "any",
    "array_agg",
    "string_agg",
    "group_concat",
    "median",
    "quantile",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "variance",
    "var_pop",
    "var_samp",
    "uniq",
    "uniqexact",
    "countif",
    "sumif",
    "avgif",
    "bool_and",
    "bool_or",
    "percentile_cont",
];

/// What was seen of a statement.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// Names of tables as they are written, without quotes.
    pub tables: BTreeSet<Vec<String>>,
    /// Whether its rows are rows of tables, so that there may be many.
    pub lists_rows: bool,
}

/// Looks at a statement; `None` if it can't be parsed here. Blocks for a millisecond, and takes some stack.
pub fn look(sql: &str, dialect: Dialect) -> Option<Seen> {
    if sql.len() > BYTES {
        return None;
    }
    let grammar: &dyn Grammar = match dialect {
        Dialect::Postgresql => &PostgreSqlDialect {},
        Dialect::Mysql => &MySqlDialect {},
        Dialect::Clickhouse => &ClickHouseDialect {},
        Dialect::Generic => &GenericDialect {},
    };
    let mut parser = Parser::new(grammar)
        .with_recursion_limit(DEPTH)
        .try_with_sql(sql)
        .ok()?;
    let statement = parser.parse_statement().ok()?;
    let Statement::Query(query) = &statement else {
        return None;
    };
    let mut walk = Walk::default();
    let _ = statement.visit(&mut walk);
    let Walk { mut tables, named } = walk;
    // A name that the statement gives to a part of itself is no table of the database.
    tables.retain(|table| !(table.len() == 1 && named.contains(&table[0].to_lowercase())));
    Some(Seen {
        tables,
        lists_rows: lists_rows(query),
    })
}

/// What is wrong with the tables of a statement, in words for a model.
pub fn unknown_table(seen: &Seen, model: &Model) -> Option<String> {
    let unknown = seen.tables.iter().find(|table| match table.as_slice() {
        [name] => model.table(name).is_none() && !name.to_lowercase().starts_with("pg_"),
        [.., schema, name] => {
            // Of a schema that the model does not know, the engine decides.
            let known = |table: &&Table| table.schema.eq_ignore_ascii_case(schema);
            model.tables.iter().any(|table| known(&table))
                && model.table(&format!("{schema}.{name}")).is_none()
        }
        [] => false,
    })?;
    let mut names: Vec<String> = model.tables.iter().map(Table::shown).collect();
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    Some(format!(
        "there is no table {}; there are {}{more}",
        unknown.join("."),
        names.join(", ")
    ))
}

/// The tables of the model that a statement reads.
pub fn tables_of(seen: &Seen, model: &Model) -> Vec<usize> {
    let find = |table: &Vec<String>| match table.as_slice() {
        [name] => model.table(name),
        [.., schema, name] => model.table(&format!("{schema}.{name}")),
        [] => None,
    };
    seen.tables.iter().filter_map(find).collect()
}

#[derive(Default)]
struct Walk {
    tables: BTreeSet<Vec<String>>,
    /// Of WITH, in small letters.
    named: BTreeSet<String>,
}

impl Visitor for Walk {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        for part in query.with.iter().flat_map(|with| &with.cte_tables) {
            self.named.insert(part.alias.name.value.to_lowercase());
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table {
            name, args: None, ..
        } = factor
            && let Some(parts) = parts(name)
        {
            self.tables.insert(parts);
        }
        ControlFlow::Continue(())
    }
}

fn parts(name: &ObjectName) -> Option<Vec<String>> {
    name.0
        .iter()
        .map(|part| part.as_ident().map(|ident| ident.value.clone()))
        .collect()
}

fn lists_rows(query: &Query) -> bool {
    let SetExpr::Select(select) = query.body.as_ref() else {
        return true;
    };
    let grouped = match &select.group_by {
        sqlparser::ast::GroupByExpr::Expressions(groups, _) => !groups.is_empty(),
        sqlparser::ast::GroupByExpr::All(_) => true,
    };
    let mut aggregates = Aggregates(false);
    for item in &select.projection {
        let _ = item.visit(&mut aggregates);
    }
    !grouped && !aggregates.0
}

struct Aggregates(bool);

impl Visitor for Aggregates {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if let Expr::Function(function) = expr
            && function.over.is_none()
        {
            let name = function.name.to_string().to_lowercase();
            self.0 |= AGGREGATES.contains(&name.as_str());
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::chat::plan::testing::shop;

    #[test]
    fn the_tables_of_a_statement_are_seen_and_its_own_names_are_none() {
        let sql = "WITH recent AS (SELECT * FROM public.orders), n AS (SELECT count(*) FROM recent) \
                   SELECT c.city FROM customers c JOIN recent r ON true, \"Odd\" WHERE EXISTS (SELECT 1 FROM lines)";
        let seen = look(sql, Dialect::Postgresql).expect("parsed");
        let names: Vec<String> = seen.tables.iter().map(|parts| parts.join(".")).collect();
        assert_eq!(names, ["Odd", "customers", "lines", "public.orders"]);
        assert!(seen.lists_rows);
        let seen = look("SELECT max(n) FROM numbers(3)", Dialect::Clickhouse).expect("parsed");
        assert!(seen.tables.is_empty() && !seen.lists_rows);
        assert_eq!(look("SELEC 1", Dialect::Postgresql), None);
        assert_eq!(look("DROP TABLE t", Dialect::Postgresql), None);
        let deep = format!("SELECT {}1{}", "(".repeat(200), ")".repeat(200));
        assert_eq!(look(&deep, Dialect::Postgresql), None);
    }

    #[test]
    fn grouped_rows_are_no_rows_of_a_table() {
        for (sql, lists) in [
            ("SELECT city, count(*) FROM customers GROUP BY city", false),
            ("SELECT round(avg(x), 1) FROM t", false),
            ("SELECT count(*) OVER () FROM t", true),
            ("SELECT city FROM customers", true),
        ] {
            let seen = look(sql, Dialect::Postgresql).expect("parsed");
            assert_eq!(seen.lists_rows, lists, "{sql}");
        }
    }

    #[test]
    fn a_table_that_is_not_there_is_named_with_those_that_are() {
        let (model, _) = shop(Dialect::Postgresql);
        let wrong =
            |sql: &str| unknown_table(&look(sql, Dialect::Postgresql).expect("parsed"), &model);
        assert_eq!(
            wrong("SELECT 1 FROM orders JOIN public.customers ON true"),
            None
        );
        assert_eq!(wrong("SELECT 1 FROM information_schema.tables"), None);
        let problem = wrong("SELECT 1 FROM clients").expect("a problem");
        assert!(
            problem.contains("no table clients") && problem.contains("customers"),
            "{problem}"
        );
        assert!(wrong("SELECT 1 FROM public.clients").is_some());
    }
}
