-- Knowledge, and the jobs that brought it here. BYTEA is a blob to SQLite, too.

-- What has happened to each scope: its revision grows with every change that a reader could see.
CREATE TABLE datachat_scopes (
    -- `global`, `unscoped` or `connection:` and the id.
    scope TEXT PRIMARY KEY NOT NULL,
    revision BIGINT NOT NULL,
    -- Grows when vectors are added, which changes nothing that a writer has read.
    vectors BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE datachat_datapoints (
    scope TEXT NOT NULL,
    datapoint_id TEXT NOT NULL,
    -- The connection whose it is, if it is one's. It may be gone: what is kept then is never retrieved.
    connection_id TEXT,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    -- The whole DataPoint as JSON.
    body TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    -- What a search by text looks at, in lower case.
    search_text TEXT NOT NULL,
    source_tier TEXT NOT NULL,
    -- Relative to the folder that was read.
    source_path TEXT,
    origin TEXT NOT NULL CHECK (origin IN ('file', 'api', 'approval')),
    -- That of the scope when it was last written.
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    -- Which embedder made the vector, and the vector: both or neither.
    embedder TEXT,
    embedding BYTEA,
    PRIMARY KEY (scope, datapoint_id)
);

CREATE INDEX datachat_datapoints_by_id ON datachat_datapoints (datapoint_id, scope);
CREATE INDEX datachat_datapoints_by_connection ON datachat_datapoints (connection_id);

CREATE TABLE datachat_sync_jobs (
    job_id TEXT PRIMARY KEY NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('running', 'completed', 'failed', 'interrupted')),
    sync_type TEXT NOT NULL,
    -- `auto`, `database` or `global`.
    scope TEXT NOT NULL,
    connection_id TEXT,
    -- The scope that no other job may write meanwhile; `*` for all.
    claim TEXT NOT NULL,
    -- The process that runs it, and when that was last alive.
    owner TEXT NOT NULL,
    heartbeat_at BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    finished_at BIGINT,
    total BIGINT NOT NULL,
    processed BIGINT NOT NULL,
    skipped BIGINT NOT NULL,
    error TEXT,
    -- JSON, as the layer above wrote it.
    report TEXT NOT NULL
);

CREATE INDEX datachat_sync_jobs_by_start ON datachat_sync_jobs (started_at);
