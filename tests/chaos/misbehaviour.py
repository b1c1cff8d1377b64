"""How the image worker fails: decided by the seed, the request and how often it was asked."""

from enum import StrEnum
from hashlib import sha256
from random import Random


class Manner(StrEnum):
    """What the worker does with one request."""

    GOOD = "good"
    LORA_DOWNLOAD_FAILED = "lora_download_failed"
    MODEL_LOAD_FAILED = "model_load_failed"
    CUDA_OOM = "cuda_oom"
    TIMEOUT = "timeout"
    LORA_LOAD_FAILED = "lora_load_failed"
    INVALID_PROMPT = "invalid_prompt"
    GENERATION_FAILED = "generation_failed"
    BUSY_BY_BODY = "busy_by_body"
    BUSY_BY_SECONDS = "busy_by_seconds"
    BUSY_BY_DATE = "busy_by_date"
    HTML_500 = "html_500"
    NOT_FOUND = "not_found"
    REDIRECT = "redirect"
    CUT_BEFORE = "cut_before"
    CUT_WHILE = "cut_while"
    CUT_AFTER = "cut_after"
    HANG = "hang"
    LATE = "late"
    SLOW = "slow"
    INVALID_JSON = "invalid_json"
    TRUNCATED = "truncated"
    BLACK = "black"
    WRONG_SIZE = "wrong_size"


ENDS_PIECE = frozenset({Manner.LORA_LOAD_FAILED, Manner.INVALID_PROMPT})
"""The piece fails at once, so these are rare."""
WITHOUT_RETRY = frozenset(
    {
        Manner.GENERATION_FAILED,
        Manner.NOT_FOUND,
        Manner.REDIRECT,
        Manner.INVALID_JSON,
        Manner.TRUNCATED,
        Manner.BLACK,
        Manner.WRONG_SIZE,
    }
)
"""The next provider is asked at once, so these are less common than what is tried again."""

SHARE_OF_FAULTS = (0.4, 0.3, 0.15)
"""How often the first, second and third answer to a request goes wrong; later ones never do."""


def manner_of(seed: int, request: str, times_asked: int) -> Manner:
    """What happens when `request` is asked for the nth time, counted from 1."""
    digest = sha256(f"{seed} {request} {times_asked}".encode()).digest()
    random = Random(digest)
    if times_asked > len(SHARE_OF_FAULTS) or random.random() >= SHARE_OF_FAULTS[times_asked - 1]:
        return Manner.GOOD
    faults = [manner for manner in Manner if manner is not Manner.GOOD]
    (chosen,) = random.choices(faults, weights=[_weight(manner) for manner in faults])
    return chosen


def _weight(manner: Manner) -> int:
    if manner in ENDS_PIECE:
        return 1
    return 2 if manner in WITHOUT_RETRY else 4
