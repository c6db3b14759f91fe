//! `datachat serve`

use std::io::Write as _;
use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::failure::Failure;
use crate::api::server;
use crate::app::App;
use crate::config::Config;
use crate::knowledge::sync::Watcher;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(
        long,
        help = "The address to listen on [env: DATACHAT_HOST] [default: 127.0.0.1]"
    )]
    pub host: Option<String>,

    #[arg(
        long,
        help = "The port to listen on; 0 takes a free one [env: DATACHAT_PORT] [default: 8000]"
    )]
    pub port: Option<u16>,
}

/// Histogram bounds in seconds: from a cached answer to a long query.
const BUCKETS: [f64; 12] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 5.0, 30.0, 120.0,
];

/// How often histograms are drained while nobody scrapes.
const UPKEEP: Duration = Duration::from_secs(5);

pub async fn run(config: Config) -> Result<(), Failure> {
    config.check_exposure()?;
    let metrics = record_metrics()?;
    let host = config.host.trim_matches(['[', ']']).to_owned();
    // Before anything slow, so that a second server fails at once.
    let listener = TcpListener::bind((host.as_str(), config.port))
        .await
        .map_err(|error| {
            Failure::new(format!("can't listen on {host}:{}: {error}", config.port))
                .hint("`--port` or DATACHAT_PORT chooses another port.")
        })?;
    let address = listener.local_addr()?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let app = App::open(config, Some(metrics)).await?;
    app.syncs.tidy().await;
    app.profiling.tidy().await;
    tokio::spawn(app.index.clone().follow(app.shutdown.clone()));
    if let (true, Some(folder)) = (app.config.sync_watcher, &app.config.datapoints_dir) {
        let settle = Duration::from_millis(app.limits.sync_settle_ms);
        let watcher = Watcher::new(app.syncs.clone(), folder.clone(), settle);
        tokio::spawn(watcher.run(app.shutdown.clone()));
    }
    // The server serves also when nobody reads this.
    let _ = writeln!(
        std::io::stdout(),
        "DataChat {} listens on http://{address}",
        crate::api::system::VERSION
    );
    tracing::info!(%address, "listening");
    let stop = async move {
        tokio::select! {
            _ = interrupt.recv() => tracing::info!("interrupted"),
            _ = terminate.recv() => tracing::info!("terminated"),
        }
    };
    server::serve(app, listener, stop).await?;
    tracing::info!("stopped");
    Ok(())
}

fn record_metrics() -> Result<PrometheusHandle, Failure> {
    let handle = PrometheusBuilder::new()
        .set_buckets(&BUCKETS)
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(|error| Failure::new(format!("metrics can't be recorded: {error}")))?;
    let upkeep = handle.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(UPKEEP).await;
            upkeep.run_upkeep();
        }
    });
    Ok(handle)
}
