"""Refusals about avatars, tasks, pieces, keys and files."""

from shared.problem_kinds.kind import BOTH, INSIDE, ProblemKind

THINGS = (
    ProblemKind(
        "avatar_not_found",
        404,
        "There is no such avatar, or it is not yours.",
        "Check the id; `GET /avatars` lists yours.",
        BOTH,
    ),
    ProblemKind(
        "template_not_found",
        404,
        "There is no such template.",
        "Check the id; `GET /content/templates` lists all.",
        BOTH,
    ),
    ProblemKind(
        "task_not_found", 404, "There is no such task, or it is not yours.", "Check the id."
    ),
    ProblemKind(
        "piece_not_found", 404, "There is no such piece, or it is not yours.", "Check the id."
    ),
    ProblemKind("key_not_found", 404, "There is no such API key.", "Check the id."),
    ProblemKind(
        "object_not_found",
        404,
        "There is no such file, or the link to it has expired.",
        "Read the piece again: its answer has a fresh link.",
    ),
    ProblemKind("avatar_id_taken", 409, "The avatar's id is in use.", "Send the request again."),
    ProblemKind("task_id_taken", 409, "The task's id is in use.", "Send the order again."),
    ProblemKind(
        "key_id_taken", 409, "The key's id is in use.", "Issue another one: ids are random.", INSIDE
    ),
    ProblemKind(
        "expires_in_the_past",
        422,
        "The new key would have expired already.",
        "Choose a later moment for `expires_at`.",
    ),
    ProblemKind(
        "last_admin_key",
        409,
        "It is the last key that may issue others.",
        "Issue another key with the scope `admin` first.",
    ),
    ProblemKind(
        "task_already_finished",
        409,
        "The task has finished; there is nothing to cancel.",
        "Nothing: its result stays.",
    ),
    ProblemKind(
        "piece_not_delivered",
        409,
        "Only a finished piece can be published.",
        "Wait until the piece is persisted.",
    ),
    ProblemKind(
        "piece_taken_down",
        410,
        "The piece was taken down; nobody may see it.",
        "Nothing: only its record stays.",
    ),
    ProblemKind(
        "avatar_not_frozen",
        409,
        "The avatar is not frozen.",
        "Nothing: it may be used.",
    ),
    ProblemKind(
        "review_not_found",
        404,
        "The piece was never held for review, or it is not yours.",
        "Check the id; `GET /reviews` lists what waits.",
    ),
    ProblemKind(
        "review_decided",
        409,
        "It has been decided about the piece already.",
        "Read the review: it tells who decided, and why.",
    ),
    ProblemKind(
        "review_blocked",
        409,
        "The piece is under an absolute block, which nobody can approve.",
        "Reject it.",
    ),
    ProblemKind(
        "already_approved",
        409,
        "This key has approved the piece; a second person has to agree.",
        "Have somebody else decide, with a key of their own.",
    ),
    ProblemKind(
        "rating_required",
        422,
        "An approval has to say what the piece is rated.",
        "Give `rating`: safe, suggestive or borderline.",
    ),
    ProblemKind(
        "reason_required",
        422,
        "A rejection has to say why.",
        "Give `reason`.",
    ),
    ProblemKind(
        "attempt_not_found",
        404,
        "There is no such provider call on record, or it is not yours.",
        "Check the id; `GET /attempts` lists them.",
    ),
    ProblemKind(
        "attempt_not_unknown",
        409,
        "It is known how the provider call ended, or it is still under way.",
        "Read it again: it tells how it ended, and who said so.",
    ),
    ProblemKind(
        "cost_required",
        422,
        "A call that was charged has to say what it cost.",
        "Give `cost_usd`, as the provider's bill has it.",
    ),
    ProblemKind(
        "cost_not_allowed",
        422,
        "A call that was not charged has no cost.",
        "Leave `cost_usd` out, or say that it was charged.",
    ),
)
