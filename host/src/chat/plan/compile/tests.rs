use super::super::testing::shop;
use super::super::{
    Aggregate, ColumnRef, Comparison, Condition, Filter, Grain, Order, Period, Plan, PlanError,
};
use super::*;

fn column(table: &str, column: &str) -> ColumnRef {
    ColumnRef {
        table: table.to_owned(),
        column: column.to_owned(),
        via: Vec::new(),
    }
}

fn figures(figures: Vec<Figure>) -> Plan {
    Plan {
        select: Select::Figures(figures),
        base: None,
        dimensions: Vec::new(),
        filters: Vec::new(),
        time: None,
        periods: Vec::new(),
        grain: None,
        order: None,
        limit: None,
        within: Vec::new(),
        share: false,
    }
}

fn metric(id: &str) -> Figure {
    Figure::Metric(id.to_owned())
}

fn revenue() -> Plan {
    figures(vec![metric("metric_revenue_001")])
}

fn sql(plan: &Plan, dialect: Dialect) -> String {
    match compile(plan, &shop(dialect).0) {
        Ok(compiled) => compiled.sql,
        Err(error) => format!("error: {error}"),
    }
}

fn day(year: i32, month: u32, day: u32) -> Option<chrono::NaiveDate> {
    chrono::NaiveDate::from_ymd_opt(year, month, day)
}

#[test]
fn one_table_needs_no_second_names() {
    let plan = Plan {
        filters: vec![Filter {
            column: column("customers", "city"),
            condition: Condition::In(vec!["Côte d'Or".to_owned()]),
        }],
        ..figures(vec![Figure::Count("customers".to_owned())])
    };
    assert_eq!(
        sql(&plan, Dialect::Postgresql),
        "SELECT COUNT(*) AS customers_count FROM customers WHERE city = 'Côte d''Or'"
    );
    let rows = Plan {
        select: Select::Rows {
            table: "couriers".to_owned(),
        },
        ..revenue()
    };
    assert_eq!(
        sql(&rows, Dialect::Mysql),
        "SELECT courier_id, `name` FROM couriers ORDER BY courier_id LIMIT 101"
    );
}

#[test]
fn tables_are_joined_from_the_many_to_the_one_and_names_are_quoted_where_needed() {
    let plan = Plan {
        dimensions: vec![column("customers", "city")],
        filters: vec![Filter {
            column: column("products", "unitPrice"),
            condition: Condition::Compare(Comparison::Greater, "15.5".to_owned()),
        }],
        order: Some(Order::Descending),
        limit: Some(5),
        ..revenue()
    };
    assert_eq!(
        sql(&plan, Dialect::Postgresql),
        "SELECT c.city AS city, SUM(o.quantity * o.price) AS revenue FROM \"orderLines\" AS o \
         JOIN orders AS o2 ON o.order_id = o2.order_id JOIN customers AS c ON o2.customer_id = c.customer_id \
         JOIN products AS p ON o.product_id = p.product_id WHERE p.\"unitPrice\" > 15.5 GROUP BY c.city \
         ORDER BY revenue DESC NULLS LAST, city LIMIT 5"
    );
    let mysql = sql(&plan, Dialect::Mysql);
    assert!(mysql.contains("p.unitPrice > 15.5"), "{mysql}");
    assert!(
        mysql.ends_with("ORDER BY revenue DESC, city LIMIT 5"),
        "{mysql}"
    );
}

#[test]
fn what_a_row_may_lack_is_joined_from_outside() {
    let plan = Plan {
        dimensions: vec![column("couriers", "name")],
        ..figures(vec![metric("metric_orders_001")])
    };
    assert_eq!(
        sql(&plan, Dialect::Postgresql),
        "SELECT c.\"name\" AS \"name\", COUNT(o.order_id) AS number_of_orders FROM orders AS o \
         LEFT JOIN couriers AS c ON o.courier_id = c.courier_id GROUP BY c.\"name\" \
         ORDER BY number_of_orders DESC NULLS LAST, \"name\" LIMIT 1001"
    );
    let clickhouse = sql(&plan, Dialect::Clickhouse);
    let lacking = "CASE WHEN o.courier_id IS NULL THEN NULL ELSE c.`name` END";
    assert!(clickhouse.contains(lacking), "{clickhouse}");
}

