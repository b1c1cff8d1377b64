"""What vendors' errors mean, in our words. Their own text is never repeated: it may quote a key."""

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

import httpx2
import structlog

from services.hooks.domain.failures import CopyFailure
from shared.factlog import utc_now

log = structlog.get_logger(__name__)

_NO_CREDIT = frozenset(
    {
        "billing_error",
        "billing_hard_limit_reached",
        "enforced_spend_limit_reached",
        "insufficient_quota",
    }
)
_FILTERED = frozenset({"content_policy_violation", "invalid_prompt", "moderation_blocked"})
# A gateway that gave up on what may have been done behind it.
_MAYBE_DONE = frozenset({408, 502, 504, 520, 522, 524})
_NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
_PLAIN = re.compile(r"[a-z_/-]{1,40}")


def of_status(
    model: str, status: int, headers: Mapping[str, str], body: object, settings: Mapping[int, str]
) -> CopyFailure:
    """The failure that a status other than 200 means; `settings` are to blame for theirs."""
    labels = _labels(body)
    if labels & _NO_CREDIT:
        # Waiting does not help, whatever the status.
        log.error("copywriter.no_credit", copywriter=model, status=status)
        return CopyFailure("REJECTED", f"HTTP {status} no credit left")
    if labels & _FILTERED:
        return CopyFailure("REFUSED", f"HTTP {status} content filter")
    if (setting := settings.get(status)) is not None:
        log.error("copywriter.misconfigured", copywriter=model, status=status, setting=setting)
    return CopyFailure(
        _code(status),
        f"HTTP {status} {' '.join(sorted(labels))}".strip(),
        outcome="unknown" if status in _MAYBE_DONE else "failed",
        retry_after_s=_retry_after_s(headers),
    )


def of_connection(cause: BaseException | None) -> CopyFailure:
    """The failure that the end of a connection means."""
    if isinstance(cause, CopyFailure):
        return cause
    name = type(cause).__name__
    if isinstance(cause, _NEVER_SENT):
        return CopyFailure("CONNECTION", name)
    code = "TIMEOUT" if isinstance(cause, httpx2.TimeoutException) else "CONNECTION"
    return CopyFailure(code, name, outcome="unknown")


def _code(status: int) -> str:
    if status == 429:
        return "RATE_LIMITED"
    if status in {503, 529}:
        return "OVERLOADED"
    return "SERVER_ERROR" if status >= 500 or status == 408 else "REJECTED"


def _labels(body: object) -> frozenset[str]:
    """The short names that an error goes by; both vendors have `error.type`."""
    error = body.get("error", body) if isinstance(body, Mapping) else None
    if not isinstance(error, Mapping):
        return frozenset()
    details = error.get("details")
    inner = details.get("error_code") if isinstance(details, Mapping) else None
    found = (error.get("type"), error.get("code"), inner)
    return frozenset(each for each in found if isinstance(each, str) and _PLAIN.fullmatch(each))


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds from a Retry-After header in either of its forms (RFC 9110, section 10.2.3)."""
    value = headers.get("retry-after", "").strip()
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - utc_now()).total_seconds())
    except (TypeError, ValueError):
        return None
