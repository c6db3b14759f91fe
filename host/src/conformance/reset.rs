//! A session that goes back to its pool leaves nothing for whoever comes next.

use super::kit::{Kit, Verdict, failed, phrase, require, unexpected};
use super::{Check, Group};

pub(super) const GROUP: Group = Group {
    name: "reset",
    checks: &[
        Check {
            title: "what a statement sets is gone for the next one",
            run: |kit| Box::pin(settings(kit)),
        },
        Check {
            title: "after an error the next statement works",
            run: |kit| Box::pin(after_an_error(kit)),
        },
    ],
};

async fn settings(kit: &Kit) -> Verdict {
    let trace = phrase(
        kit.phrases().trace.as_ref(),
        "setting that outlives a statement",
    )?;
    let connection = kit.another(kit.target());
    kit.direct(&connection, trace.leave)
        .await
        .map_err(unexpected)?;
    let answer = kit
        .direct(&connection, trace.look)
        .await
        .map_err(unexpected)?;
    require(answer.rows != [trace.json], || {
        format!("{} is still there", trace.json)
    })?;
    Ok(None)
}

async fn after_an_error(kit: &Kit) -> Verdict {
    let connection = kit.another(kit.target());
    let works = match kit.phrases().empty {
        Some(sql) => sql.to_owned(),
        None => format!("SELECT * FROM {}", kit.name_of(kit.sample()?)),
    };
    for _ in 0..3 {
        if kit
            .direct(&connection, kit.phrases().syntax_error)
            .await
            .is_ok()
        {
            return Err(failed("a statement that does not parse ran"));
        }
        kit.direct(&connection, &works).await.map_err(unexpected)?;
    }
    Ok(None)
}
