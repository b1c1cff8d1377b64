"""Every way to say no: a code, its HTTP status, and nothing that is secret."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from services.generator.sdxl.wishes import FailureCode, NoPicture, QueueFull
from shared.logs import mask


class DoorCode(StrEnum):
    """Why an order was not taken on, or a page not found: what the contract leaves to workers."""

    INVALID_REQUEST = "INVALID_REQUEST"
    UNAUTHORIZED = "UNAUTHORIZED"
    NOT_FOUND = "NOT_FOUND"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    BODY_TOO_SLOW = "BODY_TOO_SLOW"
    BODY_TOO_LARGE = "BODY_TOO_LARGE"
    QUEUE_FULL = "QUEUE_FULL"
    SHUTTING_DOWN = "SHUTTING_DOWN"
    INTERNAL_ERROR = "INTERNAL_ERROR"


STATUS: Mapping[FailureCode | DoorCode, int] = {
    FailureCode.INVALID_PROMPT: 422,
    FailureCode.LORA_LOAD_FAILED: 422,
    FailureCode.GENERATION_FAILED: 500,
    FailureCode.LORA_DOWNLOAD_FAILED: 502,
    FailureCode.MODEL_LOAD_FAILED: 503,
    FailureCode.CUDA_OOM: 503,
    FailureCode.TIMEOUT: 504,
    DoorCode.UNAUTHORIZED: 401,
    DoorCode.NOT_FOUND: 404,
    DoorCode.METHOD_NOT_ALLOWED: 405,
    DoorCode.BODY_TOO_SLOW: 408,
    DoorCode.BODY_TOO_LARGE: 413,
    DoorCode.INVALID_REQUEST: 422,
    DoorCode.QUEUE_FULL: 429,
    DoorCode.INTERNAL_ERROR: 500,
    DoorCode.SHUTTING_DOWN: 503,
}
_RETRY_ELSEWHERE_S = 5.0


@dataclass(eq=False)
class Refusal(Exception):
    """No image, in the words of the contract; `error` may be shown to whoever asked."""

    code: FailureCode | DoorCode
    error: str
    retry_after_s: float | None = None
    fields: Sequence[Mapping[str, str]] = field(default=())

    @property
    def status(self) -> int:
        """The HTTP status of its code."""
        return STATUS[self.code]

    @property
    def final(self) -> "Refusal":
        """The same where it is the result of a call: nobody takes it for "not yet" there."""
        if isinstance(self.code, FailureCode):
            return self
        return Refusal(FailureCode.GENERATION_FAILED, self.error, fields=self.fields)

    @property
    def body(self) -> dict[str, Any]:
        """`{error, error_code, details?, retry_after?}`."""
        told: dict[str, Any] = {"error": self.error, "error_code": self.code.value}
        if self.fields:
            told["details"] = {"fields": list(self.fields)}
        if self.retry_after_s is not None:
            told["retry_after"] = round(self.retry_after_s, 1)
        return told

    @property
    def headers(self) -> dict[str, str]:
        """What HTTP says about it besides the status."""
        if self.code is DoorCode.UNAUTHORIZED:
            return {"WWW-Authenticate": 'Bearer realm="atelier worker"'}
        if self.retry_after_s is not None:
            return {"Retry-After": str(max(1, math.ceil(self.retry_after_s)))}
        return {}


def no_picture(failure: NoPicture) -> Refusal:
    """What the engine says. A signed link has no business there, and is masked all the same."""
    return Refusal(failure.code, mask(failure.detail), failure.retry_after_s)


def queue_full(full: QueueFull) -> Refusal:
    """Too much is waiting already."""
    return Refusal(DoorCode.QUEUE_FULL, "Too many orders wait already.", full.retry_after_s)


def shutting_down() -> Refusal:
    """Our process ends; another one may take the order."""
    return Refusal(DoorCode.SHUTTING_DOWN, "This worker is shutting down.", _RETRY_ELSEWHERE_S)
