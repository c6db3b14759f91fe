//! Claims about DataPoints, scopes and sync jobs, on either kind of database.

use super::*;

on_both! {
    a_datapoint_comes_back_as_it_was_stored
    one_id_lives_side_by_side_in_many_scopes
    a_scopes_revision_grows_with_every_change_and_no_others
    a_list_is_filtered_and_paged
    a_search_takes_signs_for_what_they_are
    a_vector_stays_with_its_content
    a_change_of_an_older_revision_changes_nothing
    a_change_of_many_rows_is_one
    a_deleted_connection_takes_its_datapoints_along_unless_they_are_kept
    nothing_is_written_for_a_connection_that_is_gone
    of_two_syncs_of_one_scope_one_runs
    a_sync_whose_process_is_gone_is_interrupted_and_writes_nothing
    a_sync_changes_every_scope_or_none
    old_jobs_are_forgotten
}

fn global() -> ScopeRef {
    ScopeRef {
        key: "global".to_owned(),
        connection_id: None,
        needs_row: false,
    }
}

fn of(connection: Uuid) -> ScopeRef {
    ScopeRef {
        key: format!("connection:{connection}"),
        connection_id: Some(connection),
        needs_row: true,
    }
}

fn new(id: &str, content: &str) -> NewDatapoint {
    NewDatapoint {
        datapoint_id: id.to_owned(),
        kind: "Schema".to_owned(),
        name: format!("The {id} \u{1F600} 'x' \\"),
        body: format!("{{\"a\":\"{content}\\u0000\"}}"),
        content_hash: content.to_owned(),
        search_text: format!("{id}\nthe {id}"),
        source_tier: "user".to_owned(),
        source_path: Some(format!("ä/{id}.json")),
        origin: Origin::File,
    }
}

async fn connection(store: &Store) -> Uuid {
    let row = row(&Uuid::new_v4().to_string(), 1);
    store.insert_connection(&row).await.expect("stored");
    row.id
}

async fn ids(store: &Store, scope: &ScopeRef) -> Vec<String> {
    let snapshot = store.scope(&scope.key).await.expect("read");
    let rows = snapshot.rows.into_iter();
    rows.map(|(row, _)| row.datapoint_id).collect()
}

async fn a_datapoint_comes_back_as_it_was_stored(place: Place) {
    let store = place.open();
    let scope = of(connection(&store).await);
    let stored = new("t_a", "one");
    store
        .insert_datapoint(&scope, &stored)
        .await
        .expect("stored");
    let other = place.open();
    let snapshot = other.scope(&scope.key).await.expect("read");
    assert_eq!(snapshot.revision, 1);
    let (found, vector) = &snapshot.rows[0];
    assert_eq!(vector, &None);
    assert_eq!(found.scope, scope.key);
    assert_eq!(found.connection_id, scope.connection_id);
    assert_eq!(
        (
            &found.datapoint_id,
            &found.kind,
            &found.name,
            &found.body,
            &found.content_hash
        ),
        (
            &stored.datapoint_id,
            &stored.kind,
            &stored.name,
            &stored.body,
            &stored.content_hash
        )
    );
    assert_eq!(
        (
            &found.source_tier,
            &found.source_path,
            found.origin,
            found.revision
        ),
        (&stored.source_tier, &stored.source_path, Origin::File, 1)
    );
    let again = store.insert_datapoint(&scope, &stored).await;
    assert_eq!(again, Err(StoreError::DatapointExists));
    let changed = NewDatapoint {
        origin: Origin::Api,
        source_path: None,
        ..new("t_a", "two")
    };
    assert_eq!(store.replace_datapoint(&scope, 1, &changed).await, Ok(true));
    let stale = store.replace_datapoint(&scope, 1, &changed).await;
    assert_eq!(stale, Err(StoreError::Changed));
    let (after, _) = &other.scope(&scope.key).await.expect("read").rows[0];
    assert_eq!(
        (after.revision, after.origin, &after.source_path),
        (2, Origin::Api, &None)
    );
    assert_eq!(after.created_at, found.created_at);
    assert!(after.updated_at >= found.updated_at);
    let missing = store.replace_datapoint(&scope, 2, &new("t_b", "x")).await;
    assert_eq!(missing, Ok(false));
}

