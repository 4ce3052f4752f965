"""What Schemathesis is told beside the document: media types, what no schema can say, and a check of our own."""

import base64
import datetime
import hashlib
import itertools
import json
import os
import random
from typing import Any

import schemathesis
from document import Document, Operation
from examples import Closed
from hypothesis import strategies
from schemathesis import Case, CheckContext, HookContext, Response

DOCUMENT = Document()
CLOSED = Closed(DOCUMENT)
OPERATIONS = {str(operation): content for operation, content in DOCUMENT.operations()}
# Ids of things that are there, so that generated requests also meet something.
JUDGED_JOBS, DEAD_JOBS = (os.environ.get(name, "").split() for name in ("API_JUDGED_JOBS", "API_DEAD_JOBS"))
# Offsets of the uploads that were begun in this run, by their ids; the cursors that were given, with their
# listings and filters.
UPLOADS: dict[str, int] = {}
ERASED: set[str] = set()
CURSORS: dict[str, tuple[str, dict[str, Any]]] = {}
EMPTY_DIGEST = base64.b64encode(hashlib.sha256(b"").digest()).decode()
STRUCTURED_TYPES = ("multipart/form-data", "application/json")
CLIP_TYPES = [name for name in DOCUMENT.content["components"]["requestBodies"]["Clip"]["content"] if name not in STRUCTURED_TYPES]
FORM_PARTS = DOCUMENT.content["components"]["schemas"]["ClipForm"]["properties"]
PIECE_TYPE = "application/offset+octet-stream"
RANDOM = random.Random(int(os.environ.get("API_SEED", "0")))


