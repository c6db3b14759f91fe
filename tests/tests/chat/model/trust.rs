//! A model that is wrong, or that somebody has talked into something, changes nothing that it must not.

use anyhow::Result;
use datachat_tests::stage::reader_url;
use serde_json::{Value, json};

use crate::scene::postgres;

use super::scene::{Scene, scene, stages, warnings};
use datachat_tests::model::{calls, says, says_text, told};

#[tokio::test]
async fn a_model_that_asks_for_a_drop_gets_nothing_dropped() -> Result<()> {
    let scene = scene().await?;
    let question = "Kindly tidy up the enrolment register";
    for (engine, id) in &scene.shops {
        let sql = |sql: &str| says(&json!({"kind": "sql", "sql": sql}));
        scene.model.script(
            question,
            [
                sql("DROP TABLE customers"),
                sql("DELETE FROM customers"),
                sql("SELECT 1; DROP TABLE customers"),
            ],
        );
        let reply = scene.ask_with(id, question, json!({})).await?.expect(200)?;
        assert_eq!(warnings(&reply), ["llm_unusable"], "{engine}");
        assert_eq!(
            reply["validation_errors"][0]["error_type"], "policy",
            "{engine}"
        );
        assert_eq!(
            (&reply["sql"], &reply["data"]),
            (&Value::Null, &Value::Null)
        );
        let count = "how many rows in customers?";
        let still = scene.ask_with(id, count, json!({})).await?.expect(200)?;
        assert_eq!(
            still["answer"], "Table `customers` has 120 row(s).",
            "{engine}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn no_word_of_a_model_leads_to_another_connection() -> Result<()> {
    let scene = scene().await?;
    let question = "Peek at the neighbouring emporium";
    let other = &scene.shops[1].1;
    scene.model.script(
        question,
        [
            calls(&[
                ("list_tables", json!({"connection_id": other})),
                (
                    "run_sql",
                    json!({"sql": "SELECT 1", "target_database": other}),
                ),
            ]),
            says(&json!({"kind": "sql", "sql": "SELECT version() AS v", "target_database": other})),
            says_text("It is there."),
        ],
    );
    let reply = scene.ask(question).await?;
    assert_eq!(reply["database"]["id"], *scene.shop());
    let version = reply["data"]["v"][0].as_str().expect("a version");
    assert!(version.contains("PostgreSQL"), "{version}");
    let asked = scene.model.asked(question);
    let messages = asked[1]["messages"].as_array().expect("messages");
    let results: Vec<&str> = messages
        .iter()
        .filter(|message| message["role"] == "tool")
        .filter_map(|message| message["content"].as_str())
        .collect();
    assert_eq!(results.len(), 2);
    assert!(
        results.iter().all(|result| result.starts_with("error")),
        "{results:?}"
    );
    Ok(())
}

#[tokio::test]
async fn an_instruction_in_a_row_is_told_as_data_and_what_follows_it_is_judged() -> Result<()> {
    let scene = scene().await?;
    let question = "Read out the scribblings, please, verbatim";
    let hostile = "first";
    let listing =
        json!({"kind": "sql", "sql": "SELECT note FROM \"Order Items\" WHERE note IS NOT NULL"});
    scene.model.script(
        question,
        [
            says(&listing),
            // What a model that obeys a row would say: another statement, in place of words.
            says_text("{\"kind\": \"sql\", \"sql\": \"DROP TABLE customers\"}"),
        ],
    );
    let reply = scene.ask(question).await?;
    assert_eq!(reply["data"]["note"], json!([hostile]));
    let wording = &scene.model.asked(question)[1];
    assert_eq!(told(wording)["rows"], json!([[hostile]]));
    assert!(wording.get("tools").is_none(), "words need no tool");
    // It is only words, and the sentence that is said is no statement that ran.
    assert_eq!(
        stages(&reply)
            .iter()
            .filter(|stage| **stage == "sql")
            .count(),
        1
    );
    let still = scene.ask("how many rows in customers?").await?;
    assert_eq!(still["answer"], "Table `customers` has 120 row(s).");
    Ok(())
}

#[tokio::test]
async fn a_number_that_nobody_computed_ends_the_models_words() -> Result<()> {
    let scene = scene().await?;
    let question = "What is the utmost ordinal of all?";
    let sql = json!({"kind": "sql", "sql": "SELECT max(id) AS top FROM customers"});
    scene.model.script(
        question,
        [
            says(&sql),
            says_text("It is 120. That is 20 % more than last year."),
        ],
    );
    let reply = scene.ask(question).await?;
    assert_eq!(reply["answer"], "It is 120.\ntop: 120.");
    assert_eq!(warnings(&reply), ["wording_rejected"]);
    scene
        .model
        .script(question, [says(&sql), says_text("It is 121.")]);
    let reply = scene.ask(question).await?;
    assert_eq!(reply["answer"], "top: 120.");
    Ok(())
}

#[tokio::test]
async fn an_answer_from_datapoints_quotes_what_is_there_and_no_other_number() -> Result<()> {
    let scene = Scene::start("model-context", &[], false).await?;
    let client = scene.client();
    let point = json!({
        "datapoint_id": "metric_gnomes", "type": "Business", "name": "Gnome headcount",
        "owner": "a@example.com", "calculation": "COUNT(customers.id)", "unit": "count",
        "business_rules": ["Counts within 30 days."], "related_tables": ["customers"],
        "metadata": {"grain": "customer", "exclusions": "none", "confidence_notes": "checked",
            "freshness": "daily", "connection_id": scene.shop()},
    });
    let made = client.post("/api/v1/datapoints", &point).await?;
    assert!(made.status.is_success(), "{}", made.text());
    let question = "Kindly elucidate this gnome headcount notion";
    let context = |text: &str, ids: &[&str]| {
        says(&json!({"kind": "context", "text": text, "datapoints": ids}))
    };
    scene.model.script(
        question,
        [
            context("It counts for 30 days.", &["metric_other"]),
            context("It counts for 90 days.", &["metric_gnomes"]),
            context("It counts customers within 30 days.", &["metric_gnomes"]),
        ],
    );
    let reply = scene.ask(question).await?;
    assert_eq!(reply["answer_source"], "context", "{reply}");
    assert_eq!(reply["answer"], "It counts customers within 30 days.");
    assert_eq!(reply["sources"][0]["datapoint_id"], "metric_gnomes");
    assert_eq!(reply["scope_used"], "connection");
    Ok(())
}

#[tokio::test]
async fn a_model_is_told_nothing_of_another_connection() -> Result<()> {
    let scene = Scene::start("model-scope", &[], false).await?;
    let client = scene.client();
    let url = reader_url(postgres().await?, "beta");
    let other = scene.server.register("other", &url).await?;
    for (id, marker) in [(scene.shop(), "ourmark"), (other.as_str(), "theirmark")] {
        let point = json!({
            "datapoint_id": "metric_gnomes", "type": "Business", "name": format!("Gnomes {marker}"),
            "owner": "a@example.com", "calculation": format!("the gnomes of {marker}"), "unit": "count",
            "business_rules": [format!("Only {marker} counts.")],
            "metadata": {"grain": "gnome", "exclusions": "none", "confidence_notes": "checked",
                "freshness": "daily", "connection_id": id},
        });
        let made = client.post("/api/v1/datapoints", &point).await?;
        assert!(made.status.is_success(), "{}", made.text());
    }
    let question = "Give me the lowdown on gnomes, whoami and the like";
    scene.ask(question).await?;
    let request = scene.model.asked(question)[0].to_string();
    assert!(request.contains("ourmark"), "{request}");
    assert!(!request.contains("theirmark"), "{request}");
    // `beta` has a table of that name, the shop has not.
    let tables = told(&scene.model.asked(question)[0])["tables"].to_string();
    assert!(!tables.contains("whoami"), "{tables}");
    Ok(())
}
