//! Asks the questions of a set and compares the rows with those of its gold statements.
//!
//! One database after the other: it is copied, registered, asked about and dropped, so that only one takes room. A
//! SQLite set's gold statements run on SQLite, the answers come from PostgreSQL; what differs between the two, such as
//! how they divide whole numbers, counts as wrong.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Row as _};

use super::{Question, Set, Source, copy};
use crate::compare::Table;
use crate::stage::{question as query, text};
use crate::{Auth, CANARY, Options, Postgres, Role, ServerOptions, TestServer};

/// How long a gold statement may run.
const GOLD: Duration = Duration::from_mins(1);

/// Whom the server logs in as.
const READER: &str = "reader";

/// The language model of whoever evaluates is the evaluated server's, too.
const PASSED_ON: [&str; 3] = ["LLM_BASE_URL", "LLM_MODEL", "LLM_API_KEY"];

/// What became of questions.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    pub asked: usize,
    /// Answered with rows.
    pub planned: usize,
    pub asked_back: usize,
    /// Answered without rows and without a question.
    pub refused: usize,
    /// Ended with a problem.
    pub failed: usize,
    pub right: usize,
    pub wrong: usize,
    /// Not judged: no gold statement runs.
    pub unjudged: usize,
}

/// What became of a set's questions, by database.
#[derive(Debug, Default, Clone)]
pub struct Report(pub BTreeMap<String, Tally>);

impl Report {
    pub fn total(&self) -> Tally {
        self.0.values().fold(Tally::default(), |sum, tally| Tally {
            asked: sum.asked + tally.asked,
            planned: sum.planned + tally.planned,
            asked_back: sum.asked_back + tally.asked_back,
            refused: sum.refused + tally.refused,
            failed: sum.failed + tally.failed,
            right: sum.right + tally.right,
            wrong: sum.wrong + tally.wrong,
            unjudged: sum.unjudged + tally.unjudged,
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| Database | Asked | Planned | Asked back | Refused | Failed | Right | Wrong | Not judged |"
        )?;
        writeln!(f, "|---|--:|--:|--:|--:|--:|--:|--:|--:|")?;
        let total = ("all".to_owned(), self.total());
        for (name, tally) in self.0.iter().chain([(&total.0, &total.1)]) {
            writeln!(
                f,
                "| {name} | {} | {} | {} | {} | {} | {} | {} | {} |",
                tally.asked,
                tally.planned,
                tally.asked_back,
                tally.refused,
                tally.failed,
                tally.right,
                tally.wrong,
                tally.unjudged
            )?;
        }
        Ok(())
    }
}

/// Asks all questions of a set, with what it tells beside them if `evidence`. `tell` gets what went wrong.
///
/// # Errors
/// When a server does not start, or a database can't be copied.
pub async fn run(set: &Set, evidence: bool, mut tell: impl FnMut(&str)) -> Result<Report> {
    let options = Options::new(CANARY).role(Role::new(READER, CANARY, Auth::Scram));
    let postgres = Postgres::start(options)?;
    postgres.psql("postgres", &format!("GRANT pg_read_all_data TO {READER}"))?;
    let mut options = ServerOptions::new("sets");
    for name in PASSED_ON {
        if let Ok(value) = std::env::var(name) {
            options = options.variable(name, &value);
        }
    }
    let server = TestServer::start(options).await?;
    let mut by_database: BTreeMap<&str, Vec<&Question>> = BTreeMap::new();
    for question in &set.questions {
        let questions = by_database.entry(question.database.as_str());
        questions.or_default().push(question);
    }
    let mut report = Report::default();
    for (name, questions) in by_database {
        // Names of sets need not be names of databases.
        let own = format!("set_{}", report.0.len());
        postgres.create_database(&own)?;
        let source = set.source(questions[0])?;
        let gold = load(set, name, &source, &postgres, &own, &mut tell).await?;
        let url = postgres.url(READER, CANARY, &own);
        let id = server.register(name, &url).await?;
        let mut asking = Asking {
            server: &server,
            id: &id,
            gold,
            evidence,
            tally: Tally::default(),
        };
        for question in questions {
            asking.ask(question, &mut tell).await?;
        }
        report.0.insert(name.to_owned(), asking.tally);
        let path = format!("/api/v1/databases/{id}");
        server.client().delete(&path).await?.expect(204)?;
        postgres.psql("postgres", &format!("DROP DATABASE {own} WITH (FORCE)"))?;
    }
    Ok(report)
}

/// Where gold statements run.
enum Gold {
    Sqlite(SqliteConnection),
    /// Where the questions are asked.
    There,
}

async fn load(
    set: &Set,
    name: &str,
    source: &Source,
    postgres: &Postgres,
    database: &str,
    tell: &mut impl FnMut(&str),
) -> Result<Gold> {
    match source {
        Source::Sqlite(file) => {
            let keys = set.keys(name)?;
            let url = postgres.superuser_url(database);
            let copied = copy::copy(file, &url, &keys)
                .await
                .with_context(|| file.display().to_string())?;
            for key in &copied.left_out {
                tell(&format!("{name}: {key}"));
            }
            Ok(Gold::Sqlite(copy::open(file).await?))
        }
        Source::Dump(file) => {
            postgres.psql_file(database, file)?;
            Ok(Gold::There)
        }
    }
}

/// The questions about one database.
struct Asking<'a> {
    server: &'a TestServer,
    id: &'a str,
    gold: Gold,
    evidence: bool,
    tally: Tally,
}

