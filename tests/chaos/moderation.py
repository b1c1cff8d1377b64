"""What the moderation service answers: OpenAI's documented format, and ways to miss it."""

import base64
import json
from collections.abc import Iterator, Mapping
from enum import StrEnum
from hashlib import sha256
from random import Random
from typing import Any

from tests.chaos.worker_answers import Reply

MODEL = "omni-moderation-latest"
IMAGE_TOO = (
    *("sexual", "violence", "violence/graphic"),
    *("self-harm", "self-harm/intent", "self-harm/instructions"),
)
TEXT_ONLY = (
    *("sexual/minors", "harassment", "harassment/threatening", "hate", "hate/threatening"),
    *("illicit", "illicit/violent"),
)
NOTHING = 0.0001
KINDS: Mapping[str, Mapping[str, float]] = {
    "safe": {},
    "suggestive": {"sexual": 0.3},
    "refused": {"sexual": 0.99},
    "doubtful": {"violence": 0.6},
}
"""Images by what is scored higher than nothing. A doubtful one waits for a person."""
SHARES = {"safe": 77, "suggestive": 8, "refused": 6, "doubtful": 9}
"""In a hundred images."""
SHARE_OF_FAULTS = (0.3, 0.2, 0.1)
"""How often the first, second and third answer goes wrong; later ones never do."""


class Fault(StrEnum):
    """What is wrong with an answer."""

    NONE = "none"
    BUSY = "busy"
    BROKEN = "broken"
    HANG = "hang"
    CUT = "cut"
    INVALID_JSON = "invalid_json"
    NO_SCORES = "no_scores"
    CATEGORY_MISSING = "category_missing"
    NOT_SAID_WHAT_WAS_LOOKED_AT = "not_said_what_was_looked_at"


_REFUSALS = {
    Fault.BUSY: Reply(429, b'{"error": {"message": "slow down"}}', {"Retry-After": "1"}),
    Fault.BROKEN: Reply(500, b"<html>something broke</html>", {"Content-Type": "text/html"}),
    Fault.INVALID_JSON: Reply(200, b'{"id": "modr-1", "results": [{"fla'),
}


def fault_of(seed: int, request: str, times_asked: int) -> Fault:
    """What happens when `request` is asked for the nth time, counted from 1."""
    random = Random(f"{seed} moderation {request} {times_asked}")
    if times_asked > len(SHARE_OF_FAULTS) or random.random() >= SHARE_OF_FAULTS[times_asked - 1]:
        return Fault.NONE
    return random.choice([fault for fault in Fault if fault is not Fault.NONE])


def refusal(fault: Fault) -> Reply | None:
    """The answer without a result that belongs to a fault; None if it has one."""
    return _REFUSALS.get(fault)


def answer_to(request: Mapping[str, Any], fault: Fault) -> Reply:
    """One result for all inputs of the request, as omni-moderation gives it."""
    parts = list(_parts(request["input"]))
    images = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
    looked_at = ["text"] * any(part["type"] == "text" for part in parts) + ["image"] * bool(images)
    scores = dict.fromkeys((*IMAGE_TOO, *TEXT_ONLY), NOTHING)
    for url in images:
        scores |= KINDS[kind_of(base64.b64decode(url.partition(",")[2]))]
    result = {
        "flagged": max(scores.values()) > 0.5,
        "categories": {name: score > 0.5 for name, score in scores.items()},
        "category_scores": scores,
        "category_applied_input_types": {
            name: looked_at if name in IMAGE_TOO else [each for each in looked_at if each == "text"]
            for name in scores
        },
    }
    _spoil(result, fault)
    body = {"id": "modr-chaos", "model": MODEL, "results": [result]}
    return Reply(200, json.dumps(body).encode())


def kind_of(image: bytes) -> str:
    """Which kind an image is of: decided by its bytes alone."""
    (kind,) = Random(sha256(image).hexdigest()).choices(list(SHARES), list(SHARES.values()))
    return kind


def _parts(given: Any) -> Iterator[Mapping[str, Any]]:
    for part in [given] if isinstance(given, str) else given:
        yield {"type": "text", "text": part} if isinstance(part, str) else part


def _spoil(result: dict[str, Any], fault: Fault) -> None:
    match fault:
        case Fault.NO_SCORES:
            result["flagged"] = True
            result["category_scores"] = {}
        case Fault.CATEGORY_MISSING:
            for part in ("categories", "category_scores", "category_applied_input_types"):
                del result[part]["sexual"]
        case Fault.NOT_SAID_WHAT_WAS_LOOKED_AT:
            del result["category_applied_input_types"]
