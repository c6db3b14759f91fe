//! What a sync changes, worked out before anything is written.
//!
//! [`assign`] puts a file's DataPoint into a scope or skips it; [`plan`] compares what a scope is to hold with
//! what it holds. What files made is replaced; what the API or an approval made stays, unless a conflict mode
//! prefers a file to it. An incremental sync also lets stay what comes from files that it does not touch. Nothing
//! here reads or writes.

use std::collections::{BTreeMap, HashMap, HashSet};

use uuid::Uuid;

use super::super::conflict::{self, Claim, ConflictMode};
use super::super::datapoint::DataPoint;
use super::super::finding::Finding;
use super::super::{Scope, Tier, lifecycle};
use crate::store::{DatapointRow, Origin};

/// Which scopes a sync writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScopeMode {
    /// Those that the files name.
    Auto,
    /// That of one connection: it takes the files that name none.
    Database(Uuid),
    /// The global one, likewise.
    Global,
}

impl ScopeMode {
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Database(_) => "database",
            Self::Global => "global",
        }
    }

    pub fn connection(self) -> Option<Uuid> {
        match self {
            Self::Database(id) => Some(id),
            Self::Auto | Self::Global => None,
        }
    }

    /// The one scope that is written; `None`: any.
    pub fn scope(self) -> Option<Scope> {
        match self {
            Self::Auto => None,
            Self::Database(id) => Some(Scope::Connection(id)),
            Self::Global => Some(Scope::Global),
        }
    }
}

/// The scope of a DataPoint whose file names `named`; `None`: it is not for this sync.
pub fn assign(mode: ScopeMode, named: Scope) -> Option<Scope> {
    match mode.scope() {
        None => Some(named),
        Some(scope) => (named == Scope::Unscoped || named == scope).then_some(scope),
    }
}

/// Candidates by their scopes.
pub fn by_scope(candidates: Vec<Candidate>) -> BTreeMap<Scope, Vec<Candidate>> {
    let mut by_scope: BTreeMap<Scope, Vec<Candidate>> = BTreeMap::new();
    for candidate in candidates {
        by_scope.entry(candidate.scope).or_default().push(candidate);
    }
    by_scope
}

/// A file's DataPoint, for its scope.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    pub scope: Scope,
    pub point: DataPoint,
    pub tier: Tier,
    pub path: String,
}

impl Candidate {
    fn claim(&self) -> Claim {
        claim(&self.point, self.tier)
    }
}

/// What a stored DataPoint is judged by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Old {
    pub claim: Claim,
    pub origin: Origin,
    pub body: String,
    pub path: Option<String>,
    /// Whether it is not this sync's to replace.
    pub stays: bool,
}

impl Old {
    /// Of a row and what it holds. A row that was spoilt by hand has no point, and gives way.
    pub fn new(row: &DatapointRow, point: Option<&DataPoint>) -> Self {
        let tier = Tier::from_name(&row.source_tier).unwrap_or(Tier::Custom);
        let spoilt = || Claim {
            id: row.datapoint_id.clone(),
            key: format!("id::{}", row.datapoint_id),
            tier,
            changed_at: None,
        };
        Self {
            claim: point.map_or_else(spoilt, |point| claim(point, tier)),
            origin: row.origin,
            body: row.body.clone(),
            path: row.source_path.clone(),
            stays: row.origin != Origin::File,
        }
    }
}

fn claim(point: &DataPoint, tier: Tier) -> Claim {
    Claim {
        id: point.id.clone(),
        key: conflict::key(point),
        tier,
        changed_at: lifecycle::changed_at(&point.metadata),
    }
}

/// What happens to one scope.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The places of candidates that are new or differ from what is stored.
    pub write: Vec<usize>,
    /// Ids that go.
    pub delete: Vec<String>,
    pub unchanged: usize,
}

/// Two or more that can't stand side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clash {
    /// What they are all about.
    pub about: String,
    /// A file each, or an id that did not come from one.
    pub who: Vec<String>,
    /// The files among them.
    pub paths: Vec<String>,
}

impl Clash {
    pub fn finding(&self) -> Finding {
        let who = self.who.join(" and ");
        let message = match self.about.strip_prefix("id::") {
            Some(id) => format!("{who} have the same id {id}"),
            None => format!("{who} are about the same: {}", self.about),
        };
        let remedy = "keep one of them, or choose a conflict mode: prefer_user, prefer_managed, prefer_latest";
        Finding::error("conflict", None, message).remedy(remedy)
    }
}

/// What makes `old` into what `candidates`, all of one scope, say.
///
/// # Errors
/// Every conflict that the mode does not settle.
pub fn plan(candidates: &[Candidate], old: &[Old], mode: ConflictMode) -> Result<Plan, Vec<Clash>> {
    let staying: Vec<&Old> = old.iter().filter(|old| old.stays).collect();
    let mut claims: Vec<Claim> = candidates.iter().map(Candidate::claim).collect();
    claims.extend(staying.iter().map(|old| old.claim.clone()));
    let losers = conflict::resolve(&claims, mode).map_err(|conflicts| {
        let name = |at: usize| match candidates.get(at) {
            Some(candidate) => format!("{} ({})", candidate.path, candidate.point.id),
            None => match &staying[at - candidates.len()].path {
                Some(path) => format!("{path} ({}, as it is stored)", claims[at].id),
                None => format!("{} (stored, not from a file)", claims[at].id),
            },
        };
        let path = |at: &usize| Some(candidates.get(*at)?.path.clone());
        let clash = |conflict: conflict::Conflict| Clash {
            paths: conflict.places.iter().filter_map(path).collect(),
            who: conflict.places.into_iter().map(name).collect(),
            about: conflict.about,
        };
        conflicts.into_iter().map(clash).collect::<Vec<_>>()
    })?;
    let losers: HashSet<usize> = losers.into_iter().collect();
    let stored: HashMap<&str, &Old> = old.iter().map(|old| (old.claim.id.as_str(), old)).collect();
    let mut plan = Plan::default();
    let mut kept: HashSet<&str> = HashSet::new();
    for (at, candidate) in candidates.iter().enumerate() {
        if losers.contains(&at) {
            continue;
        }
        let id = candidate.point.id.as_str();
        kept.insert(id);
        if stored.get(id).is_some_and(|old| is_same(candidate, old)) {
            plan.unchanged += 1;
        } else {
            plan.write.push(at);
        }
    }
    for (at, old) in staying.iter().enumerate() {
        if !losers.contains(&(candidates.len() + at)) {
            kept.insert(&old.claim.id);
        }
    }
    let gone = old
        .iter()
        .filter(|old| !kept.contains(old.claim.id.as_str()));
    plan.delete = gone.map(|old| old.claim.id.clone()).collect();
    Ok(plan)
}

fn is_same(candidate: &Candidate, old: &Old) -> bool {
    let body = candidate.point.to_json().to_string();
    old.origin == Origin::File
        && old.claim.tier == candidate.tier
        && old.path.as_deref() == Some(candidate.path.as_str())
        && old.body == body
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
