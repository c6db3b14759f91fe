//! When two DataPoints of a scope say something about the same thing, and which of them stays.
//!
//! Two of one id can't both be stored. Two of one [`key`] would contradict each other: the same table, metric,
//! query or process. The tiers `examples` and `demo` may repeat what others say, but not an id.
//! [`resolve`] applies a [`ConflictMode`]; where that does not name one winner, all of them are named.

use std::cmp::Reverse;
use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::datapoint::{DataPoint, Detail};
use super::tier::Tier;

/// What happens to DataPoints that conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConflictMode {
    /// None is written.
    #[default]
    Error,
    PreferUser,
    PreferManaged,
    /// The one with the newest `changed_at`.
    PreferLatest,
}

impl ConflictMode {
    pub const ALL: [Self; 4] = [
        Self::Error,
        Self::PreferUser,
        Self::PreferManaged,
        Self::PreferLatest,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::PreferUser => "prefer_user",
            Self::PreferManaged => "prefer_managed",
            Self::PreferLatest => "prefer_latest",
        }
    }
}

/// What a conflict is judged by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub id: String,
    /// [`key`]
    pub key: String,
    pub tier: Tier,
    pub changed_at: Option<DateTime<Utc>>,
}

/// DataPoints of which more than one would have to stay, by their places in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// What they share: an id or a key.
    pub about: String,
    pub places: Vec<usize>,
}

/// What a DataPoint is about, within its scope.
pub fn key(point: &DataPoint) -> String {
    let name = point.name.to_lowercase();
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    match &point.detail {
        // Case matters to databases.
        Detail::Schema(schema) => format!("table::{}", schema.qualified_name()),
        Detail::Business(business) => {
            let mut tables = business.related_tables.clone();
            tables.sort_unstable();
            tables.dedup();
            format!("metric::{name}::{}", tables.join(","))
        }
        Detail::Query(_) => format!("query::{name}"),
        Detail::Process(_) => format!("process::{name}"),
    }
}

/// Which of the claims of one scope give way to others, by their places.
///
/// # Errors
/// Every conflict that the mode does not settle.
pub fn resolve(claims: &[Claim], mode: ConflictMode) -> Result<Vec<usize>, Vec<Conflict>> {
    let mut loses = vec![false; claims.len()];
    let mut conflicts = Vec::new();
    let by_id = groups(claims, |claim| Some(format!("id::{}", claim.id)));
    let by_key = groups(claims, |claim| {
        (!claim.tier.is_for_show()).then(|| claim.key.clone())
    });
    for (about, places) in by_id.into_iter().chain(by_key) {
        let places: Vec<usize> = places.into_iter().filter(|at| !loses[*at]).collect();
        if places.len() < 2 {
            continue;
        }
        match winner(claims, &places, mode) {
            Some(winner) => {
                for at in places.into_iter().filter(|at| *at != winner) {
                    loses[at] = true;
                }
            }
            None => conflicts.push(Conflict { about, places }),
        }
    }
    if conflicts.is_empty() {
        let places = loses.iter().enumerate();
        Ok(places
            .filter_map(|(at, loses)| loses.then_some(at))
            .collect())
    } else {
        Err(conflicts)
    }
}

/// The places that share a name, in the order of their first, for names that more than one has.
fn groups(claims: &[Claim], name: impl Fn(&Claim) -> Option<String>) -> Vec<(String, Vec<usize>)> {
    let mut found: Vec<(String, Vec<usize>)> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    for (at, claim) in claims.iter().enumerate() {
        let Some(name) = name(claim) else { continue };
        let group = *known.entry(name.clone()).or_insert_with(|| {
            found.push((name, Vec::new()));
            found.len() - 1
        });
        found[group].1.push(at);
    }
    found.retain(|(_, places)| places.len() > 1);
    found
}

