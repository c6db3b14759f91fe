//! Claims about profiles, proposals and their jobs, on either kind of database.

use super::*;

on_both! {
    a_profile_is_there_when_its_job_is_completed_and_not_before
    a_job_whose_process_is_gone_is_interrupted_and_stores_nothing
    of_a_connection_only_the_latest_profiles_are_kept
    proposals_replace_or_keep_what_waits_already
    of_two_reviews_at_once_one_counts
    approvals_become_datapoints_all_or_none
    a_deleted_connection_takes_its_profiles_and_proposals_along
    nothing_is_profiled_for_a_connection_that_is_gone
}

const DONE: Counts = Counts {
    total: 2,
    completed: 1,
    failed: 0,
    skipped: 1,
};

async fn connection(store: &Store) -> Uuid {
    let row = row(&Uuid::new_v4().to_string(), 1);
    store.insert_connection(&row).await.expect("stored");
    row.id
}

fn scope(connection: Uuid) -> ScopeRef {
    ScopeRef {
        key: format!("connection:{connection}"),
        connection_id: Some(connection),
        needs_row: true,
    }
}

async fn job(store: &Store, kind: JobKind, connection: Uuid) -> Uuid {
    let new = NewJob {
        id: Uuid::new_v4(),
        kind,
        owner: Uuid::new_v4(),
        connection_id: connection,
        needs_row: true,
        profile_id: None,
        request: "{}".to_owned(),
    };
    store.start_job(&new).await.expect("started");
    new.id
}

async fn profile(store: &Store, connection: Uuid, kept: i64) -> Uuid {
    let job = job(store, JobKind::Profile, connection).await;
    let id = Uuid::new_v4();
    let tables = ["{\"a\":1}".to_owned(), "{\"b\":2}".to_owned()];
    store
        .complete_profile(job, id, &scope(connection), &tables, DONE, kept)
        .await
        .expect("stored");
    id
}

fn proposal(datapoint: &str) -> NewProposal {
    NewProposal {
        id: Uuid::new_v4(),
        datapoint_id: datapoint.to_owned(),
        body: format!("{{\"datapoint_id\":\"{datapoint}\"}}"),
        confidence: 600,
    }
}

async fn propose(store: &Store, connection: Uuid, names: &[&str], replace: bool) -> Vec<Uuid> {
    let job = job(store, JobKind::Generate, connection).await;
    let new: Vec<NewProposal> = names.iter().map(|name| proposal(name)).collect();
    store
        .complete_generation(job, Uuid::new_v4(), &scope(connection), &new, replace, DONE)
        .await
        .expect("stored");
    new.into_iter().map(|new| new.id).collect()
}

async fn waiting(store: &Store) -> Vec<Uuid> {
    let status = Some(ProposalStatus::Pending);
    let rows = store.proposals(status, None, None, 100).await;
    rows.expect("read").into_iter().map(|row| row.id).collect()
}

fn approval(id: Uuid, connection: Uuid, datapoint: &str) -> Approval {
    Approval {
        id,
        note: Some("fine".to_owned()),
        scope: scope(connection),
        datapoint: NewDatapoint {
            datapoint_id: datapoint.to_owned(),
            kind: "Schema".to_owned(),
            name: datapoint.to_owned(),
            body: "{\"approved\":true}".to_owned(),
            content_hash: "hash".to_owned(),
            search_text: datapoint.to_owned(),
            source_tier: "managed".to_owned(),
            source_path: None,
            origin: Origin::Approval,
        },
    }
}

async fn stored(store: &Store, connection: Uuid) -> Vec<String> {
    let snapshot = store.scope(&scope(connection).key).await.expect("read");
    let rows = snapshot.rows.into_iter();
    rows.map(|(row, _)| row.datapoint_id).collect()
}

