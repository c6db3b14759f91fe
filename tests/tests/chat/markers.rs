//! Many conversations at once, each of which would show if it were told anything of another.
//!
//! Eight databases on three engines have the same table, and eight conversations each. Whatever a database holds,
//! its columns, rows, DataPoints and its name, carries the database's marker, and what a conversation asks for carries
//! its own. Every reply, every event and what is kept is searched for markers of others.

use std::sync::LazyLock;

use anyhow::{Context, Result, ensure};
use datachat_tests::compare::Table;
use datachat_tests::stage::{reader_url, text};
use datachat_tests::{CANARY, Client, ServerOptions, TestServer};
use futures_util::future::try_join_all;
use serde_json::{Value, json};

use crate::events::{converse_with, streamed};
use crate::scene::{CHAT, clickhouse, mariadb, postgres};

const DATABASES: usize = 8;
/// Conversations with each.
const CONVERSATIONS: usize = 8;

/// The marker of a database. None is a part of another one.
fn house(database: usize) -> String {
    format!("house{database}x")
}

/// The marker of a conversation.
fn lane(database: usize, number: usize) -> String {
    format!("lane{database}y{number}z")
}

/// What the two rows of a conversation hold.
fn amounts(database: usize, number: usize) -> [usize; 2] {
    [
        100 * (database + 1) + number,
        10_000 * (number + 1) + database,
    ]
}

/// The statements that make a database, one by one; `rows` are the same on every engine.
fn script(database: usize, string: &str, key: &str) -> Vec<String> {
    let mut rows = Vec::new();
    for number in 0..CONVERSATIONS {
        let lane = lane(database, number);
        for (way, amount) in ["east", "west"].iter().zip(amounts(database, number)) {
            rows.push(format!(
                "({}, '{lane}', '{lane}{way}', {amount}, 0)",
                rows.len()
            ));
        }
    }
    // So many more rows that their number tells the databases apart.
    for _ in 0..=database {
        rows.push(format!(
            "({}, '{}', 'none', 1, 0)",
            rows.len(),
            house(database)
        ));
    }
    vec![
        format!(
            "CREATE TABLE orders (id int NOT NULL{key}, lane {string} NOT NULL, branch {string} NOT NULL, \
             amount int NOT NULL, only_{} int NOT NULL)",
            house(database)
        ),
        format!("INSERT INTO orders VALUES {}", rows.join(", ")),
    ]
}

/// Makes a database, and gives its URL and type.
async fn make(database: usize) -> Result<(String, &'static str)> {
    let name = format!("market_{database}");
    match database {
        0..3 => {
            let server = postgres().await?;
            server.create_database(&name)?;
            for sql in script(database, "text", " PRIMARY KEY") {
                server.psql(&name, &sql)?;
            }
            server.psql(
                &name,
                "GRANT SELECT ON ALL TABLES IN SCHEMA public TO PUBLIC",
            )?;
            Ok((reader_url(server, &name), "postgresql"))
        }
        3..6 => {
            let server = mariadb().await?;
            for sql in script(database, "varchar(40)", " PRIMARY KEY") {
                server.sql(&name, &sql)?;
            }
            Ok((
                server.url(&format!("reader_{database}"), CANARY, &name),
                "mysql",
            ))
        }
        _ => {
            let server = clickhouse().await?;
            server.create_database(&name)?;
            for sql in script(database, "String", "") {
                let engine = if sql.starts_with("CREATE") {
                    " ENGINE = MergeTree ORDER BY id"
                } else {
                    ""
                };
                server.sql_in(&name, &format!("{sql}{engine}"))?;
            }
            Ok((server.url(&name), "clickhouse"))
        }
    }
}

