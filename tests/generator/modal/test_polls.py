"""An order that is submitted and polled for."""

import httpx2
import pytest

from shared.outcomes import TryLater
from tests.builders import brief
from tests.generator.modal.orders import (
    LINK,
    TOKEN,
    Notes,
    Rests,
    failure_of,
    made_by,
    resumed_by,
    told_nothing,
    worker_at,
)
from tests.generator.modal.scripted import (
    CALL,
    Act,
    accepted,
    as_json,
    breaks_off,
    drips,
    gives,
    hangs,
    html,
    later,
    refuses,
    resets,
    scripted,
    sees_other,
)
from tests.generator.worker_stub import png

SUBMITTED = "POST /generate-image/submit"
POLLED = f"GET /generate-image/result/{CALL}"


async def test_an_order_is_submitted_once_and_polled_until_the_image_is_there(
    client: httpx2.AsyncClient,
) -> None:
    rests = Rests()
    async with scripted(accepted(), later(), later(), gives()) as worker:
        made = await made_by(worker_at(client, worker.url, "async", rests=rests))
    assert made.data == png(1024, 1024)
    assert made.cost_usd_micros == 10_000
    assert worker.lines == [SUBMITTED, POLLED, POLLED, POLLED]
    assert rests.seconds == [2.0, 2.0]
    assert {each.headers["authorization"] for each in worker.asked} == {f"Bearer {TOKEN}"}


async def test_only_the_submission_tells_the_link(client: httpx2.AsyncClient) -> None:
    async with scripted(accepted(), later(), gives()) as worker:
        await made_by(worker_at(client, worker.url, "async"))
    assert LINK.encode() in worker.asked[0].body
    for poll in worker.asked[1:]:
        assert "canary" not in f"{poll.target} {poll.body!r}"


async def test_the_id_is_noted_before_anybody_waits(client: httpx2.AsyncClient) -> None:
    async with scripted(accepted(), gives()) as worker:

        async def note(call_id: str) -> None:
            assert (call_id, worker.lines) == (CALL, [SUBMITTED])
            raise TryLater("nobody writes it down")

        call = await worker_at(client, worker.url, "async").prepare(brief())
        with pytest.raises(TryLater):
            await call(note)
    assert worker.lines == [SUBMITTED]


@pytest.mark.parametrize(
    ("retry_after", "rest_s"), [("7", 7.0), ("1", 2.0), ("86400", 60.0), ("soon", 2.0)]
)
async def test_a_worker_may_ask_for_fewer_polls(
    client: httpx2.AsyncClient, retry_after: str, rest_s: float
) -> None:
    rests = Rests()
    busy = later(429, Retry_After=retry_after)
    async with scripted(accepted(), busy, gives()) as worker:
        await made_by(worker_at(client, worker.url, "async", rests=rests))
    assert rests.seconds == [rest_s]


@pytest.mark.parametrize(
    "passing",
    [
        later(408),
        html(429),
        refuses(429, "GENERATION_FAILED"),
        html(500),
        refuses(500, "WHO_KNOWS"),
        html(502),
        html(503),
        resets,
        breaks_off,
        hangs,
    ],
)
async def test_a_poll_that_fails_is_no_failure_of_the_call(
    client: httpx2.AsyncClient, passing: Act
) -> None:
    rests = Rests()
    async with scripted(accepted(), passing, passing, gives()) as worker:
        await made_by(worker_at(client, worker.url, "async", rests=rests))
    assert worker.lines == [SUBMITTED, POLLED, POLLED, POLLED]
    assert rests.seconds == [2.0, 2.0]


@pytest.mark.parametrize("forever", [later(), html(500), drips])
async def test_nobody_polls_beyond_the_callers_limit(
    client: httpx2.AsyncClient, forever: Act
) -> None:
    rests = Rests(really_s=0.1)
    async with scripted(accepted(), forever) as worker:
        with pytest.raises(TimeoutError):
            await made_by(worker_at(client, worker.url, "async", limit_s=0.5, rests=rests))
    assert worker.lines[:2] == [SUBMITTED, POLLED]


@pytest.mark.parametrize(
    ("act", "code", "outcome"),
    [
        (refuses(500, "CUDA_OOM"), "CUDA_OOM", "failed"),
        (refuses(503, "MODEL_LOAD_FAILED"), "MODEL_LOAD_FAILED", "failed"),
        (refuses(400, "LORA_LOAD_FAILED"), "LORA_LOAD_FAILED", "failed"),
        (html(404), "SERVER_ERROR", "unknown"),
        (html(410), "SERVER_ERROR", "unknown"),
        (html(401), "UNAUTHORIZED", "unknown"),
        (html(200), "BAD_RESPONSE", "failed"),
        (as_json(200, {"image_base64": "%"}), "BAD_RESPONSE", "failed"),
        (sees_other("http://127.0.0.1:9/elsewhere"), "BAD_RESPONSE", "unknown"),
    ],
)
async def test_the_result_may_be_that_there_is_none(
    client: httpx2.AsyncClient, act: Act, code: str, outcome: str
) -> None:
    async with scripted(accepted(), later(), act) as worker:
        failure = await failure_of(worker_at(client, worker.url, "async"))
    assert (failure.code, failure.outcome, len(worker.asked)) == (code, outcome, 3)


@pytest.mark.parametrize("call_id", ["", "../../admin", "a" * 201, "fc-1\r\n", 7, None, ["fc-1"]])
async def test_an_id_that_is_none_is_neither_noted_nor_asked_for(
    client: httpx2.AsyncClient, call_id: object
) -> None:
    notes = Notes()
    async with scripted(accepted(call_id)) as worker:
        failure = await failure_of(worker_at(client, worker.url, "async"), notes)
    assert (failure.code, failure.outcome) == ("BAD_RESPONSE", "unknown")
    assert (notes.ids, worker.lines) == ([], [SUBMITTED])


async def test_a_submission_may_take_a_cold_start(client: httpx2.AsyncClient) -> None:
    there = "/generate-image/submit?__modal_attempt_token=opaque"
    async with scripted(sees_other(there), html(503), accepted(), gives()) as worker:
        await made_by(worker_at(client, worker.url, "async"))
    assert worker.lines == [SUBMITTED, f"GET {there}", f"GET {there}", POLLED]


async def test_addresses_keep_their_query(client: httpx2.AsyncClient) -> None:
    async with scripted(accepted(), gives()) as worker:
        await made_by(worker_at(client, f"{worker.url}/v1/?tenant=a", "async"))
    assert worker.lines == ["POST /v1/submit?tenant=a", f"GET /v1/result/{CALL}?tenant=a"]


async def test_a_noted_call_is_resumed_without_ordering_again(client: httpx2.AsyncClient) -> None:
    async with scripted(html(503), later(), gives()) as worker:
        made = await resumed_by(worker_at(client, worker.url, "async"), CALL)
    assert made.data == png(1024, 1024)
    assert worker.lines == [POLLED, POLLED, POLLED]


async def test_a_resumed_call_that_is_gone_has_an_unknown_outcome(
    client: httpx2.AsyncClient,
) -> None:
    async with scripted(html(404)) as worker:
        with told_nothing() as caught:
            await resumed_by(worker_at(client, worker.url, "async"), CALL)
    assert (caught.value.code, caught.value.outcome) == ("SERVER_ERROR", "unknown")
