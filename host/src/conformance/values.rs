//! Values come back exactly, columns keep their names, and empty results their columns.

use super::kit::{
    Answer, Kit, Objection, Verdict, database_error, failed, not_applicable, phrase, require,
    unexpected, unless_unsupported,
};
use super::{Check, Group};
use crate::plugins::{ErrorCode, Parameters};
use crate::query::{OnLimit, QueryLimits};

pub(super) const GROUP: Group = Group {
    name: "values",
    checks: &[
        Check {
            title: "a value of every type class comes back exactly",
            run: |kit| Box::pin(classes(kit)),
        },
        Check {
            title: "an empty result keeps its columns",
            run: |kit| Box::pin(empty(kit)),
        },
        Check {
            title: "columns of the same name are all there",
            run: |kit| Box::pin(duplicates(kit)),
        },
        Check {
            title: "every column has the database's own name of its type",
            run: |kit| Box::pin(type_names(kit)),
        },
    ],
};

/// A class that this server does not know yet is no fault of the connector; it is told.
async fn classes(kit: &Kit) -> Verdict {
    let (mut came, mut wrong, mut unknown) = (0, Vec::new(), Vec::new());
    for literal in kit.phrases().literals {
        let expected = format!("[{}]", literal.json);
        match kit.ask(&format!("SELECT {}", literal.sql)).await {
            Ok(answer) if answer.rows == [expected.as_str()] => came += 1,
            Ok(answer) => wrong.push(format!(
                "{}: {:?} instead of {expected}",
                literal.class, answer.rows
            )),
            Err(error) => match database_error(&error).map(|told| told.code) {
                Some(ErrorCode::UndefinedObject | ErrorCode::Unsupported | ErrorCode::Syntax) => {
                    unknown.push(literal.class);
                }
                _ => {
                    if let Objection::Failed(seen) = unexpected(error) {
                        wrong.push(format!("{}: {seen}", literal.class));
                    }
                }
            },
        }
    }
    require(wrong.is_empty(), || wrong.join("; "))?;
    if came == 0 {
        return Err(not_applicable("it knows none of the kit's literals"));
    }
    let mut seen = format!("{came} classes");
    if !unknown.is_empty() {
        seen.push_str("; not known here: ");
        seen.push_str(&unknown.join(", "));
    }
    Ok(Some(seen))
}

async fn empty(kit: &Kit) -> Verdict {
    let answer = if let Some(sql) = kit.phrases().empty {
        kit.ask(sql).await.map_err(unexpected)?
    } else {
        let sql = format!("SELECT * FROM {} WHERE 1 = 0", kit.name_of(kit.sample()?));
        kit.ask(&sql).await.map_err(unless_unsupported)?
    };
    require(answer.rows.is_empty(), || {
        format!("it has {} rows", answer.rows.len())
    })?;
    require(!answer.columns.is_empty(), || {
        "it has no columns".to_owned()
    })?;
    Ok(None)
}

async fn duplicates(kit: &Kit) -> Verdict {
    let sql = if let Some(sql) = kit.phrases().duplicate {
        sql.to_owned()
    } else {
        let sample = kit.sample()?;
        let column = phrase(sample.columns.first(), "column")?;
        let column = kit.quote(&column.name);
        format!("SELECT {column}, {column} FROM {}", kit.name_of(sample))
    };
    let answer = kit.ask(&sql).await.map_err(unless_unsupported)?;
    let names: Vec<&str> = answer
        .columns
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    match names.as_slice() {
        [a, b] if a == b => Ok(None),
        names => Err(failed(format!("the columns are {names:?}"))),
    }
}

async fn type_names(kit: &Kit) -> Verdict {
    let answer = sample_row(kit).await?;
    for column in &answer.columns {
        require(!column.db_type.is_empty(), || {
            format!("{} has no datachat.db_type", column.name)
        })?;
    }
    Ok(None)
}

/// The first row of a table of the database.
pub(super) async fn sample_row(kit: &Kit) -> Result<Answer, Objection> {
    let sql = format!("SELECT * FROM {}", kit.name_of(kit.sample()?));
    let limits = QueryLimits {
        max_rows: 1,
        on_limit: OnLimit::Truncate,
        ..Kit::unlimited()
    };
    let none = Parameters::Positional(Vec::new());
    kit.ask_with(&sql, none, limits).await.map_err(unexpected)
}
