"""What a failed prediction says of itself, in our words. Its text is read and never repeated.

Codes: https://replicate.com/docs/reference/error-codes, and those of the official models.
"""

import re

from services.generator.domain.failures import ProviderFailure

# By what the text has in it, first match first.
_MEANINGS: tuple[tuple[str, str, str], ...] = (
    # The vendor's filter is no outage, and another vendor's may think otherwise: who is next may
    # be asked, the same prompt is not tried again here.
    (r"\bE005\b|nsfw|sensitive|safety|moderat|content policy", "CONTENT_FILTERED", "filtered"),
    (r"\bE006\b|invalid input|validation", "REFUSED", "input"),
    (r"\bE1001\b|out of memory", "CUDA_OOM", "out of memory"),
    (r"\bE(003|004|6716|8367|8765|9243)\b", "SERVER_ERROR", "could not run"),
    (r"interrupted|please retry|temporarily|unavailable", "SERVER_ERROR", "could not run"),
)


def failure_of(error: object) -> ProviderFailure:
    """The failure of a prediction that ended as `failed`. Nothing is charged for it."""
    text = error if isinstance(error, str) else ""
    named = re.search(r"\bE\d{3,4}\b", text)
    for pattern, code, what in _MEANINGS:
        if re.search(pattern, text, re.IGNORECASE):
            return ProviderFailure(code, f"{what} {named[0] if named else ''}".strip())
    return ProviderFailure("GENERATION_FAILED", f"failed {named[0] if named else ''}".strip())


def throttled_s(body: bytes | bytearray) -> float | None:
    """Seconds from `{"detail": "Request was throttled. Your rate limit resets in ~30s."}`."""
    found = re.search(rb"resets in ~?(\d{1,5})s", body)
    return float(found[1]) if found else None
