//! From texts of files to DataPoints that may be stored, or to all that is wrong with any of them.
//!
//! [`read`] looks at each file by itself; [`judge`] needs to know the connections that the files name. Both
//! compute and nothing else.

use std::collections::HashMap;

use uuid::Uuid;

use super::super::contract;
use super::super::datapoint::{self, Detail};
use super::super::finding::Finding;
use super::super::folder::SourceFile;
use super::super::{Contracts, Scope, Severity, sql};
use super::plan::{Candidate, ScopeMode, assign};
use crate::limits::Limits;
use crate::plugins::Dialect;
use crate::registry::Engine;

/// What files hold for a sync.
#[derive(Debug, Default)]
pub struct Read {
    pub candidates: Vec<Candidate>,
    /// DataPoints that name another scope.
    pub skipped: usize,
    pub findings: Vec<Finding>,
}

/// Takes files apart. What names another scope than the sync's is skipped; what names none is given it.
pub fn read(files: Vec<SourceFile>, mode: ScopeMode) -> Read {
    let mut read = Read::default();
    for file in files {
        let points = match datapoint::read_all(&file.text) {
            Ok(points) => points,
            Err(problems) => {
                let findings = problems.into_iter();
                read.findings
                    .extend(findings.map(|problem| Finding::problem(&file.path, None, problem)));
                continue;
            }
        };
        for mut point in points {
            let named = match Scope::named_in(&point.metadata) {
                Ok(named) => named,
                Err(problem) => {
                    let finding = Finding::problem(&file.path, Some(&point.id), problem);
                    read.findings.push(finding);
                    continue;
                }
            };
            let Some(scope) = assign(mode, named) else {
                read.skipped += 1;
                continue;
            };
            if named == Scope::Unscoped {
                scope.write_into(&mut point.metadata);
            }
            read.candidates.push(Candidate {
                scope,
                point,
                tier: file.tier,
                path: file.path.clone(),
            });
        }
    }
    read
}

impl Read {
    /// Finds fault with files that hold nothing: a sync that replaces everything would delete everything.
    #[must_use]
    pub fn refuse_nothing(mut self) -> Self {
        if self.candidates.is_empty() && self.findings.is_empty() {
            let finding = if self.skipped > 0 {
                Finding::error(
                    "empty",
                    None,
                    "every DataPoint names another scope than that of the sync",
                )
                .remedy("take `scope: auto` (no --connection-id and no --global-scope)")
            } else {
                Finding::error("empty", None, "there is no DataPoint in any file")
                    .remedy("delete DataPoints one by one, or the connection with all of its own")
            };
            self.findings.push(finding);
        }
        self
    }
}

/// What is known of the world that files are judged in.
pub struct World<'a> {
    /// By connection; those that don't exist are missing.
    pub engines: &'a HashMap<Uuid, Engine>,
    pub dialect_of: &'a dyn Fn(&str) -> Option<Dialect>,
    pub contracts: Contracts,
    pub limits: &'a Limits,
}

/// Everything to say about a DataPoint.
pub fn judge(candidate: &Candidate, world: &World) -> Vec<Finding> {
    let (path, id) = (candidate.path.as_str(), candidate.point.id.as_str());
    let mut findings = Vec::new();
    let engine = candidate
        .scope
        .connection()
        .map(|id| world.engines.get(&id));
    if let (Some(None), Some(connection)) = (engine, candidate.scope.connection()) {
        let message = format!("names the connection {connection}, which does not exist");
        let finding = Finding {
            datapoint_id: Some(id.to_owned()),
            field: Some("metadata.connection_id".to_owned()),
            ..Finding::error("connection_not_found", Some(path), message)
        };
        findings.push(finding.remedy("register it, or name another one"));
    }
    if let Detail::Query(query) = &candidate.point.detail {
        let problems = sql::check(query, engine.flatten(), world.dialect_of, world.limits);
        findings.extend(
            problems
                .into_iter()
                .map(|problem| Finding::problem(path, Some(id), problem)),
        );
    }
    for gap in contract::check(&candidate.point, candidate.tier, world.contracts) {
        findings.push(Finding::gap(path, id, &gap, world.contracts.refuse(&gap)));
    }
    findings
}

