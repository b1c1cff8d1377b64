"""What can go wrong with a deployed function, and what that says of the work and its price."""

import pickle

import pytest
from grpclib import Status
from modal_proto import api_pb2 as api

from tests.generator.modal.function_server import (
    Step,
    breaks_off,
    ends,
    expired,
    hangs,
    raw_result,
    returns,
    throttles,
)
from tests.generator.modal.functions import IMAGE, ModalAddress, served
from tests.generator.modal.orders import (
    Notes,
    failure_of,
    made_by,
)

RESULT = api.GenericResult


@pytest.mark.parametrize(
    ("step", "code"),
    [
        (Status.NOT_FOUND, "NOT_FOUND"),
        (Status.UNAUTHENTICATED, "UNAUTHORIZED"),
        (Status.PERMISSION_DENIED, "UNAUTHORIZED"),
        (Status.RESOURCE_EXHAUSTED, "RATE_LIMITED"),
        (Status.UNAVAILABLE, "SERVER_ERROR"),
        (api.FunctionGetResponse(function_id="fu-1"), "SERVER_ERROR"),
        (breaks_off, "CONNECTION"),
        (hangs, "CONNECTION"),
    ],
)
async def test_a_function_that_cannot_be_found_has_cost_nothing(
    modal: ModalAddress, step: Step, code: str
) -> None:
    async with served(modal, FunctionGet=[step]) as (server, provider):
        failure = await failure_of(provider)
    assert (failure.code, failure.outcome) == (code, "failed")
    assert "FunctionMap" not in server.names


@pytest.mark.parametrize(
    ("step", "code", "outcome"),
    [
        (Status.INVALID_ARGUMENT, "REFUSED", "failed"),
        (Status.UNAUTHENTICATED, "UNAUTHORIZED", "failed"),
        (Status.RESOURCE_EXHAUSTED, "RATE_LIMITED", "failed"),
        # Left to itself, the SDK would wait on nobody's record.
        (throttles(30), "RATE_LIMITED", "failed"),
        (Status.UNAVAILABLE, "SERVER_ERROR", "unknown"),
        (Status.INTERNAL, "SERVER_ERROR", "unknown"),
        (breaks_off, "CONNECTION", "unknown"),
        (hangs, "TIMEOUT", "unknown"),
    ],
)
async def test_a_submission_that_fails_is_unknown_unless_it_was_refused(
    modal: ModalAddress, step: Step, code: str, outcome: str
) -> None:
    notes = Notes()
    async with served(modal, FunctionMap=[step]) as (_, provider):
        failure = await failure_of(provider, notes)
    assert (failure.code, failure.outcome, notes.ids) == (code, outcome, [])


@pytest.mark.parametrize(
    "passing", [Status.UNAVAILABLE, Status.INTERNAL, Status.RESOURCE_EXHAUSTED, breaks_off, hangs]
)
async def test_a_look_that_fails_is_no_failure_of_the_call(
    modal: ModalAddress, passing: Step
) -> None:
    # The SDK itself looks four times before it says so; nobody waits for what hangs so often.
    results = [*[passing] * (1 if passing is hangs else 4), returns(IMAGE)]
    async with served(modal, FunctionGetOutputs=results) as (server, provider):
        await made_by(provider)
    assert server.names.count("FunctionMap") == 1


@pytest.mark.parametrize(
    ("result", "code", "outcome"),
    [
        (ends(RESULT.GENERIC_STATUS_FAILURE), "SERVER_ERROR", "failed"),
        (ends(RESULT.GENERIC_STATUS_TERMINATED), "SERVER_ERROR", "failed"),
        (ends(RESULT.GENERIC_STATUS_INTERNAL_FAILURE), "SERVER_ERROR", "failed"),
        (ends(RESULT.GENERIC_STATUS_TIMEOUT), "TIMEOUT", "failed"),
        (
            ends(
                RESULT.GENERIC_STATUS_FAILURE,
                pickle.dumps(OSError("canary")),
                api.DATA_FORMAT_PICKLE,
            ),
            "SERVER_ERROR",
            "failed",
        ),
        (raw_result(b"no pickle", api.DATA_FORMAT_PICKLE), "BAD_RESPONSE", "failed"),
        (expired(), "SERVER_ERROR", "unknown"),
        (Status.NOT_FOUND, "SERVER_ERROR", "unknown"),
        (Status.UNAUTHENTICATED, "UNAUTHORIZED", "unknown"),
    ],
)
async def test_the_result_may_be_that_there_is_none(
    modal: ModalAddress, result: Step, code: str, outcome: str
) -> None:
    async with served(modal, FunctionGetOutputs=[result]) as (_, provider):
        failure = await failure_of(provider)
    assert (failure.code, failure.outcome) == (code, outcome)
