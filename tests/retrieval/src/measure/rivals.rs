//! What others do: a scan, or one index of everything with a filter.

use std::time::{Duration, Instant};

use anyhow::Result;
use hnsw_rs::prelude::{DistDot, Hnsw};
use usearch::{Index, IndexOptions, MetricKind, ScalarKind};

use crate::Contestant;
use crate::scene::{DIMENSIONS, Question, Scene};

const CONNECTIVITY: usize = 16;
const EXPANSION_ADD: usize = 128;
const EXPANSION_SEARCH: usize = 64;

/// Compares all that may be found, in plain Rust.
pub struct Scan;

impl Contestant for Scan {
    fn name(&self) -> &'static str {
        "plain scan"
    }

    fn nearest(&self, scene: &Scene, question: &Question) -> Result<Vec<usize>> {
        Ok(scene.nearest(question))
    }
}

/// usearch with a filter: the usual design.
pub struct Filtered {
    index: Index,
    pub built: Duration,
}

impl Filtered {
    pub fn build(scene: &Scene) -> Result<Self> {
        let begin = Instant::now();
        let index = Index::new(&IndexOptions {
            dimensions: DIMENSIONS,
            metric: MetricKind::IP,
            quantization: ScalarKind::F32,
            connectivity: CONNECTIVITY,
            expansion_add: EXPANSION_ADD,
            expansion_search: EXPANSION_SEARCH,
            multi: false,
        })?;
        index.reserve(scene.len())?;
        for (row, entry) in scene.entries.iter().enumerate() {
            if let Some(embedding) = entry.embeddings.first() {
                index.add(row as u64, embedding.vector.components())?;
            }
        }
        Ok(Self {
            index,
            built: begin.elapsed(),
        })
    }
}

impl Contestant for Filtered {
    fn name(&self) -> &'static str {
        "one usearch index, filtered"
    }

    fn nearest(&self, scene: &Scene, question: &Question) -> Result<Vec<usize>> {
        let admits = |key| usize::try_from(key).is_ok_and(|row| scene.admits(question.scope, row));
        let vector = question.embedding.vector.components();
        let found = self.index.filtered_search(vector, 10, admits)?;
        Ok(found
            .keys
            .iter()
            .filter_map(|key| usize::try_from(*key).ok())
            .collect())
    }
}

/// `hnsw_rs` with a filter.
pub struct HnswRs {
    index: Hnsw<'static, f32, DistDot>,
    pub built: Duration,
}

impl HnswRs {
    pub fn build(scene: &Scene) -> Self {
        let begin = Instant::now();
        let index = Hnsw::new(CONNECTIVITY, scene.len(), 16, EXPANSION_ADD, DistDot {});
        for (row, entry) in scene.entries.iter().enumerate() {
            if let Some(embedding) = entry.embeddings.first() {
                index.insert((embedding.vector.components(), row));
            }
        }
        Self {
            index,
            built: begin.elapsed(),
        }
    }
}

impl Contestant for HnswRs {
    fn name(&self) -> &'static str {
        "one `hnsw_rs` index, filtered"
    }

    fn nearest(&self, scene: &Scene, question: &Question) -> Result<Vec<usize>> {
        let admits = |row: &usize| scene.admits(question.scope, *row);
        let vector = question.embedding.vector.components();
        let found = self
            .index
            .search_filter(vector, 10, EXPANSION_SEARCH, Some(&admits));
        Ok(found.into_iter().map(|near| near.d_id).collect())
    }
}
