//! Conversations that the server keeps: whose they are, what of them the next question takes up, and what goes when.

use anyhow::{Context, Result};
use datachat_tests::stage::{own_postgres, reader_url, register, text};
use datachat_tests::{CANARY, Client, Postgres, ServerOptions, TestServer, shows_canary};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::scene::{CHAT, ask, ask_with, postgres, shop};

const CONVERSATIONS: &str = "/api/v1/conversations";
const KEY: &str = "bmV2ZXItdXNlLXRoaXMta2V5LWZvci1yZWFsLWRhdGE=";

/// Asks as a turn of a conversation that only the server keeps.
async fn go_on(client: &Client, id: &str, conversation: &str, message: &str) -> Result<Value> {
    let more = json!({ "conversation_id": conversation });
    ask_with(client, id, message, more).await?.expect(200)
}

async fn begin(client: &Client, id: &str, message: &str) -> Result<(String, Value)> {
    let reply = ask(client, id, message).await?;
    Ok((text(&reply["conversation_id"])?, reply))
}

async fn kept(client: &Client, conversation: &str) -> Result<Value> {
    let path = format!("{CONVERSATIONS}/{conversation}");
    client.get(&path).await?.expect(200)
}

async fn questions(client: &Client, conversation: &str) -> Result<Vec<String>> {
    let kept = kept(client, conversation).await?;
    let turns = kept["turns"].as_array().context("turns")?;
    turns.iter().map(|turn| text(&turn["question"])).collect()
}

/// A conversation as the pages of the list show it.
async fn listed(client: &Client, conversation: &str) -> Result<Value> {
    let mut cursor = String::new();
    loop {
        let path = format!("{CONVERSATIONS}?limit=2&cursor={cursor}");
        let page = client.get(&path).await?.expect(200)?;
        let mut all = page["conversations"].as_array().into_iter().flatten();
        if let Some(found) = all.find(|one| one["conversation_id"] == conversation) {
            return Ok(found.clone());
        }
        cursor = text(&page["next_cursor"]).context("it is not listed")?;
    }
}

/// A server whose system database is PostgreSQL, and that PostgreSQL.
async fn shared(name: &str) -> Result<(TestServer, Postgres)> {
    let postgres = own_postgres()?;
    postgres.create_database("system")?;
    let options = ServerOptions::new(name)
        .variable("SYSTEM_DATABASE_URL", &postgres.superuser_url("system"))
        .variable("DATABASE_CREDENTIALS_KEY", KEY);
    Ok((TestServer::start(options).await?, postgres))
}

/// What holds whatever the system database is.
async fn a_conversation_goes_on(client: &Client, id: &str) -> Result<()> {
    let (conversation, reply) = begin(client, id, "How many customers are there?").await?;
    assert_eq!(reply["answer"], "Number of customers: 120.");
    let reply = go_on(client, id, &conversation, "only c7").await?;
    assert_eq!(
        reply["answer"],
        "Number of customers, where customers.name is c7: 1."
    );
    assert_eq!(reply["conversation_id"], conversation);
    assert_eq!(reply["validation_warnings"], json!([]));
    // The plan before the last one is not the one that is changed.
    let reply = go_on(client, id, &conversation, "only c8").await?;
    assert_eq!(
        reply["sql"],
        "SELECT COUNT(*) AS customers_count FROM customers WHERE \"name\" = 'c8'"
    );
    // A state of the client's own counts instead, also an empty one.
    let more = json!({"conversation_id": conversation, "session_state": {}});
    let fresh = ask_with(client, id, "only c9", more).await?.expect(200)?;
    assert_eq!(fresh["data"], Value::Null);
    let asked = go_on(client, id, &conversation, "how many rows?").await?;
    assert_eq!(asked["answer"], "Which table should I count rows for?");
    let reply = go_on(client, id, &conversation, "customers").await?;
    assert_eq!(reply["answer"], "Table `customers` has 120 row(s).");

    let shown = kept(client, &conversation).await?;
    assert_eq!(shown["title"], "How many customers are there?");
    assert_eq!(shown["turn_count"], 6);
    let turn = &shown["turns"][1];
    assert_eq!(turn["question"], "only c7");
    assert_eq!(
        turn["answer"],
        "Number of customers, where customers.name is c7: 1."
    );
    assert_eq!(turn["answer_source"], "sql");
    assert_eq!(turn["database"]["id"], *id);
    assert_eq!(turn["plan"]["filters"][0]["condition"]["in"], json!(["c7"]));
    assert_eq!(shown["turns"][4]["pending"], "count");
    assert!(turn.get("data").is_none() && turn.get("rows").is_none());

    let path = format!("{CONVERSATIONS}/{conversation}");
    let renamed = client.patch(&path, &json!({"title": "  Ours "})).await?;
    assert_eq!(renamed.expect(200)?["title"], "Ours");
    let listed = listed(client, &conversation).await?;
    assert_eq!(
        (&listed["title"], &listed["turn_count"]),
        (&json!("Ours"), &json!(6))
    );
    assert_eq!(listed["database"]["id"], *id);
    client.delete(&path).await?.expect(204)?;
    client
        .get(&path)
        .await?
        .problem(404, "conversation_not_found")?;
    // It has begun anew.
    let reply = go_on(client, id, &conversation, "only c7").await?;
    assert_eq!(reply["data"], Value::Null);
    assert_eq!(questions(client, &conversation).await?, ["only c7"]);
    Ok(())
}

