"""A page, its frames and what a person sees and does there. Clicks and keys come from the browser: they are trusted."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import pathlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import places  # noqa: F401 - makes `waiting` findable
from patience import SOON_SECONDS
from protocol import Gone, Refused, ScriptFailed, Session, value_of
from waiting import Breach, wait_for

if TYPE_CHECKING:
    from chromium import Chromium

LOAD_SECONDS = 60.0
# A page that is just being laid out, or is laid out anew, moves its elements from one frame to the next.
STILL_SECONDS = 0.15
# Whether a click at the element's middle falls on it, and not on something that lies over it.
IS_ON_TOP = """function () {
    const { left, top, width, height } = this.getBoundingClientRect();
    const hit = this.getRootNode().elementFromPoint(left + width / 2, top + height / 2);
    return this.contains(hit);
}"""
KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "ArrowDown": 40}
KEY_TEXTS = {"Enter": "\r", " ": " "}


@dataclass(frozen=True)
class Box:
    """A rectangle of the top page's viewport, in CSS pixels."""

    x: float
    y: float
    width: float
    height: float

    @property
    def centre(self) -> tuple[float, float]:
        return self.x + self.width / 2, self.y + self.height / 2

    def overlaps(self, other: Box) -> bool:
        return (
            self.x < other.x + other.width
            and other.x < self.x + self.width
            and self.y < other.y + other.height
            and other.y < self.y + self.height
        )


@dataclass
class Node:
    """An element in any frame and any shadow root, closed ones too."""

    page: Page
    session: Session
    backend: int
    described: dict[str, Any] = field(repr=False)
    # Finds what stands in the element's place once a page has made it anew.
    again: Callable[[], Node | None] = field(default=lambda: None, repr=False)

    def call(self, function: str, *arguments: Any) -> Any:
        """What a function is worth whose `this` is the element."""
        identity = self.session.send("DOM.resolveNode", backendNodeId=self.backend)["object"]["objectId"]
        answer = self.session.send(
            "Runtime.callFunctionOn",
            functionDeclaration=function,
            objectId=identity,
            arguments=[{"value": argument} for argument in arguments],
            awaitPromise=True,
            returnByValue=True,
        )
        return value_of(answer)

    @property
    def text(self) -> str:
        return " ".join((self.call("function () { return this.innerText ?? this.textContent; }") or "").split())

    def attribute(self, name: str) -> str | None:
        return self.call("function (name) { return this.getAttribute(name); }", name)

    def accessible(self) -> dict[str, str]:
        """What a screen reader says: role, name and description."""
        tree = self.session.send("Accessibility.getPartialAXTree", backendNodeId=self.backend, fetchRelatives=False)
        node = tree["nodes"][0]
        return {part: node.get(part, {}).get("value", "") for part in ("role", "name", "description")}

    def box(self) -> Box:
        """Where it is, once it is shown."""
        return wait_for(f"{self.name} is shown", self.box_now, SOON_SECONDS)

    @property
    def name(self) -> str:
        """For messages."""
        described = self.described
        return described.get("nodeName") or f"{described.get('role', {}).get('value', '')} {described.get('name', {}).get('value', '')!r}"

    def box_now(self) -> Box | None:
        """None: it has none, since it is not laid out, not shown, or not in the document."""
        try:
            quads = self.session.send("DOM.getContentQuads", backendNodeId=self.backend)["quads"]
            left, top = self.page.offset_of(self.session)
        except Refused:
            return None
        if not quads:
            return None
        horizontal, vertical = quads[0][0::2], quads[0][1::2]
        return Box(left + min(horizontal), top + min(vertical), max(horizontal) - min(horizontal), max(vertical) - min(vertical))

    def scroll_into_view(self) -> None:
        with contextlib.suppress(Refused):
            self.session.send("DOM.scrollIntoViewIfNeeded", backendNodeId=self.backend)

    def click(self) -> None:
        """As soon as a person can: once it is shown, stands still, and nothing lies over it."""
        self.page.click(*self.settled().centre)

    def settled(self, still_seconds: float = STILL_SECONDS, is_on_top: bool = True) -> Box:
        """Its box once that has been the same for so long. If the page makes the element anew meanwhile, this stands for the new one."""
        last: list[tuple[float, Box]] = []

        def settled() -> Box | None:
            self.scroll_into_view()
            box = self.box_now()
            if box is None:
                self._find_again()
                last.clear()
            elif not last or box != last[0][1]:
                last[:] = [(time.monotonic(), box)]
            elif time.monotonic() - last[0][0] > still_seconds and (not is_on_top or self.is_on_top()):
                return box
            return None

        return wait_for(f"{self.name} is shown, stands still and can be clicked", settled, SOON_SECONDS)

    def _find_again(self) -> None:
        other = self.again()
        if other is not None:
            self.session, self.backend, self.described = other.session, other.backend, other.described

    def is_on_top(self) -> bool:
        """Whether a click at its middle falls on it."""
        with contextlib.suppress(Refused, ScriptFailed):
            return self.call(IS_ON_TOP)
        return False


