-- The portable subset: TEXT and BIGINT only. Times are microseconds since 1970-01-01T00:00:00Z, lists and
-- warnings are JSON text, truth is 0 or 1.
CREATE TABLE datachat_connections (
    id TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    -- The name in lower case: names are unique in any case.
    name_key TEXT NOT NULL UNIQUE,
    database_type TEXT NOT NULL,
    -- The URL as a Fernet token.
    url_token TEXT NOT NULL,
    tags TEXT NOT NULL,
    description TEXT,
    warnings TEXT NOT NULL,
    is_default BIGINT NOT NULL CHECK (is_default IN (0, 1)),
    created_at BIGINT NOT NULL,
    -- Counts changes of URL and type: pooled sessions of an older revision are not used again.
    revision BIGINT NOT NULL
);

-- At most one default, whoever writes.
CREATE UNIQUE INDEX datachat_connections_one_default
    ON datachat_connections (is_default) WHERE is_default = 1;
