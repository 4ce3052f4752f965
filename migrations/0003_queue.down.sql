-- Followers cannot be told apart any more: each waits for a run of its own, as all did before.
DROP INDEX jobs_one_leader;
UPDATE jobs SET leader_id = NULL WHERE leader_id IS NOT NULL;
DROP FUNCTION enqueue_jobs(jsonb, double precision);
DROP FUNCTION enqueue_job(job_request, text, text);
DROP TYPE job_request;
DROP TRIGGER jobs_leave_nothing ON jobs;
DROP TRIGGER jobs_bequeath_pictures ON jobs;
DROP TRIGGER jobs_settle_followers ON jobs;
DROP TRIGGER jobs_guard_birth ON jobs;
DROP FUNCTION jobs_leave_nothing();
DROP FUNCTION jobs_bequeath_pictures();
DROP FUNCTION jobs_settle_followers();
DROP FUNCTION jobs_promote_follower(uuid);
DROP FUNCTION jobs_guard_birth();
ALTER TABLE jobs ALTER CONSTRAINT jobs_leader_id_fkey NOT DEFERRABLE;
DROP FUNCTION verdicts_take_over(uuid, uuid);
CREATE OR REPLACE FUNCTION jobs_guard_transition() RETURNS trigger LANGUAGE plpgsql AS $$
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
DROP INDEX jobs_judged_by_content, jobs_tenant_queue, jobs_ended, verdicts_by_pictures, uploads_unreferenced;
CREATE INDEX jobs_queue ON jobs (kind, queue_rank) WHERE state = 'queued' AND leader_id IS NULL;
-- A verdict that was taken over loses sight of its pictures.
ALTER TABLE verdicts DROP COLUMN pictures_of, DROP COLUMN analysis_version;
ALTER TABLE uploads DROP COLUMN unreferenced;
ALTER TABLE jobs DROP CONSTRAINT jobs_followers_wait, DROP CONSTRAINT jobs_fresh_follow_nobody,
    DROP COLUMN content_key, DROP COLUMN fresh, ADD COLUMN expires_at timestamptz;
ALTER TABLE jobs RESET (fillfactor, autovacuum_vacuum_scale_factor, autovacuum_analyze_scale_factor,
     autovacuum_vacuum_cost_delay);
ALTER TABLE attempts DROP COLUMN worker_host, DROP COLUMN worker_version;
ALTER TABLE workers DROP COLUMN unready_reason, DROP COLUMN busy;
ALTER TABLE models DROP COLUMN precision, DROP COLUMN analysis_version;
