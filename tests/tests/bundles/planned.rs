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
                // A row of a table has columns whose types differ from engine to engine.
                (Some(one), Some(other)) if label["kind"] == "list" => {
                    assert_eq!(one.len(), other.len(), "{}", about());
                }
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
async fn the_next_question_may_change_the_last_one_on_its_own_connection_only() -> Result<()> {
    let servers = informed().await?;
    let (bank, store) = ("fintech_bank", "grocery_store");
    for engine in ENGINES {
        let mut state = json!({});
        for (question, expected) in [
            ("Revenue by channel", "Revenue by orders.channel: "),
            (
                "only online",
                "Revenue by orders.channel, where orders.channel is online: ",
            ),
            (
                "and by month?",
                "Revenue by month, orders.channel, where orders.channel is online, ",
            ),
        ] {
            let id = servers.id(engine, store)?;
            let body = json!({"message": question, "target_database": id, "session_state": state});
            let reply = servers.client().post("/api/v1/chat", &body).await?;
            let reply = reply.expect(200)?;
            let answer = text(&reply["answer"])?;
            assert!(answer.starts_with(expected), "{engine}: {answer}");
            state = reply["session_state"].clone();
        }
        let id = servers.id(engine, bank)?;
        let body =
            json!({"message": "and by kind?", "target_database": id, "session_state": state});
        let reply = servers.client().post("/api/v1/chat", &body).await?;
        let reply = reply.expect(200)?;
        assert!(reply["data"].is_null(), "{engine}: {reply:#}");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_more_than_is_shown_is_cut_off_and_the_answer_says_so() -> Result<()> {
    for engine in ENGINES {
        for (database, question, most) in [
            ("fintech_bank", "List all customers", 100),
            ("grocery_store", "Revenue per order", 1_000),
        ] {
            let reply = ask(engine, database, question).await?;
            assert_eq!(rows(&reply).map(|rows| rows.len()), Some(most), "{engine}");
            assert_eq!(reply["truncated"], true, "{engine}");
            assert!(
                text(&reply["answer"])?.contains("cut off at `max_rows`"),
                "{reply:#}"
            );
        }
        let whole = ask(engine, "grocery_store", "Top 3 categories by revenue").await?;
        assert_eq!(whole["truncated"], false, "{engine}");
    }
    Ok(())
}

#[tokio::test]
async fn a_template_is_run_with_bound_values_on_every_engine() -> Result<()> {
    let mut first = None;
    for engine in ENGINES {
        let reply = ask(engine, "fintech_bank", "Account statement of customer 42").await?;
        let answer = text(&reply["answer"])?;
        let start = "Account statement of a customer (customer_id = 42, limit = 20";
        assert!(answer.starts_with(start), "{answer}");
        let sql = text(&reply["sql"])?;
        assert!(!sql.contains("42"), "{sql}");
        let rows = rows(&reply).context("no rows")?;
        assert!((1..=20).contains(&rows.len()), "{engine}: {}", rows.len());
        let first = first.get_or_insert_with(|| rows.clone());
        assert!(rows.answers(first, true), "{engine}: {rows:?} {first:?}");
        assert_eq!(
            reply["sources"][0]["datapoint_id"],
            "query_account_statement_001"
        );
    }
    Ok(())
}