async fn a_profile_is_there_when_its_job_is_completed_and_not_before(place: Place) {
    let store = place.open();
    let connection = connection(&store).await;
    let id = job(&store, JobKind::Profile, connection).await;
    let waits = store
        .job(JobKind::Profile, id)
        .await
        .expect("read")
        .expect("there");
    assert_eq!((waits.status, waits.profile_id), (JobStatus::Pending, None));
    assert_eq!(
        store.job(JobKind::Generate, id).await.expect("read"),
        None,
        "another kind"
    );
    let counts = Counts {
        total: 7,
        ..Counts::default()
    };
    assert!(
        store
            .beat_job(id, JobStatus::Running, counts)
            .await
            .expect("beaten")
    );
    let runs = store
        .job(JobKind::Profile, id)
        .await
        .expect("read")
        .expect("there");
    assert_eq!((runs.status, runs.counts), (JobStatus::Running, counts));
    let profile = Uuid::new_v4();
    let tables = ["{\"n\":0}".to_owned(), "{\"n\":1}".to_owned()];
    store
        .complete_profile(id, profile, &scope(connection), &tables, DONE, 10)
        .await
        .expect("stored");
    let other = place.open();
    let latest = other
        .latest_job(JobKind::Profile, LatestJob::OfConnection(connection))
        .await
        .expect("read")
        .expect("there");
    assert_eq!(
        (latest.id, latest.status, latest.profile_id, latest.counts),
        (id, JobStatus::Completed, Some(profile), DONE)
    );
    assert_eq!(other.profile_tables(profile).await.expect("read"), tables);
    let row = other.profile(profile).await.expect("read").expect("there");
    assert_eq!(row.connection_id, connection);
    let times = other.profile_times().await.expect("read");
    assert_eq!(times.get(&connection), Some(&row.created_at));
}

async fn a_job_whose_process_is_gone_is_interrupted_and_stores_nothing(place: Place) {
    let short = Limits {
        sync_lease_ms: 50,
        ..limits()
    };
    let store = Store::open(&place.location, &short).expect("a location");
    let connection = connection(&store).await;
    let id = job(&store, JobKind::Profile, connection).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let seen = store
        .job(JobKind::Profile, id)
        .await
        .expect("read")
        .expect("there");
    assert_eq!(seen.status, JobStatus::Interrupted);
    assert!(seen.error.is_some() && seen.finished_at.is_some());
    assert!(
        !store
            .beat_job(id, JobStatus::Running, DONE)
            .await
            .expect("asked")
    );
    let profile = Uuid::new_v4();
    let late = store
        .complete_profile(
            id,
            profile,
            &scope(connection),
            &["{}".to_owned()],
            DONE,
            10,
        )
        .await;
    assert_eq!(late, Err(StoreError::JobInterrupted));
    assert_eq!(store.profile(profile).await.expect("read"), None);
    assert_eq!(store.profile_tables(profile).await.expect("read"), [""; 0]);
}

async fn of_a_connection_only_the_latest_profiles_are_kept(place: Place) {
    let store = place.open();
    let (one, two) = (connection(&store).await, connection(&store).await);
    let other = profile(&store, two, 2).await;
    let mut made = Vec::new();
    for _ in 0..4 {
        made.push(profile(&store, one, 2).await);
    }
    for (at, id) in made.iter().enumerate() {
        let there = store.profile(*id).await.expect("read").is_some();
        let tables = store.profile_tables(*id).await.expect("read").len();
        assert_eq!(
            (there, tables),
            if at < 2 { (false, 0) } else { (true, 2) },
            "{at}"
        );
    }
    assert!(store.profile(other).await.expect("read").is_some());
}

async fn proposals_replace_or_keep_what_waits_already(place: Place) {
    let store = place.open();
    let (one, two) = (connection(&store).await, connection(&store).await);
    let first = propose(&store, one, &["t_a", "t_b"], true).await;
    let others = propose(&store, two, &["t_a"], true).await;
    propose(&store, one, &["t_a"], false).await;
    let mut expected = vec![first[0], others[0]];
    expected.sort();
    let mut now = waiting(&store).await;
    assert_eq!(now.pop(), Some(first[1]), "by the ids of DataPoints");
    now.sort();
    assert_eq!(now, expected, "the old one is kept");
    let new = propose(&store, one, &["t_a"], true).await;
    let now = waiting(&store).await;
    assert!(now.contains(&new[0]) && !now.contains(&first[0]));
    assert!(now.contains(&others[0]), "another connection's");
    store.reject_proposal(new[0], None).await.expect("rejected");
    propose(&store, one, &["t_a"], true).await;
    let all = store
        .proposals(None, Some(one), None, 100)
        .await
        .expect("read");
    assert_eq!(all.len(), 3, "what was reviewed stays");
    let page = store
        .proposals(None, Some(one), None, 1)
        .await
        .expect("read");
    let place = (page[0].datapoint_id.clone(), page[0].id);
    let rest = store
        .proposals(None, Some(one), Some(&place), 100)
        .await
        .expect("read");
    assert_eq!([page, rest].concat(), all);
}

