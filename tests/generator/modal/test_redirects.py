"""A request that takes longer than Modal holds one: where its result is looked for."""

import asyncio

import httpx2
import pytest

from services.generator.adapters.modal.http import Pace, WorkerHttp, further
from services.generator.adapters.vendor_http import Answer
from services.generator.domain.failures import ProviderFailure
from tests.eventually import PATIENCE_S
from tests.generator.modal.orders import (
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
    RESULT,
    Act,
    breaks_off,
    drips,
    gives,
    hangs,
    html,
    later,
    refuses,
    resets,
    says,
    scripted,
    sees_other,
)
from tests.generator.worker_stub import png

ORDERED = "POST /generate-image"
LOOKED = f"GET {RESULT}"


async def test_the_result_is_fetched_where_the_worker_points(client: httpx2.AsyncClient) -> None:
    notes, rests = Notes(), Rests()
    async with scripted(sees_other(), sees_other(), gives()) as worker:
        made = await made_by(worker_at(client, worker.url, rests=rests), notes)
    assert made.data == png(1024, 1024)
    assert worker.lines == [ORDERED, LOOKED, LOOKED]
    assert [each.body for each in worker.asked[1:]] == [b"", b""]
    assert {each.headers["authorization"] for each in worker.asked} == {f"Bearer {TOKEN}"}
    assert notes.ids == [CALL]
    assert rests.seconds == [2.0]


@pytest.mark.parametrize(
    ("location", "target"),
    [
        (RESULT, RESULT),
        (RESULT.removeprefix("/generate-image"), RESULT),
        ("{origin}" + RESULT, RESULT),
        ("/elsewhere?__modal_attempt_token=a.b%2Fc", "/elsewhere?__modal_attempt_token=a.b%2Fc"),
        ("//user:password@{authority}/there", "/there"),
        ("/there#fragment", "/there"),
    ],
)
async def test_only_path_and_query_of_a_redirect_count(
    client: httpx2.AsyncClient, location: str, target: str
) -> None:
    async with scripted(gives()) as worker:
        authority = worker.url.removeprefix("http://")
        there = location.format(origin=worker.url, authority=authority)
        worker.acts.insert(0, sees_other(there))
        await made_by(worker_at(client, worker.url))
    assert worker.lines == [ORDERED, f"GET {target}"]
    assert worker.asked[1].headers["authorization"] == f"Bearer {TOKEN}"


async def test_a_token_of_the_vendors_is_followed_but_not_noted(
    client: httpx2.AsyncClient,
) -> None:
    notes = Notes()
    async with scripted(sees_other("?__modal_attempt_token=opaque"), gives()) as worker:
        await made_by(worker_at(client, worker.url), notes)
    assert notes.ids == []


@pytest.mark.parametrize("call_id", ["", "..%2F..%2Fadmin", "a" * 201, "fc-1%0d%0a"])
async def test_no_id_is_noted_that_is_none(client: httpx2.AsyncClient, call_id: str) -> None:
    notes = Notes()
    odd = sees_other(f"?__modal_function_call_id={call_id}")
    async with scripted(odd, gives()) as worker:
        await made_by(worker_at(client, worker.url), notes)
    assert notes.ids == []


@pytest.mark.parametrize("redirects_before", [0, 1])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_nothing_is_asked_of_anybody_else(
    client: httpx2.AsyncClient, redirects_before: int, host: str
) -> None:
    async with scripted(gives()) as thief:
        away = sees_other(f"http://{host}:{thief.port}{RESULT}")
        async with scripted(*[sees_other()] * redirects_before, away) as worker:
            failure = await failure_of(worker_at(client, worker.url))
    assert (failure.code, failure.outcome) == ("BAD_RESPONSE", "unknown")
    assert thief.asked == []
    assert len(worker.asked) == redirects_before + 1


