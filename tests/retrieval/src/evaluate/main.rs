//! How well questions find what answers them: `cargo xtask eval retrieval`.
//!
//! The questions and what is relevant for each are labelled by hand in `eval/retrieval.jsonl`, and split: what
//! is tuned is tuned on one part, and the other part, which is asked only with `--holdout`, says what that was worth.
//! `eval/retrieval-tuning.jsonl` has more for the first part.
//! Each question is asked of its database's bundle and the shared one, as a server would, in several ways; the
//! report compares them. Hits count in the order of an answer, in which global ones come last, and in one row by
//! their scores alone.

mod bundle;
mod labels;
mod measures;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use datachat::knowledge::search::embed::{
    Choice, Embedder, Embedding, Hashed, MiniLm, Trust, minilm,
};
use datachat::knowledge::search::{Options, Question, Set, retrieve};

use bundle::Library;
use labels::{Label, Split};
use measures::Measures;

/// A way to search.
struct Way {
    name: String,
    options: Options,
    /// Whether the question is asked with its vector.
    vectors: bool,
    /// Whether hits count by their scores, wherever they stand in the answer.
    by_score: bool,
}

/// What is asked, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Tune,
    Sweep,
    Holdout,
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let root = arguments
        .next()
        .map_or_else(|| PathBuf::from("datapoints"), PathBuf::from);
    let mode = match arguments.next().as_deref() {
        None => Mode::Tune,
        Some("--sweep") => Mode::Sweep,
        Some("--holdout") => Mode::Holdout,
        Some(other) => bail!("{other} is none of --sweep, --holdout"),
    };
    print!("{}", evaluate(&root, mode).await?);
    Ok(())
}

/// The report on the questions under a folder, as Markdown.
async fn evaluate(root: &Path, mode: Mode) -> Result<String> {
    let mut labels = labels::read(&root.join("eval/retrieval.jsonl"))?;
    let more = root.join("eval/retrieval-tuning.jsonl");
    if more.exists() {
        labels.extend(labels::read(&more)?);
    }
    let library = Library::read(root)?;
    let mut report = String::new();
    for embedder in embedders()? {
        let set = library.set(&embedder).await?;
        let identity = embedder.identity().context("an embedder of our own")?;
        writeln!(
            report,
            "\n{}, {} DataPoints:\n",
            identity.name,
            library.len()
        )?;
        writeln!(report, "| Questions | Search | hit@5 | recall@10 | MRR |")?;
        writeln!(report, "|---|---|--:|--:|--:|")?;
        let asked = ask(&labels, &embedder).await?;
        let (splits, ways): (&[Split], _) = match mode {
            Mode::Tune => (&[Split::Tune], ways()),
            Mode::Sweep => (&[Split::Tune], weights()),
            Mode::Holdout => (&[Split::Tune, Split::Holdout], ways()),
        };
        for split in splits {
            for way in &ways {
                let measures = run(
                    &set,
                    &library,
                    &labels,
                    &asked,
                    *split,
                    way,
                    embedder.trust(),
                )?;
                writeln!(
                    report,
                    "| {} {} | {} | {:.3} | {:.3} | {:.3} |",
                    measures.questions(),
                    split.name(),
                    way.name,
                    measures.hit_at_5(),
                    measures.recall_at_10(),
                    measures.mrr()
                )?;
            }
        }
    }
    Ok(report)
}

/// The model if this machine has it, and what a server does without one.
fn embedders() -> Result<Vec<Embedder>> {
    let variable = |name: &str| std::env::var(name).ok();
    let cached = minilm::cache(variable).context("there is no home directory")?;
    let named = variable("DATACHAT_EMBED_MODEL").map(PathBuf::from);
    let mut embedders = Vec::new();
    match Choice::decide(false, named.as_deref(), &cached, Path::exists) {
        Choice::Model(folder) => embedders.push(Embedder::MiniLm(MiniLm::open(&folder)?.into())),
        Choice::Hashed { looked_for } => {
            eprintln!(
                "no model at {}; `cargo xtask model` fetches it",
                looked_for.display()
            );
        }
        Choice::Endpoint => {}
    }
    embedders.push(Embedder::Hashed(Hashed));
    Ok(embedders)
}

/// What a server does, and its halves.
fn ways() -> Vec<Way> {
    let way = |name: &str, vectors, options| Way {
        name: name.to_owned(),
        options,
        vectors,
        by_score: false,
    };
    let alone = |vector_weight, relationship_weight| Options {
        vector_weight,
        relationship_weight,
        ..Options::default()
    };
    vec![
        way("fusion, as the server does", true, Options::default()),
        Way {
            by_score: true,
            ..way("the same, by score alone", true, Options::default())
        },
        way("fusion without relationships", true, alone(None, 0.0)),
        way(
            "fusion without the question's form",
            true,
            Options {
                form_factor: 1.0,
                ..Options::default()
            },
        ),
        way("BM25 alone", false, alone(None, 0.0)),
        way("vectors alone", true, alone(Some(1.0), 0.0)),
    ]
}