#[test]
fn time_is_written_as_each_engine_reads_it() {
    let plan = Plan {
        time: Some(column("orders", "placed_at")),
        periods: vec![Period {
            from: day(2026, 10, 1),
            to: day(2026, 11, 1),
        }],
        grain: Some(Grain::Month),
        ..figures(vec![metric("metric_orders_001")])
    };
    for (dialect, parts) in [
        (
            Dialect::Postgresql,
            [
                "CAST(DATE_TRUNC('month', placed_at AT TIME ZONE 'UTC') AS DATE) AS \"month\"",
                "placed_at >= CAST('2026-10-01 00:00:00+00' AS TIMESTAMP WITH TIME ZONE)",
            ],
        ),
        (
            Dialect::Mysql,
            [
                "CAST(DATE_FORMAT(placed_at, '%Y-%m-01') AS DATE) AS `month`",
                "placed_at < CAST('2026-11-01 00:00:00' AS DATETIME)",
            ],
        ),
        (
            Dialect::Clickhouse,
            [
                "toStartOfMonth(placed_at, 'UTC') AS `month`",
                "placed_at >= toDateTime('2026-10-01 00:00:00', 'UTC')",
            ],
        ),
    ] {
        let sql = sql(&plan, dialect);
        for part in parts {
            assert!(sql.contains(part), "{sql} has no {part}");
        }
        assert!(sql.ends_with(" LIMIT 1001"), "{sql}");
    }
}

#[test]
fn every_grain_and_kind_of_time_has_an_expression_in_every_dialect() {
    for dialect in [
        Dialect::Postgresql,
        Dialect::Mysql,
        Dialect::Clickhouse,
        Dialect::Generic,
    ] {
        let x = Expr::Identifier(Ident::new("x"));
        for kind in [
            super::super::kind::ColumnKind::Day,
            super::super::kind::ColumnKind::Moment { zoned: true },
            super::super::kind::ColumnKind::Moment { zoned: false },
        ] {
            for grain in [
                Grain::Day,
                Grain::Week,
                Grain::Month,
                Grain::Quarter,
                Grain::Year,
            ] {
                let start = super::sql::start_of(dialect, grain, &x, kind);
                assert!(start.is_ok(), "{dialect:?} {grain:?} {kind:?}: {start:?}");
            }
            let day = super::sql::day(dialect, day(2026, 1, 1).expect("a day"), kind);
            assert!(day.is_ok(), "{dialect:?} {kind:?}: {day:?}");
        }
    }
}

#[test]
fn a_quotient_loses_no_digits() {
    let plan = figures(vec![metric("metric_organic_share_001")]);
    for (dialect, start) in [
        (Dialect::Postgresql, "SELECT CAST(SUM(CASE WHEN p.organic"),
        (
            Dialect::Clickhouse,
            "SELECT toFloat64(SUM(CASE WHEN p.organic",
        ),
        (Dialect::Mysql, "SELECT 1.000000 * (SUM(CASE WHEN p.organic"),
    ] {
        let sql = sql(&plan, dialect);
        assert!(sql.starts_with(start), "{sql}");
    }
}

#[test]
fn a_part_is_compared_with_the_whole() {
    let online = Filter {
        column: column("orders", "channel"),
        condition: Condition::In(vec!["online".to_owned()]),
    };
    let plan = Plan {
        filters: vec![online],
        share: true,
        ..figures(vec![metric("metric_orders_001")])
    };
    assert_eq!(
        sql(&plan, Dialect::Postgresql),
        "SELECT COUNT(order_id) AS number_of_orders, \
         CAST(COUNT(order_id) AS NUMERIC) / NULLIF((SELECT COUNT(order_id) FROM orders), 0) AS number_of_orders_share \
         FROM orders WHERE channel = 'online'"
    );
    let groups = Plan {
        dimensions: vec![column("orders", "channel")],
        filters: vec![Filter {
            column: column("orders", "gift"),
            condition: Condition::Is(true),
        }],
        ..plan
    };
    let sql = sql(&groups, Dialect::Postgresql);
    assert!(sql.contains("FROM orders WHERE gift = true), 0)"), "{sql}");
}

