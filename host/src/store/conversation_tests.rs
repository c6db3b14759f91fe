//! Claims about conversations, on either kind of database.

use super::*;

on_both! {
    turns_come_back_in_their_order_and_per_connection
    conversations_come_latest_first_and_page_by_page
    of_two_owners_neither_reaches_a_conversation_of_the_other
    of_a_conversation_only_the_latest_turns_are_kept
    of_an_owner_only_the_latest_conversations_are_kept
    what_nobody_has_gone_on_with_for_days_is_forgotten
    turns_that_end_at_once_are_all_there
    a_deleted_connection_takes_its_turns_and_their_titles_along
    nothing_is_recorded_for_a_connection_that_is_gone
    a_new_title_stays
}

const KEPT: Kept = Kept {
    turns: 100,
    conversations: 100,
    days: 1,
};

async fn connection(store: &Store) -> Uuid {
    let row = row(&Uuid::new_v4().to_string(), 1);
    store.insert_connection(&row).await.expect("stored");
    row.id
}

fn turn(connection: Uuid, question: &str) -> NewTurn {
    NewTurn {
        connection_id: connection,
        needs_row: true,
        heading: question.to_owned(),
        database: format!("{{\"of\":\"{question}\"}}"),
        body: question.to_owned(),
    }
}

async fn record(store: &Store, owner: &str, id: &str, connection: Uuid, question: &str) {
    let turn = turn(connection, question);
    let recorded = store.record_turn(owner, id, &turn, KEPT).await;
    recorded.expect("recorded");
}

async fn questions(store: &Store, owner: &str, id: &str) -> Vec<String> {
    let turns = store.turns(owner, id).await.expect("read");
    turns.into_iter().map(|turn| turn.body).collect()
}

async fn ids(store: &Store, owner: &str) -> Vec<String> {
    let rows = store.conversations(owner, None, 100).await.expect("read");
    rows.into_iter().map(|row| row.id).collect()
}

async fn turns_come_back_in_their_order_and_per_connection(place: Place) {
    let store = place.open();
    let (a, b) = (connection(&store).await, connection(&store).await);
    for (connection, question) in [(a, "one"), (b, "two"), (a, "three"), (a, "four")] {
        record(&store, "ann", "c", connection, question).await;
    }
    let other = place.open();
    assert_eq!(
        questions(&other, "ann", "c").await,
        ["one", "two", "three", "four"]
    );
    let last = other.last_turns("ann", "c", a, 2).await.expect("read");
    let last: Vec<&str> = last.iter().map(|turn| turn.body.as_str()).collect();
    assert_eq!(last, ["three", "four"]);
    let found = other.conversation("ann", "c").await.expect("read");
    let found = found.expect("there");
    assert_eq!((found.title.as_str(), found.turns), ("one", 4));
    assert_eq!(found.database.as_deref(), Some("{\"of\":\"four\"}"));
    assert!(found.created_at < found.updated_at);
}

async fn conversations_come_latest_first_and_page_by_page(place: Place) {
    let store = place.open();
    let a = connection(&store).await;
    for id in ["x", "y", "z"] {
        record(&store, "", id, a, "q").await;
    }
    record(&store, "", "x", a, "again").await;
    assert_eq!(ids(&store, "").await, ["x", "z", "y"]);
    let first = store.conversations("", None, 2).await.expect("read");
    let place = (first[1].updated_at.timestamp_micros(), first[1].id.clone());
    let rest = store.conversations("", Some(&place), 2).await;
    let rest: Vec<String> = rest.expect("read").into_iter().map(|row| row.id).collect();
    assert_eq!(rest, ["y"]);
}

async fn of_two_owners_neither_reaches_a_conversation_of_the_other(place: Place) {
    let store = place.open();
    let a = connection(&store).await;
    record(&store, "ann", "c", a, "ann's").await;
    assert_eq!(store.conversation("bob", "c").await, Ok(None));
    assert_eq!(store.last_turns("bob", "c", a, 9).await, Ok(Vec::new()));
    assert_eq!(
        store.rename_conversation("bob", "c", "mine").await,
        Ok(false)
    );
    assert_eq!(store.delete_conversation("bob", "c").await, Ok(false));
    // The same id is another conversation.
    record(&store, "bob", "c", a, "bob's").await;
    assert_eq!(questions(&store, "ann", "c").await, ["ann's"]);
    assert_eq!(questions(&store, "bob", "c").await, ["bob's"]);
    assert_eq!(store.delete_conversation("bob", "c").await, Ok(true));
    assert_eq!(questions(&store, "bob", "c").await, [""; 0]);
    assert_eq!(questions(&store, "ann", "c").await, ["ann's"]);
}

