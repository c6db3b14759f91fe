//! How fast a scope is searched, and what that takes: `cargo xtask bench retrieval`.
//!
//! 100,000 entries in 1,000 scopes whose sizes are skewed, beside 2,000 global ones. The same questions are put to
//! our search, to a plain scan, and to what others would do: one index of everything with a filter, usearch's and
//! `hnsw_rs`'s. All in one process and one after another, so that ratios mean something.

mod ours;
mod rivals;
mod scene;
mod times;

use std::fmt::Write as _;

use anyhow::Result;

use ours::Ours;
use scene::{Scene, Size};
use times::Times;

fn main() -> Result<()> {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let scene = if quick {
        Scene::new(3_000, 60, 200)
    } else {
        Scene::new(100_000, 1_000, 2_000)
    };
    print!("{}", report(&scene)?);
    Ok(())
}

/// One way to find the nearest ten of a scope and the global ones.
trait Contestant {
    fn name(&self) -> &'static str;
    /// The rows of the scene.
    fn nearest(&self, scene: &Scene, question: &scene::Question) -> Result<Vec<usize>>;
}

fn report(scene: &Scene) -> Result<String> {
    let mut report = String::new();
    eprintln!("building ours");
    let ours = Ours::build(scene)?;
    writeln!(
        report,
        "{} entries in {} scopes of 1 to {}, and {} global ones; {} dimensions.\n",
        scene.scoped(),
        scene.scopes(),
        scene.largest(),
        scene.global(),
        scene::DIMENSIONS
    )?;
    writeln!(
        report,
        "Built in {} on one thread ({} an entry, words and vectors); vectors take {} MiB in the indexes.",
        times::shown(ours.built),
        times::shown(ours.built / u32::try_from(scene.len())?),
        ours.vector_memory() >> 20
    )?;
    writeln!(report, "\n| Scope | built anew and swapped in |\n|---|--:|")?;
    for size in Size::ALL {
        if let Some(time) = ours.swap(scene, size)? {
            writeln!(report, "| {} | {} |", size.name(), times::shown(time))?;
        }
    }
    eprintln!("building the others");
    let scan = rivals::Scan;
    let filtered = rivals::Filtered::build(scene)?;
    let hnsw = rivals::HnswRs::build(scene);
    writeln!(
        report,
        "\nOne index of everything: usearch {} to build, `hnsw_rs` {}.",
        times::shown(filtered.built),
        times::shown(hnsw.built)
    )?;
    let contestants: [&dyn Contestant; 4] = [&ours, &scan, &filtered, &hnsw];
    writeln!(
        report,
        "\nThe nearest ten of a scope and the global ones, median and 95th percentile:\n\n\
         | Scope | Search | p50 | p95 | recall@10 |\n|---|---|--:|--:|--:|"
    )?;
    for size in Size::ALL {
        let questions = scene.questions(size);
        if questions.is_empty() {
            continue;
        }
        for contestant in contestants {
            eprintln!("{} in scopes of {}", contestant.name(), size.name());
            let (times, recall) = ask(scene, contestant, &questions)?;
            writeln!(
                report,
                "| {} | {} | {} | {} | {recall:.3} |",
                size.name(),
                contestant.name(),
                times::shown(times.quantile(0.5)),
                times::shown(times.quantile(0.95)),
            )?;
        }
    }
    writeln!(
        report,
        "\nThe whole search (words, vectors, fusion, relationships), as a question has it:\n\n\
         | Scope | p50 | p95 | Aim |\n|---|--:|--:|---|"
    )?;
    for size in Size::ALL {
        let questions = scene.questions(size);
        if questions.is_empty() {
            continue;
        }
        let mut times = Times::default();
        for question in &questions {
            times.time(|| ours.retrieve(question))?;
        }
        writeln!(
            report,
            "| {} | {} | {} | {} |",
            size.name(),
            times::shown(times.quantile(0.5)),
            times::shown(times.quantile(0.95)),
            if size == Size::Huge {
                ""
            } else {
                "p95 ≤ 1 ms"
            }
        )?;
    }
    Ok(report)
}

/// Times of all questions, and the share of the truly nearest that were found.
fn ask(
    scene: &Scene,
    contestant: &dyn Contestant,
    questions: &[scene::Question],
) -> Result<(Times, f64)> {
    let mut times = Times::default();
    let (mut found, mut wanted) = (0_u32, 0_u32);
    for question in questions {
        let nearest = times.time(|| contestant.nearest(scene, question))?;
        let truth = scene.nearest(question);
        wanted += u32::try_from(truth.len())?;
        found += u32::try_from(truth.iter().filter(|row| nearest.contains(row)).count())?;
    }
    Ok((times, f64::from(found) / f64::from(wanted.max(1))))
}
