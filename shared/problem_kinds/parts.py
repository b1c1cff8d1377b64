"""Refusals that speak of the system itself."""

from shared.problem_kinds.kind import BOTH, INSIDE, ProblemKind

PARTS = (
    ProblemKind(
        "unavailable",
        503,
        "A part of the system does not answer; nothing was accepted.",
        "Send the same request after `Retry-After` seconds.",
        BOTH,
    ),
    ProblemKind(
        "no_room",
        503,
        "A stream of the broker, or the store of objects, is nearly full; nothing was accepted.",
        "Send the same request after `Retry-After` seconds; tell the operator if it goes on.",
        BOTH,
    ),
    ProblemKind(
        "not_confirmed",
        503,
        "Nobody confirms the order; it may have been accepted all the same.",
        "Look at `task_url`, or send the order again by the same idempotency key.",
    ),
    ProblemKind(
        "captions_not_confirmed",
        503,
        "The captions did not come in time; a model may have been paid for them all the same.",
        "Send the same request after `Retry-After` seconds, if they are worth paying for twice; by "
        "the same idempotency key they are paid for twice at most.",
    ),
    ProblemKind(
        "internal_error",
        500,
        "A bug in Atelier.",
        "Tell the operator; the log knows more.",
    ),
    ProblemKind(
        "invalid_request",
        422,
        "A service does not understand the question of another one.",
        "Tell the operator: services of versions that do not fit run beside each other.",
        INSIDE,
    ),
    ProblemKind(
        "reply_too_large",
        500,
        "The answer of a service is larger than a message may be.",
        "Ask for a smaller page.",
        INSIDE,
    ),
    ProblemKind(
        "invalid_key",
        422,
        "Storage is asked to link what is not the key of an object.",
        "Tell the operator.",
        INSIDE,
    ),
    ProblemKind(
        "attempt_id_taken",
        409,
        "Another piece has a provider call of this id.",
        "Nothing: the piece fails by this reason.",
        INSIDE,
    ),
)
