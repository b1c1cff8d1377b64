"""One request to a worker, whichever way it is asked: what it is told, and what its faults mean."""

import json
import socket

import httpx2
import pytest

from services.generator.adapters.modal.provider import endpoint
from tests.builders import brief
from tests.generator.modal.orders import (
    LINK,
    TOKEN,
    Mode,
    Notes,
    failure_of,
    made_by,
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
    refuses,
    resets,
    says,
    scripted,
    sees_other,
)
from tests.generator.worker_stub import png

MODES: list[Mode] = ["sync", "async"]
CODES = [
    "INVALID_PROMPT",
    "LORA_DOWNLOAD_FAILED",
    "LORA_LOAD_FAILED",
    "MODEL_LOAD_FAILED",
    "GENERATION_FAILED",
    "TIMEOUT",
    "CUDA_OOM",
]
ORDER = {
    "prompt": "TOK_a, by the sea",
    "negative_prompt": "blurry",
    "lora_url": LINK,
    "lora_scale": 0.9,
    "width": 832,
    "height": 1024,
    "steps": 28,
    "cfg": 5.5,
    "seed": 99,
    "timeout": 2,
}


async def test_asks_for_exactly_what_the_brief_says(client: httpx2.AsyncClient) -> None:
    order = brief(prompt="TOK_a, by the sea", negative_prompt="blurry", seed=99, width=832)
    async with scripted(gives()) as worker:
        made = await made_by(worker_at(client, worker.url), order=order)
    (asked,) = worker.asked
    assert (asked.method, asked.target) == ("POST", "/generate-image")
    assert json.loads(asked.body) == ORDER
    assert asked.headers["authorization"] == f"Bearer {TOKEN}"
    assert made.data == png(1024, 1024)
    assert (made.seed, made.lora_applied, made.cost_usd_micros) == (7, True, 10_000)


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("https://w.example", "https://w.example/generate-image"),
        ("https://w.example/", "https://w.example/generate-image"),
        ("https://w.example/api/v1/inference", "https://w.example/api/v1/inference"),
    ],
)
def test_a_bare_origin_gets_the_path_and_a_full_url_stays(base: str, url: str) -> None:
    assert endpoint(base, "/generate-image") == url


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("code", CODES)
async def test_the_workers_own_codes_come_through(
    client: httpx2.AsyncClient, mode: Mode, code: str
) -> None:
    async with scripted(refuses(500, code)) as worker:
        failure = await failure_of(worker_at(client, worker.url, mode))
    assert (failure.code, failure.outcome, len(worker.asked)) == (code, "failed", 1)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("act", "code", "outcome"),
    [
        (html(500), "SERVER_ERROR", "failed"),
        (html(503), "SERVER_ERROR", "failed"),
        (html(403), "UNAUTHORIZED", "failed"),
        (html(404), "REFUSED", "failed"),
        (html(200), "BAD_RESPONSE", None),
        (says(200), "BAD_RESPONSE", None),
        (says(200, png(8, 8), Content_Type="image/png"), "BAD_RESPONSE", None),
        (as_json(200, []), "BAD_RESPONSE", None),
        (says(302, Location="/elsewhere"), "REFUSED", "failed"),
        (refuses(500, f"{LINK} and whatever else"), "SERVER_ERROR", "failed"),
        (refuses(400, "WHO_KNOWS"), "REFUSED", "failed"),
        (says(200, b"\xff" * 65, Content_Encoding="gzip"), "BAD_RESPONSE", "failed"),
        (resets, "CONNECTION", "unknown"),
        (breaks_off, "CONNECTION", "unknown"),
        (hangs, "TIMEOUT", "unknown"),
    ],
)
async def test_other_answers_get_codes_of_ours(
    client: httpx2.AsyncClient, mode: Mode, act: Act, code: str, outcome: str | None
) -> None:
    """An answer of no use is the end of a request, and leaves a submission in the dark."""
    expected = outcome or ("unknown" if mode == "async" else "failed")
    notes = Notes()
    async with scripted(act) as worker:
        failure = await failure_of(worker_at(client, worker.url, mode), notes)
    assert (failure.code, failure.outcome, notes.ids) == (code, expected, [])
    assert len(worker.asked) == 1


@pytest.mark.parametrize("mode", MODES)
async def test_an_answer_that_drips_is_cut_off_by_the_callers_limit(
    client: httpx2.AsyncClient, mode: Mode
) -> None:
    async with scripted(drips) as worker:
        with pytest.raises(TimeoutError):
            await made_by(worker_at(client, worker.url, mode, limit_s=0.3))


