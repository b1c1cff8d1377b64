"""What becomes of a piece when its worker is at fault, as the ledger's records tell it."""

import io
import struct
import zlib
from collections.abc import Sequence

import httpx2
import pytest
from PIL import Image

from shared.calls import AttemptAnswer
from shared.outcomes import GiveUp, TryLater
from tests.builders import content_requested
from tests.generator.fakes import RecordingAttempts
from tests.generator.modal.orders import Asking, Links, Mode, Rests, worker_at
from tests.generator.modal.scripted import (
    CALL,
    RESULT,
    Act,
    accepted,
    breaks_off,
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

MODES: list[Mode] = ["sync", "async"]
SUCCEEDED = ("succeeded", None)


def black() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (1024, 1024)).save(out, "PNG")
    return out.getvalue()


def bomb() -> bytes:
    """A PNG of a few bytes that claims two thousand million pixels."""
    claim = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", claim), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def then_an_image(mode: Mode, *acts: Act) -> Sequence[Act]:
    """After these, a worker that makes one."""
    return [*acts, gives()] if mode == "sync" else [*acts, accepted(), later(), gives()]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("act", "recorded"),
    [
        (html(500), ("failed", "SERVER_ERROR")),
        (html(503), ("failed", "SERVER_ERROR")),
        (resets, ("unknown", "CONNECTION")),
        (breaks_off, ("unknown", "CONNECTION")),
        (hangs, ("unknown", "TIMEOUT")),
        (refuses(500, "TIMEOUT"), ("failed", "TIMEOUT")),
        (refuses(500, "MODEL_LOAD_FAILED"), ("failed", "MODEL_LOAD_FAILED")),
        (refuses(500, "CUDA_OOM"), ("failed", "CUDA_OOM")),
        (refuses(403, "LORA_DOWNLOAD_FAILED"), ("failed", "LORA_DOWNLOAD_FAILED")),
    ],
)
async def test_a_fault_that_may_pass_is_tried_again(
    client: httpx2.AsyncClient, mode: Mode, act: Act, recorded: tuple[str, str]
) -> None:
    async with scripted(*then_an_image(mode, act)) as worker:
        asking = Asking(worker_at(client, worker.url, mode))
        await asking.handler(content_requested())
    assert asking.record == [recorded, SUCCEEDED]
    assert 1.0 <= asking.rests.seconds[0] <= 1.25


@pytest.mark.parametrize("mode", MODES)
async def test_backoff_doubles_until_nobody_is_asked_any_more(
    client: httpx2.AsyncClient, mode: Mode
) -> None:
    async with scripted(html(500)) as worker:
        asking = Asking(worker_at(client, worker.url, mode))
        with pytest.raises(GiveUp):
            await asking.handler(content_requested())
    assert asking.record == [("failed", "SERVER_ERROR")] * 4
    assert [int(each) for each in asking.rests.seconds] == [1, 2, 4]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("code", ["MODEL_LOAD_FAILED", "CUDA_OOM"])
async def test_a_worker_out_of_order_gets_one_more_try(
    client: httpx2.AsyncClient, mode: Mode, code: str
) -> None:
    async with scripted(refuses(500, code)) as worker:
        asking = Asking(worker_at(client, worker.url, mode))
        with pytest.raises(GiveUp):
            await asking.handler(content_requested())
    assert asking.record == [("failed", code)] * 2


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("code", ["INVALID_PROMPT", "LORA_LOAD_FAILED"])
async def test_what_no_worker_can_help_ends_the_piece(
    client: httpx2.AsyncClient, mode: Mode, code: str
) -> None:
    async with scripted(refuses(400, code)) as worker:
        asking = Asking(worker_at(client, worker.url, mode))
        with pytest.raises(GiveUp) as gave_up:
            await asking.handler(content_requested())
    assert gave_up.value.reason == code.lower()
    assert asking.record == [("failed", code)]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("act", "code"),
    [
        (html(403), "UNAUTHORIZED"),
        (html(404), "REFUSED"),
        (html(200), "BAD_RESPONSE"),
        (refuses(500, "GENERATION_FAILED"), "GENERATION_FAILED"),
    ],
)
async def test_what_another_worker_may_do_better_is_not_tried_here_again(
    client: httpx2.AsyncClient, mode: Mode, act: Act, code: str
) -> None:
    async with scripted(act) as worker:
        asking = Asking(worker_at(client, worker.url, mode))
        with pytest.raises(GiveUp) as gave_up:
            await asking.handler(content_requested())
    assert gave_up.value.reason == "providers_exhausted"
    assert [each for _, each in asking.record] == [code]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "image", [b"", b"GIF89a", png(512, 512), png(1024, 1024)[:-500], black(), bomb()]
)
async def test_an_image_of_no_use_is_paid_and_counts_against_the_worker(
    client: httpx2.AsyncClient, mode: Mode, image: bytes
) -> None:
    acts = [gives(image)] if mode == "sync" else [accepted(), gives(image)]
    async with scripted(*acts) as worker:
        asking = Asking(worker_at(client, worker.url, mode))
        with pytest.raises(GiveUp):
            await asking.handler(content_requested())
    assert asking.record == [("failed", "BAD_RESPONSE")]
    paid = asking.attempts.settled[0].cost_usd_micros
    assert paid == (10_000 if image else 0)  # without any bytes there is no image


