//! What a model proposes is checked, run on the one connection, and said with its evidence.

use anyhow::Result;
use serde_json::{Value, json};

use super::scene::{scene, stages, warnings};
use datachat_tests::model::{calls, says, says_text, told};

/// A plan for how many customers there are with a high number.
fn plan() -> Value {
    json!({"kind": "plan", "plan": {
        "figures": [{"kind": "count", "of": "customers"}],
        "filters": [{"column": "customers.id", "is": "greater", "values": ["100"]}],
    }})
}

#[tokio::test]
async fn a_proposed_plan_gives_the_same_rows_on_every_engine() -> Result<()> {
    let scene = scene().await?;
    let question = "Count whoever is enumerated beyond the hundredth one";
    for (engine, id) in &scene.shops {
        scene.model.script(question, [says(&plan())]);
        let reply = scene.ask_with(id, question, json!({})).await?.expect(200)?;
        let data = reply["data"].as_object().expect("rows");
        let values: Vec<&Value> = data.values().collect();
        assert_eq!(values, [&json!([20])], "{engine}");
        assert_eq!(reply["answer_source"], "sql");
        assert_eq!(reply["answer_confidence"], 0.7);
        assert_eq!(
            reply["answer"], "Number of customers, where customers.id > 100: 20.",
            "{engine}"
        );
        assert_eq!(reply["metrics"]["llm_calls"], 1);
        assert_eq!(
            stages(&reply),
            [
                "intent",
                "plan",
                "retrieval",
                "prompt",
                "model",
                "plan",
                "sql"
            ]
        );
        assert_eq!(
            reply["decision_trace"][5]["reason"],
            "the language model's plan"
        );
        // It can be changed by the next question, as any plan.
        assert_eq!(reply["session_state"]["database"], **id);
    }
    let request = &scene.model.asked(question)[0];
    assert_eq!(request["model"], "scripted");
    assert_eq!(request["response_format"]["type"], "json_schema");
    let tables = told(request)["tables"].to_string();
    assert!(tables.contains("customers"), "{tables}");
    Ok(())
}

#[tokio::test]
async fn what_the_planner_is_certain_of_no_model_is_asked() -> Result<()> {
    let scene = scene().await?;
    for question in [
        "how many customers",
        "list tables",
        "how many rows in customers?",
    ] {
        let reply = scene.ask(question).await?;
        assert_eq!(reply["answer_source"], "sql", "{question}");
        assert_eq!(reply["metrics"]["llm_calls"], 0, "{question}");
        assert!(scene.model.asked(question).is_empty());
    }
    Ok(())
}

