//! What a sync would say of a folder, as far as that depends on the files alone.

use std::collections::HashMap;
use std::path::Path;

use uuid::Uuid;

use super::super::conflict::ConflictMode;
use super::super::finding::Finding;
use super::super::{Contracts, folder};
use super::files::{self, World};
use super::plan::{ScopeMode, by_scope, plan};
use crate::limits::Limits;
use crate::plugins::Dialect;
use crate::registry::Engine;

/// What was found.
#[derive(Debug)]
pub struct Linted {
    /// DataPoints that could be read.
    pub datapoints: usize,
    pub errors: Vec<Finding>,
    pub warnings: Vec<Finding>,
}

/// Looks through a folder. Connections that files name are taken to exist, and their databases to be of any
/// kind.
pub fn lint(
    folder: &Path,
    conflicts: ConflictMode,
    contracts: Contracts,
    dialect_of: &dyn Fn(&str) -> Option<Dialect>,
    limits: &Limits,
) -> Linted {
    let files = match folder::read(folder, limits) {
        Ok(files) => files,
        Err(errors) => {
            return Linted {
                datapoints: 0,
                errors,
                warnings: Vec::new(),
            };
        }
    };
    let read = files::read(files, ScopeMode::Auto).refuse_nothing();
    let engine = Engine {
        database_type: String::new(),
        dialect: None,
    };
    let connections = read
        .candidates
        .iter()
        .filter_map(|candidate| candidate.scope.connection());
    let engines: HashMap<Uuid, Engine> = connections.map(|id| (id, engine.clone())).collect();
    let world = World {
        engines: &engines,
        dialect_of,
        contracts,
        limits,
    };
    let mut findings = read.findings;
    for candidate in &read.candidates {
        findings.extend(files::judge(candidate, &world));
    }
    let datapoints = read.candidates.len();
    for candidates in by_scope(read.candidates).values() {
        if let Err(clashes) = plan(candidates, &[], conflicts) {
            findings.extend(clashes.iter().map(super::plan::Clash::finding));
        }
    }
    let (errors, warnings) = files::sort(findings);
    Linted {
        datapoints,
        errors,
        warnings,
    }
}
