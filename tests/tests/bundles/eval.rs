//! The labelled questions under `datapoints/eval`: well-formed, about DataPoints that exist, and with answers that
//! the example databases give.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use datachat_tests::stage::text;
use serde_json::{Value, json};

use crate::bundle::{self, texts};
use datachat_tests::examples::{DATABASES, ask, labels, servers};

/// Halves of a set are equal, and no question stands in it twice.
fn check_split(questions: &[Value]) -> Result<()> {
    let mut asked = BTreeSet::new();
    let mut sizes: BTreeMap<String, usize> = BTreeMap::new();
    for question in questions {
        let database = text(&question["database"])?;
        ensure!(DATABASES.contains(&database.as_str()), "{question}");
        ensure!(
            asked.insert((database, text(&question["question"])?)),
            "{question} twice"
        );
        *sizes.entry(text(&question["split"])?).or_default() += 1;
    }
    let half = questions.len() / 2;
    assert_eq!(sizes.len(), 2, "{sizes:?}");
    assert_eq!(sizes["tune"], half);
    assert_eq!(sizes["holdout"], questions.len() - half);
    Ok(())
}

#[test]
fn retrieval_questions_name_datapoints_that_their_database_may_see() -> Result<()> {
    let mut questions = labels("retrieval.jsonl")?;
    assert!(questions.len() >= 60);
    check_split(&questions)?;
    let more = labels("retrieval-tuning.jsonl")?;
    assert!(more.iter().all(|question| question["split"] == "tune"));
    questions.extend(more);
    for database in DATABASES {
        let visible = bundle::of(database)?.into_iter().chain(bundle::shared()?);
        let visible: BTreeSet<String> = visible.map(|point| point.id().to_owned()).collect();
        for question in questions
            .iter()
            .filter(|question| question["database"] == database)
        {
            let relevant = texts(&question["relevant"])?;
            assert!(!relevant.is_empty(), "{question}");
            for id in relevant {
                assert!(visible.contains(&id), "{id}: {question}");
            }
        }
    }
    Ok(())
}

#[test]
fn chat_questions_have_an_expectation_and_forty_of_them_are_traps() -> Result<()> {
    let questions = labels("chat.jsonl")?;
    assert!(questions.len() >= 120);
    check_split(&questions)?;
    let mut traps = 0;
    for question in &questions {
        let kind = text(&question["kind"])?;
        let expected = question["expect"].as_str();
        if kind.starts_with("trap_") {
            traps += 1;
            assert!(matches!(expected, Some("ask" | "refuse")), "{question}");
            assert!(question.get("sql").is_none(), "{question}");
        } else {
            assert_eq!(expected, Some("sql"), "{question}");
            assert!(question["ordered"].is_boolean(), "{question}");
        }
    }
    assert_eq!(traps, 40);
    Ok(())
}

#[tokio::test]
async fn every_gold_statement_gives_rows_on_its_database() -> Result<()> {
    let servers = servers().await?;
    for question in labels("chat.jsonl")? {
        if question["expect"] != "sql" {
            continue;
        }
        let (database, sql) = (text(&question["database"])?, text(&question["sql"])?);
        let (_, rows) = ask(servers, "postgresql", &database, &sql, json!([])).await?;
        assert!(!rows.is_empty(), "{question}");
        let is_known = |row: &Vec<String>| row.iter().any(|value| value != "null");
        assert!(rows.iter().any(is_known), "{question}");
        if question["ordered"] == true {
            assert!(sql.to_uppercase().contains("ORDER BY"), "{question}");
        }
    }
    Ok(())
}
