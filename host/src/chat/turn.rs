//! One turn: what is asked is found out, answered on the one connection, and traced.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::answer;
use super::chart::{self, Chart};
use super::definition;
use super::explanation::{self, Grounds};
use super::intent::{self, Intent, SmallTalk, TableQuestion};
use super::plan::Plan;
use super::planned::Planned;
use super::reply::{Answer, Event, Events, Log, Reply, Source, SubAnswer, Warning};
use super::rows::{Rows, distinct_names};
use super::statement;
use super::tables::{Catalogue, Lookup, Table};
use super::{AskError, Assistance, Knowledge, Message, Mode, Question};
use crate::limits::Limits;
use crate::plugins::Parameters;
use crate::query::encode::Numbers;
use crate::query::{QueryLimits, QueryRequest, execute};
use crate::registry::Connection;

/// Answers a question.
///
/// # Errors
/// What the statement or the look into the catalogue ends with. Of several questions at once, each carries its
/// own error.
pub async fn ask(
    connection: &Connection,
    question: Question,
    knowledge: Knowledge<'_>,
    assistance: Option<Assistance<'_>>,
    limits: &Limits,
    events: Events,
) -> Result<Reply, AskError> {
    let mut turn = Turn {
        connection,
        knowledge,
        assistance,
        limits,
        numbers: question.numbers,
        phrase: question.phrase,
        history: question.history.clone(),
        told: false,
        before: plan_before(&question.session_state, connection.key.id),
        grounds: Grounds::before(&question.session_state, connection.key.id),
        log: Log::new(events),
    };
    let mut parts = Vec::new();
    let mut answer = match question.mode {
        Mode::DirectSql => turn.direct(question.asked().to_owned()).await?,
        Mode::NaturalLanguage => match intent::several(&question.message) {
            Some(questions) => turn.several(&questions, &mut parts).await,
            None => turn.one(&question).await?,
        },
    };
    if answer.grounds.is_none() {
        let asked = connection.target.redacted(question.asked().to_owned());
        answer.grounds = Some(Grounds::of(&asked, &answer, &parts));
    }
    if !turn.told {
        turn.log.events.send(Event::AnswerChunk {
            text: answer.text.clone(),
        });
    }
    Ok(Reply::new(
        answer,
        parts,
        connection.reference(),
        question.conversation_id,
        question.session_summary,
        turn.log,
    ))
}

/// One turn while it runs.
pub(super) struct Turn<'a> {
    pub connection: &'a Connection,
    pub knowledge: Knowledge<'a>,
    /// `None`: no language model is configured.
    assistance: Option<Assistance<'a>>,
    pub limits: &'a Limits,
    numbers: Numbers,
    /// Whether a model may put the result into words.
    pub phrase: Option<bool>,
    /// What was said before, by the client's account.
    pub history: Vec<Message>,
    /// The plan that the question may change.
    pub before: Option<Plan>,
    /// Whether who listens has heard the answer already.
    pub told: bool,
    /// What the answer before rests on.
    grounds: Option<Grounds>,
    pub log: Log,
}

