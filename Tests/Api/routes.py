"""What routes the code has, and whether the document has the same."""

import re

from document import Document, Operation
from paths import SOURCES

ROUTE = re.compile(r'router\.(?:(get|post)\(|on\(\.(\w+), *)"((?:[^"\\]|\\\([^)]*\))*)"')
PICTURES = re.compile(r'static let pictures[^=]*= \[(.*?)\n    \]', re.DOTALL)
OTHER_LISTENER = "OperatorRoutes.swift"


def in_code() -> set[Operation]:
    """Every call of the router in the sources of the public listener."""
    found = set()
    for source in sorted((SOURCES / "GatewayApp").glob("*Routes.swift")):
        if source.name == OTHER_LISTENER:
            continue
        text = source.read_text(encoding="utf-8")
        for short, long, path in ROUTE.findall(text):
            for name in _names(text) if "\\(name)" in path else [""]:
                found.add(Operation("/" + path.replace("\\(name)", name), (short or long).upper()))
    return found


def _names(text: str) -> list[str]:
    """The pictures' names, which the code puts into one route's path in a loop."""
    table = PICTURES.search(text)
    return re.findall(r'\("([^"]+)",', table.group(1)) if table else []


def differences(document: Document) -> list[str]:
    described = {operation for operation, _ in document.operations()}
    code = in_code()
    if not code:
        return ["no route was found in the sources: they are written in another way than this check reads"]
    return [f"{operation} is not in the document" for operation in sorted(code - described)] + [
        f"{operation} is not in the code" for operation in sorted(described - code)
    ]
