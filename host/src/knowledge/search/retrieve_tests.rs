use super::*;
use crate::knowledge::Kind;
use crate::knowledge::search::embed::{Embedding, Identity, Trust, Vector};
use crate::knowledge::search::entry::{Link, TableName};
use crate::knowledge::search::shelf::{Change, Shelf};
use crate::knowledge::search::testing::entry;
use uuid::Uuid;

const OWN: u128 = 1;
const TWIN: u128 = 2;
const FOREIGN: u128 = 3;

fn connection(id: u128) -> Scope {
    Scope::Connection(Uuid::from_u128(id))
}

fn allowed() -> Allowed {
    Allowed::new(Uuid::from_u128(OWN), [Uuid::from_u128(TWIN)])
}

fn set(entries: &[Entry]) -> Arc<Set> {
    let identity = identity();
    let mut scopes: Vec<Scope> = entries.iter().map(|entry| entry.scope).collect();
    scopes.sort_unstable();
    scopes.dedup();
    let shelf = Shelf::default();
    shelf.publish(scopes.into_iter().map(|scope| {
        let of_scope = entries.iter().filter(|entry| entry.scope == scope);
        let volume = Volume::build(scope, of_scope.cloned().collect(), Some(&identity));
        Change::Replace(Box::new(volume.unwrap()))
    }));
    shelf.current()
}

fn identity() -> Arc<Identity> {
    Arc::new(Identity {
        name: "plane".to_owned(),
        digest: "1".to_owned(),
        dimensions: 2,
    })
}

/// A direction in the plane, in degrees.
fn direction(degrees: f32) -> Embedding {
    let (sin, cos) = degrees.to_radians().sin_cos();
    Embedding {
        identity: identity(),
        vector: Vector::new(vec![cos, sin], 2).unwrap(),
    }
}

fn pointing(degrees: f32, mut entry: Entry) -> Entry {
    entry.embeddings = vec![direction(degrees)];
    entry
}

fn above(floor: f32) -> Trust {
    Trust { floor, weight: 0.5 }
}

fn words(text: &str) -> Question {
    Question::of_words(text, "words alone")
}

fn options() -> Options {
    Options::default()
}

fn ids(retrieved: &Retrieved) -> Vec<(Scope, &str)> {
    retrieved
        .hits
        .iter()
        .map(|hit| (hit.entry.scope, hit.entry.id.as_str()))
        .collect()
}

#[test]
fn own_equivalent_and_global_entries_are_found_and_foreign_ones_never() {
    let set = set(&[
        entry(connection(OWN), "own", "revenue"),
        entry(connection(TWIN), "twin", "revenue"),
        entry(connection(FOREIGN), "foreign", "revenue revenue revenue"),
        entry(Scope::Global, "shared", "revenue"),
        entry(Scope::Unscoped, "nobodys", "revenue revenue"),
    ]);
    let found = retrieve(&set, &allowed(), &words("revenue"), &options()).unwrap();
    assert_eq!(
        ids(&found),
        [
            (connection(OWN), "own"),
            (connection(TWIN), "twin"),
            (Scope::Global, "shared")
        ]
    );
    assert_eq!(found.scope_used, ScopeUsed::ConnectionAndGlobal);
}

#[test]
fn what_others_hold_takes_no_place_and_changes_no_score() {
    let own = || {
        vec![
            entry(connection(OWN), "a", "loan interest"),
            entry(connection(OWN), "b", "loan"),
            entry(Scope::Global, "c", "interest"),
        ]
    };
    let mut crowded = own();
    crowded.extend((0..200).map(|number| {
        entry(
            connection(FOREIGN),
            &format!("f{number}"),
            "loan interest loan interest",
        )
    }));
    let question = words("loan interest");
    let [alone, among] = [own(), crowded]
        .map(|entries| retrieve(&set(&entries), &allowed(), &question, &options()).unwrap());
    let shown = |found: &Retrieved| format!("{:?}", found.hits);
    assert_eq!(shown(&alone), shown(&among));
    assert_eq!(alone.hits.len(), 3);
}

