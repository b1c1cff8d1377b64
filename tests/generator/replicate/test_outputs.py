"""Images of predictions: from where they are fetched, and what is not one."""

import io
import zlib
from collections.abc import Iterator

import pytest
from PIL import Image

from services.generator.adapters.replicate.output import image_url
from services.generator.adapters.replicate.provider import ReplicateProvider
from services.generator.domain.failures import ProviderFailure
from tests.builders import brief, content_requested
from tests.generator.replicate.buying import Buying
from tests.generator.replicate.conftest import Opening
from tests.generator.replicate.stub import Replicate
from tests.generator.replicate.tokens import notes_into
from tests.generator.replicate.vendor_server import HTML, Asked, Reply, Trouble, vendor_server
from tests.generator.worker_stub import png

HOSTS = ("replicate.delivery",)
API = "https://api.replicate.com/v1"
GARBAGE = [("replicate", "failed", "BAD_RESPONSE"), ("spare", "succeeded", None)]


@pytest.mark.parametrize(
    "url",
    [
        "https://replicate.delivery/xezq/1.png",
        "https://pbxt.replicate.delivery/xezq/1.png",
        "https://replicate.delivery:443/1.png",
        "https://api.replicate.com/v1/files/1",
    ],
)
def test_the_vendors_own_places_are_fetched_from(url: str) -> None:
    assert image_url(url, hosts=HOSTS, base_url=API) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://replicate.delivery/1.png",
        "https://replicate.delivery:8443/1.png",
        "https://replicate.delivery.evil.example/1.png",
        "https://notreplicate.delivery/1.png",
        "https://replicate.delivery@10.0.0.1/1.png",
        "https://user:pw@replicate.delivery/1.png",
        "https://127.0.0.1/1.png",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/1.png",
        "https://[::ffff:10.0.0.1]/1.png",
        "https://[broken/1.png",
        "https://replicate.delivery:port/1.png",
        "file:///etc/passwd",
        "data:image/png;base64,AAAA",
        "//replicate.delivery/1.png",
        "1.png",
        "http://api.replicate.com/v1/files/1",
        "https://evil@api.replicate.com/v1/files/1",
    ],
)
def test_nothing_is_fetched_from_anywhere_else(url: str) -> None:
    with pytest.raises(ProviderFailure) as failed:
        image_url(url, hosts=HOSTS, base_url=API)
    assert url not in failed.value.detail


@pytest.fixture
def stranger() -> Iterator[tuple[str, list[Asked]]]:
    asked: list[Asked] = []

    def answer(one: Asked) -> Reply:
        asked.append(one)
        return Reply(200, png(1024, 1024), content_type="image/png")

    with vendor_server(answer) as origin:
        yield origin, asked


@pytest.mark.parametrize("how", ["output", "redirect"])
async def test_an_answer_leads_nobody_to_a_stranger(
    vendor: Replicate,
    provider: ReplicateProvider,
    stranger: tuple[str, list[Asked]],
    how: str,
) -> None:
    origin, asked = stranger
    if how == "output":
        vendor.states = [vendor.succeeded(f"{origin}/1.png")]
    else:
        vendor.always["fetch"] = Reply(302, headers={"Location": f"{origin}/1.png"})
    buying = Buying(provider)
    await buying(content_requested())
    assert buying.records == GARBAGE
    assert asked == []


def bomb() -> bytes:
    """A PNG that claims more pixels than anybody has memory for."""
    data = bytearray(png(64, 64))
    data[16:24] = (60_000).to_bytes(4) * 2
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4)
    return bytes(data)


def black(width: int = 1024, height: int = 1024) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height)).save(out, "PNG")
    return out.getvalue()


BAD_IMAGES = {
    "none": b"",
    "HTML": b"<html>busy</html>",
    "half": png(1024, 1024)[:-300],
    "bomb": bomb(),
    "black": black(),
    "black, of another size": black(1024, 960),
    "another shape": png(1024, 256),
    "small": png(256, 256),
    "huge": png(2048, 2048),
}


@pytest.mark.parametrize("what", BAD_IMAGES)
async def test_what_is_no_image_of_the_order_is_paid_recorded_and_asked_of_the_next(
    vendor: Replicate, provider: ReplicateProvider, what: str
) -> None:
    vendor.image = BAD_IMAGES[what]
    buying = Buying(provider)
    await buying(content_requested())
    assert buying.records == GARBAGE
    assert buying.attempts.settled[0].cost_usd_micros == 40_000


@pytest.mark.parametrize("reply", [Reply(403), Reply(404), Reply(410)])
async def test_an_image_that_is_not_given_out_is_paid_all_the_same(
    vendor: Replicate, provider: ReplicateProvider, reply: Reply
) -> None:
    vendor.always["fetch"] = reply
    buying = Buying(provider)
    await buying(content_requested())
    assert buying.records == GARBAGE
    assert buying.attempts.settled[0].cost_usd_micros == 40_000


@pytest.mark.parametrize(
    "reply",
    [
        Reply(503),
        Reply(429),
        Reply(trouble="resets"),
        Reply(200, png(1024, 1024), content_type="image/png", trouble="is cut"),
    ],
)
async def test_an_image_is_fetched_again_and_not_bought_again(
    vendor: Replicate, provider: ReplicateProvider, reply: Reply
) -> None:
    vendor.faults["fetch"] = [reply]
    buying = Buying(provider)
    await buying(content_requested())
    assert buying.records == [("replicate", "succeeded", None)]
    assert (len(vendor.of("submit")), len(vendor.of("fetch"))) == (1, 2)


@pytest.mark.parametrize("trouble", ["drips", "hangs"])
async def test_an_image_that_does_not_arrive_is_paid(
    vendor: Replicate, opening: Opening, trouble: Trouble
) -> None:
    vendor.always["fetch"] = Reply(200, png(1024, 1024), trouble=trouble)
    with pytest.raises(ProviderFailure) as failed:
        await (await opening(timeout_s=2).prepare(brief()))(notes_into([]))
    failure = failed.value
    assert (failure.code, failure.outcome, failure.cost_usd_micros) == ("TIMEOUT", "failed", 40_000)
    assert vendor.of("cancel") == []


async def test_what_is_sent_as_something_else_is_looked_at_all_the_same(
    vendor: Replicate, provider: ReplicateProvider
) -> None:
    vendor.always["fetch"] = Reply(200, png(1024, 1024), content_type=HTML.content_type)
    buying = Buying(provider)
    await buying(content_requested())
    assert buying.records == [("replicate", "succeeded", None)]
