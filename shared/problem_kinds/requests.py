"""Refusals before anybody looks at what is wanted."""

from shared.problem_kinds.kind import BOTH, EVENT, ProblemKind

REQUESTS = (
    ProblemKind(
        "unauthorized",
        401,
        "There is no API key, or it is wrong, expired or revoked.",
        "Send a valid key in `X-API-Key` or as a bearer token.",
    ),
    ProblemKind(
        "scope_missing",
        403,
        "The key is valid, but not for this.",
        "Use a key with the scope that the detail names.",
    ),
    ProblemKind(
        "rate_limited",
        429,
        "The key has made all the requests it may, or the address has shown too many wrong keys.",
        "Wait for `Retry-After` seconds.",
    ),
    ProblemKind(
        "overloaded",
        503,
        "More requests are being answered than the gateway takes at a time; this one was not read.",
        "Send the same request after `Retry-After` seconds.",
    ),
    ProblemKind(
        "validation_error",
        422,
        "The input is not what the contract asks for.",
        "Correct the fields that `errors` lists; their codes are explained below.",
        BOTH,
    ),
    ProblemKind(
        "body_too_large",
        413,
        "The body is larger than a request may be.",
        "Split the order, or shorten its prompts.",
    ),
    ProblemKind(
        "bad_request",
        400,
        "The request is not understood as HTTP means it.",
        "Correct the request; the detail says what is wrong with it.",
    ),
    ProblemKind("not_found", 404, "There is no such path.", "Look up the path in the reference."),
    ProblemKind(
        "method_not_allowed",
        405,
        "The path does not know this method.",
        "Use one of those in `Allow`.",
    ),
    ProblemKind(
        "identity_missing",
        422,
        "A request by event cannot be told from another.",
        "Send `ce-source` and `ce-id`, or an `idempotency_key` in the body.",
        EVENT,
    ),
    ProblemKind(
        "invalid_idempotency_key",
        422,
        "The idempotency key has characters or a length that keys cannot have.",
        "Send 1 to 255 visible ASCII characters; a UUID is a good key.",
        BOTH,
    ),
    ProblemKind(
        "request_under_way",
        409,
        "The same request, by the same idempotency key, is being answered.",
        "Send it again after `Retry-After` seconds: it gets the same answer.",
    ),
    ProblemKind(
        "request_lost",
        409,
        "The request was begun twice by this idempotency key, and nobody knows what came of it.",
        "Send another key, if it is worth paying for once more.",
    ),
    ProblemKind(
        "invalid_cursor",
        422,
        "The cursor was not given by this list.",
        "Begin again without a cursor.",
    ),
)