/// Registers a database and says what its turnover is: everywhere the same DataPoint, with another unit.
async fn register(client: &Client, database: usize) -> Result<String> {
    let (url, database_type) = make(database).await?;
    let marker = house(database);
    let body = json!({
        "name": format!("market {marker}"), "database_url": url, "database_type": database_type,
    });
    let view = client.post("/api/v1/databases", &body).await?.expect(201)?;
    let id = text(&view["connection_id"])?;
    let point = json!({
        "datapoint_id": "metric_turnover", "type": "Business", "name": "Turnover", "owner": "team@example.com",
        "tags": [], "calculation": "SUM(orders.amount)", "related_tables": ["orders"], "unit": marker,
        "business_rules": [format!("As {marker} counts it.")],
        "metadata": {"connection_id": id, "units": marker, "freshness": "now", "grain": "an order",
                     "exclusions": "none", "confidence_notes": "exact"},
    });
    client
        .post("/api/v1/datapoints", &point)
        .await?
        .expect(201)?;
    Ok(id)
}

/// The markers that a text shows and that are none of `allowed`.
fn strangers(shown: &str, allowed: &[String]) -> Vec<String> {
    static ALL: LazyLock<Vec<String>> = LazyLock::new(|| {
        let lanes = (0..DATABASES)
            .flat_map(|database| (0..CONVERSATIONS).map(move |number| lane(database, number)));
        (0..DATABASES).map(house).chain(lanes).collect()
    });
    ALL.iter()
        .filter(|marker| shown.contains(marker.as_str()) && !allowed.contains(marker))
        .cloned()
        .collect()
}

/// One conversation.
struct Talk<'a> {
    client: Client,
    port: u16,
    ids: &'a [String],
    database: usize,
    number: usize,
    conversation: String,
    /// What the client carries, if it does.
    state: Option<Value>,
    asked: Vec<String>,
}