#[test]
fn entries_without_a_scope_are_searched_only_when_nothing_else_fits() {
    let entries = vec![
        entry(connection(OWN), "own", "loans"),
        entry(Scope::Unscoped, "old", "revenue loans"),
    ];
    let set = set(&entries);
    let found = retrieve(&set, &allowed(), &words("loans and revenue"), &options()).unwrap();
    assert_eq!(ids(&found), [(connection(OWN), "own")]);
    assert_eq!(found.scope_used, ScopeUsed::Connection);

    let found = retrieve(&set, &allowed(), &words("revenue"), &options()).unwrap();
    assert_eq!(ids(&found), [(Scope::Unscoped, "old")]);
    assert_eq!(found.scope_used, ScopeUsed::LegacyFallback);

    let off = Options {
        legacy_fallback: false,
        ..options()
    };
    let found = retrieve(&set, &allowed(), &words("revenue"), &off).unwrap();
    assert_eq!(
        (found.hits.len(), found.scope_used),
        (0, ScopeUsed::Nothing)
    );
    let found = retrieve(&set, &allowed(), &words("weather"), &options()).unwrap();
    assert_eq!(
        (found.hits.len(), found.scope_used),
        (0, ScopeUsed::Nothing)
    );
}

#[test]
fn a_vector_below_the_floor_is_no_hit_and_keeps_nobody_from_the_fallback() {
    let set = set(&[
        pointing(85.0, entry(connection(OWN), "own", "")),
        pointing(10.0, entry(Scope::Unscoped, "old", "")),
    ]);
    let ask = |floor| {
        let question = Question::embedded("weather", direction(0.0), above(floor));
        retrieve(&set, &allowed(), &question, &options()).unwrap()
    };
    assert_eq!(ids(&ask(0.0)), [(connection(OWN), "own")]);
    assert_eq!(ask(0.5).scope_used, ScopeUsed::LegacyFallback);
    assert_eq!(ask(0.99).scope_used, ScopeUsed::Nothing);
}

#[test]
fn what_a_connection_defines_itself_replaces_the_global_definition() {
    let named = |scope, id: &str, name: &str, kind| Entry {
        name: name.to_owned(),
        kind,
        ..entry(scope, id, "net revenue")
    };
    let set = set(&[
        named(connection(OWN), "metric_a", "Net Revenue", Kind::Business),
        named(connection(OWN), "metric_b", "Margin", Kind::Business),
        named(Scope::Global, "metric_c", "net-revenues", Kind::Business),
        named(Scope::Global, "metric_b", "Other", Kind::Business),
        named(Scope::Global, "query_a", "Net Revenue", Kind::Query),
    ]);
    let found = retrieve(&set, &allowed(), &words("net revenue"), &options()).unwrap();
    let mut found = ids(&found);
    found.sort_unstable();
    assert_eq!(
        found,
        [
            (connection(OWN), "metric_a"),
            (connection(OWN), "metric_b"),
            // Of another kind: not the same thing.
            (Scope::Global, "query_a")
        ]
    );
    let foreign = Allowed::new(Uuid::from_u128(FOREIGN), []);
    let found = retrieve(&set, &foreign, &words("net revenue"), &options()).unwrap();
    assert_eq!(found.hits.len(), 3);
}

#[test]
fn an_entry_whose_tables_are_all_gone_is_no_hit_and_replaces_nothing() {
    let about = |scope, id: &str, name: &str, tables: &[&str]| Entry {
        name: name.to_owned(),
        tables: tables.iter().map(|table| TableName::parse(table)).collect(),
        ..entry(scope, id, "revenue")
    };
    let set = set(&[
        about(connection(OWN), "gone", "Revenue", &["sales.old_orders"]),
        about(connection(OWN), "half", "Half", &["old_orders", "ORDERS"]),
        about(connection(OWN), "none", "None", &[]),
        about(Scope::Global, "shared", "Revenue", &["sales.orders"]),
    ]);
    let ask = |catalogue: Option<&[&str]>| {
        let tables = catalogue.map(|tables| tables.iter().map(|table| TableName::parse(table)));
        let options = Options {
            catalogue: tables.map(|tables| Arc::new(tables.collect())),
            ..options()
        };
        let found = retrieve(&set, &allowed(), &words("revenue"), &options).unwrap();
        let mut ids: Vec<String> = found.hits.iter().map(|hit| hit.entry.id.clone()).collect();
        ids.sort_unstable();
        ids
    };
    assert_eq!(ask(Some(&["sales.orders"])), ["half", "none", "shared"]);
    assert_eq!(ask(Some(&[])), ["none"]);
    assert_eq!(ask(None), ["gone", "half", "none"]);
}