async fn one_id_lives_side_by_side_in_many_scopes(place: Place) {
    let store = place.open();
    let scopes = [
        of(connection(&store).await),
        of(connection(&store).await),
        global(),
    ];
    for (at, scope) in scopes.iter().enumerate() {
        let own = new("t_orders", &at.to_string());
        store.insert_datapoint(scope, &own).await.expect("stored");
    }
    let changed = new("t_orders", "changed");
    assert_eq!(
        store.replace_datapoint(&scopes[0], 1, &changed).await,
        Ok(true)
    );
    assert_eq!(
        store.delete_datapoint(&scopes[1].key, "t_orders").await,
        Ok(true)
    );
    assert_eq!(
        store.delete_datapoint(&scopes[1].key, "t_orders").await,
        Ok(false)
    );
    let filter = DatapointFilter {
        datapoint_id: Some("t_orders".to_owned()),
        ..DatapointFilter::default()
    };
    let found = store.datapoints(&filter, None, 10).await.expect("read");
    let mut hashes: Vec<_> = found.iter().map(|row| row.content_hash.as_str()).collect();
    hashes.sort_unstable();
    assert_eq!(hashes, ["2", "changed"]);
}

async fn a_scopes_revision_grows_with_every_change_and_no_others(place: Place) {
    let store = place.open();
    let (a, b) = (of(connection(&store).await), global());
    assert_eq!(store.scope(&a.key).await.expect("read").revision, 0);
    store
        .insert_datapoint(&a, &new("t_a", "1"))
        .await
        .expect("stored");
    store
        .insert_datapoint(&b, &new("t_a", "1"))
        .await
        .expect("stored");
    store
        .insert_datapoint(&a, &new("t_b", "1"))
        .await
        .expect("stored");
    store
        .delete_datapoint(&a.key, "t_a")
        .await
        .expect("deleted");
    store
        .delete_datapoint(&a.key, "t_b")
        .await
        .expect("deleted");
    let revisions = store.scope_versions().await.expect("read");
    assert_eq!(
        (revisions[&a.key].revision, revisions[&b.key].revision),
        (4, 1)
    );
    let empty = store.scope(&a.key).await.expect("read");
    assert_eq!((empty.revision, empty.rows.len()), (4, 0));
    assert!(store.has_datapoints().await.expect("read"));
}

async fn a_list_is_filtered_and_paged(place: Place) {
    let store = place.open();
    let (one, two) = (connection(&store).await, connection(&store).await);
    for (scope, id, kind) in [
        (of(one), "t_a", "Schema"),
        (of(one), "m_b", "Business"),
        (of(two), "t_a", "Schema"),
        (global(), "t_a", "Schema"),
        (global(), "q_c", "Query"),
    ] {
        let row = NewDatapoint {
            kind: kind.to_owned(),
            ..new(id, "x")
        };
        store.insert_datapoint(&scope, &row).await.expect("stored");
    }
    let count = async |filter: DatapointFilter| {
        store
            .datapoints(&filter, None, 100)
            .await
            .expect("read")
            .len()
    };
    let none = DatapointFilter::default;
    assert_eq!(count(none()).await, 5);
    let of_one = DatapointFilter {
        connection_id: Some(one),
        ..none()
    };
    assert_eq!(count(of_one.clone()).await, 2);
    let tables_of_one = DatapointFilter {
        kind: Some("Schema".to_owned()),
        ..of_one
    };
    assert_eq!(count(tables_of_one).await, 1);
    let shared = DatapointFilter {
        scope: Some("global".to_owned()),
        ..none()
    };
    assert_eq!(count(shared).await, 2);
    let of_connections = DatapointFilter {
        of_connections: true,
        ..none()
    };
    assert_eq!(count(of_connections).await, 3);
    let mut seen = Vec::new();
    let mut after: Option<DatapointPlace> = None;
    loop {
        let page = store
            .datapoints(&none(), after.as_ref(), 2)
            .await
            .expect("read");
        let Some(last) = page.last() else { break };
        after = Some((last.datapoint_id.clone(), last.scope.clone()));
        seen.extend(page.into_iter().map(|row| (row.datapoint_id, row.scope)));
    }
    let mut sorted = seen.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(seen.len(), 5);
    assert_eq!(sorted.len(), 5, "each once");
}

