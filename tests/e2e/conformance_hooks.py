"""What schemathesis shall do and check besides what it brings; loaded by its process.

The environment names the key that it works with, an avatar to order of, and one to try all on.
"""

import os
from typing import Any

import schemathesis

from shared.problem_kinds import PROBLEM_KINDS

Case = schemathesis.Case[Any]
OWN_KEY_ID = os.environ["CONFORMANCE_KEY_ID"]
READY_AVATAR = os.environ["CONFORMANCE_READY_AVATAR"]
SPARE_AVATAR = os.environ["CONFORMANCE_SPARE_AVATAR"]
MOST_PIECES = 1
ORDERS = ("/api/v1/content/batch", "/api/v1/content/batch/sync")

# Rules that tie fields together, or meanings that no schema can say.
BEYOND_THE_SCHEMA = {
    "consent_not_attested",
    "control_character",
    "decimal_max_digits",
    "decimal_max_places",
    "not_a_key",
    "not_an_image",  # one that cannot be decoded
    "prompt_and_template",
    "string_too_short",  # once spaces at both ends are taken off
    "two_keys",
    "unknown_sampler",
}


@schemathesis.hook
def before_call(_: schemathesis.HookContext, case: Case, **__: Any) -> None:
    """Keep orders affordable, the own key valid, and an avatar that can be ordered of."""
    if case.path in ORDERS and isinstance(case.body, dict):
        wanted = case.body.get("num_pieces", 50)
        # What is refused stays as it is; what would be made is made in small.
        if type(wanted) is int and MOST_PIECES < wanted <= 500:
            case.body["num_pieces"] = MOST_PIECES
    named = case.path_parameters or {}
    if case.method == "DELETE" and named.get("key_id") == OWN_KEY_ID:
        case.path_parameters["key_id"] = "somebody-elses"
    if case.method in {"DELETE", "PATCH"} and named.get("avatar_id") == READY_AVATAR:
        case.path_parameters["avatar_id"] = SPARE_AVATAR


@schemathesis.check
def every_refusal_is_in_the_table(
    _: schemathesis.CheckContext, response: schemathesis.Response, __: Case
) -> None:
    """Problem details with a code and the status that the table has for it."""
    if response.status_code < 400:
        return
    media_type = response.headers.get("content-type", [""])[0]
    assert media_type == "application/problem+json", f"{response.status_code} as {media_type}"
    code = response.json()["code"]
    assert code in PROBLEM_KINDS, f"{code} is in no table"
    assert PROBLEM_KINDS[code].status == response.status_code, code
    if response.status_code in {429, 503}:
        assert response.headers.get("retry-after"), "Retry-After is missing"


@schemathesis.check
def what_the_schema_allows_is_not_called_invalid(
    _: schemathesis.CheckContext, response: schemathesis.Response, case: Case
) -> None:
    """Business may refuse it, but the document must not have promised what nobody takes."""
    is_positive = case.meta is not None and case.meta.generation.mode.is_positive
    if not is_positive or response.status_code != 422:
        return
    problem = response.json()
    if problem["code"] == "validation_error":
        found = {each["code"] for each in problem["errors"]}
        assert found <= BEYOND_THE_SCHEMA, f"the schema allows what is refused: {sorted(found)}"


@schemathesis.check
def the_own_key_opens_the_door(
    _: schemathesis.CheckContext, response: schemathesis.Response, _case: Case
) -> None:
    """A run that is locked out would find nothing wrong."""
    if f"_{OWN_KEY_ID}_" in str(response.request.headers.get("X-API-Key")):
        assert response.status_code != 401
