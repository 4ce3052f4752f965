DROP FUNCTION enqueue_url_job(jsonb, text, double precision);
-- What was never fetched the older programs cannot know.
DELETE FROM jobs WHERE upload_sha256 IS NULL;
DELETE FROM uploads WHERE sha256 IS NULL;
ALTER TABLE jobs ALTER COLUMN upload_sha256 SET NOT NULL;
ALTER TABLE uploads
    DROP CONSTRAINT uploads_known_unless_to_be_fetched,
    ALTER COLUMN sha256 SET NOT NULL,
    ALTER COLUMN bytes SET NOT NULL,
    DROP COLUMN source_url;