async fn a_search_takes_signs_for_what_they_are(place: Place) {
    let store = place.open();
    for (id, text) in [
        ("t_a", "50% größe\\"),
        ("t_b", "505 groesse"),
        ("t_c", "under_score"),
    ] {
        let row = NewDatapoint {
            search_text: text.to_owned(),
            ..new(id, "x")
        };
        store
            .insert_datapoint(&global(), &row)
            .await
            .expect("stored");
    }
    for (text, expected) in [
        ("50%", vec!["t_a"]),
        ("50", vec!["t_a", "t_b"]),
        ("GRÖSSE", vec![]),
        ("GRÖßE", vec!["t_a"]),
        ("\\", vec!["t_a"]),
        ("r_s", vec!["t_c"]),
    ] {
        let filter = DatapointFilter {
            text: Some(text.to_owned()),
            ..DatapointFilter::default()
        };
        let found = store.datapoints(&filter, None, 10).await.expect("read");
        let ids: Vec<_> = found.iter().map(|row| row.datapoint_id.as_str()).collect();
        assert_eq!(ids, expected, "{text}");
    }
}

async fn a_vector_stays_with_its_content(place: Place) {
    let store = place.open();
    let scope = global();
    for id in ["t_a", "t_b"] {
        store
            .insert_datapoint(&scope, &new(id, "one"))
            .await
            .expect("stored");
    }
    let vector = |id: &str, content: &str| NewEmbedding {
        datapoint_id: id.to_owned(),
        content_hash: content.to_owned(),
        vector: vec![0, 1, 255],
    };
    let vectors = [
        vector("t_a", "one"),
        vector("t_b", "another"),
        vector("t_c", "one"),
    ];
    let kept = store.keep_embeddings(&scope.key, "m1", &vectors).await;
    assert_eq!(kept, Ok(1));
    let embeddings = async || -> Vec<Option<Embedding>> {
        let snapshot = store.scope(&scope.key).await.expect("read");
        snapshot
            .rows
            .into_iter()
            .map(|(_, vector)| vector)
            .collect()
    };
    let expected = Embedding {
        embedder: "m1".to_owned(),
        vector: vec![0, 1, 255],
    };
    assert_eq!(embeddings().await, [Some(expected.clone()), None]);
    let revision = store.scope(&scope.key).await.expect("read").rows[0]
        .0
        .revision;
    let renamed = NewDatapoint {
        name: "Renamed".to_owned(),
        ..new("t_a", "one")
    };
    store
        .replace_datapoint(&scope, revision, &renamed)
        .await
        .expect("changed");
    assert_eq!(embeddings().await, [Some(expected), None]);
    let revision = store.scope(&scope.key).await.expect("read").rows[0]
        .0
        .revision;
    store
        .replace_datapoint(&scope, revision, &new("t_a", "two"))
        .await
        .expect("changed");
    assert_eq!(embeddings().await, [None, None]);
}

/// A job that runs, for its changes.
async fn started(store: &Store, claim: Option<&str>) -> Uuid {
    let new = job(claim);
    store.start_sync(&new, false).await.expect("started");
    new.id
}

fn job(claim: Option<&str>) -> NewSyncJob {
    NewSyncJob {
        id: Uuid::new_v4(),
        owner: Uuid::new_v4(),
        sync_type: "full",
        scope: "auto",
        connection_id: None,
        claim: claim.map(str::to_owned),
    }
}

