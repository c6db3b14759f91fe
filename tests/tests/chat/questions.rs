//! What is answered in words, what is asked back, and what is refused.

use anyhow::{Context, Result};
use datachat_tests::stage::keys;
use serde_json::{Value, json};

use crate::scene::{CHAT, ask, ask_with, shop};

#[tokio::test]
async fn a_reply_always_has_every_member_in_the_order_of_the_contract() -> Result<()> {
    let (client, id) = shop().await?;
    for question in [
        "list tables",
        "hello",
        "how many rows?",
        "why did margins fall?",
    ] {
        let reply = ask(&client, &id, question).await?;
        let expected = [
            "answer",
            "clarifying_questions",
            "sql",
            "data",
            "visualization_metadata",
            "visualization_hint",
            "answer_source",
            "answer_confidence",
            "sources",
            "evidence",
            "validation_errors",
            "validation_warnings",
            "tool_approval_required",
            "tool_approval_message",
            "tool_approval_calls",
            "conversation_id",
            "session_summary",
            "session_state",
            "decision_trace",
            "workflow_artifacts",
            "metrics",
            "sub_answers",
            "database",
            "scope_used",
            "truncated",
            "columns",
        ];
        assert_eq!(keys(&reply), expected, "{question}");
        let id = reply["conversation_id"].as_str().context("an id")?;
        assert_eq!((id.len(), &id[..5]), (17, "conv_"));
        assert!(id[5..].bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    }
    Ok(())
}

#[tokio::test]
async fn a_question_without_its_table_is_asked_back() -> Result<()> {
    let (client, id) = shop().await?;
    for (question, back) in [
        ("show columns", "Which table should I list columns for?"),
        (
            "show sample rows",
            "Which table should I show sample rows from?",
        ),
        ("how many rows?", "Which table should I count rows for?"),
    ] {
        let reply = ask(&client, &id, question).await?;
        assert_eq!(reply["answer"], back);
        assert_eq!(reply["clarifying_questions"], json!([back]));
        assert_eq!(reply["answer_source"], "clarification");
        assert_eq!(reply["answer_confidence"], 0.2);
        assert_eq!(reply["sql"], Value::Null);
    }
    Ok(())
}

#[tokio::test]
async fn a_table_that_is_not_there_is_named_and_one_that_is_there_twice_is_asked_for() -> Result<()>
{
    let (client, id) = shop().await?;
    let reply = ask(&client, &id, "how many rows in invoices?").await?;
    assert_eq!(reply["answer_source"], "clarification");
    let answer = reply["answer"].as_str().context("an answer")?;
    assert!(answer.contains("no table `invoices`"), "{answer}");
    let reply = ask(&client, &id, "how many rows in rates?").await?;
    assert_eq!(reply["answer_source"], "clarification");
    assert_eq!(
        reply["clarifying_questions"],
        json!(["sales.rates", "stock.rates"])
    );
    let reply = ask(&client, &id, "how many rows in stock.rates?").await?;
    assert_eq!(reply["answer"], "Table `stock.rates` has 0 row(s).");
    Ok(())
}

#[tokio::test]
async fn words_alone_touch_no_database() -> Result<()> {
    let (client, id) = shop().await?;
    for (question, source) in [
        ("hello", "system"),
        ("tell me a joke", "system"),
        ("bye", "system"),
        ("help", "system"),
        ("list data points", "system"),
        ("thanks", "clarification"),
        ("define revenue", "clarification"),
    ] {
        let reply = ask(&client, &id, question).await?;
        assert_eq!(reply["answer_source"], source, "{question}");
        assert_eq!(
            (&reply["sql"], &reply["data"]),
            (&Value::Null, &Value::Null)
        );
        let stages = reply["decision_trace"].as_array().context("a trace")?;
        let stages: Vec<_> = stages.iter().map(|step| &step["stage"]).collect();
        // Only a definition is looked for, among DataPoints.
        let looked = question.starts_with("define");
        let expected: &[&str] = if looked {
            &["intent", "retrieval"]
        } else {
            &["intent"]
        };
        assert_eq!(stages, expected, "{question}");
    }
    Ok(())
}

#[tokio::test]
async fn a_question_that_can_not_be_planned_gives_no_rows_and_says_why() -> Result<()> {
    let (client, id) = shop().await?;
    // What is known is told from what is not.
    let reply = ask(&client, &id, "top 10 customers by revenue").await?;
    assert_eq!(reply["answer_source"], "clarification");
    let answer = reply["answer"].as_str().context("an answer")?;
    assert!(
        answer.starts_with("I don't know what `revenue` means"),
        "{answer}"
    );
    let unrelated = ask(&client, &id, "compare our marketing campaigns").await?;
    assert_eq!(unrelated["answer_source"], "system");
    let warning = &unrelated["validation_warnings"][0]["warning_type"];
    assert_eq!(warning, "llm_not_configured");
    for reply in [reply, unrelated] {
        assert_eq!(
            (&reply["sql"], &reply["data"]),
            (&Value::Null, &Value::Null)
        );
        let stages = reply["decision_trace"].as_array().context("a trace")?;
        let stages: Vec<_> = stages.iter().map(|step| &step["stage"]).collect();
        assert_eq!(stages, ["intent", "plan"]);
    }
    Ok(())
}

#[tokio::test]
async fn without_datapoints_live_tables_columns_and_values_are_enough() -> Result<()> {
    let (client, id) = shop().await?;
    for (question, answer) in [
        ("how many customers are there?", "Number of customers: 120."),
        (
            "number of customers without a city",
            "Number of customers, where customers.city is missing: 120.",
        ),
        (
            "how many different names do the customers have?",
            "Number of different customers.name: 120.",
        ),
    ] {
        let reply = ask(&client, &id, question).await?;
        assert_eq!(reply["answer"], answer, "{question}");
        assert_eq!(reply["answer_source"], "sql");
        assert_eq!(reply["scope_used"], "none");
    }
    Ok(())
}

#[tokio::test]
async fn several_questions_are_answered_one_by_one_and_one_that_fails_spoils_no_other() -> Result<()>
{
    let (client, id) = shop().await?;
    let question = "How many rows in customers? How many rows in invoices? List tables";
    let reply = ask(&client, &id, question).await?;
    assert_eq!(reply["answer_source"], "multi");
    assert_eq!(reply["answer_confidence"], 0.65);
    let parts = reply["sub_answers"].as_array().context("parts")?;
    let sources: Vec<_> = parts.iter().map(|part| &part["answer_source"]).collect();
    assert_eq!(sources, ["sql", "clarification", "sql"]);
    assert_eq!(parts[0]["data"], json!({"row_count": [120]}));
    assert_eq!(parts[0]["query"], "How many rows in customers");
    assert_eq!(parts[2]["index"], 2);
    Ok(())
}

#[tokio::test]
async fn direct_sql_runs_what_is_sent_and_only_if_it_reads() -> Result<()> {
    let (client, id) = shop().await?;
    let direct = |message: &str, more: Value| {
        let mut body = json!({"execution_mode": "direct_sql"});
        if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
            body.extend(more);
        }
        let (client, id, message) = (client.clone(), id.clone(), message.to_owned());
        async move { ask_with(&client, &id, &message, body).await }
    };
    let sql = "SELECT id, id * 2 AS id FROM customers c ORDER BY c.id LIMIT 2";
    let reply = direct(sql, json!({})).await?.expect(200)?;
    assert_eq!(
        reply["answer"],
        "Executed SQL query successfully. Returned 2 row(s)."
    );
    assert_eq!(reply["answer_confidence"], 1.0);
    assert_eq!(reply["sql"], sql);
    assert_eq!(reply["data"], json!({"id": [1, 2], "id_2": [2, 4]}));
    let more = json!({"sql": "SELECT 7 AS n"});
    let reply = direct("the statement is beside", more).await?.expect(200)?;
    assert_eq!(reply["data"], json!({"n": [7]}));
    let refused = direct("DELETE FROM customers", json!({})).await?;
    let problem = refused.problem(403, "read_only_violation")?;
    assert_eq!(problem["connection_id"], id);
    direct("SELECT FROM WHERE", json!({}))
        .await?
        .problem(400, "syntax")?;
    Ok(())
}

#[tokio::test]
async fn a_bad_request_and_a_bad_target_are_problems_as_everywhere() -> Result<()> {
    let (client, id) = shop().await?;
    client
        .post(CHAT, &json!({}))
        .await?
        .problem(422, "validation_failed")?;
    let unknown = json!({"message": "list tables", "target": id});
    client
        .post(CHAT, &unknown)
        .await?
        .problem(422, "unknown_field")?;
    ask_with(&client, "", "list tables", json!({}))
        .await?
        .problem(400, "invalid_connection_id")?;
    let nobody = "00000000-0000-4000-8000-000000000001";
    ask_with(&client, nobody, "list tables", json!({}))
        .await?
        .problem(404, "connection_not_found")?;
    Ok(())
}
