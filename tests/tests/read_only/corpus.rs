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

/// A dialect's statements.
pub struct Corpus {
    /// What they speak of, as SQL for a superuser.
    pub setup: &'static str,
    harmful: &'static str,
    legitimate: &'static str,
    engine: &'static str,
}

macro_rules! corpus {
    ($dialect:literal) => {
        Corpus {
            setup: corpus!($dialect, "setup"),
            harmful: corpus!($dialect, "harmful"),
            legitimate: corpus!($dialect, "legitimate"),
            engine: corpus!($dialect, "engine"),
        }
    };
    ($dialect:literal, $file:literal) => {
        include_str!(concat!(
            "../../../host/src/query/policy/corpus/",
            $dialect,
            "/",
            $file,
            ".sql"
        ))
    };
}

pub const POSTGRESQL: Corpus = corpus!("postgresql");
pub const MYSQL: Corpus = corpus!("mysql");
pub const CLICKHOUSE: Corpus = corpus!("clickhouse");

impl Corpus {
    pub fn harmful(&self) -> Vec<Sample> {
        read(self.harmful)
    }

    /// Those that need nothing which the server at hand does not have.
    pub fn legitimate(&self) -> Vec<Sample> {
        let samples = read(self.legitimate).into_iter();
        samples.filter(|sample| sample.reason.is_empty()).collect()
    }

    pub fn engine(&self) -> Vec<Sample> {
        read(self.engine)
    }
}

fn read(file: &'static str) -> Vec<Sample> {
    file.split("\n--!")
        .skip(1)
        .map(|sample| {
            let (header, sql) = sample.split_once('\n').unwrap_or((sample, ""));
            let (reason, alone) = header.split_once("; alone ").unwrap_or((header, ""));
            Sample {
                reason: reason.trim().trim_start_matches("; "),
                alone: alone.trim(),
                sql,
            }
        })
        .collect()
}
