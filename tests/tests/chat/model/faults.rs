//! A model that is down, slow, broken or hostile costs an honest warning and never a hang.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::json;

use super::scene::{KEY, Scene, warnings};
use datachat_tests::model::{Step, calls, end, fails, piece, says, send, stream, wait};

/// Little patience.
const HASTY: &[(&str, &str)] = &[
    ("DATACHAT_LLM_FIRST_BYTE_MS", "400"),
    ("DATACHAT_LLM_IDLE_MS", "300"),
    ("DATACHAT_LLM_TURN_MS", "3000"),
    ("DATACHAT_LLM_FAILURES", "100"),
    ("DATACHAT_LLM_CALLS", "3"),
];

#[tokio::test]
async fn whatever_a_model_does_wrong_the_answer_comes_in_time_and_says_so() -> Result<()> {
    let scene = Scene::start("model-faults", HASTY, false).await?;
    let busy = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 60\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let leak = format!("{{\"error\": {{\"message\": \"wrong key {KEY}\"}}}}");
    let faults: Vec<(&str, Vec<Step>, &str)> = vec![
        ("silent", vec![wait(10_000)], "silent"),
        (
            "stalled",
            vec![stream(), piece("{\"kind\""), wait(10_000)],
            "silent",
        ),
        ("broken", vec![stream(), piece("{\"kind\"")], "broke off"),
        ("html", fails("502 Bad Gateway", "<html>oops</html>"), "502"),
        ("welcome", fails("200 OK", "<html>Hello</html>"), "form"),
        ("key", fails("401 Unauthorized", &leak), "LLM_API_KEY"),
        ("busy", vec![send(busy)], "too much to do"),
        (
            "nonsense",
            vec![stream(), send("data: {\"choices\": 7}\n\n"), end()],
            "form",
        ),
        (
            "alive",
            (0..100)
                .flat_map(|_| [send(": alive\n\n"), wait(100)])
                .fold(vec![stream()], |mut all, step| {
                    all.push(step);
                    all
                }),
            "silent",
        ),
    ];
    for (name, steps, words) in faults {
        let question = format!("What about the {name} quux of customers?");
        // A server that fails is asked again twice.
        scene
            .model
            .script(&question, [steps.clone(), steps.clone(), steps]);
        let started = Instant::now();
        let answer = scene.ask_with(scene.shop(), &question, json!({})).await?;
        let reply = answer.expect(200)?;
        assert!(
            started.elapsed() < Duration::from_secs(8),
            "{name}: {:?}",
            started.elapsed()
        );
        assert_eq!(
            reply["answer_source"], "clarification",
            "{name}: the planner's words stand"
        );
        assert_eq!(warnings(&reply), ["llm_unavailable"], "{name}");
        let said = reply["validation_warnings"][0]["message"]
            .as_str()
            .unwrap_or_default();
        assert!(said.contains(words), "{name}: {said}");
        assert!(!reply.to_string().contains(KEY), "{name}");
    }
    assert!(!scene.server.log_text().contains(KEY));
    Ok(())
}

#[tokio::test]
async fn a_model_that_only_calls_tools_comes_to_an_end() -> Result<()> {
    let scene = Scene::start("model-circles", HASTY, false).await?;
    let question = "Go round and round the frobs";
    let lines = (0..10).map(|_| calls(&[("list_tables", json!({}))]));
    scene.model.script(question, lines);
    let reply = scene.ask(question).await?;
    assert_eq!(warnings(&reply), ["llm_unusable"]);
    assert_eq!(scene.model.asked(question).len(), 3);
    Ok(())
}

#[tokio::test]
async fn a_model_that_keeps_failing_is_left_alone_and_ready_says_so() -> Result<()> {
    let settings = [
        ("DATACHAT_LLM_FAILURES", "2"),
        ("DATACHAT_LLM_PAUSE_MS", "1500"),
    ];
    let scene = Scene::start("model-pause", &settings, false).await?;
    let question = "Whither the wobbling wibbles?";
    let refused = || fails("401 Unauthorized", "{}");
    scene.model.script(question, [refused(), refused()]);
    for _ in 0..2 {
        assert_eq!(warnings(&scene.ask(question).await?), ["llm_unavailable"]);
    }
    let ready = scene.client().get("/ready").await?.expect(200)?;
    let pipeline = &ready["checks"]["pipeline"];
    assert_eq!(
        (&pipeline["status"], &pipeline["language_model"]),
        (&json!("degraded"), &json!("scripted"))
    );
    let impossible = says(&json!({"kind": "impossible", "text": "It is not known."}));
    scene.model.script(question, [impossible]);
    let reply = scene.ask(question).await?;
    let said = reply["validation_warnings"][0]["message"]
        .as_str()
        .unwrap_or_default();
    assert!(said.contains("left alone"), "{said}");
    assert_eq!(scene.model.asked(question).len(), 2, "nobody was asked");
    tokio::time::sleep(Duration::from_millis(1600)).await;
    assert_eq!(scene.ask(question).await?["answer"], "It is not known.");
    let ready = scene.client().get("/ready").await?.expect(200)?;
    assert_eq!(ready["checks"]["pipeline"]["status"], "ok");
    Ok(())
}
