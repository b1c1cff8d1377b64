"""The templates in memory."""

import asyncio
import json
import os
from pathlib import Path

import pytest

from services.gateway.adapters.template_file import TEMPLATES_FILE, TemplateFileError
from services.gateway.adapters.template_library import LOOK_EVERY_S, CachedLibrary


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "templates.json"
    path.write_text(TEMPLATES_FILE.read_text())
    return path


def write(path: Path, text: str) -> None:
    path.write_text(text)


def drop_first(path: Path) -> None:
    document = json.loads(path.read_text())
    document["templates"] = document["templates"][1:]
    path.write_text(json.dumps(document))


async def test_only_the_first_lookup_reads_the_file(file: Path) -> None:
    library = CachedLibrary(file)
    first = (await library.all())[0]
    assert await library.get(first.id) == first
    assert await library.get("none") is None
    assert library.performance.total_calls == 3
    assert library.performance.cache_misses == 1


async def test_lookups_at_once_read_the_file_once(file: Path) -> None:
    library = CachedLibrary(file)
    await asyncio.gather(*(library.all() for _ in range(20)))
    assert library.performance.cache_misses == 1


async def test_a_change_is_noticed_and_counts_as_a_miss(file: Path) -> None:
    clock = Clock()
    library = CachedLibrary(file, monotonic=clock)
    before, version = await library.all(), await library.version()
    drop_first(file)
    assert await library.all() == before
    clock.now = LOOK_EVERY_S
    assert await library.all() == before[1:]
    assert await library.get(before[0].id) is None
    assert await library.version() != version
    assert library.performance.cache_misses == 2


async def test_a_file_that_turns_bad_keeps_the_good_one_in_use(file: Path) -> None:
    clock = Clock()
    library = CachedLibrary(file, monotonic=clock)
    before = await library.all()
    write(file, "{broken")
    for second in range(1, 4):
        clock.now = second * LOOK_EVERY_S
        assert await library.all() == before
    assert library.performance.cache_misses == 2
    write(file, TEMPLATES_FILE.read_text())
    os.utime(file, (1, 1))
    clock.now += LOOK_EVERY_S
    assert await library.all() == before
    assert library.performance.cache_misses == 3


async def test_a_file_that_vanishes_keeps_the_good_one_in_use(file: Path) -> None:
    clock = Clock()
    library = CachedLibrary(file, monotonic=clock)
    before = await library.all()
    os.unlink(file)  # noqa: PTH108 - in a test that is async for the library alone
    clock.now = LOOK_EVERY_S
    assert await library.all() == before


async def test_a_file_that_is_bad_from_the_start_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TemplateFileError):
        await CachedLibrary(tmp_path / "none.json").all()


async def test_every_replica_names_the_same_version(file: Path) -> None:
    assert await CachedLibrary(file).version() == await CachedLibrary(TEMPLATES_FILE).version()