#[test]
fn a_conditional_sum_in_groups_is_a_condition() {
    let plan = Plan {
        dimensions: vec![column("customers", "city")],
        ..figures(vec![metric("metric_online_001")])
    };
    assert_eq!(
        sql(&plan, Dialect::Postgresql),
        "SELECT c.city AS city, SUM(1) AS online_orders FROM orders AS o \
         JOIN customers AS c ON o.customer_id = c.customer_id WHERE o.channel = 'online' GROUP BY c.city \
         ORDER BY online_orders DESC NULLS LAST, city LIMIT 1001"
    );
}

#[test]
fn a_ranking_within_groups_takes_the_first_of_each() {
    let plan = Plan {
        dimensions: vec![column("orders", "channel"), column("customers", "city")],
        within: vec![column("orders", "channel")],
        order: Some(Order::Descending),
        limit: Some(2),
        ..figures(vec![metric("metric_orders_001")])
    };
    assert_eq!(
        sql(&plan, Dialect::Postgresql),
        "SELECT channel, city, number_of_orders FROM (SELECT o.channel AS channel, c.city AS city, \
         COUNT(o.order_id) AS number_of_orders, \
         ROW_NUMBER() OVER (PARTITION BY o.channel ORDER BY COUNT(o.order_id) DESC, c.city) AS place_of_group \
         FROM orders AS o JOIN customers AS c ON o.customer_id = c.customer_id GROUP BY o.channel, c.city) AS ranked \
         WHERE place_of_group <= 2 ORDER BY channel, place_of_group LIMIT 1001"
    );
}

#[test]
fn what_is_not_there_or_does_not_fit_is_an_error_and_no_statement() {
    let model = shop(Dialect::Postgresql).0;
    let unfit = |plan: Plan| compile(&plan, &model).expect_err("no statement");
    assert_eq!(
        unfit(figures(vec![metric("metric_profit_001")])),
        PlanError::Unknown {
            name: "metric_profit_001".to_owned()
        }
    );
    let by = |dimension: ColumnRef, plan: Plan| Plan {
        dimensions: vec![dimension],
        ..plan
    };
    assert_eq!(
        unfit(by(
            column("orders", "channel"),
            figures(vec![Figure::Count("customers".to_owned())])
        )),
        PlanError::Unreachable {
            from: "customers".to_owned(),
            to: "orders".to_owned()
        }
    );
    assert!(matches!(
        unfit(figures(vec![
            metric("metric_revenue_001"),
            metric("metric_orders_001")
        ])),
        PlanError::SeveralBases(_)
    ));
    for (table, name, condition) in [
        (
            "orders",
            "channel",
            Condition::Compare(Comparison::Less, "5".to_owned()),
        ),
        (
            "orders",
            "order_id",
            Condition::Compare(Comparison::Less, "5 OR 1=1".to_owned()),
        ),
        (
            "orders",
            "channel",
            Condition::In(vec!["a\\' OR 1=1 --".to_owned()]),
        ),
        (
            "orders",
            "channel",
            Condition::In(vec!["a'' OR 1=1 --".to_owned()]),
        ),
        ("orders", "channel", Condition::In(Vec::new())),
        ("orders", "channel", Condition::Is(true)),
    ] {
        let plan = Plan {
            filters: vec![Filter {
                column: column(table, name),
                condition: condition.clone(),
            }],
            ..figures(vec![metric("metric_orders_001")])
        };
        assert!(matches!(unfit(plan), PlanError::Unfit(_)), "{condition:?}");
    }
    let sum = figures(vec![Figure::Aggregate(
        Aggregate::Sum,
        column("orders", "channel"),
    )]);
    assert!(matches!(unfit(sum), PlanError::Unfit(_)));
}
