"""A worker that is a deployed Modal function, called by Modal's SDK."""

import asyncio
import pickle
import socket

import cbor2
import pytest
from grpclib import Status
from modal_proto import api_pb2 as api

from shared.outcomes import GiveUp
from tests.builders import content_requested
from tests.generator.modal.function_server import (
    CALL,
    FunctionServer,
    ends,
    function_server,
    hangs,
    raw_result,
    returns,
    returns_blob,
    unfinished,
)
from tests.generator.modal.functions import IMAGE, LOOKED, NAME, ModalAddress, opened, served
from tests.generator.modal.orders import (
    LINK,
    Asking,
    Notes,
    failure_of,
    made_by,
    resumed_by,
    told_nothing,
)
from tests.generator.modal.scripted import says, scripted
from tests.generator.worker_stub import png

ORDERED = ["FunctionGet", "FunctionMap"]


async def test_a_function_is_spawned_with_the_order_and_waited_for(modal: ModalAddress) -> None:
    results = [unfinished(), returns(IMAGE)]
    async with served(modal, FunctionGetOutputs=results) as (server, provider):
        made = await made_by(provider)
    assert made.data == png(1024, 1024)
    assert (made.seed, made.lora_applied, made.cost_usd_micros) == (7, True, 10_000)
    assert server.names == [*ORDERED, LOOKED, LOOKED]
    (wanted,) = server.requests("FunctionGet")
    assert f"{wanted.app_name}/{wanted.object_tag}" == NAME
    ((order,), named), given = cbor2.loads(_input_of(server).args), _input_of(server)
    assert (order["lora_url"], order["timeout"], named) == (LINK, 5, {})
    assert given.data_format == api.DATA_FORMAT_CBOR
    assert {each["x-modal-token-id"] for each in server.metadata} == {"ak-canary"}
    assert {each["x-modal-token-secret"] for each in server.metadata} == {"as-canary"}


async def test_a_function_is_found_by_its_id(modal: ModalAddress) -> None:
    async with function_server(FunctionGetOutputs=[returns(IMAGE)]) as server:
        modal.is_at(server.port)
        async with opened("fu-1") as provider:
            await made_by(provider)
    assert server.names == ["FunctionGetById", "FunctionMap", LOOKED]


async def test_the_id_is_noted_before_anybody_waits(modal: ModalAddress) -> None:
    notes = Notes()
    async with served(modal, FunctionGetOutputs=[returns(IMAGE)]) as (server, provider):

        async def note(call_id: str) -> None:
            assert server.names == ORDERED
            await notes(call_id)

        await (await provider.prepare(content_requested().brief))(note)
    assert notes.ids == [CALL]


async def test_a_large_result_is_fetched_where_modal_keeps_it(modal: ModalAddress) -> None:
    async with scripted(says(503), says(200, cbor2.dumps(IMAGE))) as store:
        blob = api.BlobGetResponse(download_url=f"{store.url}/blob?signature=canary")
        steps = {"FunctionGetOutputs": [returns_blob("bl-1")], "BlobGet": [blob]}
        async with served(modal, **steps) as (_, provider):
            made = await made_by(provider)
    assert made.data == png(1024, 1024)
    assert store.lines == ["GET /blob?signature=canary"] * 2


async def test_a_function_that_only_knows_pickles_is_understood(modal: ModalAddress) -> None:
    result = raw_result(pickle.dumps(IMAGE), api.DATA_FORMAT_PICKLE)
    async with served(modal, FunctionGetOutputs=[result]) as (_, provider):
        assert (await made_by(provider)).data == png(1024, 1024)


@pytest.mark.parametrize(
    "code",
    [
        "INVALID_PROMPT",
        "LORA_DOWNLOAD_FAILED",
        "LORA_LOAD_FAILED",
        "MODEL_LOAD_FAILED",
        "GENERATION_FAILED",
        "TIMEOUT",
        "CUDA_OOM",
    ],
)
async def test_the_workers_own_codes_come_through(modal: ModalAddress, code: str) -> None:
    refusal = returns({"error": LINK, "error_code": code, "retry_after": 3})
    async with served(modal, FunctionGetOutputs=[refusal]) as (_, provider):
        failure = await failure_of(provider)
    assert (failure.code, failure.outcome, failure.retry_after_s) == (code, "failed", 3)


