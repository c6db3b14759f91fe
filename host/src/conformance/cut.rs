//! Connections break. A session that broke while it was idle is replaced, and a result that breaks off is an
//! error and never a short result.

use std::time::Duration;

use super::kit::{
    Kit, Objection, Verdict, database_error, failed, not_applicable, phrase, unexpected,
    unexpected_call,
};
use super::proxy::Proxy;
use super::{Check, Group};
use crate::plugins::{ErrorCode, Parameters, PluginError, Target, TlsMode, Transport};
use crate::query::QueryError;

/// A session needs a moment to be reset before it is idle.
const RESET: Duration = Duration::from_millis(300);
/// Rows of 1000 bytes: more than fits between server and reader.
const MANY: u32 = 130_000;

pub(super) const GROUP: Group = Group {
    name: "broken connections",
    checks: &[
        Check {
            title: "a session that broke while it was idle is replaced",
            run: |kit| Box::pin(idle(kit)),
        },
        Check {
            title: "a result that breaks off is an error",
            run: |kit| Box::pin(midway(kit)),
        },
        Check {
            title: "a server that is not there is `connection-refused`",
            run: |kit| Box::pin(absent(kit)),
        },
    ],
};

/// The target, behind a proxy.
async fn behind_a_proxy(kit: &Kit) -> Result<(Proxy, Target), Objection> {
    let target = kit.target();
    if kit.connector().info().transport == Transport::Files {
        return Err(not_applicable("it has no connection"));
    }
    if matches!(target.tls.mode, TlsMode::VerifyCa | TlsMode::VerifyFull) {
        return Err(not_applicable(
            "the certificate of the server is verified, and the kit's proxy has another name",
        ));
    }
    let proxy = Proxy::start(&target.host, target.port)
        .await
        .map_err(|error| not_applicable(format!("no proxy could be started: {error}")))?;
    let target = Target {
        host: "127.0.0.1".to_owned(),
        port: proxy.port(),
        ..target.clone()
    };
    Ok((proxy, target))
}

fn blocked(error: QueryError) -> Objection {
    match error {
        QueryError::Plugin(PluginError::AddressNotAllowed { .. }) => {
            not_applicable("loopback addresses are not allowed, and the kit's proxy has one")
        }
        other => unexpected(other),
    }
}

async fn idle(kit: &Kit) -> Verdict {
    let (proxy, target) = behind_a_proxy(kit).await?;
    let connection = kit.another(&target);
    let sql = match kit.phrases().empty {
        Some(sql) => sql.to_owned(),
        None => format!("SELECT * FROM {}", kit.name_of(kit.sample()?)),
    };
    let ask = async || {
        let none = Parameters::Positional(Vec::new());
        kit.ask_on(&connection, &sql, none, Kit::unlimited()).await
    };
    ask().await.map_err(blocked)?;
    tokio::time::sleep(RESET).await;
    proxy.cut();
    ask().await.map_err(unexpected)?;
    Ok(None)
}

async fn midway(kit: &Kit) -> Verdict {
    let many = phrase(kit.phrases().many, "statement with a large result")?;
    let (proxy, target) = behind_a_proxy(kit).await?;
    let connection = kit.another(&target);
    let started = kit.start(&connection, &many(MANY)).await;
    let mut cursor = started.map_err(|error| blocked(error.into()))?;
    let first = cursor.read().await.map_err(unexpected_call)?;
    if first.is_none() {
        return Err(failed("the result is empty"));
    }
    proxy.cut();
    loop {
        match cursor.read().await {
            Ok(Some(_)) => {}
            Ok(None) => return Err(failed("the result ends as if it were complete")),
            Err(PluginError::Database(told))
                if matches!(
                    told.code,
                    ErrorCode::Protocol | ErrorCode::ConnectionRefused
                ) =>
            {
                return Ok(Some(told.message));
            }
            Err(error) => return Err(unexpected_call(error)),
        }
    }
}

async fn absent(kit: &Kit) -> Verdict {
    let (proxy, target) = behind_a_proxy(kit).await?;
    if kit.connector().probe(&target).await.is_ok() && !proxy.was_used() {
        return Err(not_applicable("it opens no connection"));
    }
    // Its port is free again, and nobody listens.
    drop(proxy);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let error = match kit.connector().probe(&target).await {
        Ok(_) => return Err(failed("it connected")),
        Err(error) => QueryError::Plugin(error),
    };
    match database_error(&error).map(|told| told.code) {
        Some(ErrorCode::ConnectionRefused) => Ok(None),
        _ => Err(blocked(error)),
    }
}
