"""Whether the table of problems, the document and docs/problems.md say the same."""

import re
from dataclasses import dataclass

from document import Document
from paths import ROOT, SOURCES

TABLE = SOURCES / "GatewayApp" / "ProblemType.swift"
PAGE = ROOT / "docs" / "problems.md"
STATUSES = {
    "badRequest": 400, "unauthorized": 401, "forbidden": 403, "notFound": 404, "methodNotAllowed": 405, "requestTimeout": 408,
    "conflict": 409, "gone": 410, "preconditionFailed": 412, "contentTooLarge": 413, "unsupportedMediaType": 415,
    "unprocessableContent": 422, "tooManyRequests": 429, "requestHeaderFieldsTooLarge": 431,
    "internalServerError": 500, "serviceUnavailable": 503,
}  # fmt: skip
CASE = re.compile(r'^    case (\w+) = "(\w+)"$', re.MULTILINE)
ENTRY = re.compile(
    r'case \.(\w+):\s*\((?:\.init\(code: (\d+), reasonPhrase: "[^"]*"\)|\.(\w+)), "([^"]*)", "((?:[^"\\]|\\.)*)"\)', re.DOTALL
)
ROW = re.compile(r"^\| `(\w+)` \| (\d{3}) \| (.*?) \| (.*?) \|$", re.MULTILINE)


@dataclass(frozen=True)
class Entry:
    status: int
    title: str
    advice: str


def in_code() -> dict[str, Entry]:
    text = TABLE.read_text(encoding="utf-8")
    entries = {
        case: Entry(int(code) if code else STATUSES[name], title, advice) for case, code, name, title, advice in ENTRY.findall(text)
    }
    return {raw: entries[case] for case, raw in CASE.findall(text)}


def on_page() -> dict[str, Entry]:
    rows = ROW.findall(PAGE.read_text(encoding="utf-8"))
    return {code: Entry(int(status), title, advice) for code, status, title, advice in rows}


def document_differences(document: Document) -> list[str]:
    code, listed = list(in_code()), document.problem_codes()
    return (
        [f"{name} is not in the document" for name in code if name not in listed]
        + [f"{name} is not in the code" for name in listed if name not in code]
        + [f"{name} is in the document twice" for name in set(listed) if listed.count(name) > 1]
    )


def page_differences() -> list[str]:
    code, page = in_code(), on_page()
    return (
        [f"{name} is not on the page" for name in code if name not in page]
        + [f"{name} is not in the code" for name in page if name not in code]
        + [f"{name}: the page says {page[name]}, the code {code[name]}" for name in code if name in page and page[name] != code[name]]
    )
