-- One run for equal bytes, scheduled starts, fairness between tenants, erasure, retention, and a fuller audit. It adds to
-- what the programs of 0002 know, and they go on working beside it.

-- How the active model judges: a verdict is reused only where the same network would give the same one.
ALTER TABLE models ADD COLUMN precision text, ADD COLUMN analysis_version text;
-- Why a worker takes no jobs at the moment; NULL while it does.
ALTER TABLE workers ADD COLUMN unready_reason text,
    ADD COLUMN busy integer NOT NULL DEFAULT 0 CONSTRAINT workers_busy_not_negative CHECK (busy >= 0);
-- The worker's own row is gone once it has left.
ALTER TABLE attempts ADD COLUMN worker_host text, ADD COLUMN worker_version text;

ALTER TABLE jobs
    -- SHA-256 of everything that a verdict depends on; NULL for jobs from before there was sharing.
    ADD COLUMN content_key bytea CONSTRAINT jobs_content_key_length CHECK (octet_length(content_key) = 32),
    -- Asked for a run of its own: it neither takes over a verdict nor shares a run.
    ADD COLUMN fresh boolean NOT NULL DEFAULT false,
    DROP COLUMN expires_at,
    -- A follower waits for its leader's verdict; once it ended it follows nobody.
    ADD CONSTRAINT jobs_followers_wait CHECK (leader_id IS NULL OR state = 'queued'),
    ADD CONSTRAINT jobs_fresh_follow_nobody CHECK (NOT fresh OR leader_id IS NULL);
-- A leader's erasure and its follower's promotion are one transaction, and only its end is consistent.
ALTER TABLE jobs ALTER CONSTRAINT jobs_leader_id_fkey DEFERRABLE INITIALLY DEFERRED;
-- Room for a job's short-lived versions on its own page, and a vacuum that keeps up with a queue's churn.
ALTER TABLE jobs SET (fillfactor = 75, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02,
    autovacuum_vacuum_cost_delay = 0);

CREATE UNIQUE INDEX jobs_one_leader ON jobs (content_key)
    WHERE state IN ('queued', 'running') AND leader_id IS NULL AND NOT fresh;
CREATE INDEX jobs_judged_by_content ON jobs (content_key, finished_at DESC) WHERE state = 'succeeded';
-- The queue of each tenant, so that they can take turns.
CREATE INDEX jobs_tenant_queue ON jobs (kind, tenant, queue_rank) WHERE state = 'queued' AND leader_id IS NULL;
DROP INDEX jobs_queue;
CREATE INDEX jobs_ended ON jobs (state, finished_at) WHERE finished_at IS NOT NULL;

ALTER TABLE verdicts
    ADD COLUMN analysis_version text,
    -- Whose pictures a reused verdict shows; NULL for its own.
    ADD COLUMN pictures_of uuid,
    ADD CONSTRAINT verdicts_show_others_only_if_reused CHECK (pictures_of IS NULL OR reused),
    ADD CONSTRAINT verdicts_do_not_borrow_from_themselves CHECK (pictures_of <> job_id);
CREATE INDEX verdicts_by_pictures ON verdicts (pictures_of) WHERE pictures_of IS NOT NULL;

-- No job refers to it any more: its bytes go, and then its row.
ALTER TABLE uploads ADD COLUMN unreferenced boolean NOT NULL DEFAULT false;
CREATE INDEX uploads_unreferenced ON uploads (created_at) WHERE unreferenced;

-- A job is born waiting, or with the verdict that it takes over.
CREATE FUNCTION jobs_guard_birth() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'job % may not begin as %', NEW.id, NEW.state
        USING ERRCODE = 'check_violation', CONSTRAINT = 'jobs_birth_allowed';
END $$;
CREATE TRIGGER jobs_guard_birth BEFORE INSERT ON jobs FOR EACH ROW
    WHEN (NEW.state NOT IN ('queued', 'succeeded')) EXECUTE FUNCTION jobs_guard_birth();

