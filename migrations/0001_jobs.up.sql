-- The job lifecycle. Every table carries its tenant; every invariant that SQL can state is stated here and named.

CREATE TABLE uploads (
    id          uuid        PRIMARY KEY,
    tenant      text        NOT NULL CONSTRAINT uploads_tenant_length CHECK (length(tenant) BETWEEN 1 AND 100),
    sha256      text        NOT NULL CONSTRAINT uploads_sha256_hex CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    bytes       bigint      NOT NULL CONSTRAINT uploads_bytes_positive CHECK (bytes > 0),
    media_type  text        NOT NULL,
    store_key   text        NOT NULL CONSTRAINT uploads_store_key_unique UNIQUE,
    created_at  timestamptz NOT NULL DEFAULT now(),
    -- When the bytes were removed from the store; the row stays as long as its jobs do.
    released_at timestamptz
);
CREATE INDEX uploads_unreleased ON uploads (created_at) WHERE released_at IS NULL;
CREATE INDEX uploads_by_content ON uploads (tenant, sha256);

CREATE TABLE models (
    sha256        text        PRIMARY KEY CONSTRAINT models_sha256_hex CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    card          jsonb       NOT NULL,
    registered_at timestamptz NOT NULL DEFAULT now(),
    active        boolean     NOT NULL DEFAULT false
);
CREATE UNIQUE INDEX models_one_active ON models (active) WHERE active;

CREATE TABLE workers (
    id           uuid        PRIMARY KEY,
    host         text        NOT NULL,
    version      text        NOT NULL,
    model_sha256 text        NOT NULL REFERENCES models (sha256),
    kinds        text[]      NOT NULL,
    slots        integer     NOT NULL CONSTRAINT workers_slots_positive CHECK (slots > 0),
    started_at   timestamptz NOT NULL DEFAULT now(),
    heartbeat_at timestamptz NOT NULL DEFAULT now(),
    draining     boolean     NOT NULL DEFAULT false
);
CREATE INDEX workers_by_heartbeat ON workers (heartbeat_at);

CREATE TABLE jobs (
    id               uuid        PRIMARY KEY,
    tenant           text        NOT NULL CONSTRAINT jobs_tenant_length CHECK (length(tenant) BETWEEN 1 AND 100),
    kind             text        NOT NULL,
    priority         smallint    NOT NULL DEFAULT 0 CONSTRAINT jobs_priority_range CHECK (priority BETWEEN -10 AND 10),
    state            text        NOT NULL DEFAULT 'queued' CONSTRAINT jobs_state_known
                                 CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled', 'dead')),
    run_at           timestamptz NOT NULL DEFAULT now(),
    -- Microseconds: the time of creation less a step for each priority; the order of the queue, fixed for good.
    queue_rank       bigint      NOT NULL,
    attempt          integer     NOT NULL DEFAULT 0 CONSTRAINT jobs_attempt_not_negative CHECK (attempt >= 0),
    max_attempts     integer     NOT NULL CONSTRAINT jobs_max_attempts_positive CHECK (max_attempts > 0),
    crash_count      integer     NOT NULL DEFAULT 0 CONSTRAINT jobs_crash_count_not_negative CHECK (crash_count >= 0),
    runs_alone       boolean     NOT NULL DEFAULT false,
    lease_epoch      bigint      NOT NULL DEFAULT 0,
    lease_owner      uuid,
    lease_until      timestamptz,
    dispatched_at    timestamptz,
    cancel_requested boolean     NOT NULL DEFAULT false,
    stage            text,
    progress         real        NOT NULL DEFAULT 0 CONSTRAINT jobs_progress_range CHECK (progress BETWEEN 0 AND 1),
    revision         bigint      NOT NULL DEFAULT 1,
    upload_id        uuid        NOT NULL REFERENCES uploads (id),
    upload_sha256    text        NOT NULL,
    options          jsonb       NOT NULL,
    model_sha256     text        REFERENCES models (sha256),
    leader_id        uuid        REFERENCES jobs (id),
    traceparent      text,
    error            jsonb,
    created_at       timestamptz NOT NULL DEFAULT now(),
    started_at       timestamptz,
    finished_at      timestamptz,
    expires_at       timestamptz,
    CONSTRAINT jobs_lease_while_running CHECK (
        (state = 'running') = (lease_owner IS NOT NULL) AND (state = 'running') = (lease_until IS NOT NULL)),
    CONSTRAINT jobs_stage_only_while_running CHECK (stage IS NULL OR state = 'running'),
    CONSTRAINT jobs_started_if_it_ran CHECK (state NOT IN ('running', 'succeeded') OR started_at IS NOT NULL),
    CONSTRAINT jobs_finished_if_terminal CHECK (
        (state IN ('succeeded', 'failed', 'cancelled', 'dead')) = (finished_at IS NOT NULL)),
    CONSTRAINT jobs_error_if_failed CHECK (state NOT IN ('failed', 'dead') OR error IS NOT NULL),
    CONSTRAINT jobs_dispatched_only_while_queued CHECK (dispatched_at IS NULL OR state = 'queued'),
    CONSTRAINT jobs_do_not_lead_themselves CHECK (leader_id <> id)
);
CREATE INDEX jobs_queue ON jobs (kind, queue_rank) WHERE state = 'queued' AND leader_id IS NULL;
CREATE INDEX jobs_leases ON jobs (lease_until) WHERE state = 'running';
CREATE INDEX jobs_by_tenant ON jobs (tenant, id DESC);
CREATE INDEX jobs_by_state ON jobs (tenant, state, id DESC);
CREATE INDEX jobs_by_upload ON jobs (upload_id);
CREATE INDEX jobs_by_leader ON jobs (leader_id) WHERE leader_id IS NOT NULL;