#[tokio::test]
async fn a_statement_is_explained_before_it_runs_and_mended_with_the_databases_own_words()
-> Result<()> {
    let scene = scene().await?;
    let question = "Which of the persons has the greatest ordinal?";
    for (engine, id) in &scene.shops {
        let sql = |sql: &str| says(&json!({"kind": "sql", "sql": sql}));
        scene.model.script(
            question,
            [
                sql("SELECT max(id) AS top FROM clients"),
                sql("SELECT max(ident) AS top FROM customers"),
                sql("SELECT max(id) AS top FROM customers"),
                says_text("The greatest ordinal is 120."),
            ],
        );
        let asked_before = scene.model.asked(question).len();
        let reply = scene.ask_with(id, question, json!({})).await?.expect(200)?;
        assert_eq!(reply["data"], json!({"top": [120]}), "{engine}: {reply}");
        assert_eq!(reply["sql"], "SELECT max(id) AS top FROM customers");
        assert_eq!(reply["answer"], "The greatest ordinal is 120.");
        assert_eq!(reply["metrics"]["llm_calls"], 4);
        assert_eq!(reply["metrics"]["query_compiler_llm_refinements"], 2);
        let asked = scene.model.asked(question);
        let last_word = |request: &Value| {
            let messages = request["messages"].as_array().expect("messages").clone();
            messages.last().expect("one")["content"].to_string()
        };
        let unknown_table = last_word(&asked[asked_before + 1]);
        assert!(
            unknown_table.contains("no table clients"),
            "{unknown_table}"
        );
        assert!(unknown_table.contains("customers"), "{unknown_table}");
        let unknown_column = last_word(&asked[asked_before + 2]);
        assert!(
            unknown_column.contains("ident"),
            "{engine}: {unknown_column}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn after_two_mendings_a_proposal_that_is_still_wrong_is_given_up() -> Result<()> {
    let scene = scene().await?;
    let question = "Tell me the zorkmids of the customers";
    let wrong = || says(&json!({"kind": "sql", "sql": "SELECT zorkmids FROM gnomes"}));
    scene
        .model
        .script(question, [wrong(), says_text("no JSON"), wrong(), wrong()]);
    let reply = scene.ask(question).await?;
    assert_eq!(
        reply["answer_source"], "clarification",
        "what the planner had said"
    );
    assert_eq!(warnings(&reply), ["llm_unusable"]);
    assert_eq!(reply["validation_errors"][0]["error_type"], "unknown_table");
    assert_eq!(
        (&reply["sql"], &reply["data"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(scene.model.asked(question).len(), 3);
    Ok(())
}

#[tokio::test]
async fn rows_of_a_table_are_listed_up_to_a_hundred() -> Result<()> {
    let scene = scene().await?;
    let question = "Show everybody's appellation in whatever sequence";
    let listing = json!({"kind": "sql", "sql": "SELECT name FROM customers ORDER BY id"});
    scene.model.script(question, [says(&listing)]);
    let more = json!({"synthesize_simple_sql": false});
    let reply = scene
        .ask_with(scene.shop(), question, more)
        .await?
        .expect(200)?;
    assert_eq!(reply["data"]["name"].as_array().map(Vec::len), Some(100));
    assert_eq!(reply["truncated"], true);
    let answer = reply["answer"].as_str().expect("an answer");
    assert!(answer.starts_with("100 row(s). There are more"), "{answer}");
    assert_eq!(
        reply["metrics"]["llm_calls"], 1,
        "its words were not wanted"
    );
    Ok(())
}

#[tokio::test]
async fn a_model_may_ask_back_or_say_that_there_is_no_answer() -> Result<()> {
    let scene = scene().await?;
    let question = "Who are our finest personages?";
    let choices = ["by number", "by name", "by city", "by age"];
    let clarify = json!({"kind": "clarify", "text": "Finest by what?", "choices": choices});
    scene.model.script(question, [says(&clarify)]);
    let reply = scene.ask(question).await?;
    assert_eq!(reply["answer_source"], "clarification");
    assert_eq!(reply["answer"], "Finest by what?");
    assert_eq!(reply["clarifying_questions"], json!(choices[..3]));
    let question = "Will it precipitate in Reykjavik?";
    let impossible =
        json!({"kind": "impossible", "text": "The database knows nothing of weather."});
    scene.model.script(question, [says(&impossible)]);
    let reply = scene.ask(question).await?;
    assert_eq!(reply["answer_source"], "system");
    assert_eq!(reply["answer"], "The database knows nothing of weather.");
    Ok(())
}

#[tokio::test]
async fn a_model_may_use_the_servers_tools_and_is_told_what_they_say() -> Result<()> {
    let scene = scene().await?;
    let question = "How sizeable is the roster, would you say?";
    scene.model.script(
        question,
        [
            calls(&[
                ("list_tables", json!({})),
                ("get_table_info", json!({"table": "nowhere"})),
                ("no_such_tool", json!({})),
            ]),
            says(&plan()),
        ],
    );
    let reply = scene.ask(question).await?;
    assert_eq!(reply["answer_source"], "sql", "{reply}");
    assert_eq!(reply["metrics"]["llm_calls"], 2);
    let asked = scene.model.asked(question);
    let offered = asked[0]["tools"].to_string();
    assert!(offered.contains("list_tables"), "{offered}");
    let messages = asked[1]["messages"].as_array().expect("messages");
    let results: Vec<String> = messages
        .iter()
        .filter(|message| message["role"] == "tool")
        .map(|message| message["content"].to_string())
        .collect();
    assert_eq!(results.len(), 3);
    assert!(results[0].contains("customers"), "{}", results[0]);
    assert!(results[1].contains("error"), "{}", results[1]);
    assert!(results[2].contains("no tool"), "{}", results[2]);
    Ok(())
}

#[tokio::test]
async fn a_tool_that_needs_consent_ends_the_turn_and_says_which_call_waits() -> Result<()> {
    let scene = scene().await?;
    let question = "Scrutinise all there is and write it down";
    let arguments = json!({"tables": ["customers"]});
    let tool = "profile_and_generate_datapoints";
    scene
        .model
        .script(question, [calls(&[(tool, arguments.clone())])]);
    let reply = scene.ask(question).await?;
    assert_eq!(reply["answer_source"], "approval");
    assert_eq!(reply["tool_approval_required"], true);
    assert_eq!(
        reply["tool_approval_calls"],
        json!([{"name": tool, "arguments": arguments}])
    );
    assert!(reply["tool_approval_message"].is_string());
    Ok(())
}

#[tokio::test]
async fn what_was_said_before_is_told_as_data() -> Result<()> {
    let scene = scene().await?;
    let question = "And those beyond the hundredth one?";
    scene.model.script(question, [says(&plan())]);
    let more = json!({"conversation_history": [
        {"role": "user", "content": "how many customers"},
        {"role": "assistant", "content": "Number of customers: 120."},
    ]});
    let reply = scene
        .ask_with(scene.shop(), question, more)
        .await?
        .expect(200)?;
    assert_eq!(reply["answer_source"], "sql", "{reply}");
    let request = &scene.model.asked(question)[0];
    assert_eq!(
        told(request)["said_before"],
        json!([
            {"by": "user", "text": "how many customers"},
            {"by": "assistant", "text": "Number of customers: 120."},
        ])
    );
    Ok(())
}
