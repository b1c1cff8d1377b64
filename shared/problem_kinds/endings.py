"""Why an order that was accepted has no piece to show, or not yet."""

from shared.problem_kinds.kind import ProblemKind

ENDINGS = (
    ProblemKind(
        "content_rejected",
        400,
        "Moderation refused the piece.",
        "Change the prompt or the template.",
    ),
    ProblemKind(
        "invalid_prompt",
        400,
        "The provider cannot work with the prompt.",
        "Change the prompt.",
    ),
    ProblemKind(
        "lora_load_failed",
        400,
        "The avatar's LoRA weights cannot be applied.",
        "Hand over other weights.",
    ),
    ProblemKind(
        "avatar_deleted",
        404,
        "The avatar was deleted while the piece was made.",
        "Nothing: the piece is gone with it.",
    ),
    ProblemKind(
        "task_cancelled",
        409,
        "The task was cancelled before the piece was made.",
        "Order again, if it is wanted after all.",
    ),
    ProblemKind(
        "generation_failed",
        502,
        "The piece could not be made; the detail has the reason.",
        "Order again; the piece's timeline tells what happened.",
    ),
    ProblemKind(
        "providers_exhausted",
        502,
        "Every provider was asked in vain.",
        "Order again later.",
    ),
    ProblemKind(
        "providers_unavailable",
        503,
        "No provider could be called: each had failed too often.",
        "Order again after `Retry-After` seconds, by another idempotency key.",
    ),
    ProblemKind(
        "no_image_returned",
        502,
        "A provider answered, but without an image.",
        "Order again; tell the operator if it goes on.",
    ),
    ProblemKind(
        "upload_failed",
        502,
        "What was made exists, but the store does not take it.",
        "Order again later; what was only to be uploaded, send again as it was.",
    ),
    ProblemKind(
        "wait_elapsed",
        504,
        "The work takes longer than a request waits; it goes on.",
        "Follow the task that `Location` and `task_url` name.",
    ),
    ProblemKind(
        "deadline",
        504,
        "The piece was not finished before its deadline, and is given up.",
        "Order again when there is less to do.",
    ),
)
