use chrono::NaiveDate;
use proptest::prelude::*;

use super::super::compile::compile;
use super::super::testing::shop;
use super::super::{explain, lexicon::Lexicon, model::Model};
use super::*;
use crate::limits::Limits;
use crate::plugins::Dialect;
use crate::query::policy;

/// A Saturday.
fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 28).expect("a day")
}

fn read_as(question: &str, model: &Model, lexicon: &Lexicon) -> String {
    match read(question, model, lexicon, today()) {
        Reading::Certain(plan) => explain::sentence(&plan, model),
        Reading::Several(plans) => {
            let all: Vec<String> = plans
                .iter()
                .map(|plan| explain::sentence(plan, model))
                .collect();
            all.join(" | ")
        }
        Reading::Refused(refusal) => format!("{refusal:?}"),
    }
}

fn check(cases: &[(&str, &str)]) {
    let (model, lexicon) = shop(Dialect::Postgresql);
    for (question, expected) in cases {
        let found = read_as(question, &model, &lexicon);
        assert_eq!(found, *expected, "{question}");
    }
}

#[test]
fn figures_are_metrics_counts_and_aggregates() {
    check(&[
        ("What is our revenue?", "Revenue"),
        ("How much turnover did we make?", "Revenue"),
        ("How many orders are there?", "Number of orders"),
        ("number of customers", "Number of customers"),
        ("How many active customers do we have?", "Customer base"),
        (
            "How many different cities are there?",
            "Number of different customers.city",
        ),
        (
            "average quantity of the order lines",
            "Average orderLines.quantity",
        ),
        (
            "What is the highest unit price?",
            "Maximum products.unitPrice",
        ),
        ("total revenue", "Revenue"),
        (
            "revenue and number of orders",
            "Unsupported(\"figures of orderLines and of orders at once\")",
        ),
    ]);
}

#[test]
fn groups_are_columns_tables_and_grains() {
    check(&[
        ("Revenue by channel", "Revenue by orders.channel"),
        (
            "revenue per customer",
            "Revenue by customers.customer_id, customers.full_name",
        ),
        (
            "orders by city and channel",
            "Number of orders by customers.city, orders.channel",
        ),
        ("Revenue by month", "Revenue by month, by orders.placed_at"),
        (
            "monthly revenue by channel",
            "Revenue by month, orders.channel, by orders.placed_at",
        ),
        ("revenue over time", "Revenue by month, by orders.placed_at"),
        (
            "purchases by customer segment",
            "Number of orders by customers.segment",
        ),
        (
            "purchases by segment of the customer",
            "Number of orders by customers.segment",
        ),
        (
            "orders by courier",
            "Number of orders by couriers.courier_id, couriers.name",
        ),
    ]);
}

#[test]
fn conditions_are_values_comparisons_truths_and_what_is_missing() {
    check(&[
        (
            "revenue of business customers in Paris",
            "Revenue, where customers.segment is business and customers.city is Paris",
        ),
        (
            "purchases from New York",
            "Number of orders, where customers.city is New York",
        ),
        (
            "purchases in 'New York' or Paris",
            "Number of orders, where customers.city is New York or Paris",
        ),
        (
            "purchases not in Paris",
            "Number of orders, where customers.city is not Paris",
        ),
        (
            "revenue of organic products",
            "Revenue, where products.organic is true",
        ),
        (
            "revenue of not organic products",
            "Revenue, where products.organic is false",
        ),
        (
            "How many products cost more than 15.50?",
            "Number of products, where products.unitPrice > 15.50",
        ),
        (
            "number of products with a unit price between 10 and 20",
            "Number of products, where products.unitPrice is between 10 and 20",
        ),
        (
            "orders without a courier",
            "The rows of orders, where orders.courier_id is missing",
        ),
        (
            "How many orders with a courier",
            "Number of orders, where orders.courier_id is there",
        ),
        (
            "How many customers left?",
            "Number of customers, where customers.left_on is there",
        ),
        (
            "How many customers with a segment?",
            "Number of customers, where customers.segment is there",
        ),
        ("revenue of order 17", "Revenue, where orders.order_id = 17"),
        (
            "How many customers have no orders?",
            "Number of customers, where there are no orders of customers.customer_id",
        ),
        ("How many customers bought online?", "Unknown([\"bought\"])"),
        (
            "number of customers with online orders",
            "Number of different customers.customer_id, where orders.channel is online",
        ),
    ]);
}

#[test]
fn time_is_of_the_column_that_is_meant() {
    check(&[
        (
            "revenue last month",
            "Revenue, with orders.placed_at from 2026-10-01 to 2026-10-31",
        ),
        (
            "lost customers in 2025",
            "Lost customers, with customers.left_on from 2025-01-01 to 2025-12-31",
        ),
        (
            "How many customers joined this year?",
            "Number of customers, with customers.joined_on from 2026-01-01 to 2026-12-31",
        ),
        (
            "How many customers in 2025",
            "WhichTime([\"joined_on\", \"left_on\"])",
        ),
        (
            "active customers last month",
            "NoHistory(\"Customer base\")",
        ),
        (
            "revenue last month compared to the month before",
            "Revenue by period, with orders.placed_at from 2026-10-01 to 2026-10-31 or from 2026-09-01 to 2026-09-30",
        ),
        ("revenue next month", "Future"),
        ("How will revenue develop?", "Future"),
    ]);
}