class Page:
    """A tab, or one of the extension's own pages."""

    def __init__(self, browser: Chromium, target: str):
        self.browser = browser
        self.target = target
        self.session = browser.attach(target)
        self._prepared: set[str] = set()
        self._prepare(self.session)

    def _prepare(self, session: Session) -> None:
        """Frames of other sites are targets of their own, and are attached to as they come."""
        self._prepared.add(session.identity)
        for domain in ("Page", "Runtime", "Log"):
            session.send(f"{domain}.enable")
        wanted = [{"type": "iframe"}]
        session.send("Target.setAutoAttach", autoAttach=True, waitForDebuggerOnStart=False, flatten=True, filter=wanted)

    # Its life

    def go_to(self, url: str, seconds: float = LOAD_SECONDS) -> None:
        loader = self.session.send("Page.navigate", url=url)
        if loader.get("errorText"):
            raise Breach(f"{url}: {loader['errorText']}")
        self.wait("the document is loaded", "document.readyState === 'complete' && location.href !== 'about:blank'", seconds)

    def reload(self) -> None:
        self.evaluate("window.isOfBefore = true")
        self.session.send("Page.reload")
        self.wait("the document is loaded again", "document.readyState === 'complete' && !window.isOfBefore", LOAD_SECONDS)

    def close(self) -> None:
        with contextlib.suppress(Gone, Refused):
            self.browser.session.send("Target.closeTarget", targetId=self.target)
        wait_for("the page is closed", lambda: self.target not in {each["targetId"] for each in self.browser.targets()}, SOON_SECONDS)

    def bring_to_front(self) -> None:
        self.session.send("Page.bringToFront")

    # Scripts

    def evaluate(self, expression: str, is_gesture: bool = False) -> Any:
        return self.session.evaluate(expression, userGesture=is_gesture)

    def wait(self, what: str, expression: str, seconds: float = SOON_SECONDS) -> Any:
        """The expression's first true value."""

        def value() -> Any:
            try:
                return self.evaluate(expression)
            except (Refused, Gone, ScriptFailed):
                # A document that is just being replaced.
                return None

        return wait_for(what, value, seconds)

    def sessions(self) -> Iterator[Session]:
        """Its own and those of its frames of other sites."""
        waiting = [self.session]
        while waiting:
            session = waiting.pop(0)
            if session.is_over:
                continue
            if session.identity not in self._prepared:
                # A frame may be gone as soon as it has come.
                with contextlib.suppress(Gone, Refused):
                    self._prepare(session)
            yield session
            for event in session.events("Target.attachedToTarget"):
                child = session.child(event["sessionId"])
                if not child.is_over and child not in waiting:
                    waiting.append(child)

    def worlds(self, session: Session) -> list[dict[str, Any]]:
        """The script contexts of a session's frames that are still there."""
        destroyed = {event["executionContextUniqueId"] for event in session.events("Runtime.executionContextDestroyed")}
        created = [event["context"] for event in session.events("Runtime.executionContextCreated")]
        return [context for context in created if context["uniqueId"] not in destroyed]

    def in_content_script(self, expression: str) -> Any:
        """What an expression is worth in the extension's isolated world of the top frame."""
        origin = self.browser.extension_url("").rstrip("/")

        def world() -> dict[str, Any] | None:
            isolated = [
                context
                for context in self.worlds(self.session)
                if context["auxData"].get("type") == "isolated" and context["origin"] == origin
            ]
            return isolated[-1] if isolated else None

        identity = wait_for("the content scripts are there", world, SOON_SECONDS)["uniqueId"]
        return self.session.evaluate(expression, uniqueContextId=identity)

    def complaints(self) -> list[str]:
        """Exceptions, console errors and what the browser logged as an error."""
        found = []
        for session in self.sessions():
            for event in session.events("Runtime.exceptionThrown"):
                details = event["exceptionDetails"]
                found.append(details.get("exception", {}).get("description") or details["text"])
            for event in session.events("Runtime.consoleAPICalled"):
                if event["type"] in ("error", "assert"):
                    found.append(" ".join(str(argument.get("value", argument.get("description"))) for argument in event["args"]))
            for event in session.events("Log.entryAdded"):
                if event["entry"]["level"] == "error":
                    found.append(f"{event['entry']['text']} {event['entry'].get('url', '')}")
        return found

    def thread_seconds(self) -> float:
        """The processor time of the thread that runs the page's scripts, lays it out and paints it, so far."""
        self.session.send("Performance.enable")
        metrics = self.session.send("Performance.getMetrics")["metrics"]
        return next(each["value"] for each in metrics if each["name"] == "ThreadTime")

    # What a person sees

    def nodes(self, wanted: Any) -> list[Node]:
        """The elements that a predicate takes, by the protocol's description of them, in frames and shadow roots too."""
        found = []
        for session in self.sessions():
            with contextlib.suppress(Gone, Refused):
                root = session.send("DOM.getDocument", depth=-1, pierce=True)["root"]
                found += [Node(self, session, each["backendNodeId"], each) for each in descendants(root) if wanted(each)]
        return found

    def find(self, selector: str, seconds: float = SOON_SECONDS) -> Node:
        """The first element of the top document that a selector takes, once it is there."""

        def found() -> Node | None:
            # A page that is being built refuses: what was found a moment ago is gone.
            with contextlib.suppress(Refused):
                root = self.session.send("DOM.getDocument", depth=0)["root"]["nodeId"]
                node = self.session.send("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
                if node != 0:
                    described = self.session.send("DOM.describeNode", nodeId=node)["node"]
                    return Node(self, self.session, described["backendNodeId"], described, found)
            return None

        return wait_for(f"{selector} is there", found, seconds)

    def by_role(self, role: str, name: str = "", session: Session | None = None) -> list[Node]:
        """As a screen reader finds things; an empty name takes any."""
        session = session or self.session
        root = session.send("DOM.getDocument", depth=0)["root"]["backendNodeId"]
        question = {"backendNodeId": root, "role": role} | ({"accessibleName": name} if name else {})
        nodes = session.send("Accessibility.queryAXTree", **question)["nodes"]
        return [Node(self, session, each["backendDOMNodeId"], each) for each in nodes if not each.get("ignored")]

    def the(self, role: str, name: str = "", seconds: float = SOON_SECONDS) -> Node:
        """The first such thing, once it is there."""

        def found() -> Node | None:
            # As above.
            with contextlib.suppress(Refused):
                node = next(iter(self.by_role(role, name)), None)
                return node and dataclasses.replace(node, again=found)
            return None

        return wait_for(f"a {role} {name!r} is there", found, seconds)

    def text(self) -> str:
        return self.evaluate("document.body.innerText")

    def wait_for_text(self, text: str, seconds: float = SOON_SECONDS) -> None:
        def says() -> bool:
            # A page that is just opening has no body yet.
            with contextlib.suppress(Refused, ScriptFailed):
                return text in " ".join(self.text().split())
            return False

        try:
            wait_for(f"the page says {text!r}", says, seconds)
        except Breach as breach:
            with contextlib.suppress(Refused, ScriptFailed):
                raise Breach(f"{breach}; it says {self.text()[:500]!r}") from None
            raise

    def offset_of(self, session: Session) -> tuple[float, float]:
        """Where a frame of another site begins in the top page's viewport."""
        for parent in self.sessions():
            for event in parent.events("Target.attachedToTarget"):
                if event["sessionId"] != session.identity:
                    continue
                owner = parent.send("DOM.getFrameOwner", frameId=event["targetInfo"]["targetId"])["backendNodeId"]
                content = parent.send("DOM.getBoxModel", backendNodeId=owner)["model"]["content"]
                left, top = self.offset_of(parent)
                return left + content[0], top + content[1]
        return 0.0, 0.0

    def picture(self, clip: Box | None = None) -> bytes:
        """PNG."""
        parameters: dict[str, Any] = {"format": "png"}
        if clip is not None:
            parameters["clip"] = {"x": clip.x, "y": clip.y, "width": clip.width, "height": clip.height, "scale": 1}
        return base64.b64decode(self.session.send("Page.captureScreenshot", **parameters)["data"])

    def save_picture(self, file: pathlib.Path, clip: Box | None = None) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(self.picture(clip))

    # What a person does

    def click(self, x: float, y: float) -> None:
        common = {"x": x, "y": y, "button": "left", "clickCount": 1}
        self.session.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        self.session.send("Input.dispatchMouseEvent", type="mousePressed", **common)
        # What a click closes is gone before it is answered.
        with contextlib.suppress(Gone):
            self.session.send("Input.dispatchMouseEvent", type="mouseReleased", **common)

    def press(self, key: str) -> None:
        common = {"key": key, "code": "Space" if key == " " else key, "windowsVirtualKeyCode": KEYS[key]}
        text = {"text": KEY_TEXTS[key]} if key in KEY_TEXTS else {}
        self.session.send("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **common, **text)
        self.session.send("Input.dispatchKeyEvent", type="keyUp", **common)

    def write(self, text: str) -> None:
        """Into what has the focus."""
        self.session.send("Input.insertText", text=text)

    def resize(self, width: int, height: int) -> None:
        """As a person drags a window's or a panel's edge; without scroll bars, which not every machine has."""
        self.session.send("Emulation.setScrollbarsHidden", hidden=True)
        self.session.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def emulate_media(self, **features: str) -> None:
        """Such as prefers_color_scheme="dark"."""
        named = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.session.send("Emulation.setEmulatedMedia", features=named)


def descendants(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    waiting = [node]
    while waiting:
        each = waiting.pop()
        yield each
        inner = [*each.get("children", []), *each.get("shadowRoots", [])]
        if "contentDocument" in each:
            inner.append(each["contentDocument"])
        waiting.extend(reversed(inner))
