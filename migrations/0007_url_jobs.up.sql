-- Clips that a worker fetches by itself. Until it has, nobody knows their bytes. Gateways take such jobs only where they are told to,
-- which is for when all workers know of them.
ALTER TABLE uploads
    ADD COLUMN source_url text CONSTRAINT uploads_source_url_length CHECK (length(source_url) BETWEEN 1 AND 2048),
    ALTER COLUMN sha256 DROP NOT NULL,
    ALTER COLUMN bytes DROP NOT NULL,
    ADD CONSTRAINT uploads_known_unless_to_be_fetched CHECK (
        (sha256 IS NULL) = (bytes IS NULL) AND (sha256 IS NOT NULL OR source_url IS NOT NULL));
ALTER TABLE jobs ALTER COLUMN upload_sha256 DROP NOT NULL;

-- Makes a job of a clip that is to be fetched. It shares no run: its bytes are not known yet.
CREATE FUNCTION enqueue_url_job(wanted jsonb, url text, priority_step_seconds double precision)
RETURNS TABLE (job uuid, outcome text, leader uuid, model text) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    r job_request;
BEGIN
    r := jsonb_populate_record(NULL::job_request, wanted);
    job := r.id;
    IF r.reservation IS NOT NULL THEN
        PERFORM 1 FROM idempotency i WHERE i.tenant = r.tenant AND i.key = r.idempotency_key
            AND i.state = 'reserved' AND i.reservation = r.reservation FOR UPDATE;
        IF NOT FOUND THEN
            outcome := 'lapsed';
            RETURN NEXT;
            RETURN;
        END IF;
    END IF;
    SELECT m.sha256 INTO model FROM models m WHERE m.active;
    INSERT INTO uploads (id, tenant, media_type, store_key, source_url) VALUES (r.id, r.tenant, r.media_type, r.store_key, url);
    INSERT INTO jobs (id, tenant, kind, priority, run_at, queue_rank, max_attempts, upload_id, options, model_sha256, fresh, traceparent,
                      dispatched_at)
    VALUES (r.id, r.tenant, r.kind, r.priority, coalesce(r.run_at, now()),
            (extract(epoch FROM greatest(r.run_at, now())) * 1e6 - r.priority * priority_step_seconds * 1e6)::bigint,
            r.max_attempts, r.id, r.options, model, r.fresh, r.traceparent, CASE WHEN r.is_dispatched THEN now() END);
    IF r.reservation IS NOT NULL THEN
        UPDATE idempotency i SET state = 'finished', job_id = r.id, fingerprint = r.fingerprint
            WHERE i.tenant = r.tenant AND i.key = r.idempotency_key AND i.reservation = r.reservation;
    END IF;
    outcome := 'queued';
    RETURN NEXT;
END $$;