fn change(
    scope: &ScopeRef,
    base_revision: i64,
    write: &[NewDatapoint],
    delete: &[&str],
) -> ScopeChange {
    ScopeChange {
        scope: scope.clone(),
        base_revision,
        write: write.to_vec(),
        delete: delete.iter().map(|id| (*id).to_owned()).collect(),
    }
}

async fn complete(store: &Store, id: Uuid, changes: &[ScopeChange]) -> Result<(), StoreError> {
    store
        .complete_sync(id, changes, JobProgress::default(), "{}")
        .await
}

async fn a_change_of_an_older_revision_changes_nothing(place: Place) {
    let store = place.open();
    store
        .insert_datapoint(&global(), &new("t_a", "1"))
        .await
        .expect("stored");
    let id = started(&store, None).await;
    let stale = change(&global(), 0, &[new("t_b", "1")], &["t_a"]);
    assert_eq!(
        complete(&store, id, &[stale]).await,
        Err(StoreError::Changed)
    );
    assert_eq!(ids(&store, &global()).await, ["t_a"]);
    let job = store
        .sync_job(Some(id))
        .await
        .expect("read")
        .expect("there");
    assert_eq!(job.status, JobStatus::Running);
    let right = change(&global(), 1, &[new("t_b", "1")], &["t_a"]);
    assert_eq!(complete(&store, id, &[right]).await, Ok(()));
    assert_eq!(ids(&store, &global()).await, ["t_b"]);
}

async fn a_change_of_many_rows_is_one(place: Place) {
    let store = place.open();
    let many: Vec<NewDatapoint> = (0..1_203).map(|n| new(&format!("t_{n:05}"), "1")).collect();
    let id = started(&store, None).await;
    complete(&store, id, &[change(&global(), 0, &many, &[])])
        .await
        .expect("written");
    assert_eq!(ids(&store, &global()).await.len(), 1_203);
    assert_eq!(store.scope("global").await.expect("read").revision, 1);
    let gone: Vec<&str> = many[1..]
        .iter()
        .map(|row| row.datapoint_id.as_str())
        .collect();
    let id = started(&store, None).await;
    complete(&store, id, &[change(&global(), 1, &[], &gone)])
        .await
        .expect("written");
    assert_eq!(ids(&store, &global()).await, ["t_00000"]);
}

async fn a_deleted_connection_takes_its_datapoints_along_unless_they_are_kept(place: Place) {
    let store = place.open();
    let (gone, kept) = (connection(&store).await, connection(&store).await);
    for scope in [of(gone), of(kept), global()] {
        store
            .insert_datapoint(&scope, &new("t_a", "1"))
            .await
            .expect("stored");
    }
    let counts = store.datapoint_counts().await.expect("read");
    assert_eq!((counts.len(), counts[&gone], counts[&kept]), (2, 1, 1));
    assert_eq!(store.delete_connection(gone, false).await, Ok(true));
    assert_eq!(store.delete_connection(kept, true).await, Ok(true));
    assert_eq!(ids(&store, &of(gone)).await, Vec::<String>::new());
    assert_eq!(ids(&store, &of(kept)).await, ["t_a"]);
    assert_eq!(ids(&store, &global()).await, ["t_a"]);
    let revisions = store.scope_versions().await.expect("read");
    assert_eq!(
        revisions[&of(gone).key].revision,
        2,
        "others see that it is gone"
    );
}

async fn nothing_is_written_for_a_connection_that_is_gone(place: Place) {
    let store = place.open();
    let id = Uuid::new_v4();
    let missing = StoreError::ConnectionMissing { id };
    let insert = store.insert_datapoint(&of(id), &new("t_a", "1")).await;
    assert_eq!(insert, Err(missing.clone()));
    let job = NewSyncJob {
        connection_id: Some(id),
        ..job(None)
    };
    assert_eq!(store.start_sync(&job, true).await, Err(missing.clone()));
    let running = started(&store, None).await;
    let changes = [
        change(&global(), 0, &[new("t_a", "1")], &[]),
        change(&of(id), 0, &[new("t_a", "1")], &[]),
    ];
    assert_eq!(complete(&store, running, &changes).await, Err(missing));
    assert!(!store.has_datapoints().await.expect("read"));
}