#[test]
fn every_hit_says_which_signal_found_it_and_where() {
    let set = set(&[
        pointing(0.0, entry(connection(OWN), "both", "deposits")),
        pointing(30.0, entry(connection(OWN), "meaning", "savings")),
        pointing(
            90.0,
            entry(connection(OWN), "words", "deposits of the branch office"),
        ),
    ]);
    let question = Question::embedded("deposits", direction(0.0), above(0.2));
    let found = retrieve(&set, &allowed(), &question, &options()).unwrap();
    assert_eq!(found.vectors, VectorUse::Used);
    let signals = |id: &str| -> Vec<(SignalKind, u32)> {
        let hit = found.hits.iter().find(|hit| hit.entry.id == id).unwrap();
        hit.signals
            .iter()
            .map(|found| (found.signal, found.rank))
            .collect()
    };
    assert_eq!(found.hits[0].entry.id, "both");
    assert_eq!(
        signals("both"),
        [(SignalKind::Lexical, 1), (SignalKind::Vector, 1)]
    );
    assert_eq!(signals("meaning"), [(SignalKind::Vector, 2)]);
    assert_eq!(signals("words"), [(SignalKind::Lexical, 2)]);
    assert!((found.hits[0].signals[1].score - 1.0).abs() < 1e-6);
}

#[test]
fn relationships_bring_in_what_shares_no_word_but_nothing_foreign() {
    let table = |scope, id: &str, name: &str| Entry {
        kind: Kind::Schema,
        tables: vec![TableName::parse(name)],
        ..entry(scope, id, "")
    };
    let set = set(&[
        Entry {
            tables: vec![TableName::parse("loans")],
            ..entry(connection(OWN), "arrears", "overdue instalments")
        },
        Entry {
            links: vec![Link::Table(TableName::parse("clients"))],
            ..table(connection(OWN), "table_loans", "core.loans")
        },
        table(Scope::Global, "table_clients", "clients"),
        table(connection(FOREIGN), "table_loans", "loans"),
        table(Scope::Unscoped, "table_loans", "loans"),
    ]);
    let found = retrieve(&set, &allowed(), &words("overdue"), &options()).unwrap();
    assert_eq!(
        ids(&found),
        [
            (connection(OWN), "arrears"),
            (connection(OWN), "table_loans")
        ]
    );
    let led = &found.hits[1].signals;
    assert_eq!(
        (led.len(), led[0].signal, led[0].rank),
        (1, SignalKind::Relationship, 1)
    );
}

#[test]
fn without_vectors_words_count_alone_and_the_answer_says_why() {
    let plain = set(&[entry(connection(OWN), "a", "deposits")]);
    let heavy = Options {
        vector_weight: Some(1.0),
        ..options()
    };
    let question = Question::embedded("deposits", direction(0.0), above(0.2));
    let found = retrieve(&plain, &allowed(), &question, &heavy).unwrap();
    assert_eq!((found.hits.len(), found.vectors), (1, VectorUse::NoEntries));
    let found = retrieve(&plain, &allowed(), &words("deposits"), &heavy).unwrap();
    assert_eq!(
        found.vectors,
        VectorUse::NoQuestion("words alone".to_owned())
    );
    assert_eq!(found.hits.len(), 1);
}

#[test]
fn vectors_of_two_embedders_are_never_compared() {
    let other = Arc::new(Identity {
        digest: "2".to_owned(),
        ..(*identity()).clone()
    });
    let foreign = Embedding {
        identity: other,
        ..direction(0.0)
    };
    let mut old = entry(connection(OWN), "old", "");
    old.embeddings = vec![foreign.clone()];
    let new = pointing(0.0, entry(connection(OWN), "new", ""));
    let set = set(&[old, new]);
    let ask = |embedding| {
        let question = Question::embedded("weather", embedding, above(0.2));
        retrieve(&set, &allowed(), &question, &options()).unwrap()
    };
    assert_eq!(ids(&ask(direction(0.0))), [(connection(OWN), "new")]);
    assert_eq!(ask(foreign).vectors, VectorUse::NoEntries);
}

#[test]
fn what_is_near_in_one_thing_that_it_says_goes_before_what_is_a_little_near_in_all() {
    let mut exact = pointing(60.0, entry(connection(OWN), "exact", ""));
    exact.embeddings.extend([direction(120.0), direction(0.0)]);
    let set = set(&[pointing(45.0, entry(connection(OWN), "vague", "")), exact]);
    let question = Question::embedded("weather", direction(0.0), above(0.2));
    let found = retrieve(&set, &allowed(), &question, &options()).unwrap();
    assert_eq!(
        ids(&found),
        [(connection(OWN), "exact"), (connection(OWN), "vague")]
    );
}

