use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::knowledge::Kind;
use crate::knowledge::datapoint::tests::point;

/// A table's DataPoint from a file named after it.
fn file(id: &str, table: &str, tier: Tier, note: &str) -> Candidate {
    Candidate {
        scope: Scope::Global,
        point: point(Kind::Schema, |json| {
            json["datapoint_id"] = json!(id);
            json["table_name"] = json!(table);
            json["metadata"]["note"] = json!(note);
        }),
        tier,
        path: format!("{id}.json"),
    }
}

/// What is stored of it.
fn stored(candidate: &Candidate, origin: Origin) -> Old {
    Old {
        claim: candidate.claim(),
        origin,
        body: candidate.point.to_json().to_string(),
        path: (origin == Origin::File).then(|| candidate.path.clone()),
        stays: origin != Origin::File,
    }
}

fn is(write: &[usize], delete: &[&str], unchanged: usize) -> Plan {
    Plan {
        write: write.to_vec(),
        delete: delete.iter().map(|id| (*id).to_owned()).collect(),
        unchanged,
    }
}

#[test]
fn a_files_own_scope_is_kept_and_one_that_names_none_takes_the_syncs() {
    let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let (of_a, of_b) = (Scope::Connection(a), Scope::Connection(b));
    for (mode, named, scope) in [
        (ScopeMode::Auto, Scope::Unscoped, Some(Scope::Unscoped)),
        (ScopeMode::Auto, of_b, Some(of_b)),
        (ScopeMode::Auto, Scope::Global, Some(Scope::Global)),
        (ScopeMode::Database(a), Scope::Unscoped, Some(of_a)),
        (ScopeMode::Database(a), of_a, Some(of_a)),
        (ScopeMode::Database(a), of_b, None),
        (ScopeMode::Database(a), Scope::Global, None),
        (ScopeMode::Global, Scope::Unscoped, Some(Scope::Global)),
        (ScopeMode::Global, Scope::Global, Some(Scope::Global)),
        (ScopeMode::Global, of_a, None),
    ] {
        assert_eq!(assign(mode, named), scope, "{mode:?} {named:?}");
    }
}

#[test]
fn only_what_differs_is_written_and_what_has_no_file_goes() {
    let (a, b, c) = (
        file("t_a", "a", Tier::User, ""),
        file("t_b", "b", Tier::User, ""),
        file("t_c", "c", Tier::User, ""),
    );
    let old = [
        stored(&a, Origin::File),
        stored(&b, Origin::File),
        stored(&c, Origin::File),
    ];
    let changed = file("t_b", "b", Tier::User, "new");
    let new = [a, changed, file("t_d", "d", Tier::User, "")];
    assert_eq!(
        plan(&new, &old, ConflictMode::Error),
        Ok(is(&[1, 2], &["t_c"], 1))
    );
}

#[test]
fn another_file_or_tier_of_the_same_text_is_a_change() {
    let a = file("t_a", "a", Tier::User, "");
    let old = [stored(&a, Origin::File)];
    let moved = Candidate {
        path: "other.json".to_owned(),
        ..a.clone()
    };
    let lifted = Candidate {
        tier: Tier::Managed,
        ..a
    };
    for new in [moved, lifted] {
        assert_eq!(
            plan(&[new], &old, ConflictMode::Error),
            Ok(is(&[0], &[], 0))
        );
    }
}

#[test]
fn what_the_api_made_stays() {
    let made = file("t_api", "x", Tier::Managed, "");
    let old = [stored(&made, Origin::Api), stored(&made, Origin::Approval)];
    let new = [file("t_a", "a", Tier::User, "")];
    let old_one = &old[..1];
    assert_eq!(
        plan(&new, old_one, ConflictMode::Error),
        Ok(is(&[0], &[], 0))
    );
    assert_eq!(
        plan(&new, &old[1..], ConflictMode::Error),
        Ok(is(&[0], &[], 0))
    );
}

#[test]
fn what_another_file_made_stays_where_it_is_not_this_syncs_to_replace() {
    let [a, b] = ["a", "b"].map(|table| file(&format!("t_{table}"), table, Tier::User, ""));
    let others = Old {
        stays: true,
        ..stored(&b, Origin::File)
    };
    let old = [stored(&a, Origin::File), others];
    let none: [Candidate; 0] = [];
    assert_eq!(
        plan(&none, &old, ConflictMode::Error),
        Ok(is(&[], &["t_a"], 0))
    );
    let again = [file("t_again", "b", Tier::User, "")];
    let clashes = plan(&again, &old, ConflictMode::Error).expect_err("a conflict");
    assert_eq!(
        clashes[0].who,
        ["t_again.json (t_again)", "t_b.json (t_b, as it is stored)"]
    );
    assert_eq!(clashes[0].paths, ["t_again.json"]);
}

