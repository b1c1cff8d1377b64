"""The worker behind HTTP, through the client that production uses."""

import io
import socket
import threading
from collections.abc import AsyncIterator

import httpx2
import pytest
from PIL import Image
from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from werkzeug import Response

from services.generator.adapters.modal import ModalProvider, endpoint
from services.generator.domain import ProviderFailure
from services.generator.ports import MadeImage
from shared.content import Brief
from tests.builders import brief
from tests.generator.worker_stub import PATH, Worker, image_answer, plain, png, refusal

TOKEN = "canary-worker-token"
LINK = "http://127.0.0.1/loras/a.safetensors?expires=1&signature=canary"


class OneLink:
    async def sign(self, key: str) -> str:
        return LINK


@pytest.fixture
def worker(httpserver: HTTPServer) -> Worker:
    return Worker(httpserver)


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(timeout=2.0, trust_env=False) as client:
        yield client


def provider(client: httpx2.AsyncClient, url: str) -> ModalProvider:
    return ModalProvider(
        client,
        url=endpoint(url, PATH),
        token=SecretStr(TOKEN),
        lora_links=OneLink(),
        timeout_s=2.0,
        cost_usd_micros=10_000,
    )


async def generate(client: httpx2.AsyncClient, url: str, order: Brief) -> MadeImage:
    return await (await provider(client, url).prepare(order))()


async def failure_of(
    client: httpx2.AsyncClient, worker: Worker, answer: Response
) -> ProviderFailure:
    worker.will(answer)
    with pytest.raises(ProviderFailure) as failed:
        await generate(client, worker.url, brief())
    return failed.value


async def test_asks_for_exactly_what_the_brief_says(
    client: httpx2.AsyncClient, worker: Worker
) -> None:
    order = brief(prompt="TOK_a, by the sea", negative_prompt="blurry", seed=99, width=832)
    made = await generate(client, worker.url, order)
    (asked,) = worker.asked
    assert asked == {
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
    assert worker.tokens == [f"Bearer {TOKEN}"]
    assert made.data == png(832, 1024)
    assert (made.seed, made.lora_applied, made.cost_usd_micros) == (99, True, 10_000)


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
async def test_the_workers_own_codes_come_through(
    client: httpx2.AsyncClient, worker: Worker, code: str
) -> None:
    assert (await failure_of(client, worker, refusal(500, code))).code == code


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (plain(500), "SERVER_ERROR"),
        (plain(503), "SERVER_ERROR"),
        (plain(403), "REFUSED"),
        (plain(404), "REFUSED"),
        (plain(200), "BAD_RESPONSE"),
        (plain(302, "", Location="http://127.0.0.1:9/elsewhere"), "REFUSED"),
        (Response('{"image_base64": ""}', content_type="application/json"), "BAD_RESPONSE"),
        (image_answer(b"not an image", {}), "BAD_RESPONSE"),
    ],
)
async def test_other_answers_get_codes_of_ours(
    client: httpx2.AsyncClient, worker: Worker, answer: Response, code: str
) -> None:
    assert (await failure_of(client, worker, answer)).code == code


def see_through(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGBA", (width, height), (0, 128, 128, 200)).save(out, "PNG")
    return out.getvalue()


ASKED: dict[str, object] = {"seed": 1, "steps": 28, "cfg": 5.5, "lora_scale": 0.9}


@pytest.mark.parametrize(
    ("image", "detail"),
    [
        (png(512, 512), "512x512 instead of 1024x1024"),
        (png(1024, 1024, "black"), "all black"),
        (png(1024, 1024)[:900], "undecodable"),
        (see_through(1024, 1024), "partly transparent"),
    ],
)
async def test_an_image_nobody_could_use_is_a_failure(
    client: httpx2.AsyncClient, worker: Worker, image: bytes, detail: str
) -> None:
    failure = await failure_of(client, worker, image_answer(image, ASKED))
    assert failure.code == "BAD_RESPONSE"
    assert detail in failure.detail


@pytest.mark.parametrize(
    "answer",
    [plain(429, **{"Retry-After": "7"}), refusal(429, "TIMEOUT", retry_after=7)],
)
async def test_too_many_requests_tells_how_long_to_wait(
    client: httpx2.AsyncClient, worker: Worker, answer: Response
) -> None:
    failure = await failure_of(client, worker, answer)
    assert (failure.code, failure.retry_after_s) == ("RATE_LIMITED", 7)


async def test_a_retry_after_date_is_understood(client: httpx2.AsyncClient, worker: Worker) -> None:
    answer = plain(429, **{"Retry-After": "Thu, 01 Jan 2099 00:00:00 GMT"})
    failure = await failure_of(client, worker, answer)
    assert failure.retry_after_s is not None
    assert failure.retry_after_s > 10**6


async def test_nobody_listening_is_a_connection_failure_that_cost_nothing(
    client: httpx2.AsyncClient,
) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    with pytest.raises(ProviderFailure) as failed:
        await generate(client, f"http://127.0.0.1:{port}", brief())
    assert (failed.value.code, failed.value.outcome) == ("CONNECTION", "failed")


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{"])
async def test_a_connection_cut_after_the_request_has_an_unknown_outcome(
    client: httpx2.AsyncClient, answer: bytes
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def cut() -> None:
            connection, _ = server.accept()
            connection.recv(65536)
            connection.sendall(answer)
            connection.close()

        thread = threading.Thread(target=cut)
        thread.start()
        port = server.getsockname()[1]
        with pytest.raises(ProviderFailure) as failed:
            await generate(client, f"http://127.0.0.1:{port}", brief())
        thread.join()
    assert (failed.value.code, failed.value.outcome) == ("CONNECTION", "unknown")


async def test_a_worker_that_never_answers_has_an_unknown_outcome() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        async with httpx2.AsyncClient(timeout=0.2, trust_env=False) as client:
            with pytest.raises(ProviderFailure) as failed:
                await generate(client, f"http://127.0.0.1:{port}", brief())
    assert (failed.value.code, failed.value.outcome) == ("TIMEOUT", "unknown")


async def test_no_failure_tells_the_token_or_the_link(
    client: httpx2.AsyncClient, worker: Worker
) -> None:
    failures = [
        await failure_of(client, worker, answer)
        for answer in (plain(500, f"{TOKEN} {LINK}"), refusal(400, "INVALID_PROMPT", details=LINK))
    ]
    assert all("canary" not in f"{failure} {failure.detail}" for failure in failures)
