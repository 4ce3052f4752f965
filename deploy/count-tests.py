"""Counts the tests in Swift Testing's event stream: prints `PASSED FAILED`.

Reads JSON lines, schema version 0 (swift-testing, Documentation/ABI/JSON.md). A test that started and never ended was
running when the process crashed, and failed. A skipped test counts as neither.
"""

import json
import sys


def count(lines):
    functions, started, outcome = set(), set(), {}
    for line in lines:
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            # A crash cuts the last line short.
            continue
        payload = record.get("payload", {})
        if record.get("kind") == "test":
            if payload.get("kind") == "function":
                functions.add(payload["id"])
            continue
        test = payload.get("testID")
        if test not in functions:
            continue
        if payload.get("kind") == "testStarted":
            started.add(test)
        elif payload.get("kind") == "testEnded":
            symbols = {message.get("symbol") for message in payload.get("messages", [])}
            outcome[test] = "failed" if "fail" in symbols else "passed"
    results = [outcome.get(test, "failed") for test in started]
    return results.count("passed"), results.count("failed")


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8", errors="replace") as events:
        print(*count(events))
