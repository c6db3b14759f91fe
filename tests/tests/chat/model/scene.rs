//! A server with a model, and the shops of all engines behind it.

use anyhow::Result;
use datachat_tests::stage::reader_url;
use datachat_tests::{Answer, CANARY, Client, ServerOptions, TestServer};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::scene::{CHAT, clickhouse, mariadb, postgres};
use datachat_tests::model::Model;

/// The key that the model's server is given.
pub const KEY: &str = "sk-canary-of-the-model";

pub struct Scene {
    pub server: TestServer,
    pub model: Model,
    /// Connections to the shops, with their types.
    pub shops: Vec<(&'static str, String)>,
}

/// The one that tests share which let the model answer.
pub async fn scene() -> Result<&'static Scene> {
    static SCENE: OnceCell<Scene> = OnceCell::const_new();
    SCENE
        .get_or_try_init(|| Scene::start("model", &[], true))
        .await
}

impl Scene {
    /// Starts one with more settings, on PostgreSQL alone or on every engine.
    pub async fn start(name: &str, settings: &[(&str, &str)], everywhere: bool) -> Result<Self> {
        let model = Model::start().await?;
        let mut options = ServerOptions::new(name)
            .variable("LLM_BASE_URL", &model.url)
            .variable("LLM_API_KEY", KEY)
            .variable("LLM_MODEL", "scripted");
        for (name, value) in settings {
            options = options.variable(name, value);
        }
        let server = TestServer::start(options).await?;
        let url = reader_url(postgres().await?, "alpha");
        let mut shops = vec![("postgresql", server.register("postgresql", &url).await?)];
        if everywhere {
            let url = mariadb().await?.url("reader", CANARY, "shop");
            shops.push(("mysql", server.register("mysql", &url).await?));
            let url = clickhouse().await?.url("shop");
            shops.push(("clickhouse", server.register("clickhouse", &url).await?));
        }
        Ok(Self {
            server,
            model,
            shops,
        })
    }

    pub fn client(&self) -> Client {
        self.server.client().afresh()
    }

    /// The connection to the shop on PostgreSQL.
    pub fn shop(&self) -> &str {
        &self.shops[0].1
    }

    pub async fn ask_with(&self, id: &str, question: &str, more: Value) -> Result<Answer> {
        let mut body = json!({"message": question, "target_database": id});
        if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
            body.extend(more);
        }
        self.client().post(CHAT, &body).await
    }

    /// Asks the shop on PostgreSQL.
    pub async fn ask(&self, question: &str) -> Result<Value> {
        self.ask_with(self.shop(), question, json!({}))
            .await?
            .expect(200)
    }
}

/// The stages of a reply's trace.
pub fn stages(reply: &Value) -> Vec<&str> {
    let steps = reply["decision_trace"].as_array();
    let steps = steps.map(Vec::as_slice).unwrap_or_default();
    steps
        .iter()
        .filter_map(|step| step["stage"].as_str())
        .collect()
}

/// The kinds of a reply's warnings.
pub fn warnings(reply: &Value) -> Vec<&str> {
    let warnings = reply["validation_warnings"].as_array();
    let warnings = warnings.map(Vec::as_slice).unwrap_or_default();
    warnings
        .iter()
        .filter_map(|warning| warning["warning_type"].as_str())
        .collect()
}
