"""A library over a real store: little is fetched, nothing mixed up, nothing hangs on a caller."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Iterator
from io import BufferedReader
from pathlib import Path

import pytest
import structlog
import torch

from services.generator.sdxl.loras.fetching.download import Downloads
from services.generator.sdxl.loras.fetching.links import Reach
from services.generator.sdxl.loras.fetching.pinned import Pinned, transports
from services.generator.sdxl.loras.figures import Figures
from services.generator.sdxl.loras.keeping.directory import Directory
from services.generator.sdxl.loras.keeping.files import Files
from services.generator.sdxl.loras.keeping.known import Known
from services.generator.sdxl.loras.library import Library, LibraryPlan, open_library
from services.generator.sdxl.loras.reading.file import ReadsLoras
from services.generator.sdxl.loras.reading.limits import ReadLimits
from services.generator.sdxl.loras.reading.names import Names
from services.generator.sdxl.loras.source import Source
from services.generator.sdxl.weights import LoraLibrary, LoraWeights
from services.generator.sdxl.wishes import FailureCode, NoPicture
from tests.eventually import eventually
from tests.generator.sdxl.loras.bits import OUT, PEFT_Q, TARGETS, Q, as_file, pair
from tests.generator.sdxl.loras.weights_server import (
    Answer,
    Asked,
    Store,
    head,
    never_ends,
    replies,
    resets,
    store,
    with_etag,
)

ADA = as_file(pair())
BEA = as_file(pair(f"unet.{OUT}"))
DAMAGED = as_file({f"{PEFT_Q}.lora_A.weight": torch.full((2, 6), torch.nan)})
LIMIT_S = 10.0


class Clock:
    """A clock that a test sets."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


class Shelf:
    """A store whose files a test changes, and libraries over one directory."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        self.contents = {"/ada": ('"a1"', ADA), "/bea": ('"b1"', BEA)}
        self.directory = directory
        self.store: Store
        self.clock = clock
        self.opened: list[Library] = []
        self._signed = 0

    def link(self, path: str = "/ada") -> str:
        """As signed a moment ago: no two are equal."""
        self._signed += 1
        return self.store.link(f"{path}?X-Amz-Signature=canary{self._signed}")

    def library(self, *, disk_bytes: int = 2**30, memory_bytes: int = 2**30) -> Library:
        plan = LibraryPlan(
            self.directory,
            Reach((), loopback=True),
            disk_bytes=disk_bytes,
            memory_bytes=memory_bytes,
        )
        library = open_library(plan, TARGETS, monotonic=self.clock)
        self.opened.append(library)
        return library

    @property
    def kept(self) -> set[str]:
        return {path.name for path in (self.directory / "files").iterdir()}


@pytest.fixture
async def shelf(tmp_path: Path, clock: Clock) -> AsyncIterator[Shelf]:
    found = Shelf(tmp_path / "loras", clock)
    async with store(with_etag(found.contents)) as serving:
        found.store = serving
        yield found
        for library in found.opened:
            await library.close()


@pytest.fixture
def logged() -> Iterator[list[object]]:
    with structlog.testing.capture_logs() as events:
        yield [events]


async def test_fetches_checks_and_remembers(shelf: Shelf) -> None:
    library: LoraLibrary = shelf.library()
    weights = await library.weights(shelf.link(), limit_s=LIMIT_S)
    assert set(weights.unet) == {Q}
    assert shelf.kept == {weights.sha256}


async def test_an_equal_link_is_not_asked_again_for_a_minute(shelf: Shelf, clock: Clock) -> None:
    library, link = shelf.library(), shelf.link()
    first = await library.weights(link, limit_s=LIMIT_S)
    clock.now += 59
    assert await library.weights(link, limit_s=LIMIT_S) is first
    assert len(shelf.store.asked) == 1
    clock.now += 2
    assert await library.weights(link, limit_s=LIMIT_S) is first
    assert len(shelf.store.asked) == 2
    figures = library.figures()
    assert figures == Figures(
        asked=3,
        memory_hits=2,
        unchanged=1,
        fetched=1,
        fetched_bytes=len(ADA),
        memory_bytes=first.size_bytes,
    )


async def test_another_link_to_an_unchanged_file_only_asks(shelf: Shelf) -> None:
    library = shelf.library()
    first = await library.weights(shelf.link(), limit_s=LIMIT_S)
    assert await library.weights(shelf.link(), limit_s=LIMIT_S) is first
    assert shelf.store.asked[1].headers["if-none-match"] == '"a1"'
    assert library.figures().fetched == 1


async def test_another_process_finds_the_file_on_the_disk(shelf: Shelf) -> None:
    first = await shelf.library().weights(shelf.link(), limit_s=LIMIT_S)
    other = shelf.library()
    again = await other.weights(shelf.link(), limit_s=LIMIT_S)
    assert again.sha256 == first.sha256
    assert torch.equal(again.unet[Q].up, first.unet[Q].up)
    assert (other.figures().fetched, other.figures().disk_hits) == (0, 1)


async def test_a_changed_file_is_fetched(shelf: Shelf) -> None:
    library = shelf.library()
    await library.weights(shelf.link(), limit_s=LIMIT_S)
    shelf.contents["/ada"] = ('"a2"', BEA)
    weights = await library.weights(shelf.link(), limit_s=LIMIT_S)
    assert set(weights.unet) == {OUT}


async def test_without_a_tag_a_file_is_fetched_each_time(shelf: Shelf) -> None:
    library = shelf.library()
    shelf.contents["/ada"] = ("", ADA)
    await library.weights(shelf.link(), limit_s=LIMIT_S)
    shelf.contents["/ada"] = ("", BEA)
    weights = await library.weights(shelf.link(), limit_s=LIMIT_S)
    assert set(weights.unet) == {OUT}
    assert library.figures().fetched == 2
    assert not list((shelf.directory / "known").iterdir())


async def test_a_tag_that_is_gone_is_forgotten(shelf: Shelf) -> None:
    library = shelf.library()
    for tag, content in (('"a1"', ADA), ("", BEA), ('"a1"', BEA)):
        shelf.contents["/ada"] = (tag, content)
        weights = await library.weights(shelf.link(), limit_s=LIMIT_S)
    assert set(weights.unet) == {OUT}


async def test_avatars_behind_one_path_are_not_mixed_up(tmp_path: Path) -> None:
    """A store that chooses the file by a parameter, and numbers every file's versions from one."""

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        body = ADA if "file=ada" in asked.target else BEA
        await with_etag({"/download": ('"1"', body)})(asked, writer)

    async with store(answer) as serving:
        plan = LibraryPlan(tmp_path, Reach((), loopback=True))
        library = open_library(plan, TARGETS)
        for name, path in (("ada", Q), ("bea", OUT), ("ada", Q)):
            link = serving.link(f"/download?file={name}&X-Amz-Signature=1")
            assert set((await library.weights(link, limit_s=LIMIT_S)).unet) == {path}