@pytest.mark.parametrize(
    "value", [None, "", [], 7, {}, {"error_code": "WHO_KNOWS"}, IMAGE | {"image_base64": "%"}]
)
async def test_a_result_without_an_image_is_none(modal: ModalAddress, value: object) -> None:
    async with served(modal, FunctionGetOutputs=[returns(value)]) as (_, provider):
        failure = await failure_of(provider)
    assert (failure.code, failure.outcome) == ("BAD_RESPONSE", "failed")


async def test_a_submission_that_is_repeated_stays_one_call(modal: ModalAddress) -> None:
    accepted = api.FunctionMapResponse(
        function_call_id=CALL, pipelined_inputs=[api.FunctionPutInputsResponseItem(input_id="in")]
    )
    steps = {"FunctionMap": [Status.UNAVAILABLE, accepted], LOOKED: [returns(IMAGE)]}
    async with served(modal, **steps) as (server, provider):
        await made_by(provider)
    asked = zip(server.names, server.metadata, strict=True)
    keys = [data["x-idempotency-key"] for name, data in asked if name == "FunctionMap"]
    assert len(keys) == 2
    assert len(set(keys)) == 1


async def test_nobody_waits_beyond_the_callers_limit(modal: ModalAddress) -> None:
    async with function_server(FunctionGetOutputs=[hangs]) as server:
        modal.is_at(server.port)
        async with opened(limit_s=0.5) as provider:
            with pytest.raises(TimeoutError):
                await made_by(provider)


async def test_a_service_starts_while_modal_is_away_and_calls_it_later(
    modal: ModalAddress,
) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))  # nobody else may listen there, and we do not
        modal.is_at(sock.getsockname()[1])
        async with opened() as provider:
            failure = await failure_of(provider)
            assert (failure.code, failure.outcome) == ("CONNECTION", "failed")
            async with function_server(FunctionGetOutputs=[returns(IMAGE)]) as server:
                modal.is_at(server.port)
                await made_by(provider)


async def test_a_noted_call_is_resumed_without_spawning_again(modal: ModalAddress) -> None:
    results = [Status.UNAVAILABLE, unfinished(), returns(IMAGE)]
    async with served(modal, FunctionGetOutputs=results) as (server, provider):
        made = await resumed_by(provider, CALL)
    assert made.data == png(1024, 1024)
    assert set(server.names) == {LOOKED}
    assert {each.function_call_id for each in server.requests(LOOKED)} == {CALL}


@pytest.mark.parametrize("call_id", [CALL, "no call of modal's"])
async def test_a_resumed_call_that_is_gone_has_an_unknown_outcome(
    modal: ModalAddress, call_id: str
) -> None:
    async with served(modal, FunctionGetOutputs=[Status.NOT_FOUND]) as (_, provider):
        with told_nothing() as caught:
            await resumed_by(provider, call_id)
    assert (caught.value.code, caught.value.outcome) == ("SERVER_ERROR", "unknown")


async def test_a_function_that_raises_is_spawned_again(modal: ModalAddress) -> None:
    results = [ends(api.GenericResult.GENERIC_STATUS_FAILURE), returns(IMAGE)]
    async with served(modal, FunctionGetOutputs=results) as (server, provider):
        asking = Asking(provider)
        await asking.handler(content_requested())
    assert asking.record == [("failed", "SERVER_ERROR"), ("succeeded", None)]
    assert asking.attempts.noted == [("attempt-1", CALL), ("attempt-2", CALL)]
    assert server.names.count("FunctionMap") == 2


async def test_a_prompt_that_no_worker_takes_ends_the_piece(modal: ModalAddress) -> None:
    refusal = returns({"error": "", "error_code": "INVALID_PROMPT"})
    async with served(modal, FunctionGetOutputs=[refusal]) as (_, provider):
        asking = Asking(provider)
        with pytest.raises(GiveUp):
            await asking.handler(content_requested())
    assert asking.record == [("failed", "INVALID_PROMPT")]


async def test_calls_share_one_connection(modal: ModalAddress) -> None:
    async with served(modal, FunctionGetOutputs=[returns(IMAGE)]) as (server, provider):
        await asyncio.gather(made_by(provider), made_by(provider))
    assert server.names.count("FunctionMap") == 2


def _input_of(server: FunctionServer) -> api.FunctionInput:
    (submitted,) = server.requests("FunctionMap")
    (only,) = submitted.pipelined_inputs
    assert isinstance(only.input, api.FunctionInput)
    return only.input
