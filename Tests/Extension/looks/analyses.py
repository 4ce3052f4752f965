"""Analyses in every state, and verdicts as docs/api.md has them."""

import math
import uuid
from typing import Any

JOB = "01a20586-1e05-750b-84c4-4c1507d8c994"
NOW = 1_795_863_600_000
PLACE = {"tabId": 7, "frameId": 0, "documentId": "A1B2C3D4E5F60718293A4B5C6D7E8F90", "videoId": "0123456789abcdef"}
ORIGIN = "https://news.example.org"
FRAMES = 16
DURATION_SECONDS = 12.4

Shape = dict[str, Any]


def logit(probability: float) -> float:
    return math.log(probability / (1 - probability))


def curve(middle: float, swing: float) -> list[float]:
    return [min(0.995, max(0.004, middle + swing * math.sin(index * 1.1) + swing * 0.5 * math.cos(index * 2.7))) for index in range(FRAMES)]


def track(number: int, label: str, probabilities: list[float], is_face: bool) -> Shape:
    query = f"?track={number}" if number else ""
    frames = []
    for index, probability in enumerate(probabilities):
        path = f"/api/jobs/{JOB}/frames/{index}"
        frames.append(
            {
                "index": index,
                "frameNumber": index * 19,
                "timestampSeconds": round(DURATION_SECONDS * (index + 0.5) / len(probabilities), 3),
                "logit": logit(probability),
                "probability": probability,
                "contribution": logit(probability) / len(probabilities),
                "links": {
                    "image": f"{path}/image.jpg{query}",
                    "gradcam": f"{path}/gradcam.jpg{query}",
                    "map": f"{path}/gradcam.png{query}",
                },
                **({"box": {"x": 0.3, "y": 0.2, "width": 0.3, "height": 0.4, "score": 0.98}} if is_face else {}),
            }
        )
    mean = sum(logit(each) for each in probabilities) / len(probabilities)
    return {
        "track": number,
        "label": label,
        "logit": mean,
        "probability": 1 / (1 + math.exp(-mean)),
        "gradcamRange": [-0.1, 0.2],
        "frames": frames,
    }


def verdict(
    label: str,
    tracks: list[Shape],
    *,
    is_trained: bool = True,
    region: str = "face",
    reasons: list[str] | None = None,
    warnings: list[str] | None = None,
) -> Shape:
    deciding = tracks[0] if tracks else None
    probability = deciding["probability"] if deciding else None
    name, version = ("resnet18-faces", "2026.2") if is_trained else ("resnet18-untrained", "seed-1")
    return {
        "label": label,
        "probability": probability,
        "confidence": max(probability, 1 - probability) if probability is not None else None,
        "logit": deciding["logit"] if deciding else None,
        "threshold": 0.5,
        "abstention": [0.4, 0.6],
        "decidedBy": 0 if deciding else None,
        "model": {
            "name": name,
            "version": version,
            "sha256": "90f9" * 16,
            "trained": is_trained,
            "region": region,
            "precision": "split",
            "temperature": 1.4,
        },
        "video": {
            "codec": "h264",
            "width": 1920,
            "height": 1080,
            "durationSeconds": DURATION_SECONDS,
            "frameCount": 310,
            "sha256": "dbbc" * 16,
        },
        "sampling": {"mode": "exact", "count": FRAMES, "toleranceSeconds": 0},
        "tracks": tracks,
        "reasons": reasons or [],
        "warnings": warnings or [],
        "reused": False,
        "timings": {"decodeMilliseconds": 61, "forwardMilliseconds": 121, "drawMilliseconds": 206},
    }


def analysis(state: str, **changes: Any) -> Shape:
    is_end = state in ("succeeded", "failed", "cancelled", "unreadable")
    number = uuid.uuid5(uuid.NAMESPACE_URL, f"{state}{sorted(changes)}")
    return {
        "id": str(number),
        "state": state,
        "createdAt": NOW - 40_000,
        "changedAt": NOW,
        **({"endedAt": NOW} if is_end else {}),
        "place": {**PLACE, "videoId": number.hex[:16]},
        "pageOrigin": ORIGIN,
        "pageTitle": "The minister’s statement, in full",
        "source": {"kind": "http", "url": "https://cdn.example.org/2026/statement.mp4?token=abc"},
        "durationSeconds": DURATION_SECONDS,
        "isVisible": True,
        "isAutomatic": False,
        "isFresh": False,
        "readings": 0,
        "method": "file",
        "progress": 0,
        "failures": 0,
        "isReused": False,
        "sha256": "dbbc" * 16,
        "jobId": JOB,
        **changes,
    }


