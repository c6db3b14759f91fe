//! What one instance may grow to. Memory is summed over all of its memories.

use wasmtime::ResourceLimiter;

/// An instance asked for more than a limit allows; the name is that of [`crate::limits::Limits`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the limit {0} was reached")]
pub(crate) struct LimitReached(pub(crate) &'static str);

/// Counts down what is left.
#[derive(Debug)]
pub(crate) struct Limiter {
    memory: usize,
    table_elements: usize,
}

impl Limiter {
    pub(crate) fn new(memory_bytes: u64, table_elements: u64) -> Self {
        let size = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        Self {
            memory: size(memory_bytes),
            table_elements: size(table_elements),
        }
    }
}

fn take(left: &mut usize, amount: usize, limit: &'static str) -> wasmtime::Result<bool> {
    *left = left.checked_sub(amount).ok_or(LimitReached(limit))?;
    Ok(true)
}

impl ResourceLimiter for Limiter {
    // Failing rather than answering "no" ends the instance with an error that names the limit; a guest
    // would abort anyway.
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        take(
            &mut self.memory,
            desired.saturating_sub(current),
            "plugin_memory_bytes",
        )
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        take(
            &mut self.table_elements,
            desired.saturating_sub(current),
            "plugin_table_elements",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_summed_over_all_memories_of_the_instance() {
        let mut limiter = Limiter::new(100, 10);
        assert!(limiter.memory_growing(0, 60, None).expect("fits"));
        let error = limiter.memory_growing(0, 41, None).expect_err("too much");
        assert_eq!(
            error.downcast_ref::<LimitReached>(),
            Some(&LimitReached("plugin_memory_bytes"))
        );
        assert!(limiter.memory_growing(60, 100, None).expect("fits exactly"));
        let error = limiter.table_growing(0, 11, None).expect_err("too much");
        assert_eq!(
            error.downcast_ref::<LimitReached>(),
            Some(&LimitReached("plugin_table_elements"))
        );
    }
}
