"""What a single piece's end means to the one who waited for it."""

from shared.calls import Reason
from shared.problems import Problem

NO_IMAGE = "Generation succeeded but no image URL/base64 returned"
NOT_STORED = "Failed to upload to R2"

# The generator's words for an answer of a provider that held no image.
_NO_IMAGE_MARK = "no image in the answer"
_STORE_REASONS = frozenset({"upload_failed", "object_exists"})
# The order itself is at fault: no provider can help, asking again changes nothing.
_ORDER_REASONS = frozenset({"invalid_prompt", "lora_load_failed"})


def refusal(reason: Reason) -> Problem:
    """Why there is no piece, as the answer to the request that ordered it."""
    if reason.state == "rejected":
        return Problem(400, "content_rejected", f"Moderation refused the piece: {reason.reason}")
    return _failure(reason.reason, reason.detail)


def _failure(reason: str, detail: str) -> Problem:
    explained = f"The piece failed: {reason}" + (f" ({detail})" if detail else "")
    if reason == "cancelled":
        return Problem(409, "task_cancelled", "The task was cancelled before the piece was made")
    if reason == "deadline":
        return Problem(504, "deadline", explained)
    if reason == "avatar_deleted":
        return Problem(404, "avatar_deleted", explained)
    if reason in _ORDER_REASONS:
        return Problem(400, reason, explained)
    if _NO_IMAGE_MARK in detail:
        return Problem(502, "no_image_returned", NO_IMAGE)
    if reason in _STORE_REASONS:
        return Problem(502, "upload_failed", NOT_STORED)
    if reason == "providers_exhausted":
        return Problem(502, "providers_exhausted", explained)
    # Reasons are many and gain more; the codes of the API stay.
    return Problem(502, "generation_failed", explained)
