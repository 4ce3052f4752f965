"""Schemathesis against the running gateway: all its checks, links followed, right and wrong requests."""

import os
import pathlib
import subprocess
import sys
import xml.etree.ElementTree
from dataclasses import dataclass

from paths import DOCUMENT

HERE = pathlib.Path(__file__).resolve().parent


@dataclass
class Outcome:
    """What came out for one operation, or for the links between them."""

    name: str
    failure: str


def run(url: str, key: str, seed: int, examples: int, judged: list[str], dead: list[str], folder: pathlib.Path) -> list[Outcome]:
    """Runs it in a process of its own, with its summary on our standard output."""
    report = folder / "schemathesis.xml"
    command = [
        str(pathlib.Path(sys.executable).with_name("schemathesis")),
        "--config-file", str(HERE / "schemathesis.toml"),
        "run", str(DOCUMENT), "--url", url, "--header", f"Authorization: Bearer {key}",
        "--checks", "all", "--seed", str(seed), "--max-examples", str(examples), "--workers", "1", "--continue-on-failure",
        "--no-color", "--report", "junit", "--report-junit-path", str(report),
    ]  # fmt: skip
    environment = os.environ | {
        "PYTHONPATH": str(HERE),
        "PYTHONDONTWRITEBYTECODE": "1",
        "API_JUDGED_JOBS": " ".join(judged),
        "API_DEAD_JOBS": " ".join(dead),
        "API_SEED": str(seed),
    }
    done = subprocess.run(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, timeout=900)
    outcomes = [] if not report.exists() else [_outcome(case) for case in xml.etree.ElementTree.parse(report).iter("testcase")]
    if not outcomes:
        outcomes.append(Outcome("schemathesis", f"it ended with code {done.returncode} and without a report"))
    elif done.returncode != 0 and not any(outcome.failure for outcome in outcomes):
        outcomes.append(Outcome("schemathesis", f"it ended with code {done.returncode}"))
    return outcomes


def _outcome(case: xml.etree.ElementTree.Element) -> Outcome:
    wrong = [element for element in case if element.tag in ("failure", "error")]
    texts = [f"{element.get('message') or ''} {element.text or ''}".strip() for element in wrong]
    return Outcome(case.get("name", "?"), " / ".join(texts))