-- The state machine. Only a follower goes from queued to an end that takes a run, and it never runs itself.
CREATE OR REPLACE FUNCTION jobs_guard_transition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.lease_epoch < OLD.lease_epoch THEN
        RAISE EXCEPTION 'lease_epoch of job % may not go back from % to %', OLD.id, OLD.lease_epoch, NEW.lease_epoch
            USING ERRCODE = 'check_violation', CONSTRAINT = 'jobs_epoch_never_falls';
    END IF;
    IF NEW.state <> OLD.state THEN
        IF NOT (
            (OLD.state = 'queued' AND NEW.state = 'cancelled')
            OR (OLD.state = 'queued' AND OLD.leader_id IS NULL AND NEW.state = 'running')
            OR (OLD.state = 'queued' AND OLD.leader_id IS NOT NULL AND NEW.state IN ('succeeded', 'failed', 'dead'))
            OR (OLD.state = 'running' AND NEW.state IN ('queued', 'succeeded', 'failed', 'cancelled', 'dead'))
            OR (OLD.state = 'dead' AND NEW.state = 'queued')
        ) THEN
            RAISE EXCEPTION 'job % may not go from % to %', OLD.id, OLD.state, NEW.state
                USING ERRCODE = 'check_violation', CONSTRAINT = 'jobs_transition_allowed';
        END IF;
        IF NEW.state <> 'queued' THEN NEW.leader_id := NULL; END IF;
    END IF;
    RETURN NEW;
END $$;

