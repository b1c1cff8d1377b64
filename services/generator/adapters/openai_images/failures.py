"""What the SDK raises, in our words. The vendor's text is never repeated: it may quote the key.

Codes: https://developers.openai.com/api/docs/guides/image-generation and /guides/error-codes
"""

import re
from collections.abc import Mapping

import httpx2
import openai
import structlog

from services.generator.adapters.vendor_http import Answer
from services.generator.domain.failures import ProviderFailure

log = structlog.get_logger(__name__)

_FILTERED = frozenset({"moderation_blocked", "content_policy_violation"})
_NO_CREDIT = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
_KEYS_BY_STATUS = {401: "OPENAI_API_KEY", 403: "OPENAI_API_KEY", 404: "OPENAI_IMAGE_MODEL"}
# A gateway that gave up on what may have been done behind it.
_MAYBE_DONE = frozenset({502, 504, 520, 522, 524})
_NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
_PLAIN = re.compile(r"[a-z_/-]{1,40}")


def failure_of(exc: openai.OpenAIError) -> ProviderFailure:
    """The failure that an exception of the SDK means."""
    if isinstance(exc, openai.APIStatusError):
        return _of_status(exc)
    cause = exc.__cause__
    if isinstance(cause, _NEVER_SENT):
        return ProviderFailure("CONNECTION", type(cause).__name__)
    if isinstance(exc, openai.APITimeoutError):
        return ProviderFailure("TIMEOUT", type(cause).__name__, outcome="unknown")
    return ProviderFailure("CONNECTION", type(cause or exc).__name__, outcome="unknown")


def _of_status(exc: openai.APIStatusError) -> ProviderFailure:
    status, code = exc.status_code, exc.code or exc.type or ""
    if code in _FILTERED:
        return _filtered(exc)
    if code in _NO_CREDIT or exc.type in _NO_CREDIT:
        # Waiting does not help, whatever the status.
        log.error("openai_images.no_credit", status=status)
        return ProviderFailure("NO_CREDIT", f"HTTP {status}")
    if (key := _KEYS_BY_STATUS.get(status)) is not None:
        log.error("openai_images.misconfigured", status=status, setting=key)
    failure = Answer(status, exc.response.headers, bytearray()).failure(detail=_plain(code))
    if status in _MAYBE_DONE:
        failure.outcome = "unknown"
    return failure


def _filtered(exc: openai.APIStatusError) -> ProviderFailure:
    """The vendor's filter is no outage, and another vendor may think otherwise."""
    body = exc.body if isinstance(exc.body, Mapping) else {}
    details = body.get("moderation_details")
    details = details if isinstance(details, Mapping) else {}
    stage, categories = details.get("moderation_stage"), details.get("categories")
    labels = categories if isinstance(categories, list) else []
    said = " ".join(filter(None, map(_plain, [stage, *labels[:5]])))
    return ProviderFailure(
        "CONTENT_FILTERED",
        f"content filter {said}".strip(),
        # What was filtered afterwards was made, and nobody says whether it is paid.
        outcome="unknown" if stage == "output" else "failed",
    )


def _plain(label: object) -> str:
    return label if isinstance(label, str) and _PLAIN.fullmatch(label) else ""
