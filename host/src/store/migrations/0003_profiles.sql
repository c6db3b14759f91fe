-- What tables look like, the DataPoints proposed from that, and the jobs that found both out.

CREATE TABLE datachat_jobs (
    job_id TEXT PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('profile', 'generate')),
    status TEXT NOT NULL CHECK (status IN ('pending', 'running', 'completed', 'failed', 'interrupted')),
    connection_id TEXT NOT NULL,
    -- What a generation reads, from its start; what a profiling has made, from its end.
    profile_id TEXT,
    -- JSON, as the layer above wrote it: what was asked for.
    request TEXT NOT NULL,
    -- The process that runs it, and when that was last alive.
    owner TEXT NOT NULL,
    heartbeat_at BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    finished_at BIGINT,
    -- Tables.
    total BIGINT NOT NULL,
    completed BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    skipped BIGINT NOT NULL,
    error TEXT
);

CREATE INDEX datachat_jobs_by_start ON datachat_jobs (kind, started_at);

CREATE TABLE datachat_profiles (
    profile_id TEXT PRIMARY KEY NOT NULL,
    connection_id TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE INDEX datachat_profiles_by_connection ON datachat_profiles (connection_id, created_at);

CREATE TABLE datachat_profile_tables (
    profile_id TEXT NOT NULL,
    -- From 0, in the order of schema and name.
    position BIGINT NOT NULL,
    -- JSON, as the layer above wrote it.
    body TEXT NOT NULL,
    PRIMARY KEY (profile_id, position)
);

-- DataPoints that wait for somebody to look at them, and what became of those that did.
CREATE TABLE datachat_proposals (
    proposal_id TEXT PRIMARY KEY NOT NULL,
    profile_id TEXT NOT NULL,
    connection_id TEXT NOT NULL,
    datapoint_id TEXT NOT NULL,
    -- The whole DataPoint as JSON; of an approved one, what was stored.
    body TEXT NOT NULL,
    -- Of 1000.
    confidence BIGINT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'approved', 'rejected')),
    review_note TEXT,
    created_at BIGINT NOT NULL,
    reviewed_at BIGINT
);

CREATE INDEX datachat_proposals_by_connection ON datachat_proposals (connection_id, datapoint_id);
