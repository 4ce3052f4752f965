"""What routes the code has, and whether the document has the same."""

import re

from document import Document, Operation
from paths import SOURCES

ROUTE = re.compile(r'router\.(?:(get|post)\(|on\(\.(\w+), *)"((?:[^"\\]|\\\([^)]*\))*)", *(?:\.(\w+)|nil)')
PICTURES = re.compile(r'static let pictures[^=]*= \[(.*?)\n    \]', re.DOTALL)
OTHER_LISTENER = "OperatorRoutes.swift"


def in_code() -> dict[Operation, str]:
    """Every call of the router in the sources of the public listener, with the scope that it demands; empty for none."""
    found = {}
    for source in sorted((SOURCES / "GatewayApp").glob("*Routes.swift")):
        if source.name == OTHER_LISTENER:
            continue
        text = source.read_text(encoding="utf-8")
        for short, long, path, scope in ROUTE.findall(text):
            for name in _names(text) if "\\(name)" in path else [""]:
                found[Operation("/" + path.replace("\\(name)", name), (short or long).upper())] = scope
    return found


def _names(text: str) -> list[str]:
    """The pictures' names, which the code puts into one route's path in a loop."""
    table = PICTURES.search(text)
    return re.findall(r'\("([^"]+)",', table.group(1)) if table else []


def in_document(document: Document) -> dict[Operation, str]:
    """The document's operations, with the scope that each description begins with; empty for those that anybody may use."""
    found = {}
    for operation, content in document.operations():
        scope = re.match(r"Scope `(\w+)`\.", content["description"])
        found[operation] = scope.group(1) if scope else "" if content["description"].startswith("For anybody.") else "?"
    return found


def differences(document: Document) -> list[str]:
    code, described = in_code(), in_document(document)
    if not code:
        return ["no route was found in the sources: they are written in another way than this check reads"]
    return (
        [f"{operation} is not in the document" for operation in sorted(code.keys() - described.keys())]
        + [f"{operation} is not in the code" for operation in sorted(described.keys() - code.keys())]
        + [
            f"{operation} needs the scope {code[operation] or 'none'} by the code and {described[operation] or 'none'} by the document"
            for operation in sorted(code.keys() & described.keys())
            if code[operation] != described[operation]
        ]
    )