/// Errors and warnings, each in their order.
pub fn sort(findings: Vec<Finding>) -> (Vec<Finding>, Vec<Finding>) {
    findings
        .into_iter()
        .partition(|finding| finding.severity == Severity::Error)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::knowledge::datapoint::tests::complete;
    use crate::knowledge::{Kind, Tier};

    fn file(path: &str, json: &Value) -> SourceFile {
        SourceFile {
            path: path.to_owned(),
            tier: Tier::Custom,
            text: json.to_string(),
        }
    }

    fn named(kind: Kind, metadata: &Value) -> Value {
        let mut json = complete(kind);
        for (name, value) in metadata.as_object().expect("an object") {
            json["metadata"][name] = value.clone();
        }
        json
    }

    #[test]
    fn what_names_another_scope_is_skipped_and_what_names_none_is_given_one() {
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let files = vec![
            file("1.json", &named(Kind::Schema, &json!({}))),
            file(
                "2.json",
                &named(Kind::Business, &json!({"connection_id": a})),
            ),
            file(
                "3.json",
                &named(Kind::Process, &json!({"connection_id": b})),
            ),
            file("4.json", &named(Kind::Query, &json!({"shared": true}))),
        ];
        let read = read(files, ScopeMode::Database(a));
        assert_eq!((read.skipped, read.findings.len()), (2, 0));
        let scopes: Vec<_> = read
            .candidates
            .iter()
            .map(|candidate| candidate.scope)
            .collect();
        assert_eq!(scopes, [Scope::Connection(a); 2]);
        assert_eq!(
            read.candidates[0].point.metadata["connection_id"],
            a.to_string()
        );
    }

    #[test]
    fn the_problems_of_all_files_are_told_with_their_files() {
        let mut wrong = complete(Kind::Schema);
        wrong["name"] = json!("");
        wrong["owner"] = json!("x");
        let files = vec![
            file("a.json", &wrong),
            file("b.json", &complete(Kind::Query)),
            file(
                "c.json",
                &named(Kind::Process, &json!({"connection_id": "x"})),
            ),
            SourceFile {
                path: "d.json".to_owned(),
                tier: Tier::Custom,
                text: "{".to_owned(),
            },
        ];
        let read = read(files, ScopeMode::Auto);
        let told: Vec<_> = read
            .findings
            .iter()
            .map(|finding| {
                (
                    finding.path.as_deref().unwrap_or_default(),
                    finding.code.as_str(),
                )
            })
            .collect();
        let expected = [
            ("a.json", "length"),
            ("a.json", "value"),
            ("c.json", "value"),
            ("d.json", "invalid_json"),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn nothing_to_write_is_an_error_that_says_why() {
        let skipped = vec![file(
            "a.json",
            &named(Kind::Schema, &json!({"scope": "global"})),
        )];
        let mode = ScopeMode::Database(Uuid::from_u128(1));
        let read_skipped = read(skipped, mode).refuse_nothing();
        assert!(read_skipped.findings[0].message.contains("another scope"));
        let nothing = read(Vec::new(), ScopeMode::Auto).refuse_nothing();
        assert_eq!(nothing.findings[0].code, "empty");
    }

    #[test]
    fn a_connection_that_is_not_there_and_sql_that_writes_are_both_told() {
        let id = Uuid::from_u128(1);
        let mut query = named(Kind::Query, &json!({"connection_id": id}));
        query["sql_template"] = json!("DELETE FROM orders WHERE state = {state}");
        let read = read(vec![file("q.json", &query)], ScopeMode::Auto);
        let world = World {
            engines: &HashMap::new(),
            dialect_of: &|_| None,
            contracts: Contracts::default(),
            limits: &Limits::default(),
        };
        let findings = judge(&read.candidates[0], &world);
        let codes: Vec<_> = findings
            .iter()
            .map(|finding| finding.code.as_str())
            .collect();
        assert_eq!(codes, ["connection_not_found", "statement"]);
    }
}