async fn of_two_syncs_of_one_scope_one_runs(place: Place) {
    let servers = [place.open(), place.open()];
    let running = started(&servers[0], Some("a")).await;
    let busy = Err(StoreError::SyncRunning { job: running });
    assert_eq!(servers[1].start_sync(&job(Some("a")), false).await, busy);
    assert_eq!(
        servers[1].start_sync(&job(None), false).await,
        busy,
        "all includes one"
    );
    let other = started(&servers[1], Some("b")).await;
    complete(&servers[0], running, &[])
        .await
        .expect("completed");
    let failed = servers[1]
        .end_sync(other, JobStatus::Failed, JobProgress::default(), "no", "{}")
        .await;
    assert_eq!(failed, Ok(()));
    let everything = started(&servers[0], None).await;
    let busy = Err(StoreError::SyncRunning { job: everything });
    assert_eq!(servers[1].start_sync(&job(Some("a")), false).await, busy);
    let job = servers[1]
        .sync_job(Some(other))
        .await
        .expect("read")
        .expect("there");
    assert_eq!(
        (job.status, job.error.as_deref()),
        (JobStatus::Failed, Some("no"))
    );
    let latest = servers[1]
        .sync_job(None)
        .await
        .expect("read")
        .expect("there");
    assert_eq!(latest.id, everything);
}

async fn a_sync_whose_process_is_gone_is_interrupted_and_writes_nothing(place: Place) {
    let slow = place.open();
    let quick = Limits {
        sync_lease_ms: 1_000,
        ..limits()
    };
    let other = Store::open(&place.location, &quick).expect("a location");
    let id = started(&slow, None).await;
    let progress = JobProgress {
        total: 7,
        processed: 3,
        skipped: 1,
    };
    assert_eq!(slow.beat_sync(id, progress).await, Ok(true));
    let job = other.sync_job(None).await.expect("read").expect("there");
    assert_eq!((job.status, job.progress), (JobStatus::Running, progress));
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    let job = other.sync_job(None).await.expect("read").expect("there");
    assert_eq!(job.status, JobStatus::Interrupted);
    assert!(job.finished_at.is_some());
    assert_eq!(slow.beat_sync(id, progress).await, Ok(false));
    let late = change(&global(), 0, &[new("t_a", "1")], &[]);
    assert_eq!(
        complete(&slow, id, &[late]).await,
        Err(StoreError::JobInterrupted)
    );
    assert!(!slow.has_datapoints().await.expect("read"));
    started(&other, None).await;
}

async fn a_sync_changes_every_scope_or_none(place: Place) {
    let store = place.open();
    let a = of(connection(&store).await);
    store
        .insert_datapoint(&global(), &new("t_a", "1"))
        .await
        .expect("stored");
    let id = started(&store, None).await;
    let changes = [
        change(&a, 0, &[new("t_b", "1")], &[]),
        change(&global(), 99, &[new("t_b", "1")], &["t_a"]),
    ];
    assert_eq!(
        complete(&store, id, &changes).await,
        Err(StoreError::Changed)
    );
    assert_eq!(ids(&store, &a).await, Vec::<String>::new());
    assert_eq!(ids(&store, &global()).await, ["t_a"]);
}

async fn old_jobs_are_forgotten(place: Place) {
    let store = place.open();
    let first = started(&store, None).await;
    complete(&store, first, &[]).await.expect("completed");
    for _ in 0..101 {
        let id = started(&store, None).await;
        complete(&store, id, &[]).await.expect("completed");
    }
    assert_eq!(store.sync_job(Some(first)).await, Ok(None));
}
