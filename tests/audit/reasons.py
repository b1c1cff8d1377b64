"""Why a piece may end as it does; as the product documents it, and nothing else."""

DECIDED_LATER = frozenset({"review_rejected", "review_expired"})
"""A piece that waits for people has no deadline."""

REASONS = {
    "rejected": frozenset({"moderation_rejected", "image_taken_down", *DECIDED_LATER}),
    "failed": frozenset(
        {
            *("deadline", "cancelled", "avatar_deleted", "frozen"),
            *("providers_exhausted", "providers_unavailable"),
            *("invalid_prompt", "lora_load_failed", "lora_unavailable", "no_captions"),
            *("image_lost", "invalid_image", "brief_mismatch"),
            *("verdict_mismatch", "verdict_unsigned"),
            *(
                "image_taken_down",
                "verdict_forbids",
                "not_allowed",
                "skip_not_allowed",
                "upload_failed",
            ),
            *("object_exists", "fact_too_large", "superseded", "ended", "piece_not_found"),
            *("attempt_id_taken", "image_taken_down", "internal_error"),
        }
    ),
}
"""Reasons by the state that they lead to."""