@pytest.mark.parametrize(
    "change",
    [
        {"image_base64": ""},
        {"image_base64": "%%%"},
        {"image_base64": "ü"},
        {"image_base64": 7},
        {"image_base64": None},
        {"model_info": None},
        {"metadata": {"seed_used": 7, "actual_steps": 28, "actual_cfg": "NaN"}},
        {"metadata": {"seed_used": 2**64, "actual_steps": 28, "actual_cfg": 5.5}},
        {"metadata": {"seed_used": -1, "actual_steps": 28, "actual_cfg": 5.5}},
    ],
)
async def test_an_answer_without_an_image_or_its_facts_is_none(
    client: httpx2.AsyncClient, change: dict[str, object]
) -> None:
    whole: dict[str, object] = {
        "image_base64": "aW1hZ2U=",
        "model_info": {"base_model": "sdxl", "lora_applied": True, "lora_scale": 0.9},
        "metadata": {"seed_used": 7, "actual_steps": 28, "actual_cfg": 5.5},
    }
    async with scripted(as_json(200, whole), as_json(200, whole | change)) as worker:
        assert (await made_by(worker_at(client, worker.url))).data == b"image"
        assert (await failure_of(worker_at(client, worker.url))).code == "BAD_RESPONSE"


async def test_no_answer_is_read_beyond_what_an_image_may_take(client: httpx2.AsyncClient) -> None:
    async with scripted(says(200, bytes(65 * 2**20))) as worker:
        failure = await failure_of(worker_at(client, worker.url, limit_s=10))
    assert (failure.code, failure.detail) == ("BAD_RESPONSE", "more than 67108864 bytes")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "act",
    [
        html(429, Retry_After="7"),
        refuses(429, "TIMEOUT", retry_after=7),
        refuses(429, "WHO_KNOWS", retry_after=7.0),
    ],
)
async def test_too_many_requests_tells_how_long_to_wait(
    client: httpx2.AsyncClient, mode: Mode, act: Act
) -> None:
    async with scripted(act) as worker:
        failure = await failure_of(worker_at(client, worker.url, mode))
    assert (failure.code, failure.retry_after_s, failure.outcome) == ("RATE_LIMITED", 7, "failed")


async def test_a_retry_after_date_is_understood(client: httpx2.AsyncClient) -> None:
    async with scripted(html(429, Retry_After="Thu, 01 Jan 2099 00:00:00 GMT")) as worker:
        failure = await failure_of(worker_at(client, worker.url))
    assert failure.retry_after_s is not None
    assert failure.retry_after_s > 10**6


@pytest.mark.parametrize("retry_after", ["soon", -1e999, None, []])
async def test_a_retry_after_that_is_no_time_does_not_hide_the_code(
    client: httpx2.AsyncClient, retry_after: object
) -> None:
    async with scripted(refuses(500, "CUDA_OOM", retry_after=retry_after)) as worker:
        failure = await failure_of(worker_at(client, worker.url))
    assert (failure.code, failure.retry_after_s) == ("CUDA_OOM", None)


@pytest.mark.parametrize("mode", MODES)
async def test_nobody_listening_is_a_connection_failure_that_cost_nothing(
    client: httpx2.AsyncClient, mode: Mode
) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))  # nobody else may listen there, and we do not
        port = sock.getsockname()[1]
        failure = await failure_of(worker_at(client, f"http://127.0.0.1:{port}", mode))
    assert (failure.code, failure.outcome) == ("CONNECTION", "failed")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "act",
    [
        says(500, f"{TOKEN} {LINK}".encode()),
        refuses(400, "INVALID_PROMPT", details=LINK),
        as_json(200, {"image_base64": LINK, "metadata": TOKEN}),
        as_json(202, {"call_id": LINK}),
        sees_other(LINK.replace("127.0.0.1", "elsewhere.example")),
    ],
)
async def test_no_failure_repeats_what_a_worker_quotes(
    client: httpx2.AsyncClient, mode: Mode, act: Act
) -> None:
    async with scripted(act) as worker:
        await failure_of(worker_at(client, worker.url, mode))


async def test_an_image_that_comes_at_once_has_no_id(client: httpx2.AsyncClient) -> None:
    notes = Notes()
    async with scripted(gives()) as worker:
        await made_by(worker_at(client, worker.url), notes)
    assert notes.ids == []


async def test_a_submitted_call_is_noted(client: httpx2.AsyncClient) -> None:
    notes = Notes()
    async with scripted(accepted(), gives()) as worker:
        await made_by(worker_at(client, worker.url, "async"), notes)
    assert notes.ids == [CALL]
