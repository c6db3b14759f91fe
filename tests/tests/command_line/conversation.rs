//! `datachat chat` over a pipe: each line a question, each answer where the last one left off.

use anyhow::Result;
use datachat_tests::ServerOptions;
use datachat_tests::stage::text;

use crate::run::{WAYS, command, registered, run_with};

#[tokio::test]
async fn a_conversation_goes_on_from_line_to_line_by_both_ways() -> Result<()> {
    let (_postgres, server) = registered(ServerOptions::new("conversation")).await?;
    for way in WAYS {
        let lines = "how many orders are there?\n\n.sql\nonly with a note\nnonsense gibberish\nhow many rows\norders\n\
                     .why\nexit\nnever asked\n";
        let ran = run_with(command(&server, way)?, &["chat"], lines)?;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let text = ran.text();
        let told: Vec<&str> = text
            .lines()
            .filter(|line| line.ends_with(['.', '?']))
            .collect();
        assert_eq!(
            told,
            [
                "Number of orders: 1.",
                "Number of orders, where orders.note is there: 1.",
                "I can't answer this without a language model. I can list tables, describe one, count its rows, show \
                 some of them, and compute what the DataPoints of this database define.",
                "Which table should I count rows for?",
                "Table `orders` has 1 row(s).",
            ],
            "{way:?}"
        );
        assert!(
            ran.err
                .contains("SELECT COUNT(*) AS orders_count FROM orders"),
            "{}",
            ran.err
        );
        assert!(
            ran.err.contains("intent: table_count (a name, after"),
            "{}",
            ran.err
        );
        assert!(!ran.err.contains("error"), "{}", ran.err);
    }
    Ok(())
}

#[tokio::test]
async fn a_question_that_fails_ends_no_conversation_and_json_is_a_reply_a_line() -> Result<()> {
    let (postgres, server) = registered(ServerOptions::new("conversation-json")).await?;
    for way in WAYS {
        let arguments = ["--output", "json", "chat", "--target-database", "Mine"];
        let ran = run_with(command(&server, way)?, &arguments, "list tables\nhello\n")?;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let replies: Vec<serde_json::Value> = serde_json::Deserializer::from_slice(&ran.out)
            .into_iter()
            .collect::<Result<_, _>>()?;
        assert_eq!(replies.len(), 2);
        assert_eq!(replies[0]["answer"], "Found 1 table(s): orders.");
        assert_eq!(replies[0]["conversation_id"], replies[1]["conversation_id"]);
    }
    let arguments = ["chat", "--target-database", "Nobody"];
    let unknown = run_with(command(&server, WAYS[0])?, &arguments, "hello\n")?;
    assert_eq!(unknown.code, Some(1));
    drop(postgres);
    for way in WAYS {
        let ran = run_with(command(&server, way)?, &["chat"], "list tables\nhello\n")?;
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(ran.err.contains("error: "), "{}", ran.err);
        assert!(ran.text().starts_with("Hello."), "{}", ran.text());
    }
    Ok(())
}

#[tokio::test]
async fn conversations_are_listed_shown_renamed_exported_gone_on_with_and_deleted() -> Result<()> {
    let (postgres, server) = registered(ServerOptions::new("conversations")).await?;
    let url = postgres.superuser_url("postgres");
    server.register("Other", &url).await?;
    for way in WAYS {
        let run = |arguments: &[&str], input: &str| {
            let ran = run_with(command(&server, way)?, arguments, input)?;
            anyhow::ensure!(ran.code == Some(0), "{arguments:?}: {ran:?}");
            anyhow::Ok(ran)
        };
        // Not the default.
        let asked = [
            "--output",
            "json",
            "ask",
            "how many orders are there?",
            "--target-database",
            "Other",
        ];
        let id = text(&run(&asked, "")?.json()?["conversation_id"])?;
        let went_on = run(&["chat", "--conversation", &id], "only with a note\n")?;
        assert_eq!(
            went_on.text().lines().next(),
            Some("Number of orders, where orders.note is there: 1.")
        );
        let list = run(&["--output", "json", "conversations", "list"], "")?.json()?;
        assert_eq!(list[0]["conversation_id"], id);
        assert_eq!(list[0]["title"], "how many orders are there?");
        assert_eq!(list[0]["turn_count"], 2);
        let table = run(&["--output", "csv", "conversations", "list"], "")?;
        let head = "conversation_id,title,turns,database,updated_at\r\n";
        let row = format!("{head}{id},how many orders are there?,2,Other,");
        assert!(table.text().starts_with(&row), "{}", table.text());
        let renamed = run(&["conversations", "rename", &id, "Orders"], "")?;
        assert_eq!(renamed.text(), format!("{id} is called \"Orders\" now.\n"));
        let shown = run(&["--output", "csv", "conversations", "show", &id], "")?;
        let turn = ",Other,how many orders are there?,Number of orders: 1.,SELECT COUNT(*) AS orders_count FROM orders";
        assert!(shown.text().contains(turn), "{}", shown.text());
        let page = run(&["conversations", "export", &id], "")?.text();
        assert!(page.starts_with("# Orders\n\n## how many orders"), "{page}");
        let file = server.folder().join("export.json");
        let path = file.display().to_string();
        let export = [
            "conversations",
            "export",
            &id,
            "--format",
            "json",
            "--file",
            &path,
        ];
        assert_eq!(run(&export, "")?.text(), "");
        let exported: serde_json::Value = serde_json::from_slice(&std::fs::read(&file)?)?;
        assert_eq!(exported["turns"][1]["question"], "only with a note");
        run(&["conversations", "delete", &id], "")?;
        for arguments in [
            ["conversations", "show", &id],
            ["chat", "--conversation", &id],
        ] {
            let gone = run_with(command(&server, way)?, &arguments, "")?;
            assert_eq!(gone.code, Some(1));
            assert!(
                gone.err.contains(&format!("no conversation {id} of yours")),
                "{}",
                gone.err
            );
        }
    }
    Ok(())
}