-- No statement, ours or an operator's, may lead a job out of a terminal state, or turn its epoch back.
CREATE FUNCTION jobs_guard_transition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.lease_epoch < OLD.lease_epoch THEN
        RAISE EXCEPTION 'lease_epoch of job % may not go back from % to %', OLD.id, OLD.lease_epoch, NEW.lease_epoch
            USING ERRCODE = 'check_violation', CONSTRAINT = 'jobs_epoch_never_falls';
    END IF;
    IF NEW.state <> OLD.state AND NOT (
        (OLD.state = 'queued' AND NEW.state IN ('running', 'cancelled', 'succeeded'))
        OR (OLD.state = 'running' AND NEW.state IN ('queued', 'succeeded', 'failed', 'cancelled', 'dead'))
        OR (OLD.state = 'dead' AND NEW.state = 'queued')
    ) THEN
        RAISE EXCEPTION 'job % may not go from % to %', OLD.id, OLD.state, NEW.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'jobs_transition_allowed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER jobs_guard_transition BEFORE UPDATE ON jobs FOR EACH ROW EXECUTE FUNCTION jobs_guard_transition();

CREATE TABLE idempotency (
    tenant       text        NOT NULL,
    key          text        NOT NULL CONSTRAINT idempotency_key_length CHECK (length(key) BETWEEN 1 AND 255),
    state        text        NOT NULL CONSTRAINT idempotency_state_known CHECK (state IN ('reserved', 'finished')),
    -- Who reserved it; only that request may finish or release it.
    reservation  uuid        NOT NULL,
    -- SHA-256 of the body and the options, so that a replay with other content is refused.
    fingerprint  text,
    job_id       uuid        REFERENCES jobs (id) ON DELETE CASCADE,
    leased_until timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    PRIMARY KEY (tenant, key),
    CONSTRAINT idempotency_finished_has_job CHECK (
        (state = 'finished') = (job_id IS NOT NULL) AND (state = 'finished') = (fingerprint IS NOT NULL))
);
CREATE INDEX idempotency_by_expiry ON idempotency (expires_at);

-- These three grow for ever: range partitions of the job's id, which sorts by time.
CREATE TABLE attempts (
    job_id      uuid        NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    epoch       bigint      NOT NULL,
    worker_id   uuid        NOT NULL,
    started_at  timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    outcome     text        CONSTRAINT attempts_outcome_known CHECK (outcome IN (
                                'succeeded', 'failed', 'retried', 'cancelled', 'lost', 'handed_back', 'dead')),
    error       jsonb,
    PRIMARY KEY (job_id, epoch),
    CONSTRAINT attempts_outcome_when_finished CHECK ((outcome IS NULL) = (finished_at IS NULL))
) PARTITION BY RANGE (job_id);

CREATE TABLE verdicts (
    job_id       uuid        NOT NULL PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    epoch        bigint      NOT NULL,
    tenant       text        NOT NULL,
    label        text        NOT NULL CONSTRAINT verdicts_label_known CHECK (label IN ('real', 'fake', 'uncertain')),
    probability  double precision CONSTRAINT verdicts_probability_range CHECK (probability BETWEEN 0 AND 1),
    model_sha256 text        NOT NULL,
    reused       boolean     NOT NULL DEFAULT false,
    body         jsonb       NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT verdicts_never_invented CHECK (probability IS NOT NULL OR label = 'uncertain')
) PARTITION BY RANGE (job_id);

CREATE TABLE artifacts (
    job_id     uuid    NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    track      integer NOT NULL CONSTRAINT artifacts_track_not_negative CHECK (track >= 0),
    frame      integer NOT NULL CONSTRAINT artifacts_frame_not_negative CHECK (frame >= 0),
    kind       text    NOT NULL CONSTRAINT artifacts_kind_known CHECK (kind IN ('image', 'gradcam', 'map')),
    media_type text    NOT NULL,
    bytes      bytea   NOT NULL,
    PRIMARY KEY (job_id, track, frame, kind)
) PARTITION BY RANGE (job_id);

-- The smallest uuidv7 of a moment (RFC 9562 §5.7: 48 bits of milliseconds come first).
CREATE FUNCTION uuidv7_floor(moment timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (rpad(lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0'), 32, '0'))::uuid
$$;

-- Makes the monthly partitions from the month of `first` on, `months` of them, for the three tables.
CREATE FUNCTION ensure_month_partitions(first timestamptz, months integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    parent text;
    month timestamptz;
    partition text;
BEGIN
    FOR step IN 0 .. months - 1 LOOP
        month := (date_trunc('month', first AT TIME ZONE 'UTC') + make_interval(months => step)) AT TIME ZONE 'UTC';
        FOREACH parent IN ARRAY ARRAY['attempts', 'verdicts', 'artifacts'] LOOP
            partition := parent || to_char(month AT TIME ZONE 'UTC', '_YYYYMM');
            IF to_regclass(partition) IS NULL THEN
                EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', partition, parent,
                    uuidv7_floor(month),
                    uuidv7_floor((month AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC'));
            END IF;
        END LOOP;
    END LOOP;
END $$;
SELECT ensure_month_partitions(now() - interval '1 month', 4);

-- A month that nobody prepared must not lose a verdict.
CREATE TABLE attempts_other PARTITION OF attempts DEFAULT;
CREATE TABLE verdicts_other PARTITION OF verdicts DEFAULT;
CREATE TABLE artifacts_other PARTITION OF artifacts DEFAULT;
CREATE INDEX verdicts_by_tenant ON verdicts (tenant, job_id DESC);
