//! `datachat chat` over a pipe: each line a question, each answer where the last one left off.

use anyhow::Result;
use datachat_tests::ServerOptions;

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