impl Turn<'_> {
    async fn direct(&mut self, sql: String) -> Result<Answer, AskError> {
        let rows = self.run_plain(sql.clone()).await?;
        Ok(Answer {
            text: answer::direct(&rows),
            chart: chart::choose(&rows, ""),
            sql: Some(sql),
            rows: Some(rows),
            ..Answer::words(Source::Sql, 1.0, "")
        })
    }

    async fn several(&mut self, questions: &[String], parts: &mut Vec<SubAnswer>) -> Answer {
        self.log.events.send(Event::DecomposeComplete {
            parts: questions.to_vec(),
            part_count: questions.len(),
        });
        let mut text = Vec::new();
        for (index, question) in questions.iter().enumerate() {
            let stage = self.log.begin("intent");
            let intent = intent::read(question);
            self.log
                .end(stage, name(&intent), "one of several questions");
            let answer = match self.answer(intent, question).await {
                Ok(answer) => answer,
                Err(error) => Answer::words(Source::Error, 0.0, error.to_string()),
            };
            text.push(format!("{}. {}", index + 1, answer.text));
            parts.push(SubAnswer::new(index, question, &answer));
        }
        // Who listens has heard parts at most.
        self.told = false;
        Answer::words(Source::Multi, 0.65, text.join("\n"))
    }

    async fn one(&mut self, question: &Question) -> Result<Answer, AskError> {
        let stage = self.log.begin("intent");
        let mut intent = intent::read(&question.message);
        let mut reason = "the words of the question";
        if matches!(intent, Intent::Other)
            && let Some(open) = pending(&question.session_state, question.history.last())
            && let Some(table) = intent::bare_table(&question.message)
        {
            intent = Intent::Table(open, Some(table));
            reason = "a name, after the question that was left open";
        }
        self.log.end(stage, name(&intent), reason);
        self.answer(intent, &question.message).await
    }

    async fn answer(&mut self, intent: Intent, asked: &str) -> Result<Answer, AskError> {
        Ok(match intent {
            Intent::Small(small) => {
                let text = answer::small_talk(small);
                let confidence = if small == SmallTalk::OffTopic {
                    0.5
                } else {
                    0.8
                };
                self.carried(Answer::words(Source::System, confidence, text))
            }
            Intent::ListTables => self.list_tables().await?,
            Intent::Table(question, None) => Answer {
                pending: Some(question.name()),
                ..Answer::clarification(question.clarification())
            },
            Intent::Table(question, Some(table)) => self.about(question, &table, asked).await?,
            Intent::Definition(term) => self.define(&term).await?,
            Intent::Acknowledgement => self.carried(Answer::clarification(
                "What would you like to know about the data?",
            )),
            Intent::Why => {
                let answer = explanation::explain(self.grounds.as_ref(), self.connection);
                self.carried(answer)
            }
            Intent::Other => match (self.planned(asked).await?, self.assistance) {
                (Planned::Answered(answer), _) | (Planned::AskedBack(answer), None) => *answer,
                (Planned::AskedBack(answer), Some(assistance)) => {
                    self.assisted(asked, Some(*answer), assistance).await?
                }
                (Planned::Unrelated, Some(assistance)) => {
                    self.assisted(asked, None, assistance).await?
                }
                (Planned::Unrelated, None) => Self::unplanned(),
            },
        })
    }

    /// An answer that leaves what was answered before to be changed or explained still.
    fn carried(&mut self, answer: Answer) -> Answer {
        Answer {
            plan: self.before.take(),
            grounds: self.grounds.take(),
            ..answer
        }
    }

    /// Neither a closed question nor one that can be planned.
    fn unplanned() -> Answer {
        let warning = Warning {
            warning_type: "llm_not_configured",
            message: "No language model is configured, and the question is none that is answered without.".to_owned(),
            suggestion: Some(
                "Ask for tables, the columns, the number or a sample of the rows of one, or for a metric that a \
                 DataPoint defines, or send a statement as `direct_sql`."
                    .to_owned(),
            ),
        };
        let text = "I can't answer this without a language model. I can list tables, describe one, count its rows, \
                    show some of them, and compute what the DataPoints of this database define.";
        Answer {
            warnings: vec![warning],
            ..Answer::words(Source::System, 0.8, text)
        }
    }

    async fn define(&mut self, term: &str) -> Result<Answer, AskError> {
        let stage = self.log.begin("retrieval");
        let Knowledge { index, library, .. } = self.knowledge;
        let found = definition::find(self.connection, index, library, term).await?;
        self.log.end(stage, found.decision, found.reason);
        Ok(found.answer)
    }

    async fn list_tables(&mut self) -> Result<Answer, AskError> {
        let dialect = self.connection.connector.info().dialect;
        let stage = self.log.begin("catalogue");
        let mut catalogue = Catalogue::open(self.connection).await?;
        let Some(sql) = statement::tables(dialect) else {
            let names: Vec<String> = catalogue.all().await?.iter().map(Table::name).collect();
            self.log.end(
                stage,
                format!("{} table(s)", names.len()),
                "the connector's own list",
            );
            let text = answer::tables(&names);
            return Ok(Answer::words(Source::System, 0.99, text));
        };
        let default_schema = catalogue.default_schema().map(str::to_owned);
        // The statement needs a session, maybe the only one.
        drop(catalogue);
        self.log.end(
            stage,
            "the statement for this dialect",
            "the database lists its own tables",
        );
        let rows = self.run_plain(sql.clone()).await?;
        let names: Vec<String> = (0..rows.cells.len())
            .filter_map(|row| {
                let (schema, name) = (rows.text(row, 0)?, rows.text(row, 1)?);
                let bare = default_schema.as_ref() == Some(&schema);
                Some(if bare {
                    name
                } else {
                    format!("{schema}.{name}")
                })
            })
            .collect();
        Ok(Answer {
            chart: Chart::table(&rows),
            sql: Some(sql),
            rows: Some(rows),
            ..Answer::words(Source::Sql, 0.99, answer::tables(&names))
        })
    }

    async fn about(
        &mut self,
        question: TableQuestion,
        name: &str,
        asked: &str,
    ) -> Result<Answer, AskError> {
        let stage = self.log.begin("table");
        let mut catalogue = Catalogue::open(self.connection).await?;
        let lookup = catalogue.find(name).await?;
        drop(catalogue);
        let table = match lookup {
            Lookup::Found(table) => table,
            Lookup::Ambiguous(candidates) => {
                self.log
                    .end(stage, "asked back", "several tables have this name");
                return Ok(Answer {
                    clarifying_questions: candidates.clone(),
                    pending: Some(question.name()),
                    ..Answer::clarification(answer::ambiguous_table(name, &candidates))
                });
            }
            Lookup::Unknown => {
                self.log.end(stage, "asked back", "no table has this name");
                return Ok(Answer {
                    pending: Some(question.name()),
                    ..Answer::clarification(answer::unknown_table(name))
                });
            }
        };
        self.log.end(stage, table.name(), "the live catalogue");
        self.table(question, &table, asked).await
    }

    async fn table(
        &mut self,
        question: TableQuestion,
        table: &Table,
        asked: &str,
    ) -> Result<Answer, AskError> {
        let dialect = self.connection.connector.info().dialect;
        let columns: Vec<String> = {
            let columns = table.relation.columns.iter();
            columns.map(|column| column.name.clone()).collect()
        };
        let (sql, confidence) = match question {
            TableQuestion::Columns => {
                let Some(sql) = statement::columns(dialect, table) else {
                    let text = answer::columns(table, &columns);
                    return Ok(Answer::words(Source::System, 0.98, text));
                };
                (sql, 0.98)
            }
            TableQuestion::Count => (statement::count(dialect, table), 0.96),
            TableQuestion::Sample(rows) => (statement::sample(dialect, table, rows), 0.96),
        };
        let rows = self.run_plain(sql.clone()).await?;
        let (text, chart) = match question {
            TableQuestion::Columns => {
                let names: Vec<String> = (0..rows.cells.len())
                    .filter_map(|row| rows.text(row, 0))
                    .collect();
                (answer::columns(table, &names), Chart::table(&rows))
            }
            TableQuestion::Count => (answer::count(table, &rows), chart::choose(&rows, asked)),
            TableQuestion::Sample(_) => (answer::sample(table, &rows), Chart::table(&rows)),
        };
        Ok(Answer {
            chart,
            sql: Some(sql),
            rows: Some(rows),
            ..Answer::words(Source::Sql, confidence, text)
        })
    }

    /// Runs a statement that binds nothing.
    async fn run_plain(&mut self, sql: String) -> Result<Rows, AskError> {
        let none = Parameters::Positional(Vec::new());
        self.run(sql, none, QueryLimits::unasked(self.limits)).await
    }

    /// Runs a statement: the policy judges ours as it judges anybody's.
    pub(super) async fn run(
        &mut self,
        sql: String,
        params: Parameters,
        limits: QueryLimits,
    ) -> Result<Rows, AskError> {
        let stage = self.log.begin("sql");
        let request = QueryRequest {
            sql,
            params,
            limits,
        };
        let stream = execute(self.connection, request, self.limits).await?;
        let events = self.log.events.clone();
        let rows = Rows::read(stream, self.numbers, |columns, rows| {
            if events.has_listener() {
                let names = distinct_names(columns);
                let rows = rows.iter().map(|row| object(&names, row)).collect();
                events.send(Event::DataChunk { rows });
            }
        })
        .await?;
        self.log.end(
            stage,
            format!("{} row(s)", rows.cells.len()),
            "only reads, within the limits",
        );
        Ok(rows)
    }
}