#[test]
fn a_file_that_says_the_same_as_what_the_api_made_is_a_conflict_that_names_both() {
    let made = file("t_api", "a", Tier::Managed, "");
    let old = [stored(&made, Origin::Api)];
    let new = [file("t_a", "a", Tier::User, "")];
    let clashes = plan(&new, &old, ConflictMode::Error).expect_err("a conflict");
    assert_eq!(clashes[0].about, "table::public.a");
    assert_eq!(
        clashes[0].who,
        ["t_a.json (t_a)", "t_api (stored, not from a file)"]
    );
    assert_eq!(
        plan(&new, &old, ConflictMode::PreferUser),
        Ok(is(&[0], &["t_api"], 0))
    );
    assert_eq!(
        plan(&new, &old, ConflictMode::PreferManaged),
        Ok(is(&[], &[], 0))
    );
}

#[test]
fn a_file_of_the_id_of_what_the_api_made_takes_its_place_only_if_it_is_preferred() {
    let made = file("t_a", "a", Tier::Managed, "");
    let old = [stored(&made, Origin::Api)];
    let new = [file("t_a", "b", Tier::User, "")];
    assert!(plan(&new, &old, ConflictMode::Error).is_err());
    assert_eq!(
        plan(&new, &old, ConflictMode::PreferUser),
        Ok(is(&[0], &[], 0))
    );
    assert_eq!(
        plan(&new, &old, ConflictMode::PreferManaged),
        Ok(is(&[], &[], 0))
    );
}

#[test]
fn a_row_that_was_spoilt_is_replaced() {
    let a = file("t_a", "a", Tier::User, "");
    let spoilt = Old {
        body: "{".to_owned(),
        ..stored(&a, Origin::File)
    };
    assert_eq!(
        plan(&[a], &[spoilt], ConflictMode::Error),
        Ok(is(&[0], &[], 0))
    );
}

/// (id, table, tier, note, origin)
type Seed = (u8, u8, usize, u8, u8);

fn candidate(&(id, table, tier, note, _): &Seed) -> Candidate {
    file(
        &format!("t_{id}"),
        &format!("x{table}"),
        Tier::ALL[tier],
        &note.to_string(),
    )
}

/// What a scope holds after a plan: the body and origin of each id.
fn apply(candidates: &[Candidate], old: &[Old], plan: &Plan) -> BTreeMap<String, (String, Origin)> {
    let mut set: BTreeMap<String, (String, Origin)> = old
        .iter()
        .map(|old| (old.claim.id.clone(), (old.body.clone(), old.origin)))
        .collect();
    for id in &plan.delete {
        assert!(set.remove(id).is_some(), "only what is there is deleted");
    }
    for at in &plan.write {
        let point = &candidates[*at].point;
        set.insert(
            point.id.clone(),
            (point.to_json().to_string(), Origin::File),
        );
    }
    set
}

fn seeds() -> impl Strategy<Value = Vec<Seed>> {
    proptest::collection::vec((0..5_u8, 0..4_u8, 0..5_usize, 0..2_u8, 0..3_u8), 0..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_plan_makes_the_files_the_set_and_then_changes_nothing_more(
        new in seeds(),
        before in seeds(),
        mode in 0..4_usize,
    ) {
        let candidates: Vec<Candidate> = new.iter().map(candidate).collect();
        let mut old: Vec<Old> = Vec::new();
        for seed in &before {
            let origin = [Origin::File, Origin::Api, Origin::Approval][usize::from(seed.4)];
            let item = stored(&candidate(seed), origin);
            if old.iter().all(|known| known.claim.id != item.claim.id) {
                old.push(item);
            }
        }
        let mode = ConflictMode::ALL[mode];
        if let Ok(first) = plan(&candidates, &old, mode) {
            let set = apply(&candidates, &old, &first);
            let of_files: Vec<&String> = set
                .iter()
                .filter(|(_, (_, origin))| *origin == Origin::File)
                .map(|(id, _)| id)
                .collect();
            for id in of_files {
                prop_assert!(candidates.iter().any(|candidate| candidate.point.id == *id));
            }
            if mode == ConflictMode::Error {
                for candidate in &candidates {
                    let body = candidate.point.to_json().to_string();
                    prop_assert_eq!(&set[&candidate.point.id].0, &body);
                }
                for old in old.iter().filter(|old| old.origin != Origin::File) {
                    prop_assert_eq!(&set[&old.claim.id], &(old.body.clone(), old.origin));
                }
            }
            let winners: Vec<Candidate> = candidates
                .iter()
                .enumerate()
                .filter(|(at, _)| first.write.contains(at))
                .map(|(_, candidate)| candidate.clone())
                .collect();
            // A second sync of what has won finds nothing to do.
            let now: Vec<Old> = winners.iter().map(|winner| stored(winner, Origin::File)).collect();
            if let Ok(second) = plan(&winners, &now, mode) {
                prop_assert_eq!(second.unchanged, winners.len());
                prop_assert!(second.write.is_empty() && second.delete.is_empty());
            }
        }
    }
}
