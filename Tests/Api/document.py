"""The OpenAPI document as Python values, with what the checks want to know of it."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml
from paths import DOCUMENT

METHODS = ("get", "head", "post", "put", "patch", "delete", "options", "trace")


@dataclass(frozen=True, order=True)
class Operation:
    """One method of one path."""

    path: str
    method: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class Document:
    """The file, read once."""

    def __init__(self) -> None:
        self.content: dict[str, Any] = yaml.safe_load(DOCUMENT.read_text(encoding="utf-8"))

    def operations(self) -> Iterator[tuple[Operation, dict[str, Any]]]:
        for path, item in self.content["paths"].items():
            for method in METHODS:
                if method in item:
                    yield Operation(path, method.upper()), item[method]

    def resolve(self, value: Any) -> Any:
        """What a local reference leads to."""
        while isinstance(value, dict) and str(value.get("$ref", "")).startswith("#/"):
            target: Any = self.content
            for word in value["$ref"][2:].split("/"):
                target = target[word]
            value = target
        return value

    def problem_codes(self) -> list[str]:
        return list(self.content["components"]["schemas"]["Problem"]["properties"]["code"]["enum"])

    def answer_schema(self, operation: dict[str, Any], status: int, media_type: str) -> dict[str, Any] | None:
        """The schema of an answer; None where the document has none."""
        answer = self.resolve(operation["responses"].get(str(status), {}))
        return answer.get("content", {}).get(media_type, {}).get("schema")

    def closed_components(self) -> dict[str, Any]:
        """All schemas, but such that a member that is not described is an error.

        Clients must take members that they do not know; the server must not send one that the document does not tell of.
        """
        schemas = copy.deepcopy(self.content["components"]["schemas"])
        return {name: close(schema) for name, schema in schemas.items()}


def close(schema: Any, is_part: bool = False) -> Any:
    """Adds `unevaluatedProperties: false` to every object, and to what refers to one; not to the parts of an `allOf`."""
    if isinstance(schema, list):
        return [close(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {
        name: [close(entry, is_part=True) for entry in value] if name == "allOf" else close(value)
        for name, value in schema.items()
        if name not in ("example", "examples", "enum", "const", "required")
    } | {name: schema[name] for name in ("enum", "const", "required") if name in schema}
    describes = isinstance(schema.get("properties"), dict) or "allOf" in schema
    if describes and not is_part and "additionalProperties" not in schema:
        closed["unevaluatedProperties"] = False
    if "$ref" in schema and is_part:
        # The target's own closing would refuse what stands beside it.
        closed["$ref"] = schema["$ref"] + ".open"
    return closed


def with_open_twins(closed: dict[str, Any]) -> dict[str, Any]:
    """For every schema `X` also `X.open`, which leaves members that it does not describe to whoever refers to it."""
    twins = {}
    for name, schema in closed.items():
        twins[f"{name}.open"] = {key: value for key, value in schema.items() if key != "unevaluatedProperties"}
    return closed | twins