fn object(names: &[String], row: &[Box<serde_json::value::RawValue>]) -> Map<String, Value> {
    let cells = row.iter().map(|cell| serde_json::from_str(cell.get()));
    let pairs = names.iter().cloned().zip(cells);
    pairs
        .map(|(name, cell)| (name, cell.unwrap_or_default()))
        .collect()
}

fn name(intent: &Intent) -> String {
    match intent {
        Intent::Small(small) => format!("{small:?}").to_lowercase(),
        Intent::ListTables => "list_tables".to_owned(),
        Intent::Table(question, _) => format!("table_{}", question.name()),
        Intent::Definition(_) => "definition".to_owned(),
        Intent::Acknowledgement => "acknowledgement".to_owned(),
        Intent::Why => "why".to_owned(),
        Intent::Other => "other".to_owned(),
    }
}

/// The plan of the last turn, as the client's state has it, if that was about this connection. Like everything of a
/// client it is only data: it is compiled against what the connection has, and the statement is judged.
fn plan_before(state: &Map<String, Value>, connection: Uuid) -> Option<Plan> {
    let of = Uuid::parse_str(state.get("database")?.as_str()?).ok()?;
    let plan = state.get("plan").filter(|_| of == connection)?;
    serde_json::from_value(plan.clone()).ok()
}

