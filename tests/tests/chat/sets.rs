//! Question sets in the formats of others: small ones of ours, in a folder that is thrown away.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use datachat_tests::sets::copy::{ForeignKey, copy};
use datachat_tests::sets::run::{Tally, run};
use datachat_tests::sets::{Format, read};
use datachat_tests::stage::own_postgres;
use serde_json::{Value, json};
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use tempfile::TempDir;

/// Shops and what they sold, with all that SQLite lets through.
const SHOPS: &str = "
    CREATE TABLE shops (id INTEGER PRIMARY KEY, city TEXT NOT NULL, open BOOLEAN, \"Big Sign\" BLOB, blank VARCHAR(9));
    INSERT INTO shops VALUES (1, 'Rome', 1, x'00ff', NULL), (2, 'Oslo' || char(10) || '\\x', 0, NULL, NULL),
                             (3, 'Bonn', NULL, NULL, NULL);
    CREATE TABLE sales (id INTEGER PRIMARY KEY, shop_id INTEGER REFERENCES shops(ID), amount DECIMAL(9, 2),
                        sold_on DATE, at TEXT, odd INTEGER, owner INTEGER REFERENCES people);
    INSERT INTO sales VALUES (1, 1, 10, '2024-01-01', '2024-01-01 10:00:00', 1, 1),
                             (2, 1, 2.5, '2024-02-01', '2024-02-01 11:30:00', 'x', 2),
                             (3, 99, NULL, NULL, NULL, NULL, NULL);
    CREATE TABLE people (id INTEGER, name TEXT);
    INSERT INTO people VALUES (1, 'Ann'), (1, 'Bob');
    CREATE TABLE managers (shop INTEGER, person TEXT);";

async fn sqlite(file: &Path) -> Result<()> {
    fs::create_dir_all(file.parent().context("a folder")?)?;
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        // Published files have rows that lead nowhere.
        .foreign_keys(false);
    let mut connection = options.connect().await?;
    sqlx::raw_sql(SHOPS).execute(&mut connection).await?;
    Ok(())
}

/// Questions of which two are answered rightly, one wrongly, and one not at all.
const QUESTIONS: [(&str, &str); 4] = [
    ("How many shops are there?", "SELECT count(*) FROM shops"),
    (
        "Average amount of the sales",
        "SELECT avg(amount) FROM sales",
    ),
    (
        "How many sales are there?",
        "SELECT count(*) + 1 FROM sales",
    ),
    ("List the moons of Jupiter", "SELECT 1"),
];

fn dev(sql: &str) -> Value {
    let questions = QUESTIONS.iter().map(|(question, gold)| {
        json!({"db_id": "shops", "question": question, sql: gold, "evidence": "An amount is in dollars."})
    });
    questions.collect()
}

fn expected() -> Tally {
    Tally {
        asked: 4,
        planned: 3,
        right: 2,
        wrong: 1,
        ..Tally::default()
    }
}

/// Runs a set, and counts a question that was not planned however it was declined.
async fn judged(folder: &Path, format: Format) -> Result<(Tally, Vec<String>)> {
    let set = read(folder, None)?;
    assert_eq!(set.format, format);
    let mut told = Vec::new();
    let report = run(&set, true, |line| told.push(line.to_owned())).await?;
    assert_eq!(report.0.keys().collect::<Vec<_>>(), ["shops"]);
    let tally = report.total();
    assert_eq!(tally.asked_back + tally.refused, 1, "{told:#?}");
    let shown = report.to_string();
    assert!(shown.contains("\n| all | 4 | 3 | "), "{shown}");
    Ok((
        Tally {
            asked_back: 0,
            refused: 0,
            ..tally
        },
        told,
    ))
}

#[tokio::test]
async fn a_set_in_the_format_of_spider_is_judged_by_its_gold_statements() -> Result<()> {
    let folder = TempDir::new()?;
    sqlite(&folder.path().join("database/shops/shops.sqlite")).await?;
    let text = serde_json::to_string_pretty(&dev("query"))?;
    fs::write(folder.path().join("dev.json"), text)?;
    let tables = json!([{
        "db_id": "shops", "table_names_original": ["shops", "managers"],
        "column_names_original": [[-1, "*"], [0, "id"], [1, "shop"]], "foreign_keys": [[2, 1]],
    }]);
    fs::write(folder.path().join("tables.json"), tables.to_string())?;
    let (tally, told) = judged(folder.path(), Format::Spider).await?;
    assert_eq!(tally, expected(), "{told:#?}");
    // What was wrong is told with its place; the key that does not hold, too.
    let wrong = told.iter().find(|line| line.contains("+ 1"));
    let wrong = wrong.context("nothing is wrong")?;
    assert!(wrong.starts_with("dev.json:14: How many sales"), "{wrong}");
    assert!(
        told.iter()
            .any(|line| line.starts_with("shops: ") && line.contains("people")),
        "{told:#?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_set_in_the_format_of_bird_is_judged_with_its_evidence() -> Result<()> {
    let folder = TempDir::new()?;
    sqlite(&folder.path().join("dev_databases/shops/shops.sqlite")).await?;
    fs::write(folder.path().join("dev.json"), dev("SQL").to_string())?;
    let set = read(folder.path(), Some(Format::Bird))?;
    let evidence = set.questions[0].evidence.as_deref();
    assert_eq!(evidence, Some("An amount is in dollars."));
    let (tally, told) = judged(folder.path(), Format::Bird).await?;
    assert_eq!(tally, expected(), "{told:#?}");
    Ok(())
}

#[tokio::test]
async fn a_set_in_the_format_of_sql_eval_takes_any_of_its_gold_statements() -> Result<()> {
    let folder = TempDir::new()?;
    fs::create_dir_all(folder.path().join("data/export"))?;
    fs::write(
        folder.path().join("data/export/shops.sql"),
        "CREATE TABLE shops (id integer PRIMARY KEY, city text);
         CREATE TABLE sales (id integer PRIMARY KEY, shop_id integer REFERENCES shops, amount numeric(9, 2));
         INSERT INTO shops VALUES (1, 'Rome'), (2, 'Oslo'), (3, 'Bonn');
         INSERT INTO sales VALUES (1, 1, 10), (2, 1, 2.5), (3, 2, NULL);",
    )?;
    let mut lines = vec!["question,query,db_name,query_category".to_owned()];
    for (question, gold) in QUESTIONS {
        lines.push(format!(
            "{question},\"SELECT 'no; {{x}}'; {gold}\",shops,group_by"
        ));
    }
    fs::write(
        folder.path().join("questions_gen_postgres.csv"),
        lines.join("\n"),
    )?;
    let (tally, told) = judged(folder.path(), Format::SqlEval).await?;
    assert_eq!(tally, expected(), "{told:#?}");
    let wrong = told.iter().find(|line| line.contains("gold: "));
    let wrong = wrong.context("nothing is wrong")?;
    assert!(
        wrong.starts_with("questions_gen_postgres.csv:4: How many sales"),
        "{wrong}"
    );
    Ok(())
}

#[tokio::test]
async fn a_sqlite_database_is_copied_with_types_values_and_the_keys_that_hold() -> Result<()> {
    let folder = TempDir::new()?;
    let file = folder.path().join("shops.sqlite");
    sqlite(&file).await?;
    let postgres = own_postgres()?;
    postgres.create_database("copy")?;
    let further = ForeignKey {
        table: "MANAGERS".to_owned(),
        columns: vec!["shop".to_owned()],
        target: "Shops".to_owned(),
        target_columns: vec!["ID".to_owned()],
    };
    let unknown = ForeignKey {
        target: "moons".to_owned(),
        ..further.clone()
    };
    let copied = copy(&file, &postgres.superuser_url("copy"), &[further, unknown]).await?;
    assert_eq!((copied.tables, copied.rows), (4, 8));
    let types = postgres.psql(
        "copy",
        "SELECT string_agg(table_name || '.' || column_name || ' ' || data_type, ', ' ORDER BY table_name, ordinal_position)
         FROM information_schema.columns WHERE table_schema = 'public'",
    )?;
    assert_eq!(
        types,
        "managers.shop bigint, managers.person text, people.id bigint, people.name text, sales.id bigint, \
         sales.shop_id bigint, sales.amount double precision, sales.sold_on date, \
         sales.at timestamp without time zone, sales.odd text, sales.owner bigint, shops.id bigint, shops.city text, \
         shops.open boolean, shops.Big Sign bytea, shops.blank text"
    );
    let row = |sql: &str| postgres.psql("copy", sql);
    assert_eq!(
        row("SELECT city = E'Oslo\\n\\\\x' AND NOT open FROM shops WHERE id = 2")?,
        "t"
    );
    assert_eq!(
        row("SELECT \"Big Sign\" FROM shops WHERE id = 1")?,
        "\\x00ff"
    );
    assert_eq!(
        row("SELECT amount FROM sales ORDER BY id LIMIT 2")?,
        "10\n2.5"
    );
    let keys = row(
        "SELECT string_agg(conrelid::regclass || ' ' || pg_get_constraintdef(oid), '; ' ORDER BY conrelid::regclass::text)
         FROM pg_constraint WHERE contype = 'f'",
    )?;
    assert_eq!(
        keys,
        "managers FOREIGN KEY (shop) REFERENCES shops(id) NOT VALID; \
         sales FOREIGN KEY (shop_id) REFERENCES shops(id) NOT VALID"
    );
    let left_out = copied.left_out.join("\n");
    assert_eq!(copied.left_out.len(), 2, "{left_out}");
    assert!(
        left_out.contains("moons") && left_out.contains("people"),
        "{left_out}"
    );
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_with_a_set_is_told_with_file_and_line() -> Result<()> {
    let folder = TempDir::new()?;
    let path = folder.path();
    let said = |format: Option<Format>| match read(path, format) {
        Ok(set) => anyhow::bail!("it was read: {set:?}"),
        Err(error) => Ok(format!("{error:#}")),
    };
    assert!(said(None)?.contains("is no set that is known"));
    assert!(said(Some(Format::Spider))?.starts_with("dev.json can't be read"));
    let dev = path.join("dev.json");
    for (text, expected) in [
        ("[\n {\"db_id\": x", "dev.json:2: no array of JSON objects"),
        (
            "[\n {\"db_id\": \"a\", \"question\": \"q\", \"query\": \"s\"},\n {\"db_id\": \"a\", \"query\": \"s\"}]",
            "dev.json:3: `question` must be a text",
        ),
        (
            "[\n\n {\"db_id\": \"../a\", \"question\": \"q\", \"query\": \"s\"}]",
            "dev.json:3: \"../a\" can't be the name of a database",
        ),
        (
            "[{\"db_id\": \"a\", \"question\": \"q\", \"query\": \"s\"}]",
            "dev.json:1: there is no database/a/a.sqlite",
        ),
        ("[]", "the set has no questions"),
    ] {
        fs::write(&dev, text)?;
        let said = said(Some(Format::Spider))?;
        assert!(said.starts_with(expected), "{said}");
    }
    let csv = path.join("questions_gen_postgres.csv");
    for (text, expected) in [
        (
            "question,db_name\nq,a\n",
            "questions_gen_postgres.csv:1: there is no column `query`",
        ),
        (
            "question,query,db_name\nq,s\n",
            "questions_gen_postgres.csv:2: CSV error",
        ),
        (
            "question,query,db_name\n\"q\nq\",s,a\n,s,a\n",
            "questions_gen_postgres.csv:4: `question` is empty",
        ),
        (
            "question,query,db_name\nq,s,a\n",
            "questions_gen_postgres.csv:2: there is no data/export/a.sql or ",
        ),
    ] {
        fs::write(&csv, text)?;
        let said = said(None)?;
        assert!(said.starts_with(expected), "{said}");
    }
    // A file that is no database.
    fs::create_dir_all(path.join("database/a"))?;
    let file = path.join("database/a/a.sqlite");
    fs::write(
        &file,
        "this is text and no database at all, whatever its name says",
    )?;
    let postgres = own_postgres()?;
    let Err(error) = copy(&file, &postgres.superuser_url("alpha"), &[]).await else {
        anyhow::bail!("it was copied");
    };
    assert!(
        format!("{error:#}").contains("a.sqlite is no SQLite database"),
        "{error:#}"
    );
    Ok(())
}