FAKE = track(0, "fake", curve(0.86, 0.13), True)
REAL = track(0, "real", curve(0.09, 0.07), True)
UNCERTAIN = track(0, "uncertain", curve(0.5, 0.2), True)
OTHER_FACE = track(1, "real", curve(0.12, 0.1)[:11], True)
THIRD_FACE = track(2, "uncertain", curve(0.48, 0.1)[:5], True)
UNKEPT_FACE = {**track(3, "real", curve(0.1, 0.05), True), "frames": []}
WHOLE = track(0, "uncertain", curve(0.44, 0.12), False)

ANALYSES: dict[str, Shape] = {
    "waiting": analysis(
        "waiting", jobId=None, failures=3, nextAt=NOW + 12_000, problem={"code": "gateway_unreachable", "detail": "Failed to fetch"}
    ),
    "reading": analysis("reading", method="frames", progress=0.44, source={"kind": "stream"}),
    "uploading": analysis("uploading", progress=0.62),
    "queued": analysis("queued"),
    "running": analysis("running", stage="classifying", progress=0.71),
    "fake": analysis("succeeded", verdict=verdict("fake", [FAKE])),
    "real": analysis("succeeded", verdict=verdict("real", [REAL]), isReused=True),
    "uncertain": analysis("succeeded", verdict=verdict("uncertain", [UNCERTAIN], reasons=["inside_abstention_band"]), pageTitle=""),
    "untrained": analysis(
        "succeeded",
        verdict=verdict("uncertain", [WHOLE], is_trained=False, region="frame", reasons=["untrained_model", "inside_abstention_band"]),
    ),
    "faces": analysis("succeeded", verdict=verdict("fake", [FAKE, OTHER_FACE, THIRD_FACE, UNKEPT_FACE])),
    "reencoded": analysis(
        "succeeded", verdict=verdict("fake", [FAKE], warnings=["reencoded", "short_clip"]), method="capture", source={"kind": "stream"}
    ),
    "nothing": analysis("succeeded", verdict=verdict("uncertain", [], reasons=["no_face"])),
    "gone": analysis("succeeded", verdict=verdict("real", [REAL]), place=None),
    "failed": analysis("failed", problem={"code": "unsupported_codec", "detail": "the codec prores is not among those that are read"}),
    "protected": analysis(
        "unreadable", method="frames", methodNotes=["nothing_loaded", "tainted"], problem={"code": "protected", "detail": ""}, jobId=None
    ),
    "cancelled": analysis("cancelled"),
    "refused": analysis("waiting", problem={"code": "unauthenticated", "detail": "the key is not known"}),
    "long": analysis(
        "succeeded", verdict=verdict("fake", [FAKE]), pageTitle="Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen" * 3
    ),
    "arabic": analysis("succeeded", verdict=verdict("real", [REAL]), pageTitle="تصريح الوزير كاملاً"),
}
for each in ANALYSES.values():
    if each["place"] is None:
        del each["place"]
    if each["jobId"] is None:
        del each["jobId"]


def summary(**changes: Any) -> Shape:
    return {
        "videoId": PLACE["videoId"],
        "source": {"kind": "http", "url": "https://cdn.example.org/2026/statement.mp4?token=abc"},
        "durationSeconds": DURATION_SECONDS,
        "widthPixels": 1920,
        "heightPixels": 1080,
        "isVisible": True,
        "isProtected": False,
        **changes,
    }


def video(name: str | None, **changes: Any) -> Shape:
    shown = ANALYSES[name] if name else None
    return {"place": shown["place"] if shown else PLACE, "summary": summary(**changes), "analysis": shown}


VIDEOS = [
    video(None),
    video("uploading", source={"kind": "stream"}, durationSeconds=None, widthPixels=1280, heightPixels=720),
    video("fake", source={"kind": "http", "url": "https://cdn.example.org/interview%20two.webm"}, durationSeconds=754.2),
    video("protected", source={"kind": "stream"}, isProtected=True, isVisible=False),
]
SETTINGS: Shape = {
    "gatewayUrl": "",
    "gatewayKey": "",
    "dashboardUrl": "",
    "sites": {},
    "retentionDays": 30,
    "parallelAnalyses": 2,
    "frameCount": 32,
    "allowsUrls": False,
    "language": "",
}
SITES = {
    ORIGIN: {"analysis": "automatic", "showsBadges": True},
    "https://video.example.com": {"analysis": "ask", "showsBadges": True},
    "https://a-rather-long-name-of-a-site.example.net:8443": {"analysis": "ask", "showsBadges": False},
}
DIAGNOSTICS = """Whorl 0.1.0, Chrome 156.0.8078.108, linux
gateway set, key set, 2 sites allowed, 2 at a time, 32 frames
analyses: 3 succeeded, 1 failed, 1 uploading
2026-11-28T11:00:04Z reading by file: 107995 bytes
2026-11-28T11:00:05Z job queued
2026-11-28T11:00:07Z job succeeded"""
