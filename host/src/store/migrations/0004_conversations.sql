-- What was asked and answered, so that a conversation goes on where it was left. Rows of results are not kept.

CREATE TABLE datachat_conversations (
    -- The name of the API key that began it; empty for everybody who has none.
    owner TEXT NOT NULL,
    -- Unique for its owner only: whoever names somebody else's begins one of his own.
    conversation_id TEXT NOT NULL,
    title TEXT NOT NULL,
    -- The connection of the question that the title was taken from; null for a title that somebody chose.
    titled_by TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (owner, conversation_id)
);

CREATE INDEX datachat_conversations_by_owner ON datachat_conversations (owner, updated_at);

CREATE INDEX datachat_conversations_by_update ON datachat_conversations (updated_at);

CREATE TABLE datachat_turns (
    owner TEXT NOT NULL,
    conversation_id TEXT NOT NULL,
    -- Rises in the order in which turns ended.
    position BIGINT NOT NULL,
    connection_id TEXT NOT NULL,
    -- The beginning of the question: what the conversation is called if nothing is left before it.
    heading TEXT NOT NULL,
    -- JSON, as the layer above wrote it: how the answer named its database.
    database_ref TEXT NOT NULL,
    -- JSON, as the layer above wrote it.
    body TEXT NOT NULL,
    asked_at BIGINT NOT NULL,
    PRIMARY KEY (owner, conversation_id, position),
    FOREIGN KEY (owner, conversation_id)
        REFERENCES datachat_conversations (owner, conversation_id) ON DELETE CASCADE
);

CREATE INDEX datachat_turns_by_connection ON datachat_turns (connection_id);