@pytest.mark.parametrize("mode", MODES)
async def test_weights_that_could_not_be_fetched_get_a_fresh_link(
    client: httpx2.AsyncClient, mode: Mode
) -> None:
    links = Links()
    async with scripted(*then_an_image(mode, refuses(403, "LORA_DOWNLOAD_FAILED"))) as worker:
        asking = Asking(worker_at(client, worker.url, mode, links=links))
        await asking.handler(content_requested())
    assert links.fresh == [False, True]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("act", "least_s"),
    [
        (html(429, Retry_After="7"), 7.0),
        (html(429, Retry_After="Thu, 01 Jan 2099 00:00:00 GMT"), 60.0),
        (refuses(429, "GENERATION_FAILED", retry_after=5), 5.0),
    ],
)
async def test_who_asks_for_patience_gets_it(
    client: httpx2.AsyncClient, mode: Mode, act: Act, least_s: float
) -> None:
    async with scripted(*then_an_image(mode, act)) as worker:
        asking = Asking(worker_at(client, worker.url, mode))
        await asking.handler(content_requested())
    assert asking.record == [("failed", "RATE_LIMITED"), SUCCEEDED]
    assert least_s - 0.1 < asking.rests.seconds[0] <= least_s


@pytest.mark.parametrize("mode", MODES)
async def test_a_call_over_its_limit_is_left_with_an_unknown_outcome(
    client: httpx2.AsyncClient, mode: Mode
) -> None:
    begun = sees_other() if mode == "sync" else accepted()
    async with scripted(begun, later(503)) as worker:
        rests = Rests(really_s=0.1)
        asking = Asking(worker_at(client, worker.url, mode, limit_s=0.3, rests=rests))
        asking.attempts.answers = [_go(), AttemptAnswer(answer="no", reason="deadline")]
        with pytest.raises(GiveUp, match="deadline"):
            await asking.handler(content_requested())
    assert asking.record == [("unknown", "TIMEOUT")]
    assert asking.attempts.noted == [("attempt-1", CALL)]


@pytest.mark.parametrize(
    ("mode", "target"), [("sync", RESULT), ("async", f"/generate-image/result/{CALL}")]
)
async def test_a_redelivered_piece_goes_on_waiting_and_orders_nothing(
    client: httpx2.AsyncClient, mode: Mode, target: str
) -> None:
    async with scripted(html(503), gives()) as worker:
        asking = Asking(worker_at(client, worker.url, mode), _pending())
        generated = await asking.handler(content_requested())
    assert worker.lines == [f"GET {target}"] * 2
    assert generated.generation.attempt_id == "attempt-old"
    assert asking.record == [SUCCEEDED]


@pytest.mark.parametrize("mode", MODES)
async def test_a_call_that_is_gone_is_told_and_the_piece_comes_back(
    client: httpx2.AsyncClient, mode: Mode
) -> None:
    async with scripted(html(404)) as worker:
        asking = Asking(worker_at(client, worker.url, mode), _pending())
        with pytest.raises(TryLater):
            await asking.handler(content_requested())
    assert asking.record == [("unknown", "SERVER_ERROR")]
    assert len(worker.asked) == 1


def _go() -> AttemptAnswer:
    return AttemptAnswer(answer="go", attempt_id="attempt-1", number=1)


def _pending() -> RecordingAttempts:
    pending = AttemptAnswer(
        answer="pending", attempt_id="attempt-old", provider="modal_sdxl_lora", call_id=CALL
    )
    return RecordingAttempts([pending])
