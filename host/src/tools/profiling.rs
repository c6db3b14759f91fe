//! Looking at the tables of a tool's database and proposing DataPoints, as its contract has it.
//!
//! It may take no longer than the call. Of an error the original is kept beside, as for statements.

use std::time::Instant;

use super::trace::Trace;
use crate::plugins::profiling as contract;
use crate::plugins::profiling::ToolProfiling;
use crate::plugins::tool::BoxFuture;
use crate::profiling::{Depth, Generating, ProfileRequest, Profiling, ProfilingError};
use crate::registry::Connection;

/// What is left of a call's time for making proposals and answering, in seconds.
const REST: u64 = 3;

/// The profiling of the request's connection.
pub struct Profiler {
    pub profiling: Profiling,
    pub connection: Connection,
    pub deadline: Instant,
    pub trace: Trace,
}

impl Profiler {
    async fn run(&self, request: contract::Request) -> Result<contract::Outcome, ProfilingError> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let left = left.as_secs().saturating_sub(REST).max(1);
        let profile = ProfileRequest {
            sample_size: request.sample_size.into(),
            max_tables: request.max_tables.map(u64::from),
            max_columns_per_table: request.max_columns_per_table.into(),
            query_timeout_seconds: request.query_timeout_seconds.into(),
            per_table_timeout_seconds: request.per_table_timeout_seconds.into(),
            total_timeout_seconds: u64::from(request.total_timeout_seconds).min(left),
            fail_fast: request.fail_fast,
            tables: request.tables,
        }
        .within_ranges();
        let generating = Generating {
            depth: match request.depth {
                contract::Depth::SchemaOnly => Depth::SchemaOnly,
                contract::Depth::MetricsBasic => Depth::MetricsBasic,
                contract::Depth::MetricsFull => Depth::MetricsFull,
            },
            batch_size: request.batch_size.into(),
            max_metrics_per_table: request.max_metrics_per_table.into(),
        };
        let made = self
            .profiling
            .profile_and_generate(self.connection.clone(), profile, generating)
            .await?;
        Ok(contract::Outcome {
            profile_id: made.profile.to_string(),
            pending_count: u32::try_from(made.pending).unwrap_or(u32::MAX),
        })
    }
}

impl ToolProfiling for Profiler {
    fn profile_and_generate(
        &self,
        request: contract::Request,
    ) -> BoxFuture<'_, Result<contract::Outcome, contract::Error>> {
        Box::pin(async move {
            self.run(request).await.map_err(|error| {
                let message = error.to_string();
                self.trace.failed_to_profile(&message, error);
                contract::Error { message }
            })
        })
    }
}