async def test_a_link_that_opens_nothing_gets_nothing(shelf: Shelf) -> None:
    """Though the file is in memory: everybody's own link is asked."""

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        allowed = with_etag(shelf.contents) if "good" in asked.target else replies(b"", 403)
        await allowed(asked, writer)

    async with store(answer) as serving:
        library = shelf.library()
        await library.weights(serving.link("/ada?signature=good"), limit_s=LIMIT_S)
        with pytest.raises(NoPicture, match="403"):
            await library.weights(serving.link("/ada?signature=bad"), limit_s=LIMIT_S)
        assert library.figures().failed_fetches == 1


async def test_many_at_once_fetch_and_read_once(shelf: Shelf) -> None:
    library, link = shelf.library(), shelf.link()
    same = [library.weights(link, limit_s=LIMIT_S) for _ in range(5)]
    signed = [library.weights(shelf.link(), limit_s=LIMIT_S) for _ in range(5)]
    found = await asyncio.gather(*same, *signed)
    assert len({id(weights) for weights in found}) == 1
    assert library.figures().fetched == 1
    assert len(shelf.store.asked) == 6


class Gate:
    """A store that answers when it may."""

    def __init__(self, then: Answer) -> None:
        self.open = asyncio.Event()
        self._then = then

    async def __call__(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        await self.open.wait()
        await self._then(asked, writer)


async def test_a_caller_who_goes_away_takes_nothing_with_him(shelf: Shelf) -> None:
    gate = Gate(with_etag(shelf.contents))
    async with store(gate) as serving:
        library, link = shelf.library(), serving.link("/ada")
        first, second = (
            asyncio.create_task(library.weights(link, limit_s=LIMIT_S)) for _ in range(2)
        )
        await eventually(lambda: serving.asked)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        gate.open.set()
        assert set((await second).unet) == {Q}
        assert len(serving.asked) == 1


async def test_what_came_too_late_is_there_for_the_next(shelf: Shelf) -> None:
    gate = Gate(with_etag(shelf.contents))
    async with store(gate) as serving:
        library, link = shelf.library(), serving.link("/ada")
        with pytest.raises(NoPicture, match="not here within 0 s") as caught:
            await library.weights(link, limit_s=0.05)
        assert caught.value.code is FailureCode.LORA_DOWNLOAD_FAILED
        gate.open.set()
        await library.weights(link, limit_s=LIMIT_S)
        assert len(serving.asked) == 1


HALF = head(200, content_length=2**23) + b"x" * 2**21


async def test_closing_leaves_nothing_half_written(shelf: Shelf) -> None:
    incoming = shelf.directory / "incoming"
    async with store(never_ends(HALF)) as serving:
        library = shelf.library()
        waiting = asyncio.create_task(library.weights(serving.link("/ada"), limit_s=LIMIT_S))
        await eventually(lambda: list(incoming.iterdir()))
        await library.close()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert not list(incoming.iterdir())


async def test_a_broken_download_leaves_nothing(shelf: Shelf) -> None:
    async with store(resets(HALF)) as serving:
        with pytest.raises(NoPicture, match="connection failed"):
            await shelf.library().weights(serving.link("/ada"), limit_s=LIMIT_S)
    assert not list((shelf.directory / "incoming").iterdir())
    assert not shelf.kept


async def test_a_spoiled_file_is_fetched_again(shelf: Shelf) -> None:
    link = shelf.link()
    sha256 = (await shelf.library().weights(link, limit_s=LIMIT_S)).sha256
    (shelf.directory / "files" / sha256).write_bytes(ADA[:-1] + b"!")
    library = shelf.library()
    weights = await library.weights(link, limit_s=LIMIT_S)
    assert weights.sha256 == sha256
    assert (library.figures().spoiled, library.figures().fetched) == (1, 1)
    assert (shelf.directory / "files" / sha256).read_bytes() == ADA


async def test_a_file_that_was_removed_is_fetched_again(shelf: Shelf, clock: Clock) -> None:
    library, link = shelf.library(memory_bytes=0), shelf.link()
    sha256 = (await library.weights(link, limit_s=LIMIT_S)).sha256
    (shelf.directory / "files" / sha256).unlink()
    assert (await library.weights(link, limit_s=LIMIT_S)).sha256 == sha256
    assert library.figures().fetched == 2


async def test_a_damaged_file_is_refused_but_not_fetched_again(shelf: Shelf) -> None:
    shelf.contents["/ada"] = ('"a1"', DAMAGED)
    library = shelf.library()
    for _ in range(2):
        with pytest.raises(NoPicture, match="counterpart") as caught:
            await library.weights(shelf.link(), limit_s=LIMIT_S)
        assert caught.value.code is FailureCode.LORA_LOAD_FAILED
    assert (library.figures().fetched, library.figures().refused) == (1, 2)
    shelf.contents["/ada"] = ('"a2"', ADA)
    assert await library.weights(shelf.link(), limit_s=LIMIT_S)


async def test_the_disk_keeps_no_more_than_it_may(shelf: Shelf) -> None:
    library = shelf.library(disk_bytes=len(ADA) + 1, memory_bytes=0)
    ada = await library.weights(shelf.link("/ada"), limit_s=LIMIT_S)
    bea = await library.weights(shelf.link("/bea"), limit_s=LIMIT_S)
    assert shelf.kept == {bea.sha256}
    assert (await library.weights(shelf.link("/ada"), limit_s=LIMIT_S)).sha256 == ada.sha256


async def test_a_disk_without_room_is_a_failed_download(
    shelf: Shelf, logged: list[object], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    library = shelf.library()
    incoming = shelf.directory / "incoming"
    incoming.rmdir()
    with pytest.raises(NoPicture, match="disk did not take the file") as caught:
        await library.weights(shelf.link(), limit_s=LIMIT_S)
    assert caught.value.code is FailureCode.LORA_DOWNLOAD_FAILED
    incoming.mkdir()
    await library.weights(shelf.link(), limit_s=LIMIT_S)
    assert "canary" not in f"{caught.value!r} {logged} {caplog.text}"
    assert "lora.found" in f"{logged}"


async def test_reading_does_not_hold_up_the_loop(shelf: Shelf) -> None:
    """The one who reads waits for what only the loop can give."""
    may_go_on = threading.Event()
    reads = ReadsLoras(Names(TARGETS), ReadLimits())

    def slowly(file: BufferedReader, sha256: str) -> LoraWeights:
        assert may_go_on.wait(LIMIT_S)
        return reads(file, sha256)

    plan = LibraryPlan(shelf.directory, Reach((), loopback=True))
    directory = Directory(shelf.directory)
    directory.prepare()
    files = Files(directory, plan.disk_bytes)
    source = Source(Downloads(Pinned(transports()), plan.reach), files, Known(directory, files))
    library = Library(plan, source, files, slowly)
    waiting = asyncio.create_task(library.weights(shelf.link(), limit_s=LIMIT_S))
    await eventually(lambda: shelf.kept)
    may_go_on.set()
    assert set((await waiting).unet) == {Q}