#[test]
fn ranks_have_a_figure_and_may_be_within_groups() {
    check(&[
        (
            "Top 5 cities by revenue",
            "Revenue by customers.city, the highest 5",
        ),
        (
            "Which customer has the most orders?",
            "Number of orders by customers.customer_id, customers.full_name, the highest one",
        ),
        (
            "The 3 cities with the lowest revenue",
            "Revenue by customers.city, the lowest 3",
        ),
        (
            "best city of each channel by revenue",
            "Revenue by orders.channel, customers.city, within each orders.channel, the highest one",
        ),
        (
            "top 2 cities per channel by revenue",
            "Revenue by orders.channel, customers.city, within each orders.channel, the highest 2",
        ),
        (
            "for each channel the top 2 cities by revenue",
            "Revenue by orders.channel, customers.city, within each orders.channel, the highest 2",
        ),
        ("Which city is the best?", "NoFigure"),
        (
            "Show the 5 cities",
            "Unsupported(\"the number 5: the first 5 by what?\")",
        ),
    ]);
}

#[test]
fn shares_are_of_groups_or_of_one_condition() {
    check(&[
        (
            "What share of revenue goes to each channel?",
            "Revenue and its share of the whole by orders.channel",
        ),
        (
            "What percentage of orders is online?",
            "Number of orders and its share of the whole, where orders.channel is online",
        ),
        (
            "share of orders of business customers in Paris",
            "Unsupported(\"parts of a whole without groups\")",
        ),
        (
            "share of the organic ratio by channel",
            "Unsupported(\"parts of a figure that does not add up\")",
        ),
        (
            "revenue online versus till",
            "Revenue by orders.channel, where orders.channel is online or till",
        ),
    ]);
}

#[test]
fn what_is_not_known_is_named_and_what_is_ambiguous_is_asked() {
    check(&[
        (
            "How many employees work in Paris?",
            "Unknown([\"employees\", \"work\"])",
        ),
        ("Which customers are married?", "Unknown([\"married\"])"),
        ("Tell me a story", "Unrelated"),
        ("What is the price?", "BareColumn(\"price\")"),
        ("average customer id", "BareColumn(\"customer id\")"),
        ("How many orders are not gift?", "Neither(\"gift\")"),
        // A city and a courier have the same name, and both are one join away.
        (
            "orders of Berlin",
            "The rows of orders, where customers.city is Berlin | The rows of orders, where couriers.name is Berlin",
        ),
        (
            "revenue by organic ratio",
            "Unsupported(\"groups by the figure organic ratio\")",
        ),
        ("churn by channel", "Unknown([\"churn\"])"),
        (
            "number of products by city",
            "Number of different products.product_id by customers.city",
        ),
    ]);
}

/// Words that a question may be made of.
fn vocabulary() -> Vec<&'static str> {
    "how many number of revenue orders customers products order lines by per each top bottom 3 15.5 best most highest \
     share percentage average total maximum not without with and versus between online till Paris Berlin business \
     organic gift city segment channel price cost quantity last month before year 2025 since yesterday over time \
     compared to different which show list unknown , 'New York' > < joined left placed weekly quarter"
        .split_whitespace()
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_plan_that_is_read_becomes_a_statement_that_only_reads(
        words in prop::collection::vec(prop::sample::select(vocabulary()), 1..9),
        then in prop::collection::vec(prop::sample::select(vocabulary()), 1..5),
        dialect in prop::sample::select(vec![Dialect::Postgresql, Dialect::Mysql, Dialect::Clickhouse]),
    ) {
        let (model, lexicon) = shop(dialect);
        let question = words.join(" ");
        let plans = match read(&question, &model, &lexicon, today()) {
            Reading::Certain(plan) => vec![plan],
            Reading::Several(plans) => plans,
            Reading::Refused(_) => Vec::new(),
        };
        for before in &plans {
            if let Reading::Certain(plan) = follow_up(&then.join(" "), before, &model, &lexicon, today())
                && let Ok(compiled) = compile(&plan, &model)
            {
                let judged = policy::judge(dialect, &[], &compiled.sql, &Limits::default());
                prop_assert!(judged.is_ok(), "{question}; {then:?}: {}: {judged:?}", compiled.sql);
            }
        }
        for plan in plans {
            let compiled = compile(&plan, &model)
                .map_err(|error| TestCaseError::fail(format!("{question}: {plan:?}: {error}")))?;
            let judged = policy::judge(dialect, &[], &compiled.sql, &Limits::default());
            prop_assert!(judged.is_ok(), "{question}: {}: {judged:?}", compiled.sql);
            let json = serde_json::to_string(&plan).expect("JSON");
            prop_assert_eq!(&serde_json::from_str::<Plan>(&json).expect("a plan"), &plan);
        }
    }
}