#[tokio::test]
async fn a_question_that_names_a_kept_conversation_goes_on_with_its_last_turn() -> Result<()> {
    let (client, id) = shop().await?;
    a_conversation_goes_on(&client, &id).await
}

#[tokio::test]
async fn a_conversation_goes_on_in_a_system_database_in_postgresql_too() -> Result<()> {
    let (server, _system) = shared("conversations-shared").await?;
    let id = register(server.client(), &reader_url(postgres().await?, "alpha")).await?;
    a_conversation_goes_on(server.client(), &id).await
}

#[tokio::test]
async fn another_connection_starts_afresh_and_the_first_goes_on_where_it_was() -> Result<()> {
    let (client, one) = shop().await?;
    let two = register(&client, &reader_url(postgres().await?, "alpha")).await?;
    let (conversation, _) = begin(&client, &one, "How many customers are there?").await?;
    // The same tables, and yet it is not told what was asked before.
    for message in ["only c7", "why?"] {
        let reply = go_on(&client, &two, &conversation, message).await?;
        assert_eq!(reply["data"], Value::Null, "{message}");
        assert_eq!(reply["session_state"]["plan"], Value::Null, "{message}");
        assert!(!reply.to_string().contains("How many"), "{reply}");
    }
    let reply = go_on(&client, &one, &conversation, "only c7").await?;
    assert_eq!(
        reply["answer"],
        "Number of customers, where customers.name is c7: 1."
    );
    let expected = [
        "How many customers are there?",
        "only c7",
        "why?",
        "only c7",
    ];
    assert_eq!(questions(&client, &conversation).await?, expected);
    Ok(())
}

#[tokio::test]
async fn a_deleted_connection_takes_along_what_was_said_with_it() -> Result<()> {
    let (client, one) = shop().await?;
    let two = register(&client, &reader_url(postgres().await?, "alpha")).await?;
    let (mixed, _) = begin(&client, &two, "how many rows in customers?").await?;
    go_on(&client, &one, &mixed, "list tables").await?;
    let (alone, _) = begin(&client, &two, "list tables").await?;
    let deleted = client.delete(&format!("/api/v1/databases/{two}")).await?;
    deleted.expect(204)?;
    let left = kept(&client, &mixed).await?;
    assert_eq!(
        (&left["title"], &left["turn_count"]),
        (&json!("list tables"), &json!(1))
    );
    let gone = client.get(&format!("{CONVERSATIONS}/{alone}")).await?;
    gone.problem(404, "conversation_not_found")?;
    Ok(())
}

