//! How well the chat answers the labelled questions: `cargo xtask eval chat`.
//!
//! Every question of `datapoints/eval/chat.jsonl` is asked on three engines that hold the same rows. Its gold
//! statement runs on PostgreSQL, and its rows are what is right everywhere. Stage by stage the report says how many
//! questions were planned, how many of those rightly, whether the search had found what the plan rests on, and how
//! many traps were answered. Of questions that are held out nothing is told but numbers.
//!
//! With `--set DIR` the questions are somebody else's (`datachat_tests::sets`).

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use datachat_tests::compare::Table;
use datachat_tests::examples::{ENGINES, Servers, informed, labels};
use datachat_tests::sets::{self, Format};
use datachat_tests::stage::{question, text};
use serde_json::{Value, json};

/// What became of the questions of a kind.
#[derive(Default)]
struct Tally {
    asked: usize,
    answered: usize,
    right: usize,
    /// DataPoints that answers rest on, and those of them that the search had found.
    used: usize,
    found: usize,
}

/// What is asked.
enum Asked {
    /// Our own questions, of one half.
    Own { holdout: bool },
    /// Somebody else's, in a folder.
    Set {
        folder: PathBuf,
        format: Option<Format>,
        /// With what the set tells beside its questions.
        evidence: bool,
    },
}

impl Asked {
    /// From `[--holdout] | --set DIR [--format FORMAT] [--evidence]`.
    fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self> {
        let (mut holdout, mut evidence, mut folder, mut format) = (false, false, None, None);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--holdout" => holdout = true,
                "--evidence" => evidence = true,
                "--set" => folder = Some(arguments.next().context("`--set` needs a folder")?),
                "--format" => {
                    let name = arguments.next().unwrap_or_default();
                    let known = Format::ALL.map(Format::name).join(", ");
                    let found = Format::from_name(&name);
                    format = Some(found.with_context(|| format!("{name:?} is none of {known}"))?);
                }
                other => bail!("{other} is not understood"),
            }
        }
        match folder {
            Some(_) if holdout => bail!("`--holdout` is about our own questions, not a set"),
            Some(folder) => Ok(Self::Set {
                folder: folder.into(),
                format,
                evidence,
            }),
            None if evidence || format.is_some() => {
                bail!("`--format` and `--evidence` are about a set: name its folder with `--set`")
            }
            None => Ok(Self::Own { holdout }),
        }
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    match Asked::read(std::env::args().skip(1))? {
        Asked::Own { holdout } => own(holdout).await,
        Asked::Set {
            folder,
            format,
            evidence,
        } => {
            let set = sets::read(&folder, format)?;
            let report = sets::run::run(&set, evidence, |line| eprintln!("{line}")).await?;
            let with = if evidence { "with" } else { "without" };
            println!("{} set, {with} evidence\n\n{report}", set.format.name());
            Ok(())
        }
    }
}

async fn own(holdout: bool) -> Result<()> {
    let split = if holdout { "holdout" } else { "tune" };
    let servers = informed().await?;
    let questions: Vec<Value> = labels("chat.jsonl")?
        .into_iter()
        .filter(|label| label["split"] == split)
        .collect();
    println!("{} questions of the half `{split}`\n", questions.len());
    println!(
        "| Engine | Kind | Asked | Answered | Right | Of what it rests on, found by the search |"
    );
    println!("|---|---|--:|--:|--:|--:|");
    for engine in ENGINES {
        let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
        for label in &questions {
            let kind = text(&label["kind"])?;
            let tally = tallies.entry(kind).or_default();
            ask(servers, engine, label, tally, holdout).await?;
        }
        report(engine, &tallies);
    }
    Ok(())
}

async fn ask(
    servers: &Servers,
    engine: &str,
    label: &Value,
    tally: &mut Tally,
    quiet: bool,
) -> Result<()> {
    let database = text(&label["database"])?;
    let asked = text(&label["question"])?;
    let client = servers.client();
    let body = json!({"message": asked, "target_database": servers.id(engine, &database)?});
    let reply = client.post("/api/v1/chat", &body).await?;
    let reply = reply.expect(200)?;
    tally.asked += 1;
    let answered = reply["data"].is_object();
    tally.answered += usize::from(answered);
    let right = if label["expect"] != "sql" {
        !answered
    } else if answered {
        let gold = question(&text(&label["sql"])?, servers.id("postgresql", &database)?);
        let gold = client.post("/api/v1/query", &gold).await?.expect(200)?;
        let ordered = label["ordered"] == true;
        Table::of_columns(&reply["data"]).answers(&Table::of_rows(&gold["rows"]), ordered)
    } else {
        false
    };
    tally.right += usize::from(right);
    if answered {
        let search =
            json!({"query": asked, "target_database": servers.id(engine, &database)?, "top_k": 10});
        let search = client
            .post("/api/v1/retrieve", &search)
            .await?
            .expect(200)?;
        let hits = search["hits"].as_array().cloned().unwrap_or_default();
        for source in reply["sources"].as_array().into_iter().flatten() {
            tally.used += 1;
            let found = hits
                .iter()
                .any(|hit| hit["datapoint_id"] == source["datapoint_id"]);
            tally.found += usize::from(found);
        }
    }
    if !right && !quiet {
        eprintln!(
            "{engine}, {database}: {asked}\n    {}",
            text(&reply["answer"])?
        );
        if answered {
            eprintln!("    {}\n    gold: {}", reply["sql"], label["sql"]);
        }
    }
    Ok(())
}

fn report(engine: &str, tallies: &BTreeMap<String, Tally>) {
    for (kind, tally) in tallies {
        println!(
            "| {engine} | `{kind}` | {} | {} | {} | {} |",
            tally.asked,
            tally.answered,
            tally.right,
            part(tally.found, tally.used)
        );
    }
    let sum = |kinds: &dyn Fn(&str) -> bool| {
        let mut all = Tally::default();
        for (_, tally) in tallies.iter().filter(|(kind, _)| kinds(kind)) {
            all.asked += tally.asked;
            all.answered += tally.answered;
            all.right += tally.right;
            all.used += tally.used;
            all.found += tally.found;
        }
        all
    };
    let declared = sum(&|kind| matches!(kind, "metric" | "dimension" | "template"));
    let answerable = sum(&|kind| !kind.starts_with("trap_"));
    let traps = sum(&|kind| kind.starts_with("trap_"));
    let foreign = sum(&|kind| kind == "trap_wrong_database");
    println!(
        "\n{engine}: of what is declared {} planned; of all answerable {} planned; of what was answered {} right; \
         of all answerable {} right; of the traps {} answered; of the questions for another database {} answered; \
         of the DataPoints that answers rest on {} found by the search\n",
        part(declared.answered, declared.asked),
        part(answerable.answered, answerable.asked),
        part(answerable.right, answerable.answered),
        part(answerable.right, answerable.asked),
        part(traps.answered, traps.asked),
        part(foreign.answered, foreign.asked),
        part(answerable.found, answerable.used),
    );
}

fn part(some: usize, all: usize) -> String {
    if all == 0 {
        return "–".to_owned();
    }
    format!("{some} of {all} ({} %)", some * 100 / all)
}
