//! The commands that concern this machine, in the three forms of output.

use anyhow::{Context, Result};
use datachat_tests::ServerOptions;
use serde_json::json;

use crate::run::{Way, command, registered, run};

#[tokio::test]
async fn keys_and_limits_are_printed_in_each_form() -> Result<()> {
    let (_postgres, server) = registered(ServerOptions::new("keys-and-limits")).await?;
    let here = |arguments: &[&str]| -> Result<String> {
        let ran = run(command(&server, Way::Here)?, arguments)?;
        assert_eq!(ran.code, Some(0), "{arguments:?} {ran:?}");
        assert_eq!(ran.err, "", "{arguments:?}");
        Ok(ran.text())
    };
    for form in ["table", "csv"] {
        let key = here(&["keys", "generate", "--output", form])?;
        // 32 bytes in base64, and the line's end.
        assert_eq!((key.len(), key.ends_with("=\n")), (45, true), "{form}");
    }
    let key: serde_json::Value =
        serde_json::from_str(&here(&["keys", "generate", "--output", "json"])?)?;
    assert_eq!(key["key"].as_str().context("a key")?.len(), 44);

    let table = here(&["keys", "rotate"])?;
    assert!(table.contains("│ rotated    ┆ 1 "), "{table}");
    let csv = here(&["keys", "rotate", "--output", "csv"])?;
    assert_eq!(csv, "field,value\r\nrotated,1\r\nunreadable,0\r\n");
    let json: serde_json::Value =
        serde_json::from_str(&here(&["keys", "rotate", "--output", "json"])?)?;
    assert_eq!(json, json!({ "rotated": 1, "unreadable": 0 }));

    let table = here(&["limits"])?;
    assert!(table.contains("│ query_default_rows "), "{table}");
    let csv = here(&["limits", "--output", "csv"])?;
    let line = "\r\nquery_default_rows,10000,rows,DATACHAT_QUERY_DEFAULT_ROWS,";
    assert!(
        csv.starts_with("name,value,unit,variable,why\r\n") && csv.contains(line),
        "{csv}"
    );
    let json: serde_json::Value = serde_json::from_str(&here(&["limits", "--output", "json"])?)?;
    let rows = json.as_array().and_then(|limits| {
        limits
            .iter()
            .find(|limit| limit["name"] == "query_default_rows")
    });
    let rows = rows.context("no such limit")?;
    assert_eq!(
        (&rows["value"], &rows["default"]),
        (&json!(10000), &json!(10000))
    );
    Ok(())
}

#[tokio::test]
async fn what_concerns_this_machine_is_not_asked_of_another_server() -> Result<()> {
    let (_postgres, server) = registered(ServerOptions::new("this-machine")).await?;
    let there = |arguments: &[&str]| run(command(&server, Way::There)?, arguments);
    for arguments in [
        &["keys", "rotate"][..],
        &["limits"],
        &["--data-dir", "elsewhere", "databases", "list"],
    ] {
        let ran = there(arguments)?;
        assert_eq!(ran.code, Some(2), "{arguments:?} {ran:?}");
        assert!(
            ran.err.contains("DATA_CHAT_API_URL names a server"),
            "{ran:?}"
        );
        assert_eq!(ran.text(), "", "{arguments:?}");
        // As the hint says.
        let mut cleared = command(&server, Way::Here)?;
        cleared.env("DATA_CHAT_API_URL", "");
        if arguments[0] != "--data-dir" {
            assert_eq!(run(cleared, arguments)?.code, Some(0), "{arguments:?}");
        }
    }
    let key = there(&["keys", "generate"])?;
    assert_eq!((key.code, key.text().len()), (Some(0), 45));
    Ok(())
}