#[tokio::test]
async fn nobody_finds_a_conversation_of_another_key_and_naming_its_id_begins_ones_own() -> Result<()>
{
    let keys = format!("ann:admin:{CANARY}-a,bob:user:{CANARY}-b");
    let options = ServerOptions::new("conversations-keys").variable("DATACHAT_API_KEYS", &keys);
    let server = TestServer::start(options).await?;
    let ann = server.client().with_key(&format!("{CANARY}-a"));
    let bob = server.client().with_key(&format!("{CANARY}-b"));
    let id = register(&ann, &reader_url(postgres().await?, "alpha")).await?;
    let (of_ann, _) = begin(&ann, &id, "How many customers are there?").await?;

    let path = format!("{CONVERSATIONS}/{of_ann}");
    let title = json!({"title": "mine"});
    for answer in [
        bob.get(&path).await?,
        bob.patch(&path, &title).await?,
        bob.delete(&path).await?,
        bob.get(&format!("{path}/export?format=markdown")).await?,
    ] {
        // The same words as for an id that nobody has.
        let nobody = bob.get(&format!("{CONVERSATIONS}/nobody")).await?;
        let nobody = nobody.problem(404, "conversation_not_found")?;
        let problem = answer.problem(404, "conversation_not_found")?;
        let detail = text(&problem["detail"])?.replace(&of_ann, "nobody");
        assert_eq!(nobody["detail"], detail);
    }
    let nothing = bob.get(CONVERSATIONS).await?.expect(200)?;
    assert_eq!(nothing["conversations"], json!([]));

    let reply = go_on(&bob, &id, &of_ann, "only c7").await?;
    assert_eq!(reply["data"], Value::Null, "{reply}");
    assert_eq!(questions(&bob, &of_ann).await?, ["only c7"]);
    assert_eq!(
        questions(&ann, &of_ann).await?,
        ["How many customers are there?"]
    );
    let reply = go_on(&ann, &id, &of_ann, "only c7").await?;
    assert_eq!(
        reply["answer"],
        "Number of customers, where customers.name is c7: 1."
    );
    // Over a WebSocket, too.
    let mut request = format!("ws://127.0.0.1:{}/ws/chat", server.port()).into_client_request()?;
    let key = format!("Bearer {CANARY}-a").parse()?;
    request.headers_mut().insert("authorization", key);
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await?;
    let body = json!({"message": "only c8", "target_database": id, "conversation_id": of_ann});
    socket.send(Message::text(body.to_string())).await?;
    while let Some(message) = socket.next().await {
        if message?.is_close() {
            break;
        }
    }
    assert_eq!(questions(&bob, &of_ann).await?, ["only c7"]);
    assert_eq!(questions(&ann, &of_ann).await?.len(), 3);
    Ok(())
}

#[tokio::test]
async fn why_explains_the_answer_before_from_what_was_kept_or_what_the_client_carries() -> Result<()>
{
    let (client, id) = shop().await?;
    let (conversation, first) = begin(&client, &id, "How many customers are there?").await?;
    let of_server = go_on(&client, &id, &conversation, "why?").await?;
    let more = json!({ "session_state": first["session_state"] });
    let of_client = ask_with(&client, &id, "How did you get that?", more).await?;
    let of_client = of_client.expect(200)?;
    for reply in [&of_server, &of_client] {
        assert_eq!(reply["answer_source"], "system");
        assert_eq!(
            (&reply["sql"], &reply["data"]),
            (&Value::Null, &Value::Null)
        );
        let answer = text(&reply["answer"])?;
        let name = text(&reply["database"]["name"])?;
        assert_eq!(
            answer,
            format!(
                "I read `How many customers are there?` as: Number of customers. This ran on {name} (postgresql): \
                 `SELECT COUNT(*) AS customers_count FROM customers`. It rests on no DataPoint."
            )
        );
    }
    // What was explained can be changed still, and explained again, also after other words.
    go_on(&client, &id, &conversation, "thanks").await?;
    let again = go_on(&client, &id, &conversation, "explain that").await?;
    assert_eq!(again["answer"], of_server["answer"]);
    let reply = go_on(&client, &id, &conversation, "only c7").await?;
    assert_eq!(
        reply["answer"],
        "Number of customers, where customers.name is c7: 1."
    );
    let alone = ask(&client, &id, "why?").await?;
    assert_eq!(alone["answer_source"], "clarification");
    // With a DataPoint it is context.
    let point = json!({
        "datapoint_id": "metric_headcount", "type": "Business", "name": "Headcount", "owner": "team@example.com",
        "tags": [], "calculation": "COUNT(customers.id)", "related_tables": ["customers"], "unit": "heads",
        "metadata": {"connection_id": id, "units": "heads", "freshness": "now", "grain": "a customer",
                     "exclusions": "none", "confidence_notes": "exact"},
    });
    client
        .post("/api/v1/datapoints", &point)
        .await?
        .expect(201)?;
    let (conversation, first) = begin(&client, &id, "What is the headcount?").await?;
    assert_eq!(first["answer"], "Headcount: 120 heads.");
    let why = go_on(&client, &id, &conversation, "Why?").await?;
    assert_eq!(
        (&why["answer_source"], &why["scope_used"]),
        (&json!("context"), &json!("connection"))
    );
    assert_eq!(why["sources"][0]["datapoint_id"], "metric_headcount");
    let answer = text(&why["answer"])?;
    let grounds = "Headcount (metric_headcount, defines the figure); these DataPoints are of this connection.";
    assert!(answer.ends_with(grounds), "{answer}");
    Ok(())
}

