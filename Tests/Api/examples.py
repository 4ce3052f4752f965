"""The document's own examples against its schemas, and a canary: the schemas in which nothing undescribed passes do notice it."""

import copy
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
from document import Document, with_open_twins


class Closed:
    """The document's schemas, such that a member that is not described is an error."""

    def __init__(self, document: Document):
        self.components = {"schemas": with_open_twins(document.closed_components())}

    def errors(self, schema: dict[str, Any], value: Any) -> list[str]:
        whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "components": self.components}
        if "$ref" in schema or "properties" in schema:
            whole["unevaluatedProperties"] = False
        return [f"{error.instance_path}: {error.message}" for error in jsonschema_rs.iter_errors(whole, value)]


def examples_of(node: Any, document: Document) -> Iterator[tuple[dict[str, Any], Any]]:
    """Every schema of a media type with each of its examples."""
    if isinstance(node, list):
        for entry in node:
            yield from examples_of(entry, document)
    if not isinstance(node, dict):
        return
    if isinstance(node.get("schema"), dict):
        if "example" in node:
            yield node["schema"], node["example"]
        for example in (node.get("examples") or {}).values():
            yield node["schema"], document.resolve(example)["value"]
    for entry in node.values():
        yield from examples_of(entry, document)


def wrong(document: Document) -> list[str]:
    closed = Closed(document)
    return [error for schema, example in examples_of(document.content, document) for error in closed.errors(schema, example)]


def unnoticed(document: Document) -> list[str]:
    """Puts a strange member into every object of a whole job; where that passes."""
    closed = Closed(document)
    whole = document.content["components"]["examples"]["SucceededJob"]["value"]
    schema = {"$ref": "#/components/schemas/Job"}
    return [place for place, altered in alterations(whole) if not closed.errors(schema, altered)]


def alterations(whole: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in places(whole, ()):
        altered = copy.deepcopy(whole)
        target: Any = altered
        for step in path:
            target = target[step]
        target["stranger"] = 1
        yield "/".join(map(str, path)) or "the job itself", altered


def places(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict):
        yield path
        for name, entry in value.items():
            yield from places(entry, (*path, name))
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            yield from places(entry, (*path, index))