async fn of_two_reviews_at_once_one_counts(place: Place) {
    let store = place.open();
    let connection = connection(&store).await;
    let id = propose(&store, connection, &["t_a"], true).await[0];
    let approvals = [approval(id, connection, "t_a")];
    let (approved, rejected) = tokio::join!(
        store.approve_proposals(&approvals),
        store.reject_proposal(id, Some("no"))
    );
    assert_eq!(
        usize::from(approved.is_ok()) + usize::from(rejected.is_ok()),
        1
    );
    let count = stored(&store, connection).await.len();
    assert_eq!(count, usize::from(approved.is_ok()));
    let late = store.reject_proposal(id, None).await;
    assert_eq!(late, Err(StoreError::ProposalReviewed { id }));
    let nobody = Uuid::new_v4();
    let missing = store.reject_proposal(nobody, None).await;
    assert_eq!(missing, Err(StoreError::ProposalMissing { id: nobody }));
}

async fn approvals_become_datapoints_all_or_none(place: Place) {
    let store = place.open();
    let (one, two) = (connection(&store).await, connection(&store).await);
    let of_one = propose(&store, one, &["t_a", "t_b"], true).await;
    let of_two = propose(&store, two, &["t_a"], true).await;
    let all = [
        approval(of_one[0], one, "t_a"),
        approval(of_one[1], one, "t_b"),
        approval(of_two[0], two, "t_a"),
    ];
    let mut twice = all.to_vec();
    twice[1].datapoint.datapoint_id = "t_a".to_owned();
    let exists = || {
        Err(StoreError::ProposalExists {
            id: "t_a".to_owned(),
        })
    };
    assert_eq!(
        store.approve_proposals(&twice).await,
        exists(),
        "two of one id"
    );
    store
        .insert_datapoint(&scope(two), &all[2].datapoint)
        .await
        .expect("stored");
    assert_eq!(store.approve_proposals(&all).await, exists(), "it is there");
    assert_eq!(stored(&store, one).await, [""; 0]);
    assert_eq!(waiting(&store).await.len(), 3);
    store
        .delete_datapoint(&scope(two).key, "t_a")
        .await
        .expect("deleted");
    store.approve_proposals(&all).await.expect("approved");
    assert_eq!(stored(&store, one).await, ["t_a", "t_b"]);
    assert_eq!(stored(&store, two).await, ["t_a"]);
    let row = store
        .proposal(of_one[0])
        .await
        .expect("read")
        .expect("there");
    assert_eq!(
        (row.status, row.body.as_str(), row.review_note.as_deref()),
        (
            ProposalStatus::Approved,
            "{\"approved\":true}",
            Some("fine")
        )
    );
    let again = store.approve_proposals(&all[..1]).await;
    assert_eq!(again, Err(StoreError::ProposalReviewed { id: of_one[0] }));
}

async fn a_deleted_connection_takes_its_profiles_and_proposals_along(place: Place) {
    let store = place.open();
    let (one, two) = (connection(&store).await, connection(&store).await);
    let (mine, theirs) = (profile(&store, one, 9).await, profile(&store, two, 9).await);
    propose(&store, one, &["t_a"], true).await;
    let kept = propose(&store, two, &["t_a"], true).await;
    assert!(store.delete_connection(one, true).await.expect("deleted"));
    assert_eq!(store.profile(mine).await.expect("read"), None);
    assert_eq!(store.profile_tables(mine).await.expect("read"), [""; 0]);
    assert!(store.profile(theirs).await.expect("read").is_some());
    let all = store.proposals(None, None, None, 100).await.expect("read");
    assert_eq!(all.into_iter().map(|row| row.id).collect::<Vec<_>>(), kept);
}

async fn nothing_is_profiled_for_a_connection_that_is_gone(place: Place) {
    let store = place.open();
    let id = connection(&store).await;
    let job = job(&store, JobKind::Profile, id).await;
    assert!(store.delete_connection(id, false).await.expect("deleted"));
    let profile = Uuid::new_v4();
    let late = store
        .complete_profile(job, profile, &scope(id), &["{}".to_owned()], DONE, 9)
        .await;
    assert_eq!(late, Err(StoreError::ConnectionMissing { id }));
    assert_eq!(store.profile(profile).await.expect("read"), None);
}