-- Gives the followers of a leader that will not run another: the oldest of them, in the place of the first in the queue.
CREATE FUNCTION jobs_promote_follower(gone uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    heir uuid;
    rank bigint;
    due timestamptz;
BEGIN
    -- All are locked before one is chosen, so that none of them is withdrawn in between.
    PERFORM 1 FROM jobs WHERE leader_id = gone AND state = 'queued' ORDER BY id FOR UPDATE;
    SELECT (array_agg(id ORDER BY id))[1], min(queue_rank), min(run_at) INTO heir, rank, due
        FROM jobs WHERE leader_id = gone AND state = 'queued';
    IF heir IS NULL THEN RETURN; END IF;
    UPDATE jobs SET leader_id = NULL, queue_rank = rank, run_at = due, dispatched_at = NULL, revision = revision + 1
        WHERE id = heir;
    UPDATE jobs SET leader_id = heir, revision = revision + 1 WHERE leader_id = gone AND state = 'queued';
END $$;

-- Gives a job the verdict of another; the pictures stay where they are.
CREATE FUNCTION verdicts_take_over(judged uuid, taker uuid) RETURNS void LANGUAGE sql AS $$
    INSERT INTO verdicts (job_id, epoch, tenant, label, probability, model_sha256, analysis_version, reused, body, pictures_of)
    SELECT taker, 0, tenant, label, probability, model_sha256, analysis_version, true,
           jsonb_set(body, '{reused}', 'true'), coalesce(pictures_of, job_id)
    FROM verdicts WHERE job_id = judged
$$;

-- An ended leader leaves no follower behind, whoever ended it: they get its verdict or its error, or another leader.
CREATE FUNCTION jobs_settle_followers() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    follower uuid;
BEGIN
    IF NOT EXISTS (SELECT 1 FROM jobs WHERE leader_id = NEW.id) THEN RETURN NULL; END IF;
    IF NEW.state = 'cancelled' THEN
        PERFORM jobs_promote_follower(NEW.id);
    ELSIF NEW.state = 'succeeded' THEN
        FOR follower IN
            UPDATE jobs SET state = 'succeeded', started_at = coalesce(NEW.started_at, now()), finished_at = now(),
                dispatched_at = NULL, progress = 1, error = NULL, model_sha256 = NEW.model_sha256, revision = revision + 1
            WHERE leader_id = NEW.id AND state = 'queued' RETURNING id
        LOOP
            PERFORM verdicts_take_over(NEW.id, follower);
        END LOOP;
    ELSE
        UPDATE jobs SET state = NEW.state, finished_at = now(), dispatched_at = NULL, error = NEW.error,
            revision = revision + 1
        WHERE leader_id = NEW.id AND state = 'queued';
    END IF;
    RETURN NULL;
END $$;
-- At the end of the transaction, when the verdict is there.
CREATE CONSTRAINT TRIGGER jobs_settle_followers AFTER UPDATE OF state ON jobs DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (OLD.state <> NEW.state AND NEW.state IN ('succeeded', 'failed', 'cancelled', 'dead'))
    EXECUTE FUNCTION jobs_settle_followers();

-- Pictures that other verdicts show outlive the job that they were drawn for.
CREATE FUNCTION jobs_bequeath_pictures() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    heir uuid;
BEGIN
    WHILE EXISTS (SELECT 1 FROM verdicts WHERE pictures_of = OLD.id) LOOP
        -- The lock waits for an heir that is being erased itself; then there may be another.
        SELECT j.id INTO heir FROM verdicts v JOIN jobs j ON j.id = v.job_id
            WHERE v.pictures_of = OLD.id ORDER BY j.id LIMIT 1 FOR UPDATE OF j;
        CONTINUE WHEN NOT FOUND;
        UPDATE artifacts SET job_id = heir WHERE job_id = OLD.id;
        UPDATE verdicts SET pictures_of = nullif(heir, job_id) WHERE pictures_of = OLD.id;
    END LOOP;
    RETURN OLD;
END $$;
CREATE TRIGGER jobs_bequeath_pictures BEFORE DELETE ON jobs FOR EACH ROW
    WHEN (OLD.state = 'succeeded') EXECUTE FUNCTION jobs_bequeath_pictures();

CREATE FUNCTION jobs_leave_nothing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state IN ('queued', 'running') THEN PERFORM jobs_promote_follower(OLD.id); END IF;
    UPDATE uploads SET unreferenced = true
        WHERE id = OLD.upload_id AND NOT EXISTS (SELECT 1 FROM jobs WHERE upload_id = OLD.upload_id);
    RETURN NULL;
END $$;
CREATE TRIGGER jobs_leave_nothing AFTER DELETE ON jobs FOR EACH ROW EXECUTE FUNCTION jobs_leave_nothing();

-- A job on its way in, as `enqueue_jobs` is told of it; the rest is filled in there.
CREATE TYPE job_request AS (
    id uuid, tenant text, kind text, priority smallint, max_attempts integer, options jsonb, store_key text, bytes bigint,
    sha256 text, media_type text, traceparent text, run_at timestamptz, fresh boolean, is_dispatched boolean,
    idempotency_key text, reservation uuid, fingerprint text,
    model_sha256 text, content_key bytea, queue_rank bigint
);

-- Makes jobs of durable uploads, many in one transaction. `outcome` is what became of each:
--   queued     it waits for a run of its own
--   following  it waits for the run of an equal one that is under way
--   reused     it has the verdict of an equal one
--   lapsed     another request took its idempotency key: nothing was written
CREATE FUNCTION enqueue_jobs(wanted jsonb, priority_step_seconds double precision)
RETURNS TABLE (job uuid, outcome text, leader uuid, model text) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    active record;
    plain job_request[];
    special job_request[];
    made uuid[];
    r job_request;
BEGIN
    SELECT m.sha256, m.precision, m.analysis_version INTO active FROM models m WHERE m.active;
    -- Most have bytes that nobody sent before: they are written at once, since a statement for each costs several times as much.
    WITH filled AS (
        SELECT w.id, w.tenant, w.kind, w.priority, w.max_attempts, w.options, w.store_key, w.bytes, w.sha256, w.media_type,
            w.traceparent, coalesce(w.run_at, now()) AS run_at, w.fresh, w.is_dispatched, w.idempotency_key, w.reservation,
            w.fingerprint, active.sha256 AS model_sha256,
            sha256(convert_to(concat_ws(E'\x1f', w.tenant, w.kind, w.sha256, coalesce(active.sha256, ''),
                coalesce(active.precision, ''), coalesce(active.analysis_version, ''), w.options::text), 'UTF8')) AS content_key,
            (extract(epoch FROM greatest(w.run_at, now())) * 1e6 - w.priority * priority_step_seconds * 1e6)::bigint AS queue_rank
        FROM jsonb_populate_recordset(NULL::job_request, wanted) w
    ), judged AS (
        SELECT f, f.sha256 AS sha256, f.reservation IS NOT NULL OR known.found OR under_way.found
            OR count(*) OVER (PARTITION BY f.content_key) > 1 AS is_special
        FROM filled f
        -- The limits keep these two descents of an index for each job, whatever the planner last knew about the table.
        LEFT JOIN LATERAL (
            SELECT true AS found FROM jobs j WHERE j.content_key = f.content_key AND j.state = 'succeeded' LIMIT 1
        ) known ON true
        LEFT JOIN LATERAL (
            SELECT true AS found FROM jobs j WHERE j.content_key = f.content_key AND j.state IN ('queued', 'running')
                AND j.leader_id IS NULL AND NOT j.fresh LIMIT 1
        ) under_way ON true
    )
    -- In one order everywhere, so that two batches seldom wait for each other.
    SELECT array_agg(f ORDER BY sha256) FILTER (WHERE is_special IS NOT TRUE),
            array_agg(f ORDER BY sha256) FILTER (WHERE is_special)
        INTO plain, special FROM judged;

    INSERT INTO uploads (id, tenant, sha256, bytes, media_type, store_key)
    SELECT p.id, p.tenant, p.sha256, p.bytes, p.media_type, p.store_key FROM unnest(plain) p;
    WITH inserted AS (
        INSERT INTO jobs (id, tenant, kind, priority, run_at, queue_rank, max_attempts, upload_id, upload_sha256, options,
                          model_sha256, content_key, fresh, traceparent, dispatched_at)
        SELECT p.id, p.tenant, p.kind, p.priority, p.run_at, p.queue_rank, p.max_attempts, p.id, p.sha256, p.options,
               p.model_sha256, p.content_key, p.fresh, p.traceparent, CASE WHEN p.is_dispatched THEN now() END
        FROM unnest(plain) p
        ON CONFLICT (content_key) WHERE state IN ('queued', 'running') AND leader_id IS NULL AND NOT fresh DO NOTHING
        RETURNING id
    )
    SELECT array_agg(id) INTO made FROM inserted;
    RETURN QUERY SELECT id, 'queued', NULL::uuid, active.sha256 FROM unnest(made) id;

    -- The others one by one: those that another may be equal to, and those that became so in this moment.
    FOR r IN
        SELECT * FROM (SELECT (p).* FROM unnest(plain) p WHERE p.id <> ALL (coalesce(made, '{}'))
                       UNION ALL SELECT (s).* FROM unnest(special) s) o ORDER BY o.sha256
    LOOP
        job := r.id;
        leader := NULL;
        model := active.sha256;
        IF r.reservation IS NOT NULL THEN
            PERFORM 1 FROM idempotency i WHERE i.tenant = r.tenant AND i.key = r.idempotency_key
                AND i.state = 'reserved' AND i.reservation = r.reservation FOR UPDATE;
            IF NOT FOUND THEN
                outcome := 'lapsed';
                RETURN NEXT;
                CONTINUE;
            END IF;
        END IF;
        SELECT e.outcome, e.leader INTO outcome, leader FROM enqueue_job(r, active.precision, active.analysis_version) e;
        IF r.reservation IS NOT NULL THEN
            UPDATE idempotency i SET state = 'finished', job_id = r.id, fingerprint = r.fingerprint
                WHERE i.tenant = r.tenant AND i.key = r.idempotency_key AND i.reservation = r.reservation;
        END IF;
        RETURN NEXT;
    END LOOP;
END $$;

-- Makes one job, whatever others of equal bytes are about to do.
CREATE FUNCTION enqueue_job(r job_request, model_precision text, model_analysis_version text)
RETURNS TABLE (outcome text, leader uuid) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    twin record;
BEGIN
    LOOP
        IF NOT r.fresh THEN
            -- One that ends now lets go of this lock with its verdict stored: it is not found here, but by the next look.
            SELECT j.id, j.upload_id INTO twin FROM jobs j
                WHERE j.content_key = r.content_key AND j.state IN ('queued', 'running') AND j.leader_id IS NULL AND NOT j.fresh
                FOR UPDATE;
            IF FOUND THEN
                DELETE FROM uploads WHERE id = r.id;
                INSERT INTO jobs (id, tenant, kind, priority, run_at, queue_rank, max_attempts, upload_id, upload_sha256,
                                  options, model_sha256, content_key, leader_id, traceparent)
                VALUES (r.id, r.tenant, r.kind, r.priority, r.run_at, r.queue_rank, r.max_attempts, twin.upload_id, r.sha256,
                        r.options, r.model_sha256, r.content_key, twin.id, r.traceparent);
                -- The most urgent of them decides when they run; but a wait after a failure stays as long as it is.
                UPDATE jobs SET queue_rank = least(queue_rank, r.queue_rank),
                    run_at = CASE WHEN attempt = 0 THEN least(run_at, r.run_at) ELSE run_at END
                WHERE id = twin.id AND state = 'queued'
                  AND (queue_rank > r.queue_rank OR (attempt = 0 AND run_at > r.run_at));
                RETURN QUERY SELECT 'following', twin.id;
                RETURN;
            END IF;
            -- The lock keeps it from being erased before its pictures have another user.
            SELECT j.id, j.upload_id INTO twin FROM jobs j JOIN verdicts v ON v.job_id = j.id
                WHERE j.content_key = r.content_key AND j.state = 'succeeded' AND v.model_sha256 = r.model_sha256
                  -- Another worker than the one whose model was active may have judged it.
                  AND v.body->'model'->>'precision' = model_precision AND v.analysis_version = model_analysis_version
                ORDER BY j.finished_at DESC LIMIT 1 FOR KEY SHARE OF j;
            IF FOUND THEN
                DELETE FROM uploads WHERE id = r.id;
                INSERT INTO jobs (id, tenant, kind, priority, state, run_at, queue_rank, max_attempts, progress, upload_id,
                                  upload_sha256, options, model_sha256, content_key, traceparent, started_at, finished_at)
                VALUES (r.id, r.tenant, r.kind, r.priority, 'succeeded', r.run_at, r.queue_rank, r.max_attempts, 1,
                        twin.upload_id, r.sha256, r.options, r.model_sha256, r.content_key, r.traceparent, now(), now());
                PERFORM verdicts_take_over(twin.id, r.id);
                RETURN QUERY SELECT 'reused', NULL::uuid;
                RETURN;
            END IF;
        END IF;
        -- It may be there from a look before this one.
        INSERT INTO uploads (id, tenant, sha256, bytes, media_type, store_key)
        VALUES (r.id, r.tenant, r.sha256, r.bytes, r.media_type, r.store_key) ON CONFLICT (id) DO NOTHING;
        INSERT INTO jobs (id, tenant, kind, priority, run_at, queue_rank, max_attempts, upload_id, upload_sha256, options,
                          model_sha256, content_key, fresh, traceparent, dispatched_at)
        VALUES (r.id, r.tenant, r.kind, r.priority, r.run_at, r.queue_rank, r.max_attempts, r.id, r.sha256, r.options,
                r.model_sha256, r.content_key, r.fresh, r.traceparent, CASE WHEN r.is_dispatched THEN now() END)
        ON CONFLICT (content_key) WHERE state IN ('queued', 'running') AND leader_id IS NULL AND NOT fresh DO NOTHING;
        IF FOUND THEN
            RETURN QUERY SELECT 'queued', NULL::uuid;
            RETURN;
        END IF;
        -- Another one became the leader in this moment.
    END LOOP;
END $$;
