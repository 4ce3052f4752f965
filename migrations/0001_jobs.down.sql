DROP TABLE artifacts, verdicts, attempts, idempotency, jobs, workers, models, uploads;
DROP FUNCTION ensure_month_partitions(timestamptz, integer);
DROP FUNCTION uuidv7_floor(timestamptz);
DROP FUNCTION jobs_guard_transition();
