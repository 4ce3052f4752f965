"""What Schemathesis is told beside the document: media types, what no schema can say, and a check of our own."""

import base64
import datetime
import hashlib
import os
import random
from typing import Any

import jsonschema_rs
import schemathesis
from document import Document, Operation, with_open_twins
from schemathesis import Case, CheckContext, HookContext, Response

DOCUMENT = Document()
CLOSED = with_open_twins(DOCUMENT.closed_components())
OPERATIONS = {str(operation): content for operation, content in DOCUMENT.operations()}
# Ids of things that are there, so that generated requests also meet something.
KNOWN_JOBS = [word for word in os.environ.get("API_KNOWN_JOBS", "").split(",") if word]
CLIP_TYPES = [name for name in DOCUMENT.content["components"]["requestBodies"]["Clip"]["content"] if name != "multipart/form-data"]
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


def soon() -> str:
    """`runAt` is judged by the clock, which a schema does not have; and a job that starts much later would outlast the run."""
    moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(milliseconds=RANDOM.randrange(300))
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def mend_sampling(options: Any) -> None:
    """What the document says in words: windows of at most 64 frames without another count, and an end after the start."""
    sampling = options.get("sampling") if isinstance(options, dict) else None
    if not isinstance(sampling, dict):
        return
    windows = sampling.get("windows")
    if isinstance(windows, dict):
        sampling.pop("count", None)
        windows["count"], windows["frames"] = min(windows["count"], 8), min(windows["frames"], 8)
    start, end = sampling.get("startSeconds"), sampling.get("endSeconds")
    if end is not None and end <= (start or 0):
        sampling.pop("startSeconds", None)
        sampling["endSeconds"] = 1


@schemathesis.hook
def before_call(_context: HookContext, case: Case, _kwargs: dict[str, Any]) -> None:
    """Mends positive requests where the document's words say more than its schemas."""
    generation = case.meta.generation if case.meta else None
    if generation is None or not generation.mode.is_positive:
        return
    mend_wishes(case)
    mend_headers(case)
    meet_known_job(case)


def mend_wishes(case: Case) -> None:
    for place in (case.query, case.body if case.media_type == "multipart/form-data" else None):
        if not isinstance(place, dict):
            continue
        if "runAt" in place:
            place["runAt"] = soon()
        mend_sampling(place.get("options"))


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
    body = bytes_of(case.body) if isinstance(case.body, (bytes, str)) else None
    # A checksum of the very bytes is one of which the schema knows the form only.
    if "Upload-Checksum" in headers and body is not None and RANDOM.random() < 0.8:
        headers["Upload-Checksum"] = "sha256 " + base64.b64encode(hashlib.sha256(body).digest()).decode()


def meet_known_job(case: Case) -> None:
    """A picture that is there is not found by chance."""
    is_picture = "/frames/" in case.operation.path
    if is_picture and KNOWN_JOBS and case.path_parameters and RANDOM.random() < 0.7:
        case.path_parameters["id"] = RANDOM.choice(KNOWN_JOBS)
        case.path_parameters["frame"] = RANDOM.randrange(8)
        if isinstance(case.query, dict):
            case.query.pop("track", None)


@schemathesis.check
def undescribed_members(_context: CheckContext, response: Response, case: Case) -> None:
    """No answer has a member that the document does not tell of."""
    operation = OPERATIONS.get(str(Operation(case.operation.path, case.operation.method.upper())))
    media_type = response.headers.get("content-type", [""])[0].split(";")[0]
    if operation is None or not media_type.endswith("json"):
        return
    schema = DOCUMENT.answer_schema(operation, response.status_code, media_type)
    if schema is None:
        # Another check says that the status or the media type is not in the document.
        return
    closed = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "components": {"schemas": CLOSED}}
    if "$ref" in schema or "properties" in schema:
        closed["unevaluatedProperties"] = False
    errors = [f"{error.instance_path}: {error.message}" for error in jsonschema_rs.iter_errors(closed, response.json())]
    if errors:
        raise AssertionError("the answer has what the document does not describe: " + "; ".join(errors)[:600])
