"""Whether a job's history is one that the two rules allow."""

from collections.abc import Iterator

from audit import Event

TERMINAL = frozenset({"succeeded", "failed", "cancelled", "dead"})

# What a job may do by itself; a follower also goes from queued to its leader's end.
STEPS = {
    ("queued", "running"),
    ("queued", "cancelled"),
    ("running", "queued"),
    ("running", "succeeded"),
    ("running", "failed"),
    ("running", "cancelled"),
    ("running", "dead"),
    ("dead", "queued"),
}
FOLLOWERS_STEPS = {("queued", "succeeded"), ("queued", "failed"), ("queued", "dead"), ("queued", "cancelled")}


def wrongs(history: list[Event]) -> Iterator[str]:
    """What is wrong with one job's history; nothing if all is well."""
    holder: str | None = None
    for event in history:
        if event.what == "job insert":
            if event.new_state not in ("queued", "succeeded"):
                yield f"began as {event.new_state}: {event}"
        elif event.what == "job update":
            yield from _update_wrongs(event, holder)
            if event.new_state == "running" and event.old_epoch != event.new_epoch:
                holder = event.program
        elif event.what == "verdict update":
            yield f"a verdict was changed: {event}"
        elif event.what == "verdict insert" and holder is not None and event.new_epoch and event.program != holder:
            yield f"a verdict was written by another program than {holder}, which holds the job: {event}"
    births = [event for event in history if event.what == "verdict insert"]
    if len(births) > 1:
        yield f"{len(births)} verdicts were written: {'; '.join(map(str, births))}"


def _update_wrongs(event: Event, holder: str | None) -> Iterator[str]:
    before, after = event.old_state, event.new_state
    if (event.new_epoch or 0) < (event.old_epoch or 0):
        yield f"the epoch fell: {event}"
    if before == after:
        yield from _standing_wrongs(event, holder)
        return
    if (before, after) not in (FOLLOWERS_STEPS if event.old_leader else STEPS):
        yield f"no step that a job may take: {event}"
    if after == "running":
        if event.new_epoch != (event.old_epoch or 0) + 1:
            yield f"a claim that does not raise the epoch by one: {event}"
        if event.run_at is not None and event.run_at > event.at:
            yield f"claimed {(event.run_at - event.at).total_seconds():.2f} s before it was due: {event}"
    elif event.new_epoch != event.old_epoch:
        yield f"the epoch changed without a claim: {event}"
    if before == "running" and event.program.startswith("worker") and event.program != holder:
        yield f"ended by another program than {holder}, which holds the job: {event}"
    if before == "running" and event.program.startswith("gateway") and event.old_until and event.old_until > event.at:
        left = (event.old_until - event.at).total_seconds()
        yield f"taken from {holder} {left:.2f} s before its lease ran out: {event}"


def _standing_wrongs(event: Event, holder: str | None) -> Iterator[str]:
    if event.new_epoch != event.old_epoch:
        yield f"claimed although it was not queued: {event}"
    if event.old_state != "running":
        return
    if event.new_owner != event.old_owner and event.new_epoch == event.old_epoch:
        yield f"the owner changed without a claim: {event}"
    touched = event.new_until != event.old_until or event.new_stage != event.old_stage
    if touched and event.program.startswith("worker") and event.program != holder:
        yield f"renewed or moved on by another program than {holder}, which holds the job: {event}"
