//! What the tests of scopes begin with.

use anyhow::Result;
use datachat_tests::stage::stage;
use datachat_tests::{ServerOptions, TestServer};

/// A server with two connections.
pub struct Scene {
    pub server: TestServer,
    /// To the database `alpha`.
    pub one: String,
    /// To the database `beta`.
    pub two: String,
}

impl Scene {
    /// Starts a server of a name.
    pub async fn start(name: &str) -> Result<Self> {
        Self::start_with(ServerOptions::new(name)).await
    }

    pub async fn start_with(options: ServerOptions) -> Result<Self> {
        let stage = stage().await?;
        let server = TestServer::start(options).await?;
        let one = server
            .register("one", &stage.postgres.superuser_url("alpha"))
            .await?;
        let two = server
            .register("two", &stage.postgres.superuser_url("beta"))
            .await?;
        Ok(Self { server, one, two })
    }
}
