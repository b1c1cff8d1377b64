"""Downloads over real sockets: whole, bounded, from the checked address, and silent about links."""

import asyncio
import gzip
import logging
import re
import traceback
from collections.abc import Sequence
from pathlib import Path

import httpx2
import pytest

from services.generator.sdxl.loras.fetching.download import Downloads, Fetched, Unchanged
from services.generator.sdxl.loras.fetching.links import Link, Reach, read_link
from services.generator.sdxl.loras.fetching.pinned import Pinned, transports
from services.generator.sdxl.wishes import FailureCode, NoPicture
from tests.generator.sdxl.loras.certificates import contexts
from tests.generator.sdxl.loras.weights_server import (
    Answer,
    Asked,
    head,
    never_ends,
    replies,
    resets,
    says,
    store,
)

HERE = Reach(("weights.example", "*.mirror.example"), loopback=True)
PUBLIC = "93.184.215.14"
BODY = bytes(range(256)) * 40
TLS = transports()


class Kept:
    """A sink in memory."""

    def __init__(self) -> None:
        self.data = b""

    async def write(self, chunk: bytes) -> None:
        self.data += chunk


class Named:
    """A resolver that answers as it is told, once a time."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, _: int) -> Sequence[str]:
        self.asked.append(host)
        return self.answers.pop(0)


class Dialled(httpx2.AsyncHTTPTransport):
    """Connects to our server, whatever address was asked for, and says which that was."""

    def __init__(self, port: int, dialled: list[str], context: object) -> None:
        super().__init__(verify=context, trust_env=False)  # type: ignore[arg-type]
        self._port = port
        self._dialled = dialled

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self._dialled.append(request.url.host)
        if request.url.host.startswith("198."):
            raise httpx2.ConnectError("nobody there")
        request.url = request.url.copy_with(host="127.0.0.1", port=self._port)
        return await super().handle_async_request(request)


def nothing_known(_: str) -> None:
    return None


def link(text: str, reach: Reach = HERE) -> Link:
    return read_link(text, reach)


async def fetched(
    answer: Answer, *, limit_s: float = 5.0, most_bytes: int = 2**20, etag: str | None = None
) -> tuple[bytes, Unchanged | Fetched, Asked]:
    async with store(answer) as serving:
        downloads = Downloads(Pinned(TLS), HERE, most_bytes, limit_s)
        sink = Kept()
        outcome = await downloads.fetch(link(serving.link()), sink, lambda _: etag)
        return sink.data, outcome, serving.asked[-1]


async def test_fetches_a_file(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    data, outcome, asked = await fetched(replies(BODY, etag='"v1"'))
    assert data == BODY
    assert isinstance(outcome, Fetched)
    assert outcome.etag == '"v1"'
    assert asked.target == "/ada.safetensors?X-Amz-Signature=canary"
    assert asked.headers["accept-encoding"] == "identity"
    assert "if-none-match" not in asked.headers
    assert "canary" not in caplog.text


async def test_fetches_a_file_that_comes_in_chunks() -> None:
    body = b"5\r\nhello\r\n0\r\n\r\n"
    data, outcome, _ = await fetched(says(head(200, transfer_encoding="chunked") + body))
    assert (data, getattr(outcome, "etag", "")) == (b"hello", None)


async def test_an_unchanged_file_is_not_sent() -> None:
    data, outcome, asked = await fetched(says(head(304, etag='"v1"')), etag='"v1"')
    assert (data, type(outcome)) == (b"", Unchanged)
    assert asked.headers["if-none-match"] == '"v1"'


@pytest.mark.parametrize("tag", ['W/"v1"', "v1", '"a"b"', '""', '"' + "x" * 300 + '"'])
async def test_only_a_strong_tag_is_remembered(tag: str) -> None:
    _, outcome, _ = await fetched(replies(BODY, etag=tag))
    assert isinstance(outcome, Fetched)
    assert outcome.etag is None


TROUBLES: dict[str, tuple[Answer, str]] = {
    "cut": (replies(BODY, declared=len(BODY) + 1), "connection failed"),
    "cut in chunks": (
        says(head(200, transfer_encoding="chunked") + b"5\r\nhel"),
        "connection failed",
    ),
    "without an end": (says(head(200) + BODY), "does not say where the file ends"),
    "reset": (resets(head(200, content_length=9) + b"hel"), "connection failed"),
    "reset at once": (resets(b""), "connection failed"),
    "no HTTP": (says(b"SSH-2.0-OpenSSH\r\n\r\n"), "connection failed"),
    "expired": (replies(b"canary", 403), "403: the link is not accepted, or has expired"),
    "missing": (replies(b"canary", 404), "404: nothing is there"),
    "busy": (replies(b"canary", 503), "503: no file"),
    "part": (replies(BODY, 206), "206: no file"),
    "unchanged unasked": (says(head(304)), "304: no file"),
    "packed": (
        replies(gzip.compress(b"\0" * 2**20), content_encoding="gzip"),
        "packed, though it was asked not to",
    ),
    "too large": (replies(b"", declared=2**20 + 1), "larger than 1048576 bytes"),
    "endless": (
        says(head(200, transfer_encoding="chunked") + b"100001\r\n" + b"x" * 0x100001),
        "larger than 1048576 bytes",
    ),
    "nowhere": (replies(b"", 302), "More than 3 redirects"),
    "a circle": (replies(b"", 302, location="/again?canary=canary"), "More than 3 redirects"),
    "inside": (replies(b"", 302, location="https://10.0.0.1/canary"), "not allowed here"),
    "metadata": (replies(b"", 302, location="http://169.254.169.254/"), "not HTTPS"),
    "elsewhere": (replies(b"", 307, location="https://evil.example/?canary"), "not allowed here"),
    "a local file": (replies(b"", 301, location="file:///etc/passwd"), "holds user info, no host"),
    "no URL": (replies(b"", 308, location="http://127.0.0.1:canary/"), "no URL"),
}


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_trouble_is_a_failed_download_that_keeps_the_link_secret(
    trouble: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    answer, said = TROUBLES[trouble]
    with pytest.raises(NoPicture, match=re.escape(said)) as caught:
        await fetched(answer)
    assert caught.value.code is FailureCode.LORA_DOWNLOAD_FAILED
    told = "".join(traceback.format_exception(caught.value)).partition("NoPicture: ")[2]
    assert "canary" not in told + caplog.text


async def test_a_slow_drip_ends_in_time() -> None:
    with pytest.raises(NoPicture, match="took too long"):
        await fetched(never_ends(head(200, content_length=10_000)), limit_s=0.1)


async def test_a_store_that_contradicts_itself_is_not_believed() -> None:
    with pytest.raises(NoPicture, match="unchanged, and that it is another"):
        await fetched(says(head(304, etag='"v2"')), etag='"v1"')


async def test_nobody_listens() -> None:
    async with store(replies()) as serving:
        gone = link(serving.link())
    with pytest.raises(NoPicture, match=r"connection failed \(ConnectError\)"):
        await Downloads(Pinned(TLS), HERE).fetch(gone, Kept(), nothing_known)


async def test_follows_redirects_within_reach_and_asks_each_with_its_own_tag() -> None:
    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        moved = replies(b"", 302, location="/moved")
        await (replies(BODY) if asked.target == "/moved" else moved)(asked, writer)

    async with store(answer) as serving:
        first, second = link(serving.link()), link(serving.link("/moved"))
        tags = {first.identity: '"first"', second.identity: '"second"'}
        sink = Kept()
        outcome = await Downloads(Pinned(TLS), HERE).fetch(first, sink, tags.get)
    assert sink.data == BODY
    assert outcome.identity == second.identity
    assert [one.headers["if-none-match"] for one in serving.asked] == ['"first"', '"second"']


async def test_connects_to_the_checked_address_under_the_names_certificate(
    tmp_path: Path,
) -> None:
    server_side, client_side = contexts(tmp_path, "weights.example")
    resolver = Named(["198.51.0.1", PUBLIC])
    dialled: list[str] = []
    async with store(replies(BODY), server_side) as serving:
        pinned = Pinned(lambda: Dialled(serving.port, dialled, client_side), resolver)
        asked = link("https://Weights.example/ada?sig=x")
        sink = Kept()
        await Downloads(pinned, HERE).fetch(asked, sink, nothing_known)
    assert sink.data == BODY
    assert dialled == ["198.51.0.1", PUBLIC]
    assert resolver.asked == ["weights.example"]
    assert serving.asked[0].sni == "weights.example"
    assert serving.asked[0].headers["host"].lower() == "weights.example"


async def test_a_certificate_for_another_name_is_not_accepted(tmp_path: Path) -> None:
    server_side, client_side = contexts(tmp_path, "other.example")
    async with store(replies(BODY), server_side) as serving:
        pinned = Pinned(lambda: Dialled(serving.port, [], client_side), Named([PUBLIC]))
        with pytest.raises(NoPicture, match="ConnectError"):
            await Downloads(pinned, HERE).fetch(
                link("https://weights.example/ada"), Kept(), nothing_known
            )
    assert not serving.asked


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["10.0.0.7"], ["::ffff:10.0.0.7"], [PUBLIC, "169.254.169.254"], ["100.64.0.1"]],
)
async def test_a_name_that_leads_inside_is_not_dialled(addresses: list[str]) -> None:
    """Also where this machine itself is allowed: that takes its own name."""
    dialled: list[str] = []
    pinned = Pinned(lambda: Dialled(1, dialled, context=False), Named(addresses))
    with pytest.raises(
        NoPicture, match=r"`weights\.example` leads to an address that is not public"
    ):
        await Downloads(pinned, HERE).fetch(
            link("https://weights.example/ada"), Kept(), nothing_known
        )
    assert not dialled


async def test_a_name_that_changes_its_mind_between_redirects_is_checked_again(
    tmp_path: Path,
) -> None:
    server_side, client_side = contexts(tmp_path, "weights.example")
    dialled: list[str] = []
    async with store(replies(b"", 302, location="/again"), server_side) as serving:
        pinned = Pinned(
            lambda: Dialled(serving.port, dialled, client_side), Named([PUBLIC], ["127.0.0.1"])
        )
        with pytest.raises(NoPicture, match="not public"):
            await Downloads(pinned, HERE).fetch(
                link("https://weights.example/ada"), Kept(), nothing_known
            )
    assert dialled == [PUBLIC]


async def test_https_does_not_become_http(tmp_path: Path) -> None:
    server_side, client_side = contexts(tmp_path, "weights.example")
    answer = replies(b"", 302, location="http://127.0.0.1:1/")
    async with store(answer, server_side) as serving:
        pinned = Pinned(lambda: Dialled(serving.port, [], client_side), Named([PUBLIC]))
        with pytest.raises(NoPicture, match="from HTTPS to HTTP"):
            await Downloads(pinned, HERE).fetch(
                link("https://weights.example/ada"), Kept(), nothing_known
            )


async def test_a_name_without_an_address_is_a_failed_download() -> None:
    async def unknown(_: str, __: int) -> Sequence[str]:
        raise OSError("no such name")

    for resolver, said in ((unknown, "could not be resolved"), (Named([]), "has no address")):
        with pytest.raises(NoPicture, match=said):
            await Downloads(Pinned(TLS, resolver), HERE).fetch(
                link("https://weights.example/ada"), Kept(), nothing_known
            )