#[tokio::test]
async fn a_conversation_is_written_down_as_json_and_as_markdown() -> Result<()> {
    let (client, id) = shop().await?;
    let (conversation, _) = begin(&client, &id, "How many customers are there?").await?;
    let path = format!("{CONVERSATIONS}/{conversation}/export");
    let json = client.get(&path).await?;
    assert_eq!(json.header("content-type"), "application/json");
    assert_eq!(json.expect(200)?, kept(&client, &conversation).await?);
    let page = client.get(&format!("{path}?format=markdown")).await?;
    assert_eq!(page.header("content-type"), "text/markdown; charset=utf-8");
    assert!(page.header("content-disposition").starts_with("attachment"));
    let page = page.text();
    for part in [
        "# How many customers are there?\n",
        "\n## How many customers are there?\n",
        "\nNumber of customers: 120.\n",
        "\n```sql\nSELECT COUNT(*) AS customers_count FROM customers\n```\n",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    let odd = client.get(&format!("{path}?format=html")).await?;
    odd.problem(422, "validation_failed")?;
    Ok(())
}

#[tokio::test]
async fn a_wrong_id_title_or_cursor_is_a_problem_of_its_name() -> Result<()> {
    let (client, id) = shop().await?;
    for wrong in ["", "a\u{0}b", &"x".repeat(101)] {
        let refused = ask_with(&client, &id, "hello", json!({"conversation_id": wrong})).await?;
        let problem = refused.problem(422, "validation_failed")?;
        assert_eq!(problem["field"], "conversation_id");
    }
    let (conversation, _) = begin(&client, &id, "hello").await?;
    let path = format!("{CONVERSATIONS}/{conversation}");
    for title in ["", " ", "a\nb", &"x".repeat(201)] {
        let refused = client.patch(&path, &json!({ "title": title })).await?;
        let problem = refused.problem(422, "validation_failed")?;
        assert_eq!(problem["field"], "title");
    }
    let odd = client.get(&format!("{CONVERSATIONS}?cursor=x")).await?;
    odd.problem(400, "invalid_cursor")?;
    let odd = client.get(&format!("{CONVERSATIONS}/a%00b")).await?;
    odd.problem(404, "conversation_not_found")?;
    // Any other text is an id.
    let odd = "Größe 1/2?#";
    go_on(&client, &id, odd, "hello").await?;
    let kept = client
        .get(&format!("{CONVERSATIONS}/Gr%C3%B6%C3%9Fe%201%2F2%3F%23"))
        .await?;
    assert_eq!(kept.expect(200)?["conversation_id"], odd);
    Ok(())
}

#[tokio::test]
async fn a_credential_in_a_question_is_not_kept() -> Result<()> {
    let options = ServerOptions::new("conversations-canary");
    let mut server = TestServer::start(options).await?;
    let client = server.client().afresh();
    let id = register(&client, &reader_url(postgres().await?, "alpha")).await?;
    let question = format!("tell me a joke about {CANARY} at postgres://ann:other%2Dsecret@h/db");
    let (conversation, _) = begin(&client, &id, &question).await?;
    assert_eq!(
        questions(&client, &conversation).await?,
        ["tell me a joke about [redacted] at postgres://ann:[redacted]@h/db"]
    );
    server.stop()?;
    for entry in std::fs::read_dir(server.data_folder())? {
        let entry = entry?;
        if entry
            .file_name()
            .to_string_lossy()
            .starts_with("datachat.db")
        {
            let bytes = std::fs::read(entry.path())?;
            assert!(!shows_canary(&bytes), "{:?}", entry.file_name());
            let secret = b"other%2Dsecret";
            assert!(!bytes.windows(secret.len()).any(|part| part == secret));
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_turn_that_can_not_be_kept_is_answered_with_a_warning() -> Result<()> {
    let (server, system) = shared("conversations-broken").await?;
    let client = server.client();
    let id = register(client, &reader_url(postgres().await?, "alpha")).await?;
    let (conversation, first) = begin(client, &id, "How many customers are there?").await?;
    assert_eq!(first["validation_warnings"], json!([]));
    system.psql("system", "ALTER TABLE datachat_turns RENAME TO gone")?;
    let body = json!({"message": "how many rows in customers?", "target_database": id,
                      "conversation_id": conversation});
    let reply = client.post(CHAT, &body).await?.expect(200)?;
    assert_eq!(reply["answer"], "Table `customers` has 120 row(s).");
    let warnings: Vec<&str> = reply["validation_warnings"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|warning| warning["warning_type"].as_str())
        .collect();
    assert_eq!(warnings, ["conversation_not_read", "conversation_not_kept"]);
    system.psql("system", "ALTER TABLE gone RENAME TO datachat_turns")?;
    let reply = go_on(client, &id, &conversation, "only c7").await?;
    assert_eq!(
        reply["answer"],
        "Number of customers, where customers.name is c7: 1."
    );
    Ok(())
}
