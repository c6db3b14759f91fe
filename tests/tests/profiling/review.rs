//! Proposals become DataPoints of their connection alone, once, and all of a bulk or none.

use anyhow::{Context, Result};
use datachat_tests::stage::stage;
use datachat_tests::{Client, ServerOptions, TestServer};
use serde_json::{Value, json};

use crate::jobs::{DATAPOINTS, PENDING, datapoint_ids, generated, of, pending, profiled, stored};

/// A server with two connections of the same tables, and the proposals of the first.
struct Scene {
    server: TestServer,
    one: String,
    two: String,
    profile: String,
}

impl Scene {
    async fn start(name: &str) -> Result<Self> {
        let stage = stage().await?;
        let server = TestServer::start(ServerOptions::new(name)).await?;
        let one = server
            .register("one", &stage.postgres.superuser_url("alpha"))
            .await?;
        let two = server
            .register("two", &stage.postgres.superuser_url("beta"))
            .await?;
        let profile = profiled(server.client(), &one, &json!({})).await?;
        generated(server.client(), &profile, json!({})).await?;
        Ok(Self {
            server,
            one,
            two,
            profile,
        })
    }

    fn client(&self) -> &Client {
        self.server.client()
    }
}

fn path(proposal: &Value, what: &str) -> Result<String> {
    let id = proposal["pending_id"].as_str().context("an id")?;
    Ok(format!("{PENDING}/{id}/{what}"))
}

#[tokio::test]
async fn an_approved_proposal_is_a_managed_datapoint_of_its_connection_and_reviewed_once()
-> Result<()> {
    let scene = Scene::start("review-approve").await?;
    let client = scene.client();
    let proposals = pending(client, "").await?;
    assert_eq!(
        datapoint_ids(&proposals),
        [
            "metric_public_orders_average_price",
            "table_public_orders",
            "table_public_whoami"
        ]
    );
    assert_eq!(
        stored(client, &scene.one).await?,
        [""; 0],
        "a proposal is none yet"
    );
    let orders = of(&proposals, "table_public_orders")?;
    let approve = path(orders, "approve")?;
    let approved = client
        .post(&approve, &json!({"review_note": "fine"}))
        .await?
        .expect(200)?;
    assert_eq!(
        (&approved["status"], &approved["review_note"]),
        (&json!("approved"), &json!("fine"))
    );
    let id = &scene.one;
    let point = client
        .get(&format!(
            "{DATAPOINTS}/table_public_orders?connection_id={id}"
        ))
        .await?
        .expect(200)?;
    assert_eq!(point, approved["datapoint"]);
    let lifecycle = &point["metadata"]["lifecycle"];
    assert_eq!(
        [
            &lifecycle["version"],
            &lifecycle["changed_by"],
            &lifecycle["changed_reason"]
        ],
        [&json!("1.0.0"), &json!("api"), &json!("created")]
    );
    let list = client
        .get(&format!("{DATAPOINTS}?connection_id={id}"))
        .await?
        .expect(200)?;
    let entry = &list["datapoints"][0];
    assert_eq!(
        [
            &entry["source_tier"],
            &entry["source_path"],
            &entry["scope"]
        ],
        [&json!("managed"), &Value::Null, &json!("connection")]
    );
    for what in ["approve", "reject"] {
        let again = client.post(&path(orders, what)?, &json!({})).await?;
        let problem = again.problem(409, "already_reviewed")?;
        assert_eq!(problem["pending_id"], orders["pending_id"]);
    }
    let approved = pending(client, "status_filter=approved").await?;
    assert_eq!(datapoint_ids(&approved), ["table_public_orders"]);
    let nobody = "00000000-0000-4000-8000-000000000001";
    let unknown = client
        .post(&format!("{PENDING}/{nobody}/approve"), &json!({}))
        .await?;
    unknown.problem(404, "pending_not_found")?;
    Ok(())
}

#[tokio::test]
async fn an_edit_is_judged_like_any_datapoint_and_never_leaves_its_connection() -> Result<()> {
    let scene = Scene::start("review-edit").await?;
    let client = scene.client();
    let proposals = pending(client, "").await?;
    let orders = of(&proposals, "table_public_orders")?;
    let approve = path(orders, "approve")?;
    let mut edited = orders["datapoint"].clone();
    edited["business_purpose"] = json!("short");
    let refused = client.post(&approve, &json!({"datapoint": edited})).await?;
    let problem = refused.problem(422, "validation_failed")?;
    assert_eq!(problem["field"], "datapoint.business_purpose");
    edited["business_purpose"] = json!("Every order, as a person says it");
    edited["metadata"]["grain"] = json!("");
    let refused = client.post(&approve, &json!({"datapoint": edited})).await?;
    let problem = refused.problem(400, "contract_failed")?;
    assert_eq!(problem["contract_errors"][0]["code"], "missing_grain");
    let refused = client.post(&approve, &json!({"note": "x"})).await?;
    refused.problem(422, "unknown_field")?;

    edited["metadata"]["grain"] = json!("one order");
    for (name, value) in [
        ("scope", json!("global")),
        ("shared", json!(true)),
        ("connection_id", json!(scene.two)),
    ] {
        edited["metadata"][name] = value;
    }
    let approved = client
        .post(&approve, &json!({"datapoint": edited}))
        .await?
        .expect(200)?;
    let point = &approved["datapoint"];
    assert_eq!(
        point["business_purpose"],
        "Every order, as a person says it"
    );
    assert_eq!(point["metadata"]["connection_id"], scene.one);
    assert_eq!(point["metadata"]["scope"], Value::Null);
    assert_eq!(stored(client, &scene.one).await?, ["table_public_orders"]);
    assert_eq!(stored(client, &scene.two).await?, [""; 0]);
    let global = client
        .get(&format!("{DATAPOINTS}?scope=global"))
        .await?
        .expect(200)?;
    assert_eq!(global["datapoints"], json!([]));
    Ok(())
}

