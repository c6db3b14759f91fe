//! Whoever may not in is told so, and no credential is in the text.

use super::kit::{Kit, Verdict, code, failed, not_applicable, require, unexpected_call};
use super::{Check, Group};
use crate::plugins::{DbError, ErrorCode, PluginError, Target, Transport};
use crate::secret::Secret;

/// A password that nobody has; found again in what is said.
const WRONG: &str = "datachat-wrong-4c1d";

pub(super) const GROUP: Group = Group {
    name: "access",
    checks: &[
        Check {
            title: "a wrong password is `authentication-failed`, without the password in the text",
            run: |kit| Box::pin(wrong_password(kit)),
        },
        Check {
            title: "a missing database is `database-missing`",
            run: |kit| Box::pin(missing_database(kit)),
        },
    ],
};

/// Why a target can't be opened; none if it can.
async fn refusal(kit: &Kit, target: &Target) -> Result<Option<DbError>, PluginError> {
    match kit.connector().probe(target).await {
        Ok(_) => Ok(None),
        Err(PluginError::Database(told)) => Ok(Some(told)),
        Err(error) => Err(error),
    }
}

async fn wrong_password(kit: &Kit) -> Verdict {
    if kit.target().password.is_none() {
        return Err(not_applicable("the URL has no password"));
    }
    let target = Target {
        password: Some(Secret::new(WRONG.to_owned())),
        ..kit.target().clone()
    };
    let Some(told) = refusal(kit, &target).await.map_err(unexpected_call)? else {
        return Err(not_applicable(
            "the server lets this user in with any password",
        ));
    };
    require(told.code == ErrorCode::AuthenticationFailed, || {
        format!("the code is {}: {}", code(told.code), told.message)
    })?;
    let texts = [
        Some(&told.message),
        told.detail.as_ref(),
        told.hint.as_ref(),
    ];
    for text in texts.into_iter().flatten() {
        let shown = [WRONG, "[redacted]"]
            .iter()
            .any(|secret| text.contains(secret));
        if shown {
            return Err(failed(
                "the text shows the password; the host has redacted it",
            ));
        }
    }
    Ok(None)
}

async fn missing_database(kit: &Kit) -> Verdict {
    let files = kit.connector().info().transport == Transport::Files;
    if kit.target().database.is_none() && !files {
        return Err(not_applicable("the URL has no database"));
    }
    let target = Target {
        database: Some("datachat_no_such_database".to_owned()),
        ..kit.target().clone()
    };
    let Some(told) = refusal(kit, &target).await.map_err(unexpected_call)? else {
        return Err(failed("it opened"));
    };
    // A server may not tell whoever has no right to know.
    let clear = matches!(
        told.code,
        ErrorCode::DatabaseMissing | ErrorCode::PermissionDenied
    );
    require(clear, || {
        format!("the code is {}: {}", code(told.code), told.message)
    })?;
    Ok(None)
}
