//! Which functions ClickHouse may call for a reader, and which relations they may not show.
//!
//! Functions in the place of a relation reach other servers, buckets and files for the most part, so they are
//! allowed by list ([`TABLE_FUNCTIONS`]); the known others are refused as calls of any kind too
//! ([`REACHING`]), so that nothing depends on where a grammar sees a relation. Of the scalar functions all
//! are allowed but those in [`REFUSED`]: there are two thousand, and they compute. Functions of users are
//! made of these, or of programs that the operator has configured; those can't be known.
//!
//! Names are compared without case, although most of ClickHouse's are case-sensitive.
//!
//! Of the `system` database, what shows credentials, reads files, reaches out or stops the server's threads
//! is hidden ([`is_hidden`]). What others have run (`query_log`, `processes`) is not: grants decide who sees
//! it, and the server masks secrets in it.

/// Functions that make rows out of nothing or of their own arguments.
pub const TABLE_FUNCTIONS: &[&str] = &[
    "generate_series",
    "generateRandom",
    "generateSeries",
    "null",
    "numbers",
    "numbers_mt",
    "primes",
    "values",
    "view",
    "zeros",
    "zeros_mt",
];

/// Table functions that reach other servers, files, or tables by a name in a text.
const REACHING: &[&str] = &[
    "azureblobstorage",
    "azureblobstoragecluster",
    "bigquery",
    "cluster",
    "clusterallreplicas",
    "cosn",
    "dictionary",
    "eval",
    "executable",
    "file",
    "filecluster",
    "filesystem",
    "fuzzjson",
    "gcs",
    "hdfs",
    "hdfscluster",
    "input",
    "jdbc",
    "loop",
    "merge",
    "mongodb",
    "mysql",
    "odbc",
    "oss",
    "postgresql",
    "python",
    "redis",
    "remote",
    "remotesecure",
    "s3",
    "s3cluster",
    "sqlite",
    "url",
    "urlcluster",
    "viewexplain",
    "viewifpermitted",
    "ytsaurus",
];

/// Families of such, which no scalar function belongs to but those of `iceberg`.
const REACHING_PREFIXES: &[&str] = &[
    "arrowstream",
    "deltalake",
    "hudi",
    "iceberg",
    "mergetree",
    "paimon",
    "prometheusquery",
];

/// What begins like a family and only computes.
const COMPUTING: &[&str] = &[
    "icebergbucket",
    "iceberghash",
    "icebergtruncate",
    "mergetreepartinfo",
];

/// Scalar functions, by what they do.
const REFUSED: &[(&str, &[&str])] = &[
    (
        "asks another service",
        &[
            "aiclassify",
            "aiembed",
            "aiextract",
            "aifilter",
            "aigenerate",
            "aigeneratecontent",
            "airedact",
            "aisimilarity",
            "aitranslate",
            "reversednsquery",
        ],
    ),
    (
        "runs a model file of the server",
        &["catboostevaluate", "modelevaluate"],
    ),
    (
        "changes a counter that servers share",
        &["generateserialid"],
    ),
    (
        "shows the request, which carries credentials",
        &["currentrequesturl", "getclienthttpheader"],
    ),
    ("writes the server's log", &["logtrace"]),
    ("may stop the server", &["trap"]),
    // With the name of a host it asks that one.
    ("may ask another server", &["hascolumnintable"]),
];

/// Judges a call.
pub fn refuse_call(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let reaches = REACHING.contains(&name.as_str())
        || REACHING_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix))
            && !COMPUTING.contains(&name.as_str());
    if reaches {
        return Some(
            "reads files, reaches other servers, or reads a table that it names in a text",
        );
    }
    let known = REFUSED
        .iter()
        .find(|(_, names)| names.contains(&name.as_str()));
    known.map(|(what, _)| *what)
}

/// Whether a function takes another one by its name, as its first argument.
pub fn calls_its_argument(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.starts_with("array") || name.starts_with("map") || name == "apply"
}

/// Tables of the `system` database that must not be read.
const HIDDEN: &[&str] = &[
    "detached_tables",
    "iceberg_files",
    "iceberg_history",
    "jemalloc_profile_text",
    "named_collections",
    "remote_data_paths",
    "stack_trace",
    "text_log",
    "user_directories",
    "users",
    "zookeeper",
    "zookeeper_info",
    "zookeeper_log",
];

/// Whether a relation must not be read.
pub fn is_hidden(schema: &str, relation: &str) -> bool {
    schema.eq_ignore_ascii_case("system")
        && HIDDEN.contains(&relation.to_ascii_lowercase().as_str())
}
