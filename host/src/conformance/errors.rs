//! What goes wrong has its class and its place, and leaves the session usable.

use super::kit::{
    Kit, Verdict, code, database_error, failed, phrase, refused_with, require, unexpected_call,
    unless_unsupported,
};
use super::{Check, Group};
use crate::plugins::{DbError, ErrorCode};
use crate::query::QueryError;

pub(super) const GROUP: Group = Group {
    name: "errors",
    checks: &[
        Check {
            title: "a statement that does not parse is `syntax`",
            run: |kit| Box::pin(syntax(kit)),
        },
        Check {
            title: "a missing table is `undefined-object`",
            run: |kit| Box::pin(undefined_table(kit)),
        },
        Check {
            title: "a position counts characters and points at what is wrong",
            run: |kit| Box::pin(position(kit)),
        },
        Check {
            title: "what can't be computed is `data-exception`",
            run: |kit| Box::pin(bad_value(kit)),
        },
        Check {
            title: "a statement that writes is refused by the engine, too",
            run: |kit| Box::pin(write(kit)),
        },
        Check {
            title: "odd statements are refused and the session answers on",
            run: |kit| Box::pin(odd(kit)),
        },
    ],
};

async fn syntax(kit: &Kit) -> Verdict {
    let outcome = kit.direct(&kit.main(), kit.phrases().syntax_error).await;
    let told = refused_with(outcome, &[ErrorCode::Syntax])?;
    sane(&told, kit.phrases().syntax_error)?;
    Ok(None)
}

async fn undefined_table(kit: &Kit) -> Verdict {
    let sql = "SELECT * FROM datachat_no_such_table";
    let told = refused_with(kit.ask(sql).await, &[ErrorCode::UndefinedObject])?;
    sane(&told, sql)?;
    Ok(told.vendor_code.map(|code| format!("vendor code {code}")))
}

async fn position(kit: &Kit) -> Verdict {
    let sql = match kit.phrases().undefined_column {
        Some(sql) => sql.to_owned(),
        None => format!(
            "SELECT 'äöü🚀', datachat_no_such_column FROM {}",
            kit.name_of(kit.sample()?)
        ),
    };
    let is_unsupported = |error: &QueryError| {
        database_error(error).is_some_and(|told| told.code == ErrorCode::Unsupported)
    };
    let outcome = match kit.ask(&sql).await {
        // A small dialect may know nothing but columns.
        Err(error) if is_unsupported(&error) => return Err(unless_unsupported(error)),
        outcome => outcome,
    };
    let told = refused_with(outcome, &[ErrorCode::UndefinedObject])?;
    let position = phrase(told.position, "position in its errors")?;
    let rest: String = sql
        .chars()
        .skip(position.saturating_sub(1) as usize)
        .collect();
    let points = rest
        .trim_start_matches(['"', '`'])
        .starts_with("datachat_no_such_column");
    require(points, || format!("position {position} points at {rest:?}"))?;
    Ok(None)
}

async fn bad_value(kit: &Kit) -> Verdict {
    let sql = phrase(kit.phrases().bad_value, "value that can't be computed")?;
    refused_with(kit.ask(sql).await, &[ErrorCode::DataException])?;
    Ok(None)
}

async fn write(kit: &Kit) -> Verdict {
    let outcome = kit.direct(&kit.main(), kit.phrases().write).await;
    let told = match outcome {
        Ok(_) => return Err(failed("it ran")),
        Err(error) => database_error(&error)
            .cloned()
            .ok_or_else(|| super::kit::unexpected(error))?,
    };
    let clear = matches!(
        told.code,
        ErrorCode::ReadOnlyViolation | ErrorCode::PermissionDenied | ErrorCode::Unsupported
    );
    require(clear, || {
        format!("the code is {}: {}", code(told.code), told.message)
    })?;
    let found = kit
        .relations(None, Some("datachat_conformance"), false)
        .await;
    let found = found.map_err(unexpected_call)?;
    require(found.is_empty(), || "and yet the table is there".to_owned())?;
    Ok(Some(code(told.code)))
}

/// Nothing that a person can type makes a connector trap.
async fn odd(kit: &Kit) -> Verdict {
    let deep = format!("SELECT {}1{}", "(".repeat(200), ")".repeat(200));
    let long = format!("SELECT '{}'", "x".repeat(50_000));
    let odd = [
        "",
        " ",
        ";",
        "SELECT 1; SELECT 2",
        "SELECT '",
        "\u{feff}SELECT 1",
        "\0",
        &deep,
        &long,
    ];
    for sql in odd {
        match kit.direct(&kit.main(), sql).await {
            Ok(_) => {}
            Err(error) => match database_error(&error) {
                Some(told) if told.code != ErrorCode::Protocol => sane(told, sql)?,
                _ => {
                    let shown: String = sql.chars().take(30).collect();
                    return Err(failed(format!("{shown:?}: {error}")));
                }
            },
        }
    }
    let sql = kit.phrases().syntax_error;
    refused_with(kit.direct(&kit.main(), sql).await, &[ErrorCode::Syntax])?;
    Ok(None)
}

/// An error says something, and its position is inside of the statement.
fn sane(told: &DbError, sql: &str) -> Result<(), super::kit::Objection> {
    require(!told.message.trim().is_empty(), || {
        "the error has no message".to_owned()
    })?;
    let length = sql.chars().count() as u64;
    let inside = told
        .position
        .is_none_or(|position| position >= 1 && u64::from(position) <= length + 1);
    require(inside, || {
        format!("position {:?} of {length} characters", told.position)
    })
}
