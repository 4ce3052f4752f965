"""The table of a run, on the terminal and in docs/reliability.md."""

import pathlib

from scene import Result

BEGIN, END = "<!-- chaos -->", "<!-- /chaos -->"
STATES = ("succeeded", "failed", "cancelled", "dead", "queued", "running")


def line(result: Result) -> str:
    """One line as the run goes on."""
    verdict = "passed" if result.is_passed else "FAILED"
    reason = "" if result.is_passed else f": {result.breach}"
    return f"{verdict}: chaos {result.number} {result.name} ({result.seconds:.1f} s){reason}"


def table(results: list[Result]) -> str:
    """In Markdown, and not padded: some cells are long."""
    header = ["#", "fault", "what was done", "accepted", "ended as", "recovered after", "verdict"]
    rows = [header, ["---"] * len(header), *(_row(result) for result in results)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _row(result: Result) -> list[str]:
    ended = ", ".join(f"{result.states[state]} {state}" for state in STATES if result.states[state])
    recovery = "" if result.recovery_seconds is None else f"{result.recovery_seconds:.1f} s"
    verdict = "pass" if result.is_passed else "BREACH: " + " ".join(result.breach.split())[:300]
    cells = [result.number, result.name, result.done, str(result.accepted), ended, recovery, verdict]
    return [cell.replace("|", "/") for cell in cells]


def with_section(text: str, section: str) -> str:
    """The document with what stands between the markers replaced."""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ValueError(f"the document needs {BEGIN} and after it {END}, once each")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    return f"{before}{BEGIN}\n{section}\n{END}{after}"


def write(path: pathlib.Path, section: str) -> None:
    text = with_section(path.read_text(encoding="utf-8"), section)
    path.write_text(text, encoding="utf-8")
