//! The one wasmtime engine: its configuration, its clock, and how many instances it may hold.
//!
//! Instances come from a pool of slots that is reserved at start; where the address space is too short for
//! that, from plain allocation. An instantiation in a full pool fails at once, so a semaphore of the same
//! size stands in front. Epochs advance every 10 ms: that is how often a computing guest yields.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use super::LoadError;
use crate::limits::Limits;

/// The engine's clock.
pub(crate) const EPOCH_TICK: Duration = Duration::from_millis(EPOCH_TICK_MS);
pub(crate) const EPOCH_TICK_MS: u64 = 10;

/// A component built with the usual toolchains is up to four core modules around one memory.
const CORE_INSTANCES: u32 = 4;
const TABLES: u32 = 2;

/// The engine and what is counted against it.
pub(crate) struct Runtime {
    pub(crate) engine: Engine,
    pub(crate) limits: Limits,
    instances: Arc<Semaphore>,
}

impl Runtime {
    pub(crate) fn new(limits: Limits) -> Result<Self, LoadError> {
        // Beside the sessions: cancels, tool calls, probes.
        let components = u32::try_from(limits.sessions_total.saturating_mul(2))
            .unwrap_or(u32::MAX)
            .clamp(16, 4096);
        let engine = Engine::new(&pooled(&limits, components)).or_else(|error| {
            tracing::warn!(%error, "no pool of instances, allocating on demand");
            Engine::new(&base())
        });
        let engine = engine.map_err(|error| LoadError::Engine(error.to_string()))?;
        start_clock(&engine)?;
        Ok(Self {
            engine,
            instances: Arc::new(Semaphore::new(components as usize)),
            limits,
        })
    }

    /// Waits for a free place for one instance.
    pub(crate) async fn place(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.instances)
            .acquire_owned()
            .await
            .unwrap_or_else(|_| unreachable!("the semaphore is never closed"))
    }
}

fn base() -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .concurrency_support(false)
        .wasm_gc(false)
        .wasm_exceptions(false)
        .wasm_threads(false)
        .wasm_memory64(false)
        .epoch_interruption(true)
        .consume_fuel(false)
        .max_wasm_stack(512 << 10)
        .async_stack_size(2 << 20)
        .memory_init_cow(true);
    config
}

fn pooled(limits: &Limits, components: u32) -> Config {
    let size = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(components)
        .total_core_instances(components.saturating_mul(CORE_INSTANCES))
        .total_memories(components)
        .total_tables(components.saturating_mul(TABLES))
        .total_stacks(components)
        .max_memory_size(size(limits.plugin_memory_bytes))
        .table_elements(size(limits.plugin_table_elements));
    let mut config = base();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}

/// One thread advances the epoch until the engine is gone.
fn start_clock(engine: &Engine) -> Result<(), LoadError> {
    let engine = engine.weak();
    std::thread::Builder::new()
        .name("plugin-clock".to_owned())
        .spawn(move || {
            loop {
                std::thread::sleep(EPOCH_TICK);
                let Some(engine) = engine.upgrade() else {
                    return;
                };
                engine.increment_epoch();
            }
        })
        .map(drop)
        .map_err(|error| LoadError::Engine(error.to_string()))
}