impl Asking<'_> {
    async fn ask(&mut self, question: &Question, tell: &mut impl FnMut(&str)) -> Result<()> {
        let mut body = json!({ "message": question.text, "target_database": self.id });
        if let Some(evidence) = question.evidence.as_ref().filter(|_| self.evidence) {
            body["conversation_history"] = json!([{ "role": "user", "content": evidence }]);
        }
        let reply = self.server.client().post("/api/v1/chat", &body).await?;
        self.tally.asked += 1;
        let place = &question.place;
        if reply.status != 200 {
            self.tally.failed += 1;
            tell(&format!("{place}: {}\n    {}", question.text, reply.text()));
            return Ok(());
        }
        let reply = reply.json();
        if !reply["data"].is_object() {
            if reply["answer_source"] == "clarification" {
                self.tally.asked_back += 1;
            } else {
                self.tally.refused += 1;
            }
            tell(&format!(
                "{place}: {}\n    {}",
                question.text,
                text(&reply["answer"])?
            ));
            return Ok(());
        }
        self.tally.planned += 1;
        let rows = Table::of_columns(&reply["data"]);
        let mut judged = false;
        for sql in &question.gold {
            match self.gold(sql).await {
                Ok(gold) => {
                    judged = true;
                    if rows.answers(&Table::of_rows(&gold), question.ordered) {
                        self.tally.right += 1;
                        return Ok(());
                    }
                }
                Err(error) => tell(&format!("{place}: the gold statement fails: {error:#}")),
            }
        }
        if judged {
            self.tally.wrong += 1;
            tell(&format!(
                "{place}: {}\n    {}\n    gold: {}",
                question.text,
                text(&reply["sql"])?,
                question.gold.join("; ")
            ));
        } else {
            self.tally.unjudged += 1;
        }
        Ok(())
    }

    /// The rows of a gold statement.
    async fn gold(&mut self, sql: &str) -> Result<Value> {
        match &mut self.gold {
            Gold::There => {
                let answer = self.server.client();
                let answer = answer.post("/api/v1/query", &query(sql, self.id)).await?;
                Ok(answer.expect(200)?["rows"].take())
            }
            Gold::Sqlite(sqlite) => {
                let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(sqlite);
                let Ok(rows) = tokio::time::timeout(GOLD, rows).await else {
                    bail!("it runs for more than {} s", GOLD.as_secs());
                };
                let row = |row| {
                    let cells = (0..SqliteRow::len(row)).map(|at| copy::cell(row, at));
                    cells.collect::<Result<Vec<Value>>>()
                };
                let rows: Vec<Vec<Value>> = rows?.iter().map(row).collect::<Result<_>>()?;
                Ok(json!(rows))
            }
        }
    }
}
