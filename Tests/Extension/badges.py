"""The badges on a page's videos, as a person finds, reads and uses them."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import places  # noqa: F401 - makes `waiting` findable
from page import Box, Node, Page, descendants
from patience import SOON_SECONDS, VERDICT_SECONDS
from protocol import Gone, Refused
from waiting import Breach, wait_for
from words import words

HOST_NAME = "WHORL-BADGE"
# A badge that has just come or moved takes no click that was meant for something else.
SETTLED_SECONDS = 0.4
VERDICTS = ("verdict_title_real", "verdict_title_fake", "verdict_title_uncertain", "verdict_title_untrained")


@dataclass
class Badge:
    """One video's badge; its root is closed to the page, and not to the debugging protocol."""

    host: Node
    language: str = "en"

    # What it says

    @property
    def text(self) -> str:
        return self._part("ask").attribute("aria-label") or ""

    @property
    def description(self) -> str:
        """What a screen reader says after the text, and what the pointer brings up."""
        return self._part("ask").attribute("aria-description") or ""

    def accessible(self) -> dict[str, str]:
        return self._part("ask").accessible()

    def says_verdict(self) -> bool:
        with contextlib.suppress(Gone, Refused, Breach):
            return self.text in {words(key, language=self.language) for key in VERDICTS}
        return False

    def is_there(self) -> bool:
        """In the document, and not hidden."""
        with contextlib.suppress(Gone, Refused):
            return self.host.call("function () { return this.isConnected && getComputedStyle(this).visibility !== 'hidden'; }")
        return False

    def box(self) -> Box:
        """All of it that is seen."""
        return self._part("badge").box()

    def has_focus(self) -> bool:
        return self._part("ask").call("function () { return this.matches(':focus'); }")

    # What is done with it

    def click(self) -> None:
        """As soon as a person can, wherever that falls: a page may have laid something over it."""
        self.host.page.click(*self.settle().centre)

    def settle(self) -> Box:
        """Where it is, once it has stood still for as long as a person needs at the least to see it and to aim."""
        return self._part("ask").settled(SETTLED_SECONDS, is_on_top=False)

    def choose(self, deed: str) -> None:
        """From its menu: ask, again, cancel, details or hide."""
        self.settle()
        self._part("more").click()
        self.wait_for_menu(deed).click()

    def wait_for_menu(self, deed: str = "details") -> Node:
        """One of its items, once it is open: those of the last time are still in it while it is closed."""

        def item() -> Node | None:
            with contextlib.suppress(Refused):
                found = self._find("data-deed", deed)
                return found if found and found.box_now() else None
            return None

        return wait_for(f"the menu has {deed!r}", item, SOON_SECONDS)

    def wait_until_on_top(self) -> None:
        """Nothing of the page lies over it: clicks at its place fall on it."""
        wait_for("the badge lies on top", lambda: self._part("ask").is_on_top(), SOON_SECONDS)

    def wait_until_alone(self) -> None:
        """Its menu is out of reach, as over a video that is in full screen by itself."""
        wait_for("the badge has no menu", lambda: self._part("more").box_now() is None, SOON_SECONDS)

    # Waiting

    def wait_for_text(self, text: str, reason: str = "") -> None:
        """It says this, and gives the reason if there is to be one."""
        what = f"the badge says {text!r}" + (f", and {reason!r} as the reason" if reason else "")
        self._wait(what, lambda: self.says(text) and self._explains(reason), SOON_SECONDS)

    def wait_for_verdict(self, seconds: float = VERDICT_SECONDS) -> None:
        self._wait("the badge has a verdict", self.says_verdict, seconds)

    def says(self, text: str) -> bool:
        with contextlib.suppress(Gone, Refused, Breach):
            return self.text == text
        return False

    def _explains(self, reason: str) -> bool:
        with contextlib.suppress(Gone, Refused, Breach):
            return reason in self.description
        return False

    def _wait(self, what: str, condition: Callable[[], bool], seconds: float) -> None:
        try:
            wait_for(what, condition, seconds)
        except Breach as breach:
            try:
                said = f"it says {self.text!r}: {self.description!r}"
            except (Gone, Refused, Breach) as gone:
                said = f"it cannot be read: {gone}"
            raise Breach(f"{breach}; {said}") from None

    # Its parts

    def _part(self, name: str) -> Node:
        found = self._find("class", name)
        if found is None:
            raise Breach(f"the badge has no {name!r}")
        return found

    def _find(self, attribute: str, value: str) -> Node | None:
        described = self.host.session.send("DOM.describeNode", backendNodeId=self.host.backend, depth=-1, pierce=True)["node"]
        for each in descendants(described):
            if value in attributes(each).get(attribute, "").split():
                return Node(self.host.page, self.host.session, each["backendNodeId"], each)
        return None


def attributes(described: dict[str, Any]) -> dict[str, str]:
    flat = described.get("attributes", [])
    return dict(zip(flat[::2], flat[1::2], strict=True))


def badges_of(page: Page, language: str = "en") -> list[Badge]:
    """Those that are shown, in frames and shadow roots too, in the document's order."""
    hosts = page.nodes(lambda described: described["nodeName"] == HOST_NAME)
    badges = [Badge(host, language) for host in hosts]
    return [badge for badge in badges if badge.is_there()]