/// Every weight that one might give.
fn weights() -> Vec<Way> {
    let way = |name: String, options| Way {
        name,
        options,
        vectors: true,
        by_score: false,
    };
    let mut ways = Vec::new();
    for form_factor in [1.0, 1.2, 1.4, 1.6, 1.8] {
        let options = Options {
            form_factor,
            ..Options::default()
        };
        ways.push(way(format!("form {form_factor}"), options));
    }
    for least_share in [0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85] {
        let options = Options {
            least_share,
            ..Options::default()
        };
        ways.push(way(format!("share {least_share}"), options));
    }
    for vector_weight in [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8] {
        for relationship_weight in [0.0, 0.05, 0.1, 0.2] {
            let options = Options {
                vector_weight: Some(vector_weight),
                relationship_weight,
                ..Options::default()
            };
            ways.push(way(
                format!("meaning {vector_weight}, relationships {relationship_weight}"),
                options,
            ));
        }
    }
    ways
}

async fn ask(labels: &[Label], embedder: &Embedder) -> Result<Vec<Embedding>> {
    let texts: Vec<String> = labels.iter().map(|label| label.question.clone()).collect();
    let embedded = embedder.embed(&texts).await?;
    ensure!(
        embedded.len() == labels.len(),
        "an embedding for each question"
    );
    Ok(embedded)
}

fn run(
    set: &Set,
    library: &Library,
    labels: &[Label],
    asked: &[Embedding],
    split: Split,
    way: &Way,
    trust: Trust,
) -> Result<Measures> {
    let mut measures = Measures::default();
    for (label, embedding) in labels.iter().zip(asked) {
        if label.split != split {
            continue;
        }
        let allowed = library.allowed(&label.database)?;
        library.check(label)?;
        let question = if way.vectors {
            Question::embedded(&label.question, embedding.clone(), trust)
        } else {
            Question::of_words(&label.question, "BM25 alone")
        };
        let mut found = retrieve(set, &allowed, &question, &way.options)?;
        if way.by_score {
            let hits = &mut found.hits;
            hits.sort_by(|left, right| right.score.total_cmp(&left.score));
        }
        let ids: Vec<&str> = found.hits.iter().map(|hit| hit.entry.id.as_str()).collect();
        measures.add(&ids, &label.relevant);
    }
    Ok(measures)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[tokio::test]
    async fn questions_about_a_bundle_are_asked_and_the_report_has_every_way_and_split() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let metric = |id: &str, name: &str| {
            format!(r#"{{"datapoint_id": "{id}", "type": "Business", "name": "{name}"}}"#)
        };
        write(
            "examples/bank/metric_loans.json",
            &metric("metric_loans", "Loans granted"),
        );
        write(
            "examples/bank/deep/metric_fees.json",
            &metric("metric_fees", "Fees charged"),
        );
        write(
            "examples/shop/metric_sales.json",
            &metric("metric_sales", "Loans of books"),
        );
        write(
            "shared/metric_margin.json",
            &metric("metric_margin", "Margin"),
        );
        write(
            "eval/retrieval.jsonl",
            r#"{"database": "bank", "question": "how many loans", "relevant": ["metric_loans"], "split": "tune"}
{"database": "bank", "question": "our margin", "relevant": ["metric_margin"], "split": "holdout"}
{"database": "shop", "question": "loans", "relevant": ["metric_sales"], "split": "holdout"}
"#,
        );
        let report = evaluate(folder.path(), Mode::Holdout).await.unwrap();
        assert!(report.contains("hashed-n-grams, 4 DataPoints"), "{report}");
        for line in [
            "| 1 tune | BM25 alone | 1.000 | 1.000 | 1.000 |",
            "| 2 holdout | fusion, as the server does | 1.000 | 1.000 | 1.000 |",
        ] {
            assert!(report.contains(line), "{report}");
        }
        let label = |relevant: &str, database: &str| {
            let label = format!(
                r#"{{"database": "{database}", "question": "q", "relevant": ["{relevant}"], "split": "tune"}}"#
            );
            write("eval/retrieval.jsonl", &label);
        };
        // An id of another database is as wrong as one that nobody has.
        for (relevant, database, words) in [
            ("metric_sales", "bank", "bank has no metric_sales"),
            ("metric_x", "shop", "shop has no metric_x"),
            ("metric_x", "zoo", "there is no bundle zoo"),
        ] {
            label(relevant, database);
            let error = format!(
                "{:#}",
                evaluate(folder.path(), Mode::Tune).await.unwrap_err()
            );
            assert!(error.contains(words), "{error}");
        }
    }
}