impl Talk<'_> {
    /// Asks on a database, by one door after the other, and looks for what does not belong into the answer.
    async fn ask(&mut self, database: usize, message: &str) -> Result<Value> {
        let mut body = json!({
            "message": message, "target_database": self.ids[database], "conversation_id": self.conversation,
        });
        if let Some(state) = &self.state {
            body["session_state"] = state.clone();
        }
        let (shown, reply) = match (self.number + self.asked.len()) % 3 {
            0 => {
                let reply = self.client.post(CHAT, &body).await?.expect(200)?;
                (reply.to_string(), reply)
            }
            1 => {
                let events = streamed(&self.client, &body).await?;
                let shown = format!("{events:?}");
                let (name, mut last) = events.into_iter().next_back().context("no event")?;
                ensure!(name == "complete", "{shown}");
                (shown, last["response"].take())
            }
            _ => {
                let (events, code) = converse_with(self.port, &body.to_string()).await?;
                let shown = Value::from(events.clone()).to_string();
                ensure!(code == 1000, "{shown}");
                let mut last = events.into_iter().next_back().context("no event")?;
                (shown, last["response"].take())
            }
        };
        let own = [house(database), lane(self.database, self.number)];
        let strangers = strangers(&shown, &own);
        ensure!(
            strangers.is_empty(),
            "{} shows {strangers:?} for {message}: {shown}",
            own.join(" ")
        );
        ensure!(reply["database"]["id"] == self.ids[database], "{reply}");
        ensure!(reply["conversation_id"] == self.conversation, "{reply}");
        ensure!(reply["validation_warnings"] == json!([]), "{reply}");
        self.asked.push(message.to_owned());
        if self.state.is_some() {
            self.state = Some(reply["session_state"].clone());
        }
        Ok(reply)
    }

    async fn hold(&mut self) -> Result<()> {
        let own = self.database;
        let lane = lane(own, self.number);
        let unit = house(own);
        let [east, west] = amounts(own, self.number);
        let total = east + west;
        let neighbour = (own + 1) % DATABASES;

        let reply = self.ask(own, &format!("Turnover of {lane}")).await?;
        ensure!(
            reply["answer"] == format!("Turnover, where orders.lane is {lane}: {total} {unit}."),
            "{reply}"
        );
        ensure!(reply["scope_used"] == "connection", "{reply}");

        // On another connection nothing of it is known, and back here it is known still.
        let state = self.state.clone();
        let reply = self.ask(neighbour, "and by branch?").await?;
        ensure!(reply["data"].is_null(), "{reply}");
        ensure!(!reply.to_string().contains(&lane), "{reply}");
        self.state = state;

        let reply = self.ask(own, "and by branch?").await?;
        let expected = json!([[format!("{lane}east"), east], [format!("{lane}west"), west]]);
        let rows = Table::of_columns(&reply["data"]);
        ensure!(rows.answers(&Table::of_rows(&expected), false), "{reply}");

        let why = text(&self.ask(own, "why?").await?["answer"])?;
        ensure!(
            why.contains("as: Turnover by orders.branch, where orders.lane is")
                && why.contains("Turnover (metric_turnover, defines the figure)"),
            "{why}"
        );

        let rows = 2 * CONVERSATIONS + own + 1;
        let reply = self.ask(own, "how many rows in orders?").await?;
        ensure!(
            reply["answer"] == format!("Table `orders` has {rows} row(s)."),
            "{reply}"
        );
        let reply = self.ask(own, "describe orders").await?;
        let columns = format!("id, lane, branch, amount, only_{unit}.");
        ensure!(
            reply["answer"] == format!("The `orders` table has 5 column(s): {columns}"),
            "{reply}"
        );
        let reply = self.ask(own, "What does turnover mean?").await?;
        let answer = text(&reply["answer"])?;
        ensure!(
            answer.contains(&format!("As {unit} counts it.")),
            "{answer}"
        );
        Ok(())
    }

    /// What was kept of it.
    async fn kept(&self) -> Result<()> {
        let path = format!("/api/v1/conversations/{}", self.conversation);
        let kept = self.client.get(&path).await?.expect(200)?;
        let own = [
            house(self.database),
            house((self.database + 1) % DATABASES),
            lane(self.database, self.number),
        ];
        let strangers = strangers(&kept.to_string(), &own);
        ensure!(strangers.is_empty(), "{strangers:?} in {kept}");
        ensure!(kept["title"] == self.asked[0], "{kept}");
        let turns = kept["turns"].as_array().context("turns")?;
        let asked: Vec<&str> = turns
            .iter()
            .filter_map(|turn| turn["question"].as_str())
            .collect();
        ensure!(asked == self.asked, "{kept}");
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_sixty_four_conversations_at_once_none_is_told_anything_of_another() -> Result<()> {
    let server = TestServer::start(ServerOptions::new("markers")).await?;
    let client = server.client().afresh();
    let mut ids = Vec::new();
    for database in 0..DATABASES {
        ids.push(register(&client, database).await?);
    }
    let talks = (0..DATABASES * CONVERSATIONS).map(|at| {
        let (database, number) = (at % DATABASES, at / DATABASES);
        Talk {
            client: client.clone(),
            port: server.port(),
            ids: &ids,
            database,
            number,
            conversation: format!("talk-{at}"),
            // Every other client carries the state itself.
            state: (number % 2 == 1).then(|| json!({})),
            asked: Vec::new(),
        }
    });
    let talks = try_join_all(talks.map(async |mut talk| {
        talk.hold().await?;
        anyhow::Ok(talk)
    }));
    let talks = talks.await?;
    assert_eq!(talks.len(), 64);
    for talk in &talks {
        talk.kept().await?;
    }
    // A value of one database means nothing in the others.
    let stranger = format!("Turnover of {}", lane(0, 0));
    for (database, id) in ids.iter().enumerate().skip(1) {
        let body = json!({"message": stranger, "target_database": id});
        let reply = client.post(CHAT, &body).await?.expect(200)?;
        assert_eq!(reply["answer_source"], "clarification", "{database}");
        assert_eq!(reply["data"], Value::Null, "{database}");
    }
    Ok(())
}
