-- Two jobs over the same bytes may go in one statement: the one that was to show the other's pictures is gone by then, while its verdict still is there. Without a look
-- at the job itself the search for an heir would go on for ever.
CREATE OR REPLACE FUNCTION jobs_bequeath_pictures() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    heir uuid;
BEGIN
    WHILE EXISTS (SELECT 1 FROM verdicts v JOIN jobs j ON j.id = v.job_id WHERE v.pictures_of = OLD.id) LOOP
        -- The lock waits for an heir that is being erased itself; then there may be another.
        SELECT j.id INTO heir FROM verdicts v JOIN jobs j ON j.id = v.job_id
            WHERE v.pictures_of = OLD.id ORDER BY j.id LIMIT 1 FOR UPDATE OF j;
        CONTINUE WHEN NOT FOUND;
        UPDATE artifacts SET job_id = heir WHERE job_id = OLD.id;
        UPDATE verdicts SET pictures_of = nullif(heir, job_id) WHERE pictures_of = OLD.id;
    END LOOP;
    RETURN OLD;
END $$;
