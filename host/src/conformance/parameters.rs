//! Parameters are bound as values and never become text of the statement.

use super::kit::{
    Kit, Verdict, database_error, failed, not_applicable, require, unexpected, unless_unsupported,
    unless_without,
};
use super::phrases::Style;
use super::{Check, Group};
use crate::plugins::{ErrorCode, Parameters, Value};

pub(super) const GROUP: Group = Group {
    name: "parameters",
    checks: &[
        Check {
            title: "a bound value comes back as it was, whatever signs it has",
            run: |kit| Box::pin(echo(kit)),
        },
        Check {
            title: "a bound text that looks like SQL chooses no rows",
            run: |kit| Box::pin(condition(kit)),
        },
        Check {
            title: "too few parameters are an error",
            run: |kit| Box::pin(too_few(kit)),
        },
    ],
};

fn bind(kit: &Kit, value: Value) -> Parameters {
    match kit.phrases().style {
        Style::Positional => Parameters::Positional(vec![value]),
        Style::Named(name) => Parameters::Named(vec![(name.to_owned(), value)]),
    }
}

async fn echo(kit: &Kit) -> Verdict {
    let echoes = kit.phrases().echoes;
    if echoes.is_empty() {
        return Err(not_applicable(
            "the kit knows no statement that gives a parameter back",
        ));
    }
    for echo in echoes {
        let bound = bind(kit, (echo.value)());
        let asked = kit.ask_with(echo.sql, bound, Kit::unlimited()).await;
        let answer = asked.map_err(unless_without)?;
        let expected = format!("[{}]", echo.json);
        require(answer.rows == [expected.as_str()], || {
            format!("{}: {:?} instead of {expected}", echo.class, answer.rows)
        })?;
    }
    Ok(None)
}

async fn condition(kit: &Kit) -> Verdict {
    let sample = kit.sample()?;
    let column = sample.columns.iter().find(|column| {
        let name = column.db_type.to_lowercase();
        name.contains("text") || name.contains("char") || name == "string"
    });
    let column =
        column.ok_or_else(|| not_applicable(format!("{} has no column of text", sample.name)))?;
    let places: &[&str] = match kit.phrases().style {
        Style::Positional => &["$1", "?"],
        Style::Named(_) => &["{p:String}"],
    };
    let mut refused = None;
    for place in places {
        let sql = format!(
            "SELECT count(*) FROM {} WHERE {} = {place}",
            kit.name_of(sample),
            kit.quote(&column.name)
        );
        let evil = bind(kit, Value::Text("x' OR '1' = '1".to_owned()));
        match kit.ask_with(&sql, evil, Kit::unlimited()).await {
            Ok(answer) => {
                let none = answer.rows == ["[0]"] || answer.rows == ["[\"0\"]"];
                require(none, || format!("{:?} rows were chosen", answer.rows))?;
                return Ok(None);
            }
            // The other kind of place may be this dialect's.
            Err(error) => refused = Some(error),
        }
    }
    match refused {
        Some(error) => Err(unless_unsupported(error)),
        None => Err(not_applicable(
            "the kit knows no parameters of this dialect",
        )),
    }
}

async fn too_few(kit: &Kit) -> Verdict {
    let Some(echo) = kit.phrases().echoes.first() else {
        return Err(not_applicable(
            "the kit knows no statement with a parameter",
        ));
    };
    let none = Parameters::Positional(Vec::new());
    match kit.ask_with(echo.sql, none, Kit::unlimited()).await {
        Ok(answer) => Err(failed(format!("it gave {:?}", answer.rows))),
        Err(error) => match database_error(&error) {
            Some(told) if told.code != ErrorCode::Internal && told.code != ErrorCode::Protocol => {
                Ok(Some(told.message.clone()))
            }
            _ => Err(unexpected(error)),
        },
    }
}
