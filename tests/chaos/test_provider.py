"""The faulty image worker, seen through the product's own adapter and by its own log."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from hashlib import sha256
from pathlib import Path

import httpx2
import pytest

from services.generator.adapters.image_gate import check_image
from services.generator.adapters.modal.provider import ModalProvider
from services.generator.domain.failures import ProviderFailure
from services.generator.domain.prices import Price
from services.generator.ports import MadeImage
from shared.content import Brief, LoraRef, Platform
from tests.chaos.evidence import IMAGES, PROVIDER, JsonLines, read_lines
from tests.chaos.misbehaviour import Manner, manner_of
from tests.chaos.orders import MOST_PIECES, label
from tests.chaos.pictures import picture
from tests.chaos.provider import Worker
from tests.eventually import eventually

SEED = 1
LIMIT_S = 1.0

GIVES_NOTHING = {
    Manner.LORA_DOWNLOAD_FAILED: "LORA_DOWNLOAD_FAILED",
    Manner.MODEL_LOAD_FAILED: "MODEL_LOAD_FAILED",
    Manner.CUDA_OOM: "CUDA_OOM",
    Manner.TIMEOUT: "TIMEOUT",
    Manner.LORA_LOAD_FAILED: "LORA_LOAD_FAILED",
    Manner.INVALID_PROMPT: "INVALID_PROMPT",
    Manner.GENERATION_FAILED: "GENERATION_FAILED",
    Manner.BUSY_BY_BODY: "RATE_LIMITED",
    Manner.BUSY_BY_SECONDS: "RATE_LIMITED",
    Manner.BUSY_BY_DATE: "RATE_LIMITED",
    Manner.HTML_500: "SERVER_ERROR",
    Manner.NOT_FOUND: "REFUSED",
    Manner.REDIRECT: "REFUSED",
    Manner.CUT_BEFORE: "CONNECTION",
    Manner.CUT_WHILE: "CONNECTION",
    Manner.HANG: "TIMEOUT",
    Manner.LATE: "TIMEOUT",
    Manner.INVALID_JSON: "BAD_RESPONSE",
    Manner.TRUNCATED: "BAD_RESPONSE",
    Manner.BLACK: "BAD_RESPONSE",
    Manner.WRONG_SIZE: "BAD_RESPONSE",
}
GIVES_AN_IMAGE = [Manner.GOOD, Manner.SLOW, Manner.CUT_AFTER]
UNCLEAR = [Manner.CUT_BEFORE, Manner.CUT_WHILE, Manner.HANG, Manner.LATE]


class FixedLinks:
    async def sign(self, key: str, *, fresh: bool = False) -> str:
        return f"https://weights.example/{key}?signature=secret"


def label_meeting(manner: Manner) -> str:
    """A piece whose first request is treated in this manner."""
    return next(
        name
        for name in map(label, range(MOST_PIECES))
        if manner_of(SEED, name, times_asked=1) is manner
    )


@asynccontextmanager
async def provider(log_file: Path, *, limit_s: float = LIMIT_S) -> AsyncIterator[ModalProvider]:
    log = JsonLines(log_file)
    worker = Worker(SEED, log, log_file.parent / IMAGES)
    server = await asyncio.start_server(worker.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with httpx2.AsyncClient(timeout=limit_s, trust_env=False) as client:
        yield ModalProvider(
            client,
            url=f"http://127.0.0.1:{port}/generate-image",
            token=None,
            lora_links=FixedLinks(),
            timeout_s=limit_s,
            price=Price("a test", date(2026, 11, 21), per_image_usd_micros=10_000),
        )
    server.close()
    log.close()


def brief(name: str) -> Brief:
    return Brief(
        avatar_id="ada",
        platform=Platform.INSTAGRAM,
        prompt=f"ada, standing beside the {name}, soft light",
        seed=7,
        lora=LoraRef(key="loras/ada.safetensors"),
    )


async def made(asked: ModalProvider, name: str) -> MadeImage:
    order = brief(name)
    image = await (await asked.prepare(order))(no_note)
    check_image(image.data, order.width, order.height)
    return image


async def no_note(_: str) -> None:
    raise AssertionError("a call that is not submitted has no id")


@pytest.mark.parametrize("manner", GIVES_AN_IMAGE)
async def test_a_good_answer_is_an_image_of_the_piece_and_is_billed_once(
    tmp_path: Path, manner: Manner
) -> None:
    name = label_meeting(manner)
    async with provider(tmp_path / PROVIDER, limit_s=5) as asked:
        image = await made(asked, name)
    assert image.data == picture(1024, 1024, f"{name}, image 1")
    events = read_lines(tmp_path / PROVIDER)
    assert [event["event"] for event in events] == ["asked", "given"]
    assert events[-1]["billed"] is True
    assert events[-1]["sha256"] == sha256(image.data).hexdigest()


@pytest.mark.parametrize(("manner", "code"), GIVES_NOTHING.items())
async def test_every_fault_is_what_the_product_takes_it_for(
    tmp_path: Path, manner: Manner, code: str
) -> None:
    async with provider(tmp_path / PROVIDER) as asked:
        with pytest.raises(ProviderFailure) as caught:
            await made(asked, label_meeting(manner))
    assert caught.value.code == code
    assert caught.value.outcome == ("unknown" if manner in UNCLEAR else "failed")
    if code == "RATE_LIMITED":
        assert caught.value.retry_after_s is not None


@pytest.mark.parametrize("manner", [Manner.BLACK, Manner.TRUNCATED, Manner.WRONG_SIZE])
async def test_an_image_of_no_use_is_billed_all_the_same(tmp_path: Path, manner: Manner) -> None:
    async with provider(tmp_path / PROVIDER) as asked:
        with pytest.raises(ProviderFailure):
            await made(asked, label_meeting(manner))
    assert [event["billed"] for event in read_lines(tmp_path / PROVIDER)] == [False, True]


@pytest.mark.parametrize("manner", [Manner.CUT_WHILE, Manner.LATE])
async def test_work_that_was_done_is_billed_although_nobody_got_it(
    tmp_path: Path, manner: Manner
) -> None:
    log = tmp_path / PROVIDER
    async with provider(log) as asked:
        with pytest.raises(ProviderFailure):
            await made(asked, label_meeting(manner))
        await eventually(lambda: len(read_lines(log)) == 2)
    assert sum(event["billed"] for event in read_lines(log)) == 1


async def test_the_log_holds_no_link_to_the_weights(tmp_path: Path) -> None:
    async with provider(tmp_path / PROVIDER) as asked:
        await made(asked, label_meeting(Manner.GOOD))
    assert "signature" not in (tmp_path / PROVIDER).read_text()
    assert json.loads((tmp_path / PROVIDER).read_text().splitlines()[0])["request"]["seed"] == 7


def test_pieces_have_different_images() -> None:
    images = {picture(1024, 1024, label(number)) for number in range(500)}
    assert len(images) == 500
