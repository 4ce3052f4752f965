-- Uploads that come in several requests (tus 1.0). The id is that of the job that such an upload becomes.
CREATE TABLE resumable_uploads (
    id           uuid        PRIMARY KEY,
    tenant       text        NOT NULL CONSTRAINT resumable_uploads_tenant_length CHECK (length(tenant) BETWEEN 1 AND 100),
    -- NULL until the client says.
    length       bigint      CONSTRAINT resumable_uploads_length_positive CHECK (length > 0),
    -- Bytes that are durable in the store.
    received     bigint      NOT NULL DEFAULT 0 CONSTRAINT resumable_uploads_received_in_length CHECK (
                                 received >= 0 AND received <= coalesce(length, received)),
    -- Upload-Metadata as the client sent it.
    metadata     text        NOT NULL CONSTRAINT resumable_uploads_metadata_length CHECK (length(metadata) <= 65536),
    -- What it says, read: the job's options, priority and so on.
    wishes       jsonb       NOT NULL,
    -- Where the bytes are, as the store that holds them understands it.
    checkpoint   jsonb       NOT NULL,
    -- The request that writes to it; it alone may, until its lease ends.
    writer       uuid,
    writer_until timestamptz,
    -- Whether the job is made.
    completed    boolean     NOT NULL DEFAULT false,
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    CONSTRAINT resumable_uploads_writer_has_lease CHECK ((writer IS NULL) = (writer_until IS NULL)),
    CONSTRAINT resumable_uploads_completed_is_whole CHECK (NOT completed OR received = length)
);
CREATE INDEX resumable_uploads_by_tenant ON resumable_uploads (tenant) INCLUDE (received) WHERE NOT completed;
CREATE INDEX resumable_uploads_by_expiry ON resumable_uploads (expires_at);
-- Whole, and not a job yet: their gateway died in between.
CREATE INDEX resumable_uploads_whole ON resumable_uploads (id) WHERE received = length AND NOT completed;