/// The question about a table that the last turn left open, as the client's state says, or its history.
fn pending(state: &Map<String, Value>, last: Option<&super::Message>) -> Option<TableQuestion> {
    let named = state.get("pending").and_then(Value::as_str);
    let asked = last.filter(|message| message.role == "assistant");
    TableQuestion::all().into_iter().find(|question| {
        named == Some(question.name())
            || asked.is_some_and(|message| message.content.trim() == question.clarification())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Message;

    #[test]
    fn a_plan_is_taken_up_by_the_connection_that_it_was_about_and_by_no_other() {
        let [one, other] = [1, 2].map(Uuid::from_u128);
        let state = |plan: Value| {
            let mut state = Map::new();
            state.insert("database".to_owned(), one.to_string().into());
            state.insert("plan".to_owned(), plan);
            state
        };
        let plan = serde_json::json!({"select": {"figures": [{"count": "orders"}]}});
        assert!(plan_before(&state(plan.clone()), one).is_some());
        assert!(plan_before(&state(plan.clone()), other).is_none());
        let mut nobody = state(plan);
        nobody.remove("database");
        assert!(plan_before(&nobody, one).is_none());
        let odd = serde_json::json!({"select": {"sql": "DROP TABLE orders"}});
        assert!(plan_before(&state(odd), one).is_none());
    }

    #[test]
    fn an_open_question_is_found_in_the_state_or_in_the_last_message_and_nowhere_else() {
        let mut state = Map::new();
        assert_eq!(pending(&state, None), None);
        state.insert("pending".to_owned(), "count".into());
        assert_eq!(pending(&state, None), Some(TableQuestion::Count));
        state.insert("pending".to_owned(), "DROP TABLE".into());
        assert_eq!(pending(&state, None), None);
        let said = |role: &str| Message {
            role: role.to_owned(),
            content: "Which table should I list columns for?".to_owned(),
        };
        let state = Map::new();
        assert_eq!(
            pending(&state, Some(&said("assistant"))),
            Some(TableQuestion::Columns)
        );
        assert_eq!(pending(&state, Some(&said("user"))), None);
    }
}