async fn of_a_conversation_only_the_latest_turns_are_kept(place: Place) {
    let store = place.open();
    let a = connection(&store).await;
    for question in ["one", "two", "three"] {
        let kept = Kept { turns: 2, ..KEPT };
        let turn = turn(a, question);
        let recorded = store.record_turn("", "c", &turn, kept).await;
        recorded.expect("recorded");
    }
    assert_eq!(questions(&store, "", "c").await, ["two", "three"]);
    let found = store.conversation("", "c").await.expect("read");
    assert_eq!(found.expect("there").title, "one");
}

async fn of_an_owner_only_the_latest_conversations_are_kept(place: Place) {
    let store = place.open();
    let a = connection(&store).await;
    record(&store, "bob", "other", a, "q").await;
    for id in ["x", "y", "x", "z"] {
        let kept = Kept {
            conversations: 2,
            ..KEPT
        };
        let recorded = store.record_turn("ann", id, &turn(a, "q"), kept).await;
        recorded.expect("recorded");
    }
    assert_eq!(ids(&store, "ann").await, ["z", "x"]);
    assert_eq!(questions(&store, "ann", "y").await, [""; 0]);
    assert_eq!(ids(&store, "bob").await, ["other"]);
}

async fn what_nobody_has_gone_on_with_for_days_is_forgotten(place: Place) {
    let store = place.open();
    let a = connection(&store).await;
    record(&store, "ann", "old", a, "q").await;
    let kept = Kept { days: 0, ..KEPT };
    tokio::time::sleep(Duration::from_millis(20)).await;
    let recorded = store.record_turn("bob", "new", &turn(a, "q"), kept).await;
    recorded.expect("recorded");
    assert_eq!(ids(&store, "ann").await, [""; 0]);
    assert_eq!(ids(&store, "bob").await, ["new"]);
}

async fn turns_that_end_at_once_are_all_there(place: Place) {
    let store = place.open();
    let a = connection(&store).await;
    let all = (0..12).map(|n| {
        let store = if n % 2 == 0 {
            store.clone()
        } else {
            place.open()
        };
        tokio::spawn(async move { record(&store, "", "c", a, &n.to_string()).await })
    });
    for one in all.collect::<Vec<_>>() {
        one.await.expect("recorded");
    }
    let mut found = questions(&store, "", "c").await;
    found.sort_by_key(|text| text.parse::<u32>().unwrap_or(u32::MAX));
    let expected: Vec<String> = (0..12).map(|n: i32| n.to_string()).collect();
    assert_eq!(found, expected);
}

async fn a_deleted_connection_takes_its_turns_and_their_titles_along(place: Place) {
    let store = place.open();
    let (a, b) = (connection(&store).await, connection(&store).await);
    record(&store, "", "only", a, "of a").await;
    record(&store, "", "mixed", a, "of a").await;
    record(&store, "", "mixed", b, "of b").await;
    record(&store, "", "named", a, "of a").await;
    record(&store, "", "named", b, "of b").await;
    let renamed = store.rename_conversation("", "named", "chosen").await;
    assert_eq!(renamed, Ok(true));
    record(&store, "", "other", b, "of b").await;
    assert_eq!(store.delete_connection(a, true).await, Ok(true));
    let rows = store.conversations("", None, 10).await.expect("read");
    let left: Vec<(&str, &str, u64)> = rows
        .iter()
        .map(|row| (row.id.as_str(), row.title.as_str(), row.turns))
        .collect();
    assert_eq!(
        left,
        [
            ("other", "of b", 1),
            ("named", "chosen", 1),
            ("mixed", "of b", 1)
        ]
    );
    assert_eq!(store.delete_connection(b, false).await, Ok(true));
    assert_eq!(ids(&store, "").await, [""; 0]);
}

async fn nothing_is_recorded_for_a_connection_that_is_gone(place: Place) {
    let store = place.open();
    let gone = Uuid::from_u128(7);
    let refused = store.record_turn("", "c", &turn(gone, "q"), KEPT).await;
    assert_eq!(refused, Err(StoreError::ConnectionMissing { id: gone }));
    assert_eq!(ids(&store, "").await, [""; 0]);
    // The environment's has no row.
    let new = NewTurn {
        needs_row: false,
        ..turn(gone, "q")
    };
    assert_eq!(store.record_turn("", "c", &new, KEPT).await, Ok(()));
    assert_eq!(ids(&store, "").await, ["c"]);
}

async fn a_new_title_stays(place: Place) {
    let store = place.open();
    let a = connection(&store).await;
    record(&store, "", "c", a, "one").await;
    let renamed = store.rename_conversation("", "c", "chosen 'x'").await;
    assert_eq!(renamed, Ok(true));
    record(&store, "", "c", a, "two").await;
    let found = store.conversation("", "c").await.expect("read");
    assert_eq!(found.expect("there").title, "chosen 'x'");
    assert_eq!(store.rename_conversation("", "d", "x").await, Ok(false));
}
