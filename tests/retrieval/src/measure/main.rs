//! How fast a scope is searched, and what that takes: `cargo xtask bench retrieval`.
//!
//! 100,000 entries in 1,000 scopes whose sizes are skewed, beside 2,000 global ones. The same questions are put to
//! our search, to a plain scan, and to what others would do: one index of everything with a filter, usearch's and
//! `hnsw_rs`'s; one after another, so that ratios mean something. There every entry has one vector; the whole search is
//! then measured with those of facets, too, and at last over a million entries. The others take minutes where scopes
//! are small; `--ours` leaves them out.

mod ours;
mod rivals;
mod scene;
mod times;

use std::fmt::Write as _;
use std::process::Command;

use anyhow::{Result, bail, ensure};

use ours::Ours;
use scene::{Scene, Size};
use times::Times;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["--quick"] => {
            let scene = Scene::new(3_000, 60, 200, FACETS);
            print!("{}{}", contest(&scene)?, whole(&scene)?);
            let scene = Scene::new(6_000, 120, 200, 0);
            print!("{}", whole(&scene)?);
        }
        ["contest"] => print!("{}", contest(&hundred_thousand())?),
        ["whole"] => print!("{}", whole(&hundred_thousand())?),
        ["million"] => print!("{}", whole(&Scene::new(1_000_000, 10_000, 2_000, 0))?),
        // Each in a process of its own: what one has freed would be the next one's memory.
        [] => ["contest", "whole", "million"]
            .into_iter()
            .try_for_each(alone)?,
        ["--ours"] => ["whole", "million"].into_iter().try_for_each(alone)?,
        _ => bail!("one of --quick, --ours, contest, whole, million"),
    }
    Ok(())
}

fn alone(case: &str) -> Result<()> {
    eprintln!("{case}");
    let status = Command::new(std::env::current_exe()?).arg(case).status()?;
    ensure!(status.success(), "{case} failed");
    Ok(())
}

fn hundred_thousand() -> Scene {
    Scene::new(100_000, 1_000, 2_000, FACETS)
}

/// How many facets an entry has beside its whole: as many as the example bundles' on average.
const FACETS: usize = 4;

/// One way to find the nearest ten of a scope and the global ones.
trait Contestant {
    fn name(&self) -> &'static str;
    /// The rows of the scene.
    fn nearest(&self, scene: &Scene, question: &scene::Question) -> Result<Vec<usize>>;
}

/// Ours against others, each with one vector an entry.
fn contest(scene: &Scene) -> Result<String> {
    let mut report = String::new();
    eprintln!("building the contestants");
    let ours = Ours::build(scene, false)?;
    writeln!(
        report,
        "## Against others\n\n{}, one vector each. Ours is built in {}.",
        described(scene),
        times::shown(ours.built)
    )?;
    let scan = rivals::Scan;
    let filtered = rivals::Filtered::build(scene)?;
    let hnsw = rivals::HnswRs::build(scene);
    writeln!(
        report,
        "One index of everything: usearch {} to build, `hnsw_rs` {}.",
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
    Ok(report)
}

/// Which entries there are, for people.
fn described(scene: &Scene) -> String {
    format!(
        "{} entries in {} scopes of 1 to {}, and {} global ones, {} dimensions",
        scene.scoped(),
        scene.scopes(),
        scene.largest(),
        scene.global(),
        scene::DIMENSIONS
    )
}

/// The search as a question has it: words, vectors, facets, fusion, relationships.
fn whole(scene: &Scene) -> Result<String> {
    let mut report = String::new();
    eprintln!("building the whole search");
    let ours = Ours::build(scene, true)?;
    writeln!(
        report,
        "\n## The whole search, {}\n\n{}, {} vectors each. Built in {} on one thread ({} an entry, words and \
         vectors); entries, words and vectors take {} MiB.\n\n\
         | Scope | p50 | p95 | Aim | built anew and swapped in |\n|---|--:|--:|---|--:|",
        scene.scoped(),
        described(scene),
        1 + scene.facets(),
        times::shown(ours.built),
        times::shown(ours.built / u32::try_from(scene.len())?),
        ours.resident >> 20
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
        let aim = if size == Size::Huge {
            ""
        } else {
            "p95 ≤ 1 ms"
        };
        let swapped = ours.swap(scene, size)?;
        writeln!(
            report,
            "| {} | {} | {} | {aim} | {} |",
            size.name(),
            times::shown(times.quantile(0.5)),
            times::shown(times.quantile(0.95)),
            swapped.map_or_else(String::new, times::shown),
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