#[test]
fn what_is_much_less_near_than_the_best_stays_only_for_its_words() {
    let set = set(&[
        pointing(0.0, entry(connection(OWN), "near", "")),
        pointing(45.0, entry(connection(OWN), "beside", "")),
        pointing(55.0, entry(connection(OWN), "far", "")),
        pointing(55.0, entry(connection(OWN), "named", "weather")),
    ]);
    let question = Question::embedded("weather", direction(0.0), above(0.2));
    let found = retrieve(&set, &allowed(), &question, &options()).unwrap();
    let mut kept: Vec<&str> = ids(&found).into_iter().map(|(_, id)| id).collect();
    kept.sort_unstable();
    assert_eq!(kept, ["beside", "named", "near"]);
}

#[test]
fn words_count_as_far_as_they_cover_the_question() {
    let set = set(&[
        pointing(0.0, entry(connection(OWN), "near", "")),
        pointing(30.0, entry(connection(OWN), "named", "weather")),
    ]);
    for (text, first) in [
        ("weather", "named"),
        (
            "snow and rain, sun and wind, fog, frost, heat, storm and weather",
            "near",
        ),
    ] {
        let question = Question::embedded(text, direction(0.0), above(0.2));
        let found = retrieve(&set, &allowed(), &question, &options()).unwrap();
        assert_eq!(ids(&found)[0].1, first, "{text}");
        assert_eq!(found.hits.len(), 2);
    }
}

#[test]
fn the_kind_that_a_question_asks_for_goes_before_what_is_about_as_near() {
    let of_kind = |id: &str, kind, degrees| {
        let entry = entry(connection(OWN), id, "");
        pointing(degrees, Entry { kind, ..entry })
    };
    let set = set(&[
        of_kind("metric", Kind::Business, 30.0),
        of_kind("table", Kind::Schema, 20.0),
        of_kind("process", Kind::Process, 48.0),
    ]);
    let ask = |text: &str, form_factor| {
        let question = Question::embedded(text, direction(0.0), above(0.2));
        let options = Options {
            form_factor,
            ..options()
        };
        let found = retrieve(&set, &allowed(), &question, &options).unwrap();
        // What is reported is how near it is, whatever it counts.
        assert!(found.hits.iter().all(|hit| hit.signals[0].score <= 1.0));
        let ids: Vec<String> = found.hits.iter().map(|hit| hit.entry.id.clone()).collect();
        ids.join(" ")
    };
    assert_eq!(ask("weather", 1.5), "table metric process");
    assert_eq!(ask("how many storms", 1.5), "metric table process");
    assert_eq!(ask("when does weather arrive", 1.5), "process table metric");
    assert_eq!(ask("how many storms", 1.0), "table metric process");
}

#[test]
fn the_limit_of_hits_counts_what_may_be_seen_and_own_ones_come_first() {
    let mut entries: Vec<Entry> = (0..80)
        .map(|number| {
            pointing(
                0.0,
                entry(Scope::Global, &format!("shared_{number}"), "rate"),
            )
        })
        .collect();
    // Each replaces a global one that would be nearer.
    entries.extend((0..70).map(|number| {
        pointing(
            20.0,
            entry(
                connection(OWN),
                &format!("shared_{number}"),
                "rate of something else",
            ),
        )
    }));
    let question = Question::embedded("rate", direction(0.0), above(0.2));
    let found = retrieve(&set(&entries), &allowed(), &question, &options()).unwrap();
    assert_eq!(found.hits.len(), 10);
    let global = found
        .hits
        .iter()
        .filter(|hit| hit.entry.scope == Scope::Global);
    assert!(global.clone().count() > 0);
    for hit in global {
        let number: u32 = hit.entry.id["shared_".len()..].parse().unwrap();
        assert!(number >= 70, "{}", hit.entry.id);
    }
    assert!(
        found
            .hits
            .is_sorted_by_key(|hit| hit.entry.scope == Scope::Global)
    );
}

#[test]
fn a_hit_from_outside_the_scopes_would_not_leave() {
    let hit = |scope| Hit {
        entry: Arc::new(entry(scope, "x", "")),
        score: 1.0,
        signals: Vec::new(),
    };
    let hits = [OWN, FOREIGN].map(connection).map(hit).to_vec();
    let kept = admitted(hits, |scope| allowed().admits(scope));
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].entry.scope, connection(OWN));
}
