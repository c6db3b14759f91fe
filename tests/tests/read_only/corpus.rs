//! The policy's corpus, as its own tests read it.

/// A statement and what its header line says.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// Why it is refused, or what stops it; empty for legitimate ones.
    pub reason: &'static str,
    /// What a read-only session makes of it when nothing has judged it; empty where nobody looks.
    pub alone: &'static str,
    pub sql: &'static str,
}

/// What the statements speak of, as SQL for a superuser.
pub const SETUP: &str = include_str!("../../../host/src/query/policy/corpus/postgresql/setup.sql");

pub fn harmful() -> Vec<Sample> {
    read(include_str!(
        "../../../host/src/query/policy/corpus/postgresql/harmful.sql"
    ))
}

pub fn legitimate() -> Vec<Sample> {
    read(include_str!(
        "../../../host/src/query/policy/corpus/postgresql/legitimate.sql"
    ))
}

pub fn engine() -> Vec<Sample> {
    read(include_str!(
        "../../../host/src/query/policy/corpus/postgresql/engine.sql"
    ))
}

fn read(file: &'static str) -> Vec<Sample> {
    file.split("\n--!")
        .skip(1)
        .map(|sample| {
            let (header, sql) = sample.split_once('\n').unwrap_or((sample, ""));
            let (reason, alone) = header.split_once("; alone ").unwrap_or((header, ""));
            Sample {
                reason: reason.trim(),
                alone: alone.trim(),
                sql,
            }
        })
        .collect()
}