#[tokio::test]
async fn a_rejected_proposal_keeps_its_note_and_can_be_proposed_again() -> Result<()> {
    let scene = Scene::start("review-reject").await?;
    let client = scene.client();
    let proposals = pending(client, "").await?;
    let whoami = of(&proposals, "table_public_whoami")?;
    let rejected = client
        .post(
            &path(whoami, "reject")?,
            &json!({"review_note": "a test's"}),
        )
        .await?
        .expect(200)?;
    assert_eq!(
        (&rejected["status"], &rejected["review_note"]),
        (&json!("rejected"), &json!("a test's"))
    );
    assert_eq!(stored(client, &scene.one).await?, [""; 0]);
    assert_eq!(pending(client, "").await?.len(), 2);
    generated(client, &scene.profile, json!({})).await?;
    assert_eq!(pending(client, "").await?.len(), 3);
    assert_eq!(pending(client, "status_filter=all").await?.len(), 4);
    Ok(())
}

#[tokio::test]
async fn what_waits_is_replaced_or_kept_as_the_request_says() -> Result<()> {
    let scene = Scene::start("review-replace").await?;
    let client = scene.client();
    let ids = |proposals: &[Value]| -> Vec<Value> {
        proposals
            .iter()
            .map(|proposal| proposal["pending_id"].clone())
            .collect()
    };
    let first = ids(&pending(client, "").await?);
    generated(client, &scene.profile, json!({"replace_existing": false})).await?;
    assert_eq!(ids(&pending(client, "").await?), first);
    generated(client, &scene.profile, json!({"tables": ["whoami"]})).await?;
    let second = ids(&pending(client, "").await?);
    assert_eq!(second.len(), 3);
    assert_eq!(second.iter().filter(|id| first.contains(id)).count(), 2);
    Ok(())
}

#[tokio::test]
async fn a_bulk_approves_all_of_a_connection_or_none() -> Result<()> {
    let scene = Scene::start("review-bulk").await?;
    let client = scene.client();
    let profile = profiled(client, &scene.two, &json!({})).await?;
    generated(client, &profile, json!({"depth": "schema_only"})).await?;
    let bulk = |connection: &str| format!("{PENDING}/bulk-approve?connection_id={connection}");

    // One of them exists already, so none is written.
    let proposals = pending(client, &format!("connection_id={}", scene.one)).await?;
    let whoami = &of(&proposals, "table_public_whoami")?["datapoint"];
    client.post(DATAPOINTS, whoami).await?.expect(201)?;
    let refused = client.post(&bulk(&scene.one), &json!({})).await?;
    let problem = refused.problem(409, "datapoint_exists")?;
    let detail = problem["detail"].as_str().context("text")?;
    assert!(detail.contains("table_public_whoami"), "{detail}");
    assert_eq!(stored(client, &scene.one).await?, ["table_public_whoami"]);
    assert_eq!(
        pending(client, &format!("connection_id={}", scene.one)).await?,
        proposals
    );

    let path = format!(
        "{DATAPOINTS}/table_public_whoami?connection_id={}",
        scene.one
    );
    client.delete(&path).await?.expect(204)?;
    let approved = client
        .post(&bulk(&scene.one), &json!({}))
        .await?
        .expect(200)?;
    assert_eq!(approved["approved_count"], 3);
    assert_eq!(
        stored(client, &scene.one).await?,
        [
            "metric_public_orders_average_price",
            "table_public_orders",
            "table_public_whoami"
        ]
    );
    assert_eq!(
        stored(client, &scene.two).await?,
        [""; 0],
        "another's wait on"
    );
    // The same ids live side by side.
    let approved = client
        .post(&format!("{PENDING}/bulk-approve"), &json!({}))
        .await?
        .expect(200)?;
    assert_eq!(approved["approved_count"], 2);
    assert_eq!(
        stored(client, &scene.two).await?,
        ["table_public_orders", "table_public_whoami"]
    );
    let nothing = client
        .post(&bulk(&scene.one), &json!({}))
        .await?
        .expect(200)?;
    assert_eq!(nothing, json!({"approved_count": 0, "pending": []}));
    Ok(())
}

#[tokio::test]
async fn a_list_comes_in_pages() -> Result<()> {
    let scene = Scene::start("review-pages").await?;
    let client = scene.client();
    let all = pending(client, "").await?;
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = client
            .get(&format!("{PENDING}?limit=2&cursor={cursor}"))
            .await?
            .expect(200)?;
        seen.extend(page["pending"].as_array().context("a list")?.clone());
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    assert_eq!(seen, all);
    Ok(())
}
