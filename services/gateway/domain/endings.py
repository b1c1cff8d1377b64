"""What a single piece's end means to the one who waited for it."""

from shared.calls import Reason
from shared.problems import Problem

NO_IMAGE = "Generation succeeded but no image URL/base64 returned"
NOT_STORED = "Failed to upload to R2"

# The generator's words for an answer of a provider that held no image.
_NO_IMAGE_MARK = "no image in the answer"
_STORE_REASONS = frozenset({"upload_failed", "object_exists"})
# Reasons that are codes of the API; all others are told in the detail of `generation_failed`.
_STATUS = {
    "avatar_deleted": 404,
    "deadline": 504,
    # The order itself is at fault: no provider can help, asking again changes nothing.
    "invalid_prompt": 400,
    "lora_load_failed": 400,
    "providers_exhausted": 502,
    "providers_unavailable": 503,
}


def refusal(reason: Reason) -> Problem:
    """Why there is no piece, as the answer to the request that ordered it."""
    if reason.state == "rejected":
        return Problem(400, "content_rejected", f"Moderation refused the piece: {reason.reason}")
    return _failure(reason.reason, reason.detail)


def _failure(reason: str, detail: str) -> Problem:
    explained = f"The piece failed: {reason}" + (f" ({detail})" if detail else "")
    if reason == "cancelled":
        return Problem(409, "task_cancelled", "The task was cancelled before the piece was made")
    if reason == "frozen":
        return Problem(403, "avatar_frozen", "The avatar was frozen before the piece was made")
    if _NO_IMAGE_MARK in detail:
        return Problem(502, "no_image_returned", NO_IMAGE)
    if reason in _STORE_REASONS:
        return Problem(502, "upload_failed", NOT_STORED)
    if reason in _STATUS:
        return Problem(_STATUS[reason], reason, explained)
    return Problem(502, "generation_failed", explained)
