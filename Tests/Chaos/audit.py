"""A log of everything that happens to a job, kept by triggers that only the harness's own database has."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import class_row

# Who wrote is told by the name that the harness gives to each program's connections.
SCHEMA = """
CREATE TABLE chaos_audit (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    program text NOT NULL DEFAULT current_setting('application_name'),
    backend integer NOT NULL DEFAULT pg_backend_pid(),
    what text NOT NULL,
    job_id uuid NOT NULL,
    old_state text, new_state text,
    old_epoch bigint, new_epoch bigint,
    old_owner uuid, new_owner uuid,
    old_until timestamptz, new_until timestamptz,
    old_stage text, new_stage text,
    old_leader uuid, new_leader uuid,
    run_at timestamptz
);
CREATE INDEX chaos_audit_by_job ON chaos_audit (job_id, number);
CREATE FUNCTION chaos_audit_job() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO chaos_audit (what, job_id, old_state, new_state, old_epoch, new_epoch, old_owner, new_owner,
        old_until, new_until, old_stage, new_stage, old_leader, new_leader, run_at)
    VALUES ('job ' || lower(TG_OP), coalesce(NEW.id, OLD.id), OLD.state, NEW.state, OLD.lease_epoch, NEW.lease_epoch,
        OLD.lease_owner, NEW.lease_owner, OLD.lease_until, NEW.lease_until, OLD.stage, NEW.stage,
        OLD.leader_id, NEW.leader_id, coalesce(NEW.run_at, OLD.run_at));
    RETURN NULL;
END $$;
CREATE TRIGGER chaos_audit_job AFTER INSERT OR UPDATE OR DELETE ON jobs
    FOR EACH ROW EXECUTE FUNCTION chaos_audit_job();
CREATE FUNCTION chaos_audit_verdict() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Whose pictures a verdict shows may change; what it says may not.
    IF TG_OP = 'UPDATE' AND (OLD.epoch, OLD.label, OLD.probability, OLD.model_sha256, OLD.reused, OLD.body)
        IS NOT DISTINCT FROM (NEW.epoch, NEW.label, NEW.probability, NEW.model_sha256, NEW.reused, NEW.body)
    THEN RETURN NULL; END IF;
    INSERT INTO chaos_audit (what, job_id, old_epoch, new_epoch)
    VALUES ('verdict ' || lower(TG_OP), coalesce(NEW.job_id, OLD.job_id), OLD.epoch, NEW.epoch);
    RETURN NULL;
END $$;
CREATE TRIGGER chaos_audit_verdict AFTER INSERT OR UPDATE OR DELETE ON verdicts
    FOR EACH ROW EXECUTE FUNCTION chaos_audit_verdict();
"""


@dataclass(frozen=True)
class Event:
    """One row that was written."""

    number: int
    at: datetime
    program: str
    backend: int
    what: str
    job_id: Any
    old_state: str | None
    new_state: str | None
    old_epoch: int | None
    new_epoch: int | None
    old_owner: Any
    new_owner: Any
    old_until: datetime | None
    new_until: datetime | None
    old_stage: str | None
    new_stage: str | None
    old_leader: Any
    new_leader: Any
    run_at: datetime | None

    def __str__(self) -> str:
        change = f"{self.old_state or '-'}@{self.old_epoch} -> {self.new_state or '-'}@{self.new_epoch}"
        return f"{self.at:%H:%M:%S.%f} {self.program} {self.what} {change}"


def install(url: str) -> None:
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        connection.execute(SCHEMA)


def events(connection: psycopg.Connection) -> dict[str, list[Event]]:
    """Each job's history in order: a row's lock puts the writes of one job one after another."""
    found: dict[str, list[Event]] = {}
    with connection.cursor(row_factory=class_row(Event)) as cursor:
        for event in cursor.execute("SELECT * FROM chaos_audit ORDER BY number"):
            found.setdefault(str(event.job_id), []).append(event)
    return found