/// The one that the mode prefers, if that is one.
fn winner(claims: &[Claim], places: &[usize], mode: ConflictMode) -> Option<usize> {
    let only = |tier: Tier| {
        let mut of_tier = places.iter().filter(|at| claims[**at].tier == tier);
        of_tier.next().filter(|_| of_tier.next().is_none()).copied()
    };
    match mode {
        ConflictMode::Error => None,
        ConflictMode::PreferUser => only(Tier::User),
        ConflictMode::PreferManaged => only(Tier::Managed),
        ConflictMode::PreferLatest => {
            let mut order = places.to_vec();
            order.sort_by_key(|at| Reverse(claims[*at].changed_at));
            let [first, second, ..] = order.as_slice() else {
                return None;
            };
            (claims[*first].changed_at > claims[*second].changed_at).then_some(*first)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::knowledge::Kind;
    use crate::knowledge::datapoint::tests::point;

    fn claim(id: &str, key: &str, tier: Tier, day: i64) -> Claim {
        Claim {
            id: id.to_owned(),
            key: key.to_owned(),
            tier,
            changed_at: (day > 0)
                .then(|| DateTime::from_timestamp(day * 86_400, 0))
                .flatten(),
        }
    }

    #[test]
    fn a_key_says_what_a_datapoint_is_about() {
        let of = |kind, field: &str, value: serde_json::Value| {
            key(&point(kind, |json| json[field] = value.clone()))
        };
        assert_eq!(
            of(Kind::Schema, "table_name", json!("Orders")),
            "table::public.Orders"
        );
        assert_eq!(
            of(Kind::Schema, "table_name", json!("a.orders")),
            "table::a.orders"
        );
        assert_eq!(
            of(Kind::Query, "name", json!(" Top  Ten ")),
            "query::top ten"
        );
        assert_eq!(of(Kind::Process, "name", json!("Load")), "process::load");
        let metric = point(Kind::Business, |json| {
            json["name"] = json!("Net Revenue");
            json["related_tables"] = json!(["b", "a", "b"]);
        });
        assert_eq!(key(&metric), "metric::net revenue::a,b");
    }

    #[test]
    fn two_of_one_key_are_both_named() {
        let claims = [
            claim("a_1", "k", Tier::User, 1),
            claim("b_1", "other", Tier::User, 1),
            claim("a_2", "k", Tier::Managed, 2),
        ];
        let conflict = Conflict {
            about: "k".to_owned(),
            places: vec![0, 2],
        };
        assert_eq!(resolve(&claims, ConflictMode::Error), Err(vec![conflict]));
        assert_eq!(resolve(&claims, ConflictMode::PreferUser), Ok(vec![2]));
        assert_eq!(resolve(&claims, ConflictMode::PreferManaged), Ok(vec![0]));
        assert_eq!(resolve(&claims, ConflictMode::PreferLatest), Ok(vec![0]));
    }

    #[test]
    fn a_mode_that_prefers_neither_or_both_settles_nothing() {
        let users = [
            claim("a_1", "k", Tier::User, 1),
            claim("a_2", "k", Tier::User, 1),
        ];
        for mode in ConflictMode::ALL {
            assert!(resolve(&users, mode).is_err(), "{mode:?}");
        }
        let undated = [
            claim("a_1", "k", Tier::User, 0),
            claim("a_2", "k", Tier::Custom, 0),
        ];
        assert!(resolve(&undated, ConflictMode::PreferManaged).is_err());
        assert!(resolve(&undated, ConflictMode::PreferLatest).is_err());
    }

    #[test]
    fn a_dated_one_is_later_than_an_undated_one() {
        let claims = [
            claim("a_1", "k", Tier::User, 0),
            claim("a_2", "k", Tier::User, 1),
        ];
        assert_eq!(resolve(&claims, ConflictMode::PreferLatest), Ok(vec![0]));
    }

    #[test]
    fn examples_may_repeat_a_table_but_not_an_id() {
        let apart = [
            claim("a_1", "k", Tier::Examples, 0),
            claim("a_2", "k", Tier::Demo, 0),
            claim("a_3", "k", Tier::User, 0),
        ];
        assert_eq!(resolve(&apart, ConflictMode::Error), Ok(Vec::new()));
        let same = [
            claim("a_1", "k", Tier::Demo, 0),
            claim("a_1", "l", Tier::Demo, 0),
        ];
        let conflicts = resolve(&same, ConflictMode::Error).expect_err("one id");
        assert_eq!(conflicts[0].about, "id::a_1");
    }

    fn claims() -> impl Strategy<Value = Vec<Claim>> {
        let one = (0..4, 0..4, 0..5_usize, 0..3_i64);
        proptest::collection::vec(one, 0..8).prop_map(|all| {
            let make = |(id, key, tier, day): (i32, i32, usize, i64)| {
                claim(&format!("a_{id}"), &format!("k{key}"), Tier::ALL[tier], day)
            };
            all.into_iter().map(make).collect()
        })
    }

    proptest! {
        #[test]
        fn what_stays_never_conflicts_and_somebody_stays(
            claims in claims(),
            mode in 0..4_usize,
        ) {
            if let Ok(losers) = resolve(&claims, ConflictMode::ALL[mode]) {
                let stay: Vec<Claim> = claims
                    .iter()
                    .enumerate()
                    .filter(|(at, _)| !losers.contains(at))
                    .map(|(_, claim)| claim.clone())
                    .collect();
                prop_assert_eq!(resolve(&stay, ConflictMode::Error), Ok(Vec::new()));
                prop_assert_eq!(stay.is_empty(), claims.is_empty());
            }
        }
    }
}
