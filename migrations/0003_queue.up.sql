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
ALTER TABLE jobs SET (fillfactor = 75, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

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

-- Makes jobs of durable uploads, many in one transaction. `outcome` is what became of each:
--   queued     it waits for a run of its own
--   following  it waits for the run of an equal one that is under way
--   reused     it has the verdict of an equal one
--   lapsed     another request took its idempotency key: nothing was written
CREATE FUNCTION enqueue_jobs(wanted jsonb, priority_step_seconds double precision)
RETURNS TABLE (job uuid, outcome text, leader uuid, model text) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    w record;
    active record;
    key bytea;
    rank bigint;
    twin record;
BEGIN
    SELECT m.sha256, m.precision, m.analysis_version INTO active FROM models m WHERE m.active;
    -- In one order everywhere, so that two batches cannot wait for each other.
    FOR w IN
        SELECT t.*, coalesce(t."runAt", now()) AS run_at
        FROM jsonb_to_recordset(wanted) AS t (
            id uuid, tenant text, kind text, priority smallint, "maximumAttempts" integer, options jsonb, "storeKey" text,
            bytes bigint, sha256 text, "mediaType" text, traceparent text, "runAt" timestamptz, fresh boolean,
            "isDispatched" boolean, "idempotencyKey" text, reservation uuid, fingerprint text)
        ORDER BY t.sha256, t.tenant, t.id
    LOOP
        job := w.id;
        leader := NULL;
        model := active.sha256;
        IF w.reservation IS NOT NULL THEN
            PERFORM 1 FROM idempotency i WHERE i.tenant = w.tenant AND i.key = w."idempotencyKey"
                AND i.state = 'reserved' AND i.reservation = w.reservation FOR UPDATE;
            IF NOT FOUND THEN
                outcome := 'lapsed';
                RETURN NEXT;
                CONTINUE;
            END IF;
        END IF;
        key := sha256(convert_to(concat_ws(E'\x1f', w.tenant, w.kind, w.sha256, coalesce(active.sha256, ''),
            coalesce(active.precision, ''), coalesce(active.analysis_version, ''), w.options::text), 'UTF8'));
        rank := (extract(epoch FROM greatest(w.run_at, now())) * 1e6 - w.priority * priority_step_seconds * 1e6)::bigint;
        outcome := NULL;
        WHILE outcome IS NULL LOOP
            IF NOT w.fresh THEN
                -- The lock keeps it from being erased before its pictures have another user.
                SELECT j.id, j.upload_id INTO twin FROM jobs j JOIN verdicts v ON v.job_id = j.id
                    WHERE j.content_key = key AND j.state = 'succeeded' AND v.model_sha256 = active.sha256
                      -- Another worker than the one whose model was active may have judged it.
                      AND v.body->'model'->>'precision' = active.precision AND v.analysis_version = active.analysis_version
                    ORDER BY j.finished_at DESC LIMIT 1 FOR KEY SHARE OF j;
                IF FOUND THEN
                    INSERT INTO jobs (id, tenant, kind, priority, state, run_at, queue_rank, max_attempts, progress, upload_id,
                                      upload_sha256, options, model_sha256, content_key, traceparent, started_at, finished_at)
                    VALUES (w.id, w.tenant, w.kind, w.priority, 'succeeded', w.run_at, rank, w."maximumAttempts", 1,
                            twin.upload_id, w.sha256, w.options, active.sha256, key, w.traceparent, now(), now());
                    PERFORM verdicts_take_over(twin.id, w.id);
                    outcome := 'reused';
                    EXIT;
                END IF;
                -- A leader that ends now lets go of this lock with its verdict stored, and then nothing is found here.
                SELECT j.id, j.upload_id INTO twin FROM jobs j
                    WHERE j.content_key = key AND j.state IN ('queued', 'running') AND j.leader_id IS NULL AND NOT j.fresh
                    FOR UPDATE;
                IF FOUND THEN
                    INSERT INTO jobs (id, tenant, kind, priority, run_at, queue_rank, max_attempts, upload_id, upload_sha256,
                                      options, model_sha256, content_key, leader_id, traceparent)
                    VALUES (w.id, w.tenant, w.kind, w.priority, w.run_at, rank, w."maximumAttempts", twin.upload_id, w.sha256,
                            w.options, active.sha256, key, twin.id, w.traceparent);
                    -- The most urgent of them decides when they run; but a wait after a failure stays as long as it is.
                    UPDATE jobs SET queue_rank = least(queue_rank, rank),
                        run_at = CASE WHEN attempt = 0 THEN least(run_at, w.run_at) ELSE run_at END
                    WHERE id = twin.id AND state = 'queued' AND (queue_rank > rank OR (attempt = 0 AND run_at > w.run_at));
                    leader := twin.id;
                    outcome := 'following';
                    EXIT;
                END IF;
            END IF;
            INSERT INTO uploads (id, tenant, sha256, bytes, media_type, store_key)
            VALUES (w.id, w.tenant, w.sha256, w.bytes, w."mediaType", w."storeKey")
            ON CONFLICT ON CONSTRAINT uploads_pkey DO NOTHING;
            INSERT INTO jobs (id, tenant, kind, priority, run_at, queue_rank, max_attempts, upload_id, upload_sha256, options,
                              model_sha256, content_key, fresh, traceparent, dispatched_at)
            VALUES (w.id, w.tenant, w.kind, w.priority, w.run_at, rank, w."maximumAttempts", w.id, w.sha256, w.options,
                    active.sha256, key, w.fresh, w.traceparent, CASE WHEN w."isDispatched" THEN now() END)
            ON CONFLICT (content_key) WHERE state IN ('queued', 'running') AND leader_id IS NULL AND NOT fresh DO NOTHING;
            IF FOUND THEN
                outcome := 'queued';
            END IF;
            -- Otherwise another one became the leader in this moment: look again.
        END LOOP;
        IF outcome <> 'queued' THEN
            -- What an earlier look may have written.
            DELETE FROM uploads WHERE id = w.id;
        END IF;
        IF w.reservation IS NOT NULL THEN
            UPDATE idempotency i SET state = 'finished', job_id = w.id, fingerprint = w.fingerprint
                WHERE i.tenant = w.tenant AND i.key = w."idempotencyKey" AND i.reservation = w.reservation;
        END IF;
        RETURN NEXT;
    END LOOP;
END $$;
