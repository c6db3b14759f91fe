//! The conformance kit: what every connector must do, tried on a real database in the real sandbox.
//!
//! Solves: whoever writes a connector wants to know whether it does what the host relies on, before users
//! do. [`run`] makes the checks of all groups in their order, one file a group, and gives a [`Report`]. Most
//! statements take the way of any request, through policy, runtime and decoding; where the policy would
//! answer before the connector, the connector is asked directly.
//!
//! How it decides: a check passes, fails with what was seen, or does not apply, with the reason. What the
//! checks say in SQL stands in `phrases`, one set a dialect; the dialect `generic` has few, and its checks
//! look for a table of the database to read. The instance gets less memory than the largest result has.
//!
//! What it does not do: write to the database, beyond trying and expecting to be refused.

mod access;
mod cancel;
mod cut;
mod description;
mod errors;
mod kit;
mod limits;
mod parameters;
mod phrases;
mod proxy;
mod relations;
mod report;
mod reset;
mod values;

pub use report::{Finding, Outcome, Report, Totals};

use std::sync::Arc;
use std::time::Instant;

use crate::limits::Limits;
use crate::plugins::tool::BoxFuture;
use crate::plugins::{Connector, PluginError, Target};
use kit::{Kit, Verdict};

/// The memory that the connector's instances get, in bytes: much less than the largest result has.
pub const MEMORY_BYTES: u64 = 64 << 20;

/// One check.
struct Check {
    title: &'static str,
    run: fn(&Kit) -> BoxFuture<'_, Verdict>,
}

/// A group of checks.
struct Group {
    name: &'static str,
    checks: &'static [Check],
}

const GROUPS: &[Group] = &[
    description::GROUP,
    values::GROUP,
    parameters::GROUP,
    errors::GROUP,
    limits::GROUP,
    relations::GROUP,
    reset::GROUP,
    cancel::GROUP,
    cut::GROUP,
    access::GROUP,
];

/// The limits that the kit's runtime must have: little memory, and one session a connection, so that every
/// statement meets what the one before it left.
#[must_use]
pub fn limits(given: &Limits) -> Limits {
    Limits {
        plugin_memory_bytes: given.plugin_memory_bytes.min(MEMORY_BYTES),
        sessions_per_connection: 1,
        ..given.clone()
    }
}

/// Tries a connector on the database of a target. `limits` are those of the connector's runtime.
///
/// # Errors
/// No session can be opened at all, so that nothing could be tried.
pub async fn run(
    connector: Arc<Connector>,
    target: Target,
    limits: Limits,
) -> Result<Report, PluginError> {
    let (server, _) = connector.probe(&target).await?;
    let kit = Kit::new(connector, target, limits).await?;
    let mut findings = Vec::new();
    for group in GROUPS {
        for check in group.checks {
            let began = Instant::now();
            let verdict = (check.run)(&kit).await;
            findings.push(Finding::new(
                group.name,
                check.title,
                verdict,
                began.elapsed(),
            ));
        }
    }
    Ok(Report::new(kit.connector(), &server, findings))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_check_has_a_title_of_its_own() {
        let titles = GROUPS
            .iter()
            .flat_map(|group| group.checks)
            .map(|check| check.title);
        let mut seen = HashSet::new();
        for title in titles {
            assert!(seen.insert(title), "{title}");
        }
        assert!(seen.len() > 25, "{}", seen.len());
    }
}
