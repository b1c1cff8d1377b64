"""One behaviour for every object store, the fake included."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from subprocess import run
from textwrap import dedent
from urllib.parse import parse_qs, urlsplit

import pytest

from services.storage.adapters.local_directory import LocalDirectory
from services.storage.ports import Area, DerivedFile, Found, ObjectMissing, ObjectStore
from shared import links
from shared.outcomes import GiveUp, TryLater
from tests.storage.fakes import MemoryObjects
from tests.storage.s3.server import S3Server, buckets, remote_store

KEY = "content/a/p_token.png"
SIGNING_KEY = bytes(32)


def local(root: Path) -> LocalDirectory:
    directory = LocalDirectory(root, base_url="http://h/objects", signing_key=SIGNING_KEY)
    directory.open()
    return directory


@pytest.fixture(params=["memory", "local_directory", "s3", "s3_in_one_bucket"])
async def objects(
    request: pytest.FixtureRequest, tmp_path: Path, s3: S3Server
) -> AsyncIterator[ObjectStore]:
    match request.param:
        case "memory":
            yield MemoryObjects()
        case "local_directory":
            yield local(tmp_path / "Ärger mit Räumen")
        case kind:
            async with (
                buckets(s3, together=kind == "s3_in_one_bucket") as layout,
                remote_store(s3, layout) as remote,
            ):
                yield remote.objects


async def test_the_same_bytes_again_are_fine(objects: ObjectStore) -> None:
    for _ in range(2):
        await objects.create(Area.PUBLIC, KEY, b"one", media_type="image/png")


async def test_other_bytes_never_replace_an_object(objects: ObjectStore) -> None:
    await objects.create(Area.PUBLIC, KEY, b"one", media_type="image/png")
    with pytest.raises(GiveUp):
        await objects.create(Area.PUBLIC, KEY, b"two", media_type="image/png")


def beside(*contents: bytes) -> list[DerivedFile]:
    return [
        DerivedFile(Area.PUBLIC, f"content/a/p_{number}.png", data, "image/png")
        for number, data in enumerate(contents)
    ]


async def test_several_are_created_together_and_again(objects: ObjectStore) -> None:
    files = beside(b"one", b"two")
    for _ in range(2):
        await objects.create_all(files)
    for file in files:
        assert await objects.read(file.area, file.key) == file.data


async def test_what_follows_another_ones_object_is_not_created(objects: ObjectStore) -> None:
    await objects.create_all(beside(b"another's"))
    one, two = beside(b"one", b"two")
    with pytest.raises(GiveUp):
        await objects.create_all([one, two])
    assert await objects.read(one.area, one.key) == b"another's"
    with pytest.raises(ObjectMissing):
        await objects.read(two.area, two.key)


async def test_deleting_what_is_not_there_is_fine(objects: ObjectStore) -> None:
    await objects.create(Area.PRIVATE, KEY, b"one", media_type="image/png")
    for _ in range(2):
        await objects.delete(KEY)
    await objects.create(Area.PRIVATE, KEY, b"two", media_type="image/png")


async def test_an_object_is_read_from_its_own_area_only(objects: ObjectStore) -> None:
    await objects.create(Area.REVIEW, KEY, b"one", media_type="image/png")
    assert await objects.read(Area.REVIEW, KEY) == b"one"
    for area in (Area.PUBLIC, Area.PRIVATE):
        with pytest.raises(ObjectMissing):
            await objects.read(area, KEY)


async def test_many_at_once_of_the_same_object_make_one(objects: ObjectStore) -> None:
    await asyncio.gather(
        *(objects.create(Area.PUBLIC, KEY, b"one", media_type="image/png") for _ in range(8))
    )


async def test_the_local_directory_keeps_whole_files_and_no_leftovers(tmp_path: Path) -> None:
    await local(tmp_path).create(Area.PUBLIC, KEY, b"x" * 10**6, media_type="image/png")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files == [tmp_path / "public" / KEY]
    assert files[0].stat().st_size == 10**6


async def test_keys_are_found_by_their_beginning_in_every_area(objects: ObjectStore) -> None:
    for area, key in ((Area.PUBLIC, "content/a/p_1.png"), (Area.REVIEW, "content/a/p_2.png")):
        await objects.create(area, key, b"one", media_type="image/png")
    await objects.create(Area.PUBLIC, "content/a/q_1.png", b"one", media_type="image/png")
    assert set(await objects.keys("content/a/p_")) == {"content/a/p_1.png", "content/a/p_2.png"}
    assert set(await objects.keys("content/nobody/p_")) == set()


async def test_old_files_are_those_of_every_area_that_have_lain_there_long_enough(
    objects: ObjectStore,
) -> None:
    kept = {Found(area, f"content/{area.value}/p_1.png") for area in Area}
    for file in kept:
        await objects.create(file.area, file.key, b"one", media_type="image/png")

    async def older_than(age_s: float) -> set[Found]:
        pages = objects.old_files("content/", older_than_s=age_s)
        return {file async for page in pages for file in page if "probe" not in file.key}

    assert await older_than(-60) == kept
    if not isinstance(objects, MemoryObjects):
        assert await older_than(60) == set()


async def test_a_copy_in_one_area_goes_and_those_in_others_stay(objects: ObjectStore) -> None:
    for area in Area:
        await objects.create(area, KEY, b"one", media_type="image/png")
    for _ in range(2):
        await objects.delete_from(Area.PRIVATE, KEY)
    with pytest.raises(ObjectMissing):
        await objects.read(Area.PRIVATE, KEY)
    for area in (Area.PUBLIC, Area.REVIEW):
        assert await objects.read(area, KEY) == b"one"


async def test_a_large_object_comes_back_as_it_was(objects: ObjectStore) -> None:
    data = os.urandom(3 * 2**20)
    await objects.create(Area.PRIVATE, KEY, data, media_type="image/png")
    assert await objects.read(Area.PRIVATE, KEY) == data


async def test_an_area_does_not_show_another_ones_object_under_any_name(
    objects: ObjectStore,
) -> None:
    for area in (Area.REVIEW, Area.PUBLIC):
        await objects.create(area, KEY, b"one", media_type="image/png")
    names = {f"{area.value}/{KEY}" for area in Area} | {KEY, f"/{KEY}", f"./{KEY}", f"../{KEY}"}
    for name in names:
        with pytest.raises((ObjectMissing, TryLater)):
            await objects.read(Area.PRIVATE, name)


async def test_a_folder_may_vanish_while_files_come_into_it(tmp_path: Path) -> None:
    directory = local(tmp_path)

    async def come_and_go(number: int) -> None:
        for _ in range(50):
            key = f"content/avatar/{number}.png"
            await directory.create(Area.PUBLIC, key, b"one", media_type="image/png")
            await directory.delete(key)

    await asyncio.gather(*(come_and_go(number) for number in range(8)))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


async def test_areas_are_closed_to_other_users_of_the_machine(tmp_path: Path) -> None:
    local(tmp_path)
    assert {area: (tmp_path / area).stat().st_mode & 0o777 for area in Area} == dict.fromkeys(
        Area, 0o700
    )


async def test_an_unwritable_directory_makes_work_wait(tmp_path: Path) -> None:
    directory = local(tmp_path)
    (tmp_path / "public" / "content").write_text("a file where a folder should be")
    with pytest.raises(TryLater):
        await directory.create(Area.PUBLIC, KEY, b"one", media_type="image/png")


async def test_a_signed_link_opens_its_object_until_it_expires(tmp_path: Path) -> None:
    link = urlsplit(await local(tmp_path).sign(KEY, expires_s=60))
    query = {name: values[0] for name, values in parse_qs(link.query).items()}
    expires_at, given = int(query["expires"]), query["signature"]
    assert link.path == f"/objects/{KEY}"
    assert links.is_valid(SIGNING_KEY, KEY, expires_at, given, now=expires_at - 1)
    assert not links.is_valid(SIGNING_KEY, KEY, expires_at, given, now=expires_at)
    assert not links.is_valid(SIGNING_KEY, "content/a/other.png", expires_at, given, now=0)
    assert not links.is_valid(SIGNING_KEY, KEY, expires_at + 1, given, now=0)


async def test_a_link_for_reviewers_opens_nothing_else_and_no_other_opens_what_is_held(
    tmp_path: Path,
) -> None:
    for in_review in (True, False):
        link = urlsplit(await local(tmp_path).sign(KEY, expires_s=60, in_review=in_review))
        query = {name: values[0] for name, values in parse_qs(link.query).items()}
        given, at = query["signature"], int(query["expires"])
        assert ("review" in query) == in_review
        for asked in (True, False):
            opens = links.is_valid(SIGNING_KEY, KEY, at, given, now=0, in_review=asked)
            assert opens == (asked == in_review)


def test_what_is_held_for_review_has_no_address(tmp_path: Path) -> None:
    assert not local(tmp_path).link(Area.REVIEW, KEY).startswith("http")


async def test_a_file_whose_writing_was_cut_off_is_removed_after_a_while(tmp_path: Path) -> None:
    directory = local(tmp_path)
    left, fresh = (tmp_path / ".unfinished" / f"{name}.part" for name in ("left", "fresh"))
    for part in (left, fresh):
        part.write_bytes(b"half")
    os.utime(left, (time.time() - 200, time.time() - 200))
    assert await directory.clear_unfinished() == 1
    assert (left.exists(), fresh.exists()) == (False, True)


@pytest.mark.parametrize("nameless", [True, False], ids=["nameless", "named"])
def test_a_file_is_there_whole_and_once(tmp_path: Path, *, nameless: bool) -> None:
    program = dedent(f"""
        import os, sys
        from pathlib import Path
        {"" if nameless else "del os.O_TMPFILE"}
        from services.storage.adapters import new_file
        root = Path(sys.argv[1])
        contents = b"first" * 10**6, b"second"
        with new_file.written(contents, unfinished=root) as names:
            print(*(name(root / "a" / "b.png") for name in names))
    """)
    done = run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, check=True)
    assert done.stdout.split() == [b"True", b"False"]
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / "a" / "b.png"]
    assert (tmp_path / "a" / "b.png").stat().st_size == 5 * 10**6


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="this system has no nameless files")
def test_a_writer_that_is_killed_leaves_nothing(tmp_path: Path) -> None:
    program = dedent("""
        import os, signal, sys
        from pathlib import Path
        from services.storage.adapters import new_file
        os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
        root = Path(sys.argv[1])
        with new_file.written([b"half"], unfinished=root) as (name,):
            name(root / "b.png")
    """)
    done = run([sys.executable, "-c", program, str(tmp_path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert list(tmp_path.iterdir()) == []


def test_contents_names_and_new_folders_are_durable_in_this_order(tmp_path: Path) -> None:
    program = dedent("""
        import os, sys
        from pathlib import Path
        from services.storage.adapters import new_file
        root = Path(sys.argv[1])
        sync, link = os.fsync, os.link
        def syncing(descriptor):
            folder = os.path.isdir(descriptor)
            print(Path(os.readlink(f"/proc/self/fd/{descriptor}")).name if folder else "content")
            sync(descriptor)
        def linking(source, path, **how):
            link(source, path, **how)
            print(path.name)
        os.fsync, os.link = syncing, linking
        for contents in (b"one", b"two"), (b"again",):
            with new_file.written(contents, unfinished=root) as names:
                for number, name in enumerate(names):
                    name(root / "a" / "b" / f"{number}.png")
    """)
    root = tmp_path / "root"
    root.mkdir()
    done = run([sys.executable, "-c", program, str(root)], capture_output=True, check=True)
    first = ["content", "content", "a", "root", "0.png", "1.png", "b"]
    # The name was there: whoever gave it may have died before it was durable.
    again = ["content", "b"]
    assert done.stdout.decode().split() == first + again
