-- Who wants to hear of a tenant's jobs, and what was told them.
CREATE TABLE webhook_endpoints (
    id          uuid        PRIMARY KEY,
    tenant      text        NOT NULL CONSTRAINT webhook_endpoints_tenant_length CHECK (length(tenant) BETWEEN 1 AND 100),
    url         text        NOT NULL CONSTRAINT webhook_endpoints_url_length CHECK (length(url) BETWEEN 1 AND 2048),
    -- It signs what is delivered, so it cannot be stored as a digest.
    secret      bytea       NOT NULL CONSTRAINT webhook_endpoints_secret_length CHECK (octet_length(secret) BETWEEN 24 AND 64),
    events      text[]      NOT NULL CONSTRAINT webhook_endpoints_events_known CHECK (
                                events <@ ARRAY['job.succeeded', 'job.failed', 'job.cancelled', 'job.dead'] AND cardinality(events) > 0),
    description text        NOT NULL DEFAULT '' CONSTRAINT webhook_endpoints_description_length CHECK (length(description) <= 200),
    created_at  timestamptz NOT NULL DEFAULT now(),
    -- It said that it is gone, or nothing reached it for too long.
    disabled_at timestamptz
);
CREATE INDEX webhook_endpoints_by_tenant ON webhook_endpoints (tenant, created_at);

CREATE TABLE webhook_deliveries (
    id          uuid        PRIMARY KEY,
    endpoint_id uuid        NOT NULL REFERENCES webhook_endpoints (id) ON DELETE CASCADE,
    tenant      text        NOT NULL,
    -- NULL for a test.
    job_id      uuid        REFERENCES jobs (id) ON DELETE CASCADE,
    event       text        NOT NULL,
    state       text        NOT NULL DEFAULT 'pending' CONSTRAINT webhook_deliveries_state_known
                            CHECK (state IN ('pending', 'delivered', 'failed')),
    attempt     integer     NOT NULL DEFAULT 0 CONSTRAINT webhook_deliveries_attempt_not_negative CHECK (attempt >= 0),
    -- When it is tried next; while it is being tried, when another gateway may.
    next_at     timestamptz NOT NULL DEFAULT now(),
    -- What is sent, from the first try on: every try sends the same.
    body        text,
    last_status integer,
    last_error  text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    ended_at    timestamptz,
    CONSTRAINT webhook_deliveries_ended_if_over CHECK ((state = 'pending') = (ended_at IS NULL))
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (next_at) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_by_endpoint ON webhook_deliveries (endpoint_id, id DESC);
CREATE INDEX webhook_deliveries_by_job ON webhook_deliveries (job_id) WHERE job_id IS NOT NULL;
CREATE INDEX webhook_deliveries_by_end ON webhook_deliveries (ended_at) WHERE ended_at IS NOT NULL;

-- A uuidv7 (RFC 9562 §5.7): sorts by the time at which it was made.
CREATE FUNCTION uuidv7() RETURNS uuid LANGUAGE sql VOLATILE AS $$
    SELECT overlay(overlay(gen_random_uuid()::text
        PLACING substr(uuidv7_floor(clock_timestamp())::text, 1, 13) FROM 1 FOR 13) PLACING '7' FROM 15 FOR 1)::uuid
$$;

-- With the job's end, in its transaction: whoever wants to hear of it will.
CREATE FUNCTION jobs_notify_webhooks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO webhook_deliveries (id, endpoint_id, tenant, job_id, event)
    SELECT uuidv7(), e.id, e.tenant, NEW.id, 'job.' || NEW.state
    FROM webhook_endpoints e
    WHERE e.tenant = NEW.tenant AND e.disabled_at IS NULL AND 'job.' || NEW.state = ANY (e.events);
    RETURN NULL;
END $$;
CREATE TRIGGER jobs_notify_webhooks AFTER UPDATE OF state ON jobs FOR EACH ROW
    WHEN (OLD.state <> NEW.state AND NEW.state IN ('succeeded', 'failed', 'cancelled', 'dead'))
    EXECUTE FUNCTION jobs_notify_webhooks();
-- A job that takes over a verdict is born ended.
CREATE TRIGGER jobs_notify_webhooks_at_birth AFTER INSERT ON jobs FOR EACH ROW
    WHEN (NEW.state = 'succeeded') EXECUTE FUNCTION jobs_notify_webhooks();
