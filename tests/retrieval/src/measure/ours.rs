//! Our search, as a server has it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use datachat::knowledge::search::embed::Trust;
use datachat::knowledge::search::{
    Allowed, Change, Options, Question as Asked, Retrieved, Shelf, Volume, retrieve,
};

use crate::Contestant;
use crate::scene::{self, Question, Scene, Size};
use crate::times::Times;

pub struct Ours {
    shelf: Shelf,
    /// How long building all volumes took.
    pub built: Duration,
    /// What the process has grown by meanwhile, in bytes: entries, words and vectors.
    pub resident: u64,
}

/// Everything is near enough, as it is for the others.
const TRUST: Trust = Trust {
    floor: -1.0,
    weight: 0.5,
};

/// How often a swap is measured.
const SWAPS: usize = 20;

impl Ours {
    /// All scopes of a scene, with or without the vectors of facets.
    pub fn build(scene: &Scene, facets: bool) -> Result<Self> {
        let mut built = Duration::ZERO;
        let before = resident()?;
        let mut changes = Vec::new();
        for number in 0..=scene.scopes() {
            let mut entries = scene.entries[scene.of(number)].to_vec();
            if !facets {
                for entry in &mut entries {
                    entry.embeddings.truncate(1);
                }
            }
            let Some(scope) = entries.first().map(|entry| entry.scope) else {
                continue;
            };
            let begin = Instant::now();
            let volume = Volume::build(scope, entries, Some(scene.identity()))?;
            built += begin.elapsed();
            changes.push(Change::Replace(Box::new(volume)));
        }
        let shelf = Shelf::default();
        shelf.publish(changes);
        Ok(Self {
            shelf,
            built,
            resident: resident()?.saturating_sub(before),
        })
    }

    /// The median time to build a scope of a size anew and put it in force.
    pub fn swap(&self, scene: &Scene, size: Size) -> Result<Option<Duration>> {
        let scopes = scene.sized(size);
        if scopes.is_empty() {
            return Ok(None);
        }
        let mut times = Times::default();
        for number in scopes.into_iter().cycle().take(SWAPS) {
            let entries = scene.entries[scene.of(number)].to_vec();
            times.time(|| {
                let volume = Volume::build(scene::scope(number), entries, Some(scene.identity()))?;
                self.shelf.publish([Change::Replace(Box::new(volume))]);
                Ok(())
            })?;
        }
        Ok(Some(times.quantile(0.5)))
    }

    /// The whole search.
    pub fn retrieve(&self, question: &Question) -> Result<Retrieved> {
        self.search(question, &question.text, &Options::default())
    }

    fn search(&self, question: &Question, text: &str, options: &Options) -> Result<Retrieved> {
        let allowed = Allowed::new(scene::connection(question.scope), []);
        let asked = Asked::embedded(text, question.embedding.clone(), TRUST);
        Ok(retrieve(&self.shelf.current(), &allowed, &asked, options)?)
    }
}

/// What of this process is in memory, in bytes. What an index says of itself counts address space that it has never
/// touched.
fn resident() -> Result<u64> {
    const PAGE: u64 = 4096;
    let numbers = std::fs::read_to_string("/proc/self/statm")?;
    let pages = numbers.split_whitespace().nth(1);
    let pages: u64 = pages.context("a number of pages")?.parse()?;
    Ok(pages * PAGE)
}

impl Contestant for Ours {
    fn name(&self) -> &'static str {
        "**ours**"
    }

    /// By vectors alone, as the others.
    fn nearest(&self, scene: &Scene, question: &Question) -> Result<Vec<usize>> {
        let options = Options {
            vector_weight: Some(1.0),
            relationship_weight: 0.0,
            least_share: 0.0,
            form_factor: 1.0,
            ..Options::default()
        };
        let found = self.search(question, "", &options)?;
        let row = |hit: &datachat::knowledge::search::Hit| {
            let row: usize = hit.entry.id.strip_prefix("entry_")?.parse().ok()?;
            Some(row).filter(|row| *row < scene.len())
        };
        Ok(found.hits.iter().filter_map(row).collect())
    }
}
