"""The extension's texts, as its message catalogues have them."""

import functools
import json
import re

import places

PLACEHOLDER = re.compile(r"\$(\w+)\$")


@functools.cache
def catalogue(language: str) -> dict[str, dict]:
    file = places.EXTENSION / "_locales" / language / "messages.json"
    return {name.lower(): message for name, message in json.loads(file.read_text(encoding="utf-8")).items()}


def words(key: str, *operands: str, language: str = "en") -> str:
    """A text with its operands in their places."""
    message = catalogue(language)[key.lower()]
    contents = {name.lower(): each["content"] for name, each in message.get("placeholders", {}).items()}

    def operand(match: re.Match[str]) -> str:
        content = contents[match[1].lower()]
        return operands[int(content[1:]) - 1] if re.fullmatch(r"\$\d", content) else content

    return PLACEHOLDER.sub(operand, message["message"])