def bytes_of(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    content = getattr(value, "data", value)
    return content if isinstance(content, bytes) else str(content).encode()


@schemathesis.serializer(*CLIP_TYPES, PIECE_TYPE)
def raw_body(_context: Any, value: Any) -> bytes:
    """A clip is its bytes."""
    return bytes_of(value)


# What no schema can say


def soon(milliseconds: int) -> str:
    """`runAt` is judged by the clock, which a schema does not have; and a job that starts much later would outlast the run."""
    moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(milliseconds=milliseconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


schemathesis.openapi.format("date-time", strategies.integers(0, 300).map(soon))


def has_sense(options: Any) -> bool:
    """What the document says in words: windows of at most 64 frames without another count, an end after the start, times that rise."""
    if isinstance(options, str):
        try:
            options = json.loads(options)
        except ValueError:
            return True
    if not isinstance(options, dict):
        return True
    times, sampling = options.get("frameTimesSeconds"), options.get("sampling")
    if isinstance(times, list) and not all(isinstance(time, int | float) for time in times):
        return True
    if times and any(early >= late for early, late in itertools.pairwise(times)):
        return False
    if not isinstance(sampling, dict):
        return True
    if times and (sampling.get("startSeconds") is not None or sampling.get("endSeconds") is not None):
        return False
    windows, count = sampling.get("windows"), sampling.get("count")
    if isinstance(windows, dict):
        windows_count, frames = windows.get("count"), windows.get("frames")
        if isinstance(windows_count, int) and isinstance(frames, int):
            total = windows_count * frames
            if total > 64 or count not in (None, total):
                return False
    start, end = sampling.get("startSeconds"), sampling.get("endSeconds")
    if isinstance(end, int | float):
        return end > (start if isinstance(start, int | float) else 0)
    return True


@schemathesis.hook
def filter_query(_context: HookContext, query: Any) -> bool:
    return has_sense(query.get("options")) if isinstance(query, dict) else True


@schemathesis.hook
def filter_body(_context: HookContext, body: Any) -> bool:
    return has_sense(body.get("options")) if isinstance(body, dict) else True


@schemathesis.hook
def filter_case(_context: HookContext, case: Case) -> bool:
    """Leaves out what is not looked at, and so is no reason to refuse: the query with a form, a piece's fields without a piece."""
    if case.media_type == "multipart/form-data" and case.query:
        return False
    headers: Any = case.headers or {}
    is_piece = headers.get("X-HTTP-Method-Override", "PATCH") == "PATCH"
    return is_piece or not any(name in headers for name in ("Upload-Offset", "Upload-Length", "Upload-Checksum"))


@schemathesis.hook
def filter_failure(_context: HookContext, _failure: Any, case: Case, response: Response) -> bool:
    """What is right although it looks wrong from one request alone.

    A `runAt` that was made early in the run, or taken from an earlier answer, may be past by now. And what another chain of
    requests has erased in the meantime is not found by this one.
    """
    if response.status_code == 404 and str((case.path_parameters or {}).get("id")) in ERASED:
        return False
    return not (response.status_code == 400 and b"runAt lies in the past" in (response.content or b""))


# What was met


@schemathesis.hook
def after_call(_context: HookContext, case: Case, response: Response) -> None:
    """Notes what later requests can go on with."""
    if case.method == "DELETE" and response.status_code == 204:
        ERASED.add(str((case.path_parameters or {}).get("id")))
    elif case.operation.path == "/api/uploads" and response.status_code == 201:
        location = response.headers.get("location", [""])[0]
        UPLOADS[location.rsplit("/", 1)[-1]] = int(response.headers.get("upload-offset", ["0"])[0])
    elif case.operation.path == "/api/uploads/{id}" and "upload-offset" in response.headers:
        identity = str((case.path_parameters or {}).get("id"))
        if identity in UPLOADS:
            UPLOADS[identity] = int(response.headers["upload-offset"][0])
    elif response.status_code == 200 and b'"nextCursor"' in (response.content or b""):
        filters = {name: value for name, value in (case.query or {}).items() if name not in ("cursor", "limit")}
        CURSORS[response.json()["nextCursor"]] = (listing_of(case), filters)


@schemathesis.hook
def before_call(_context: HookContext, case: Case, _kwargs: dict[str, Any]) -> None:
    """Mends positive requests where the document's words say more than its schemas, and leads some to what is there."""
    generation = case.meta.generation if case.meta else None
    if generation is None or not generation.mode.is_positive:
        return
    if isinstance(case.query, dict) and "cursor" in case.query:
        mend_cursor(case)
    # The phase that goes through a schema's values asks no filter.
    for part in (case.query, case.body):
        if isinstance(part, dict) and not has_sense(part.get("options")):
            del part["options"]
    if case.media_type == "multipart/form-data" and isinstance(case.body, dict):
        # Parts of other names are passed over, and those of some names are no part's.
        for name in [name for name in case.body if name not in FORM_PARTS]:
            del case.body[name]
    meet_known(case)
    mend_headers(case)


def mend_cursor(case: Case) -> None:
    """A cursor cannot be made up, and goes with the listing and the filter that it was given for."""
    listing, filters = CURSORS.get(case.query["cursor"], ("", {}))
    is_own = listing == listing_of(case)
    for name in [name for name in case.query if name != "limit" and not (name == "cursor" and is_own)]:
        del case.query[name]
    if is_own:
        case.query |= filters


def listing_of(case: Case) -> str:
    return case.operation.path + str((case.path_parameters or {}).get("id", ""))


def mend_headers(case: Case) -> None:
    headers = case.headers
    if headers is None:
        return
    if str(headers.get("Prefer", "")).startswith("wait"):
        headers["Prefer"] = "wait=1"
    if case.operation.path == "/api/uploads" and case.method == "POST":
        # Exactly one of the two.
        if "Upload-Length" in headers:
            headers.pop("Upload-Defer-Length", None)
        else:
            headers["Upload-Defer-Length"] = "1"
    if headers.get("X-HTTP-Method-Override") == "PATCH" and "Upload-Offset" not in headers:
        headers["Upload-Offset"] = "0"
    if "Upload-Metadata" in headers:
        metadata = readable(headers.pop("Upload-Metadata"))
        if metadata:
            headers["Upload-Metadata"] = metadata
    mend_digests(case)


def readable(metadata: str) -> str:
    """The pairs of which the value is UTF-8, no name twice: that Base64 hides it is beyond a pattern."""
    kept = {}
    for pair in metadata.split(","):
        name, _, value = pair.partition(" ")
        try:
            base64.b64decode(value, validate=True).decode("utf-8")
        except ValueError:
            continue
        kept[name] = pair
    return ",".join(kept.values())


def mend_digests(case: Case) -> None:
    """A schema knows a digest's form and not the bytes that it is of; some generators even miss the form, and send `0`."""
    headers: Any = case.headers or {}
    is_raw = isinstance(case.body, bytes | str)
    digest = base64.b64encode(hashlib.sha256(bytes_of(case.body)).digest()).decode() if is_raw else ""
    for name in ("Repr-Digest", "Content-Digest"):
        is_wrong = "=:" not in str(headers.get(name, "=:"))
        if name in headers and (is_wrong or RANDOM.random() < 0.5):
            headers[name] = f"sha-256=:{digest}:" if is_raw else "unknown=:AAAA:"
    if "Upload-Checksum" in headers:
        is_wrong = " " not in headers["Upload-Checksum"]
        if is_wrong or RANDOM.random() < 0.8:
            headers["Upload-Checksum"] = f"sha256 {digest}" if is_raw else "sha256 " + EMPTY_DIGEST


def meet_known(case: Case) -> None:
    """A picture, a dead job or an upload that is there is not found by chance."""
    path, parameters = case.operation.path, case.path_parameters
    if not parameters or RANDOM.random() < 0.3:
        return
    if "/frames/" in path and JUDGED_JOBS:
        parameters["id"] = RANDOM.choice(JUDGED_JOBS)
        parameters["frame"] = RANDOM.randrange(8)
        if isinstance(case.query, dict):
            case.query.pop("track", None)
    elif path.endswith("/retry") and "delivery" not in parameters and DEAD_JOBS:
        parameters["id"] = DEAD_JOBS.pop()
    elif path.startswith("/api/uploads/") and UPLOADS:
        parameters["id"] = RANDOM.choice(sorted(UPLOADS))
        if case.headers is not None and "Upload-Offset" in case.headers:
            case.headers["Upload-Offset"] = str(UPLOADS[parameters["id"]])
            # A length that is told late cannot be less than what came already.
            case.headers.pop("Upload-Length", None)


# A check of our own


@schemathesis.check
def undescribed_members(_context: CheckContext, response: Response, case: Case) -> None:
    """No answer has a member that the document does not tell of."""
    operation = OPERATIONS.get(str(Operation(case.operation.path, case.operation.method.upper())))
    media_type = response.headers.get("content-type", [""])[0].split(";")[0]
    if operation is None or not media_type.endswith("json") or not response.content:
        return
    schema = DOCUMENT.answer_schema(operation, response.status_code, media_type)
    if schema is None:
        # Another check says that the status or the media type is not in the document.
        return
    errors = CLOSED.errors(schema, response.json())
    if errors:
        raise AssertionError("the answer has what the document does not describe: " + "; ".join(errors)[:600])
