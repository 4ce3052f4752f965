"""Fails when the model of the job's protocol no longer says what the schema and the statements say.

usage: python3 deploy/check-model.py ROOT

Compares docs/model/job.pml with the migrations and Sources/JobStore: the states with CHECK jobs_state_known, MAY_GO with the
trigger function jobs_guard_transition as the last migration defines it, and each comment `sql FILE: TEXT` with that file.
"""

import pathlib
import re
import sys

STATE = r"'([a-z]+)'"


def squeeze(text):
    return re.sub(r"\s+", " ", text).strip()


def schema_states(migrations):
    found = [m for text in migrations for m in re.findall(r"CONSTRAINT jobs_state_known\s+CHECK \(state IN \(([^)]*)\)", text)]
    if not found:
        raise ValueError("no migration has CHECK jobs_state_known")
    return set(re.findall(STATE, found[-1]))


def model_states(model):
    return set(re.search(r"mtype = \{([^}]*)\}", model)[1].replace(" ", "").split(","))


def products(sources, leads, targets):
    return {(source, lead, target) for source in sources for lead in leads for target in targets}


def transitions(text, line, target):
    """(from, whether leader_id is NULL, to), from alternatives that each stand on a line of their own."""
    allowed = set()
    for alternative in re.findall(line[0], text):
        match = re.search(line[1], alternative)
        if not match:
            raise ValueError(f"this alternative is not understood: {alternative.strip()}")
        source, negated, targets = match.groups()
        leads = {None: {True, False}, "": {True}}.get(negated, {False})
        allowed |= {(source, lead, to) for lead in leads for to in re.findall(target, targets)}
    if not allowed:
        raise ValueError("there are no transitions")
    return allowed


def schema_transitions(migrations):
    bodies = [m for text in migrations for m in re.findall(
        r"FUNCTION jobs_guard_transition\(\).*?AS \$\$(.*?)\$\$", text, re.S)]
    return transitions(
        bodies[-1],
        (r".*\(OLD\.state = '.*", rf"\(OLD\.state = {STATE}(?: AND OLD\.leader_id IS( NOT|) NULL)? AND NEW\.state (?:= |IN \()(.*)\)$"),
        STATE)


def model_transitions(model):
    body = re.search(r"#define MAY_GO\(from, leads, to\)(.*?)\n\n", model, re.S)[1]
    return transitions(
        body, (r".*\(from == .*", r"\(from == ([a-z]+)(?: && (!|)leads)? && \(?(to == .*?)\)+(?: \\)?$"), r"to == ([a-z]+)")


def stale_quotes(model, files):
    for name, text in re.findall(r"/\* sql (\S+): (.*?) \*/", model):
        if name not in files:
            yield f"job.pml quotes {name}, which is not there"
        elif squeeze(text) not in squeeze(files[name]):
            yield f"{name} no longer says: {text}"


def differences(what, schema, model):
    for extra in sorted(schema - model):
        yield f"{what} {extra} is in the schema and not in the model"
    for extra in sorted(model - schema):
        yield f"{what} {extra} is in the model and not in the schema"


def main():
    root = pathlib.Path(sys.argv[1])
    model = (root / "docs/model/job.pml").read_text(encoding="utf-8")
    paths = sorted((root / "migrations").glob("*.up.sql"))
    migrations = [path.read_text(encoding="utf-8") for path in paths]
    sources = [*paths, *(root / "Sources/JobStore").rglob("*.swift")]
    files = {path.name: path.read_text(encoding="utf-8") for path in sources}
    problems = [
        *differences("state", schema_states(migrations), model_states(model)),
        *differences("transition", schema_transitions(migrations), model_transitions(model)),
        *stale_quotes(model, files),
    ]
    for problem in problems:
        print(f"check-model.py: {problem}", file=sys.stderr)
    if problems:
        return 1
    quotes = len(re.findall(r"/\* sql ", model))
    print(f"verified: {len(model_states(model))} states, {len(model_transitions(model))} transitions, {quotes} quoted conditions")
    return 0


if __name__ == "__main__":
    sys.exit(main())