@pytest.mark.parametrize(
    "location",
    [
        "",
        "http://w.example/generate-image",
        "https://w.example:8443/generate-image",
        "https://w.example.evil.example/generate-image",
        "https://other.example/generate-image",
        "https://w.example@evil.example/generate-image",
        "//evil.example/generate-image",
        "ftp://w.example/generate-image",
        "https://[/",
        "mailto:somebody@w.example",
    ],
)
def test_what_is_not_the_same_origin_leads_nowhere(location: str) -> None:
    answer = Answer(303, httpx2.Headers({"location": location}), bytearray())
    with pytest.raises(ProviderFailure, match="BAD_RESPONSE"):
        further("https://w.example/generate-image", answer)


def test_the_default_port_may_be_spelt_out() -> None:
    answer = Answer(303, httpx2.Headers({"location": "https://W.example:443/x?y=1"}), bytearray())
    assert further("https://w.example/generate-image", answer) == "https://w.example/x?y=1"


async def test_redirects_that_never_end_are_left(client: httpx2.AsyncClient) -> None:
    async with scripted(sees_other()) as worker:
        failure = await failure_of(worker_at(client, worker.url, limit_s=60))
    assert (failure.code, failure.outcome) == ("BAD_RESPONSE", "unknown")
    assert len(worker.asked) == 502


@pytest.mark.parametrize(
    "passing", [later(408), html(502), html(503), html(504), resets, breaks_off]
)
async def test_a_look_that_fails_is_no_failure_of_the_call(
    client: httpx2.AsyncClient, passing: Act
) -> None:
    rests = Rests()
    async with scripted(sees_other(), passing, gives()) as worker:
        await made_by(worker_at(client, worker.url, rests=rests))
    assert worker.lines == [ORDERED, LOOKED, LOOKED]
    assert rests.seconds == [2.0]


async def test_a_look_that_nobody_answers_is_given_up_for_another(
    client: httpx2.AsyncClient,
) -> None:
    async with scripted(sees_other(), hangs, gives()) as worker:
        await made_by(worker_at(client, worker.url))
    assert worker.lines == [ORDERED, LOOKED, LOOKED]


async def test_a_look_that_never_ends_is_given_up_for_another(client: httpx2.AsyncClient) -> None:
    """Each drip renews the time for reading; the look as a whole has a limit of its own."""
    async with scripted(drips, gives()) as worker:
        http = WorkerHttp(client, worker.url, None, Pace(2.0, Rests()), look_s=1.0)
        async with asyncio.timeout(PATIENCE_S):
            answer = await http.result_at(f"{worker.url}{RESULT}", frozenset())
    assert answer.status == 200
    assert worker.lines == [LOOKED, LOOKED]


@pytest.mark.parametrize(
    ("act", "code", "outcome"),
    [
        (html(500), "SERVER_ERROR", "failed"),
        (refuses(500, "CUDA_OOM"), "CUDA_OOM", "failed"),
        (refuses(503, "MODEL_LOAD_FAILED"), "MODEL_LOAD_FAILED", "failed"),
        (refuses(400, "INVALID_PROMPT"), "INVALID_PROMPT", "failed"),
        (html(404), "SERVER_ERROR", "unknown"),
        (html(410), "SERVER_ERROR", "unknown"),
        (html(401), "UNAUTHORIZED", "unknown"),
        (html(200), "BAD_RESPONSE", "failed"),
    ],
)
async def test_the_result_may_be_that_there_is_none(
    client: httpx2.AsyncClient, act: Act, code: str, outcome: str
) -> None:
    async with scripted(sees_other(), act) as worker:
        failure = await failure_of(worker_at(client, worker.url))
    assert (failure.code, failure.outcome, len(worker.asked)) == (code, outcome, 2)


async def test_a_noted_call_is_resumed_without_ordering_again(client: httpx2.AsyncClient) -> None:
    async with scripted(html(502), sees_other(), gives()) as worker:
        made = await resumed_by(worker_at(client, worker.url), CALL)
    assert made.data == png(1024, 1024)
    assert worker.lines == [LOOKED, LOOKED, LOOKED]


async def test_a_resumed_call_that_is_gone_has_an_unknown_outcome(
    client: httpx2.AsyncClient,
) -> None:
    async with scripted(says(404)) as worker:
        with told_nothing() as caught:
            await resumed_by(worker_at(client, worker.url), CALL)
    assert (caught.value.code, caught.value.outcome) == ("SERVER_ERROR", "unknown")
