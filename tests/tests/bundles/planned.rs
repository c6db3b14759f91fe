//! Questions that are planned have the same answers on all engines.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use datachat_tests::compare::Table;
use datachat_tests::examples::{ENGINES, informed, labels};
use datachat_tests::stage::text;
use serde_json::{Value, json};

/// What the chat says on an engine.
async fn ask(engine: &str, database: &str, message: &str) -> Result<Value> {
    let servers = informed().await?;
    let body = json!({"message": message, "target_database": servers.id(engine, database)?});
    let reply = servers.client().post("/api/v1/chat", &body).await?;
    let reply = reply
        .expect(200)
        .with_context(|| format!("{engine}, {database}: {message}"))?;
    Ok(reply.clone())
}

/// The rows of a reply, if it has any.
fn rows(reply: &Value) -> Option<Table> {
    reply["data"]
        .is_object()
        .then(|| Table::of_columns(&reply["data"]))
}

#[tokio::test]
async fn the_same_question_has_the_same_rows_on_all_three_engines() -> Result<()> {
    for label in labels("chat.jsonl")? {
        let (database, question) = (text(&label["database"])?, text(&label["question"])?);
        // What the engine's own catalogue says differs from engine to engine.
        if question.to_lowercase().contains("columns") {
            continue;
        }
        let first = ask(ENGINES[0], &database, &question).await?;
        for engine in &ENGINES[1..] {
            let other = ask(engine, &database, &question).await?;
            let about = || format!("{question}\n{first:#}\non {engine}\n{other:#}");
            assert_eq!(
                first["answer_source"],
                other["answer_source"],
                "{}",
                about()
            );
            match (rows(&first), rows(&other)) {
                (Some(one), Some(other)) => {
                    let ordered = label["ordered"] == true;
                    let same = one.answers(&other, ordered) && other.answers(&one, ordered);
                    assert!(same, "{}", about());
                }
                (None, None) => {}
                _ => panic!("{}", about()),
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_answer_says_what_was_computed_and_which_datapoints_it_rests_on() -> Result<()> {
    let reply = ask("postgresql", "grocery_store", "Top 3 categories by revenue").await?;
    let answer = text(&reply["answer"])?;
    let start =
        "Revenue by categories.category_id, categories.name, the highest 3: 3 row(s). First: ";
    assert!(
        answer.starts_with(start) && answer.ends_with(" EUR."),
        "{answer}"
    );
    assert_eq!(reply["answer_source"], "sql");
    assert_eq!(reply["scope_used"], "connection");
    assert_eq!(reply["visualization_hint"], "bar_chart");
    let sources: BTreeSet<&str> = reply["sources"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|source| source["datapoint_id"].as_str())
        .collect();
    let expected = [
        "metric_revenue_001",
        "table_categories_001",
        "table_order_lines_001",
    ];
    assert_eq!(sources, BTreeSet::from(expected));
    let stages: Vec<&str> = reply["decision_trace"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|step| step["stage"].as_str())
        .collect();
    assert_eq!(stages, ["intent", "plan", "sql"]);
    assert_eq!(reply["metrics"]["llm_calls"], 0);
    Ok(())
}

#[tokio::test]
async fn a_question_about_another_database_is_not_answered_from_it() -> Result<()> {
    for (database, question, word) in [
        (
            "fintech_bank",
            "How many organic products do we have?",
            "organic",
        ),
        (
            "grocery_store",
            "Total balance by kind of account",
            "balance",
        ),
    ] {
        for engine in ENGINES {
            let reply = ask(engine, database, question).await?;
            assert!(reply["data"].is_null(), "{reply:#}");
            assert_ne!(reply["answer_source"], "sql");
            if reply["answer_source"] == "clarification" {
                assert!(text(&reply["answer"])?.contains(word), "{reply:#}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_template_is_run_with_bound_values_on_every_engine() -> Result<()> {
    for engine in ENGINES {
        let reply = ask(engine, "fintech_bank", "Account statement of customer 42").await?;
        let answer = text(&reply["answer"])?;
        let start = "Account statement of a customer (customer_id = 42, limit = 20";
        assert!(answer.starts_with(start), "{answer}");
        let sql = text(&reply["sql"])?;
        assert!(!sql.contains("42"), "{sql}");
        assert_eq!(rows(&reply).map(|rows| rows.len()), Some(20), "{engine}");
        assert_eq!(
            reply["sources"][0]["datapoint_id"],
            "query_account_statement_001"
        );
    }
    Ok(())
}
